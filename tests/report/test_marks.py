"""The rows of forest plots."""

import math

import pandas as pd

from ablate.report.marks import ROWS, highest_and_lowest, in_a_sentence, mark, marks_of_shares, which_rows
from ablate.report.plots import Mark
from tests.report.studies import ACCURACY


def test_an_interval_over_two_seeds_is_not_drawn() -> None:
    few = mark("a", 0.1, (-0.9, 1.1), [0.0, 0.2], 2, ACCURACY)
    assert (math.isnan(few.low), few.text) == (True, "+10.0")
    assert mark("a", 0.1, (0.05, 0.15), [0.1] * 3, 3, ACCURACY).text == "+10.0 [+5.0, +15.0]"


def test_unknown_shares_are_left_out_and_the_whole_is_named() -> None:
    shares = pd.DataFrame(
        {
            "change": ["x", "y", "all"],
            "n": [5, 0, 5],
            "estimate": [0.1, math.nan, 0.1],
            "low": [0.0, math.nan, 0.05],
            "high": [0.2, math.nan, 0.2],
        }
    )
    assert [(each.label, each.text) for each in marks_of_shares(shares, ACCURACY)] == [
        ("x", "+10.0 [0.0, +20.0]"),
        ("all changes", "+10.0 [+5.0, +20.0]"),
    ]


def test_of_too_many_rows_the_highest_and_the_lowest_stay() -> None:
    marks = [Mark(str(at), float(at), math.nan, math.nan) for at in range(ROWS + 6)]
    shown = [each.label for each in highest_and_lowest(marks)]
    assert (len(shown), shown[0], shown[ROWS // 2], shown[-1]) == (ROWS + 1, str(ROWS + 5), "…", "0"), "with a mark between"
    assert in_a_sentence(highest_and_lowest(marks), "Δ").startswith(f"Δ: highest for {ROWS + 5}, ")
    for rows in (ROWS, ROWS + 4):  # a few more are all shown
        assert highest_and_lowest(marks[:rows]) == marks[:rows]
        assert which_rows(rows) == ""
    assert which_rows(ROWS + 6) == " Of 30 rows, the 12 highest and the 12 lowest are shown; the table has all."


def test_a_sentence_names_both_ends() -> None:
    marks = [Mark("a", 0.2, 0.1, 0.3, text="+20"), Mark("b", -0.1, -0.2, 0.1, text="−10")]
    assert in_a_sentence(marks, "Δ") == "Δ: highest for a, +20; lowest for b, −10. 1 of 2 intervals excludes zero."
