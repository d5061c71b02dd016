"""plan.csv, read back."""

from pathlib import Path

import pytest

from ablate.storage.plan_file import PlannedRow, read_plan

HEADER = "stem,seed,state,seconds,directory,note\n"
ROWS = (
    "a,0,due,1.0,runs/a/seed=0,\nb,0,due,1.0,runs/a/seed=0,identical configuration to a\na,1,left out,,runs/a/seed=1,broken\n"
)


def test_runs_by_folder_and_those_of_shared_runs_once(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(HEADER + ROWS)
    assert read_plan(tmp_path) == {
        "runs/a/seed=0": PlannedRow("0", "due", "stem=a"),
        "runs/a/seed=1": PlannedRow("1", "left out", "stem=a"),
    }


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"stem,seed\na,0\n", (HEADER + ROWS + "a,2,du").encode()], ids=str)
def test_without_a_readable_plan_there_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "plan.csv").write_bytes(content)
    assert read_plan(tmp_path) == {}
