"""MLflow by the real command, with a database in the folder of the study."""

from pathlib import Path

import pytest

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
