"""A check of the product on a GPU, in less than ten minutes: tests, training steps, and a small study.

    python benchmarks/gpu.py                          on the first CUDA device
    python benchmarks/gpu.py --device cpu --quick     the same code without a GPU: the figures mean nothing

It needs no network and no packages beyond those that the project needs. The tests run where pytest is installed. Results
are printed and written to benchmarks/results/gpu-<machine>-<date>.json. The exit status is 1 if a part failed, and 2
if there is no CUDA device.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for `python benchmarks/gpu.py`

from benchmarks import commands, machine  # noqa: E402
from benchmarks.options import Options  # noqa: E402
from benchmarks.results import Results, Section, Series, Table, Target, ratio  # noqa: E402

LIMITS = {"tests": 120.0, "study": 180.0, "again": 60.0}  # seconds; the steps took 167 on an H100
CELLS = ("model.dropout=true,false", "stem=pyramid,direct")
SEEDS = 2
PARTS = ("tests", "step", "study")
OF_BARE_STEP = 0.95


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every part; the exit status."""
    asked = _parser().parse_args(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("No CUDA device was found by torch. `--device cpu --quick` runs the same code without one.", file=sys.stderr)
        return 2
    results = Results(
        machine.this_machine(), datetime.date.today().isoformat(), 1 if asked.quick else 5, asked.quick, images="drawn"
    )
    some = "" if set(asked.parts) == set(PARTS) else f"-{'-'.join(asked.parts)}"  # beside the file of all parts
    file = asked.output or ROOT / "benchmarks/results" / f"gpu-{results.machine.slug}-{results.date}{some}.json"
    print(f"Machine: {results.machine.describe()}", flush=True)
    parts: dict[str, Callable[[Options, str], Section]] = {"tests": tests, "step": step, "study": study}
    with tempfile.TemporaryDirectory() as work:
        options = Options(results.rounds, asked.quick, 0.1 if asked.quick else 1.0, None, Path(work))
        for name in asked.parts:
            part = parts[name]
            began = time.perf_counter()
            try:
                section = part(options, asked.device)
            except Exception as error:  # the other parts run all the same
                section = Section(name, name, error=f"{type(error).__name__}: {error}")
            section.seconds = time.perf_counter() - began
            results.sections.append(section)
            _print(results, section)
            results.write(file)
    print(f"Results: {file}")
    return 1 if any(section.error for section in results.sections) else 0


def tests(options: Options, device: str) -> Section:
    """The tests with the mark `gpu`."""
    section = Section("tests", "Tests with the mark gpu")
    if importlib.util.find_spec("pytest") is None:
        section.skipped["tests"] = "pytest is not installed"
        return section
    where = "tests/vision/test_devices.py" if options.quick else "tests"
    pytest = ["-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", where]
    answer = commands.python(pytest, ROOT, timeout=LIMITS["tests"])
    section.tables.append(Table("pytest -m gpu", notes=[answer.stdout.strip().splitlines()[-1]]))
    if device != "cuda":
        section.skipped["tests on the device"] = "they skip themselves without CUDA"
    return section


def step(options: Options, device: str) -> Section:
    """Images a second of the bare step in both precisions and memory formats, and of the product, in interleaved rounds."""
    from benchmarks.loops.case import Case
    from benchmarks.sections.training import batch_size, measured, overrides

    chosen, batch = overrides(options, "stage89"), batch_size(options)
    if not options.quick:
        chosen = (*chosen, f"data.train_size={100 * batch}")
    cases = {}
    for precision in ("bfloat16", "float32"):
        for memory, last in (("channels_last", True), ("contiguous", False)):
            name = f"bare step, {precision}, {memory}"
            cases[name] = Case("bare", chosen, precision, device=device, batch=batch, channels_last=last)
        cases[f"product, {precision}"] = Case("product", chosen, precision, device=device, batch=batch)
        cases[f"limit, {precision}"] = Case("matrix", chosen, precision, device=device, batch=batch)
    section = Section("step", "Training steps")
    series = measured(cases, options, section.skipped)
    table = Table(f"stage89, batch {batch}", list(series.values()))
    for precision in ("bfloat16", "float32"):
        if (bare := series.get(f"bare step, {precision}, channels_last")) is None:
            continue  # not faster here: measured() has said so
        limit = series[f"limit, {precision}"]
        table.series.append(ratio(f"bare step / limit, {precision}", bare, limit))
        table.series.append(
            ratio(f"channels_last / contiguous, {precision}", bare, series[f"bare step, {precision}, contiguous"])
        )
        if product := series.get(f"product, {precision}"):
            table.series.append(ratio(f"product / bare step, {precision}", product, bare, Target(OF_BARE_STEP)))
    section.tables.append(table)
    return section


def study(options: Options, device: str) -> Section:
    """Four cells with two seeds each on drawn images, with the command that a user types; and the same command again."""
    size = ("budget=smoke", "model=narrow", "threads=1") if options.quick else ("budget=quick", "data.train_size=10000")
    asked = [*CELLS, f"study.seeds={SEEDS}", f"device={device}", *options.image_overrides(), *size, "study.name=gpu"]
    report = [] if _has_report_packages() and not options.quick else ["study.report=false"]
    command = ["-m", "ablate.run", "-m", *asked, *report]
    began = time.perf_counter()
    commands.python(command, options.work, timeout=LIMITS["study"])
    first = time.perf_counter() - began
    began = time.perf_counter()
    commands.python(command, options.work, timeout=LIMITS["again"])
    again = time.perf_counter() - began
    records = [json.loads(path.read_text(encoding="utf-8")) for path in options.work.glob("outputs/gpu/runs/*/*/run.json")]
    finished = [record for record in records if record["status"] == "finished"]
    wanted = 4 * SEEDS
    if len(finished) != wanted:
        raise RuntimeError(f"{len(finished)} of {wanted} runs are finished; the others: {_states(records)}")
    rates = [record["metrics"]["images_per_second"] for record in finished]
    accuracies = [record["metrics"]["final_test_accuracy"] for record in finished]
    section = Section("study", f"A study of 4 cells with {SEEDS} seeds")
    if report:
        section.skipped["the report"] = "not part of --quick" if options.quick else "packages that it needs are not installed"
    section.tables.append(
        Table(
            "python -m ablate.run",
            [
                Series("the study", "s", [first]),
                Series("the same command again: every run is found", "s", [again]),
                Series("training, over the runs", "images/s", rates),
                Series("final test accuracy, over the runs", "", accuracies),
            ],
        )
    )
    return section


def _states(records: list[dict[str, object]]) -> str:
    others = [record for record in records if record["status"] != "finished"]
    return ", ".join(f"{record['status']} ({record['error']})" for record in others) or "not begun"


def _has_report_packages() -> bool:
    return all(importlib.util.find_spec(name) for name in ("matplotlib", "seaborn", "scipy", "statsmodels", "jinja2"))


def _print(results: Results, section: Section) -> None:
    """A section as plain text: no package is needed for it."""
    print(f"\n{section.title} ({section.seconds:.0f} s)")
    for table in section.tables:
        print(f"  {table.title}")
        for series in table.series:
            low, high = min(series.values), max(series.values)
            verdict = f"  target {series.target}: {results.verdict(series)}" if series.target else ""
            print(f"    {series.name:<45} {statistics.median(series.values):>10,.3g} {series.unit:<9}", end="")
            print(f" [{low:,.3g} to {high:,.3g}]{verdict}")
        for note in table.notes:
            print(f"    {note}")
    for name, reason in section.skipped.items():
        print(f"  skipped: {name}: {reason}")
    if section.error:
        print(f"  failed: {section.error}")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Check the product on a GPU in less than ten minutes.")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="one round of tiny sizes: the figures mean nothing")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="some of them only")
    parser.add_argument("--output", type=Path, help="the JSON file (default: benchmarks/results/gpu-<machine>-<date>.json)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
