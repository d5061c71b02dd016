"""Hugging Face's `Trainer`: history, checkpoints and resuming of a run by a callback.

    callback = AblateCallback(run)
    trainer = Trainer(..., callbacks=[callback])
    trainer.train(resume_from_checkpoint=callback.checkpoint)

The output directory of the `TrainingArguments` should be that of the run (`run.directory`), so that runs do not share it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ablate.engine.current import current_run
from ablate.engine.run import Run
from ablate.integrations import fits

STATE = "trainer_state.json"  # in a checkpoint of the trainer
TIMES = ("runtime", "samples_per_second", "steps_per_second", "total_flos")  # endings of values that differ each time


class AblateCallback(TrainerCallback):
    """Logs what the trainer logs as rows of history.csv, and notes its checkpoints.

    Training values and evaluation values of a step are one row. What is logged before or after the training, such as by
    `trainer.evaluate()`, is a row of its own, unless the last row has the same values of the same step.

    The checkpoints are those of the trainer, which restores its random generators and skips the data it has seen: `checkpoint`
    is the last one of an interrupted run, None for a new run, and for a second trainer in a run (`ablate.integrations.fits`).

    Args:
        run: the run; None for the one that is in progress. Outside of a run, the callback does nothing.
    """

    def __init__(self, run: Run | None = None) -> None:
        self.run = run if run is not None else current_run()
        self._first = self.run is None or fits.begin(self.run)
        state = self.run.restore(usable=_exists) if self.run is not None and self._first else None
        self.checkpoint: str | None = None if state is None else str(state["checkpoint"])
        self._row: dict[str, Any] = {}
        self._training = False

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        self._training = True
        if self.run is not None:
            fits.note_training(self.run)

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if self.run is None or not state.is_world_process_zero:
            return
        if "train_runtime" in (logs or {}):  # the summary at the end of the training
            return
        values = {
            name: value for name, value in (logs or {}).items() if isinstance(value, int | float) and not name.endswith(TIMES)
        }
        if self._row and self._row["step"] != state.global_step:
            self._flush()
        self._row = {"epoch": state.epoch, "step": state.global_step, **self._row, **values}
        if not self._training:  # no later step completes the row
            self._flush(unless_known=True)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        if self.run is None or not state.is_world_process_zero:
            return
        self._flush()
        if not self._first:
            return
        folder = Path(str(args.output_dir), f"checkpoint-{state.global_step}").absolute()
        self.run.save({"checkpoint": str(folder)})

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        self._flush()
        self._training = False

    def _flush(self, unless_known: bool = False) -> None:
        """Append the values of the last step to the history; with `unless_known` only if its last row lacks any of them."""
        if self.run is None or not self._row:
            return
        rows = self.run.rows if unless_known else []
        if not rows or any(rows[-1].get(name) != value for name, value in self._row.items()):
            self.run.log(**self._row)
        self._row = {}


def _exists(state: dict[str, Any]) -> bool:
    return Path(str(state.get("checkpoint")), STATE).is_file()
