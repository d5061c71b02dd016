"""The engine's cost for each run: a sweep of runs that do nothing, less what a short sweep takes."""

from __future__ import annotations

import itertools
import shutil

from benchmarks import commands
from benchmarks.options import Options
from benchmarks.results import Section, Series, Table
from benchmarks.rounds import interleave

APP = commands.ROOT / "benchmarks" / "empty" / "app.py"
SEEDS = 5
LONG, SHORT = 40, 2  # cells
QUICK = (3, 1)


def run(options: Options) -> Section:
    """Time a long sweep and a short one in interleaved rounds. No report is written."""
    long, short = QUICK if options.quick else (LONG, SHORT)
    numbers = itertools.count()

    def sweep(cells: int) -> float:
        folder = options.work / f"engine-{next(numbers)}"
        folder.mkdir()
        levels = ",".join(map(str, range(cells)))
        try:
            return commands.seconds([str(APP), "-m", f"x={levels}", f"study.seeds={SEEDS}"], folder)
        finally:
            shutil.rmtree(folder)

    values = interleave({"long": lambda: sweep(long), "short": lambda: sweep(short)}, options.rounds)
    runs = (long - short) * SEEDS
    each = [1000 * (one - other) / runs for one, other in zip(values["long"], values["short"], strict=True)]
    series = [
        Series(f"a sweep of {long * SEEDS} empty runs", "s", values["long"]),
        Series(f"a sweep of {short * SEEDS} empty runs", "s", values["short"]),
        Series("each further run", "ms", each),
    ]
    return Section("engine", "Engine", [Table("one process, no report", series)])
