"""Execute one planned run: skip it if it is done, call the training function, return the outcome."""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ablate.core.errors import NoMetricsError, RunLockedError, UsageError
from ablate.core.metrics import terms_of
from ablate.engine import early_stop, ranks
from ablate.engine.config_values import choices_of, recorded
from ablate.engine.current import running
from ablate.engine.interrupts import not_swallowed, raised_by_a_handler
from ablate.engine.jobs import RunContext
from ablate.engine.loggers import logger_of
from ablate.engine.options import StudyOptions
from ablate.engine.orphans import without_forked_children
from ablate.engine.returned import Beginning, metrics_of
from ablate.engine.run import DoneMeanwhile, Run
from ablate.storage import locks
from ablate.storage.code_files import made_by_other_code
from ablate.storage.fingerprint import flatten
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import TRACEBACK, RunRecord, Status, Worker

log = logging.getLogger("ablate")


@dataclass
class Outcome:
    """How a run ended, for the process that launched it.

    Attributes:
        name: the short name of the configuration.
        status: None if the run did not start.
        kept: whether the run was done before and was not repeated.
        stale: whether a kept run was made by other code.
    """

    name: str
    seed: int
    status: Status | None
    error: str | None = None
    directory: Path | None = None
    metrics: Mapping[str, float | None] | None = None
    kept: bool = False
    stale: bool = False

    @classmethod
    def of(cls, record: RunRecord, directory: Path, kept: bool = False, stale: bool = False) -> Outcome:
        """Make the outcome of a recorded run."""
        return cls(record.short_name, record.seed, record.status, record.error, directory, record.metrics, kept, stale)

    @property
    def error_message(self) -> str:
        """The error and the path of its traceback."""
        path = self.directory / TRACEBACK if self.directory is not None else None
        traceback = f" (traceback: {path})" if self.status == "failed" and path is not None and path.exists() else ""
        return f"{self.error}{traceback}"


def execute(
    function: Callable[[DictConfig, Run], Any],
    cfg: DictConfig,
    context: RunContext,
    options: StudyOptions,
    provenance: Mapping[str, Any],
    root: Path | None = None,
) -> Outcome:
    """Execute a planned run, unless it is done.

    Args:
        function: the training function; takes (cfg, run) and returns the metrics.
        cfg: the configuration, frozen by the plan.
        context: the facts that the plan passes to the run.
        options: the study options.
        provenance: the program's facts for the run's record.
        root: the folder of the project, whose imported files are recorded; None if the program names its code itself.
    """
    directory = Path(context.directory)
    run = Run(
        directory,
        _record_of(context, provenance),
        recorded(cfg),
        deadline=math.inf if context.deadline is None else context.deadline,
        checkpoint_seconds=60 * options.checkpoint.minutes,
        same_code=options.reuse == "same_code",
        logger=logger_of(options.logger),
        root=root,
    )
    record = run.record
    if (previous := run.done_before()) is not None:
        stale = made_by_other_code(previous.provenance, record.provenance.get("code"), root)
        return Outcome.of(previous, directory, kept=True, stale=stale)
    if time.time() >= run.deadline:
        return Outcome(record.short_name, record.seed, None, "study.max_hours ran out", directory)
    study = directory.parents[2]
    sweeping = context.position is not None
    if sweeping and (why := early_stop.reason(study)) is not None:
        return Outcome(record.short_name, record.seed, None, why, directory)
    try:
        unusable = _attempt(function, cfg, run, options)
    except DoneMeanwhile as meanwhile:
        return Outcome.of(meanwhile.record, directory, kept=True)
    except RunLockedError as error:
        return Outcome(record.short_name, record.seed, "running", f"held by {error}", directory)
    except UsageError as error:  # for example, the folder of the run is not writable
        return Outcome(record.short_name, record.seed, "failed", str(error), directory)
    if "seconds" not in record.timing:  # this process was paused for so long that another host took the run over
        by = locks.holder(directory) or "another host"
        log.warning("%s taken over by %s, after a pause of this process", record.title, by)
        return Outcome(record.short_name, record.seed, "running", f"taken over by {by}", directory)
    failure = record.error if record.status == "failed" else None
    first = sweeping and early_stop.note(study, record.identity, failure, unusable)
    log.info("%s", _summary(context.position, record))
    if first and record.status == "finished":
        with suppress(UsageError):  # an unreadable study.yaml is reported by the command
            for line in _without_metric(StudyManifest.read(study).claims, record.metrics):
                log.warning("%s", line)
    return Outcome.of(record, directory)


def _record_of(context: RunContext, provenance: Mapping[str, Any]) -> RunRecord:
    """The record of a run that begins in this process."""
    return RunRecord(
        identity=context.identity,
        cell=context.cell,
        seed=context.seed,
        repeats=context.repeats,
        label=context.label,
        name=context.name,
        choices=choices_of(context.choices),
        overridden=list(context.overridden),
        levels=dict(context.levels),
        timing={"processes": context.processes},
        provenance={**provenance, **differences(context.planned_with, provenance)},
        worker=this_worker(),
    )


def _attempt(function: Callable[[DictConfig, Run], Any], cfg: DictConfig, run: Run, options: StudyOptions) -> bool:
    """Call the training function in an attempt of its run, which records its errors, and collect the metrics.

    Returns:
        Whether the function came back, or said itself that there are no metrics: an error is then about what it returned.

    Raises:
        DoneMeanwhile, RunLockedError, UsageError: as `Run.attempt`.
    """
    came_back = False
    with run.attempt(), running(run):
        began = Beginning.now(run, options)
        with ranks.shared(cfg, run), without_forked_children(), not_swallowed():
            try:
                returned = function(cfg, run)
            except NoMetricsError:
                came_back = True
                raise
            except SystemExit as ended:
                if ended.code not in (None, 0) or raised_by_a_handler(ended):
                    raise
                returned = None  # `sys.exit(0)` at the end of a script: its metrics may be in files
        came_back = True
        run.record.metrics = metrics_of(returned, cfg, run, options, began)
    return came_back


def this_worker() -> Worker:
    """The facts about this process for the record of a run."""
    host = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    return {"host": host, "pid": os.getpid(), "job": os.environ.get(locks.JOB)}


def differences(planned: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    """What differs between the machine that planned a run and this one: code, the version of Python, and of packages.

    Returns:
        The key `differs` for the provenance of the run, with the two values of each fact; empty if nothing differs.
    """
    now = flatten(here)
    found = {key: [value, now.get(key)] for key, value in flatten(planned).items() if now.get(key) != value}
    return {"differs": found} if found else {}


def _without_metric(claims: Iterable[Mapping[str, Any]], metrics: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each claim about a metric that a run does not have, while there are runs left to be stopped."""
    for claim in claims:
        metric = str(claim.get("metric") or "")
        absent = [] if not metric or metric in metrics else [name for name in terms_of(metric) if name not in metrics]
        if absent:
            yield f"Claim {claim.get('id')} is about {absent[0]}, but the first run has {', '.join(metrics)}."


def _summary(position: str | None, record: RunRecord) -> str:
    """The line that is logged at the end of a run."""
    first = next((f", {name} {value:.4g}" for name, value in record.metrics.items() if value is not None), "")
    result = f": {record.error}" if record.error else first
    prefix = f"[{position}] " if position else ""
    return f"{prefix}{record.title} {record.status} in {record.timing['seconds']:.1f} s{result}"
