"""Cells that build the same experiment share their runs."""

import json
from pathlib import Path

from ablate.storage.dataframe import load_results
from tests.storage.studies import add, manifest, values

FACTORS = {"model.dropout": [True, False], "stem": ["direct", "pyramid"]}
SAME = {"Falsedirect": {"as": "Truedirect", "label": "False,direct", "levels": {"model.dropout": False, "stem": "direct"}}}


def started(run: Path, when: str) -> Path:
    record = json.loads((run / "run.json").read_text())
    record["timing"]["started"] = when
    (run / "run.json").write_text(json.dumps(record))
    return run


def test_cells_that_build_the_same_experiment_share_their_runs_whichever_they_were_made_for(tmp_path: Path) -> None:
    """Two commands that did not know of each other: seed 0 ran for both, seed 1 for the one, seed 2 for the other."""
    older = started(add(tmp_path, True, "direct", 0, 0.5), "2026-01-01")
    newer = started(add(tmp_path, False, "direct", 0, 0.55), "2026-01-02")
    add(tmp_path, True, "direct", 1, 0.6)
    add(tmp_path, False, "direct", 2, 0.7)
    other = add(tmp_path, True, "pyramid", 0, 0.9)
    experiments = {"Truedirect": "e1", "Falsedirect": "e1", "Truepyramid": "e2"}
    manifest(tmp_path, factors=FACTORS, same=SAME, experiments=experiments)
    results = load_results(tmp_path)
    assert results.warnings == (f"{older} is skipped: it is the same experiment as {newer}",)
    frame = results.to_frame()
    for dropout in (True, False):
        cell = frame[(frame["model.dropout"] == dropout) & (frame["stem"] == "direct")]
        assert dict(zip(cell["seed"], cell["accuracy"], strict=True)) == {0: 0.55, 1: 0.6, 2: 0.7}
        assert set(cell["label"]) == {f"{dropout},direct"}
    assert len(frame) == 7
    assert frame["directory"].nunique() == 4
    assert {newer.relative_to(tmp_path).as_posix(), other.relative_to(tmp_path).as_posix()} <= set(frame["directory"])
    assert "seed" not in results.facts


def test_a_run_without_a_time_is_not_taken_for_the_newest(tmp_path: Path) -> None:
    dated = started(add(tmp_path, True, "direct", 0, 0.5), "2026-01-01")
    undated = add(tmp_path, False, "direct", 0, 0.55)
    manifest(tmp_path, factors=FACTORS, same=SAME, experiments={"Truedirect": "e1", "Falsedirect": "e1"})
    assert load_results(tmp_path).warnings == (f"{undated} is skipped: it is the same experiment as {dated}",)


def test_cells_that_are_no_longer_the_same_have_their_own_runs(tmp_path: Path) -> None:
    """The program came to see a difference after the study had begun."""
    add(tmp_path, True, "direct", 0, 0.5)
    add(tmp_path, False, "direct", 0, 0.7)
    manifest(tmp_path, factors=FACTORS, same=SAME, experiments={"Truedirect": "e1", "Falsedirect": "e2"})
    results = load_results(tmp_path)
    assert dict(zip(values(results, "model.dropout"), results.values["accuracy"], strict=True)) == {True: 0.5, False: 0.7}


def test_a_study_without_experiments_knows_which_cell_runs_for_which(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    manifest(tmp_path, factors=FACTORS, same=SAME)
    assert load_results(tmp_path).runs["label"].tolist() == ["True,direct", "False,direct"]


def test_of_equal_experiments_the_run_counts_that_is_done_and_that_nobody_left_out(tmp_path: Path) -> None:
    failed = add(tmp_path, True, "direct", 0, 0.5) / "run.json"
    failed.write_text(failed.read_text().replace('"finished"', '"failed"'))
    add(tmp_path, False, "direct", 0, 0.6)
    manifest(tmp_path, factors=FACTORS, same=SAME)
    assert load_results(tmp_path).values["accuracy"].tolist() == [0.6, 0.6]
    failed.write_text(failed.read_text().replace('"failed"', '"finished"'))
    started(failed.parent, "2999-01-01")
    manifest(tmp_path, factors=FACTORS, same=SAME, leave_out=[{"model.dropout": True, "reason": "the disk"}])
    results = load_results(tmp_path)
    assert len(results.warnings) == 1
    assert "Truedirect/seed=0 is skipped" in results.warnings[0]
    assert results.values["accuracy"].tolist() == [0.6, 0.6]
    assert dict(zip(values(results, "model.dropout"), results.runs["left_out"], strict=True)) == {False: None, True: "the disk"}


def test_a_run_that_was_left_out_is_so_for_all_cells_that_share_it(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    manifest(tmp_path, factors=FACTORS, same=SAME, leave_out=[{"model.dropout": True, "seed": 0, "reason": "the disk"}])
    results = load_results(tmp_path)
    assert results.runs["left_out"].tolist() == ["the disk", "the disk"]
    assert len(results.counted) == 0


def test_a_stand_in_has_the_levels_of_the_cell_that_runs_for_it_but_for_its_own(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    add(tmp_path, True, "pyramid", 1, 0.5)
    same = {"b": {"as": "Truedirect", "label": "b", "levels": {"model.dropout": False}}}
    manifest(tmp_path, factors=FACTORS, same=same, experiments=dict.fromkeys(["Truedirect", "Truepyramid", "b"], "e"))
    frame = load_results(tmp_path).to_frame()
    assert set(frame[frame["cell"] == "b"]["stem"]) == {"direct"}
    assert sorted(frame[frame["cell"] == "b"]["seed"]) == [0, 1]


def test_a_cell_has_one_label_whichever_commands_made_its_runs(tmp_path: Path) -> None:
    """A sweep of fewer factors, a later one, and a single run."""
    for seed, label in enumerate(["direct", "stem=direct,dropout=true", "base"]):
        run = add(tmp_path, True, "direct", seed, 0.5)
        (run / "run.json").write_text((run / "run.json").read_text().replace("True,direct", label))
    single = add(tmp_path, False, "direct", 0, 0.5)
    (single / "run.json").write_text((single / "run.json").read_text().replace("False,direct", "base"))
    add(tmp_path, True, "pyramid", 0, 0.5)
    manifest(tmp_path, factors=FACTORS)
    labels = load_results(tmp_path).runs.groupby("cell")["label"].unique().map(list).to_dict()
    assert labels == {
        "Truedirect": ["dropout=true,stem=direct"],
        "Falsedirect": ["dropout=false,stem=direct"],
        "Truepyramid": ["True,pyramid"],
    }
