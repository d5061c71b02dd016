"""What becomes the metrics of a run: its return value, its files, or its history."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.engine import returned as module
from ablate.engine.options import StudyOptions
from ablate.engine.returned import Beginning, End, metrics_of
from ablate.engine.run import Run
from ablate.storage import locks
from ablate.storage.records import RunRecord


@pytest.fixture
def run(tmp_path: Path) -> Run:
    record = RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[], timing={"processes": 1})
    directory = tmp_path / "study" / "runs" / "base" / "seed=1"  # as deep as in a study, in whose folder the slots are
    directory.mkdir(parents=True)
    return Run(directory, record, {})


def collected(returned: Any, run: Run, cfg: dict[str, Any] | None = None, **options: Any) -> dict[str, float | None]:
    return metrics_of(returned, OmegaConf.create(cfg or {}), run, StudyOptions.of(options), began=Beginning(time.time() - 5))


def test_numbers_of_any_kind(run: Run) -> None:
    returned = {"a": np.float32(0.5), "b": torch.tensor(2.0), "c": None, "d": 3, "label": "text", "net": object(), "e": 10**400}
    assert collected(returned, run) == {"a": 0.5, "b": 2.0, "c": None, "d": 3}
    assert collected(torch.tensor([0.5]), run) == collected(np.array([[0.5]]), run) == {"value": 0.5}
    assert collected({"a": np.array([0.5]), "b": np.array([0.5, 1])}, run) == {"a": 0.5}
    assert collected(0.5, run, returns="val/acc") == {"val/acc": 0.5}
    assert collected((0.5, 2), run) == {"value_1": 0.5, "value_2": 2}
    assert collected((0.5, 2), run, returns=["acc", "loss"]) == {"acc": 0.5, "loss": 2}
    assert collected({}, run) == {}


def test_mappings_inside_of_a_mapping_are_read(run: Run) -> None:
    assert collected({"test": {"acc": 0.5, "by": {"class": 0.25}}, "n": 3}, run) == {
        "test.acc": 0.5,
        "test.by.class": 0.25,
        "n": 3,
    }


def test_a_file_server_whose_clock_is_behind_hides_no_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a file is that of the server: five seconds before that of this process."""
    monkeypatch.setattr(module, "clock_of", lambda folder: time.time() - 5)
    began = Beginning.now(run, StudyOptions.of({"metrics": "m.json"}))
    (run.directory / "m.json").write_text('{"acc": 0.5}')
    os.utime(run.directory / "m.json", 2 * (time.time() - 5,))
    assert metrics_of(None, OmegaConf.create({}), run, StudyOptions.of({"metrics": "m.json"}), began) == {"acc": 0.5}


def test_files_outside_of_the_run_are_refused_while_the_same_study_runs_twice(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    options = StudyOptions.of({"metrics": "results.json"})
    monkeypatch.setattr(locks, "runs_beside", lambda study: True)
    began = Beginning.now(run, options)
    (tmp_path / "results.json").write_text('{"acc": 0.5}')
    os.utime(tmp_path / "results.json", 2 * (time.time() + 1,))
    with pytest.raises(UsageError, match="it could be that of another run"):
        metrics_of(None, OmegaConf.create({}), run, options, began)
    monkeypatch.setattr(locks, "runs_beside", lambda study: False)
    assert metrics_of(None, OmegaConf.create({}), run, options, began) == {"acc": 0.5}


def test_the_key_of_the_template_names_the_number(run: Run) -> None:
    assert collected(0.5, run, {"optimized_metric": "val/acc_best"}) == {"val/acc_best": 0.5}
    assert collected(0.5, run, {"optimized_metric": None}) == {"value": 0.5}


def test_the_main_metric_comes_first(run: Run) -> None:
    assert list(collected({"a": 1, "b": 2}, run, metric="b")) == ["b", "a"]
    with pytest.raises(UsageError, match="study.metric=c: the run has no such metric; available: a, b"):
        collected({"a": 1, "b": 2}, run, metric="c")


def test_what_a_program_returns_by_name_comes_first_and_of_its_files_what_its_names_tell(run: Run) -> None:
    (run.directory / "log.csv").write_text("epoch,train/loss,val/acc\n1,0.5,0.7\n2,0.4,0.8\n")
    assert list(collected(None, run, metrics_file="log.csv")) == ["val/acc", "train/loss"]
    assert list(collected(0.25, run, metrics_file="log.csv")) == ["val/acc", "train/loss", "value"]
    assert list(collected({"nll": 0.25}, run, metrics_file="log.csv")) == ["nll", "val/acc", "train/loss"]
    assert list(collected(None, run, metrics_file="log.csv", metric="train/loss")) == ["train/loss", "val/acc"]


def test_what_is_no_number_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="returned str 'done'; expected a number for value, or a mapping of metrics"):
        collected("done", run)
    with pytest.raises(UsageError, match="returned 2 values; expected a number for a, b, c, or a mapping"):
        collected([1, 2], run, returns=["a", "b", "c"])
    (run.directory / "metrics.csv").write_text("acc\n1\n")
    said = "returned nothing: return a number or a mapping of metrics, or name the file that it writes with "
    with pytest.raises(UsageError, match=said + r"hydra.sweeper.metrics='.*'. Its folder has metrics.csv"):
        collected(None, run)


