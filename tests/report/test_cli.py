"""`python -m ablate.report` as a user types it; only the first test starts a process for it."""

import json
import random
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.report.cli import main
from tests.conftest import APPS, Command
from tests.report.studies import write_runs

Reported = Callable[..., tuple[str, str]]

TRIVIAL = str(APPS / "trivial.py")
CLAIM = "{id: A, says: more x scores more, kind: contrast, contrast: {factor: x, from: 1, to: 2}, metric: score, expects: higher, margin: 0.5}"

# Five folds, two classifiers by two feature sets; a table such as papers print, made by hand
FOLDS = """model,features,fold,mistakes
svm,raw,1,12.1
svm,raw,2,11.4
svm,raw,3,12.9
svm,raw,4,12.0
svm,raw,5,11.8
forest,raw,1,10.0
forest,raw,2,9.5
forest,raw,3,10.6
forest,raw,4,9.9
forest,raw,5,9.9
"""
CLAIMS = """
- {id: forest, says: Forests err less, kind: contrast, contrast: {factor: model, from: svm, to: forest}, metric: mistakes, expects: lower, margin: 0.5}
"""
OPTIONS = ["--factors", "model", "--seed", "fold", "--metric", "mistakes"]


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reported:
    """Runs the command in this process, in the folder of the test; returns its standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments: str, status: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["report", *arguments])
        code: str | int | None = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        assert code == status, said
        return said.out, said.err

    return run


def test_a_csv_file_is_judged_without_a_run(command: Command, tmp_path: Path) -> None:
    """By hand: the differences are -2.1, -1.9, -2.3, -2.1, -1.9: mean -2.06, sd 0.16733, se 0.07483, t(4) = 2.776."""
    (tmp_path / "folds.csv").write_text(FOLDS)
    (tmp_path / "claims.yaml").write_text(CLAIMS)
    out = command("-m", "ablate.report", "folds.csv", *OPTIONS, "--claims", "claims.yaml").stdout
    (verdict,) = json.loads((tmp_path / "folds-report" / "verdicts.json").read_text())
    assert verdict["verdict"] == "supported"
    assert verdict["estimate"] == pytest.approx(-2.06)
    assert verdict["se"] == pytest.approx(0.07483, rel=1e-3)
    assert (verdict["low"], verdict["high"]) == pytest.approx((-2.06 - 2.7764 * 0.07483, -2.06 + 2.7764 * 0.07483), rel=1e-3)
    assert "supported" in out
    assert not (tmp_path / "outputs").exists()


def test_a_claim_that_the_file_cannot_test_is_refused(report: Reported, tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text(FOLDS)
    (tmp_path / "claims.yaml").write_text(CLAIMS.replace("to: forest", "to: tree"))
    _, said = report("folds.csv", *OPTIONS, "--claims", "claims.yaml", status=2)
    assert said == "ablate: claim forest: model has no level tree; available: svm, forest.\n"
    _, said = report("folds.csv", *OPTIONS, "--baseline", "model=tree", status=2)
    assert said == "ablate: --baseline model=tree: model has no level tree; available: svm, forest.\n"


def test_what_is_not_named_is_guessed_and_said_in_one_line(report: Reported, tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text(FOLDS.replace(",", ";").replace("features", "path"))
    out, _ = report("folds.csv", "--lower-is-better", "--baseline", "model=forest")
    assert out.startswith("ablate: folds.csv: delimiter semicolon; factors model; seed fold; metric mistakes.\n")
    assert "\n2 configurations, 5 seeds.\n" in out
    assert "svm" in out.partition("Report:")[0].rpartition("forest")[2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{a: 1}", "ablate: --claims claims.yaml: the file should contain a list of claims, or the key claims.\n"),
        ("{a: [", "ablate: claims.yaml is not valid YAML"),
        (CLAIMS + "  budgets: [1]", "ablate: claims.yaml is not valid YAML"),
        ("{claims: [], budgets: [1]}", "ablate: --claims claims.yaml: budgets should map metrics to numbers"),
        (
            "{claims: [], budget: {}}",
            "ablate: --claims claims.yaml: unknown key 'budget'; available: claims, chance, budgets.\n",
        ),
        (
            CLAIMS.replace("expects", "metric: loss, expects").replace("metric: mistakes, ", ""),
            "ablate: claim forest is about loss: add it to --metric, after the metric to compare.\n",
        ),
    ],
)
def test_a_file_of_claims_that_is_none_is_refused(report: Reported, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "folds.csv").write_text(FOLDS)
    (tmp_path / "claims.yaml").write_text(content)
    _, error = report("folds.csv", *OPTIONS, "--claims", "claims.yaml", status=2)
    assert error.startswith(said)


def test_a_claim_without_a_metric_is_about_the_first_one(report: Reported, tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text(FOLDS)
    (tmp_path / "claims.yaml").write_text(CLAIMS.replace("metric: mistakes, ", ""))
    report("folds.csv", *OPTIONS, "--claims", "claims.yaml")
    (verdict,) = json.loads((tmp_path / "folds-report" / "verdicts.json").read_text())
    assert (verdict["metric"], verdict["verdict"]) == ("mistakes", "supported")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch.csv", *OPTIONS], "ablate: nosuch.csv: there is no such file, folder or study; studies in outputs/: none.\n"),
        (["outputs/nowhere"], "ablate: outputs/nowhere: there is no such file, folder or study; "),
        (["folds.csv", *OPTIONS, "--output", "folds.csv"], "ablate: the report cannot be written to folds.csv ("),
    ],
)
def test_what_is_not_there_or_cannot_be_written_is_one_line(
    report: Reported, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "folds.csv").write_text(FOLDS)
    _, error = report(*arguments, status=2)
    assert error.startswith(said)


def test_where_a_report_cannot_be_written_the_message_says_what_can_be_done(report: Reported, tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text(FOLDS)
    (tmp_path / "folds-report").write_text("a file")
    _, error = report("folds.csv", *OPTIONS, status=2)
    assert error.endswith("(Not a directory). Name another folder with --output.\n")
    write_runs(tmp_path / "outputs" / "s", [{"stem": "a"}, {"stem": "b"}], 5)
    (tmp_path / "outputs" / "s" / "report").write_text("a file")
    _, error = report("s", status=2)
    assert error.endswith("(Not a directory). `ablate show outputs/s` prints it.\n")


def test_a_committed_verdict_is_held(command: Command, report: Reported, tmp_path: Path) -> None:
    """Five seeds support the claim. With the levels' names exchanged in what was committed, it is broken: status 4."""
    command(TRIVIAL, "-m", "x=1,2", f"study.claims=[{CLAIM}]", "study.seeds=5", "study.name=s", "study.report=true")
    verdicts = tmp_path / "outputs" / "s" / "report" / "verdicts.json"
    out, _ = report("s", "--check", str(verdicts))  # by its name
    assert out.endswith("verdicts.json: all decided verdicts hold.\n")
    for was, status in (("inconclusive", 0), ("contradicted", 4)):
        (tmp_path / "was.json").write_text(verdicts.read_text().replace('"supported"', f'"{was}"'))
        _, error = report("outputs/s", "--check", "was.json", status=status)
    assert error.startswith("ablate: A was contradicted, and is supported: adjusted p ")


