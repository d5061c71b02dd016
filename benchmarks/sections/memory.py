"""The memory of one more process of a study, and how much of its images it shares with the others.

From /proc/self/smaps_rollup: a process's PSS counts a page that n processes share as 1/n of a page. The sum over all
processes is what they take together, so the difference between two processes and one is the cost of one more.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks import product
from benchmarks.options import Options
from benchmarks.results import Section, Series, Table

SMAPS = Path("/proc/self/smaps_rollup")
MIB = 1024.0  # KiB
_kept: list[object] = []


def run(options: Options) -> Section:
    """Measure one process and two, each with the images of the source loaded as a run loads them."""
    section = Section("memory", "Memory")
    if not SMAPS.exists():
        section.skipped["memory"] = f"this system has no {SMAPS}"
        return section
    sizes = ("data.train_size=500", "data.test_size=100") if options.quick else ("data.train_size=null", "data.test_size=null")
    overrides = (*options.image_overrides(), *sizes)
    product.decode_images(overrides)
    rounds = [_round(overrides) for _ in range(options.rounds)]
    series = [Series(name, "MiB", [values[name] for values in rounds]) for name in rounds[0]]
    section.tables.append(Table("processes that hold all images", series))
    return section


def _round(overrides: tuple[str, ...]) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        first, second = (stack.enter_context(ProcessPoolExecutor(1, context)) for _ in range(2))
        first.submit(_prepare).result()
        before = first.submit(_read).result()
        first.submit(_load, overrides).result()
        alone = first.submit(_read).result()
        second.submit(_prepare).result()
        second.submit(_load, overrides).result()
        together = [process.submit(_read).result() for process in (first, second)]
    return {
        "training images as an array": _size(overrides),
        "RSS of one process": alone["Rss"],
        "RSS that the images add": alone["Rss"] - before["Rss"],
        "private memory that the images add": _private(alone) - _private(before),
        "PSS of one process": alone["Pss"],
        "PSS of two processes": sum(values["Pss"] for values in together),
        "PSS that the second process adds": sum(values["Pss"] for values in together) - alone["Pss"],
    }


def _size(overrides: tuple[str, ...]) -> float:
    """MiB of the training images."""
    return float(product.training_images(overrides)[0].nbytes) / MIB**2


def _private(values: dict[str, float]) -> float:
    return values["Private_Clean"] + values["Private_Dirty"]


def _prepare() -> None:
    """Start a process: its imports are done when this module is loaded, before there are images."""


def _load(overrides: tuple[str, ...]) -> None:
    _kept.append(product.load_images(overrides))


def _read() -> dict[str, float]:
    """The values of smaps_rollup in MiB."""
    lines = SMAPS.read_text(encoding="utf-8").splitlines()[1:]
    pairs = (line.split(":", 1) for line in lines if line.endswith("kB"))
    return {key: int(value.split()[0]) / MIB for key, value in pairs}
