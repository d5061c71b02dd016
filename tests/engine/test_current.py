"""The run in progress, for code that does not get it as an argument."""

from pathlib import Path

import pytest

from ablate.engine.current import current_run, running
from ablate.engine.run import Run
from ablate.storage.records import RunRecord


def test_ctrl_c_that_a_library_turned_into_an_exit_stays_ctrl_c(tmp_path: Path) -> None:
    run = Run(tmp_path, RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[]), {})
    with pytest.raises(KeyboardInterrupt), running(run):  # noqa: PT012
        assert current_run() is run
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise SystemExit(1)  # noqa: B904 - as Lightning's Trainer does
    assert current_run() is None
    with pytest.raises(SystemExit), running(run):
        raise SystemExit(1)
