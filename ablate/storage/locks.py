"""Exclusive access to a run: a lock on this machine, a lease on a shared file system, and the number of processes that died.

The lock (a file lock of the kernel) ends with its process, however that ends. On a file system that several hosts share, such
a lock may not reach the others; so the holder also writes a lease, `.lease`, and touches it regularly. A lease of another host
that was not touched for STALE_SECONDS is void.

filelock's SoftFileLease is not used: it takes over the lease of a dead host only after watching it for STALE_SECONDS itself,
each run anew (we compare file times, and take over at once), and it cannot tell who holds a run without contending for it.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from ablate.core.errors import RunLockedError
from ablate.storage import watcher

LOCK = ".lock"
LEASE = ".lease"
DEATHS = "deaths"
SLOTS = ".slots"
BEAT_SECONDS = 15.0
STALE_SECONDS = 90.0


class Lease:
    """Ownership of a run while this process lives. `lost` once another host took it over, having seen no heartbeat."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / LEASE
        self.content = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "token": os.urandom(8).hex()})
        self.lost = False
        self._stop = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, daemon=True)

    def take(self) -> None:
        """Write the lease.

        Raises:
            RunLockedError: if another host holds a live one.
        """
        stale = _read(self.path)
        if (holder := _live_elsewhere(self.path)) is not None:
            raise RunLockedError(holder)
        if self.path.exists():
            self._clear_away(stale)
        try:
            _create(self.path, self.content)
        except FileExistsError:  # of two hosts, one succeeds
            raise RunLockedError(_as_text(_read(self.path))) from None
        self._heartbeat.start()

    def _clear_away(self, stale: dict[str, Any]) -> None:
        """Remove the lease of a dead holder, and no other: one that another host wrote meanwhile is put back."""
        aside = self.path.with_name(f"{LEASE}.{os.urandom(8).hex()}")
        with suppress(FileNotFoundError):  # another host removed it first
            self.path.rename(aside)
            found = _read(aside)
            if found != stale:
                with suppress(FileExistsError):
                    _create(self.path, json.dumps(found))
            aside.unlink(missing_ok=True)
            if found != stale:
                raise RunLockedError(_as_text(found))

    def release(self) -> None:
        """End the heartbeat and remove the lease, unless it was lost."""
        self._stop.set()
        self._heartbeat.join()
        if not self.lost:
            self.path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                if self.path.read_text(encoding="utf-8") != self.content:
                    self.lost = True
                    return
                os.utime(self.path)
            except FileNotFoundError:
                self.lost = True
                return
            except OSError:
                continue  # the file system is unavailable for a moment: try again at the next beat


@contextmanager
def hold(directory: Path) -> Iterator[Lease]:
    """Lock the run in `directory`.

    Raises:
        RunLockedError: if another process, here or on another host, holds it.
    """
    try:
        lock = FileLock(directory / LOCK).acquire(blocking=False)
    except Timeout:
        raise RunLockedError(_as_text(_read(directory / LEASE))) from None
    with lock:
        lease = Lease(directory)
        lease.take()
        try:
            yield lease
        finally:
            lease.release()


def holder(directory: Path) -> str | None:
    """The process that holds the run in `directory`, as text; None if it is free."""
    if not (directory / LEASE).exists():
        return None
    if (elsewhere := _live_elsewhere(directory / LEASE)) is not None:
        return elsewhere
    try:
        with FileLock(directory / LOCK).acquire(blocking=False):
            return None
    except Timeout:
        return _as_text(_read(directory / LEASE))
    except OSError:  # a folder that cannot be written: the run will say so
        return None


def _create(path: Path, content: str) -> None:
    """Create a file with its content in one step.

    Raises:
        FileExistsError: if it exists.
    """
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


def _as_text(lease: dict[str, Any]) -> str:
    return f"process {lease['pid']} on {lease['host']}" if {"pid", "host"} <= lease.keys() else "another process"


def _live_elsewhere(lease: Path) -> str | None:
    """The holder on another host that is alive. A lease of this host tells nothing that the lock does not."""
    content = _read(lease)
    if not content or content.get("host") == socket.gethostname():
        return None
    try:
        # The clock is that of the file system, which both hosts see: a file made now against the last heartbeat
        with tempfile.TemporaryFile(dir=lease.parent) as now:
            silent = os.fstat(now.fileno()).st_mtime - lease.stat().st_mtime
    except OSError:
        return None
    return _as_text(content) if silent < STALE_SECONDS else None


@functools.cache
def slot(study: Path) -> int:
    """The number of this process among those of this host that run the study: 0, 1, …, kept while the process lives.

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
        _held_slots.append(lock)  # a lock without a reference is released
        return number
    raise AssertionError


_held_slots: list[BaseFileLock] = []


@contextmanager
def count_death(directory: Path) -> Iterator[None]:
    """Should this process be killed meanwhile, and die alone, count a death in `directory`: see `ablate.storage.watcher`."""
    with watcher.append_if_killed(directory / DEATHS):
        yield


def deaths(directory: Path) -> int:
    """How many processes died during the run since its last checkpoint, or since an attempt last ended in another way."""
    try:
        return (directory / DEATHS).read_bytes().count(b"\n")
    except OSError:
        return 0


def forget_deaths(directory: Path) -> None:
    """Count from zero again."""
    (directory / DEATHS).unlink(missing_ok=True)
