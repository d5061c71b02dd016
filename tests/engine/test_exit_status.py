"""A command that cannot go on says so in one line."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.engine.exit_status import errors_in_one_line
from tests.conftest import APPS
from tests.waiting import wait_until


def test_a_full_disk_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, errors_in_one_line(list):
        raise OSError(errno.ENOSPC, "No space left on device", "outputs/s/plan.csv")
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "ablate: [Errno 28] No space left on device: 'outputs/s/plan.csv'. "
        "Finished runs are kept; run the same command again to continue.\n"
    )


def test_other_errors_keep_their_traceback() -> None:
    with pytest.raises(FileNotFoundError), errors_in_one_line(list):
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")
    with pytest.raises(ValueError, match="of the program"), errors_in_one_line(list):
        raise ValueError("of the program")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_run_that_a_signal_ends_is_interrupted(number: signal.Signals, status: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(APPS / "trivial.py"), "x=1", "sleeps=4"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: bool(list(tmp_path.glob("outputs/*/runs/*/*/history.csv"))))  # it is in its second epoch
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "interrupted" in said) == (status, True)
    (record,) = tmp_path.glob("outputs/*/runs/*/*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"
    assert not list(tmp_path.glob("outputs/*/runs/*/*/deaths")), "a closed terminal is no lack of memory"


def test_under_nohup_a_closed_terminal_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with errors_in_one_line(list):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
