"""The status of each run."""

from pathlib import Path

from ablate.report.build import build
from ablate.report.model import Report
from ablate.report.status_grid import ROWS, SEEDS, status_grid
from tests.report.studies import grid, write_runs


def test_every_run_has_a_status_and_so_have_missing_ones(report: Report) -> None:
    found = status_grid(report)
    assert list(found.seeds) == list(range(9))
    (first, second, *_) = found.rows.values()
    assert [first[seed] for seed in (0, 8)] == ["finished", "missing"]
    assert [second[seed] for seed in (5, 6, 8)] == ["finished", "diverged", "interrupted"]
    assert (found.more_rows, found.more_seeds) == (0, 0)


def test_of_many_configurations_those_with_an_unfinished_run_are_shown(tmp_path: Path) -> None:
    cells = grid({"width": list(range(ROWS + 1))})
    study = write_runs(
        tmp_path / "s", cells, 1, status=lambda levels, _: ("failed", "x") if levels["width"] == 7 else ("finished", None)
    )
    found = status_grid(build(study))
    assert found.rows == {"width=7": {0: "failed"}}


def test_with_many_factors_rows_are_named_by_what_they_change(tmp_path: Path) -> None:
    full = dict.fromkeys([f"model.factor{at}" for at in range(5)], True)
    found = status_grid(build(write_runs(tmp_path / "s", [full, {**full, "model.factor3": False}], 1)))
    assert list(found.rows)[1:] == ["factor3=false"]


def test_of_many_seeds_some_are_shown(tmp_path: Path) -> None:
    found = status_grid(build(write_runs(tmp_path / "s", [{}], SEEDS + 2)))
    assert (len(found.seeds), found.more_seeds) == (SEEDS, 2)
