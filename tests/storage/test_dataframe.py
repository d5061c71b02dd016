"""A study read back: one row for each run, factors found, and warnings about whatever was set aside."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.storage.dataframe import load_history, load_kept, load_results, load_runs
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import RunRecord, write_record
from ablate.storage.results import StudyResults

FACTORS = {"model.dropout": [True, False], "stem": ["direct", "pyramid"]}
SAME = {"Falsedirect": {"as": "Truedirect", "label": "False,direct", "levels": {"model.dropout": False, "stem": "direct"}}}


def manifest(study: Path, **content: Any) -> None:
    StudyManifest.model_validate(content).write(study)


def put(directory: Path, record: RunRecord, config: Mapping[str, Any]) -> Path:
    directory.mkdir(parents=True)
    write_record(directory, record)
    (directory / "config.yaml").write_text(yaml.safe_dump(dict(config), sort_keys=False))
    return directory


def add(study: Path, dropout: bool, stem: str, seed: int, value: float | None) -> Path:
    """A finished run of the cell `<dropout><stem>`."""
    cell = f"{dropout}{stem}"
    record = RunRecord(
        identity=f"{cell}{seed}", cell=cell, seed=seed, label=f"{dropout},{stem}", choices={"stem": stem},
        overridden=["stem", "model.dropout", "seed"], status="finished", metrics={"accuracy": value, "size": 3},
    )  # fmt: skip
    directory = put(study / "runs" / cell / f"seed={seed}", record, {"model": {"dropout": dropout}, "seed": seed})
    (directory / "history.csv").write_text("epoch,loss\n1,0.5\n")
    return directory


def values(results: StudyResults, factor: str) -> list[Any]:
    return [level.value for level in results.levels[factor]]


def levels(results: StudyResults) -> dict[str, list[Any]]:
    return {key: [level.value for level in factor] for key, factor in results.factors.items()}


def test_a_row_a_run_and_a_column_a_factor(tmp_path: Path) -> None:
    write_study(tmp_path, {"factors": {"model.dropout": [True, False], "stem": ["pyramid", "direct"]}})
    for dropout in (False, True):
        for stem in ("direct", "pyramid"):
            add(tmp_path, dropout, stem, 0, 0.5 + dropout)
    runs = load_runs(tmp_path)
    assert len(runs) == 4
    assert runs.attrs["factors"] == {"model.dropout": [True, False], "stem": ["pyramid", "direct"]}
    assert set(zip(runs["model.dropout"], runs["stem"], runs["accuracy"], strict=True)) == {
        (False, "direct", 0.5), (False, "pyramid", 0.5), (True, "direct", 1.5), (True, "pyramid", 1.5)
    }  # fmt: skip


def test_seeds_are_no_factor_and_a_metric_without_a_value_is_a_hole(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    add(tmp_path, True, "direct", 1, None)
    runs = load_runs(tmp_path)
    assert runs.attrs["factors"] == {}
    assert runs["seed"].tolist() == [0, 1]
    assert runs["accuracy"].isna().tolist() == [False, True]
    assert np.array_equal(runs["size"], [3, 3])


def test_what_cannot_be_read_is_named_and_left_out(tmp_path: Path) -> None:
    whole = add(tmp_path, True, "direct", 0, 0.5)
    torn = add(tmp_path, True, "pyramid", 0, 0.5)
    (torn / "config.yaml").write_text("a: [")
    (tmp_path / "runs" / "foreign").mkdir()
    with pytest.warns(UserWarning, match="is set aside") as caught:
        runs = load_runs(tmp_path)
    said = [str(warning.message) for warning in caught]
    assert any("config.yaml is set aside" in message for message in said)
    assert any(message.endswith("runs/foreign is set aside: it is no run") for message in said)
    assert runs["directory"].tolist() == [whole.relative_to(tmp_path).as_posix()]


def test_a_copied_run_and_a_config_without_keys_are_named(tmp_path: Path) -> None:
    first = add(tmp_path, True, "direct", 0, 0.5)
    shutil.copytree(first.parent, first.parent.with_name("a copy"))
    empty = add(tmp_path, True, "pyramid", 0, 0.5)
    (empty / "config.yaml").write_text("")
    with pytest.warns(UserWarning, match="is set aside: it") as caught:
        runs = load_runs(tmp_path)
    assert len(runs) == 1
    assert sorted(str(warning.message).split(" is set aside: ")[1][:16] for warning in caught) == [
        "it holds no keys", "it is the same r",
    ]  # fmt: skip


def test_null_is_a_level_and_whole_numbers_stay_whole(tmp_path: Path) -> None:
    for seed in (0, 1):
        for size in (500, None):
            record = Record(f"{size}{seed}", str(size), seed, "", {}, ["size"])
            with Run(tmp_path / "runs" / str(size) / f"seed={seed}", record, {"size": size}).attempt():
                record.metrics = {"accuracy": 0.5}
    runs = load_runs(tmp_path)
    assert runs.attrs["factors"] == {"size": [500, None]}
    assert [say(level) for level in runs["size"]] == ["500", "500", "null", "null"]
    summary = summarise(runs, ["size"], ["accuracy"])
    assert [say(level) for level in summary["size"]] == ["500", "null"]


def test_histories_are_long_and_an_empty_one_is_named(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    empty = add(tmp_path, True, "pyramid", 0, 0.5)
    (empty / "history.csv").write_text("")
    runs = load_runs(tmp_path)
    with pytest.warns(UserWarning, match=r"history\.csv is set aside"):
        history = load_history(tmp_path, runs)
    assert history.to_dict("records") == [{"directory": "runs/Truedirect/seed=0", "epoch": 1, "loss": 0.5}]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no runs in"):
        load_runs(tmp_path)


def test_a_config_is_plain_yaml_that_runs_no_code(tmp_path: Path) -> None:
    directory = add(tmp_path, True, "direct", 0, 0.5)
    (directory / "config.yaml").write_text("!!python/object/apply:os.system ['touch hacked']")
    with pytest.warns(UserWarning, match="set aside"), pytest.raises(UsageError):
        load_runs(tmp_path)
    assert not Path("hacked").exists()


def test_the_arrays_that_runs_kept_are_read_back_and_a_torn_file_is_set_aside(tmp_path: Path) -> None:
    directories = [add(tmp_path, True, "direct", seed, 0.5) for seed in range(3)]
    np.savez(directories[0] / "right.npz", last=np.array([1, 2], np.uint8))
    (directories[1] / "right.npz").write_bytes(b"PK torn")
    runs = load_runs(tmp_path)
    with pytest.warns(UserWarning, match=r"right\.npz is set aside"):
        kept = load_kept(tmp_path, runs, "right")
    assert list(kept) == [directories[0].relative_to(tmp_path).as_posix()]
    assert kept[next(iter(kept))]["last"].tolist() == [1, 2]


def test_the_runs_of_a_cell_share_what_is_parsed_but_not_their_seed(tmp_path: Path) -> None:
    for seed in range(3):
        add(tmp_path, True, "direct", seed, 0.5)
    config = tmp_path / "runs" / "Truedirect" / "seed=2" / "config.yaml"
    config.write_text(config.read_text().replace("dropout: true", "dropout: false"))
    runs = load_runs(tmp_path)
    assert runs.attrs["factors"] == {"model.dropout": [True, False]}
    assert runs.sort_values("seed")["model.dropout"].tolist() == [True, True, False]
    assert "seed" not in runs.attrs["facts"]


SAME = {"Falsedirect": {"as": "Truedirect", "label": "False,direct", "levels": {"model.dropout": False, "stem": "direct"}}}
FACTORS = {"model.dropout": [True, False], "stem": ["direct", "pyramid"]}


def started(run: Path, when: str) -> Path:
    record = json.loads((run / "run.json").read_text())
    record["timing"]["started"] = when
    (run / "run.json").write_text(json.dumps(record))
    return run


def test_cells_that_build_the_same_experiment_share_their_runs_whichever_they_were_made_for(tmp_path: Path) -> None:
    """Two commands that did not know of each other: seed 0 ran for both, seed 1 for the one, seed 2 for the other."""
    started(add(tmp_path, True, "direct", 0, 0.5), "2026-01-01")
    newer = started(add(tmp_path, False, "direct", 0, 0.55), "2026-01-02")
    add(tmp_path, True, "direct", 1, 0.6)
    add(tmp_path, False, "direct", 2, 0.7)
    other = add(tmp_path, True, "pyramid", 0, 0.9)
    experiments = {"Truedirect": "e1", "Falsedirect": "e1", "Truepyramid": "e2"}
    write_study(tmp_path, {"factors": FACTORS, "same": SAME, "experiments": experiments})
    with pytest.warns(UserWarning, match="Truedirect/seed=0 is set aside: it is the same experiment as .*Falsedirect/seed=0"):
        runs = load_runs(tmp_path)
    for dropout in (True, False):
        cell = runs[(runs["model.dropout"] == dropout) & (runs["stem"] == "direct")]
        assert dict(zip(cell["seed"], cell["accuracy"], strict=True)) == {0: 0.55, 1: 0.6, 2: 0.7}
        assert set(cell["label"]) == {f"{dropout},direct"}
    assert len(runs) == 7
    assert runs["directory"].nunique() == 4
    assert {newer.relative_to(tmp_path).as_posix(), other.relative_to(tmp_path).as_posix()} <= set(runs["directory"])
    assert "seed" not in runs.attrs["facts"]


def test_cells_that_are_no_longer_the_same_have_their_own_runs(tmp_path: Path) -> None:
    """The application came to see a difference after the study had begun."""
    add(tmp_path, True, "direct", 0, 0.5)
    add(tmp_path, False, "direct", 0, 0.7)
    write_study(tmp_path, {"factors": FACTORS, "same": SAME, "experiments": {"Truedirect": "e1", "Falsedirect": "e2"}})
    runs = load_runs(tmp_path)
    assert dict(zip(runs["model.dropout"], runs["accuracy"], strict=True)) == {True: 0.5, False: 0.7}


def test_a_study_without_experiments_knows_who_stands_on_whom(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    write_study(tmp_path, {"factors": FACTORS, "same": SAME})
    assert load_runs(tmp_path)["label"].tolist() == ["True,direct", "False,direct"]


def test_of_equal_experiments_the_run_counts_that_is_done_and_that_nobody_left_out(tmp_path: Path) -> None:
    failed = add(tmp_path, True, "direct", 0, 0.5) / "run.json"
    failed.write_text(failed.read_text().replace('"finished"', '"failed"'))
    add(tmp_path, False, "direct", 0, 0.6)
    study = {"factors": FACTORS, "same": SAME}
    write_study(tmp_path, study)
    with pytest.warns(UserWarning, match="Truedirect/seed=0 is set aside"):
        assert load_runs(tmp_path)["status"].tolist() == ["finished", "finished"]
    failed.write_text(failed.read_text().replace('"failed"', '"finished"'))
    write_study(tmp_path, {**study, "leave_out": [{"model.dropout": True, "seed": 0, "reason": "the disk"}]})
    with pytest.warns(UserWarning, match="Truedirect/seed=0 is set aside"):
        runs = load_runs(tmp_path).set_index("model.dropout")
    assert runs["accuracy"].tolist() == [0.6, 0.6]
    assert runs["left_out"].to_dict() == {False: None, True: "the disk"}


def test_a_run_that_was_left_out_is_so_for_all_cells_that_stand_on_it(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    left_out = [{"model.dropout": True, "seed": 0, "reason": "the disk"}]
    write_study(tmp_path, {"factors": FACTORS, "same": SAME, "leave_out": left_out})
    assert load_runs(tmp_path)["left_out"].tolist() == ["the disk", "the disk"]


def test_a_stand_in_has_the_levels_of_the_cell_that_it_stands_on_but_for_its_own(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    add(tmp_path, True, "pyramid", 1, 0.5)
    same = {"b": {"as": "Truedirect", "label": "b", "levels": {"model.dropout": False}}}
    write_study(
        tmp_path, {"factors": FACTORS, "same": same, "experiments": dict.fromkeys(["Truedirect", "Truepyramid", "b"], "e")}
    )
    runs = load_runs(tmp_path)
    assert set(runs[runs["cell"] == "b"]["stem"]) == {"direct"}
    assert sorted(runs[runs["cell"] == "b"]["seed"]) == [0, 1]


def test_of_a_copied_cell_the_folder_counts_that_is_named_by_its_digest(tmp_path: Path) -> None:
    run = add(tmp_path, True, "direct", 0, 0.5)
    shutil.copytree(run.parent, tmp_path / "runs" / "a-copy")
    run.parent.rename(tmp_path / "runs" / "x-Truedirect")
    with pytest.warns(UserWarning, match="a-copy/seed=0 is set aside: it is the same run as .*x-Truedirect/seed=0"):
        assert load_runs(tmp_path)["directory"].tolist() == ["runs/x-Truedirect/seed=0"]


def test_what_a_foreign_hand_wrote_is_set_aside(tmp_path: Path) -> None:
    run = add(tmp_path, True, "direct", 0, 0.5)
    other = add(tmp_path, True, "direct", 1, 0.5)
    record = json.loads((other / "run.json").read_text())
    for change in ({"metrics": {"accuracy": "abc"}}, {"seed": "zero"}):
        (other / "run.json").write_text(json.dumps(record | change))
        with pytest.warns(UserWarning, match=r"run\.json is set aside: its"):
            assert len(load_runs(tmp_path)) == 1
    (run / "history.csv").unlink()
    (run / "history.csv").mkdir()
    with pytest.warns(UserWarning, match=r"history\.csv is set aside"):
        assert load_history(tmp_path, pd.DataFrame({"directory": ["runs/Truedirect/seed=0"]})).empty
