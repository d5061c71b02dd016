"""Exclusive access to a run: a file lock on one machine, a lease between machines; and the crash count of a run.

The operating system releases the file lock when its process ends in any way. On a shared file system such a lock may not be
visible to other hosts, so the holder also writes a lease, `.lease`, and updates its modification time regularly. A lease of
another host expires after STALE_SECONDS without an update.

filelock's SoftFileLease is not used for two reasons: it takes over an expired lease only after observing it for STALE_SECONDS,
again for each run, while the code below compares file times; and it cannot tell who holds a run without trying to acquire it.
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
    """A lease on a run with a heartbeat. `lost` is set once another host has taken over, having seen no heartbeat."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / LEASE
        self.content = json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "token": os.urandom(8).hex()})
        self.lost = False
        self._stop = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, daemon=True)

    def take(self) -> None:
        """Write the lease.

        Raises:
            RunLockedError: if another host holds a valid lease.
        """
        stale = _read(self.path)
        if (holder := _live_elsewhere(self.path)) is not None:
            raise RunLockedError(holder)
        if self.path.exists():
            self._clear_away(stale)
        try:
            _create(self.path, self.content)
        except FileExistsError:  # another host was faster
            raise RunLockedError(_as_text(_read(self.path))) from None
        self._heartbeat.start()

    def _clear_away(self, stale: dict[str, Any]) -> None:
        """Remove an expired lease. If another host has just replaced it, restore that one."""
        aside = self.path.with_name(f"{LEASE}.{os.urandom(8).hex()}")
        with suppress(FileNotFoundError):  # another host was faster
            self.path.rename(aside)
            found = _read(aside)
            if found != stale:
                with suppress(FileExistsError):
                    _create(self.path, json.dumps(found))
            aside.unlink(missing_ok=True)
            if found != stale:
                raise RunLockedError(_as_text(found))

    def release(self) -> None:
        """Stop the heartbeat and remove the lease, unless it was lost."""
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
                continue  # file system temporarily unavailable: retry at the next beat


@contextmanager
def hold(directory: Path) -> Iterator[Lease]:
    """Lock the run in `directory`.

    Raises:
        RunLockedError: if another process on this or another host holds it.
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
    """A description of the process that holds the run; None if the run is free."""
    if not (directory / LEASE).exists():
        return None
    if (elsewhere := _live_elsewhere(directory / LEASE)) is not None:
        return elsewhere
    try:
        with FileLock(directory / LOCK).acquire(blocking=False):
            return None
    except Timeout:
        return _as_text(_read(directory / LEASE))
    except OSError:  # not writable: starting the run will report it
        return None


def _create(path: Path, content: str) -> None:
    """Create a file with its content atomically.

    Raises:
        FileExistsError: if the file exists.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # the file system has no hard links
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
    """A description of the live holder on another host. Leases of this host are ignored, because the lock covers them."""
    content = _read(lease)
    if not content or content.get("host") == socket.gethostname():
        return None
    try:
        # compare times of the shared file system: that of a new file, and the last heartbeat
        with tempfile.TemporaryFile(dir=lease.parent) as now:
            silent = os.fstat(now.fileno()).st_mtime - lease.stat().st_mtime
    except OSError:
        return None
    return _as_text(content) if silent < STALE_SECONDS else None


@functools.cache
def slot(study: Path) -> int:
    """An index of this process among those that run the study on this host: 0, 1, …, fixed for the lifetime of the process.

    With several GPUs, each process uses the one with its index.
    """
    folder = study / SLOTS
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        lock = FileLock(folder / f"{socket.gethostname()}-{number}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        _held_slots.append(lock)  # keep a reference, because garbage collection releases a lock
        return number
    raise AssertionError


_held_slots: list[BaseFileLock] = []


@contextmanager
def count_death(directory: Path) -> Iterator[None]:
    """Count a death in `directory` if this process alone is killed within the body, see ablate/storage/watcher.py."""
    with watcher.append_if_killed(directory / DEATHS):
        yield


def deaths(directory: Path) -> int:
    """The number of processes that died during the run since its last checkpoint, or since an attempt ended otherwise."""
    try:
        return (directory / DEATHS).read_bytes().count(b"\n")
    except OSError:
        return 0


def forget_deaths(directory: Path) -> None:
    """Reset the number of deaths."""
    (directory / DEATHS).unlink(missing_ok=True)
