"""Count the deaths of processes that die alone.

A kernel that is out of memory, or a crash in native code, ends one process; a user who kills a sweep, or a machine that goes
down, ends all of its processes. Only the first says something about the run. A watcher, a second process of the same process
group, tells them apart: it survives the first and not the second. It waits for the end of its standard input, and then
appends a line to a file for each run that was under way.

The watcher is this Python without its site packages, because no shell or other program is on every machine. It is started once
for each process (about 0.4 ms to start, 10 ms of its own until it reads), and costs a run two writes to a pipe. Without it, a
file that says "a run is under way" would show that a process died, but not whether it died alone.

Tested on POSIX systems. Windows is not supported: processes have no groups there, so that every killed run counts.
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
# No signal is handled: one that reaches the group ends the watcher as well, so that it counts nothing.
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
"""


class _Watcher:
    """The watcher of this process; started when it is first needed, and again if it is gone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._watched: list[Path] = []  # those of several threads

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
        """End the watcher; nothing is counted."""
        with self._lock:
            self._close()

    def forget(self) -> None:
        """In a forked child: leave the parent's watcher alone, but do not keep its input open."""
        process, self._process = self._process, None
        self._lock, self._watched = threading.Lock(), []
        if process is not None:
            _input(process).close()
            process.returncode = 0  # not a child of this process

    def _start(self) -> None:
        if not sys.executable:  # Python within another program: deaths are not counted
            return
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM]
        quiet = subprocess.DEVNULL
        with suppress(OSError):  # no memory for another process: the run matters more than the count
            self._process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
        for file in self._watched:
            self._tell("+", file)

    def _tell(self, sign: str, file: Path) -> bool:
        """Whether the watcher is there to hear it."""
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


@contextmanager
def append_if_killed(file: Path) -> Iterator[None]:
    """Should this process be killed meanwhile, and die alone, a line is appended to `file`."""
    file = file.absolute()
    _watcher.add(file)
    try:
        yield
    finally:
        _watcher.remove(file)