def test_a_returned_model_is_ignored_beside_metrics_in_a_file_or_logged(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Such as that of the examples of hydra-zen, or (metrics, objects) of a function that Hydra decorates."""
    (run.directory / "metrics.csv").write_text("acc\n0.5\n")
    for returned in (torch.nn.Linear(1, 1), ({"acc": 1.0}, object()), "done"):
        assert collected(returned, run, metrics="metrics.csv") == {"acc": 0.5}
    assert not caplog.messages  # a line for each run would be too many
    with pytest.raises(UsageError, match="expected a number for acc"):
        collected("done", run, metrics="metrics.csv", returns="acc")
    run.log(epoch=1, acc=0.75)
    assert collected(torch.nn.Linear(1, 1), run) == {"acc": 0.75}


@pytest.mark.parametrize("returned", [np.zeros(3), pd.DataFrame({"a": [1, 2]}), torch.nn.Linear(1, 1)])
def test_what_is_no_number_is_named_if_nothing_else_is_one(run: Run, returned: Any) -> None:
    """Arrays and tables cannot be compared with an empty mapping."""
    run.log(note="no number either")
    with pytest.raises(UsageError, match=f"the training function returned {type(returned).__name__} .*; expected a number for"):
        collected(returned, run)


def test_a_run_that_returns_nothing_has_the_last_values_that_it_logged(run: Run) -> None:
    run.log(epoch=1, acc=0.75)
    run.log(epoch=2, acc=0.5)
    assert collected(None, run) == {"acc": 0.5}
    assert collected(None, run, metrics_row="max", metric="acc") == {"acc": 0.75}


def test_a_file_of_metrics_becomes_the_history_too(run: Run) -> None:
    folder = run.directory / "csv" / "version_0"
    folder.mkdir(parents=True)
    (folder / "metrics.csv").write_text("epoch,train,val\n0,1.0,\n0,,0.5\n1,2.0,\n1,,0.25\n")
    assert collected(None, run, metrics="**/metrics.csv") == {"train": 2.0, "val": 0.25}
    assert [row["val"] for row in run.rows] == [0.5, 0.25]
    assert collected(0.5, run, metrics_file="**/metrics.csv", metrics_row="max", metric="val") == {
        "val": 0.5,
        "train": 1.0,
        "value": 0.5,
    }


def test_files_of_other_runs_and_of_earlier_attempts_do_not_count(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = run.directory.parent / "logs"
    outside.mkdir()
    (outside / "a.json").write_text('{"acc": 0.5}')
    monkeypatch.chdir(run.directory.parent)
    assert collected(None, run, metrics="logs/*.json") == {"acc": 0.5}
    began = time.time()
    os.utime(outside / "a.json", (began - 0.5, began - 0.5))  # the previous run has just written it
    with pytest.raises(UsageError, match="the run wrote no such file"):
        metrics_of(None, OmegaConf.create({}), run, StudyOptions.of({"metrics": "logs/*.json"}), Beginning(began))
    (outside / "a.json").touch()
    assert metrics_of(None, OmegaConf.create({}), run, StudyOptions.of({"metrics": "logs/*.json"}), Beginning(began)) == {
        "acc": 0.5
    }
    run.record.timing["processes"] = 2
    with pytest.raises(UsageError, match=r"metrics_file=logs/\*.json: .*/logs/a.json is outside of the folder of the run"):
        collected(None, run, metrics="logs/*.json")
    (outside / "a.json").unlink()
    with pytest.raises(
        UsageError, match=r"metrics_file=logs/\*.json: the run wrote no such file in .*, where it wrote nothing"
    ):
        collected(None, run, metrics="logs/*.json")
    (run.directory / "b.json").write_text('{"acc": 0.5}')
    os.utime(run.directory / "b.json", (0, 0))
    (run.directory / "c.json").write_text('{"acc": 0.75}')
    assert collected(None, run, metrics="*.json") == {"acc": 0.75}
    (run.directory / "d.json").write_text('{"acc": 0.25}')
    with pytest.raises(UsageError, match=r"c.json, d.json in .* contain different values of acc; choose one file"):
        collected(None, run, metrics="*.json")


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize(
    ("name", "header", "row"),
    [("results.csv", "epoch,acc,test\n", "{},{},{}\n"), ("a.jsonl", "", '{{"epoch": {}, "acc": {}}}\n')],
)
def test_rows_that_earlier_runs_wrote_to_the_same_file_do_not_count(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, header: str, row: str, absolute: bool
) -> None:
    """A program that appends to results.csv: its best value, and a value that it does not write, were those of another run."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name
    options = StudyOptions.of({"metrics": str(file) if absolute else name, "metric": "acc", "metrics_row": "max"})
    file.write_text(header + row.format(0, 0.9, 0.8) + row.format(1, 0.7, 0.8))
    began = Beginning.now(run, options)
    with file.open("a") as end:
        end.write(row.format(0, 0.2, "") + row.format(1, 0.1, ""))
    assert metrics_of(None, OmegaConf.create({}), run, options, began) == {"acc": 0.2}
    assert [each["acc"] for each in run.rows] == [0.2, 0.1]
    began = Beginning.now(run, options)
    file.write_text(header + row.format(0, 0.3, 0.5) + row.format(1, 0.2, 0.5) * 9)  # written anew
    assert metrics_of(None, OmegaConf.create({}), run, options, began)["acc"] == 0.3


def rows(accuracies: list[float], first: int = 0) -> str:
    """Lines of JSON, an epoch each."""
    return "".join(f'{{"epoch": {epoch}, "acc": {acc}}}\n' for epoch, acc in enumerate(accuracies, first))


@pytest.mark.parametrize(
    ("outside", "mode", "second", "first", "best", "epochs"),
    [
        (False, "a", [0.1, 0.2, 0.3, 0.4], 0, 0.4, [0, 1, 2, 3]),  # begins again, behind what the first attempt has written
        (False, "a", [0.3, 0.4], 2, 0.4, [0, 1, 2, 3]),  # goes on from a checkpoint after the second epoch
        (False, "w", [0.1, 0.2, 0.9, 0.4], 0, 0.9, [0, 1, 2, 3]),  # writes the same again
        (False, "w", [0.8, 0.2, 0.3], 0, 0.8, [0, 1, 2]),
        (True, "a", [0.4, 0.5], 3, 0.9, [0, 1, 2, 3, 4]),  # a file of its own elsewhere
        (True, "a", [0.1, 0.2], 0, 0.2, [0, 1]),
        (True, "w", [0.1, 0.2, 0.9, 0.4], 0, 0.9, [0, 1, 2, 3]),
    ],
)
def test_epochs_of_two_attempts_count_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, outside: bool, mode: str, second: list[float], first: int, best: float,
    epochs: list[int],
) -> None:  # fmt: skip
    """The first attempt was killed after its third epoch, with 0.9."""
    monkeypatch.chdir(run.directory.parent)
    file = (run.directory.parent if outside else run.directory) / "log.jsonl"
    file.write_text(rows([0.1, 0.2, 0.9]))
    run.record.attempts = 2
    options = StudyOptions.of({"metrics": "log.jsonl", "metric": "acc", "metrics_row": "max"})
    began = Beginning.now(run, options)
    with file.open(mode) as log:
        log.write(rows(second, first))
    assert metrics_of(None, OmegaConf.create({}), run, options, began) == {"acc": best}
    assert [row["epoch"] for row in run.rows] == epochs


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_counter_that_starts_again_within_an_attempt_stays(run: Run, attempts: int) -> None:
    """Of folds, say, or of a pretraining before a training."""
    run.record.attempts = attempts
    options = StudyOptions.of({"metrics": "log.jsonl", "metric": "acc", "metrics_row": "max"})
    (run.directory / "log.jsonl").write_text(rows([0.5]))
    began = Beginning.now(run, options)
    (run.directory / "log.jsonl").write_text(rows([0.1, 0.9]) + rows([0.2, 0.3]))
    assert metrics_of(None, OmegaConf.create({}), run, options, began) == {"acc": 0.9}
    assert [row["epoch"] for row in run.rows] == [0, 1, 0, 1]


