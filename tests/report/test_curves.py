"""The choice of learning curves."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from ablate.core.descriptions import Description
from ablate.report.build import build
from ablate.report.curves import LINES, Curves, columns_of
from tests.report.studies import METRICS, grid, write_runs


def curves(study: Path) -> Curves:
    found = build(study).curves
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("logged", "described", "chosen"),
    [
        (["train_loss", "val_loss", "val_acc", "lr"], {}, {"val_loss": "val loss", "val_acc": "val acc"}),
        (["lr", "step", "x"], {}, {"lr": "lr", "step": "step"}),
        (
            ["train_loss", "val_acc"],
            {"val_acc": "accuracy, held out", "gone": "never logged"},
            {"val_acc": "accuracy, held out"},
        ),
    ],
)
def test_the_columns_are_those_that_the_program_names_or_look_like_outcomes(
    logged: list[str], described: Mapping[str, str], chosen: Mapping[str, str]
) -> None:
    history = pd.DataFrame({"epoch": [1, 2], "words": ["a", "b"], "empty": None, **dict.fromkeys(logged, 0.5)})
    assert columns_of(history, described) == chosen


@pytest.mark.parametrize(("value", "percent"), [(0.9, True), (1.0, True), (91.4, False)])
def test_a_curve_is_a_percentage_only_if_its_values_are_fractions(tmp_path: Path, value: float, percent: bool) -> None:
    study = write_runs(tmp_path / "s", [{}], 1, lambda levels, seed: value)
    assert [curve.percent for curve in curves(study).shown] == [percent]


def test_few_configurations_have_a_color_each_and_means(tmp_path: Path) -> None:
    description = Description(metrics=METRICS, curves={"test_accuracy": "accuracy on test images"})
    found = curves(write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 3, description=description))
    assert [curve.title for curve in found.shown] == ["accuracy on test images"]
    assert (list(found.labels), list(found.lines), found.others) == (["baseline", "stem=b"], ["baseline", "stem=b"], 0)
    assert (len(found.means.mean), found.baseline) == (8, "stem=a")


def test_of_many_configurations_the_baseline_and_those_that_differ_most_from_it_have_a_line(tmp_path: Path) -> None:
    cells = grid({"width": list(range(LINES + 3))})
    study = write_runs(
        tmp_path / "s", cells, 1, lambda levels, seed: 0.9 if levels["width"] in (4, 9) else 0.5 + levels["width"] / 100
    )
    found = curves(study)
    assert list(found.lines) == ["baseline", *(f"width={at}" for at in (4, 5, 6, 7, 8, 9))]
    assert (found.others, found.has_panel_each, found.means.labels) == (3, True, set())


def test_what_is_not_finite_is_not_drawn(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 2)
    for path in study.glob("runs/*/*/history.csv"):
        path.write_text("epoch,words,nothing,loss,label\n1,start,,0.5,x\n2,end,,inf,x\n")
    found = curves(study)
    assert [curve.column for curve in found.shown] == ["loss"]
    assert found.history["loss"].isna().sum() == 4
    assert set(found.history["label"]) == {"baseline", "stem=b"}


def test_a_study_without_a_history_has_no_curves(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", [{}], 1)
    for path in study.glob("runs/*/*/history.csv"):
        path.unlink()
    assert build(study).curves is None


def test_with_blocks_each_block_is_a_panel_with_its_own_baseline(tmp_path: Path) -> None:
    cells = grid({"task": ["a", "b"], "stem": ["x", "y"], "norm": [True, False]})
    found = curves(write_runs(tmp_path / "s", cells, 3, blocks="task"))
    assert [curve.block for curve in found.shown] == ["task=a", "task=b"]
    assert list(found.lines) == ["baseline", "norm=false", "stem=y", "stem=y, norm=false"]
    assert found.label("stem=y", found.shown[1]) == "task=b, stem=y"
    assert found.references["task=b, stem=y"] == "task=b"
    assert found.references["task=a, stem=y"] == "baseline"
    assert (found.others, found.rest(found.shown[0]).empty) == (0, True)


def test_with_blocks_too_the_largest_differences_have_lines(tmp_path: Path) -> None:
    cells = grid({"task": ["a", "b"], "width": list(range(10))})
    study = write_runs(
        tmp_path / "s", cells, 1, lambda levels, seed: 0.5 * (levels["task"] == "b") + levels["width"] / 100, blocks="task"
    )
    found = curves(study)
    assert list(found.lines) == ["baseline", *(f"width={at}" for at in range(4, 10))]
    assert (found.others, set(found.rest(found.shown[0])["label"])) == (3, {f"task=a, width={at}" for at in (1, 2, 3)})
