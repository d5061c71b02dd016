"""Run a command of another program as a training function: the program behind `ablate sweep`.

The command is in the configuration, with placeholders: `[python, train.py, --lr, "{lr}", "{dropout:--dropout}"]`. Its output is
kept in the folder of the run, which it finds in the environment as ABLATE_RUN_DIR.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ablate.core.errors import NoMetricsError, UsageError
from ablate.core.main_metric import main_first
from ablate.core.metrics import MetricSpec
from ablate.core.text import number_in
from ablate.core.values import TRUTHS
from ablate.core.wording import process_end
from ablate.engine.main import main
from ablate.engine.placeholders import PLACEHOLDER, CommandExperiment, filled
from ablate.engine.run import Run
from ablate.storage import fingerprint
from ablate.storage.code_files import note_executed, project_root
from ablate.storage.import_graph import module_file, project_files, search_folders

RUN_DIR = "ABLATE_RUN_DIR"
CONFIG = "ablate_sweep"  # the name of the configuration in Hydra's ConfigStore
STDOUT, STDERR = "stdout.txt", "stderr.txt"
REST = re.compile(r"[eE][-+]?\d+|\d+")  # of a number, behind a part of it
GRACE_SECONDS = 10.0  # between the signal of Ctrl-C and the end of a command that ignores it
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None  # found here: a forked child must not load libraries
_GUARD = f"""
import os, signal, sys, time
if not sys.stdin.read():  # closed without a word: the process that wrote to it is gone
    for number, seconds in ((signal.SIGTERM, {GRACE_SECONDS}), (signal.SIGKILL, 0)):
        try:
            os.killpg(int(sys.argv[1]), number)
        except ProcessLookupError:
            break
        time.sleep(seconds)
"""


def script_of(command: Sequence[str]) -> Path | None:
    """The file that a command runs: the module after -m if it is in the project, or the first Python file.

    Without both it is the first one that is a file, such as a shell script, but no program such as `python`. Data of
    `python -m package data.csv` is not. None if it cannot be told, as for a command line of a shell without a Python file.
    """
    parts = [part for part in command if not PLACEHOLDER.search(part)]
    for option, part in itertools.pairwise(["", *parts]):
        if option in ("-m", "--module") and (file := module_file(part, search_folders(Path.cwd() / "-m", Path.cwd()))):
            return file
        if part.endswith(".py") and Path(part).is_file():
            return Path(part).resolve()
    if "-m" in parts or "--module" in parts:
        return None
    first = parts[0] if parts else ""
    shell = [first] if "/" in first and _is_text(Path(first)) else []
    named = [word for part in command for word in part.split() if word.endswith(".py")]  # in the words of `bash -c`
    return next((path.resolve() for path in map(Path, [*shell, *named, *parts[1:]]) if path.is_file()), None)


def code_of(script: Path, root: Path) -> list[Path]:
    """The files below `root` that a script executes: with its imports, and the Python files that a shell script names."""
    files = project_files(script, root)
    if script.suffix == ".py" or not _is_text(script):
        return files
    words = re.split(r"[\s'\"=;|&()]+", script.read_text(encoding="utf-8", errors="replace"))
    named = [path for word in words if word.endswith(".py") for path in (Path(word), script.parent / word) if path.is_file()]
    return list(dict.fromkeys([*files, *(file for each in named for file in project_files(each, root))]))


def _is_text(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"\0" not in file.read(1024)
    except OSError:
        return False


@main(config_path=None, config_name=CONFIG, experiment=CommandExperiment())
def run_command(cfg: DictConfig, run: Run) -> Mapping[str, float] | None:
    """Run the command of a configuration, and read its metrics from its output unless they are in a file.

    Raises:
        UsageError: if it ends with another status than 0, or if its output contains no metrics.
    """
    if (script := script_of(cfg.command)) is not None:
        note_executed(code_of(script, run.root or project_root(script)))
    command = filled(cfg.command, cfg)
    names = [f"{Path(name).stem}-{run.rank}.txt" if run.rank else name for name in (STDOUT, STDERR)]
    with (run.directory / names[0]).open("wb") as stdout, (run.directory / names[1]).open("wb") as stderr:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, RUN_DIR: str(run.directory.absolute())},
                start_new_session=True,  # Ctrl-C reaches it once, from here, together with its own children
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        except OSError as error:
            raise UsageError(f"{command[0]} cannot be run: {error.strerror or error}.") from None
        with _ended_with_this_process(child):
            try:
                status = child.wait()
            except BaseException:
                _stop(child)
                raise
    if status and run.rank:
        raise UsageError(f"{' '.join(command[:2])} ended with status {status} (see {names[1]}).")
    if status:
        raise UsageError(_failure(command, status, run.directory))
    if cfg.reads_files or run.rank:  # the metrics of a distributed run are those of rank 0
        return None
    return read_output((run.directory / STDOUT).read_text(encoding="utf-8", errors="replace"), cfg.regex, cfg)


def read_output(text: str, regex: str | None, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The metrics in the output of a command: its last line that is a JSON object, or the last matches of a regular expression.

    Args:
        text: the output.
        regex: an expression with named groups, such as `accuracy: (?P<accuracy>\\S+)`; None for JSON.
        settings: the levels that the command was given; in JSON they are no metrics.

    Raises:
        NoMetricsError: if there is none.
        UsageError: if a group matches what is no number, or a part of one.

    >>> read_output('epoch 1\\n{"accuracy": 0.5}\\ndone', None)
    {'accuracy': 0.5}
    >>> read_output("accuracy: 0.25\\naccuracy: 0.5", r"accuracy: (?P<accuracy>\\d+\\.?\\d*)")
    {'accuracy': 0.5}
    """
    if regex is not None:
        return _matched(text, regex)
    others: dict[str, Any] | None = None  # such as {"event": "end"} behind the metrics
    for line in reversed(text.splitlines()):
        try:
            content = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(content, dict):
            measured = without_settings(content, settings or {})
            if any(_has_number(value) or _is_outcome(name, value) for name, value in measured.items()):
                return measured
            others = others or measured
    if others:
        return others
    printed = any(line.startswith("{'") for line in text.splitlines())
    hint = " What Python prints of a dictionary is not JSON: print(json.dumps(metrics))." if printed else ""
    raise NoMetricsError(
        f'the output, in {STDOUT}, has no line with a JSON object such as {{"accuracy": 0.9}}: print one at the end, or name '
        f"a file (metrics='**/metrics.csv') or a regular expression (--regex).{hint}"
    )


