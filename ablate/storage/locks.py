"""Who holds a run: a lock on this machine, a lease on a shared file system, and a count of the processes that died of it.

The lock (a file lock of the kernel) goes with its process, however that ends. On a file system that several hosts share such a
lock may not reach the others: so the holder also writes a lease, `.lease`, and touches it while it lives. A lease of another
host that was not touched for STALE_SECONDS belongs to nobody.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from ablate.core.errors import RunLockedError

LOCK = ".lock"
LEASE = ".lease"
DEATHS = "deaths"
SLOTS = ".slots"
BEAT_SECONDS = 15.0
STALE_SECONDS = 90.0


class Lease:
    """The right to a run, while this process lives. `lost` once another host has taken it, having seen no heartbeat."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / LEASE
        self.content = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "token": os.urandom(8).hex()})
        self.lost = False
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def take(self) -> None:
        """Write the lease. Raises RunLockedError if another host holds a live one."""
        stale = _read(self.path)
        if (holder := _live_elsewhere(self.path)) is not None:
            raise RunLockedError(holder)
        if self.path.exists():
            self._clear_away(stale)
        try:
            _create(self.path, self.content)
        except FileExistsError:  # of two hosts, one succeeds
            raise RunLockedError(_in_words(_read(self.path))) from None
        self._heart.start()

    def _clear_away(self, stale: dict[str, Any]) -> None:
        """Remove the lease of a dead holder, and no other: one that another host wrote since is put back."""
        aside = self.path.with_name(f"{LEASE}.{os.urandom(8).hex()}")
        with suppress(FileNotFoundError):  # another host was quicker
            self.path.rename(aside)
            found = _read(aside)
            if found != stale:
                with suppress(FileExistsError):
                    _create(self.path, json.dumps(found))
            aside.unlink(missing_ok=True)
            if found != stale:
                raise RunLockedError(_in_words(found))

    def give_back(self) -> None:
        """Let others have the run."""
        self._over.set()
        self._heart.join()
        if not self.lost:
            self.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            try:
                if self.path.read_text(encoding="utf-8") != self.content:
                    self.lost = True
                    return
                os.utime(self.path)
            except FileNotFoundError:
                self.lost = True
                return
            except OSError:
                continue  # the file system is away for a moment: the next beat will tell


@contextmanager
def hold(directory: Path) -> Iterator[Lease]:
    """Hold the run in `directory`. Raises RunLockedError if another process, here or on another host, holds it."""
    try:
        lock = FileLock(directory / LOCK).acquire(blocking=False)
    except Timeout:
        raise RunLockedError(_in_words(_read(directory / LEASE))) from None
    with lock:
        lease = Lease(directory)
        lease.take()
        try:
            yield lease
        finally:
            lease.give_back()


def holder(directory: Path) -> str | None:
    """The process that holds the run in `directory`, in words; None if it is free."""
    if not (directory / LEASE).exists():
        return None
    if (elsewhere := _live_elsewhere(directory / LEASE)) is not None:
        return elsewhere
    try:
        with FileLock(directory / LOCK).acquire(blocking=False):
            return None
    except Timeout:
        return _in_words(_read(directory / LEASE))
    except OSError:  # a folder that cannot be written: the run will say so
        return None


def _create(path: Path, content: str) -> None:
    """Make a file with its content in one step. Raises FileExistsError if it is there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read(lease: Path) -> dict[str, Any]:
    try:
        content = json.loads(lease.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _in_words(lease: dict[str, Any]) -> str:
    return f"process {lease['pid']} on {lease['host']}" if {"pid", "host"} <= lease.keys() else "another process"


def _live_elsewhere(lease: Path) -> str | None:
    """The holder on another host whose heart beats. A lease of this host tells nothing that the lock does not."""
    content = _read(lease)
    if not content or content.get("host") == socket.gethostname():
        return None
    try:
        # The clock is that of the file system, which both hosts see: a file made now against the last heartbeat
        with tempfile.TemporaryFile(dir=lease.parent) as now:
            silent = os.fstat(now.fileno()).st_mtime - lease.stat().st_mtime
    except OSError:
        return None
    return _in_words(content) if silent < STALE_SECONDS else None


@functools.cache
def slot(study: Path) -> int:
    """The number of this process among those of this host that run the study: 0, 1, …; it is held as long as the process lives.

    With several GPUs, each process takes the one of its number.
    """
    folder = study / SLOTS
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        lock = FileLock(folder / f"{socket.gethostname()}-{number}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        _held_slots.append(lock)  # a lock that is forgotten is let go
        return number
    raise AssertionError


_held_slots: list[BaseFileLock] = []


# Waits until its standard input ends. The pause lets a signal for the whole group reach it before it writes.
_MOURNER = 'trap "" INT TERM; while read -r _; do :; done; sleep 0.2; echo died >> "$1"'


@contextmanager
def mourned(directory: Path) -> Iterator[None]:
    """Should this process die meanwhile, and die alone, count a death in `directory`.

    A kernel that is out of memory, or a crash in native code, ends one process; a user who kills a sweep, or a machine that
    goes down, ends them all. Only the first is held against the run. A shell of the same process group tells them apart: it
    survives the one and not the other.
    """
    mourner = subprocess.Popen(["/bin/sh", "-c", _MOURNER, "sh", str(directory / DEATHS)], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        mourner.kill()
        mourner.wait()
        assert mourner.stdin is not None
        mourner.stdin.close()


def deaths(directory: Path) -> int:
    """How often the process of the run died under it, since its last checkpoint or since it last ended in another way."""
    try:
        return (directory / DEATHS).read_bytes().count(b"\n")
    except OSError:
        return 0


def forget_deaths(directory: Path) -> None:
    """Begin to count anew."""
    (directory / DEATHS).unlink(missing_ok=True)
