"""Which change bought the points? Ablation studies with paired replicates, driven by Hydra.

The names below are imported when they are first used: a command that only prints its help loads neither torch nor pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablate.core.errors import Diverged, UsageError
    from ablate.engine.main import main
    from ablate.engine.run import Run
    from ablate.storage.dataframe import load_runs

__version__ = "0.1.0"
__all__ = ["Diverged", "Run", "UsageError", "load_runs", "main"]

_HOMES = {
    "main": "ablate.engine.main",
    "Diverged": "ablate.core.errors",
    "UsageError": "ablate.core.errors",
    "load_runs": "ablate.storage.dataframe",
    "Run": "ablate.engine.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ablate' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
