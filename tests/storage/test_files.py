"""Files are replaced whole, and what a killed process left is removed, but nothing of a living one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablate.storage import files
from ablate.storage.files import lives, owner, remove_abandoned, temporary_prefix, write_atomically


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("file", "old")]


def test_text_that_utf8_does_not_have_is_written_as_an_escape(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", "a\udcffb")
    assert (tmp_path / "file").read_bytes() == b"a\\udcffb"


def test_a_process_is_running_or_not_or_elsewhere(dead: int) -> None:
    assert lives(owner()) is True
    assert lives(owner(1)) is True  # perhaps of another user
    assert lives(owner(dead)) is False
    assert lives(owner(10**30)) is False
    for unknown in (f"00000000-{dead}", "", "12345", owner().replace("-", ""), f"{owner()}x"):
        assert lives(unknown) is None


@pytest.fixture
def no_boot_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on macOS."""
    for function in (files.machine, files._machine, files._processes):
        function.cache_clear()
    monkeypatch.setattr(files, "BOOT_ID", tmp_path / "none")
    yield
    for function in (files.machine, files._machine, files._processes):
        function.cache_clear()


@pytest.mark.usefixtures("no_boot_id")
def test_without_a_number_of_its_start_a_machine_is_known_by_its_network_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """And by what earlier versions called it, which was its name alone."""
    found = []
    for card in (0x001122334455, 0x001122334456, 0x011122334455, 0x011122334457):  # the last two are random numbers
        monkeypatch.setattr("uuid.getnode", lambda card=card: card)
        files.machine.cache_clear()
        files._machine.cache_clear()
        found.append(files.machine())
        assert files.is_this_machine(files.machine())
        assert files.is_this_machine(files._digest(socket.gethostname()))
    assert len(set(found)) == 3
    assert found[2] == found[3]
    assert not files.is_this_machine(found[0])
    assert lives(f"{files._digest(socket.gethostname())}-{os.getpid()}") is True


def test_windows_is_not_asked_for_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would send Ctrl-C."""
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a signal was sent"))
    own = owner()
    monkeypatch.setattr(files, "os", SimpleNamespace(name="nt", getpid=os.getpid))
    assert lives(own) is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
def test_a_process_that_has_ended_and_was_not_waited_for_is_not_running() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # until it has ended; its number stays taken
    os.kill(child.pid, 0)
    assert lives(owner(child.pid)) is False
    child.wait()


def test_only_what_a_process_that_has_ended_left_is_removed(tmp_path: Path, dead: int) -> None:
    own, gone, other = owner(), owner(dead), f"00000000-{dead}"
    kept = [
        f".run.json.{own}-abcdefgh",
        f".run.json.{other}-abcdefgh",
        f"run.json.{gone}-abcdefgh",
        f".run.json.{gone}-abcdefghi",
        f".run.json.{gone}",
        ".run.json.abcdefgh",  # of an earlier version, and new
        ".notes.yaml.abcdefgh",
        ".gitignore",
        "study.yaml",
    ]
    left = [f".run.json.{gone}-abcdefgh", f".a b.npz.{gone}-abc_1234", f".line\nbreak.{gone}-abcdefgh"]
    for name in kept + left:
        (tmp_path / name).touch()
    (tmp_path / f".seed=0.{gone}-abcdefgh").mkdir()
    (tmp_path / f".seed=0.{gone}-abcdefgh" / "checkpoint.pt").touch()
    (tmp_path / f".link.{gone}-abcdefgh").symlink_to(tmp_path)
    remove_abandoned(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(kept)
    earlier = time.time() - files.ELSEWHERE_SECONDS - 1
    for name in kept:
        os.utime(tmp_path / name, (earlier, earlier))
    remove_abandoned(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*kept} - {f".run.json.{other}-abcdefgh", ".run.json.abcdefgh"}
    remove_abandoned(tmp_path / "missing")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
def test_a_process_that_started_after_a_file_was_written_did_not_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert time.time() - 3600 < (files.started_at(os.getpid()) or 0) < time.time()
    assert files.started_at(2**30) is None
    left = tmp_path / f".run.json.{owner()}-abcdefgh"
    left.touch()
    os.utime(left, (1e9, 1e9))  # of a file that was moved
    for later, kept in ((-60, True), (files.CLOCK_SECONDS - 1, True), (files.CLOCK_SECONDS + 1, False)):
        monkeypatch.setattr(files, "started_at", lambda process, later=later: left.stat().st_ctime + later)
        remove_abandoned(tmp_path)
        assert left.exists() == kept


def test_in_a_folder_with_files_of_others_only_the_named_ones_are_removed(tmp_path: Path, dead: int) -> None:
    for name in ("ablate-run", "ablate-job", "other"):
        (tmp_path / f".{name}.{owner(dead)}-abcdefgh").touch()
    remove_abandoned(tmp_path, "ablate-(run|job)")
    assert [path.name for path in tmp_path.iterdir()] == [f".other.{owner(dead)}-abcdefgh"]


def test_a_process_that_is_killed_while_it_writes_leaves_what_the_next_one_removes(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from ablate.storage import files\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "files.write_atomically(Path(sys.argv[1], 'x' * 204), 'content')"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".xxx")
    remove_abandoned(tmp_path)
    assert not list(tmp_path.iterdir())
    assert len(temporary_prefix("x" * 204)) + 8 <= 255


def test_others_can_read_what_is_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / "run.json", "{}")
    assert (tmp_path / "run.json").stat().st_mode & 0o044 == 0o044


def test_a_file_for_this_user_alone_never_was_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    replace = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda self, target: (modes.append(self.stat().st_mode & 0o777), replace(self, target))
    )
    write_atomically(tmp_path / "work.pkl", b"secret", mode=0o600)
    assert modes == [0o600]
    assert (tmp_path / "work.pkl").stat().st_mode & 0o777 == 0o600


def test_a_process_of_another_user_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_mine(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(files.os, "kill", not_mine)
    assert lives(owner())


def test_a_file_of_another_user_is_named_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / ".lock"
    denied = PermissionError(13, "Permission denied", str(lock))
    assert files.unwritable(tmp_path, denied) == f"cannot write to {tmp_path}: Permission denied."  # there is no such file
    lock.touch()
    monkeypatch.setattr(Path, "owner", lambda path: "mika")
    advice = "In a folder that several users share, each sets `umask 002` before a sweep"
    assert files.unwritable(tmp_path, denied) == (
        f"cannot write to {lock}, a file of mika: Permission denied. {advice}; for the files that are there, mika types "
        f"`chmod -R g+w {tmp_path}`."
    )
    full = OSError(28, "No space left on device", str(lock))
    assert files.unwritable(tmp_path, full) == f"cannot write to {tmp_path}: No space left on device."
    monkeypatch.setattr(Path, "owner", lambda path: {}["no such user"])
    assert f"cannot write to {lock}, a file of user {os.getuid()}: " in files.unwritable(tmp_path, denied)
