"""The options for results of other tools: what they turn into, and which of them are refused where."""

import argparse
from pathlib import Path

import pytest
from scipy import stats

from ablate.core.errors import UsageError
from ablate.report.import_options import add_options, imported
from ablate.stats.contrasts import every_contrast
from ablate.stats.outcomes import Outcomes

ROWS = [("base", 0, 0.5), ("ours", 0, 0.7), ("base", 1, 0.4), ("ours", 1, 0.8), ("base", 2, 0.6), ("ours", 2, 0.7)]
TEXT = "method,seed,accuracy\n" + "".join(f"{method},{seed},{value}\n" for method, seed, value in ROWS)


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "results.csv").write_text(TEXT)
    return tmp_path / "results.csv"


def test_everything_is_guessed_and_said_in_one_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = imported(path, options(), [])
    results, metrics = read.results(), read.metrics
    assert capsys.readouterr().out == f"ablate: {path}: factors method; seed seed; metric accuracy.\n"
    assert metrics == ("accuracy",)
    (found,) = every_contrast(Outcomes.of(results, "accuracy"))
    values = {method: [value for name, _, value in ROWS if name == method] for method in ("base", "ours")}
    reference = stats.ttest_rel(values["ours"], values["base"])
    assert found.interval() == pytest.approx(tuple(reference.confidence_interval()))


def test_what_is_named_is_taken_and_nothing_is_said(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = options("--factors", "method", "--seed", "seed", "--baseline", "method=ours", "--lower-is-better")
    results = imported(path, given, ["accuracy"]).results()
    assert capsys.readouterr().out == ""
    assert [str(level) for level in results.factors["method"]] == ["ours", "base"]
    assert results.metrics["accuracy"].better == "lower"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--delimiter", "semicolon", "--decimal", ","], TEXT.replace(",", ";").replace(".", ",")),
        (["--delimiter", "tab"], TEXT.replace(",", "\t")),
        (["--delimiter", "|"], TEXT.replace(",", "|")),
    ],
)
def test_the_signs_of_a_file_may_be_named(tmp_path: Path, arguments: list[str], text: str) -> None:
    (tmp_path / "results.csv").write_text(text)
    results = imported(tmp_path / "results.csv", options(*arguments), []).results()
    assert results.values["accuracy"].tolist() == [value for _, _, value in ROWS]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "ours"], "--baseline ours: expected FACTOR=LEVEL, such as method=base."),
        (["--delimiter", "comma!"], "--delimiter comma!: expected one character, or one of "),
    ],
)
def test_values_that_cannot_be_used_are_refused(path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        imported(path, options(*arguments), [])
    assert str(refused.value).startswith(message)


def test_what_was_guessed_is_said_before_the_rows_are_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(TEXT + "base,0,0.9\n")
    with pytest.raises(UsageError, match=r"line 2 and .*line 8 are both method=base, seed 0"):
        imported(path, options(), []).results()
    assert capsys.readouterr().out == f"ablate: {path}: factors method; seed seed; metric accuracy.\n"
