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
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from ablate.core.errors import CONFIG_ERRORS, one_line
from ablate.engine.application import Application, Cost, Experiment, Function, Metrics, Outcome, Prepare
from ablate.storage import fingerprint

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
            "design": "factorial",  # or one_at_a_time: the baseline, and each other level alone; or path: between two cells
            "baseline": None,  # keys and levels: the baseline, where it is not the level that was typed first
            "exclude": [],  # conditions such as {stem: direct, activation: [gelu, relu]}: cells that are not wanted
            "leave_out": [],  # such conditions, with `seed` and a `reason`: runs that do not count; or a YAML file of them
            "dry_run": False,  # show the plan and its cost, and run nothing
            "retries": 0,  # how often a run that failed is tried again in the same sweep
            "max_hours": None,  # stop after so long, at the next checkpoint; the same command goes on
            "checkpoint": {"minutes": 0},  # the least time between two checkpoints; 0: at every epoch
            "reuse": "any",  # same_code: a finished run that other code made is made again
            "claims": [],  # what the study is to decide, see ablate.core.claims
            "chance": None,  # metrics, with the value of a run that learned nothing: what a diverged run is worth
            "budgets": None,  # times to a target, with the budget at which a run that never reached it stops
            "until": None,  # decided: add seeds, look by look, until every primary claim is decided
            "max_seeds": 20,  # at most so many
            "changes": None,  # for the design path: names of changes, each with the factors that change together
            "ignore": [],  # keys that cannot change what a run means
            "logger": None,  # shows what runs log as well, see ablate.engine.loggers; the group `logger` fills it in
            "paths": [],  # keys that say where inputs lie: no part of the meaning either, but part of the name
            "neutral": None,  # keys added later, each with the value under which nothing changes
            "report": "ablate.report.write",  # called with the folder of the study when a sweep ends; null: nothing
            "check": "ablate.engine.claims.check",  # called with the claims before a study begins
            "decide": "ablate.engine.claims.seeds_wanted",  # called after each look of study.until
            # Filled in for each run of a sweep
            "label": None,  # the levels of the cell in words
            "cell": None,  # its folder
            "position": None,  # 3/12
            "processes": 1,  # how many runs share the machine
            "deadline": None,  # in seconds since 1970
        },
        "hydra": {
            "run": {"dir": "."},
            "sweep": {"dir": ".", "subdir": "."},
            "output_subdir": None,  # a run writes its own configuration, under its lock
        },
    },
)
for _name, _node in {
    "tensorboard": {"starts": "ablate.integrations.loggers.TensorBoard"},
    "wandb": {"starts": "ablate.integrations.loggers.Wandb", "project": "ablate", "mode": "offline"},  # or online
}.items():
    ConfigStore.instance().store(group="logger", name=_name, package="study.logger", provider="ablate", node=_node)


def main(
    config_path: str | Path,
    config_name: str = "config",
    *,
    prepare: Prepare | None = None,
    experiment: Experiment | None = None,
    cost: Cost | None = None,
    metrics: Metrics | None = None,
    code: Sequence[str] = (),
    packages: Sequence[str] = (),
) -> Callable[[Function], Callable[[], None]]:
    """Make a command of a function of (cfg, run): one run, or with -m a sweep.

    `config_path` is relative to the file of the function. The function returns its metrics by name; None is a metric
    without a value. It may raise Diverged. For the other arguments see Application.

    The command exits with status 0 if every run is done (finished, or diverged), 1 if one failed, 2 if what was typed cannot
    be used, 3 if study.max_hours was over, 130 after Ctrl-C and 143 after SIGTERM.
    """

    def decorate(function: Function) -> Callable[[], None]:
        folder = Path(inspect.getfile(function)).resolve().parent / config_path
        application = Application(function, prepare, experiment, cost, metrics, code, packages)

        @functools.wraps(function)
        def command() -> None:
            with _errors_raised(folder, config_name):
                hydra.main(config_path=str(folder), config_name=config_name, version_base="1.3")(application)()
                if application.refusal is not None:
                    raise application.refusal
            outcome = application.outcome
            if outcome is None:
                return
            if outcome.status in ("failed", "running"):
                sys.exit(f"ablate: {outcome.trouble}")
            print(_in_words(outcome))
            if outcome.status in (None, "interrupted"):
                sys.exit(3)

        command.application = application  # type: ignore[attr-defined]
        return command

    return decorate


def _in_words(outcome: Outcome) -> str:
    facts = [f"{name}: {value:.6g}" for name, value in (outcome.metrics or {}).items() if value is not None]
    ended = outcome.error or ("finished before" if outcome.kept else "finished")
    other = ["It was made by other code than today's: study.reuse=same_code makes it again."] * outcome.stale
    return "\n".join([f"{ended}: {outcome.directory}", *(f"  {fact}" for fact in facts), *other])


@contextmanager
def _errors_raised(folder: Path, config_name: str) -> Iterator[None]:
    """Say what the user can mend in one line and exit with status 2.

    Hydra would print such errors itself, over several lines: under HYDRA_FULL_ERROR it lets them through.
    """
    asked_for = os.environ.get("HYDRA_FULL_ERROR")
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
        if asked_for == "1":
            raise
        print(f"ablate: {one_line(error, _keys(folder, config_name))}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("ablate: interrupted. What is finished is kept; the same command runs the rest.", file=sys.stderr)
        sys.exit(143 if terminated else 130)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if asked_for is None:
            del os.environ["HYDRA_FULL_ERROR"]


def _keys(folder: Path, config_name: str) -> list[str]:
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