def without_settings(printed: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a program printed without the levels and the seed that it was given, the likely main metric first.

    The order of the keys in a line of JSON is that of a log: the epoch and the loss may be before the accuracy.

    >>> without_settings({"lr": 0.1, "seed": 1, "epoch": 9, "test": {"loss": 1.5, "acc": 0.5}}, {"lr": 0.1})
    {'test.acc': 0.5, 'test.loss': 1.5, 'epoch': 9}
    """
    measured = {
        name: value
        for name, value in fingerprint.flatten(printed).items()
        if name != "seed" and (name not in settings or settings[name] != value)
    }
    return {name: measured[name] for name in main_first(list(measured))}


def _matched(text: str, regex: str) -> dict[str, float]:
    """The last match of each group; NaN where a later line has `nan` or `inf` in its place, which digits do not match."""
    found: dict[str, float] = {}
    places: dict[str, tuple[str, int]] = {}  # by group, what is before it in its match, and where it ends
    for match in re.finditer(regex, text):
        for name, value in match.groupdict().items():
            if value is not None:
                if rest := REST.match(text, match.end(name)):
                    raise UsageError(
                        f"--regex: the group {name} is {value!r}, but the number goes on with {rest[0]!r}: let the group match "
                        f"all of it, as in (?P<{name}>\\S+)."
                    )
                found[name] = _number(name, value, match[0])
                places[name] = text[match.start() : match.start(name)], match.end(name)
    for name, (before, end) in places.items():
        if before.strip() and re.compile(rf"{re.escape(before)}[-+]?(nan|inf(inity)?)(?![\w.])", re.IGNORECASE).search(
            text, end
        ):
            found[name] = math.nan
    if not found:
        raise NoMetricsError(f"the output, in {STDOUT}, has no match of --regex {regex}.")
    return found


def _number(name: str, value: str, matched: str) -> float:
    try:
        return TRUTHS[value.lower()] if value.lower() in TRUTHS else number_in(value)
    except ValueError:
        raise UsageError(f"--regex: the group {name} is {value!r} in {matched!r}, which is no number.") from None


def _has_number(value: object) -> bool:
    """Whether a value of JSON is a number or contains one."""
    if isinstance(value, dict | list):
        return any(map(_has_number, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_outcome(name: str, value: object) -> bool:
    """Whether a truth value is a result, such as of `solved`, and not an event such as `done`."""
    return isinstance(value, bool) and MetricSpec.guess(name).better is not None


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Pass Ctrl-C on to a command and its children, and kill what is left of them after a while, or at a second Ctrl-C."""
    try:
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(child.pid, signal.SIGINT)
            child.wait(GRACE_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _failure(command: Sequence[str], status: int, directory: Path) -> str:
    name = " ".join(command[:2])
    if status < 0:
        return f"{name} {process_end(status)} (see {STDERR})."
    lines = (directory / STDERR).read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
    return f"{name} {process_end(status)}: {last} (see {STDERR})."


@contextmanager
def _ended_with_this_process(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the command with all its children if this process is killed: they would go on writing beside the next attempt."""
    guard = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", _GUARD, str(child.pid)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        with suppress(BrokenPipeError):
            guard.communicate(b"done")


def _die_with_parent() -> None:
    """In the child: ask Linux for SIGTERM when the parent dies, which may be before there is a guard."""
    assert _PRCTL is not None
    _PRCTL(DEATH_SIGNAL, signal.SIGTERM)
