"""A study read back: one row for each run, factors found, and warnings about whatever was set aside."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.core.text import printable
from ablate.storage.dataframe import load_history, load_kept, load_results, load_runs
from ablate.storage.records import RunRecord, read_record, write_record
from ablate.storage.results import StudyResults
from tests.storage.studies import add, levels, manifest, put, values


def test_one_row_for_each_run_and_one_column_for_each_factor(tmp_path: Path) -> None:
    manifest(tmp_path, factors={"model.dropout": [True, False], "stem": ["pyramid", "direct"]}, seeds=[0])
    for dropout in (False, True):
        for stem in ("direct", "pyramid"):
            add(tmp_path, dropout, stem, 0, 0.5 + dropout)
    results = load_results(tmp_path)
    assert len(results) == 4
    assert levels(results) == {"model.dropout": [True, False], "stem": ["pyramid", "direct"]}
    rows = zip(values(results, "model.dropout"), values(results, "stem"), results.values["accuracy"], strict=True)
    assert set(rows) == {(False, "direct", 0.5), (False, "pyramid", 0.5), (True, "direct", 1.5), (True, "pyramid", 1.5)}
    assert (results.seeds, results.folder, results.warnings, results.drifted) == ((0,), tmp_path, (), ())
    assert list(results.runs) == ["cell", "label", "seed", "status", "error", "directory", "left_out"]
    assert results.runs["directory"][0] == "runs/Falsedirect/seed=0"


def test_seeds_are_not_a_factor_and_a_metric_without_a_value_is_nan(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    add(tmp_path, True, "direct", 1, None)
    results = load_results(tmp_path)
    assert results.factors == {}
    assert results.facts == {"stem": Level.of("direct"), "model.dropout": Level.of(True)}
    assert results.runs["seed"].tolist() == [0, 1]
    assert results.values["accuracy"].isna().tolist() == [False, True]
    assert results.values["size"].tolist() == [3.0, 3.0]
    assert len(results.levels) == 2


def test_the_only_seed_is_a_fact(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 4, 0.5)
    assert load_results(tmp_path).facts["seed"] == Level.of(4)


def test_runs_without_any_metric_have_rows(tmp_path: Path) -> None:
    record = RunRecord(identity="i", cell="c", seed=0, label="l", choices={}, overridden=[], status="failed", error="no memory")
    put(tmp_path / "runs/c/seed=0", record, {"a": 1})
    results = load_results(tmp_path)
    assert results.values.shape == (1, 0)
    assert results.runs["error"].tolist() == ["no memory"]


def test_unreadable_files_and_foreign_folders_are_named_and_set_aside(tmp_path: Path) -> None:
    whole = add(tmp_path, True, "direct", 0, 0.5)
    torn = add(tmp_path, True, "pyramid", 0, 0.5)
    (torn / "config.yaml").write_text("a: [")
    wrong = add(tmp_path, False, "pyramid", 0, 0.5)
    (wrong / "run.json").write_text("{}")
    (tmp_path / "runs" / "foreign").mkdir()
    results = load_results(tmp_path)
    assert len(results.warnings) == 3
    assert results.warnings[0] == f"{tmp_path / 'runs/foreign'} is skipped: it is not a run"
    assert results.warnings[1] == f"{wrong / 'run.json'} is skipped: identity: Field required"
    assert results.warnings[2].startswith(f"{torn / 'config.yaml'} is skipped: while parsing a flow node")
    assert results.runs["directory"].tolist() == [whole.relative_to(tmp_path).as_posix()]


def test_load_runs_is_the_frame_with_a_python_warning_for_each_file(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    add(tmp_path, False, "direct", 0, 0.7)
    (tmp_path / "runs" / "foreign").mkdir()
    with pytest.warns(UserWarning, match="runs/foreign is skipped: it is not a run"):
        frame = load_runs(tmp_path)
    assert frame.set_index("model.dropout")["accuracy"].to_dict() == {True: 0.5, False: 0.7}
    assert not frame.attrs


def test_a_copied_run_and_a_config_without_keys_are_named(tmp_path: Path) -> None:
    first = add(tmp_path, True, "direct", 0, 0.5)
    shutil.copytree(first.parent, first.parent.with_name("a copy"))
    empty = add(tmp_path, True, "pyramid", 0, 0.5)
    (empty / "config.yaml").write_text("")
    results = load_results(tmp_path)
    assert len(results) == 1
    assert sorted(message.split(" is skipped: ")[1] for message in results.warnings) == [
        "it is not a mapping", f"it is the same run as {first}",
    ]  # fmt: skip


def test_null_is_a_level_and_whole_numbers_stay_whole(tmp_path: Path) -> None:
    for seed in (0, 1):
        for size in (500, None):
            record = RunRecord(
                identity=f"{size}{seed}",
                cell=str(size),
                seed=seed,
                label="",
                choices={},
                overridden=["size"],
                status="finished",
            )
            put(tmp_path / "runs" / str(size) / f"seed={seed}", record, {"size": size})
    results = load_results(tmp_path)
    assert results.factors == {"size": Factor.of("size", [500, None])}
    assert [level.text for level in results.levels["size"]] == ["500", "500", "null", "null"]
    assert results.to_frame()["size"].tolist() == [500, 500, None, None]


def test_a_list_is_one_level_and_nan_in_a_config_is_not_fatal(tmp_path: Path) -> None:
    for seed, widths in enumerate(([6, 12], [8])):
        record = RunRecord(
            identity=f"{seed}", cell=f"c{seed}", seed=0, label="", choices={}, overridden=["widths"], status="finished"
        )
        put(tmp_path / f"runs/c{seed}/seed=0", record, {"widths": widths, "limit": float("nan")})
    manifest(tmp_path, factors={"widths": [[8], [6, 12]]}, leave_out=[{"widths": [6, 12], "reason": "the disk failed"}])
    results = load_results(tmp_path)
    assert [level.text for level in results.factors["widths"]] == ["[8]", "[6, 12]"]
    assert results.facts["limit"].text == "nan"
    assert results.runs["left_out"].tolist() == ["the disk failed", None]


def test_histories_are_long_and_an_empty_one_is_named(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    empty = add(tmp_path, True, "pyramid", 0, 0.5)
    (empty / "history.csv").write_text("")
    results = load_results(tmp_path)
    warnings: list[str] = []
    history = load_history(results, warnings)
    assert history.to_dict("records") == [{"directory": "runs/Truedirect/seed=0", "epoch": 1, "loss": 0.5}]
    assert warnings == [f"{empty / 'history.csv'} is skipped: No columns to parse from file"]
    with pytest.warns(UserWarning, match=r"history\.csv is skipped"):
        load_history(results)


def test_a_history_that_is_a_folder_is_named_and_a_missing_one_is_not(tmp_path: Path) -> None:
    for seed in (0, 1):
        (add(tmp_path, True, "direct", seed, 0.5) / "history.csv").unlink()
    (tmp_path / "runs/Truedirect/seed=0/history.csv").mkdir()
    warnings: list[str] = []
    history = load_history(load_results(tmp_path), warnings)
    assert history.empty
    assert list(history) == ["directory"]
    assert len(warnings) == 1
    assert "seed=0/history.csv is skipped: " in warnings[0]


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no runs in .*: expected files .*runs/<name>-<digest>/seed=<n>/run.json"):
        load_results(tmp_path)


def test_a_config_is_plain_yaml_that_runs_no_code(tmp_path: Path) -> None:
    directory = add(tmp_path, True, "direct", 0, 0.5)
    hacked = tmp_path / "hacked"
    (directory / "config.yaml").write_text(f"!!python/object/apply:os.system ['touch {hacked}']")
    with pytest.raises(UsageError, match="no runs in"):
        load_results(tmp_path)
    assert not hacked.exists()


def test_the_arrays_that_runs_kept_are_read_back_and_a_torn_file_is_set_aside(tmp_path: Path) -> None:
    directories = [add(tmp_path, True, "direct", seed, 0.5) for seed in range(3)]
    np.savez(directories[0] / "right.npz", last=np.array([1, 2], np.uint8))
    (directories[1] / "right.npz").write_bytes(b"PK torn")
    results = load_results(tmp_path)
    warnings: list[str] = []
    kept = load_kept(results, "right", warnings)
    assert list(kept) == [directories[0].relative_to(tmp_path).as_posix()]
    assert kept[next(iter(kept))]["last"].tolist() == [1, 2]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{directories[1] / 'right.npz'} is skipped: ")
    with pytest.warns(UserWarning, match=r"right\.npz is skipped"):
        load_kept(results, "right")


def test_a_history_and_arrays_that_the_program_wrote_itself_are_not_those_of_the_run(tmp_path: Path) -> None:
    """Keras' CSVLogger, say, called history.csv: it has other columns, or other epochs."""
    directories = [add(tmp_path, True, "direct", seed, 0.5) for seed in range(3)]
    for directory, written in zip(directories, ([], ["history.csv", "right.npz"], None), strict=True):
        record = read_record(directory)
        assert record is not None
        write_record(directory, record.model_copy(update={"written": written}))
        (directory / "history.csv").write_text("epoch,loss\n1,0.5\n")
        np.savez(directory / "right.npz", last=np.array([1, 2], np.uint8))
    results = load_results(tmp_path)
    own = [directory.relative_to(tmp_path).as_posix() for directory in directories[1:]]  # an earlier version does not tell
    assert load_history(results)["directory"].tolist() == own
    assert list(load_kept(results, "right")) == own


