"""Create the selected launcher."""

from __future__ import annotations

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from ablate.engine.launchers.names import LOCAL, RAY, SLURM, name_of


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
