"""Finding studies, and the exit status of commands."""

from pathlib import Path

import pytest

from ablate.commands import studies
from ablate.core.errors import UsageError


def test_a_study_is_found_by_its_path_or_by_its_name(outputs: Path) -> None:
    assert studies.find("first") == Path("outputs/first")
    assert studies.find(str(outputs / "first")) == outputs / "first"
    (outputs / "folder").mkdir()
    with pytest.raises(UsageError, match=r"`ablate report outputs/folder`; studies in outputs/: first, second"):
        studies.find("outputs/folder")


@pytest.mark.parametrize(
    ("error", "status"),
    [(UsageError("no"), 2), (KeyboardInterrupt(), 130), (PermissionError(13, "Permission denied", "runs/x"), 2)],
)
def test_errors_become_exit_statuses(error: BaseException, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        studies.run(command)
    assert ended.value.code == status
    message = {UsageError: "ablate: no\n", PermissionError: "ablate: runs/x: Permission denied\n"}
    assert capsys.readouterr().err == message.get(type(error), "")
