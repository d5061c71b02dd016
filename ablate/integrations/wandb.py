"""Weights & Biases logger: `logger=wandb`, or `+logger=wandb` in your own program. Nothing is sent unless `mode` is online."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.core.errors import UsageError
from ablate.integrations.requirements import require
from ablate.storage import fingerprint
from ablate.storage.records import DONE, RunRecord

MODES = ("offline", "online")


class Wandb:
    """Writes a Weights & Biases run to <run>/wandb. In offline mode nothing is sent; `wandb sync` uploads it later."""

    def __init__(self, project: str = "ablate", mode: str = "offline") -> None:
        if mode not in MODES:
            raise UsageError(f"study.logger.mode={mode}: expected one of {', '.join(MODES)}.")
        require("wandb", "logger=wandb")
        self.project = project
        self.mode = mode

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:
        if self.mode == "offline":
            os.environ["WANDB_ERROR_REPORTING"] = "false"  # read on import; else wandb sends its own errors
        wandb: Any = importlib.import_module("wandb")
        study = directory.parents[2].name
        name = fingerprint.digest([str(directory.absolute()), record.identity])[:16]  # studies may share a name
        for earlier in directory.glob(f"wandb/*run-*-{name}"):
            shutil.rmtree(earlier)
        self._run = wandb.init(
            project=self.project,
            mode=self.mode,
            dir=str(directory),
            id=name,
            name=record.title,
            group=study,
            config=dict(levels),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True),  # it would slow down the run
        )

    def row(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        self._run.summary.update({"status": record.status, **{f"metrics/{name}": value for name, value in metrics.items()}})
        self._run.finish(exit_code=0 if record.status in DONE else 1)
