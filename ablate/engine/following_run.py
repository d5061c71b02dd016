"""The `Run` of a process that takes part in the run of another one: a rank > 0 of a distributed run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ablate.engine.run import Run
from ablate.storage import checkpoints


class FollowingRun(Run):
    """A run in a rank > 0. The process of rank 0 holds and records it; here, nothing is written.

    `log`, `save`, `keep` and `expect` do nothing. Streams and seeds are those of rank 0, and `restore` returns the same state.
    """

    def expect(self, epochs: int) -> None:
        """Do nothing: rank 0 records the number of epochs."""

    def log(self, **row: Any) -> None:
        """Do nothing: rank 0 writes the history."""

    def save(self, state: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> None:
        """Do nothing: rank 0 writes the checkpoint, and ends the run when its time is up."""

    def keep(self, name: str, **arrays: Any) -> None:
        """Do nothing: rank 0 writes the arrays."""

    def restore(self, usable: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any] | None:
        """Return the last saved state, as in rank 0."""
        try:
            content = checkpoints.read(self.directory)
            state: dict[str, Any] = content["state"]
            if not checkpoints.made_by_this(content, self._made_by(), self.root):
                return None
        except (ValueError, KeyError, TypeError, OSError):
            return None
        return state if usable is None or usable(state) else None

    def _write_record(self) -> None:
        """Do nothing: `note` only changes the record in memory, on which `restore` depends."""
