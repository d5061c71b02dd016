"""Optional packages: whether they are installed, and how to install them."""

from __future__ import annotations

import importlib.util

from ablate.core.errors import UsageError


def require(package: str, option: str) -> None:
    """Check that an optional package is installed.

    Args:
        package: its import name, which is also the name of our extra.
        option: what was typed that needs it.

    Raises:
        UsageError: saying how to install it.
    """
    if importlib.util.find_spec(package) is None:
        raise UsageError(f"{option} needs a package that is not installed: pip install 'hydra-ablate[{package}]'.")
