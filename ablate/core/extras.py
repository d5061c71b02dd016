"""How to install what an optional feature needs."""

from __future__ import annotations

import importlib.metadata
import re
import shlex

import ablate


def install(extra: str) -> str:
    """The command that installs the packages of an extra.

    It names them, because pip finds an extra of a checkout by its path only.
    """
    try:
        lines = importlib.metadata.requires(ablate.DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:  # a checkout on PYTHONPATH
        lines = []
    of_extra = re.compile(rf"""extra\s*==\s*["']{re.escape(extra)}["']""")
    packages = [line.split(";")[0].strip() for line in lines if of_extra.search(line)]
    named = packages or [f"{ablate.DISTRIBUTION}[{extra}]"]
    return "pip install " + " ".join(map(shlex.quote, named))
