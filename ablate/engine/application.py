"""A function of (cfg, run), and what the engine has to know in order to make a study of it."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import math
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ablate.core import designs
from ablate.core.errors import CONFIG_ERRORS, UsageError
from ablate.engine import provenance
from ablate.engine.configs import choices_of, name_parts, plain, resolved, typed
from ablate.engine.loggers import logger_of
from ablate.engine.options import check_single
from ablate.engine.run import DoneMeanwhile, Run
from ablate.storage import fingerprint, records
from ablate.storage.layout import (
    cell_folder,
    known_cells,
    run_directory,
    run_identity,
    short_cell,
    short_experiment,
    study_directory,
)
from ablate.storage.locks import Busy
from ablate.storage.records import TRACEBACK, Record, Status

log = logging.getLogger("ablate")

Function = Callable[[DictConfig, Run], Mapping[str, float | None]]
Prepare = Callable[[DictConfig], Mapping[str, Any] | None]
Experiment = Callable[[DictConfig], Any]
Cost = Callable[[DictConfig, int], float]
Metrics = Callable[[DictConfig], Collection[str]]


@dataclass
class Outcome:
    """How one run ended, as the parent process needs to know it. `status` is None if it did not begin."""

    label: str
    seed: int
    status: Status | None
    error: str | None = None
    directory: Path | None = None
    metrics: Mapping[str, float | None] | None = None
    kept: bool = False  # the run was finished before, and was left as it is
    stale: bool = False  # and other code made it

    @property
    def trouble(self) -> str:
        """The error, and where its traceback is."""
        path = self.directory / TRACEBACK if self.directory is not None else None
        told = f" (its traceback: {path})" if self.status == "failed" and path is not None and path.exists() else ""
        return f"{self.error}{told}"


class Application:
    """A function of (cfg, run), with the hooks by which an application tells the engine more than its configuration does.

    `prepare(cfg)` is called with each configuration before anything runs. It checks it, raising UsageError, and returns the
    keys to fill in (facts, such as the digest of the data) or to replace (decisions, such as which data `auto` means:
    these are made once and kept in study.yaml). If it returns None, the configuration asks for no run.

    `experiment(cfg)` says what the configuration builds, as JSON-like content without the seed. Cells of equal content are the
    same experiment: it runs once and stands for all of them. By default the content is the configuration itself.

    `cost(cfg, processes)` estimates the seconds of one run when as many processes share the machine.

    `metrics(cfg)` names the metrics that a run will return, so that a claim about another one is refused before it is made.

    `code` names the packages whose source decides the numbers, `packages` the distributions whose version is recorded.
    """

    def __init__(
        self,
        function: Function,
        prepare: Prepare | None = None,
        experiment: Experiment | None = None,
        cost: Cost | None = None,
        metrics: Metrics | None = None,
        code: Sequence[str] = (),
        packages: Sequence[str] = (),
    ) -> None:
        self.function = function
        self.prepare = prepare
        self.experiment = experiment
        self.cost = cost
        self.metrics = metrics
        self.code = tuple(code)
        self.packages = tuple(packages)
        self.outcome: Outcome | None = None
        self.refusal: Exception | None = None
        self.source = Path(inspect.getfile(function))
        # Hydra names the job after the module of what it calls
        self.__module__ = self.source.stem if function.__module__ == "__main__" else function.__module__

    def __reduce__(self) -> Any:
        """Pickled as the place where another process finds it: what lies around the function cannot always be pickled."""
        name = self.function.__qualname__
        if "<locals>" in name:
            return Application.__new__, (Application,), self.__dict__
        module = self.function.__module__
        if module == "__main__":
            spec = sys.modules["__main__"].__spec__  # of python -m; a script has none
            module = spec.name if spec is not None else ""
        return _find, (module, str(self.source), name)

    def __call__(self, cfg: DictConfig) -> Outcome | None:
        """What Hydra calls for each job. It never raises for what a run did: the outcome says it."""
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            return self.execute(cfg)  # the sweeper has frozen it
        try:
            self.outcome = self._single(cfg)
        except CONFIG_ERRORS as error:
            self.refusal = error  # raised inside a job, Hydra would put lines of its own around it
        return self.outcome

    def _single(self, cfg: DictConfig) -> Outcome | None:
        keys = typed(list(HydraConfig.get().overrides.task))
        check_single(cfg, keys)
        cfg.study.name = cfg.study.name or designs.study_name([], name_parts(cfg, keys))
        cfg.study.label = "base"
        study = study_directory(cfg)
        decisions = self.decisions_of(cfg)
        if not self.freeze(cfg, decisions):
            return None
        if cfg.study.max_hours is not None:
            cfg.study.deadline = time.time() + 3600 * cfg.study.max_hours
        cell = self.cell(cfg)
        cfg.study.cell = cell_folder(known_cells(study), cell, cfg.study.label)
        try:
            with records.study_lock(study):
                before = records.read_study(study)
                _refuse_other_cell(study, before, short_cell(cell))
                content = {"program": self.check_program(study, before), "factors": {}, **before, "decisions": decisions}
                built = {short_cell(cell): short_experiment(self.builds(cfg))}
                records.write_study(study, content | {"experiments": {**before.get("experiments", {}), **built}})
        except OSError as error:
            raise UsageError(f"cannot write to {study}: {error.strerror or error}. Choose another study.root.") from None
        return self.execute(cfg)

    def check_program(self, study: Path, before: Mapping[str, Any]) -> str:
        """The file of this application, which study.yaml names. Raises UsageError if it names another one.

        Two programs with equal configurations would take each other's runs for their own.
        """
        of = before.get("program", self.source.name)
        if of != self.source.name:
            raise UsageError(
                f"the study {study} belongs to {of}, and this is {self.source.name}: give it a study.name of its own. "
                f"(If {of} was only renamed, write its new name in {study / 'study.yaml'}.)"
            )
        return str(of)

    def decisions_of(self, cfg: DictConfig) -> dict[str, dict[str, Any]]:
        """What was decided when the study began; said again, if it concerns what is asked for now."""
        decisions = dict(records.read_study(study_directory(cfg)).get("decisions", {}))
        for key, decision in decisions.items():
            if OmegaConf.select(cfg, key) == decision["asked"]:
                asked, took = decision["asked"], decision["took"]
                print(f"{key}={asked} means {took} in this study, as at first; another study.name asks anew.")
        return decisions

    def freeze(self, cfg: DictConfig, decisions: dict[str, dict[str, Any]]) -> bool:
        """Check a configuration and fill in what `prepare` finds; False if it asks for no run.

        `decisions` holds what was decided before in this study, and is added to.
        """
        logger_of(plain(OmegaConf.select(cfg, "study.logger")))  # refused now if it cannot be used, before anything runs
        for key, decision in decisions.items():
            if OmegaConf.select(cfg, key) == decision["asked"]:
                OmegaConf.update(cfg, key, decision["took"])
        found = self.prepare(cfg) if self.prepare else {}
        if found is None:
            return False
        for key, value in found.items():
            asked = OmegaConf.select(cfg, key)
            if asked is not None and asked != value:
                decisions[key] = {"asked": asked, "took": value}
            OmegaConf.update(cfg, key, value)
        return True

    def meaning(self, cfg: DictConfig) -> dict[str, Any]:
        """The keys and values that say what the experiment is, without its seed; interpolations resolved."""
        ignore = ("hydra", "study", "seed", *cfg.study.ignore, *cfg.study.paths)
        neutral = plain(cfg.study.neutral) or {}
        return fingerprint.meaning(resolved(cfg, ignore), (), neutral)

    def cell(self, cfg: DictConfig) -> str:
        """The digest of what `cfg` means, without its seed."""
        return fingerprint.digest(self.meaning(cfg))

    def builds(self, cfg: DictConfig) -> str:
        """The digest of what `cfg` builds, by the hook `experiment`: equal for cells that are the same experiment."""
        return fingerprint.digest(self.experiment(cfg) if self.experiment else self.meaning(cfg))

    def execute(self, cfg: DictConfig) -> Outcome:
        """Run one frozen configuration, unless it is finished."""
        record = self._record(cfg)
        directory = run_directory(study_directory(cfg), cfg.study.cell, record.seed)
        deadline = math.inf if cfg.study.deadline is None else cfg.study.deadline
        config = plain(cfg, resolve=True)
        run = Run(
            directory,
            record,
            config,
            deadline=deadline,
            checkpoint_seconds=60 * cfg.study.checkpoint.minutes,
            same_code=cfg.study.reuse == "same_code",
            logger=logger_of(config["study"].get("logger")),
        )
        if (previous := run.done_before()) is not None:
            stale = previous.provenance.get("code") != record.provenance.get("code")
            return replace(_outcome(previous, directory, kept=True), stale=stale)
        if time.time() >= deadline:
            return Outcome(record.label, record.seed, None, "study.max_hours was over", directory)
        try:
            with run.attempt():
                record.metrics = _metrics(self.function(cfg, run))
        except DoneMeanwhile as meanwhile:
            return _outcome(meanwhile.record, directory, kept=True)
        except Busy as holder:
            return Outcome(record.label, record.seed, "running", f"{holder} runs it", directory)
        except UsageError as error:  # its folder cannot be written
            return Outcome(record.label, record.seed, "failed", str(error), directory)
        log.info("%s", _ended(cfg.study.position, record))
        return _outcome(record, directory)

    def _record(self, cfg: DictConfig) -> Record:
        cell = self.cell(cfg)
        return Record(
            identity=run_identity(cell, cfg.seed),
            cell=short_cell(cell),
            seed=cfg.seed,
            label=cfg.study.label,
            choices=choices_of(HydraConfig.get().runtime.choices),
            overridden=list(name_parts(cfg, typed(list(HydraConfig.get().overrides.task)), named_by=())),
            timing={"processes": cfg.study.processes},
            provenance=self.provenance(),
        )

    def provenance(self) -> dict[str, Any]:
        """The facts of this application that a run records."""
        return provenance.of(self.source, self.code, self.packages)


def _refuse_other_cell(study: Path, before: Mapping[str, Any], cell: str) -> None:
    """What a sweep compares differs in its factors alone: one run cannot bring another setting into it."""
    if "fixed" in before and cell not in {*known_cells(study), *before.get("experiments", {})}:
        raise UsageError(
            f"the study {study} is that of a sweep, and this run is none of its cells: add its levels to the sweep (-m …), "
            "or give the run a study.name of its own."
        )


def _find(module: str, source: str, name: str) -> Application:
    """The application of a command, in a process that has to import it first."""
    if module:
        home = importlib.import_module(module)
    else:
        spec = importlib.util.spec_from_file_location(Path(source).stem, source)
        assert spec is not None
        assert spec.loader is not None
        home = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(home)
    application: Application = getattr(home, name).application
    return application


def _metrics(returned: object) -> dict[str, float | None]:
    """What the function returned, as plain numbers. Raises UsageError if it is no mapping of names to numbers."""
    if not isinstance(returned, Mapping):
        raise UsageError(f"the function returned {type(returned).__name__}: a mapping is needed, of metrics by their names.")
    metrics = {}
    if taken := [str(name) for name in returned if str(name) in records.RESERVED]:
        raise UsageError(
            f"the function returned {taken[0]}=…: the study has a column of that name, so call the metric otherwise."
        )
    for name, value in returned.items():
        try:
            metrics[str(name)] = value if value is None or isinstance(value, int) else float(value)
        except (TypeError, ValueError):
            raise UsageError(f"the function returned {name}={value!r}: a metric is a number, or None.") from None
    return metrics


def _outcome(record: Record, directory: Path, kept: bool = False) -> Outcome:
    return Outcome(record.label, record.seed, record.status, record.error, directory, record.metrics, kept)


def _ended(position: str | None, record: Record) -> str:
    """The line that a finished run leaves where there is no terminal to draw on."""
    first = next((f", {name} {value:.4g}" for name, value in record.metrics.items() if value is not None), "")
    said = f": {record.error}" if record.error else first
    where = f"[{position}] " if position else ""
    return f"{where}{record.label} seed={record.seed} {record.status} in {record.timing['seconds']:.1f} s{said}"
