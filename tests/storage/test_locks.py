"""Which process holds a run, and how many died during it."""

import errno
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from ablate.core.errors import RunLockedError
from ablate.storage import files, locks
from ablate.storage.files import remove_abandoned
from ablate.storage.locks import DEATHS, LEASE, LOCK, count_death, deaths, forget_deaths, hold, holder, runs_beside, slot
from tests.waiting import wait_until


def test_a_run_that_is_held_is_busy_and_says_by_whom(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with hold(tmp_path):
        said = f"process {os.getpid()} on {socket.gethostname()}"
        assert holder(tmp_path) == said
        with pytest.raises(RunLockedError, match=said), hold(tmp_path):
            pass
    assert holder(tmp_path) is None
    assert not (tmp_path / LEASE).exists()


def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from ablate.storage.locks import hold\nwith hold(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    assert holder(tmp_path) == f"process {process.pid} on {socket.gethostname()}"
    process.kill()
    process.wait()
    process.stdout.close()
    assert (tmp_path / LEASE).exists()
    assert holder(tmp_path) is None
    with hold(tmp_path):
        pass


def another_host(directory: Path, silent: float) -> None:
    (directory / LEASE).write_text(json.dumps({"host": "elsewhere", "pid": 7, "token": "t"}))
    beat = time.time() - silent
    os.utime(directory / LEASE, (beat, beat))


def test_another_hosts_lease_counts_while_its_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "CONFIRM_SECONDS", 0.0)
    another_host(tmp_path, silent=locks.STALE_SECONDS - 10)
    assert holder(tmp_path) == "process 7 on elsewhere"
    with pytest.raises(RunLockedError, match="process 7 on elsewhere"), hold(tmp_path):
        pass
    another_host(tmp_path, silent=locks.STALE_SECONDS + 10)
    assert holder(tmp_path) is None
    with hold(tmp_path):
        assert json.loads((tmp_path / LEASE).read_text())["host"] == socket.gethostname()


def test_other_users_can_read_a_lease(tmp_path: Path) -> None:
    """One that they cannot read would hold the run for ever."""
    with hold(tmp_path):
        assert (tmp_path / LEASE).stat().st_mode & 0o777 == 0o644


def test_a_machine_of_the_same_name_is_another_machine(tmp_path: Path) -> None:
    """Two nodes, or two virtual machines, may both be called localhost."""
    lease = {"host": socket.gethostname(), "pid": 7, "token": "t"}
    (tmp_path / LEASE).write_text(json.dumps({**lease, "machine": "01234567"}))
    assert holder(tmp_path) == f"process 7 on {socket.gethostname()}"
    with pytest.raises(RunLockedError, match="process 7"), hold(tmp_path):
        pass
    for known in ({"machine": files.machine()}, {}):  # here, the lock tells; earlier versions wrote the name alone
        (tmp_path / LEASE).write_text(json.dumps(lease | known))
        assert holder(tmp_path) is None


def test_a_process_that_only_asks_does_not_keep_another_from_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "QUESTION_SECONDS", 5.0)  # however busy this machine is
    with FileLock(tmp_path / LOCK):
        begun: list[bool] = []

        def begin() -> None:
            with hold(tmp_path):
                begun.append(True)

        beginning = threading.Thread(target=begin)
        beginning.start()
        time.sleep(0.1)
    beginning.join()
    assert begun == [True]


def test_a_lease_that_cannot_be_read_is_not_taken(tmp_path: Path) -> None:
    """For example after an error of the disk. A folder in its place raises an OSError for every user."""
    (tmp_path / LEASE).mkdir()
    assert holder(tmp_path) == "another process"
    with pytest.raises(RunLockedError, match="another process"), hold(tmp_path):
        pass
    assert (tmp_path / LEASE).is_dir()


