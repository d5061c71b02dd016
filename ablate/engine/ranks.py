"""Runs of several processes (DDP, torchrun, srun, mpirun): rank 0 plans and records, the others join its runs.

A process of rank > 0 plans nothing, locks nothing and writes nothing. It takes part in the runs of rank 0, which it finds in
one of two ways:

- Rank 0 has started it from within a run, as Lightning's strategy `ddp` does by executing the command again. The environment
  variable ABLATE_RUN, which a run sets, names the announcement of that run.
- A launcher has started all ranks (torchrun, srun, mpirun). Rank 0 writes an announcement of each run into a folder that all
  ranks derive from what the launcher tells them. ABLATE_RANKS_DIR names another folder, for ranks on several machines.

An announcement is a pickle of the configuration of a run in a temporary folder, which only this user can read or write.
ABLATE_RANKS=off makes every process independent, for example to start several sweeps of one study with srun.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import shutil
import socket
import stat
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from ablate.core.errors import UsageError
from ablate.engine.following_run import FollowingRun
from ablate.engine.launchers.names import BASIC
from ablate.engine.platforms import refuse_windows
from ablate.engine.run import Run
from ablate.storage import files
from ablate.storage.records import RunRecord

VARIABLE = "ABLATE_RUN"
SWITCH = "ABLATE_RANKS"
FOLDER = "ABLATE_RANKS_DIR"
GLOBAL_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
RANKS = (*GLOBAL_RANKS, "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
SIZES = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
LOCAL_SIZES = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE")
NODES = ("SLURM_STEP_NUM_NODES",)
JOB = ("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "SLURM_STEP_ID", "PMIX_NAMESPACE")
ATTEMPT = "TORCHELASTIC_RESTART_COUNT"
PORT = "MASTER_PORT"
STORE = "TORCHELASTIC_USE_AGENT_STORE"
OF_A_RUN = (*RANKS, *SIZES, *LOCAL_SIZES, "MASTER_ADDR", PORT, ATTEMPT, STORE, "PL_GLOBAL_SEED", "PL_SEED_WORKERS", VARIABLE)
PATIENCE_SECONDS = 120.0  # for rank 0 to start
LOOK_SECONDS = 0.05
FAREWELL_SECONDS = 10.0
CLOCK_SLACK = 1.0  # seconds by which the time of a file may be before that of a process
ARRIVED = "rank-"
LEFT = "left-"
OBSERVER = "child-process-observer"  # a thread of Lightning

Train = Callable[[DictConfig, Run], Any]


def joins() -> bool:
    """Whether this process is a rank > 0, which takes part in the runs of another process."""
    return os.environ.get(SWITCH) != "off" and max(map(_number, RANKS)) > 0


def follow(train: Train) -> None:
    """Take part in the runs of rank 0, until its command ends.

    Args:
        train: the training function of (cfg, run). Its errors are printed; rank 0 records how a run ended.

    Raises:
        UsageError: if there is no process of rank 0 to join.
    """
    refuse_windows()
    if path := os.environ.get(VARIABLE):
        _join(Path(path), train)
        return
    if max(map(_number, SIZES)) < 2:
        raise UsageError(
            f"this process is not the first of a run ({_said(RANKS)}), and the process to join is unknown: start all ranks "
            f"with one torchrun, srun or mpirun; or set {SWITCH}=off if this process is independent."
        )
    folder = _folder()
    arrived = folder / f"{ARRIVED}{files.owner()}"
    arrived.touch()
    number, began = 0, time.monotonic()
    while True:
        if (path_of_run := folder / f"{number:06d}").exists():
            _join(path_of_run, train)
            number += 1
        elif _has_ended(folder):
            break
        elif not _leader_lives(folder, time.monotonic() - began):
            raise UsageError(
                f"this process is not the first of a run ({_said(RANKS)}), and rank 0 has ended or did not start within "
                f"{PATIENCE_SECONDS:.0f} s: start all ranks with one torchrun, srun or mpirun; or set {SWITCH}=off if this "
                "process is independent."
            )
        else:
            time.sleep(LOOK_SECONDS)
    with contextlib.suppress(OSError):  # rank 0 has removed the folder
        arrived.rename(arrived.with_name(arrived.name.replace(ARRIVED, LEFT, 1)))


@contextmanager
def leading() -> Iterator[None]:
    """In the body, other ranks that a launcher has started can join the runs of this process."""
    global _leader
    refuse_windows()
    remove_abandoned()
    if _leader is not None or joins() or os.environ.get(SWITCH) == "off" or max(map(_number, SIZES)) < 2:
        yield
        return
    folder = _folder()
    for path in folder.iterdir():
        if not path.name.startswith(ARRIVED):
            path.unlink(missing_ok=True)
    files.write_atomically(folder / "leader", files.owner())
    _leader = Leader(folder)
    try:
        yield
    finally:
        _leader = None
        (folder / "end").touch()
        until = time.monotonic() + FAREWELL_SECONDS
        while any(folder.glob(f"{ARRIVED}*")) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        if len(list(folder.glob(f"{LEFT}*"))) >= max(map(_number, SIZES)) - 1:
            shutil.rmtree(folder, ignore_errors=True)
        else:  # other ranks start later than this command ended, as if all its runs were done before: they find its end
            for path in folder.iterdir():
                if path.name not in ("leader", "end"):
                    path.unlink(missing_ok=True)


def refuse_launcher(name: str) -> None:
    """Reject launchers that execute runs in other processes than this one, which the other ranks could not join.

    Raises:
        UsageError: if there are other ranks and another launcher than Hydra's basic one.
    """
    if _leader is not None and name != BASIC:
        raise UsageError(
            f"this command has several ranks ({_said(SIZES)}), so its runs cannot be executed by {name}: "
            "use hydra/launcher=basic and no study.n_jobs."
        )


@contextmanager
def shared(cfg: DictConfig, run: Run) -> Iterator[None]:
    """In the body, other ranks can join this run. Afterwards, what it has left in this process for them is removed."""
    remove_abandoned()
    with _separate():
        own = _own_store() if _leader is not None and _leader.number else {}
        os.environ.update(own)
        content = _dumped(cfg, run, own)
        if content is None:
            yield
        elif _leader is not None:
            _leader.announce(content)
            yield
        else:
            handle, path = tempfile.mkstemp(prefix=files.temporary_prefix("ablate-run"))  # readable by this user only
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.environ[VARIABLE] = path
            try:
                yield
            finally:
                Path(path).unlink(missing_ok=True)


@dataclass
class Leader:
    """The folder with the announcements of a command, and their number."""

    folder: Path
    number: int = 0

    def announce(self, content: bytes) -> None:
        """Let the other ranks join a run."""
        files.write_atomically(self.folder / f"{self.number:06d}", content)
        self.number += 1


_leader: Leader | None = None


def _own_store() -> dict[str, str]:
    """Variables by which the process groups of a run do not meet what those of earlier runs left in torchrun's store.

    That store serves all runs of a command, and a second process group finds the addresses of the first one in it. With these
    variables, rank 0 serves a store of the run itself, at a free port.
    """
    if PORT not in os.environ:
        return {}
    with socket.socket() as free:
        free.bind(("", 0))
        return {PORT: str(free.getsockname()[1]), STORE: "False"}


def _dumped(cfg: DictConfig, run: Run, variables: dict[str, str]) -> bytes | None:
    """What another rank needs to join a run; None if it cannot be pickled: ranks that are started in this run refuse then."""
    hydra = HydraConfig.instance().cfg  # with its parent, the configuration of the program, to which it may refer
    here = str(Path.cwd())
    try:
        facts = str(run.directory), run.record.model_dump(), dict(run.config), run.root
        return pickle.dumps((cfg, hydra, *facts, here, variables))
    except Exception:  # whatever the classes of a structured configuration raise
        return None


def _join(path: Path, train: Train) -> None:
    """Call the training function in the run of rank 0."""
    from hydra.core.utils import setup_globals

    try:
        cfg, hydra, directory, record, config, root, folder, variables = pickle.loads(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"the run that this process should join ({_said(RANKS)}) has ended.") from None
    setup_globals()
    HydraConfig.instance().cfg = hydra
    run = FollowingRun(Path(directory), RunRecord.model_validate(record), config, root=root)
    run.rank = next(filter(None, map(_number, (*GLOBAL_RANKS, "LOCAL_RANK"))), 1)
    with contextlib.chdir(folder), _separate():
        os.environ.update(variables)
        try:
            train(cfg, run)
        except Exception:
            print(f"ablate: a rank of this run failed ({_said(RANKS)}):\n{traceback.format_exc()}", file=sys.stderr)


@contextmanager
def _separate() -> Iterator[None]:
    """After the body, restore the variables of ranks, and end the process group and the observer that it has left."""
    before = {name: os.environ.get(name) for name in OF_A_RUN}
    grouped = _group_exists()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if not grouped and _group_exists():
            with contextlib.suppress(Exception):  # the other ranks may be gone
                sys.modules["torch.distributed"].destroy_process_group()
        for thread in threading.enumerate():
            if thread.name == OBSERVER:  # would kill this process because ranks of this run were stopped
                thread._finished = True  # type: ignore[attr-defined]


def _group_exists() -> bool:
    distributed = sys.modules.get("torch.distributed")
    return distributed is not None and distributed.is_available() and bool(distributed.is_initialized())


def _folder() -> Path:
    """The folder in which all ranks of this command meet.

    Raises:
        UsageError: if the ranks run on several machines without a common folder, or if the folder belongs to another user.
    """
    shared_folder = os.environ.get(FOLDER)
    several = max(map(_number, NODES)) > 1 or 0 < max(map(_number, LOCAL_SIZES)) < max(map(_number, SIZES))
    if several and not shared_folder:
        raise UsageError(f"the ranks of this command run on several machines: set {FOLDER} to a folder that all of them share.")
    facts = [os.environ.get(name, "") for name in (*JOB, ATTEMPT)]
    if not shared_folder:  # one machine, where the launcher is the parent of all ranks, unless Slurm says what belongs together
        facts.append("" if os.environ.get("SLURM_STEP_ID") else _parent())
    name = f"{_prefix()}{hashlib.sha256('|'.join(facts).encode()).hexdigest()[:16]}"
    folder = Path(shared_folder or tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()  # not what a link points to, which anybody can make in a folder for temporary files
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(f"{folder} is not a folder that only this user can access: remove it.")
    return folder


def _prefix() -> str:
    return f"ablate-ranks-{os.getuid()}-"


@functools.cache
def remove_abandoned() -> None:
    """Once in a process, remove what commands that were killed left in the temporary folder of this machine."""
    temporary = Path(tempfile.gettempdir())
    files.remove_abandoned(temporary, "ablate-(run|job)")
    for folder in temporary.glob(f"{_prefix()}*"):
        with contextlib.suppress(OSError):
            ranks = [path.name.removeprefix(ARRIVED) for path in folder.glob(f"{ARRIVED}*")]
            leader = folder / "leader"
            if leader.exists():
                ranks.append(leader.read_text(encoding="utf-8"))
            fresh = time.time() - folder.stat().st_mtime < PATIENCE_SECONDS  # rank 0 may not have started
            if all(files.lives(rank) is False for rank in ranks) and (leader.exists() or not fresh):
                shutil.rmtree(folder)


def _parent() -> str:
    """The parent process with its start time, which distinguishes it from later processes of the same number."""
    number = os.getppid()
    return f"{number}-{files.started_ticks(number)}"


def _leader_lives(folder: Path, waited: float) -> bool:
    """Whether rank 0 is running, or may still start. On another machine, it cannot be asked."""
    try:
        leader = (folder / "leader").read_text(encoding="utf-8")
    except OSError:
        return waited < PATIENCE_SECONDS
    return files.lives(leader) is not False or _has_ended(folder)


def _has_ended(folder: Path) -> bool:
    """Whether rank 0 has ended. A mark from before this process started is that of an earlier command in the same folder."""
    try:
        ended = (folder / "end").stat().st_mtime
    except OSError:
        return False
    started = files.started_at(os.getpid())
    return started is None or ended > started - CLOCK_SLACK


def _number(variable: str) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() else 0


def _said(variables: tuple[str, ...]) -> str:
    """The variables that are set to more than 0, as typed in a shell."""
    return ", ".join(f"{name}={os.environ[name]}" for name in variables if _number(name) > 0)