def test_results_of_other_tools_have_no_files(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    read = load_results(tmp_path)
    foreign = StudyResults(read.runs, read.levels, read.values, read.factors)
    assert load_history(foreign).empty
    assert load_kept(foreign, "right") == {}


def test_the_runs_of_a_cell_share_what_is_parsed_but_not_their_seed(tmp_path: Path) -> None:
    for seed in range(3):
        add(tmp_path, True, "direct", seed, 0.5)
    config = tmp_path / "runs" / "Truedirect" / "seed=2" / "config.yaml"
    config.write_text(config.read_text().replace("dropout: true", "dropout: false"))
    results = load_results(tmp_path)
    assert levels(results) == {"model.dropout": [True, False]}
    assert values(results, "model.dropout") == [True, True, False]
    assert "seed" not in results.facts


def test_metrics_are_described_by_the_program_and_else_guessed(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    described = {"metrics": {"size": {"title": "Size", "role": "cost"}}, "caveats": ["Drawn images."]}
    manifest(tmp_path, description=described, chance={"accuracy": 0.1}, budgets={"epochs_to_target": 5})
    results = load_results(tmp_path)
    assert list(results.metrics) == ["size", "accuracy", "epochs_to_target"]
    assert (results.metrics["size"].title, results.metrics["size"].role) == ("Size", "cost")
    assert (results.metrics["accuracy"].unit, results.metrics["accuracy"].chance) == ("%", 0.1)
    assert results.metrics["epochs_to_target"].limit == 5
    assert results.description.caveats == ("Drawn images.",)


def test_a_description_that_describes_nothing_names_the_file(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    for description, said in (
        (
            {"metrics": {"size": {"digits": -1}}},
            r"description: metrics\.size\.digits=-1: expected an integer from 0 to 15, or null\)",
        ),
        ({"metrics": [1]}, "description: AttributeError"),
        ({"tables": [{"name": "t"}]}, "description: the key 'columns' is missing"),
    ):
        manifest(tmp_path, description=description)
        with pytest.raises(UsageError, match=rf"study\.yaml cannot be read \({said}"):
            load_results(tmp_path)


def test_what_was_fixed_and_is_not_equal_any_more_is_named(tmp_path: Path) -> None:
    """A factor explains why runs differ at a key; without one, something changed between two commands."""
    runs = [add(tmp_path, dropout, "direct", seed, 0.5) for dropout in (True, False) for seed in (0, 1)]
    for run in runs:
        inside = "a" if "True" in run.parent.name else "b"
        (run / "config.yaml").write_text((run / "config.yaml").read_text() + f"inside: {inside}\ndata: {{digest: d1}}\n")
    manifest(tmp_path, fixed={"inside": "a", "data.digest": "d1", "model.dropout": True})
    assert load_results(tmp_path).drifted == ()
    (runs[0] / "config.yaml").write_text((runs[0] / "config.yaml").read_text().replace("d1", "d2"))
    assert load_results(tmp_path).drifted == ("data.digest",)
    manifest(tmp_path, fixed={"data.digest": "${hydra:runtime.output_dir}/d"})  # known in a run only
    assert load_results(tmp_path).drifted == ()
    manifest(tmp_path, fixed={"gone": 1})
    assert load_results(tmp_path).drifted == ("gone",)


def test_of_a_copied_cell_the_folder_counts_that_is_named_by_its_digest(tmp_path: Path) -> None:
    run = add(tmp_path, True, "direct", 0, 0.5)
    copy, named = tmp_path / "runs" / "a-copy", tmp_path / "runs" / "x-Truedirect"
    shutil.copytree(run.parent, copy)
    run.parent.rename(named)
    results = load_results(tmp_path)
    assert results.warnings == (f"{copy / 'seed=0'} is skipped: it is the same run as {named / 'seed=0'}",)
    assert results.runs["directory"].tolist() == ["runs/x-Truedirect/seed=0"]


def test_a_run_that_is_just_starting_is_not_foreign(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    (tmp_path / "runs/Truedirect/seed=1").mkdir()
    (tmp_path / "runs/Truedirect/seed=1/.lock").touch()
    (tmp_path / "runs/Truedirect/notes.txt").touch()
    warnings = load_results(tmp_path).warnings
    assert warnings == (f"{tmp_path / 'runs/Truedirect/notes.txt'} is skipped: it is not a run",)


def test_records_that_a_foreign_hand_wrote_are_set_aside(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    other = add(tmp_path, True, "direct", 1, 0.5) / "run.json"
    record = json.loads(other.read_text())
    for change, said in (
        ({"metrics": {"accuracy": "abc"}}, "metrics.accuracy: should be a number or null"),
        ({"seed": "zero"}, "seed: Input should be a valid integer"),
    ):
        other.write_text(json.dumps(record | change))
        results = load_results(tmp_path)
        assert len(results) == 1
        assert results.warnings == (f"{other} is skipped: {said}",)


@pytest.mark.parametrize(("study", "shape"), [("hidden", (80, 5)), ("protocols", (24, 1)), ("qiita", (55, 5))])
def test_studies_of_earlier_versions_load(study: str, shape: tuple[int, int]) -> None:
    results = load_results(Path(__file__).parents[2] / "outputs" / study)
    assert (results.warnings, results.drifted) == ((), ())
    assert results.levels.shape == shape
    assert results.metrics["final_test_accuracy"].chance == 0.1
    assert len(load_history(results)) == pd.Series(results.runs["directory"].unique()).size * 5


def test_an_incomplete_last_line_of_a_history_is_named_and_not_a_row(tmp_path: Path) -> None:
    path = add(tmp_path, True, "direct", 0, 0.5) / "history.csv"
    path.write_text("epoch,loss\n1,0.5\n2,0.")
    warnings: list[str] = []
    history = load_history(load_results(tmp_path), warnings)
    assert history["loss"].tolist() == [0.5]
    assert warnings == [f"{path}: its last line is incomplete and is left out; the other lines are used"]


def test_a_logged_column_may_be_called_directory(tmp_path: Path) -> None:
    (add(tmp_path, True, "direct", 0, 0.5) / "history.csv").write_text("directory\n1\n")
    history = load_history(load_results(tmp_path))
    assert history.columns.tolist() == ["directory", "history.directory"]


def test_folders_with_odd_names_are_named_and_harmless(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    for name in (b"\x1b[31mred", b"\xff\xfe", b"a\nb", "字".encode() * 80):
        (tmp_path / "runs" / os.fsdecode(name)).mkdir()
    results = load_results(tmp_path)
    assert len(results) == 1
    assert len(results.warnings) == 4
    for message in results.warnings:
        assert printable(message) == message
        assert message.endswith(" is skipped: it is not a run")


def test_a_config_that_nests_too_deeply_is_set_aside(tmp_path: Path) -> None:
    add(tmp_path, True, "direct", 0, 0.5)
    directory = add(tmp_path, False, "direct", 0, 0.5)
    (directory / "config.yaml").write_text("a: &a [*a]\n")
    results = load_results(tmp_path)
    assert len(results) == 1
    assert results.warnings[0].startswith(f"{directory / 'config.yaml'} is skipped: ")


def test_the_manifest_of_a_sweep_that_was_cut_off_is_named(tmp_path: Path) -> None:
    """Its beginning is valid YAML, and the order of the levels is lost."""
    for dropout in (False, True):
        add(tmp_path, dropout, "direct", 0, 0.5 + dropout)
    assert load_results(tmp_path).warnings == ()  # of single runs
    manifest(tmp_path, command="python -m ablate.run -m model.dropout=true,false")
    assert load_results(tmp_path).warnings == (
        "study.yaml has no factors and may be incomplete: the baseline is that of the first run.",
    )
