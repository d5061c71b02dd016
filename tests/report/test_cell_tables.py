"""Tables of configurations: every mean with its n, every hole visible."""

from typing import Any

import pandas as pd
import pytest

from ablate.core.cells import Cell
from ablate.core.levels import Factor
from ablate.core.metrics import Metrics, MetricSpec
from ablate.report.cell_tables import costs, further_results, results, summary_frame
from ablate.report.configurations import Configurations
from ablate.report.table import Table, side_by_side
from ablate.report.values import text_of
from ablate.stats.comparisons import AgainstBaseline
from ablate.stats.estimates import Estimate, student
from ablate.stats.flags import Flag
from ablate.stats.summary import Summary

STEMS = ["pyramid", "direct", "<script>"]
CELLS = Configurations.of(
    {name: Cell.of({"stem": stem}) for name, stem in zip("abc", STEMS, strict=True)}, {"stem": Factor.of("stem", STEMS)}
)
METRICS = Metrics(
    {
        "accuracy": MetricSpec("accuracy", "final accuracy", "%", 1, note="on test images"),
        "epochs": MetricSpec("epochs", "epochs to target", digits=1, role="cost"),
        "loss": MetricSpec("loss", role="detail"),
        "unmeasured": MetricSpec("unmeasured"),
    }
)


def against(cell: str, *by_seed: float) -> AgainstBaseline:
    values = pd.Series(by_seed, dtype=float)
    return AgainstBaseline(cell, "a", Estimate("simple", (), values, *student(values)))


DIFFERENCES = [against("b", -0.01, -0.02, 0.0), against("c")]


def summary(**more: Any) -> Summary:
    index = pd.Index(list("abc"), name="cell")
    mean = pd.DataFrame(
        {"accuracy": [0.81, 0.8, None], "epochs": [3.0, None, None], "loss": 1.0, **more}, index=index, dtype=float
    )
    sd = pd.DataFrame({"accuracy": [0.01, None, None]}, index=index, dtype=float).reindex(columns=mean.columns)
    n = pd.DataFrame({"accuracy": [2, 1, 0], "epochs": [1, 0, 0]}, index=index).reindex(columns=mean.columns, fill_value=2)
    counts = pd.DataFrame({"runs": [2, 2, 2], "n": [2, 1, 0]}, index=index)
    return Summary(list("abc"), counts, mean, sd, n)


def texts(table: Table | None) -> list[list[str]]:
    assert table is not None
    return [[text_of(row[key]) for key in table.keys] for row in table.rows]


def titles(table: Table | None) -> list[str]:
    assert table is not None
    return [column.title for column in table.columns]


def shown(flags: dict[str, list[Flag]] | None = None, notes: tuple[str, ...] = ()) -> Table:
    return results(summary(), DIFFERENCES, "accuracy", METRICS, CELLS, flags or {}, notes)


def test_each_configuration_is_a_row_with_its_difference() -> None:
    table = shown(notes=("a note",))
    assert titles(table) == ["stem", "n", "final accuracy (%)", "Δ vs baseline"]
    assert texts(table) == [
        ["pyramid", "2", "81.0 ± 1.0", "baseline"],
        ["direct", "1 of 2", "80.0", "−1.0 [−3.5, +1.5]"],
        ["<script>", "0 of 2", "–", "–"],
    ]
    assert [row.source for row in table.rows] == ["cell-a", "cell-b", "cell-c"]
    assert table.notes[-2:] == ["Final accuracy: on test images.", "a note"]


def test_the_csv_of_results_has_the_numbers_and_the_levels() -> None:
    row = shown().data.iloc[1]
    assert row[["cell", "label", "stem", "runs", "n", "accuracy", "accuracy_n"]].tolist() == [
        "b",
        "stem=direct",
        "direct",
        2,
        1,
        0.8,
        1,
    ]
    found = row[["difference_n", "difference_estimate", "difference_low", "difference_sd"]].tolist()
    assert found == pytest.approx([3, -0.01, -0.01 - 4.302653 * 0.01 / 3**0.5, 0.01])


def test_a_factor_that_is_named_as_a_metric_keeps_its_column() -> None:
    cells = Configurations.of({name: Cell.of({"loss": name}) for name in "abc"}, {"loss": Factor.of("loss", list("abc"))})
    frame = summary_frame(summary(), cells)
    assert (frame["factor.loss"].tolist(), frame["loss"].tolist()) == (["a", "b", "c"], [1.0] * 3)


def test_costs_say_how_many_runs_have_a_value() -> None:
    table = costs(summary(), METRICS, CELLS)
    assert texts(table) == [["pyramid", "3.0 (1 of 2)"], ["direct", "–"], ["<script>", "–"]]
    assert table is not None
    assert table.notes == ["In parentheses: the number of runs that have a value, over which the mean is taken."]
    assert not table.main
    assert costs(summary(), Metrics({"accuracy": METRICS["accuracy"]}), CELLS) is None


def test_one_configuration_has_no_difference() -> None:
    whole = summary()
    alone = Summary(["a"], *(frame.head(1) for frame in (whole.counts, whole.mean, whole.sd, whole.n)))
    one = Configurations.of({"a": Cell({})}, {})
    table = results(alone, [], "accuracy", METRICS, one, {})
    assert titles(table) == ["Configuration", "n", "final accuracy (%)"]
    assert texts(table) == [["base", "2", "81.0 ± 1.0"]]


def test_flags_stand_beside_the_difference_and_stay_values() -> None:
    flags = [Flag("failed", "1 failed"), Flag("slower", "slower: 9 %")]
    table = shown({"b": flags, "a": []})
    assert titles(table)[4] == "flags"
    assert table.column("flags") == [(), tuple(flags), ()]


def test_a_page_has_results_and_costs_in_one_table() -> None:
    table = side_by_side(shown(), costs(summary(), METRICS, CELLS))
    assert titles(table) == ["stem", "n", "final accuracy (%)", "Δ vs baseline", "epochs to target"]
    assert texts(table)[0] == ["pyramid", "2", "81.0 ± 1.0", "baseline", "3.0 (1 of 2)"]


@pytest.mark.parametrize("others", [3, 4])
def test_more_outcomes_than_a_table_has_room_for_stand_in_a_second_one(others: int) -> None:
    names = [f"m{at}" for at in range(others)]
    specs = {name: MetricSpec(name, note="alike") for name in names}
    metrics, means = Metrics({**METRICS, **specs}), summary(**dict.fromkeys(names, 1.0))
    first = results(means, DIFFERENCES, "accuracy", metrics, CELLS, {})
    second = further_results(means, "accuracy", metrics, CELLS)
    shown_first = ["stem", "n", "final accuracy (%)", "Δ vs baseline"]
    if others == 3:
        assert titles(first) == [*shown_first, *names]
        assert second is None
    else:
        assert titles(first) == shown_first
        assert titles(second) == ["stem", *names]
        assert second is not None
        assert second.notes[0] == "M0; m1; m2; m3: alike."
