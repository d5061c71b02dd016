"""The results of another program: how they were read, and which settings are refused where."""

from pathlib import Path

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.imported import read_source
from ablate.importers.sources import Source, detect
from ablate.importers.table import Roles

ROWS = pd.DataFrame({"method": ["a", "b"] * 2, "seed": [0, 0, 1, 1], "accuracy": ["50%", "60%", "52%", "61%"]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ROWS.to_csv(tmp_path / "results.csv", index=False, sep=";")
    return tmp_path / "results.csv"


@pytest.fixture
def store(tmp_path: Path) -> Source:
    run = tmp_path / "lightning_logs" / "version_0"
    run.mkdir(parents=True)
    (run / "hparams.yaml").write_text("lr: 0.1\n")
    (run / "metrics.csv").write_text("step,accuracy\n0,0.5\n")
    source = detect(tmp_path / "lightning_logs")
    assert source is not None
    return source


def test_what_was_recognized_and_guessed_is_kept(path: Path) -> None:
    found = read_source(path)
    assert (found.table.source, found.metrics) == (str(path), ("accuracy",))
    assert found.notes == ("delimiter semicolon", "accuracy: percent signs, read as fractions")
    assert found.guessed == "factors method; seed seed; metric accuracy"
    assert found.results().values["accuracy"].tolist() == pytest.approx([0.5, 0.6, 0.52, 0.61])
    assert read_source(path, Roles(("method",), ("accuracy",), "seed")).guessed == ""


def test_lower_is_better_for_the_first_metric_that_is_found(path: Path) -> None:
    assert read_source(path).results().metrics["accuracy"].better == "higher"
    assert read_source(path, lower_is_better=True).results().metrics["accuracy"].better == "lower"


def test_a_data_frame_is_read_as_its_file_would_be(path: Path) -> None:
    frame, file = read_source(ROWS).results(), read_source(path).results()
    pd.testing.assert_frame_equal(frame.values, file.values)
    pd.testing.assert_frame_equal(frame.levels, file.levels)
    assert frame.runs["directory"].tolist() == ["row 0", "row 1", "row 2", "row 3"]


def test_settings_of_another_source_are_refused(path: Path, store: Source) -> None:
    with pytest.raises(
        UsageError, match=r"--files is for a folder or store of another tool, but .*results\.csv is a text file"
    ):
        read_source(path, files="*.csv")
    with pytest.raises(UsageError, match=r"--decimal is for a CSV file, but .* is .*: leave the option out"):
        read_source(store, decimal=",")
    with pytest.raises(UsageError, match="--experiment is not for a data frame"):
        read_source(ROWS, experiment="x")


@pytest.mark.parametrize(("name", "value"), [("delimiter", "comma!"), ("decimal", "'"), ("encoding", "utf-99")])
def test_unusable_settings_of_a_file_are_refused(path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"--{name} {value}: "):
        read_source(path, **{name: value})  # type: ignore[arg-type]


def test_a_comma_in_the_name_of_a_metric_does_not_separate() -> None:
    rows = ROWS.assign(accuracy=[0.1, 0.2, 0.3, 0.4]).rename(columns={"accuracy": "acc,none"}).assign(f1=[0.5, 0.6, 0.7, 0.8])
    assert read_source(rows, Roles(metrics=("acc", "none", "f1"))).metrics == ("acc,none", "f1")
    assert read_source(rows, Roles(metrics=("f1", "acc", "none"))).metrics == ("f1", "acc,none")
    assert read_source(rows, Roles(metrics=("acc,none",))).metrics == ("acc,none",)
    both = rows.assign(acc=[0.1, 0.2, 0.3, 0.4], none=[1.5, 1.6, 1.7, 1.8])
    assert read_source(both, Roles(metrics=("acc", "none"))).metrics == ("acc", "none")


def test_a_named_metric_may_be_true_or_false_and_a_column_that_is_guessed_stays_a_factor(tmp_path: Path) -> None:
    rows = pd.DataFrame({"method": ["a", "b"] * 4, "flip": [True, True, False, False] * 2, "seed": [0] * 4 + [1] * 4})
    rows["success"] = [True, False, True, True] * 2
    rows["acc"] = [0.5, 0.6, 0.7, 0.8] * 2
    rows.to_csv(tmp_path / "r.csv", index=False)
    for source in (rows, tmp_path / "r.csv"):
        found = read_source(source, Roles(metrics=("success",)))
        assert found.notes == ("success: true and false, read as 1 and 0",)
        assert found.results().values["success"].tolist() == [1, 0, 1, 1] * 2
        assert found.roles.factors == ("method", "flip")
        guessed = read_source(source)
        assert (guessed.metrics, guessed.roles.factors) == (("acc",), ("method", "flip"))
