"""The sections of the benchmark, by name. Each is a function of the options that returns a `Section`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from benchmarks.options import Options
from benchmarks.results import Section

SECTIONS = {
    "step": "training loops compared: images a second",
    "processes": "one process with two threads against two processes of one thread each",
    "startup": "seconds until the help, a plan, and the first training step",
    "cache": "the cache of decoded images, cold and warm",
    "memory": "the memory of one more process that shares the images",
    "engine": "the engine's cost for each run",
    "report": "the report of studies of 10 to 10,000 runs",
}


def section(name: str) -> Callable[[Options], Section]:
    """The function that measures a section. Its modules are imported here, not before."""
    return cast(Callable[[Options], Section], importlib.import_module(f"benchmarks.sections.{name}").run)
