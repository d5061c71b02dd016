"""`ablate compare`."""

from pathlib import Path

import pytest

from tests.commands.conftest import Command
from tests.report.studies import write_runs


@pytest.mark.usefixtures("outputs")
def test_the_configurations_and_verdicts_of_both_studies_stand_side_by_side(command: Command) -> None:
    status, out, _ = command("compare", "first", "second")
    assert status == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert [(row[0], row[-1]) for row in rows[:2]] == [("stem=a", "5 seeds"), ("stem=b", "4 seeds")]
    assert all(row[5].startswith("+10.0 [+10.0, +10.0]") for row in rows[:2])
    assert "stem=b: 1 run before and 1 after had no value (diverged, failed or not finite) and are in no mean." in out
    assert rows[2][0] == "C1"
    assert rows[2][2] == rows[2][3]


@pytest.mark.usefixtures("outputs")
def test_a_metric_that_one_study_lacks_is_refused(command: Command) -> None:
    status, _, err = command("compare", "first", "second", "--metric", "accuracy")
    assert status == 2
    assert "--metric accuracy: both studies need it; common metrics: " in err
    assert "test_accuracy" in err


def test_accuracies_that_were_logged_as_percentages_are_not_scaled_again(outputs: Path, command: Command) -> None:
    cells = [{"stem": "a"}]
    write_runs(outputs / "third", cells, 3, lambda _, seed: 90.125 + seed)
    write_runs(outputs / "fourth", cells, 3, lambda _, seed: 90.625 + seed)
    status, out, _ = command("compare", "third", "fourth")
    assert status == 0
    (row,) = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert row[1:5] == ["91.12", "3", "91.62", "3"]
    assert row[5].startswith("+0.5000 [")
    assert "(percentage points)" in out
