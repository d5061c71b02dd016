"""The values that another sweeper, such as Optuna's, gets from a run."""

from __future__ import annotations

from typing import cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from ablate.core.errors import AblateError
from ablate.engine.execution import Outcome
from ablate.storage.records import DONE

Objectives = float | tuple[float, ...]


def objectives(outcome: Outcome | None, main: str | None = None) -> Objectives | None:
    """The value of the main metric, or of as many metrics as `hydra.sweeper.direction` lists. None if no run was requested.

    Args:
        outcome: the outcome of the run.
        main: the main metric; None for the first one.

    Raises:
        AblateError: if the run is not done, or has no value for one of these metrics.
    """
    if outcome is None:
        return None
    name = f"{outcome.name} seed={outcome.seed}"
    if outcome.status not in DONE:
        raise AblateError(f"{name} {outcome.status or 'not started'}: {outcome.error_message}")
    direction = OmegaConf.select(cast(DictConfig, HydraConfig.get()), "sweeper.direction")
    wanted = len(direction) if isinstance(direction, ListConfig) else 1
    metrics = dict(outcome.metrics or {})
    names = sorted(metrics, key=lambda metric: metric != main)[:wanted]
    values = tuple(float(value) for metric in names if (value := metrics[metric]) is not None)
    if len(values) < wanted:
        raise AblateError(f"{name} has no value to optimize for {wanted - len(values)} of {wanted} objectives: {metrics}.")
    return values if wanted > 1 else values[0]
