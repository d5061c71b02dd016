"""How the metrics of runs are read does not change within a study."""

from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.engine.options import StudyOptions
from ablate.engine.reading import reading_of, settled_metric, settled_reading
from ablate.storage.dataframe import load_results
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import RunRecord, write_record
from tests.conftest import Command
from tests.engine.test_other_programs import SWEEP, program, write


def options(**given: object) -> StudyOptions:
    return StudyOptions.of({**StudyOptions.defaults(), **given})


def study(folder: Path, status: str | None, **manifest: object) -> StudyManifest:
    if status is not None:
        run = folder / "runs" / "x=1-00" / "seed=1"
        run.mkdir(parents=True)
        record = RunRecord(identity="i", cell="c", seed=1, label="x=1", choices={}, overridden=[])
        record.status = status  # type: ignore[assignment]
        write_record(run, record)
    return StudyManifest.model_validate(manifest)


def test_the_row_the_files_and_the_names_are_the_reading_and_the_metric_only_where_it_chooses_the_row() -> None:
    assert reading_of(options(metric="acc")) == {}
    assert reading_of(options(returns="acc")) == {"returns": "acc"}
    found = reading_of(options(metrics="log.csv", metrics_row="max", metric="acc"))
    assert found == {"metrics_file": "log.csv", "metrics_row": "max", "metric": "acc"}


def test_another_reading_is_refused_once_a_run_is_done(tmp_path: Path) -> None:
    before = study(tmp_path, "finished", reading={"metrics_file": "log.csv"})
    assert settled_reading(tmp_path, before, {"metrics_file": "log.csv"}) == {"metrics_file": "log.csv"}
    said = (
        "metrics_row was not given and is now max; metric was not given and is now acc. Runs that are done are not read again"
    )
    with pytest.raises(UsageError, match=said):
        settled_reading(tmp_path, before, {"metrics_file": "log.csv", "metrics_row": "max", "metric": "acc"})


@pytest.mark.parametrize(("status", "reading"), [("failed", {"returns": "a"}), (None, {"returns": "a"}), ("finished", None)])
def test_before_the_first_result_and_in_studies_of_earlier_versions_it_may_change(
    tmp_path: Path, status: str | None, reading: dict[str, str] | None
) -> None:
    assert settled_reading(tmp_path, study(tmp_path, status, reading=reading), {"returns": "b"}) == {"returns": "b"}


def test_another_main_metric_is_refused_if_a_claim_is_about_it(tmp_path: Path) -> None:
    claim = {"id": "A", "says": "", "kind": "threshold", "value": 0, "expects": "higher"}
    assert settled_metric(tmp_path, study(tmp_path, None), "acc") == "acc"
    assert settled_metric(tmp_path, study(tmp_path, None, metric="acc"), None) == "acc"
    assert settled_metric(tmp_path, study(tmp_path, None, metric="acc", claims=[{**claim, "metric": "acc"}]), "loss") == "loss"
    with pytest.raises(UsageError, match=r"study.metric=loss: the claims of .* claim A is about acc, the main metric"):
        settled_metric(tmp_path, study(tmp_path, None, metric="acc", claims=[claim]), "loss")


def test_a_study_keeps_its_reading_and_shows_another_main_metric(command: Command, tmp_path: Path) -> None:
    body = "open('log.csv', 'w').write(f'epoch,train/loss,val/acc\\n1,0.5,{cfg.lr}\\n2,0.4,0.1\\n')"
    train = write(tmp_path, program(body, "import hydra\n"), config="seed: 0\nlr: 1\nhydra: {job: {chdir: true}}\n")
    typed = (train, *SWEEP[:2], "lr=0.3,0.6", "hydra.sweeper.seeds=1", "hydra.sweeper.metrics=log.csv")
    command(*typed)
    assert load_results(tmp_path / "outputs/lr").main_metric == "val/acc"  # neither the first column nor one of training
    assert "metrics_row was not given and is now max" in command(*typed, "hydra.sweeper.metrics_row=max", status=2).stderr
    answer = command(*typed, "hydra.sweeper.metric=train/loss").stdout
    assert "2 kept" in answer
    assert load_results(tmp_path / "outputs/lr").main_metric == "train/loss"
