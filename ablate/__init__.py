"""Ablation studies with paired replicates, driven by Hydra.

The names below are imported when they are first used: printing the help of a command loads neither torch nor pandas.

>>> import ablate
>>> ablate.MetricSpec.guess("test_accuracy").unit
'%'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablate.core.claims import Claim
    from ablate.core.descriptions import Description
    from ablate.core.errors import AblateError, ClaimError, Diverged, RunLockedError, UsageError
    from ablate.core.metrics import MetricSpec
    from ablate.engine.experiment import Experiment
    from ablate.engine.main import main
    from ablate.engine.run import Run
    from ablate.report.loading import load
    from ablate.report.study import Study
    from ablate.stats.judge import judge
    from ablate.storage.dataframe import load_runs

__version__ = "0.1.0"
__all__ = [
    "AblateError",
    "Claim",
    "ClaimError",
    "Description",
    "Diverged",
    "Experiment",
    "MetricSpec",
    "Run",
    "RunLockedError",
    "Study",
    "UsageError",
    "judge",
    "load",
    "load_runs",
    "main",
]

DISTRIBUTION = "hydra-ablate"  # on PyPI, where `ablate` is another project
_MODULES = {
    "AblateError": "ablate.core.errors",
    "Claim": "ablate.core.claims",
    "ClaimError": "ablate.core.errors",
    "Description": "ablate.core.descriptions",
    "Diverged": "ablate.core.errors",
    "Experiment": "ablate.engine.experiment",
    "MetricSpec": "ablate.core.metrics",
    "Run": "ablate.engine.run",
    "RunLockedError": "ablate.core.errors",
    "Study": "ablate.report.study",
    "UsageError": "ablate.core.errors",
    "judge": "ablate.stats.judge",
    "load": "ablate.report.loading",
    "load_runs": "ablate.storage.dataframe",
    "main": "ablate.engine.main",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'ablate' has no attribute '{name}'")
    try:
        module = importlib.import_module(_MODULES[name])
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("ablate."):
            raise
        raise ImportError(
            f"cannot import {error.name}: PyPI's unrelated distribution 'ablate' may have been installed over {DISTRIBUTION} "
            f"in {__path__[0]}, or removed. Run `pip uninstall ablate`, then `pip install --force-reinstall {DISTRIBUTION}`."
        ) from None
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
