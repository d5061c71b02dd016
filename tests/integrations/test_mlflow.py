"""MLflow by the real command, with a database in the folder of the study."""

from pathlib import Path

import pytest

from ablate.integrations.mlflow import MLflow
from ablate.storage.records import RunRecord
from tests.conftest import Command
from tests.integrations.test_tensorboard import RESUMING


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow calls SQLAlchemy in an old way
def test_mlflow_keeps_one_run_of_a_run_that_was_killed(command: Command, tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    (tmp_path / "resuming.py").write_text(RESUMING)
    for status in (-9, 0):
        command("resuming.py", "logger=mlflow", "study.name=s", status=status)
    client = tracking.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'outputs' / 's' / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("s").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags["status"] == "finished"
    assert run.data.params["label"] == "base"
    assert "metrics/score" in run.data.metrics


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mlflow_takes_any_name_and_restores_a_deleted_experiment(tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = tracking.MlflowClient(tracking_uri=uri)
    client.delete_experiment(client.create_experiment("s"))
    record = RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[], status="finished")
    logger = MLflow(uri)
    logger.begin(tmp_path / "s/runs/cell/seed=1", record, {"optimizer@model.opt": "sgd"})
    logger.row(0, {"precision@5": 0.5})
    logger.end(record, {"precision@5": 0.5})
    (run,) = client.search_runs([client.get_experiment_by_name("s").experiment_id])
    assert run.data.params == {"optimizer_model.opt": "sgd"}
    assert run.data.metrics == {"precision_5": 0.5, "metrics/precision_5": 0.5}
    assert run.info.status == "FINISHED"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_study_of_the_same_name_elsewhere_keeps_its_runs(tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    record = RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[], status="finished")
    for folder in ("mine", "mine", "yours"):
        logger = MLflow(uri)
        logger.begin(tmp_path / folder / "s/runs/cell/seed=1", record, {})
        logger.end(record, {})
    client = tracking.MlflowClient(tracking_uri=uri)
    assert len(client.search_runs([client.get_experiment_by_name("s").experiment_id])) == 2
