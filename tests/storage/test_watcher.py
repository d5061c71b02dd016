"""A watcher counts the processes that die alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.storage import watcher
from ablate.storage.watcher import append_if_killed
from tests.waiting import wait_until

PRELUDE = """
import os, signal, sys, time
from pathlib import Path
from ablate.storage import watcher
from ablate.storage.watcher import append_if_killed
folder = Path(sys.argv[1])
"""


def run(code: str, folder: Path) -> int:
    """Run code, in a process group of its own, to the end."""
    return subprocess.run([sys.executable, "-c", PRELUDE + code, str(folder)], start_new_session=True, timeout=60).returncode


def wait_for(file: Path, content: str) -> None:
    wait_until(lambda: file.exists() and file.read_text() == content)


def test_only_runs_that_are_under_way_are_counted(tmp_path: Path) -> None:
    code = """
with append_if_killed(folder / "before"): pass
with append_if_killed(folder / "outer"), append_if_killed(folder / "inner"): os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, tmp_path) == -signal.SIGKILL
    wait_for(tmp_path / "outer", "died\n")
    wait_for(tmp_path / "inner", "died\n")
    assert not (tmp_path / "before").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("with last_words('so long'), append_if_killed(folder / 'run'): os._exit(0)", "so long\n"),
        ("with last_words('so long'), append_if_killed(folder / 'run'): os.kill(os.getpid(), signal.SIGKILL)", "so long\n"),
        ("with last_words('so long'), append_if_killed(folder / 'run'): pass\nos._exit(0)", ""),
        ("with last_words('so long'): os._exit(0)", ""),
        ("with last_words('so long'): pass\nwith append_if_killed(folder / 'run'): os._exit(0)", ""),
        ("with append_if_killed(folder / 'run'): os._exit(0)", ""),
    ],
)
def test_only_a_process_that_ends_in_a_run_has_last_words(tmp_path: Path, code: str, said: str) -> None:
    command = [sys.executable, "-c", PRELUDE + "from ablate.storage.watcher import last_words\n" + code, str(tmp_path)]
    found = subprocess.run(command, start_new_session=True, timeout=60, stderr=subprocess.PIPE, text=True)
    assert found.stderr == said


def test_a_name_of_any_characters_is_counted_from_any_working_directory(tmp_path: Path) -> None:
    name = "a\nb 'é\""
    code = f"""
os.chdir(folder)
with append_if_killed(Path({name!r})):
    os.chdir("/")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run(code, tmp_path)
    wait_for(tmp_path / name, "died\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_counts_nothing(tmp_path: Path, number: signal.Signals) -> None:
    assert run(f"with append_if_killed(folder / 'file'): os.killpg(0, {int(number)}); time.sleep(60)", tmp_path) == -number
    time.sleep(0.5)
    assert not (tmp_path / "file").exists()


def test_exit_and_errors_count_nothing(tmp_path: Path) -> None:
    assert run("with append_if_killed(folder / 'file'): sys.exit(3)", tmp_path) == 3
    assert run("with append_if_killed(folder / 'file'): raise RuntimeError", tmp_path) == 1
    assert run("with append_if_killed(folder / 'file'): pass\nos._exit(4)", tmp_path) == 4
    time.sleep(0.5)
    assert not (tmp_path / "file").exists()


def test_a_watcher_that_is_gone_is_started_again(tmp_path: Path) -> None:
    code = """
with append_if_killed(folder / "first"): os.kill(watcher._watcher._process.pid, signal.SIGKILL)
time.sleep(0.1)
with append_if_killed(folder / "second"): os.kill(os.getpid(), signal.SIGKILL)
"""
    run(code, tmp_path)
    wait_for(tmp_path / "second", "died\n")
    assert not (tmp_path / "first").exists()


def test_one_watcher_serves_all_runs_of_a_process(tmp_path: Path) -> None:
    processes = set()
    for _ in range(3):
        with append_if_killed(tmp_path / "file"):
            assert watcher._watcher._process is not None
            processes.add(watcher._watcher._process.pid)
    assert len(processes) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_that_lives_on_does_not_hide_the_death_of_its_parent(tmp_path: Path) -> None:
    """A worker that loads data is forked while a run is under way, and may outlive its parent for a while."""
    code = """
with append_if_killed(folder / "parent"):
    if os.fork():
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    with append_if_killed(folder / "child"):
        while not (folder / "seen").exists(): time.sleep(0.01)
    (folder / "ended").touch()
    os._exit(0)
"""
    assert run(code, tmp_path) == -signal.SIGKILL
    wait_for(tmp_path / "parent", "died\n")
    (tmp_path / "seen").touch()
    wait_until((tmp_path / "ended").exists)
    time.sleep(0.5)
    assert not (tmp_path / "child").exists()


def test_a_watcher_that_cannot_be_started_does_not_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(watcher, "_watcher", watcher._Watcher())
    monkeypatch.setattr(subprocess, "Popen", no_memory)
    with append_if_killed(tmp_path / "file"):
        pass
    monkeypatch.setattr(sys, "executable", "")
    with append_if_killed(tmp_path / "file"):
        pass
