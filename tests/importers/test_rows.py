"""Several rows of one run become one; values by hand."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.metric_files import final
from ablate.importers.rows import Rows, at_step, without_duplicates
from ablate.importers.table import AtStep


def rows(key: list[int], values: list[float], status: list[str] | None = None) -> Rows:
    places = [f"line {at + 2}" for at in range(len(key))]
    runs = pd.DataFrame({"status": status or ["finished"] * len(key), "error": None, "left_out": None, "place": places})
    return Rows(pd.Series(key), runs, pd.DataFrame({"y": values}))


@pytest.mark.parametrize(
    ("how", "expected"), [("last", [3.0, 7.0]), ("mean", [2.0, 6.0]), ("max", [3.0, 7.0]), ("min", [1.0, 5.0])]
)
def test_of_a_curve_one_value_counts(how: AtStep, expected: list[float]) -> None:
    found, said = at_step(rows([0, 0, 0, 1, 1], [2.0, 3.0, 1.0, 7.0, 5.0]), pd.Series([20, 30, 10, 20, 10]), how)
    assert found.values["y"].tolist() == expected
    assert found.runs["place"].tolist() == ["line 3", "line 5"]
    assert said.endswith("counts; the runs end at different steps, from 20 to 30.")


def test_all_metrics_are_of_the_step_at_which_the_main_one_is_best() -> None:
    curves = rows([0, 0, 0, 1, 1, 2], [0.5, 0.9, 0.8, 0.7, np.nan, np.nan])
    curves.values["loss"] = [3.0, 2.0, 1.0, np.nan, 0.4, 0.3]
    steps = pd.Series([1, 2, 3, 1, 2, 1])
    best, said = at_step(curves, steps, "max")
    assert best.values["y"].tolist()[:2] == [0.9, 0.7]
    assert math.isnan(best.values["y"].tolist()[2])
    assert best.values["loss"].tolist() == [2.0, 0.4, 0.3]  # not 1.0, the best loss; the last one where the row has none
    assert said.startswith("Of each run the step with the largest y counts")
    assert at_step(curves, steps, "min")[0].values["loss"].tolist() == [3.0, 0.4, 0.3]
    files = [{"y": 0.5, "loss": 3.0}, {"y": 0.9, "loss": 2.0}, {"y": 0.8, "loss": 1.0}]
    assert best.values.iloc[0].to_dict() == final(files, "max", "y")  # the rule of logs


def test_a_lost_step_loses_the_mean_and_a_step_without_a_value_does_not_count() -> None:
    curve, steps = rows([0, 0, 0], [1.0, math.inf, 3.0]), pd.Series([1, 2, 3])
    assert at_step(curve, steps, "mean")[0].values["y"].tolist() == [math.inf]
    assert at_step(curve, steps, "last")[0].values["y"].tolist() == [3.0]
    assert at_step(curve, steps, "min")[0].values["y"].tolist() == [math.inf]
    assert at_step(rows([0, 0], [2.0, np.nan]), pd.Series([1, 2]), "last")[0].values["y"].tolist() == [2.0]


def test_duplicates_are_refused_replaced_or_averaged() -> None:
    twice = rows([0, 1, 0], [1.0, 5.0, 3.0])
    with pytest.raises(UsageError, match=r"line 2 and line 4 are both run 0\. Look\. If runs .* --duplicates last"):
        without_duplicates(twice, lambda at: f"run {at}", "refuse", "Look.")
    found, said = without_duplicates(twice, str, "last", "")
    assert (found.values["y"].tolist(), said) == ([5.0, 3.0], "Rows that were replaced by later ones of the same run: 1.")
    found, said = without_duplicates(twice, str, "mean", "")
    assert found.values["y"].tolist() == [5.0, 2.0]
    assert said == "Rows that were averaged, because they are of the same run: 2."


def test_only_rows_that_finished_are_averaged() -> None:
    found, _ = without_duplicates(rows([0, 0], [1.0, 9.0], ["finished", "failed"]), str, "mean", "")
    assert found.values["y"].tolist() == [1.0]
    assert found.runs["status"].tolist() == ["finished"]


def test_rows_that_were_copied_are_told_from_repeated_runs() -> None:
    def message(values: list[float], **others: list[float]) -> str:
        found = rows([0, 0, 1, 1, 2], values)
        with pytest.raises(UsageError) as caught:
            without_duplicates(
                replace(found, values=found.values.assign(**others)), lambda at: f"run {at}", "refuse", "Name a factor."
            )
        return str(caught.value)

    copied = "line 2 and line 3 are both run 0 (and 1 more), with equal results. If rows were copied, use --duplicates last."
    assert message([0.5, 0.5, 0.6, 0.6, 0.7]).startswith(copied)
    assert "equal results" not in message([0.5, 0.5, np.nan, np.nan, 0.7])  # two lost runs, say
    assert "equal results" not in message([0.5, 0.5, np.nan, 0.6, 0.7])
    assert "If runs were repeated" in message([0.5, 0.5, 0.6, 0.7, 0.7])
    assert "If runs were repeated" in message([0.5, 0.5, 0.6, 0.6, 0.7], key=[0.1, 0.2, 0.3, 0.3, 0.4])
