"""What the engine costs for each run under each launcher, with a function that does nothing.

    python -m benchmarks.launchers                                   basic, joblib, submitit_local, and a local Ray
    python -m benchmarks.launchers --rounds 5 --with submitit_slurm  and the Slurm whose commands are there

Each case is a whole command with FEW and with MANY runs of `benchmarks/empty/app.py`: the difference, divided by the number of
further runs, is what one run costs. Wall time is that of the command, and with N runs at once a run can take N times as long.
CPU time is that of the command and the processes that it waits for, and is less disturbed by other work on the machine; the
jobs of Slurm and the processes of Ray belong to daemons, so they have none here. All cases are measured once in each round, in
random order; the table has medians.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.commands import python
from benchmarks.rounds import interleave

ROOT = Path(__file__).resolve().parent.parent
EMPTY = ROOT / "benchmarks" / "empty" / "app.py"
FEW, MANY = 2, 10
AT_ONCE = 2
OF_DAEMONS = ("submitit_slurm", "ray")
LAUNCHERS = {
    "basic": [],
    "joblib": [f"hydra.launcher.n_jobs={AT_ONCE}"],
    "submitit_local": [f"study.n_jobs={AT_ONCE}"],
    "ray": [f"study.n_jobs={AT_ONCE}"],
    "submitit_slurm": [f"study.n_jobs={AT_ONCE}"],
}
BY_DEFAULT = ("basic", "joblib", "submitit_local", "ray")


def sweep(launcher: str, runs: int) -> tuple[float, float]:
    """Make `runs` runs in a new study. Returns the wall time and the CPU time of the command and its processes, in seconds."""
    with tempfile.TemporaryDirectory(prefix="launchers-") as place:
        options = ["-m", f"study.seeds={runs}", f"study.root={place}", "study.name=s", "study.report=false"]
        before, began = _children(), time.perf_counter()
        python([str(EMPTY), *options, f"hydra/launcher={launcher}", *LAUNCHERS[launcher]], Path(place))
        return time.perf_counter() - began, _children() - before


def measured(launchers: Sequence[str], rounds: int, few: int = FEW, many: int = MANY) -> dict[str, list[float]]:
    """The wall and CPU seconds of a further run, by launcher: the medians over the rounds."""
    cpu: dict[tuple[str, int], list[float]] = {(name, runs): [] for name in launchers for runs in (few, many)}

    def case(name: str, runs: int) -> float:
        wall, used = sweep(name, runs)
        cpu[name, runs].append(used)
        print(f"{name}, {runs} runs: {wall:.1f} s, CPU {used:.1f} s", file=sys.stderr, flush=True)
        return wall

    cases = {f"{name} {runs}": (lambda name=name, runs=runs: case(name, runs)) for name, runs in cpu}
    wall = interleave(cases, rounds)
    return {
        name: [
            _each(wall[f"{name} {few}"], wall[f"{name} {many}"], many - few),
            _each(cpu[name, few], cpu[name, many], many - few),
        ]
        for name in launchers
    }


def report(found: dict[str, list[float]]) -> str:
    """The result as a Markdown table, with ratios to the first launcher."""
    first = next(iter(found.values()))
    rows = ["| launcher | wall | CPU | wall, ratio | CPU, ratio |", "|---|---:|---:|---:|---:|"]
    for name, (wall, cpu) in found.items():
        used = (f"{cpu:.2f} s", f"{cpu / first[1]:.1f}") if name not in OF_DAEMONS else ("", "")
        rows.append(f"| {name} | {wall:.2f} s | {used[0]} | {wall / first[0]:.1f} | {used[1]} |")
    return "\n".join(rows)


def _each(few: Sequence[float], many: Sequence[float], runs: int) -> float:
    return statistics.median((more - less) / runs for less, more in zip(few, many, strict=True))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--with", dest="also", nargs="+", choices=LAUNCHERS, default=[], help="further launchers")
    arguments = parser.parse_args()
    print(f"Machine: {machine.this_machine().describe()}; load {machine.load()}.\n")
    print(report(measured(list(dict.fromkeys([*BY_DEFAULT, *arguments.also])), arguments.rounds)))
