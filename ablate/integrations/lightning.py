"""Lightning: history, checkpoints and resuming of a run by one callback.

    trainer = Trainer(..., callbacks=[AblateCallback(run)])

or, in a program whose callbacks are in its configuration, without a change of code:

    python train.py -m hydra/sweeper=ablate … +callbacks.ablate._target_=ablate.integrations.lightning.AblateCallback
"""

from __future__ import annotations

import fnmatch
import inspect
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ablate.core.errors import UsageError
from ablate.engine.current import current_run
from ablate.engine.run import Run
from ablate.integrations import fits

KEY = "ablate"  # in Lightning's checkpoint
FILE = "checkpoint-epoch={}.ckpt"


class AblateCallback(Callback):
    """Logs the metrics of each epoch as a row of history.csv, saves checkpoints, and continues a run that was interrupted.

    A checkpoint is Lightning's own, with the states of the random generators and of torchmetrics' metrics: a run that was
    killed and continued has the history of one that was not, if its numbers are otherwise reproducible. It is saved after each
    epoch, see `study.checkpoint`. With several devices, the history is logged, and a killed run begins anew; likewise a run
    that is killed in its second fit or later, see `ablate.integrations.fits`.

    Args:
        run: the run; None for the one that is in progress. Outside of a run, the callback does nothing.

    Raises:
        UsageError: when fitting begins, if `Trainer.fit(ckpt_path=…)` would load another checkpoint into a continued run.
    """

    def __init__(self, run: Run | None = None) -> None:
        self.run = run if run is not None else current_run()
        self._resumes = False
        self._loaded: dict[str, Any] | None = None
        self._saving = False
        self._first = True  # fit of the run
        self._earlier_rows = 0  # of earlier fits

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002
        if self.run is None or stage != "fit":
            return
        self._first = fits.begin(self.run)
        if not self._first:
            self._earlier_rows = len(self.run.rows)
        if not self._first or trainer.world_size > 1:
            return
        directory = self.run.directory
        state = self.run.restore(usable=lambda state: _is_checkpoint(directory, state.get("file")))
        if state is None:
            return
        self._resumes = True
        # Lightning chooses its checkpoint before the first hook; what is loaded here it restores as its own
        start = trainer._checkpoint_connector.resume_start
        trusting = {"weights_only": False} if "weights_only" in inspect.signature(start).parameters else {}  # Lightning 2.6
        start(directory / str(state["file"]), **trusting)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        if self.run is not None and trainer.max_epochs is not None and trainer.max_epochs > 0 and trainer.is_global_zero:
            self.run.expect(trainer.max_epochs)
        if not self._resumes:
            return
        if self._loaded is None:
            raise UsageError(
                "trainer.fit(ckpt_path=…) loads another checkpoint than that of the interrupted run, which would continue: "
                f"omit ckpt_path, or delete {self.run.directory if self.run else 'the run'}."
            )
        _set_random_states(self._loaded["random"])  # next, Lightning draws the order of the first epoch

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the last epoch and save a checkpoint: only now are all hooks and schedulers of that epoch done."""
        if self._resumes and self._loaded is not None:
            self._resumes = False
            # The checkpoint is from the beginning of an epoch: its batches are to do, and schedulers step at its end
            trainer.fit_loop.restarting = False
            _set_metric_states(pl_module, self._loaded["metrics"])  # modules often reset their metrics in on_train_start
            return
        self._log(trainer)
        if self.run is not None and trainer.current_epoch > 0 and trainer.world_size == 1 and self._first:
            self.run.save(lambda: self._saved(trainer))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        self._log(trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002
        if self._saving:
            checkpoint[KEY] = {"random": _random_states(), "metrics": _metric_states(pl_module)}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:  # noqa: ARG002
        if self._resumes:
            self._loaded = checkpoint.get(KEY)

    def _log(self, trainer: Trainer) -> None:
        """Append a row with the metrics of the epoch that ended, unless it was logged."""
        epoch = trainer.current_epoch - 1
        if self.run is None or epoch < 0 or not trainer.is_global_zero:
            return
        fits.note_training(self.run)
        logged = [row["epoch"] for row in self.run.rows[self._earlier_rows :] if isinstance(row.get("epoch"), int | float)]
        if logged and logged[-1] >= epoch:
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items() if name != "epoch"}
        self.run.log(epoch=epoch, **values)

    def _saved(self, trainer: Trainer) -> dict[str, Any]:
        """Write Lightning's checkpoint into the folder of the run, and delete older ones. Returns the state for `Run.save`."""
        assert self.run is not None
        name = FILE.format(trainer.current_epoch)
        older = [path for path in self.run.directory.glob(FILE.format("*")) if path.name != name]
        self._saving = True
        try:
            trainer.save_checkpoint(self.run.directory / name, weights_only=False)  # given, or Lightning logs a line each time
        finally:
            self._saving = False
        for path in sorted(older, key=lambda path: path.stat().st_mtime)[:-1]:  # the last one is needed until this is recorded
            path.unlink(missing_ok=True)
        return {"file": name, "epoch": trainer.current_epoch}


def _is_checkpoint(directory: Path, name: object) -> bool:
    """Whether a name is that of a checkpoint in the folder of the run: Lightning's may run code when they are loaded."""
    return (
        isinstance(name, str)
        and fnmatch.fnmatchcase(name, FILE.format("*"))
        and name in {path.name for path in directory.iterdir()}
    )


def _random_states() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": np.random.get_state(),  # noqa: NPY002 - the generator that programs share
        "python": random.getstate(),
    }


def _set_random_states(states: Mapping[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    random.setstate(states["python"])


def _metrics(module: LightningModule) -> dict[str, Any]:
    """The metrics of torchmetrics in a module, whose states are not part of its `state_dict`."""
    from torchmetrics import Metric

    return {name: each for name, each in module.named_modules() if isinstance(each, Metric)}


def _metric_states(module: LightningModule) -> dict[str, Any]:
    return {
        name: {"state": metric.metric_state, "updates": metric._update_count, "computed": metric._computed}
        for name, metric in _metrics(module).items()
    }


def _set_metric_states(module: LightningModule, states: Mapping[str, Any]) -> None:
    for name, metric in _metrics(module).items():
        if name in states:
            for key, value in states[name]["state"].items():
                setattr(metric, key, value)
            metric._update_count = states[name]["updates"]
            metric._computed = states[name]["computed"]
