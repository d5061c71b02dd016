"""`ablate.main`: Hydra's main, and a Run.

    @ablate.main(config_path="conf", config_name="config")
    def train(cfg, run):
        ...
        return {"accuracy": 0.9}

The configuration says `defaults: [ablate, _self_]`, which brings the sweeper, the `study:` node and the directories.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ablate.study import design, identity, provenance, records
from ablate.study.errors import CONFIG_ERRORS, UsageError, one_line
from ablate.study.records import Record, Run, Status

log = logging.getLogger("ablate")

Function = Callable[[DictConfig, Run], Mapping[str, float | None]]
Prepare = Callable[[DictConfig], Mapping[str, Any] | None]

ConfigStore.instance().store(
    name="ablate",
    package="_global_",
    provider="ablate",
    node={
        "defaults": [
            {"override /hydra/sweeper": "ablate"},
            {"override /hydra/job_logging": "stdout"},
            {"override /hydra/hydra_logging": "disabled"},
            "_self_",
        ],
        "seed": 0,
        "study": {
            "name": None,  # the folder of the study; None: made from what was typed
            "root": "outputs",
            "seeds": None,  # a number of replicates, or a list of seeds; None: `seed` alone
            "ignore": [],  # keys that cannot change what a run means
            "paths": [],  # keys that say where inputs lie: no part of the meaning either, but part of the name
            "neutral": {},  # keys added later, each with the value under which nothing changes
            "report": "ablate.report.write",  # called with the folder of the study when a sweep ends; null: nothing
            "label": None,  # filled in: the levels of the cell in words
        },
        "hydra": {
            "run": {"dir": "."},
            "sweep": {"dir": ".", "subdir": "."},
            "output_subdir": None,  # a run writes its own configuration, under its lock
        },
    },
)


@dataclass
class Outcome:
    """How one run ended, as the parent process needs to know it. `status` is None if there was nothing to run."""

    label: str
    seed: int
    status: Status | None
    error: str | None = None
    directory: Path | None = None
    metrics: Mapping[str, float | None] | None = None
    kept: bool = False  # the run was finished before, and was left as it is


class Application:
    """A function of (cfg, run), and what the engine has to know in order to make a study of it.

    `prepare` is called with each configuration before anything runs. It checks it, raising UsageError, and returns the
    keys to fill in (facts, such as the digest of the data) or to replace (decisions, such as which data `auto` means:
    these are made once and kept in study.yaml). If it returns None, the configuration asks for no run.
    `code` names the packages whose source decides the numbers, `packages` the distributions whose version is recorded.
    """

    def __init__(
        self, function: Function, prepare: Prepare | None = None, code: Sequence[str] = (), packages: Sequence[str] = ()
    ) -> None:
        self.function = function
        self.prepare = prepare
        self.code = tuple(code)
        self.packages = tuple(packages)
        self.outcome: Outcome | None = None
        self.refusal: Exception | None = None
        self.source = Path(inspect.getfile(function))
        # Hydra names the job after the module of what it calls
        self.__module__ = self.source.stem if function.__module__ == "__main__" else function.__module__

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
        cfg.study.name = cfg.study.name or design.study_name([], name_parts(cfg, keys))
        cfg.study.label = "base"
        if cfg.study.seeds is not None:
            raise UsageError(f"study.seeds={cfg.study.seeds} asks for replicates: add -m, or type seed=… for one run.")
        study = study_directory(cfg)
        decisions = self.decisions_of(cfg)
        if not self.freeze(cfg, decisions):
            return None
        records.write_study(study, {"factors": {}, **records.read_study(study), "decisions": decisions})
        return self.execute(cfg)

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

    def cell(self, cfg: DictConfig) -> str:
        """The digest of what `cfg` means, without its seed."""
        config = OmegaConf.to_container(cfg, resolve=True)
        assert isinstance(config, dict)
        ignore = ["hydra", "study", "seed", *cfg.study.ignore, *cfg.study.paths]
        return identity.digest(identity.meaning(config, ignore, config["study"]["neutral"]))  # type: ignore[arg-type]

    def execute(self, cfg: DictConfig) -> Outcome:
        """Run one frozen configuration, unless it is finished."""
        record = self._record(cfg)
        directory = run_directory(study_directory(cfg), record)
        if (previous := records.done_before(directory, record.identity)) is not None:
            return _outcome(previous, directory, kept=True)
        config = OmegaConf.to_container(cfg, resolve=True)
        assert isinstance(config, dict)
        run = Run(directory, record, config)  # type: ignore[arg-type]
        try:
            with run.attempt():
                record.metrics = dict(self.function(cfg, run))
        except records.DoneMeanwhile as meanwhile:
            return _outcome(meanwhile.record, directory, kept=True)
        except records.Busy:
            return Outcome(record.label, record.seed, "running", "another process runs it", directory)
        return _outcome(record, directory)

    def _record(self, cfg: DictConfig) -> Record:
        cell = self.cell(cfg)
        return Record(
            identity=identity.digest([cell, cfg.seed]),
            cell=cell[:8],
            seed=cfg.seed,
            label=cfg.study.label,
            choices=choices_of(HydraConfig.get().runtime.choices),
            overridden=list(name_parts(cfg, typed(list(HydraConfig.get().overrides.task)), named_by=())),
            provenance=provenance.of(self.source, self.code, self.packages),
        )


def _outcome(record: Record, directory: Path, kept: bool = False) -> Outcome:
    return Outcome(record.label, record.seed, record.status, record.error, directory, record.metrics, kept)


def study_directory(cfg: DictConfig) -> Path:
    """The folder of the study that `cfg` belongs to."""
    return Path(str(cfg.study.root), str(cfg.study.name))


def run_directory(study: Path, record: Record) -> Path:
    """The folder of a run. A cell that was run before under another label keeps its folder."""
    known = sorted((study / "runs").glob(f"*-{record.cell}"))
    cell = known[0] if known else study / "runs" / f"{design.slug(record.label)[:100]}-{record.cell}"
    return cell / f"seed={record.seed}"


def choices_of(runtime_choices: Mapping[str, str | None]) -> dict[str, str]:
    """The level that each of the application's groups took, by Hydra's account; a group that is off has none."""
    return {key: value for key, value in runtime_choices.items() if value is not None and not key.startswith("hydra/")}


def typed(overrides: Sequence[str]) -> dict[str, str]:
    """The keys and values of overrides as they were typed, without Hydra's signs before the key."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return {override.key_or_group: override.get_value_element_as_str() for override in parsed}


