"""Programs that fit several models in one run, such as a cross-validation.

A checkpoint belongs to one fit. If the second fit of a run continued from it, its model would begin with the weights of the
first. So only the first fit of a run saves checkpoints; a run that is interrupted in a later one begins anew.
"""

from __future__ import annotations

import weakref

from ablate.engine.run import Run
from ablate.storage.records import CHECKPOINT

_trained: weakref.WeakSet[Run] = weakref.WeakSet()  # the runs in which this process has trained for an epoch or more


def note_training(run: Run) -> None:
    """Note that this process has trained in a run: a fit that begins after this is another one."""
    _trained.add(run)


def begin(run: Run) -> bool:
    """Begin a fit: delete the checkpoint of an earlier one. Returns whether it is the first of the run, which saves its own."""
    if run not in _trained:
        return True
    (run.directory / CHECKPOINT).unlink(missing_ok=True)
    return False
