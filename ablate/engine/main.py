"""`ablate.main`: makes a command of a training function, as `hydra.main` does, and hands it a `Run`.

    @ablate.main(config_path="conf", config_name="config", metrics=["accuracy"])
    def train(cfg, run):
        ...
        return {"accuracy": 0.9}

The configuration says `defaults: [ablate, _self_]`, which adds the sweeper, the `study:` node and the folders.
"""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.core.metrics import MetricSpec
from ablate.engine.execution import Outcome
from ablate.engine.experiment import Experiment, SimpleExperiment
from ablate.engine.messages import CONFIG_ERRORS, one_line
from ablate.engine.program import Function, Program
from ablate.storage import fingerprint


def main(
    config_path: str | Path,
    config_name: str = "config",
    *,
    experiment: Experiment | None = None,
    metrics: Sequence[str | MetricSpec] = (),
    packages: Sequence[str] = (),
) -> Callable[[Function], Callable[[], None]]:
    """Make a command of a function of (cfg, run): one run, or with -m a sweep.

    The function returns its metrics by name; None is a metric without a value. It may raise `Diverged`. The command exits with
    status 0 if every run is done (finished, or diverged), 1 if one failed, 2 if what was typed cannot be used, 3 if
    study.max_hours is over, 130 after Ctrl-C and 143 after SIGTERM.

    Args:
        config_path: the folder of the configuration, relative to the file of the function.
        config_name: its main file.
        experiment: what the program tells about itself; see `Experiment`.
        metrics: short for an experiment that only describes its metrics, the main one first: names, or descriptions.
        packages: short for an experiment that only names distributions whose version is recorded with each run.

    Raises:
        UsageError: for an experiment together with metrics or packages.

    >>> import ablate
    >>> @ablate.main("conf", metrics=["accuracy"])
    ... def train(cfg, run):
    ...     run.log(epoch=1, accuracy=0.9)
    ...     return {"accuracy": 0.9}
    """
    if experiment is not None and (metrics or packages):
        raise UsageError("ablate.main: give either an experiment, or metrics and packages; an Experiment has both itself.")
    described = experiment if experiment is not None else SimpleExperiment(metrics, packages)

    def decorate(function: Function) -> Callable[[], None]:
        folder = Path(inspect.getfile(function)).resolve().parent / config_path
        program = Program(function, described)

        @functools.wraps(function)
        def command() -> None:
            with _errors_in_one_line(folder, config_name):
                hydra.main(config_path=str(folder), config_name=config_name, version_base="1.3")(program)()
                if program.refusal is not None:
                    raise program.refusal
            outcome = program.outcome
            if outcome is None:
                return
            if outcome.status in ("failed", "running"):
                sys.exit(f"ablate: {outcome.error_message}")
            print(_summary(outcome))
            if outcome.status in (None, "interrupted"):
                sys.exit(3)

        command.program = program  # type: ignore[attr-defined]
        return command

    return decorate


def _summary(outcome: Outcome) -> str:
    """How a single run ended, with its metrics."""
    ended = "already finished" if outcome.kept else "finished"
    if outcome.error:
        ended = f"{outcome.status or 'not started'} ({outcome.error})"
    facts = [f"  {name}: {value:.6g}" for name, value in (outcome.metrics or {}).items() if value is not None]
    stale = ["It was made by other code than today's: study.reuse=same_code repeats it."] if outcome.stale else []
    return "\n".join([f"{ended}: {outcome.directory}", *facts, *stale])


@contextmanager
def _errors_in_one_line(folder: Path, config_name: str) -> Iterator[None]:
    """Print errors that the user can fix in one line and exit with status 2.

    Hydra would print such errors itself, in several lines; with HYDRA_FULL_ERROR it raises them.
    """
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    terminated = False

    def terminate(*_: object) -> None:  # a scheduler or `timeout` ends a sweep as Ctrl-C does
        nonlocal terminated
        terminated = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, terminate) if threading.current_thread() is threading.main_thread() else None
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    except CONFIG_ERRORS as error:
        if full_error == "1":
            raise
        print(f"ablate: {one_line(error, _known_keys(folder, config_name))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("ablate: interrupted. Finished runs are kept; the same command continues with the others.", file=sys.stderr)
        sys.exit(143 if terminated else 130)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]


def _known_keys(folder: Path, config_name: str) -> list[str]:
    """The keys and groups that an override can name; none if the configuration cannot be composed."""
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    try:
        with hydra.initialize_config_dir(str(folder), version_base="1.3"):
            cfg = hydra.compose(config_name)
        flat = fingerprint.flatten(OmegaConf.to_container(cfg))  # type: ignore[arg-type]
    except CONFIG_ERRORS:
        return []
    groups = [path.name for path in folder.iterdir() if path.is_dir()]
    return [*flat, *groups]