def test_on_a_full_or_read_only_disk_a_lease_is_compared_with_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**options: object) -> None:  # noqa: ARG001 - the signature of TemporaryFile
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(locks.tempfile, "TemporaryFile", full)
    monkeypatch.setattr(locks, "CONFIRM_SECONDS", 0.0)
    another_host(tmp_path, silent=locks.STALE_SECONDS - 10)
    assert holder(tmp_path) == "process 7 on elsewhere"
    another_host(tmp_path, silent=locks.STALE_SECONDS + 10)
    assert holder(tmp_path) is None


def test_a_heart_beats_and_notices_that_the_run_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.02)
    with hold(tmp_path) as lease:
        os.utime(tmp_path / LEASE, (0, 0))
        wait_until(lambda: (tmp_path / LEASE).stat().st_mtime > 0)
        another_host(tmp_path, silent=0)
        wait_until(lambda: lease.lost)
    assert json.loads((tmp_path / LEASE).read_text())["host"] == "elsewhere"  # it is not ours to remove


KILLED = "import os, sys, time; from pathlib import Path; from ablate.storage.locks import count_death\nwith count_death(Path(sys.argv[1])): print('begun', flush=True); time.sleep(60)"


def killed(directory: Path, whole_group: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(directory)], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_a_process_that_dies_alone_is_counted(tmp_path: Path) -> None:
    for count in (1, 2):
        killed(tmp_path, whole_group=False)
        wait_until(lambda count=count: deaths(tmp_path) == count)
    forget_deaths(tmp_path)
    assert deaths(tmp_path) == 0


def test_a_sweep_that_is_killed_is_not_held_against_its_run(tmp_path: Path) -> None:
    killed(tmp_path, whole_group=True)
    time.sleep(0.6)
    assert not (tmp_path / DEATHS).exists()


def test_a_run_that_ends_by_itself_is_not_counted(tmp_path: Path) -> None:
    with count_death(tmp_path):
        pass
    with pytest.raises(RuntimeError), count_death(tmp_path):
        raise RuntimeError
    time.sleep(0.4)
    assert deaths(tmp_path) == 0


def test_processes_of_a_study_have_numbers_of_their_own(tmp_path: Path) -> None:
    assert slot(tmp_path) == slot(tmp_path) == 0
    code = "import sys; from pathlib import Path; from ablate.storage.locks import slot; print(slot(Path(sys.argv[1])))"
    for _ in range(2):  # the second finds the number that the first let go
        assert subprocess.check_output([sys.executable, "-c", code, str(tmp_path)]) == b"1\n"
    assert not runs_beside(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}; sys.stdout.flush(); input()", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"1\n"
        assert runs_beside(tmp_path)
        other.communicate(b"\n")
    assert not runs_beside(tmp_path)


