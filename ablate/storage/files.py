"""Write files atomically, and remove what processes that were killed did not finish.

A temporary file or folder is named after its target and the process that writes it, `.run.json.<machine>-<process>-<random>`.
Any later command can therefore tell whether its process is still running, without a lock.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import socket
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

ELSEWHERE_SECONDS = 3600.0  # after this time, no process of another machine is still writing a temporary file
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CLOCK_SECONDS = 5.0  # by which the clock of a file system may differ, and that of this machine be set, without consequences

_TEMPORARY = re.compile(r"\.(?P<target>.+)\.(?P<owner>[0-9a-f]{8}-\d+)-[a-z0-9_]{8}", re.DOTALL)
_TARGETS = r"run\.json|config\.yaml|checkpoint\.pt|history\.csv|traceback\.txt|study\.yaml|plan\.csv|.+\.npz"
_EARLIER = re.compile(rf"\.({_TARGETS})\.[a-z0-9_]{{8}}", re.DOTALL)  # the names of earlier versions, which lack the process


def write_atomically(path: Path, content: str | bytes, durable: bool = False, mode: int = 0o644) -> None:
    """Replace a file atomically: readers, also after a crash, see either the old or the new content.

    Args:
        path: the file.
        content: text, written as UTF-8 (lone surrogates, which UTF-8 cannot represent, as escapes), or bytes.
        durable: whether this also holds after a power failure; waits until the content is on disk.
        mode: who may read and write the file.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix(path.name))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if durable and os.name == "posix":  # elsewhere, folders cannot be opened
        sync(path.parent)


def unwritable(folder: Path, error: OSError) -> str:
    """Why a folder cannot be written to, as a sentence. If the reason is a file of another user, it is named with its owner.

    Args:
        folder: the folder of a study or of a run.
        error: raised in it.
    """
    why = f"cannot write to {folder}: {error.strerror or error}."
    file = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    if not isinstance(error, PermissionError) or file is None:
        return why
    try:
        if not file.is_file():
            return why
        owner = file.owner()
    except (KeyError, NotImplementedError):  # a user that this machine does not know
        owner = f"user {file.stat().st_uid}"
    except OSError:  # its folder may not be looked into
        return why
    return (
        f"cannot write to {file}, a file of {owner}: {error.strerror}. In a folder that several users share, each sets "
        f"`umask 002` before a sweep; for the files that are there, {owner} types `chmod -R g+w {folder}`."
    )


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def temporary_prefix(name: str) -> str:
    """The prefix, for the functions of `tempfile`, of a temporary file or folder of this process.

    Args:
        name: the name of the target, or another name that says what the file is.
    """
    return f".{name}.{owner()}-"


def remove_abandoned(folder: Path, names: str = ".+") -> None:
    """Remove the temporary files and folders in `folder` whose process has ended.

    Those of another machine, whose processes cannot be asked, are removed after ELSEWHERE_SECONDS.

    Args:
        folder: the folder; it may be missing.
        names: a regular expression for the names that were passed to `temporary_prefix`, if the folder has other files.
    """
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if entry.name[0] == "."]
    except OSError:
        return
    for entry in found:
        temporary = _TEMPORARY.fullmatch(entry.name)
        if not (re.fullmatch(names, temporary["target"], re.DOTALL) if temporary else _EARLIER.fullmatch(entry.name)):
            continue
        alive = lives(temporary["owner"]) if temporary else None
        with suppress(OSError):  # removed by another process, or of another user
            facts = entry.stat(follow_symlinks=False)
            if alive is None:
                alive = time.time() - facts.st_mtime < ELSEWHERE_SECONDS
            elif temporary and alive:  # or another process has its number by now
                started = started_at(int(temporary["owner"].partition("-")[2]))
                alive = started is None or started < facts.st_ctime + CLOCK_SECONDS  # a file that was moved has an old mtime
            if alive:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry, ignore_errors=True)
            else:
                Path(entry).unlink()


def clock_of(folder: Path) -> float:
    """The present time by the clock of a folder's file system, which may be that of a server: the time of a new file.

    Raises:
        OSError: if the folder is missing, full or read-only.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def owner(process: int | None = None) -> str:
    """A process of this machine as text, by default this one."""
    return f"{_processes()}-{os.getpid() if process is None else process}"


def lives(owner: str) -> bool | None:
    """Whether a process is running; None if it belongs to another machine, or to a container with its own numbers.

    Nor is it known on Windows.

    Args:
        owner: the process, see the function `owner`.
    """
    machine, _, process = owner.partition("-")
    if machine not in (_processes(), *_earlier()) or not process.isdecimal():
        return None
    if os.name != "posix":  # on Windows, this signal would be Ctrl-C
        return None
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # of another user
        return True
    return not _is_zombie(int(process))


def started_at(process: int) -> float | None:
    """When a process of this machine started, in seconds since 1970, to about 10 ms; None if only Linux could tell."""
    try:
        ticks = int(started_ticks(process))
        if not ticks:  # an emulation of Linux that does not tell
            return None
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None


def started_ticks(process: int) -> str:
    """When a process of this machine started, in clock ticks since the machine did; empty if only Linux could tell."""
    return _stat(process, 19)


def _stat(process: int, field: int) -> str:
    """A field of /proc/PROCESS/stat after the name, which may hold any bytes; empty without it."""
    try:
        return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[field].decode()
    except (OSError, IndexError):  # not Linux, or it is gone meanwhile
        return ""


def _is_zombie(process: int) -> bool:
    """Whether a process has ended, but was not waited for: in containers, the first process often waits for nobody."""
    return _stat(process, 0) in ("Z", "X")


@functools.cache
def machine() -> str:
    """Where locks of files are known to all processes: on this machine since it started. Names of machines need not differ."""
    return _digest(*_machine())


def is_this_machine(name: str) -> bool:
    """Whether `machine` of this or an earlier version returned this name here."""
    return name in (machine(), *_earlier())


@functools.cache
def _processes() -> str:
    """Where the numbers of processes mean the same: on this machine, since it started, and in this container."""
    container = []
    with suppress(OSError):
        container.append(str(Path("/proc/self/ns/pid").readlink()))
    return _digest(*_machine(), *container)


@functools.cache
def _machine() -> tuple[str, ...]:
    """The name of this machine with what tells it from others of this name: since it started, or else its network card."""
    facts = [socket.gethostname()]
    try:
        facts.append(BOOT_ID.read_text(encoding="utf-8"))
    except OSError:  # not Linux
        card = uuid.getnode()
        if not card >> 40 & 1:  # otherwise it is a random number, another one in each process
            facts.append(f"{card:012x}")
    return tuple(facts)


def _earlier() -> tuple[str, ...]:
    """What earlier versions called this machine where only its name was known to them."""
    return () if BOOT_ID.exists() else (_digest(socket.gethostname()),)


def _digest(*facts: str) -> str:
    return hashlib.sha256("|".join(facts).encode()).hexdigest()[:8]
