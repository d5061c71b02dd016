"""`ablate compare`."""

import pytest

from tests.commands.conftest import Command


@pytest.mark.usefixtures("outputs")
def test_the_configurations_and_verdicts_of_both_studies_stand_side_by_side(command: Command) -> None:
    status, out, _ = command("compare", "first", "second")
    assert status == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]
    assert [(row[0], row[-1]) for row in rows[:2]] == [("stem=a", "5 seeds"), ("stem=b", "4 seeds")]
    assert all(row[5].startswith("+10.0 [+10.0, +10.0]") for row in rows[:2])
    assert rows[2][0] == "C1"
    assert rows[2][2] == rows[2][3]


@pytest.mark.usefixtures("outputs")
def test_a_metric_that_one_study_lacks_is_refused(command: Command) -> None:
    status, _, err = command("compare", "first", "second", "--metric", "accuracy")
    assert status == 2
    assert "--metric accuracy: both studies need it; common metrics: " in err
    assert "test_accuracy" in err
