"""`ablate.main`: turn a training function into a command, as `hydra.main` does, and pass it a `Run`.

    @ablate.main(version_base="1.3", config_path="conf", config_name="config")
    def train(cfg, run):
        ...
        return {"accuracy": 0.9}

The options of a study are those of `hydra.sweeper`; with `defaults: [ablate, _self_]` in the configuration, the node `study:`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import hydra
from hydra.conf import HydraConf, RunDir, SweepDir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.core.text import replace_unknown_characters
from ablate.engine import ranks
from ablate.engine.execution import Outcome
from ablate.engine.exit_status import errors_in_one_line
from ablate.engine.experiment import Experiment, SimpleExperiment
from ablate.engine.messages import CONFIG_ERRORS, relative
from ablate.engine.program import Function, Program
from ablate.storage import fingerprint

PACKAGE_PREFIX = "pkg://"
CONFIG_NAME = "config"
MULTIRUN = ("-m", "--multirun")
HYDRA_DEFAULTS = {"sweeper": "ablate", "job_logging": "stdout", "hydra_logging": "disabled"}


class Command(Protocol):
    """A training function as a command: without arguments it runs or sweeps, with them it calls the function."""

    program: Program

    def __call__(self, *arguments: Any) -> Any: ...


def main(
    config_path: str | Path | None = None,
    config_name: str | None = None,
    version_base: str | None = "1.3",
    *,
    experiment: Experiment | None = None,
    metrics: Sequence[str | MetricSpec] = (),
    packages: Sequence[str] = (),
) -> Callable[[Function], Command]:
    """Turn a training function of (cfg) or (cfg, run) into a command: one run, or a sweep with -m.

    It takes the arguments of `hydra.main` and replaces it. The function returns a mapping of metrics (None stands for a metric
    without a value), a number, or None: then the metrics are the last values that it logged with `Run.log`, or are read from
    `study.metrics_file`. It may raise `Diverged`. Called with a configuration, as by a test, the command calls the function.

    The sweeper is ablate's unless the configuration chooses another one. The exit status of the command is 0 if every run
    is done (finished or diverged), 1 if a run failed, 2 for invalid input, 3 if study.max_hours ran out, 130 after Ctrl-C
    and 143 after SIGTERM.

    Args:
        config_path: the configuration folder, relative to the file of the function, or pkg://…; None for no folder.
        config_name: the primary configuration file; None for `config` if the folder has it, otherwise for none.
        version_base: the version of Hydra whose defaults apply, as for `hydra.main`.
        experiment: describes the program to the engine; see `Experiment`.
        metrics: the metrics that the function returns, the main one first, as names or descriptions.
        packages: distributions whose versions are recorded with each run.

    Raises:
        UsageError: if an experiment is combined with metrics or packages; it has its own.

    >>> import ablate
    >>> @ablate.main("conf", metrics=["accuracy"])
    ... def train(cfg, run):
    ...     run.log(epoch=1, accuracy=0.9)
    ...     return {"accuracy": 0.9}
    """
    if experiment is not None and (metrics or packages):
        raise UsageError("ablate.main: pass either an experiment, or metrics and packages; an Experiment defines both itself.")
    described = experiment if experiment is not None else SimpleExperiment(metrics, packages)

    def decorate(function: Function) -> Command:
        folder = _folder(function, config_path)
        name = config_name or (CONFIG_NAME if folder and (Path(folder) / f"{CONFIG_NAME}.yaml").exists() else None)
        program = Program(function, described)

        @functools.wraps(function)
        def command(*arguments: Any) -> Any:
            if arguments:
                return function(*arguments)
            replace_unknown_characters()
            if ranks.joins():
                with errors_in_one_line(list):
                    return ranks.follow(program.train)
            _make_defaults()
            sys.argv = [*sys.argv[:1], *_multirun_first(sys.argv[1:])]
            with errors_in_one_line(lambda: _known_keys(folder, name)), ranks.leading():
                hydra.main(config_path=folder, config_name=name, version_base=version_base)(program)()
                if program.refusal is not None:
                    raise program.refusal
            outcome = program.outcome
            if outcome is None:
                return None
            if outcome.status in ("failed", "running"):
                sys.exit(f"ablate: {relative(outcome.error_message)}")
            print(_summary(outcome))
            if outcome.status in (None, "interrupted"):
                sys.exit(3)
            return None

        decorated = cast(Command, command)
        decorated.program = program
        return decorated

    return decorate


def _multirun_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with -m in front: Hydra takes overrides on one side of it only."""
    return sorted(arguments, key=lambda argument: argument not in MULTIRUN)


def _summary(outcome: Outcome) -> str:
    """The outcome of a single run, with its metrics."""
    ended = "already finished" if outcome.kept else "finished"
    if outcome.error:
        ended = f"{outcome.status or 'not started'} ({outcome.error})"
    facts = [f"  {name}: {value:.6g}" for name, value in (outcome.metrics or {}).items() if value is not None]
    stale = ["It was made by other code than the current version: study.reuse=same_code repeats it."] if outcome.stale else []
    return relative("\n".join([f"{ended}: {outcome.directory}", *facts, *stale]))


def _folder(function: Function, config_path: str | Path | None) -> str | None:
    """The configuration folder, absolute, so that it is found from console scripts too."""
    if config_path is None or str(config_path).startswith(PACKAGE_PREFIX):
        return None if config_path is None else str(config_path)
    return str(Path(inspect.getfile(function)).resolve().parent / config_path)


def _make_defaults() -> None:
    """Set Hydra's defaults for this command. Any configuration can override them, wherever it has `ablate` in its defaults."""
    defaults = [{key: HYDRA_DEFAULTS.get(key, value) for key, value in each.items()} for each in HydraConf().defaults]
    node = HydraConf(defaults=defaults, run=RunDir("."), sweep=SweepDir(".", "."), output_subdir=None)
    ConfigStore.instance().store(group="hydra", name="config", node=node, provider="ablate")


def _known_keys(folder: str | None, config_name: str | None) -> list[str]:
    """The keys and groups that can be overridden; none if the configuration cannot be composed."""
    from hydra.core.global_hydra import GlobalHydra

    if folder is None or folder.startswith(PACKAGE_PREFIX):
        return []
    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(folder, version_base="1.3"):
            cfg = hydra.compose(config_name)
        flat = fingerprint.flatten(OmegaConf.to_container(cfg))  # type: ignore[arg-type]
    except CONFIG_ERRORS:
        return []
    groups = [path.name for path in Path(folder).iterdir() if path.is_dir()]
    return [*flat, *groups]
