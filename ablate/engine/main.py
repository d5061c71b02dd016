"""`ablate.main`: turn a training function into a command, as `hydra.main` does, and pass it a `Run`.

    @ablate.main(config_path="conf", config_name="config", metrics=["accuracy"])
    def train(cfg, run):
        ...
        return {"accuracy": 0.9}

The configuration needs `defaults: [ablate, _self_]`, which adds the sweeper, the node `study:` and the output folders.
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
    """Turn a training function of (cfg, run) into a command: one run, or a sweep with -m.

    The function returns a mapping of metrics; None stands for a metric without a value. It may raise `Diverged`. The exit
    status of the command is 0 if every run is done (finished or diverged), 1 if a run failed, 2 for invalid input, 3 if
    study.max_hours ran out, 130 after Ctrl-C and 143 after SIGTERM.

    Args:
        config_path: the configuration folder, relative to the file of the function.
        config_name: the primary configuration file, without suffix.
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
    """The outcome of a single run, with its metrics."""
    ended = "already finished" if outcome.kept else "finished"
    if outcome.error:
        ended = f"{outcome.status or 'not started'} ({outcome.error})"
    facts = [f"  {name}: {value:.6g}" for name, value in (outcome.metrics or {}).items() if value is not None]
    stale = ["It was made by other code than the current version: study.reuse=same_code repeats it."] if outcome.stale else []
    return "\n".join([f"{ended}: {outcome.directory}", *facts, *stale])


@contextmanager
def _errors_in_one_line(folder: Path, config_name: str) -> Iterator[None]:
    """Print invalid input as a message of one line and exit with status 2.

    Hydra would print several lines; with HYDRA_FULL_ERROR=1 it raises the error, so that it can be caught here.
    """
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    terminated = False

    def terminate(*_: object) -> None:  # sent by schedulers and `timeout`: same as Ctrl-C
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
        print("ablate: interrupted. Finished runs are kept; run the same command again to continue.", file=sys.stderr)
        sys.exit(143 if terminated else 130)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]


def _known_keys(folder: Path, config_name: str) -> list[str]:
    """The keys and groups that can be overridden; none if the configuration cannot be composed."""
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
