"""How long a scheduler has not answered, and when the command that waits for it gives up."""

from __future__ import annotations

import time
from pathlib import Path

from ablate.core.errors import UsageError
from ablate.core.wording import duration

SILENT_SECONDS = 120.0  # without an answer of Slurm, after which the files of the runs alone tell which have ended
GIVE_UP_SECONDS = 1800.0  # without an answer and without the end of a run, after which this command ends


class Silence:
    """How long Slurm has not answered."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self.since: float | None = None
        self.ended = 0.0  # when a run ended last
        self.said = False

    def lasts(self, silent: bool) -> bool:
        """Note whether Slurm is silent. Returns whether it has been for SILENT_SECONDS, and prints so once."""
        now = time.monotonic()
        if not silent:
            self.since, self.said = None, False
            return False
        if self.since is None:
            self.since = self.ended = now
        if now - self.since < SILENT_SECONDS:
            return False
        if not self.said:
            self.said = True
            print("Slurm does not answer (squeue): meanwhile, the folders of the runs tell which are done.", flush=True)
        return True

    def check(self, ended: bool) -> None:
        """Give up if Slurm has been silent, and no run has ended, for GIVE_UP_SECONDS."""
        now = time.monotonic()
        if self.since is None or ended:
            self.ended = now
        elif now - self.ended >= GIVE_UP_SECONDS:
            raise UsageError(
                f"Slurm has not answered (squeue) for {duration(now - self.since)}. Its jobs may still be running: "
                f"`ablate status {self.study}` shows the runs, and the same command collects them once Slurm answers again."
            )
