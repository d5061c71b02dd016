"""Where a study on one shared folder ends: how planning, loading and reporting grow, and the metadata operations of a run.

    python benchmarks/scale.py > benchmarks/scale.md                 up to 16,000 runs, a few minutes
    python benchmarks/scale.py --runs 10000 100000 --skip report     as many as asked for

The folders of finished runs are written by this script, so that nothing trains. Each figure is that of a process of its own:
wall time, and peak memory including Python and its libraries. `growth` is the exponent between the two largest studies: 1 is
linear. The metadata operations are the system calls with a path in the folder of the study (strace), of a run with two
epochs.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMPTY = ROOT / "benchmarks" / "empty" / "app.py"
RUNS = (1_000, 4_000, 16_000)
SEEDS = 20
WORKERS = 1_000
TRACED = (2, 12)  # runs of the two sweeps that are traced
TASKS = {
    "plan, new study": "new",
    "plan, finished study": "finished",
    "load": "load",
    "ablate status": "status",
    "report": "report",
}


def task(name: str, folder: Path) -> None:
    """Do one of TASKS, and print its seconds and megabytes as JSON."""
    sys.path.insert(0, str(ROOT))
    if name == "report":  # its own import of pandas and seaborn is part of its memory, not of its time
        importlib.import_module("ablate.report.cli")
    if name == "load":
        importlib.import_module("ablate.storage.dataframe")
    plan = _plan(folder if name == "finished" else folder / "new") if name in ("new", "finished") else None
    began = time.perf_counter()
    if plan is not None:
        plan.look()
    elif name == "load":
        importlib.import_module("ablate.storage.dataframe").load_results(folder)
    elif name == "status":
        importlib.import_module("ablate.commands.status").status_of(folder)
    else:
        importlib.import_module("ablate.report.cli").write(folder)
    seconds = time.perf_counter() - began
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    megabytes = int(peak[1]) / 1024 if peak else math.nan
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


def _plan(folder: Path):  # type: ignore[no-untyped-def]
    """The plan of the study in `folder`, or of a new one: cells as the composer makes them, without Hydra."""
    from ablate.core.cells import Cell
    from ablate.engine.cells import PlannedCell
    from ablate.engine.planning import Plan, PlannedRun

    cells, runs = {}, []
    finished = folder.name != "new"
    records = (folder if finished else folder.parent) / "runs"
    for directory in sorted(records.iterdir()):
        label, _, digest = directory.name.rpartition("-")
        setting = dict(part.split("=") for part in label.split(","))
        levels = Cell.of(setting)
        cell = PlannedCell(levels, levels, [], setting, {}, list(setting), setting, None, digest)
        cells[cell.digest] = cell
        for seed in range(SEEDS):
            place = folder / "runs" / directory.name / f"seed={seed}"
            runs.append(PlannedRun(cell, seed, place, f"{digest}{seed:08x}"))
    return Plan(folder, cells, runs, {})


def measured(name: str, folder: Path) -> dict[str, float]:
    """Run a task in a process of its own."""
    command = [sys.executable, __file__, "--task", name, str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def operations(work: Path) -> Counter[str]:
    """The metadata operations of one run in the folder of its study, by system call: the difference between two sweeps."""
    counts = [_traced(work, runs) for runs in TRACED]
    each = TRACED[1] - TRACED[0]
    return Counter({call: (counts[1][call] - counts[0][call]) / each for call in counts[1]})  # type: ignore[misc]


def _traced(work: Path, runs: int) -> Counter[str]:
    study, log = work / f"traced-{runs}", work / f"trace-{runs}"
    options = ["-m", f"study.seeds={runs}", f"study.root={work}", f"study.name={study.name}", "study.report=false"]
    command = ["strace", "-f", "-e", "trace=%file", "-o", str(log), sys.executable, str(EMPTY), *options]
    subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})
    calls = re.findall(rf"^\d+ +(\w+)\(.*{re.escape(str(study))}", log.read_text(errors="replace"), re.MULTILINE)
    return Counter(calls)


def report(sizes: Sequence[int], skipped: Sequence[str] = ()) -> None:
    """Measure and print everything as Markdown."""
    from benchmarks.sections.synthetic import Shape, write_study

    with tempfile.TemporaryDirectory(prefix="scale-") as place:
        work = Path(place)
        found: dict[str, dict[int, dict[str, float]]] = {title: {} for title in TASKS if title not in skipped}
        for runs in sizes:
            cells = runs // SEEDS
            first = max(divisor for divisor in range(1, math.isqrt(cells) + 1) if cells % divisor == 0)
            folder = work / str(runs)
            write_study(folder, Shape((first, cells // first), SEEDS))
            for title in found:
                found[title][runs] = measured(TASKS[title], folder)
                print(f"{runs} {title}: {found[title][runs]}", file=sys.stderr)
            shutil.rmtree(folder)
        print("# A study on one shared folder\n\n`python benchmarks/scale.py` explains the figures.\n")
        print("|  | " + " | ".join(f"{runs:,} runs" for runs in sizes) + " | growth |")
        print("|---|" + "---:|" * (len(sizes) + 1))
        for title, by_size in found.items():
            values = [f"{each['seconds']:.2f} s, {each['megabytes']:.0f} MB" for each in by_size.values()]
            print(f"| {title} | {' | '.join(values)} | {_growth(by_size)} |")
        if shutil.which("strace") is None:
            print("\nMetadata operations: not measured, because strace is not installed.")
            return
        calls = operations(work)
        each = sum(calls.values())
        names = ", ".join(f"{count:.0f} {call}" for call, count in calls.most_common() if count >= 0.5)
        print(f"\nA run of two epochs, planned and executed, needs {each:.0f} metadata operations: {names}.")
        beats, starts = WORKERS / importlib.import_module("ablate.storage.locks").BEAT_SECONDS, WORKERS / 600
        print(
            f"{WORKERS:,} workers add {beats:.0f} a second for heartbeats. With runs of ten minutes they start {starts:.1f} "
            f"runs a second, which makes {starts * each + beats:.0f} operations a second."
        )


def _growth(by_size: dict[int, dict[str, float]]) -> str:
    if len(by_size) < 2:
        return ""
    (small, before), (large, after) = list(by_size.items())[-2:]
    return f"{math.log(after['seconds'] / before['seconds']) / math.log(large / small):.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=RUNS, help=f"sizes of the studies, multiples of {SEEDS}")
    parser.add_argument("--skip", nargs="+", choices=TASKS, default=(), help="what is not measured")
    parser.add_argument("--task", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if arguments.task:
        task(arguments.task[0], Path(arguments.task[1]))
    else:
        report(arguments.runs, arguments.skip)
