"""A command that cannot go on says so in one line."""

import errno
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


def test_a_run_that_is_terminated_is_interrupted_with_status_143(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(APPS / "trivial.py"), "x=1", "sleeps=60"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: bool(list(tmp_path.glob("outputs/*/runs/*/*/.lease"))))
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "interrupted" in said) == (143, True)
