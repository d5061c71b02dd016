"""Loggers: `logger=tensorboard`, or `logger=wandb` for a run of Weights & Biases that stays on this machine.

    python -m ablate.run -m model.dropout=true,false logger=tensorboard
    tensorboard --logdir outputs

An application of your own says `+logger=tensorboard`. The files lie in the directory of the run: the columns of history.csv
under their names, the final metrics under `metrics/`. A run that is finished is not shown afterwards. The engine calls a logger
by its dotted path (`study.logger.starts`), and its package is imported when a run logs its first row.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.core.errors import UsageError
from ablate.storage import fingerprint
from ablate.storage.records import DONE, RunRecord

MODES = ("offline", "online")


class TensorBoard:
    """Event files in <run>/tensorboard. Scalars are float32 there; the levels are what TensorBoard calls hyperparameters."""

    def __init__(self) -> None:
        _need("tensorboard")

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:  # noqa: ARG002
        folder = directory / "tensorboard"
        for earlier in folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        self._levels = levels
        # purge_step: a TensorBoard that has read the earlier files forgets what was in them
        self._writer = importlib.import_module("torch.utils.tensorboard").SummaryWriter(str(folder), purge_step=0)

    def row(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        levels = {**self._levels, "status": record.status}
        self._writer.add_hparams(levels, {f"metrics/{name}": value for name, value in metrics.items()}, run_name=".")
        self._writer.close()


class Wandb:
    """A run of Weights & Biases in <run>/wandb. Nothing is sent unless `mode` is online; `wandb sync` sends it later."""

    def __init__(self, project: str = "ablate", mode: str = "offline") -> None:
        if mode not in MODES:
            raise UsageError(f"study.logger.mode={mode}: one of {', '.join(MODES)}.")
        _need("wandb")
        self.project = project
        self.mode = mode

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:
        if self.mode == "offline":
            os.environ["WANDB_ERROR_REPORTING"] = "false"  # read on import: it would report its own errors over the network
        wandb = importlib.import_module("wandb")
        study = directory.parents[2].name
        name = fingerprint.digest([study, record.identity])[:16]
        for earlier in directory.glob(f"wandb/*run-*-{name}"):
            shutil.rmtree(earlier)
        self._run = wandb.init(
            project=self.project,
            mode=self.mode,
            dir=str(directory),
            id=name,
            name=f"{record.label} seed={record.seed}",
            group=study,
            config=dict(levels),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True),  # which would take time from the run
        )

    def row(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        self._run.summary.update({"status": record.status, **{f"metrics/{name}": value for name, value in metrics.items()}})
        self._run.finish(exit_code=0 if record.status in DONE else 1)


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise UsageError(f"logger={package} needs a package that is not installed: pip install 'ablate[{package}]'.")
