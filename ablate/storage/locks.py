"""Exclusive access to a run: a file lock on one machine, a lease between machines; and the crash count of a run.

The operating system releases the file lock when its process ends in any way. On a shared file system such a lock may not be
visible to other hosts, so the holder also writes a lease, `.lease`, and updates its modification time regularly. A lease of
another host expires after STALE_SECONDS without an update. Clocks of hosts may differ by minutes, and some file systems use the
clock of the writing host: a lease that looks expired is therefore watched for CONFIRM_SECONDS, measured by the clock of this
process alone, unless it is older than any difference of clocks (CERTAIN_SECONDS). A lease also names the job of its holder: a
job that a cluster has started again takes over the lease of its previous attempt at once.

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
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from ablate.core.errors import RunLockedError
from ablate.storage import files, watcher
from ablate.storage.records import RunRecord, Status

LOCK = ".lock"
LEASE = ".lease"
DEATHS = "deaths"
SLOTS = ".slots"
BEAT_SECONDS = 15.0
STALE_SECONDS = 90.0
CONFIRM_SECONDS = 45.0  # three heartbeats
CERTAIN_SECONDS = 3600.0
QUESTION_SECONDS = 0.25  # within which a process that only asks whether a run is held has released its lock
WATCH_SECONDS = 0.5  # between two looks at a lease that seems to have expired
JOB = "ABLATE_JOB"  # environment variable: the identifier of the job of this process, set by a launcher


class Lease:
    """A lease on a run with a heartbeat. `lost` is set once another host has taken over, having seen no heartbeat."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / LEASE
        here = {"host": socket.gethostname(), "machine": files.machine(), "pid": os.getpid()}
        own = here | {"token": os.urandom(8).hex(), "job": os.environ.get(JOB)}
        self.content = json.dumps({key: value for key, value in own.items() if value is not None})
        self.lost = False
        self._stop = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, daemon=True)

    def take(self) -> None:
        """Write the lease.

        Raises:
            RunLockedError: if another host holds a valid lease.
        """
        stale = _read(self.path)
        if (holder := _live_elsewhere(self.path, patient=True)) is not None:
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
        aside = self.path.with_name(f"{files.temporary_prefix(LEASE[1:])}{os.urandom(4).hex()}")
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
        lock = FileLock(directory / LOCK).acquire(timeout=QUESTION_SECONDS, poll_interval=QUESTION_SECONDS / 10)
    except Timeout:
        raise RunLockedError(_as_text(_read(directory / LEASE))) from None
    with lock:
        lease = Lease(directory)
        lease.take()
        try:
            yield lease
        finally:
            lease.release()


@contextmanager
def briefly(directory: Path) -> Iterator[bool]:
    """Lock the run on this host for a moment, to write its plan or to tidy up. Yields False if a process holds the run.

    Raises:
        OSError: if the folder is not writable.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if _live_elsewhere(directory / LEASE) is not None:
        yield False
        return
    try:
        lock = FileLock(directory / LOCK).acquire(blocking=False)
    except Timeout:
        yield False
        return
    with lock:
        yield True


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


def state_of(directory: Path, record: RunRecord) -> Status:
    """The state of a run with a record. If that says `running`, but no process holds the run, it is `interrupted`."""
    return "interrupted" if record.status == "running" and holder(directory) is None else record.status


def _create(path: Path, content: str) -> None:
    """Create a file with its content atomically.

    Raises:
        FileExistsError: if the file exists.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=files.temporary_prefix(path.name[1:]))
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(temporary).chmod(0o644)  # other users of a shared folder read who holds the run, and whether the lease has expired
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


def _live_elsewhere(lease: Path, patient: bool = False) -> str | None:
    """A description of the live holder on another host. Leases of this host are ignored, because the lock covers them.

    A lease that seems to have expired counts as live until it was seen unchanged for CONFIRM_SECONDS.

    Args:
        lease: the file.
        patient: wait for this confirmation, instead of leaving it to a later call.
    """
    while True:
        found = _look(lease)
        if found is None:
            _watched.pop(lease, None)
            return None
        content, beat, silent = found
        own_job = content.get("job") is not None and content.get("job") == os.environ.get(JOB)
        if not content or _is_here(content) or own_job or silent >= CERTAIN_SECONDS:
            _watched.pop(lease, None)
            return None
        if silent < STALE_SECONDS:
            return _as_text(content)
        seen, since = _watched.setdefault(lease, (beat, time.monotonic()))
        if seen != beat:  # alive: the clocks differ
            _watched[lease] = (beat, time.monotonic())
            return _as_text(content)
        if time.monotonic() - since >= CONFIRM_SECONDS:
            return None
        if not patient:
            return _as_text(content)
        time.sleep(WATCH_SECONDS)


def _look(lease: Path) -> tuple[dict[str, Any], int, float] | None:
    """The content of a lease, its last heartbeat, and the seconds since then by the clock of the file system.

    None if there is no lease, or if it is damaged. One that cannot be read may be live: it counts as a lease of an unknown host
    with a heartbeat just now.
    """
    try:
        with lease.open("rb") as file:  # opening makes NFS forget cached times
            content = json.loads(file.read() or b"{}")
            beat = os.fstat(file.fileno())
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        return {"unreadable": str(error)}, 0, 0.0
    if not isinstance(content, dict) or _is_here(content):
        return (content if isinstance(content, dict) else {}), beat.st_mtime_ns, 0.0
    try:
        return content, beat.st_mtime_ns, files.clock_of(lease.parent) - beat.st_mtime
    except OSError:  # read-only or full: by the clock of this host
        return content, beat.st_mtime_ns, time.time() - beat.st_mtime


def _is_here(content: Mapping[str, Any]) -> bool:
    """Whether a lease was taken on this machine; of earlier versions, on one of this name."""
    machine = content.get("machine")
    return content.get("host") == socket.gethostname() if machine is None else files.is_this_machine(str(machine))


_watched: dict[Path, tuple[int, float]] = {}  # leases that seem to have expired: heartbeat, and when it was first seen


def lease_of(directory: Path) -> dict[str, Any]:
    """The content of the lease (`host`, `pid`, `job`) and `beat`, the time of its last heartbeat; empty if there is none."""
    path = directory / LEASE
    content = _read(path)
    with suppress(OSError):
        return {**content, "beat": path.stat().st_mtime} if content else {}
    return {}


def break_lease(directory: Path, job: str) -> None:
    """Remove the lease of a job that has ended without removing it, for example because its machine died."""
    with suppress(OSError):
        lock = FileLock(directory / LOCK).acquire(blocking=False)
        with lock:
            if _read(directory / LEASE).get("job") == job:
                (directory / LEASE).unlink(missing_ok=True)


def record_death(directory: Path) -> None:
    """Count the death of a run's process, as reported by the launcher of its job."""
    with (directory / DEATHS).open("ab") as file:
        file.write(b"died\n")


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


def runs_beside(study: Path) -> bool:
    """Whether another process of this host has a slot of the study, such as that of the same command, typed twice."""
    own = f"{socket.gethostname()}-{slot(study)}"
    for path in (each for each in (study / SLOTS).glob(f"{socket.gethostname()}-*") if each.name != own):
        try:
            with FileLock(path).acquire(blocking=False):
                pass
        except Timeout:
            return True
    return False


@contextmanager
def count_death(directory: Path) -> Iterator[None]:
    """Count a death in `directory` if this process alone is killed within the body, see ablate/storage/watcher.py.

    In the job of a launcher that notices how its jobs end, the launcher counts instead.
    """
    if JOB in os.environ:
        yield
        return
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