def name_parts(cfg: DictConfig, keys: Mapping[str, str], named_by: Sequence[str] | None = None) -> dict[str, str]:
    """Those of the typed keys that tell one study from another: what an experiment means, and the paths in `named_by`.

    `named_by` is by default study.paths.
    """
    named_by = list(cfg.study.paths) if named_by is None else named_by
    left_out = ("study", "seed", "hydra", *cfg.study.ignore, *(path for path in cfg.study.paths if path not in named_by))
    return {
        key: value
        for key, value in keys.items()
        if not any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in left_out)
    }


def main(
    config_path: str | Path,
    config_name: str = "config",
    *,
    prepare: Prepare | None = None,
    code: Sequence[str] = (),
    packages: Sequence[str] = (),
) -> Callable[[Function], Callable[[], None]]:
    """Make a command of a function of (cfg, run): one run, or with -m a sweep.

    `config_path` is relative to the file of the function. The function returns its metrics by name; None is a metric
    without a value. It may raise Diverged. For the other arguments see Application.

    The command exits with status 1 if a run failed, 2 if what was typed cannot be used.
    """

    def decorate(function: Function) -> Callable[[], None]:
        folder = Path(inspect.getfile(function)).resolve().parent / config_path
        application = Application(function, prepare, code, packages)

        @functools.wraps(function)
        def command() -> None:
            with _errors_raised(folder, config_name):
                hydra.main(config_path=str(folder), config_name=config_name, version_base="1.3")(application)()
                if application.refusal is not None:
                    raise application.refusal
            outcome = application.outcome
            if outcome is None:
                return
            if outcome.status == "failed" or outcome.status == "running":
                sys.exit(f"ablate: {outcome.error}")
            print(_in_words(outcome))

        return command

    return decorate


def _in_words(outcome: Outcome) -> str:
    facts = [f"{name}: {value:.6g}" for name, value in (outcome.metrics or {}).items() if value is not None]
    ended = outcome.error if outcome.status == "diverged" else "finished before" if outcome.kept else "finished"
    return "\n".join([f"{ended}: {outcome.directory}", *(f"  {fact}" for fact in facts)])


@contextmanager
def _errors_raised(folder: Path, config_name: str) -> Iterator[None]:
    """Say what the user can mend in one line and exit with status 2.

    Hydra would print such errors itself, over several lines: under HYDRA_FULL_ERROR it lets them through.
    """
    asked_for = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    except CONFIG_ERRORS as error:
        if asked_for == "1":
            raise
        print(f"ablate: {one_line(error, _keys(folder, config_name))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("ablate: interrupted. What is finished is kept; the same command runs the rest.", file=sys.stderr)
        sys.exit(130)
    finally:
        if asked_for is None:
            del os.environ["HYDRA_FULL_ERROR"]


def _keys(folder: Path, config_name: str) -> list[str]:
    """The keys and groups that an override can name; none if the configuration cannot be composed."""
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(folder), version_base="1.3"):
            cfg = hydra.compose(config_name)
        flat = identity.flatten(OmegaConf.to_container(cfg))  # type: ignore[arg-type]
    except CONFIG_ERRORS:
        return []
    groups = [path.name for path in folder.iterdir() if path.is_dir()]
    return [*flat, *groups]
