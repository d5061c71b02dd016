"""Which change bought the points? Ablation studies with paired replicates, driven by Hydra.

The names below are imported when they are first used: a command that only prints its help loads neither torch nor pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablate.study.app import main
    from ablate.study.errors import Diverged, UsageError
    from ablate.study.loading import load_runs
    from ablate.study.runs import Run

__version__ = "0.1.0"
__all__ = ["Diverged", "Run", "UsageError", "load_runs", "main"]

_HOMES = {
    "main": "ablate.study.app",
    "Diverged": "ablate.study.errors",
    "UsageError": "ablate.study.errors",
    "load_runs": "ablate.study.loading",
    "Run": "ablate.study.runs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ablate' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
