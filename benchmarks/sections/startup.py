"""Seconds until something happens: the help, the plan of 12 cells, and the first training step, each in a new process."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import commands, product
from benchmarks.options import Options
from benchmarks.results import Section, Series, Table, Target
from benchmarks.rounds import interleave

HELP_SECONDS = 1.5
CELLS = ("model.dropout=true,false", "stem=pyramid,direct", "activation=relu,gelu,silu")  # 12
QUICK_CELLS = ("model=narrow", "model.dropout=true,false")
FIRST_STEP = "import sys; from benchmarks.product import Training; Training(sys.argv[1:], 'cpu', 'float32').epoch()"


def run(options: Options) -> Section:
    """Time each command in interleaved rounds; the images are in the cache before."""
    small = (*options.image_overrides(), "budget=smoke", "device=cpu", "threads=1")
    step = (*options.image_overrides(), "experiment=stage89", "data.train_size=128", "data.test_size=100")
    product.decode_images(small)
    product.decode_images(step)
    cells = QUICK_CELLS if options.quick else CELLS
    series = {
        "import ablate": ["-c", "import ablate"],
        "--help": ["-m", "ablate.run", "--help"],
        f"dry run of {2 if options.quick else 12} cells": [
            "-m",
            "ablate.run",
            "-m",
            *cells,
            *small,
            "study.dry_run=true",
        ],
        "first training step (stage89, batch 128)": ["-c", FIRST_STEP, *step],
    }
    folder = options.work / "startup"
    folder.mkdir(exist_ok=True)
    values = interleave({name: _timer(arguments, options) for name, arguments in series.items()}, options.rounds)
    table = Table("start-up", [Series(name, "s", each) for name, each in values.items()])
    table.series[list(series).index("--help")].target = Target(HELP_SECONDS, at_least=False)
    return Section("startup", "Start-up", [table])


def _timer(arguments: list[str], options: Options) -> Callable[[], float]:
    return lambda: commands.seconds(arguments, options.work / "startup")
