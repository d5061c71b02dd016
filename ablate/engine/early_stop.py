"""Stop a sweep that cannot succeed: a run returned nothing usable before any succeeded, or the first all failed with one error.

The processes of a sweep share this knowledge in a file of the study, so that it works with all launchers.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from ablate.storage.files import write_atomically

FILE = ".ended"  # a line of JSON for each run that has failed since the launch, or for one that has not
SAME_ERROR = 3  # failures
_NUMBERS = re.compile(r"\d+(\.\d+)?(e-?\d+)?")  # of an error may be its levels, its seed or its folder
_MEMORY = re.compile("out of memory", re.IGNORECASE)  # smaller configurations, which may come later, need less


def reset(study: Path) -> None:
    """Forget earlier runs, before a launch."""
    with suppress(OSError):
        (study / FILE).unlink(missing_ok=True)


def note(study: Path, run: str, error: str | None, unusable: bool = False) -> bool:
    """Note how a run ended.

    After a run that did not fail, the file has the line of this run alone, however many follow.

    Args:
        study: the folder of the study.
        run: the identity of the run: one that fails again, see study.retries, counts once.
        error: the error if the run failed.
        unusable: whether it returned nothing usable.

    Returns:
        Whether it is the first run since the launch that did not fail.
    """
    line = json.dumps({"run": run, "error": error, "unusable": unusable}) + "\n"
    with suppress(OSError):
        if _succeeds(study):
            return False
        if error is None:
            write_atomically(study / FILE, line)
            return True
        with (study / FILE).open("a", encoding="utf-8") as file:
            file.write(line)
    return False


def _succeeds(study: Path) -> bool:
    """Whether a run did not fail, according to the first line."""
    try:
        with (study / FILE).open(encoding="utf-8") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and first.get("error") is None


def reason(study: Path) -> str | None:
    """Why no more runs should start, as a sentence; None if they should. Any run that did not fail speaks for the others."""
    if _succeeds(study):
        return None
    ended = list({each.get("run"): each for each in _read(study)}.values())
    errors = [each.get("error") for each in ended]
    if not errors or None in errors:
        return None
    unusable = next((each for each in ended if each.get("unusable")), None)
    cause = str((unusable or ended[0]).get("error")).removesuffix(".")
    if unusable is not None:
        return f"Stopped after a run that returned nothing usable: {cause}. The other runs were not started."
    if _MEMORY.search(cause):
        return None
    if len(errors) >= SAME_ERROR and len({_NUMBERS.sub("0", str(error)) for error in errors}) == 1:
        return f"Stopped after {len(errors)} runs failed with the same error: {cause}. The other runs were not started."
    return None


def _read(study: Path) -> list[dict[str, Any]]:
    try:
        lines = (study / FILE).read_text(encoding="utf-8").splitlines()
        return [each for each in map(json.loads, lines) if isinstance(each, dict)]
    except (OSError, ValueError):
        return []
