"""TensorBoard logger: `logger=tensorboard`, or `+logger=tensorboard` in your own program.

    python -m ablate.run -m model.dropout=true,false logger=tensorboard
    tensorboard --logdir outputs

The columns of history.csv appear under their names, the final metrics under `metrics/`. Runs that were finished before the
logger was enabled are not logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.integrations.requirements import require
from ablate.storage.records import RunRecord


class TensorBoard:
    """Writes event files to <run>/tensorboard. Scalars are stored as float32; levels become TensorBoard's hyperparameters."""

    def __init__(self) -> None:
        require("tensorboard", "logger=tensorboard")

    def begin(self, directory: Path, record: RunRecord, levels: Mapping[str, Any]) -> None:  # noqa: ARG002
        from torch.utils.tensorboard import SummaryWriter

        folder = directory / "tensorboard"
        for earlier in folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        self._levels = levels
        # purge_step makes a running TensorBoard drop the data of an earlier attempt
        self._writer = SummaryWriter(str(folder), purge_step=0)

    def row(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def end(self, record: RunRecord, metrics: Mapping[str, float]) -> None:
        levels = {**self._levels, "status": record.status}
        self._writer.add_hparams(levels, {f"metrics/{name}": value for name, value in metrics.items()}, run_name=".")
        self._writer.close()
