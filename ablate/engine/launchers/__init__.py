"""Launchers for clusters: Submitit (Slurm, or processes on this machine) and Ray.

They take the place of the launchers in Hydra's plugins of the same names, and use the options of these. Hydra's own end a whole
sweep, or wait for ever, when one job is killed; these return, for each run, how its job ended.
"""

from __future__ import annotations

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import AblateError

SLURM, LOCAL, RAY = "SlurmLauncher", "LocalLauncher", "RayLauncher"  # the last part of `hydra.launcher._target_`


class Detached(AblateError):
    """The runs were submitted, and the command leaves them to the cluster (study.detach=true)."""


def name_of(config: DictConfig) -> str:
    """The class of the selected launcher."""
    return str(OmegaConf.select(config, "hydra.launcher._target_")).rpartition(".")[2]


def instantiate(context: HydraContext, task: TaskFunction, config: DictConfig) -> Launcher:
    """The launcher selected by `config`: one of this package, or that of Hydra's plugin."""
    name = name_of(config)
    if name == SLURM:
        from ablate.engine.launchers.slurm import Slurm

        return Slurm.of(context, task, config)
    if name == LOCAL:
        from ablate.engine.launchers.local import Local

        return Local.of(context, task, config)
    if name == RAY:
        from ablate.engine.launchers.ray import Ray

        return Ray.of(context, task, config)
    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
