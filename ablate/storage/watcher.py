"""Count crashes of a run: deaths of a single process, as opposed to the end of a whole sweep.

The out-of-memory killer, or a crash in native code, ends one process. A user who kills a sweep, or a machine that shuts down,
ends all its processes. Only the first kind says something about the run. A watcher, which is another process in the same
process group, distinguishes the two, because it survives only the first. It waits for the end of its standard input, and then
appends a line to a file for each run in progress.

The watcher is a Python interpreter without site packages, because no other program exists on every machine. It is started once
per process (about 0.4 ms to start, 10 ms until it reads) and costs a run two writes to a pipe. A marker file alone would show
that a process died, but not whether it died alone.

Tested on Linux. Windows is not supported: without process groups, every killed run would count.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

# A line `+<file>` or `-<file>` (hexadecimal) begins or ends a run. The pause lets a signal to the whole group arrive first.
# The watcher handles no signals: a signal to the whole group ends it, so that nothing is counted.
_PROGRAM = """
import sys, time
files = set()
for line in sys.stdin:
    (files.add if line[0] == "+" else files.discard)(line[1:].strip())
if files:
    time.sleep(0.2)
for file in files:
    with open(bytes.fromhex(file), "ab") as deaths:
        deaths.write(b"died\\n")
if files and sys.argv[1]:
    print(sys.argv[1], file=sys.stderr)
"""


class _Watcher:
    """The watcher of this process, started on first use and restarted if it has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._watched: list[Path] = []  # of all threads
        self._last_words = ""

    def add(self, file: Path) -> None:
        with self._lock:
            self._watched.append(file)
            if not self._tell("+", file):
                self._close()
                self._start()

    def remove(self, file: Path) -> None:
        with self._lock:
            self._watched.remove(file)
            self._tell("-", file)

    def close(self) -> None:
        """Stop the watcher without counting anything."""
        with self._lock:
            self._close()

    def say(self, last_words: str) -> None:
        """What to print on standard error if this process dies in a run; empty for nothing."""
        with self._lock:
            self._close()
            self._last_words = last_words

    def forget(self) -> None:
        """In a forked child: close the inherited input of the parent's watcher, without stopping the watcher."""
        process, self._process = self._process, None
        self._lock, self._watched = threading.Lock(), []
        if process is not None:
            _input(process).close()
            process.returncode = 0  # it is not a child of this process

    def _start(self) -> None:
        if not sys.executable:  # embedded Python: deaths are not counted
            return
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM, self._last_words]
        quiet = subprocess.DEVNULL
        heard = None if self._last_words else quiet
        with suppress(OSError):  # for example out of memory; the run continues without a watcher
            self._process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=quiet, stderr=heard)
        for file in self._watched:
            self._tell("+", file)

    def _tell(self, sign: str, file: Path) -> bool:
        """Send a line to the watcher. Returns whether it is running."""
        if self._process is None or self._process.poll() is not None:
            return False
        try:
            _input(self._process).write(f"{sign}{os.fsencode(file).hex()}\n".encode())
        except OSError:
            return False
        return True

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            _input(process).close()


def _input(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin


_watcher = _Watcher()
atexit.register(_watcher.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watcher.forget)


def stop() -> None:
    """Count nothing if this process ends now."""
    _watcher.close()


@contextmanager
def last_words(text: str) -> Iterator[None]:
    """Print `text` on standard error if this process alone ends in a run within the body: killed, or by os._exit."""
    _watcher.say(text)
    try:
        yield
    finally:
        _watcher.say("")


@contextmanager
def append_if_killed(file: Path) -> Iterator[None]:
    """Append a line to `file` if this process alone is killed within the body."""
    file = file.absolute()
    _watcher.add(file)
    try:
        yield
    finally:
        _watcher.remove(file)