def test_a_file_to_check_that_cannot_be_read_is_refused(command: Command, report: Reported, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    (tmp_path / "torn.json").write_text('[{"id": "A"')
    (tmp_path / "other.json").write_text('{"id": "A"}')
    _, error = report("outputs/s", "--check", "torn.json", status=2)
    assert error.startswith("ablate: torn.json is not valid JSON")
    _, error = report("outputs/s", "--check", "other.json", status=2)
    assert error == "ablate: --check other.json: the file should be the verdicts.json of a report.\n"
    _, error = report("outputs/s", "--seed", "score", status=2)
    assert error == "ablate: --seed is for a CSV or JSON file, but outputs/s is a folder: leave the option out.\n"
    _, error = report("outputs/s", "--metric", "skore", status=2)
    assert error.startswith("ablate: unknown metric 'skore'; available: score")
    out, _ = report("outputs/s", "--metric", "score: title=Points, unit=pt, digits=3")
    assert "Points (pt)" in out


def test_a_metric_of_a_csv_file_is_described_on_the_command_line(report: Reported, tmp_path: Path) -> None:
    (tmp_path / "folds.csv").write_text(FOLDS)
    out, _ = report("folds.csv", *OPTIONS[:4], "--metric", "mistakes: title=Mistakes, unit=of 100, digits=1, better=lower")
    assert "Mistakes (of 100)" in out
    tex = (tmp_path / "folds-report" / "tables" / "ablation.tex").read_text()
    assert r"\caption{Ablation, folds.csv: Mistakes. Mean" in tex
    assert "lower is better" in tex
    _, error = report("folds.csv", *OPTIONS[:4], "--metric", "mistakes: better=up", status=2)
    assert error == "ablate: metrics.mistakes.better=up: expected higher, lower, or null.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "columns", "runs", "seeds"), [(50, 50, 20, True), (50, 50, 20, False), (5, 10, 1000, True)], ids=str
)
def test_the_time_of_a_report_does_not_grow_out_of_hand(
    tmp_path: Path, rows: int, columns: int, runs: int, seeds: bool
) -> None:
    """Of 50,000 rows: 10 to 20 seconds of CPU time on a quiet machine; each of these once took minutes."""
    draw = random.Random(0)
    lines = [
        f"{row},{column},{draw.gauss(0.5, 0.01):.5f}{f',{seed}' if seeds else ''}\n"
        for seed in range(runs)
        for row in range(rows)
        for column in range(columns)
    ]
    (tmp_path / "large.csv").write_text(f"row,column,accuracy{',seed' if seeds else ''}\n{''.join(lines)}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "ablate.report", "large.csv", "--factors", "row,column", "--metric", "accuracy"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (tmp_path / "large-report" / "index.html").exists()
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 60
