"""Words for the status of runs."""

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.status import of_runs, status_of
from ablate.importers.table import Roles, Table


def table(**columns: list[object]) -> Table:
    frame = pd.DataFrame(columns, dtype=object)
    return Table("results.csv", frame, [f"results.csv, line {at + 2}" for at in range(len(frame))])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("COMPLETED", "finished"),
        ("RunStatus.SUCCESS", "finished"),
        ("", "finished"),
        ("Out Of Memory", "failed"),
        ("node-fail", "failed"),
        ("TrialState.PRUNED", "failed"),
        ("NaN", "diverged"),
        ("preempted", "interrupted"),
        ("In Progress", "running"),
        ("fine", None),
    ],
)
def test_words_of_other_tools(word: str, expected: str | None) -> None:
    assert status_of(word) == expected


def test_a_word_that_says_more_is_kept_as_the_error() -> None:
    runs = of_runs(table(state=["COMPLETED", "killed", "Failed", ""]), Roles(status="state"), None)
    assert runs["status"].tolist() == ["finished", "failed", "failed", "finished"]
    assert runs["error"].tolist() == [None, "killed", None, None]
    assert runs["place"].tolist()[1] == "results.csv, line 3"


def test_without_a_status_runs_are_finished() -> None:
    runs = of_runs(table(y=["1", "2"]), Roles(), None)
    assert runs["status"].tolist() == ["finished"] * 2
    assert runs["left_out"].tolist() == [None, None]


def test_an_unknown_word_is_refused_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"line 3: unknown status 'fine' in the column state; use words such as finished"):
        of_runs(table(state=["done", "fine"]), Roles(status="state"), None)