def test_a_file_that_cannot_be_read_is_not_looked_at_before_a_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.directory.parent)
    (run.directory.parent / "secret.csv").write_text("acc\n1\n")

    def denied(path: Path) -> End:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(End, "of", denied)
    assert not Beginning.now(run, StudyOptions.of({"metrics": "*.csv"})).ends


def test_a_file_elsewhere_could_be_that_of_another_run(run: Run, tmp_path: Path) -> None:
    """An absolute path: of a run in its own folder, or, with one run at a time, elsewhere."""
    (tmp_path / "logs").mkdir()
    elsewhere = tmp_path / "logs" / "a.json"
    elsewhere.write_text('{"acc": 0.5}')
    absolute = str(tmp_path / "logs" / "*.json")
    began = time.time()

    def found(pattern: str, **options: Any) -> dict[str, float | None]:
        return metrics_of(None, OmegaConf.create({}), run, StudyOptions.of({"metrics": pattern, **options}), Beginning(began))

    for pattern in (absolute, str(elsewhere)):
        os.utime(elsewhere, (began, began))
        assert found(pattern) == {"acc": 0.5}
        os.utime(elsewhere, (began - 0.5, began - 0.5))  # the previous run has just written it
        with pytest.raises(UsageError, match="the run wrote no such file"):
            found(pattern)
    os.utime(elsewhere, (began, began))
    run.record.worker["job"] = "ray-1"
    assert found(absolute, n_jobs=1) == {"acc": 0.5}
    said = "a.json is outside of the folder of the run, .* While several runs run at a time, it could be that of another run"
    with pytest.raises(UsageError, match=said):
        found(absolute)
    run.record.worker["job"] = None
    run.record.timing["processes"] = 2
    with pytest.raises(UsageError, match=said):
        found(str(elsewhere))
    (run.directory / "b.json").write_text('{"acc": 0.25}')
    os.utime(run.directory / "b.json", (began - 0.5, began - 0.5))  # a coarse clock
    assert found(f"{run.directory}/*.json") == {"acc": 0.25}
    assert found(str(tmp_path / "**" / "*.json")) == {"acc": 0.25}


def test_a_pattern_does_not_match_what_ablate_writes(run: Run) -> None:
    (run.directory / ".hydra").mkdir()
    for own in ("run.json", "config.json", ".hydra/job.json"):
        (run.directory / own).write_text('{"attempts": 1}')
    (run.directory / "config.json").write_text('{"acc": 0.5}')
    assert collected(None, run, metrics="**/*.json") == {"acc": 0.5}
    (run.directory / "history.csv").write_text("acc\n0.25\n")
    assert collected(None, run, metrics="history.csv") == {"acc": 0.25}
