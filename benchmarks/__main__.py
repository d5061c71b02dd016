"""The benchmark: tables on the terminal, and JSON under benchmarks/results/.

    python -m benchmarks                       everything, five rounds: about an hour on two cores
    python -m benchmarks --only step,report    some sections
    python -m benchmarks --images IMAGES.zip   real images, a zip of train/<class>/* and test/<class>/*
    python -m benchmarks --quick               one round of tiny sizes, to see that everything works

What is compared is measured in interleaved rounds of one run; medians of the rounds are shown, and ratios are computed
in each round. What is in bfloat16 is skipped where the product would take float32. Run it on a machine that does nothing else.
The exit status is 1 if a section failed.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import machine
from benchmarks.options import Options
from benchmarks.output import print_head, print_section
from benchmarks.results import Results, Section
from benchmarks.sections import SECTIONS, section

RESULTS = Path(__file__).resolve().parent / "results"
BUSY = 0.5  # a load average above it means that something else runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections that were asked for; the exit status."""
    asked = _parser().parse_args(arguments)
    rounds = asked.rounds or (1 if asked.quick else 5)
    results = Results(
        machine.this_machine(), datetime.date.today().isoformat(), rounds, asked.quick, "a zip" if asked.images else "drawn"
    )
    file = asked.output or RESULTS / f"{results.machine.slug}-{results.date}{'-quick' if asked.quick else ''}.json"
    console = Console() if sys.stdout.isatty() else Console(width=140)
    print_head(console, results)
    if (load := machine.load()) is not None and load > BUSY:
        console.print(f"Warning: the load average is {load} before anything was started; the figures may be too low.")
    with tempfile.TemporaryDirectory() as work:
        options = Options(rounds, asked.quick, 0.2 if asked.quick else asked.seconds, asked.images, Path(work))
        for name in asked.only:
            results.sections.append(_measure(name, options))
            print_section(console, results, results.sections[-1])
            results.write(file)  # after each section, so that nothing is lost if a later one is interrupted
    console.print(f"Results: {file}", soft_wrap=True)
    return 1 if any(each.error for each in results.sections) else 0


def _measure(name: str, options: Options) -> Section:
    load, began = machine.load(), time.perf_counter()
    try:
        measured = section(name)(options)
    except Exception as error:  # the other sections are measured all the same
        measured = Section(name, SECTIONS[name], error=f"{type(error).__name__}: {error}")
    measured.seconds, measured.load_before = time.perf_counter() - began, load
    return measured


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<11} {what}" for name, what in SECTIONS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the training loop, the engine and the report.",
        epilog=f"Sections:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_sections, default=list(SECTIONS), help="sections, separated by commas")
    parser.add_argument("--rounds", type=_positive, help="rounds of each comparison (default: 5; with --quick: 1)")
    parser.add_argument("--seconds", type=float, default=4.0, help="least duration of a measurement of a loop (default: 4)")
    parser.add_argument("--images", type=_zip, help="a zip of train/<class>/* and test/<class>/* (default: drawn images)")
    parser.add_argument("--output", type=Path, help="the JSON file (default: benchmarks/results/<machine>-<date>.json)")
    parser.add_argument("--quick", action="store_true", help="one round of tiny sizes: the figures mean nothing")
    return parser


def _sections(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in SECTIONS]:
        raise argparse.ArgumentTypeError(f"unknown section {unknown[0]!r}; available: {', '.join(SECTIONS)}")
    return names


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _zip(text: str) -> Path:
    path = Path(text).resolve()
    if not path.exists():
        raise argparse.ArgumentTypeError(f"no file {text!r}")
    return path


if __name__ == "__main__":
    sys.exit(main())
