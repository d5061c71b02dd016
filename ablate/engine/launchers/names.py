"""The names of Hydra's basic launcher and of the launchers for clusters, without importing them."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import AblateError

# the last parts of `hydra.launcher._target_`
BASIC, SLURM, LOCAL, RAY = "BasicLauncher", "SlurmLauncher", "LocalLauncher", "RayLauncher"
JOB_ENDED = "its job "  # begins the error of a run whose job ended without recording it


class Detached(AblateError):
    """The runs were submitted, and the command leaves them to the cluster (study.detach=true)."""


def name_of(config: DictConfig) -> str:
    """The class of the selected launcher."""
    return str(OmegaConf.select(config, "hydra.launcher._target_")).rpartition(".")[2]
