"""Claims of a study, from its start to its verdicts, through the real command."""

import json
from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.engine import claims
from ablate.storage.manifest import StudyManifest
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")
CLAIM = "{id: A, says: more x scores more, kind: contrast, contrast: {factor: x, from: 1, to: 2}, metric: score, expects: higher, margin: 0.5}"
REPORT = "study.report=true"


def verdicts(study: Path) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in json.loads((study / "report" / "verdicts.json").read_text())}


def test_a_study_that_is_decided_at_its_first_look_stops_there(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2", f"study.claims=[{CLAIM}]", "study.until=decided", REPORT)
    assert "Minimum detectable effect at 5 seeds (1 primary claim, 80 % power)" in answer.stdout
    assert "10 finished" in answer.stdout
    assert "supported" in answer.stdout
    assert verdicts(tmp_path / "outputs" / "x") == {"A": "supported"}


def test_an_undecided_study_goes_on_look_by_look_up_to_its_limit(command: Command, tmp_path: Path) -> None:
    """The levels of `rule` under x=0 are the same number: equivalent within any margin, but noisy of itself."""
    noisy = CLAIM.replace("factor: x, from: 1, to: 2", "factor: rule, from: plus, to: noisy")
    answer = command(
        TRIVIAL,
        "-m",
        "rule=plus,noisy",
        "x=1",
        f"study.claims=[{noisy}]",
        "study.until=decided",
        "study.max_seeds=8",
        REPORT,
        "study.name=s",
    )
    assert "Not every primary claim is decided with 5 seeds: continuing to 8." in answer.stdout
    assert verdicts(tmp_path / "outputs" / "s") == {"A": "inconclusive"}
    assert len(list((tmp_path / "outputs" / "s").glob("runs/*/*/run.json"))) == 16


LOOKS = f"""
import ablate

@ablate.main({str(APPS / "conf")!r})
def train(cfg, run):
    if cfg.x == 3:
        raise RuntimeError("it fails")
    return {{"score": run.stream(str(cfg.x)).normal(), "deadline": run.deadline}}

train()
"""


def test_the_looks_of_a_command_share_its_time_limit_and_the_runs_that_failed(command: Command, tmp_path: Path) -> None:
    """A run that failed at the first look is not repeated at the second, and is counted at the end."""
    (tmp_path / "looks.py").write_text(LOOKS)
    answer = command(
        "looks.py",
        "-m",
        "x=1,2,3",
        f"study.claims=[{CLAIM}]",
        "study.looks=[5,6]",
        "study.until=decided",
        "study.max_hours=1",
        "study.report=false",
        "study.name=s",
        status=1,
    )
    assert "continuing to 6." in answer.stdout
    assert "6 failed, 2 finished, 10 kept" in answer.stdout
    records = [json.loads(path.read_text()) for path in (tmp_path / "outputs" / "s").glob("runs/*/*/run.json")]
    assert [record["attempts"] for record in records] == [1] * 18
    assert len({record["metrics"]["deadline"] for record in records if record["metrics"]}) == 1


def test_below_five_seeds_there_is_no_verdict_and_no_p_value(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2", f"study.claims=[{CLAIM}]", "study.seeds=4", REPORT)
    assert "No verdict below 5 seeds" in answer.stdout
    (row,) = json.loads((tmp_path / "outputs" / "x" / "report" / "verdicts.json").read_text())
    assert (row["verdict"], row["p"], row["p_support"], row["n"]) == ("inconclusive", None, None, 4)
    assert "p =" not in (tmp_path / "outputs" / "x" / "report" / "report.md").read_text()


def test_what_decides_claims_is_settled_with_them(command: Command, tmp_path: Path) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2", "study.name=s"]
    command(*sweep, f"study.claims=[{CLAIM}]", "study.chance={score: 0}")
    command(*sweep, "seed=0,1")  # more seeds, without a word of claims
    assert StudyManifest.read(tmp_path / "outputs" / "s").description["metrics"]["score"]["chance"] == 0
    answer = command(*sweep, "study.chance={score: 3}", status=2)
    assert (
        "the chance of score is fixed with the claims of outputs/s: it was 0 and is now 3. A sweep with another study.name may describe it so."
        in answer.stderr
    )


@pytest.mark.slow
def test_claims_that_come_after_the_runs_are_marked(command: Command, tmp_path: Path) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2", "study.seeds=5", "study.name=s", REPORT]
    assert "were added after" not in command(*sweep[:-2], "study.name=t", REPORT, f"study.claims=[{CLAIM}]").stdout
    command(*sweep)
    assert "The claims were added after 10 runs were finished." in command(*sweep, f"study.claims=[{CLAIM}]").stdout
    assert "The claims were added after 10 runs were finished." in command(*sweep).stdout
    (tmp_path / "outputs" / "s" / "study.yaml").write_text("")
    assert "study.yaml cannot be read (it is not a mapping)" in command(*sweep, status=2).stderr


def test_claims_are_settled_when_the_study_begins(command: Command) -> None:
    command(TRIVIAL, "-m", "x=1,2", f"study.claims=[{CLAIM}]", "study.name=s")
    command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    other = CLAIM.replace("0.5", "0.1")
    answer = command(TRIVIAL, "-m", "x=1,2", f"study.claims=[{other}]", "study.name=s", status=2)
    assert (
        answer.stderr
        == "ablate: the claims of outputs/s are fixed since its start; these differ: A. Choose another study.name.\n"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("factor: x", "factor: y"), "claim A: y is not a factor of this study; available: x."),
        (("to: 2", "to: 3"), "claim A: x has no level 3; available: 1, 2."),
        (("higher, margin: 0.5", "equivalent"), "claim A: margin is missing"),
        (("kind: contrast", "kind: hunch"), "claim A: kind=hunch: expected one of contrast, interaction"),
        (("margin: 0.5", "margin: 0.5, where: {rule: minus}"), "claim A: no cell matches where rule=minus"),
    ],
)
def test_a_claim_that_cannot_be_tested_is_refused_before_anything_runs(
    command: Command, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2", f"study.claims=[{CLAIM.replace(*change)}]", status=2)
    assert answer.stderr.startswith(f"ablate: {said}")
    assert not (tmp_path / "outputs").exists()


def test_a_path_runs_what_each_seed_drew(command: Command, tmp_path: Path) -> None:
    """Five changes: 2k cells a seed at most, of 32."""
    factors = ["x=1,2", "rule=plus,minus", "sleeps=0,0.001", "+a=1,2", "+b=1,2"]
    command(TRIVIAL, "-m", *factors, "study.design=path", "study.seeds=2", "study.name=s")
    for seed in (1, 2):
        assert 6 <= len(list((tmp_path / "outputs/s/runs").glob(f"*/seed={seed}"))) <= 10
    answer = command(TRIVIAL, "-m", "x=1,2,3", "study.design=path", status=2)
    assert answer.stderr == "ablate: study.design=path needs two levels of each factor: x has 3 levels.\n"


def test_what_a_claim_needs_is_said_before_the_sweep() -> None:
    claim = {
        "id": "A",
        "says": "s",
        "kind": "contrast",
        "contrast": {"factor": "x", "from": 1, "to": 2},
        "expects": "higher",
        "needs": {"budget": "article"},
    }
    said = claims.check(StudyManifest(claims=[claim], factors={"x": [1, 2]}), {"budget": Level.of("quick")}, 5)
    assert said[0] == "A will not be tested: it needs budget=article; this study has budget=quick."
    with pytest.raises(UsageError, match="claim A: this id is used twice"):
        claims.check(StudyManifest(claims=[claim, claim], factors={"x": [1, 2]}), {}, 5)


def test_a_claim_about_a_metric_that_no_run_will_have_is_refused_before_the_sweep(command: Command) -> None:
    claim = (
        "{id: A, says: s, kind: contrast, contrast: {factor: model.dropout, from: true, to: false}, "
        "metric: final_test_accuracy - articel_final_test_accuracy, expects: higher}"
    )
    answer = command(
        "-m",
        "ablate.run",
        "-m",
        "data=builtin",
        "budget=smoke",
        "model.dropout=true,false",
        f"study.claims=[{claim}]",
        status=2,
    )
    assert "claim A: unknown metric 'articel_final_test_accuracy'; available: " in answer.stderr
    assert "finished" not in answer.stdout


def test_a_number_that_has_to_match_needs_no_seeds() -> None:
    exact = {"id": "A", "says": "s", "kind": "exact", "value": 3, "metric": "parameters"}
    assert claims.check(StudyManifest(claims=[exact], factors={"x": [1, 2]}), {}, 1) == []
    contrast = {"factor": "x", "from": 1, "to": 2}
    other = {"id": "B", "says": "s", "kind": "contrast", "contrast": contrast, "expects": "higher"}
    assert "at 5 seeds (1 primary claim," in claims.check(StudyManifest(claims=[exact, other], factors={"x": [1, 2]}), {}, 5)[0]


@pytest.mark.slow
def test_a_sweep_of_built_in_images_stops_at_the_look_that_decides(command: Command, tmp_path: Path) -> None:
    """A training that moves no weight learns nothing: five seeds see it, and nobody asks for eight."""
    claim = (
        "{id: rate, says: a rate of 0.01 learns more than none at all, kind: contrast, metric: final_train_loss, "
        "contrast: {factor: optimizer.learning_rate, from: 0.0, to: 0.01}, expects: lower, margin: 0.001}"
    )
    small = [
        "data=builtin",
        "budget=smoke",
        "budget.epochs=10",
        "model.widths=[8,12,16]",
        "stem=direct",
        "threads=1",
        "device=cpu",
    ]
    sweep = ["-m", "ablate.run", "-m", "optimizer.learning_rate=0.0,0.01", *small, "study.name=s", "study.until=decided"]
    answer = command(*sweep, f"study.claims=[{claim}]")
    assert "10 finished" in answer.stdout
    assert "continuing to 8" not in answer.stdout
    assert "look 1 at 5 seeds" in (tmp_path / "outputs" / "s" / "report" / "report.md").read_text()
    assert verdicts(tmp_path / "outputs" / "s") == {"rate": "supported"}
