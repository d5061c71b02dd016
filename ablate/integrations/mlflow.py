"""MLflow logger: `logger=mlflow`, or `+logger=mlflow` in your own program.

    python -m ablate.run -m model.dropout=true,false logger=mlflow
    mlflow ui --backend-store-uri sqlite:///outputs/model.dropout/mlflow.db

A study is an experiment of MLflow. Final metrics appear under `metrics/`. A run that is repeated replaces its earlier attempt.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.integrations.requirements import require
from ablate.storage import fingerprint
from ablate.storage.records import DONE, RunRecord

IDENTITY, PLACE = "ablate.identity", "ablate.place"  # the tags by which an earlier attempt is found
VARIABLE = "MLFLOW_TRACKING_URI"


class MLflow:
    """Writes a run of MLflow to a tracking server, or to a file in the folder of the study."""

    def __init__(self, uri: str | None = None) -> None:
        require("mlflow", "logger=mlflow")
        self.uri = uri

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read on import
        tracking: Any = importlib.import_module("mlflow.tracking")
        study = directory.parents[2]
        uri = self.uri or os.environ.get(VARIABLE) or f"sqlite:///{(study / 'mlflow.db').absolute()}"
        self._client = tracking.MlflowClient(tracking_uri=uri)
        number = self._experiment(study.name)
        own = {IDENTITY: record.identity, PLACE: fingerprint.digest([str(directory.absolute())])}  # studies may share a name
        tagged = " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in own.items())
        for earlier in self._client.search_runs([number], tagged):
            self._client.delete_run(earlier.info.run_id)
        self._run = self._client.create_run(number, tags=own, run_name=record.title).info.run_id
        for key, value in levels.items():
            self._client.log_param(self._run, _allowed(key), value)

    def row(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run, _allowed(name), value, step=step)

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._client.log_metric(self._run, f"metrics/{_allowed(name)}", value)
        self._client.set_tag(self._run, "status", record.status)
        self._client.set_terminated(self._run, "FINISHED" if record.status in DONE else "FAILED")

    def _experiment(self, name: str) -> str:
        """The id of the experiment of a study, which is created, or restored if somebody deleted it."""
        exceptions: Any = importlib.import_module("mlflow.exceptions")
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return str(self._client.create_experiment(name))
            except exceptions.MlflowException:  # another process was faster
                experiment = self._client.get_experiment_by_name(name)
                if experiment is None:
                    raise
        if experiment.lifecycle_stage == "deleted":
            self._client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)


def _allowed(name: str) -> str:
    """A name with an underscore for each character that MLflow rejects."""
    return re.sub(r"[^/\w.\- :]", "_", name)
