"""What is missing, and what the runs do not have in common."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from ablate.core.cells import Cell
from ablate.core.levels import Factor, Level
from ablate.storage import audit as audits
from ablate.storage.audit import MissingRun, examine
from ablate.storage.dataframe import load_results
from ablate.storage.locks import hold
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import RunRecord, write_record
from ablate.storage.results import RUN_COLUMNS, StudyResults

PROVENANCE: dict[str, Any] = {
    "code": "c0de",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6"},
    "numerics": {"device": "cpu", "threads": 2},
    "hardware": {"processor": "a processor", "cores": 2},
}
CELLS = [{"stem": "pyramid"}, {"stem": "direct"}]
Where = Mapping[str, Any]


def write_runs(
    study: Path,
    cells: Sequence[Where] = CELLS,
    seeds: int = 2,
    status: Callable[[Where, int], str] = lambda levels, seed: "finished",
    provenance: Callable[[Where, int], Mapping[str, Any]] = lambda levels, seed: PROVENANCE,
    timing: Callable[[int], Mapping[str, Any]] = lambda seed: {},
    **launched: Any,
) -> Path:
    """Runs and their plan.csv; one of the status `missing` is only in the plan."""
    plan = [",".join([*(cells[0] if cells else ()), "seed,state,directory,note"])]
    for levels in cells:
        label = Cell.of(levels).label
        digest = f"{len(plan):08x}"
        for seed in range(seeds):
            name = f"runs/{label}-{digest}/seed={seed}"
            shown = [str(Level.of(level)) for level in levels.values()]
            plan.append(",".join([*shown, f'{seed},to do,"{name}",']))
            if (state := status(levels, seed)) == "missing":
                continue
            (study / name).mkdir(parents=True)
            record = RunRecord(
                identity=f"{digest}{seed}", cell=digest, seed=seed, label=label, choices={}, overridden=list(levels),
                status=state, timing={"started": f"2026-11-24T07:13:{seed:02}+00:00", **timing(seed)},
                provenance=dict(provenance(levels, seed)),
            )  # type: ignore[arg-type,typeddict-item]  # fmt: skip
            write_record(study / name, record)
            (study / name / "config.yaml").write_text(yaml.safe_dump({"seed": seed, **levels}))
    (study / "plan.csv").write_text("\n".join(plan) + "\n")
    StudyManifest.model_validate(launched).write(study)
    return study


def test_every_run_that_was_planned_is_counted(tmp_path: Path) -> None:
    cells = [{"dropout": dropout, "stem": stem} for dropout in (True, False) for stem in ("pyramid", "direct")]
    ended = {(True, "direct", 0): "diverged", (False, "pyramid", 0): "failed", (True, "pyramid", 2): "missing",
             (True, "direct", 2): "interrupted", (False, "pyramid", 1): "running"}  # fmt: skip
    leave_out = [{"dropout": False, "seed": 2, "reason": "the disk failed"}]
    write_runs(
        tmp_path,
        cells,
        3,
        lambda levels, seed: ended.get((levels["dropout"], levels["stem"], seed), "finished"),
        leave_out=leave_out,
    )
    states = {"finished": 5, "diverged": 1, "failed": 1, "interrupted": 1, "running": 1, "missing": 1, "left out": 2}
    (directory,) = tmp_path.glob("runs/dropout=false,stem=pyramid-*/seed=1")
    with hold(directory):
        assert examine(load_results(tmp_path)).states == states
    audit = examine(load_results(tmp_path))  # the process that held the run was killed
    assert audit.states == {**states, "interrupted": 2, "running": 0}
    assert audit.missing == [MissingRun("00000001", "dropout=true,stem=pyramid", "2")]


def test_a_missing_run_has_the_levels_of_the_plan_whatever_its_folder_is_called(tmp_path: Path) -> None:
    write_runs(tmp_path, status=lambda levels, seed: "missing" if levels["stem"] == "direct" else "finished", seeds=1)
    plan = tmp_path / "plan.csv"
    plan.write_text(plan.read_text().replace("runs/stem=direct-", "runs/baseline-"))
    assert examine(load_results(tmp_path)).missing == [MissingRun("00000002", "stem=direct", "0")]


def test_runs_that_the_plan_leaves_out_are_not_missing(tmp_path: Path) -> None:
    write_runs(tmp_path, status=lambda levels, seed: "missing" if seed else "finished")
    plan = tmp_path / "plan.csv"
    assert len(examine(load_results(tmp_path)).missing) == 2
    plan.write_text(plan.read_text().replace("1,to do", "1,left out"))
    assert examine(load_results(tmp_path)).missing == []


@pytest.mark.parametrize("plan", ["torn", "seed,state,directory,note\n", None])
def test_without_a_plan_a_seed_that_other_cells_have_is_missing(tmp_path: Path, plan: str | None) -> None:
    write_runs(tmp_path, status=lambda levels, seed: "missing" if levels["stem"] == "direct" and seed == 1 else "finished")
    (tmp_path / "plan.csv").unlink() if plan is None else (tmp_path / "plan.csv").write_text(plan)
    assert [(run.label, run.seed) for run in examine(load_results(tmp_path)).missing] == [("stem=direct", "1")]


def test_runs_of_other_code_are_stale(tmp_path: Path) -> None:
    def made(levels: Where, seed: int) -> dict[str, Any]:
        return {**PROVENANCE, "code": "01dc0de" if levels["stem"] == "pyramid" and seed == 0 else "c0de"}

    audit = examine(load_results(write_runs(tmp_path, provenance=made)))
    assert audit.mixed == ["code"]
    assert dict(audit.stale) == {"00000001": 1}
    assert audit.made["code"] == {"c0de": 3, "01dc0de": 1}
    assert audit.made["numerics.threads"] == {"2": 4}
    assert audit.timed_alike


@pytest.mark.parametrize(
    ("made", "mixed", "alike"),
    [
        (({"hardware": {"cores": 2}}, {"hardware": {"cores": 4}}), ["hardware"], False),
        (({"hardware": {"gpu": None}}, {"hardware": {"gpu": "H100"}}), ["hardware"], False),
        (({"hardware": {}}, {"hardware": {"gpu": "H100"}}), ["hardware"], False),
        (({"numerics": {"threads": 1}}, {"numerics": {"threads": 2}}), ["numerics"], False),
        (({"python": "3.11"}, {"packages": {"numpy": "3"}}), ["versions"], True),
        (({}, {}), [], True),
        # a package that one configuration imports and the other does not
        (({"packages": {"numpy": "2"}}, {"packages": {"numpy": "2", "timm": "1"}}), [], True),
    ],
)
def test_what_is_not_equal_in_all_runs_is_named(
    tmp_path: Path, made: tuple[dict[str, Any], ...], mixed: list[str], alike: bool
) -> None:
    write_runs(tmp_path, provenance=lambda levels, seed: {**PROVENANCE, **made[seed]})
    audit = examine(load_results(tmp_path))
    assert (audit.mixed, audit.timed_alike) == (mixed, alike)
    assert audit.recorded == ["code", "numerics", "hardware", "versions"]


def test_only_what_was_recorded_is_said_to_be_the_same(tmp_path: Path) -> None:
    """A program that names neither: its threads and its processor are not known."""
    write_runs(tmp_path, provenance=lambda levels, seed: {"code": "a", "python": "3.11"})
    assert examine(load_results(tmp_path)).recorded == ["code", "versions"]


@pytest.mark.parametrize(
    ("timing", "alike"),
    [
        ([{}, {}], True),
        ([{"processes": 2}, {"processes": 2}], True),
        ([{"processes": 1}, {"processes": 2}], False),
        ([{"resumed": True}, {}], False),
    ],
)
def test_times_of_runs_that_were_resumed_or_shared_the_machine_are_not_compared(
    tmp_path: Path, timing: list[dict[str, Any]], alike: bool
) -> None:
    audit = examine(load_results(write_runs(tmp_path, timing=lambda seed: timing[seed])))
    assert audit.timed_alike is alike
    assert audit.resumed == (2 if "resumed" in timing[0] else 0)
    assert not audit.mixed


def test_only_finished_runs_that_count_are_compared(tmp_path: Path) -> None:
    write_runs(
        tmp_path,
        status=lambda levels, seed: "finished" if seed == 0 else "failed",
        provenance=lambda levels, seed: {**PROVENANCE, "code": f"{levels['stem']}{seed}"},
        leave_out=[{"stem": "direct", "reason": "the disk failed"}],
    )
    audit = examine(load_results(tmp_path))
    assert audit.made["code"] == {"pyramid0": 1}
    assert not audit.mixed


def test_a_key_that_was_fixed_and_has_changed_is_named(tmp_path: Path) -> None:
    assert examine(load_results(write_runs(tmp_path, fixed={"source": "a"}))).drifted == ("source",)


def test_each_block_has_its_own_seeds() -> None:
    rows = [("a", "x", 0), ("a", "x", 1), ("b", "x", 0), ("c", "y", 7), ("d", "y", 7), ("d", "y", 8)]
    runs = pd.DataFrame(
        {"cell": [cell for cell, _, _ in rows], "label": [cell for cell, _, _ in rows], "seed": [seed for _, _, seed in rows],
         "status": "finished", "error": None, "directory": [f"line {at}" for at in range(6)], "left_out": None},
        columns=list(RUN_COLUMNS),
    )  # fmt: skip
    levels = pd.DataFrame(
        {"m": [Level.of(cell) for cell, _, _ in rows], "data": [Level.of(data) for _, data, _ in rows]}, dtype=object
    )
    factors = {"m": Factor.of("m", ["a", "b", "c", "d"]), "data": Factor.of("data", ["x", "y"])}
    results = StudyResults(
        runs, levels, pd.DataFrame(index=range(6)), factors, manifest=StudyManifest(factors={}, blocks="data")
    )
    assert examine(results).missing == [MissingRun("b", "b", "1"), MissingRun("c", "c", "8")]


def test_results_of_other_tools_have_states_and_holes() -> None:
    rows = [("a", 0), ("a", 1), ("b", 0)]
    runs = pd.DataFrame(
        {"cell": [cell for cell, _ in rows], "label": [cell for cell, _ in rows], "seed": [seed for _, seed in rows],
         "status": "finished", "error": None, "directory": [f"line {at}" for at in range(3)], "left_out": None},
        columns=list(RUN_COLUMNS),
    )  # fmt: skip
    levels = pd.DataFrame({"m": [Level.of(cell) for cell, _ in rows]}, dtype=object)
    audit = examine(StudyResults(runs, levels, pd.DataFrame(index=range(3)), {"m": Factor.of("m", ["a", "b"])}))
    assert audit.states["finished"] == 3
    assert audit.missing == [MissingRun("b", "b", "1")]
    assert (audit.made, audit.mixed, audit.timed_alike) == ({}, [], True)


def test_a_record_that_vanished_meanwhile_is_passed_over(tmp_path: Path) -> None:
    write_runs(tmp_path)
    results = load_results(tmp_path)
    path = tmp_path / results.runs["directory"][0] / "run.json"
    path.write_text(json.dumps({}))
    assert examine(results).made["code"] == {"c0de": 3}


def test_what_was_made_otherwise_than_planned_is_counted(tmp_path: Path) -> None:
    """All runs agree with each other, and differ from the machine that planned them."""
    differs = {**PROVENANCE, "differs": {"code": ["0ther", "c0de"], "packages.numpy": ["2.0", "2.4.6"]}}
    audit = examine(load_results(write_runs(tmp_path, provenance=lambda levels, seed: differs)))
    assert audit.mixed == []
    assert audit.differing == {"code": 4, "packages.numpy": 4}
    torn = {**PROVENANCE, "differs": ["code"]}
    assert examine(load_results(write_runs(tmp_path / "torn", provenance=lambda levels, seed: torn))).differing == {}


def test_the_files_of_the_code_tell_old_runs_from_new_ones(tmp_path: Path) -> None:
    def edited(levels: Where, seed: int) -> Mapping[str, Any]:
        old = seed == 0 and levels["stem"] == "pyramid"
        return {**PROVENANCE, "code": f"{levels['stem']}{seed}", "files": {"a.py": "old" if old else "new"}}

    def alike(levels: Where, seed: int) -> Mapping[str, Any]:
        return {**PROVENANCE, "code": f"{levels['stem']}{seed}", "files": {"a.py": "x"}}

    audit = examine(load_results(write_runs(tmp_path / "edited", provenance=edited)))
    assert (audit.mixed, dict(audit.stale)) == (["code"], {"00000001": 1})
    audit = examine(load_results(write_runs(tmp_path / "alike", provenance=alike)))
    assert (audit.mixed, dict(audit.stale)) == ([], {})


@pytest.mark.parametrize("files", [True, False])
@pytest.mark.parametrize("last", ["pyramid", "direct"])
def test_the_newest_code_is_that_of_the_run_that_began_last(tmp_path: Path, files: bool, last: str) -> None:
    def code(levels: Where, _: int) -> Mapping[str, Any]:
        version = "new" if levels["stem"] == last else "old"
        return PROVENANCE | ({"files": {"a.py": version}} if files else {"code": version})

    write_runs(tmp_path, provenance=code, seeds=1)
    for path in tmp_path.glob("runs/*/*/run.json"):
        record = json.loads(path.read_text())
        record["timing"]["started"] = f"2026-11-{25 if last in record['label'] else 24}T00:00:00+00:00"
        path.write_text(json.dumps(record))
    assert list(examine(load_results(tmp_path)).stale) == ["00000002" if last == "pyramid" else "00000001"]


@pytest.mark.parametrize(
    ("seeds", "missing"),
    [
        ({"base": range(10), "x": range(5), "y": range(5)}, {}),  # more runs of the baseline
        ({"base": range(5), "x": range(5), "y": range(4)}, {"y": "4"}),
        ({"base": range(40, 45), "x": range(5), "y": range(5)}, {}),  # a baseline with seeds of its own
        ({"base": range(5), "x": range(4)}, {"x": "4"}),
        ({"base": range(2), "x": range(2, 4)}, {}),
        ({"base": range(5), "x": range(4), "y": range(5), "z": range(4)}, {"x": "4", "z": "4"}),
        ({"base": range(3), "x": range(2, 5)}, {}),  # partly other seeds, but as many
        ({"base": range(5), "x": range(5), "y": range(5, 10), "z": range(5, 10)}, {}),  # two batches
    ],
)
def test_without_a_plan_a_seed_is_due_where_most_others_have_it(
    seeds: Mapping[str, Sequence[int]], missing: Mapping[str, str]
) -> None:
    runs = pd.DataFrame(
        [(cell, cell, seed) for cell, of_cell in seeds.items() for seed in of_cell], columns=["cell", "label", "seed"]
    )
    assert {hole.cell: hole.seed for hole in audits._holes_of(runs)} == missing
