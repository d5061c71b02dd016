"""A command that cannot go on says so in one line."""

import errno

import pytest

from ablate.engine.exit_status import errors_in_one_line


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