def test_of_two_hosts_that_both_saw_a_dead_holder_one_gets_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second judged the lease before the first replaced it, and must not take away what it did not judge."""
    monkeypatch.setattr(locks, "CONFIRM_SECONDS", 0.0)
    another_host(tmp_path, silent=locks.STALE_SECONDS + 10)
    first, second = locks.Lease(tmp_path), locks.Lease(tmp_path)
    judged = locks._read(tmp_path / LEASE)
    first.take()
    try:
        with pytest.raises(RunLockedError):
            second._clear_away(judged)
        assert (tmp_path / LEASE).read_text() == first.content
        with pytest.raises(FileExistsError):
            locks._create(tmp_path / LEASE, second.content)
    finally:
        first.release()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("minutes", [-7, 7])
def test_a_host_whose_clock_differs_by_minutes_keeps_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """Its heartbeats carry the time of its own clock, as on file systems that use the clock of the client."""
    monkeypatch.setattr(locks, "WATCH_SECONDS", 0.01)
    another_host(tmp_path, silent=60 * minutes)
    assert holder(tmp_path) == "process 7 on elsewhere"
    beating = threading.Event()

    def beat() -> None:
        for number in itertools.count():
            if beating.wait(0.02):
                return
            another_host(tmp_path, silent=60 * minutes - 0.01 * number)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(RunLockedError, match="process 7 on elsewhere"), hold(tmp_path):
            pass
    finally:
        beating.set()
        thread.join()


def test_a_lease_that_looks_expired_is_watched_before_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(locks.time, "monotonic", lambda: now)
    another_host(tmp_path, silent=locks.STALE_SECONDS + 10)
    assert holder(tmp_path) == "process 7 on elsewhere"
    now += locks.CONFIRM_SECONDS - 1
    assert holder(tmp_path) == "process 7 on elsewhere"
    now += 1
    assert holder(tmp_path) is None


def test_a_lease_older_than_any_difference_of_clocks_is_free_at_once(tmp_path: Path) -> None:
    another_host(tmp_path, silent=locks.CERTAIN_SECONDS + 1)
    assert holder(tmp_path) is None


def test_a_job_that_was_started_again_takes_over_its_own_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / LEASE).write_text(json.dumps({"host": "elsewhere", "pid": 7, "token": "t", "job": "slurm-1_2"}))
    monkeypatch.setenv(locks.JOB, "slurm-1_3")
    with pytest.raises(RunLockedError, match="process 7 on elsewhere"), hold(tmp_path):
        pass
    monkeypatch.setenv(locks.JOB, "slurm-1_2")
    with hold(tmp_path):
        assert locks.lease_of(tmp_path)["job"] == "slurm-1_2"
        assert locks.lease_of(tmp_path)["beat"] == pytest.approx(time.time(), abs=60)
    assert locks.lease_of(tmp_path) == {}


def test_the_lease_of_a_job_that_ended_can_be_broken(tmp_path: Path) -> None:
    (tmp_path / LEASE).write_text(json.dumps({"host": "elsewhere", "pid": 7, "token": "t", "job": "slurm-1_2"}))
    locks.break_lease(tmp_path, "slurm-1_3")
    assert holder(tmp_path) == "process 7 on elsewhere"
    locks.break_lease(tmp_path, "slurm-1_2")
    assert holder(tmp_path) is None


def test_in_a_job_the_launcher_counts_the_deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(locks.JOB, "slurm-1_2")
    killed(tmp_path, whole_group=False)
    time.sleep(0.4)
    assert deaths(tmp_path) == 0
    locks.record_death(tmp_path)
    assert deaths(tmp_path) == 1


def test_a_run_is_locked_briefly_unless_a_process_holds_it(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "run"
    with locks.briefly(directory) as free, locks.briefly(directory) as twice:
        assert free
        assert not twice
    with locks.hold(directory), locks.briefly(directory) as free:
        assert not free


def test_a_process_that_is_killed_while_it_takes_a_lease_leaves_what_the_next_one_removes(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from ablate.storage.locks import hold\nos.link = lambda *_: os.kill(os.getpid(), 9)\nwith hold(Path(sys.argv[1])): pass"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(tmp_path.glob(".lease.*"))) == 1
    remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_another_host_holds_is_not_touched_whatever_the_clock_here_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_host(tmp_path, silent=0)
    with locks.briefly(tmp_path) as free:
        assert not free
    now = time.time
    monkeypatch.setattr(locks.time, "time", lambda: now() + 7200)  # the file system's clock counts
    assert holder(tmp_path) == "process 7 on elsewhere"


def test_without_hard_links_a_lease_is_created_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(locks.os, "link", no_links)
    locks._create(tmp_path / LEASE, "mine")
    with pytest.raises(FileExistsError):
        locks._create(tmp_path / LEASE, "yours")
    assert (tmp_path / LEASE).read_text() == "mine"


def test_a_heartbeat_that_fails_once_loses_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []
    utime = os.utime

    def stale_at_first(*arguments: Any, **options: Any) -> None:
        beats.append(1)
        if len(beats) == 1:
            raise OSError(errno.ESTALE, "Stale file handle")
        utime(*arguments, **options)

    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(locks.os, "utime", stale_at_first)
    with hold(tmp_path) as lease:
        wait_until(lambda: len(beats) >= 3)
        assert not lease.lost
