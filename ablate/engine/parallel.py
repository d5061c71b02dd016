"""The number of runs that share the machine: set by the launcher or by `study.n_jobs`."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf, open_dict

from ablate.core.errors import UsageError
from ablate.core.extras import install
from ablate.engine.gpus import visible_gpus
from ablate.engine.launchers.names import BASIC, LOCAL, RAY, SLURM, name_of
from ablate.engine.planning import Plan, estimated, waiting_time

AUTO = "auto"
KEY = "study.n_jobs"
LAUNCHER = "hydra.launcher"
JOBLIB = "joblib"
TIMED_CELLS = 3  # for n_jobs=auto
GAIN = 1.05  # minimum speedup to prefer several processes, which need more memory


def usable_cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes_of(config: DictConfig) -> int:
    """The number of runs that the launcher executes at a time, according to its options.

    Raises:
        UsageError: for hydra.launcher.n_jobs=0.
    """
    if name_of(config) == LOCAL:
        return cluster_processes(config.hydra.launcher, OmegaConf.select(config, KEY))
    asked = OmegaConf.select(config, f"{LAUNCHER}.n_jobs")
    if not isinstance(asked, int):
        return 1
    if asked == 0:
        raise UsageError("hydra.launcher.n_jobs=0: expected a number of processes >= 1, or -1 for all cores.")
    return _counted(asked)


def _counted(asked: int) -> int:
    """The number of processes; a negative number counts from the number of cores, as in joblib."""
    return asked if asked > 0 else max(1, usable_cores() + 1 + asked)


def is_cluster(config: DictConfig) -> bool:
    """Whether a launcher for clusters is selected. For these, `study.n_jobs` limits the number of runs at a time."""
    return name_of(config) in (SLURM, LOCAL, RAY)


def cluster_processes(options: Mapping[str, Any], asked: int | str | None) -> int:
    """The number of runs at a time for submitit_local: by default one for each GPU, otherwise for each core.

    Args:
        options: those of the launcher; with `cpus_per_task`, there is one run for so many cores.
        asked: study.n_jobs.
    """
    if isinstance(asked, int):
        return asked
    most = max(1, usable_cores() // (options.get("cpus_per_task") or 1))
    return min(most, len(gpus_for(options)) or most)


def gpus_for(options: Mapping[str, Any]) -> list[str]:
    """The GPUs for the runs of submitit_local; none with `hydra.launcher.gpus_per_node=0`."""
    return [] if options.get("gpus_per_node") == 0 else visible_gpus()


def refuse_other_launcher(config: DictConfig) -> None:
    """Reject `study.n_jobs` in combination with a launcher that has an option of its own for it.

    Raises:
        UsageError: if another launcher is selected; the message names it.
    """
    if name_of(config) != BASIC and not is_cluster(config):
        raise UsageError(
            f"{KEY} cannot be combined with the launcher {name_of(config)}: use the options of that launcher instead."
        )


def refuse_detach(config: DictConfig) -> None:
    """Reject `study.detach` with a launcher whose runs need this command.

    Raises:
        UsageError: unless Slurm's launcher is selected.
    """
    if name_of(config) != SLURM:
        raise UsageError(
            "study.detach=true needs a scheduler that starts the runs without this command: hydra/launcher=submitit_slurm."
        )


def use_processes(config: DictConfig, processes: int) -> None:
    """Select Hydra's joblib launcher for `processes` runs at a time; for one process, keep the basic launcher.

    Raises:
        UsageError: if the joblib launcher is not installed.
    """
    if processes == 1 and "n_jobs" not in config.hydra.launcher:
        return
    if (node := _joblib()) is None:
        raise UsageError(f"{KEY}={processes} needs Hydra's joblib launcher: {install('joblib')}")
    OmegaConf.set_readonly(config.hydra, None)
    with open_dict(config.hydra):
        config.hydra.launcher = OmegaConf.create(OmegaConf.to_container(OmegaConf.structured(node)))
        config.hydra.launcher.n_jobs = processes


def start_at_most(launcher: Launcher, runs: int) -> None:
    """Make joblib's launcher start no more processes than there are runs, but two for a single run.

    With one, joblib would execute the run in the process of the sweep, which a crash of the run would then end. The threads of
    each process stay those of the number asked for: they are part of the numerics, so the last runs of a sweep that was
    interrupted need the same.
    """
    options = getattr(launcher, "joblib", None)
    asked = options.get("n_jobs") if isinstance(options, dict) else None
    if not isinstance(options, dict) or not isinstance(asked, int):
        return
    count = _counted(asked)
    options["n_jobs"] = min(count, max(runs, 2))
    if options["n_jobs"] < count and not any(name.endswith("_NUM_THREADS") for name in os.environ):  # which joblib respects
        options["inner_max_num_threads"] = max(1, importlib.import_module("joblib").cpu_count() // count)


def has_joblib() -> bool:
    """Whether Hydra's joblib launcher is installed."""
    return _joblib() is not None


def _joblib() -> Any:
    """The configuration of Hydra's joblib launcher; None if it is not installed."""
    Plugins.instance()  # imports the installed plugins, which register their configurations
    try:
        return ConfigStore.instance().load(f"hydra/launcher/{JOBLIB}.yaml").node
    except (OSError, KeyError):
        return None


def fastest(plan: Plan, cost: Callable[[Any, int], float | None], seconds: float) -> tuple[int, str]:
    """Choose between one process with all cores and one process per core, according to the program's estimates.

    Args:
        plan: the plan, with the states of its runs.
        cost: `Experiment.cost`.
        seconds: the time limit for the estimates.

    Returns:
        The number of processes, and a sentence with the reason.
    """
    due = plan.due()
    most = min(usable_cores(), len(due))
    if most < 2:
        return 1, f"{KEY}={AUTO}: one process, for {'one core' if len(due) > 1 else 'one run'}."
    cells = list({run.cell.digest: run.cell for run in due}.values())[:TIMED_CELLS]
    started = time.perf_counter()
    waits = {}
    for processes in (1, most):
        estimates: list[float | None] = []
        for cell in cells:
            if estimates and time.perf_counter() - started > seconds:
                break
            estimate, problem = estimated(cell, cost, processes)
            if problem:
                return 1, f"{KEY}={AUTO}: one process, because {problem}"
            estimates.append(estimate)
        known = [each for each in estimates if each is not None]
        if len(known) < len(estimates):
            return 1, f"{KEY}={AUTO}: one process, because the program does not estimate the duration of a run."
        mean = sum(known) / len(known)
        waits[processes] = waiting_time([mean] * len(due), processes)
    chosen = most if waits[1] > GAIN * waits[most] else 1
    ratio = waits[1] / waits[most]
    return chosen, (
        f"{KEY}={AUTO}: {chosen} process{'es' if chosen > 1 else ''}. {most} processes are estimated to be {ratio:.2f} times "
        "as fast as one."
    )
