"""Check for optional packages."""

from __future__ import annotations

import importlib.util

from ablate.core.errors import UsageError
from ablate.core.extras import install


def require(package: str, option: str) -> None:
    """Check that an optional package is installed.

    Args:
        package: the import name, which is also the name of the extra.
        option: the setting that needs the package.

    Raises:
        UsageError: if it is not installed; the message says how to install it.
    """
    if importlib.util.find_spec(package) is None:
        raise UsageError(f"{option} needs a package that is not installed: {install(package)}")
