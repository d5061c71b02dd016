"""The status of the runs in a foreign table, with the words of other tools."""

from __future__ import annotations

import re

import pandas as pd

from ablate.core.errors import UsageError
from ablate.importers.table import Roles, Table
from ablate.storage.records import Status

_WORDS: dict[Status, str] = {
    "finished": "finished finish completed complete success successful succeeded done ok passed pass published closed",
    # a run that somebody or something ended without a result is a lost run: it may well have been ended for its result
    "failed": (
        "failed fail failure error errored crashed crash killed aborted abort stopped terminated cancelled canceled timeout "
        "timed_out out_of_memory oom node_fail boot_fail deadline pruned exception broken lost"
    ),
    "diverged": "diverged diverge nan divergence",
    "interrupted": "interrupted preempted preempting paused suspended requeued requeue resumable",
    "running": (
        "running active draft scheduled pending queued waiting in_progress started starting created initializing configuring"
    ),
}
STATUS_OF: dict[str, Status] = {word: status for status, words in _WORDS.items() for word in words.split()}
USUAL = ("status", "error", "left_out")  # columns with the same meaning as in `StudyResults.runs`
COLUMNS = ("status", "state", "run_status", "job_state", "_status")  # their usual names, in lower case


def status_of(word: str) -> Status | None:
    """The status that a word of any tool stands for: finished if it is empty, None if it is unknown.

    >>> status_of("COMPLETED"), status_of("TrialState.PRUNED"), status_of("killed"), status_of("")
    ('finished', 'failed', 'failed', 'finished')
    """
    plain = re.sub(r"[\s-]+", "_", word.strip().lower().rpartition(".")[2])
    return STATUS_OF.get(plain) if plain else "finished"


def of_runs(table: Table, roles: Roles, seed: str | None) -> pd.DataFrame:
    """The columns `status`, `error`, `left_out` and `place` of the rows of a table. Without a status, runs are finished.

    Raises:
        UsageError: for an unknown word.
    """
    taken = {*(roles.factors or ()), *(roles.metrics or ()), seed}
    usual = {name: _texts(table, name) for name in USUAL if name in table.frame and name not in taken}
    nothing = pd.Series([None] * len(table.frame), table.frame.index, dtype=object)
    error = usual.get("error", nothing)
    status = pd.Series("finished", table.frame.index, dtype=object)
    name = roles.status or ("status" if "status" in usual else None)
    if name is not None:
        said = _texts(table, name).fillna("")
        meanings = {word: status_of(word) for word in said.unique()}
        if unknown := next((word for word, meaning in meanings.items() if meaning is None), None):
            at = int((said == unknown).to_numpy().argmax())
            raise UsageError(
                f"{table.places[at]}: unknown status {unknown!r} in the column {name}; use words such as finished, completed, "
                "success, failed, crashed, killed, diverged or running, or name another column with --status."
            )
        status = said.map(meanings).astype(object)
        other = status.ne("finished") & said.str.lower().ne(status)  # a killed run has failed, and the error says killed
        error = error.mask(error.isna() & other, said)
    left_out = usual.get("left_out", nothing)
    return pd.DataFrame({"status": status, "error": error, "left_out": left_out, "place": list(table.places)})


def _texts(table: Table, name: str) -> pd.Series:
    """A column as texts; None for an empty field."""
    column = table.frame[name]
    texts = [None if value is None or value != value or str(value) == "" else str(value) for value in column]
    return pd.Series(texts, column.index, dtype=object)
