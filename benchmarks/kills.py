"""Kill sweeps (kill -9) at random moments, type their commands again until they are done, and check that nothing was lost.

    python -m benchmarks.kills                                  100 kills over all launchers that are installed
    python -m benchmarks.kills --kills 8 --only toy:joblib      some

What is killed is, at random: all processes of the command, its own process alone, or the process of one run. Checked after each
kill: runs that had finished are as they were. Checked at the end: the histories, metrics and arrays are bit-equal to those of a
sweep that nobody disturbed, no run was made twice, no process is running, and no file is left over. The exit status is 1 if
a check failed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.commands import ROOT

MARK = "ABLATE_KILLS"  # environment variable: which processes belong to a sweep
PROGRAMS = {
    "toy": [str(ROOT / "benchmarks" / "toy" / "app.py"), "-m", "x=1,2,3", "study.seeds=4", "study.name=s"],
    "vision": [
        "-m", "ablate.run", "-m", "model.dropout=true,false", "study.seeds=3", "study.name=s", "study.report=false",
        "data=builtin", "budget=smoke", "budget.epochs=6", "model.widths=[8,12,16]", "device=cpu", "precision=float32",
        "threads=1",
    ],
}  # fmt: skip
LAUNCHERS = {
    "basic": ([], None),
    "joblib": (["study.n_jobs=2"], "hydra_plugins.hydra_joblib_launcher"),
    "submitit_local": (["hydra/launcher=submitit_local", "study.n_jobs=2"], "hydra_plugins.hydra_submitit_launcher"),
    "ray": (["hydra/launcher=ray", "study.n_jobs=2"], "hydra_plugins.hydra_ray_launcher"),
}
VICTIMS = ("the whole command", "its process", "the process of a run")
MOMENTS = (0.15, 0.6)  # when to kill, in durations of an undisturbed sweep
COMMANDS = 12  # that may be needed to finish a sweep: a run that dies twice is given up by a command
PATIENCE_SECONDS = 600.0
END_SECONDS = 60.0  # for processes to end after their command: agents of Ray have taken more than 20 on a busy machine
ALLOWED = (".lock", ".ended", ".slots", ".submitting")  # files without content that later commands use


@dataclass
class Tally:
    """What happened to the sweeps of a program under a launcher."""

    kills: Counter[str] = field(default_factory=Counter)
    sweeps: int = 0
    commands: int = 0
    troubles: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        named = ", ".join(f"{count} x {whom}" for whom, count in sorted(self.kills.items()) if count)
        return f"{sum(self.kills.values())} kills ({named}), {self.sweeps} sweeps, {self.commands} commands"


class Sweep:
    """A sweep in a folder of its own.

    Args:
        work: the folder.
        program, launcher: names in PROGRAMS and LAUNCHERS.
        cache: the folder for decoded images.
    """

    def __init__(self, work: Path, program: str, launcher: str, cache: Path) -> None:
        self.work, self.temporary, self.study = work, work / "tmp", work / "outputs" / "s"
        self.temporary.mkdir(parents=True)
        self.command = [sys.executable, *PROGRAMS[program], *LAUNCHERS[launcher][0]]
        self.mark = f"{MARK}={work.name}-{os.getpid()}"
        self.environ = {
            **os.environ,
            MARK: self.mark.partition("=")[2],
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(cache),
            "PYTHONPATH": str(ROOT),
        }
        self.finished: dict[Path, str] = {}

    def start(self) -> subprocess.Popen[bytes]:
        """Type the command; its output is appended to the file `said`."""
        with (self.work / "said").open("ab") as said:
            return subprocess.Popen(
                self.command, cwd=self.work, env=self.environ, start_new_session=True, stdout=said, stderr=said
            )

    def finish(self) -> tuple[int, float]:
        """Type the command until it succeeds. Returns the number of commands, and the seconds of the last one."""
        for number in range(1, COMMANDS + 1):
            began = time.monotonic()
            if self.start().wait(PATIENCE_SECONDS) == 0:
                return number, time.monotonic() - began
        raise RuntimeError(f"{COMMANDS} commands did not finish the sweep: see {self.work / 'said'}")

    def processes(self) -> list[int]:
        """The processes that belong to this sweep."""
        return [number for number in _numbers() if self.mark.encode() in _environment(number)]

    def runs(self) -> list[int]:
        """The processes that are executing a run."""
        records = map(_json, self.study.glob("runs/*/*/run.json"))
        claimed = {record.get("worker", {}).get("pid") for record in records if record.get("status") == "running"}
        return sorted(claimed & set(self.processes()))

    def kill(self, process: subprocess.Popen[bytes], whom: str) -> bool:
        """Kill a command that is running, or a part of it. Returns whether there was something to kill."""
        targets = {VICTIMS[0]: self.processes(), VICTIMS[1]: [process.pid], VICTIMS[2]: self.runs()[:1]}[whom]
        if process.poll() is not None or not targets:
            return False
        for target in targets:
            with suppress(ProcessLookupError):
                os.kill(target, signal.SIGKILL)
        return True

    def changed(self) -> list[str]:
        """What is wrong with the runs that had finished before; those that finished since are remembered."""
        now = {path: _digest(path) for path in self.study.glob("runs/*/*/run.json") if _json(path).get("status") == "finished"}
        troubles = [f"{path} was finished and has changed" for path, digest in self.finished.items() if now.get(path) != digest]
        self.finished = now
        return troubles

    def still_running(self) -> list[int]:
        """The processes that do not end within END_SECONDS."""
        until = time.monotonic() + END_SECONDS
        while (alive := self.processes()) and time.monotonic() < until:
            time.sleep(0.2)
        return alive

    def left_over(self) -> list[str]:
        """Processes and files that should not be there once the sweep is done."""
        named = [f"process {number} is running: {_command(number)}" for number in self.still_running()]
        hidden = [path for path in self.study.rglob(".*") if path.name not in (*ALLOWED, ".jobs") and not _in(path, ".slots")]
        runs = [path for name in ("checkpoint*", "deaths") for path in self.study.glob(f"runs/*/*/{name}")]
        jobs = [path for path in self.study.glob(".jobs/*") if path.name not in ALLOWED]
        temporary = [path for path in self.temporary.iterdir() if "ablate" in path.name]
        return named + [f"{path} is left over" for path in (*hidden, *runs, *jobs, *temporary)]

    def results(self) -> dict[str, str]:
        """By the folder of each run, a digest of its history, metrics, and arrays, without what was measured in seconds."""
        return {
            path.parent.relative_to(self.study).as_posix(): _results(path.parent)
            for path in self.study.glob("runs/*/*/run.json")
        }


def _results(directory: Path) -> str:
    header, *rows = [line.split(",") for line in (directory / "history.csv").read_text(encoding="utf-8").splitlines()]
    timed = {position for position, name in enumerate(header) if "second" in name}
    history = [[value for position, value in enumerate(row) if position not in timed] for row in [header, *rows]]
    metrics = {name: value for name, value in _json(directory / "run.json")["metrics"].items() if "second" not in name}
    arrays = {}
    for path in sorted(directory.glob("*.npz")):
        with np.load(path) as content:
            arrays[path.name] = {name: hashlib.sha256(content[name].tobytes()).hexdigest() for name in content.files}
    return json.dumps([history, metrics, arrays], sort_keys=True)


def torment(program: str, launcher: str, kills: int, work: Path, moments: random.Random) -> Tally:
    """Kill sweeps of a program under a launcher so many times, and finish and check each of them."""
    tally, cache = Tally(), work / "cache"
    whole = Sweep(work / "whole", program, launcher, cache)
    _, seconds = whole.finish()
    expected = whole.results()
    tally.troubles += whole.left_over()
    while sum(tally.kills.values()) < kills and not tally.troubles:
        tally.sweeps += 1
        sweep = Sweep(work / f"torn-{tally.sweeps}", program, launcher, cache)
        status: int | None = None
        while status != 0 and sum(tally.kills.values()) < kills:
            process, status, began = sweep.start(), None, time.monotonic()
            tally.commands += 1
            while status is None and sum(tally.kills.values()) < kills:
                try:
                    status = process.wait(moments.uniform(*MOMENTS) * seconds)
                except subprocess.TimeoutExpired:
                    whom = moments.choice(VICTIMS)
                    tally.kills[whom] += sweep.kill(process, whom)
                    with suppress(subprocess.TimeoutExpired):
                        status = process.wait(1.0)
            if process.wait(PATIENCE_SECONDS) == 0:  # so soon that it was perhaps never killed
                seconds = min(seconds, time.monotonic() - began)
            tally.troubles += sweep.changed()
        tally.commands += sweep.finish()[0]
        tally.troubles += sweep.changed()
        sweep.still_running()  # jobs of Submitit outlive a command that is killed, and their folders are removed after that
        tally.commands += sweep.finish()[0]
        tally.troubles += sweep.changed() + sweep.left_over()
        if sweep.results() != expected:
            tally.troubles.append(f"{sweep.work}: the results differ from those in {whole.work}")
        if not tally.troubles:
            shutil.rmtree(sweep.work)
        print(f"{program}:{launcher}: {tally}", file=sys.stderr, flush=True)
    return tally


def installed() -> list[str]:
    """The launchers that are installed."""
    return [name for name, (_, plugin) in LAUNCHERS.items() if plugin is None or importlib.util.find_spec(plugin)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, and print what came of it; the exit status."""
    cases = [f"{program}:{launcher}" for program in PROGRAMS for launcher in installed()]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kills", description="Kill sweeps, and check that nothing is lost."
    )
    parser.add_argument("--kills", type=int, default=100, help="in all (default: 100)")
    parser.add_argument("--only", default=",".join(cases), help=f"cases, separated by commas (default: {','.join(cases)})")
    parser.add_argument("--random", type=int, default=0, help="the seed of the moments (default: 0)")
    parser.add_argument("--keep", type=Path, help="an empty folder for the sweeps, which are kept if a check fails")
    asked = parser.parse_args(arguments)
    chosen = asked.only.split(",")
    if unknown := [case for case in chosen if case not in cases]:
        parser.error(f"unknown case {unknown[0]!r}; available: {', '.join(cases)}")
    failed = False
    for number, case in enumerate(chosen):
        kills = (asked.kills + len(chosen) - 1 - number) // len(chosen)
        work = Path(tempfile.mkdtemp(dir=asked.keep))
        tally = torment(*case.split(":"), kills, work, random.Random(f"{asked.random} {case}"))
        print(f"{case}: {tally}", flush=True)
        for trouble in tally.troubles:
            print(f"  {trouble}", flush=True)
        failed = failed or bool(tally.troubles)
        if not tally.troubles:
            shutil.rmtree(work)
    return int(failed)


def _numbers() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())


def _environment(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except OSError:
        return ""


def _json(path: Path) -> Mapping[str, object]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _digest(path: Path) -> str:
    """Of all files of a run that outlast it."""
    files = sorted(each for each in path.parent.iterdir() if each.suffix in (".json", ".csv", ".npz", ".yaml"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in files if not each.name.startswith("."))).hexdigest()


def _in(path: Path, folder: str) -> bool:
    return folder in path.parts


if __name__ == "__main__":
    sys.exit(main())
