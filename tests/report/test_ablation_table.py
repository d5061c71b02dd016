"""The ablation table: components, rounding, differences, stars, the best, and the names of one-at-a-time designs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablate.core.levels import Factor
from ablate.core.metrics import MetricSpec
from ablate.report.ablation_table import is_switch, one_at_a_time
from ablate.report.build import compose
from ablate.report.table import Table
from ablate.report.values import text_of
from ablate.storage.results import StudyResults
from tests.report.studies import grid_results

ACCURACY = MetricSpec("acc", "accuracy", "%", 1, "higher")
COMPONENTS = {"dropout": [True, False], "batch_norm": ["batch", "none"], "width": [64, 128]}


def value(levels: Any, seed: int) -> float:
    noise = np.random.default_rng([seed, *str(sorted(levels.items(), key=str)).encode()]).normal(0, 0.01)
    return float(0.8 - 0.1 * (levels.get("dropout") is False) - 0.2 * (levels.get("batch_norm") == "none") + noise)


def table(factors: dict[str, list[Any]], seeds: int = 5, found: StudyResults | None = None, **more: Any) -> Table:
    found = found or grid_results(factors, value, "acc", seeds, [ACCURACY], **more)
    shown = compose(found, name="my study", folder=Path("none")).tables.ablation
    assert shown is not None
    return shown


def one_change(factors: dict[str, list[Any]], seeds: int = 5) -> StudyResults:
    """The baseline and one change at a time."""
    whole = grid_results(factors, value, "acc", seeds, [ACCURACY])
    changed = sum(
        (whole.levels[key] != levels[0]).astype(int) for key, levels in ((k, whole.factors[k].levels) for k in factors)
    )
    return whole.where(changed <= 1)


def texts(shown: Table) -> list[list[str]]:
    return [[text_of(row[key]) for key in shown.keys] for row in shown.rows]


def test_components_have_marks_and_other_factors_their_levels() -> None:
    shown = table(COMPONENTS)
    assert [(column.title, column.kind) for column in shown.columns[:3]] == [
        ("dropout", "switch"),
        ("batch norm", "switch"),
        ("width", "level"),
    ]
    assert [row[:3] for row in texts(shown)][:3] == [["✓", "✓", "64"], ["✓", "✓", "128"], ["✓", "✗", "64"]]
    assert "Levels shown as ✓: batch norm=batch." in shown.notes


@pytest.mark.parametrize(
    ("levels", "switch"),
    [
        ([True, False], True),
        ([0, 0.5], True),
        (["off", "on"], True),
        ([None, "a"], True),
        ([1, 2], False),
        ([False, None], False),
        ([0, 1, 2], False),
    ],
)
def test_a_component_is_a_factor_with_one_level_that_is_off(levels: list[Any], switch: bool) -> None:
    assert is_switch(Factor.of("x", levels)) is switch


def test_one_change_at_a_time_is_full_and_without() -> None:
    shown = table({}, found=one_change(COMPONENTS))
    assert [row[0] for row in texts(shown)] == ["Full", "w/o dropout", "w/o batch norm", "width=128"]
    assert [column.title for column in shown.columns] == ["Configuration", "accuracy (%)", "Δ vs baseline", "p (Holm)", "n"]


def test_components_that_are_added_have_a_plus() -> None:
    reverse = {key: levels[::-1] for key, levels in COMPONENTS.items()}
    assert [row[0] for row in texts(table({}, found=one_change(reverse)))] == [
        "Baseline",
        "+ dropout",
        "+ batch norm",
        "width=64",
    ]
    mixed = {"dropout": [True, False], "batch_norm": ["none", "batch"]}
    assert [row[0] for row in texts(table({}, found=one_change(mixed)))] == ["Baseline", "w/o dropout", "+ batch norm"]


def test_a_factorial_is_not_one_at_a_time() -> None:
    assert one_at_a_time(compose(grid_results(COMPONENTS, value, "acc"), name="s", folder=Path()).configurations) is None


def test_every_mean_has_the_digits_of_the_typical_deviation_and_the_minus_is_one() -> None:
    rows = texts(table({}, found=one_change(COMPONENTS)))
    for row in rows:
        mean, _, sd = row[1].partition(" ± ")
        assert len(mean.partition(".")[2]) == len(sd.partition(".")[2]) == 1
    assert rows[2][2].startswith("−1")
    assert "-" not in "".join(map("".join, rows))


def test_the_best_is_bold_unless_it_lost_runs() -> None:
    found = one_change(COMPONENTS)
    best = table({}, found=found).rows
    bold = [at for at, row in enumerate(best) if row["mean"].best]  # type: ignore[union-attr]
    assert len(bold) == 1
    winner = best[max(bold[0], 1)].source.removeprefix("cell-")
    if bold[0] == 0:  # make another one the winner
        found = replace(found, values=found.values.mask(found.runs["cell"] == winner, found.values + 0.1))
    at = (found.runs["cell"] == winner) & (found.runs["seed"] == 0)
    lost = replace(found, runs=found.runs.assign(status=found.runs["status"].mask(at, "diverged")))
    shown = table({}, found=lost)
    row = next(row for row in shown.rows if row.source == f"cell-{winner}")
    assert not row["mean"].best  # type: ignore[union-attr]
    assert (text_of(row["n"]), text_of(row["flags"])) == ("4 of 5", "1 diverged")
    assert (
        shown.notes[0]
        == "Mean ± standard deviation over n seeds; in bold the best of those over at least 5 seeds (higher is better)."
    )
    assert r"\rlap{$^\dagger$}" in to_latex_of(shown)
    name = text_of(row["configuration"]).replace("_", r"\_")
    assert rf"$^\dagger$Runs without a result, {name}: 1 diverged." in to_latex_of(shown)
    assert "Lost runs leave their pairs out of Δ and p, which may have selected the runs that remain." in shown.caption


def to_latex_of(shown: Table) -> str:
    from ablate.report.table_formats import to_latex

    return to_latex(shown)


def test_notes_and_caption_say_n_interval_test_and_correction() -> None:
    shown = table({}, found=one_change(COMPONENTS))
    assert shown.notes == [
        "Mean ± standard deviation over n seeds; in bold the best (higher is better).",
        "Δ: mean paired difference in percentage points from the baseline, with its 95 % interval (paired t).",
        "p: two-sided paired t, Holm-corrected for 3 comparisons.",
        "Full: dropout=true, batch norm=batch, width=64.",
        "w/o batch norm: batch norm=none.",
    ]
    assert shown.caption.startswith(
        "Ablation, my study: accuracy. Mean ± standard deviation over n = 5 seeds; in bold the best"
    )
    assert "*p < 0.05" in shown.caption
    assert " (two-sided paired t, Holm-corrected for 3 comparisons). Full: " in shown.caption
    assert shown.label == "tab:ablation-my-study"
    assert {"mean", "sd", "difference_estimate", "p", "p_adjusted", "simultaneous_low"} <= set(shown.data)


def test_two_seeds_have_no_interval_and_no_p_value() -> None:
    shown = table({}, found=one_change(COMPONENTS, seeds=2))
    assert "[" not in text_of(shown.rows[1]["difference"])
    assert "p" not in shown.keys
    assert shown.notes[1:] == [
        "Δ: mean paired difference in percentage points from the baseline.",
        "Fewer than 5 seeds: no verdicts and no p values; the results are preliminary.",
        "Full: dropout=true, batch norm=batch, width=64.",
        "w/o batch norm: batch norm=none.",
    ]
    assert shown.caption.endswith(" ".join(shown.notes[-3:]))


def test_in_blocks_differences_and_the_best_are_within_each() -> None:
    shown = table({"data": ["a", "b"], "dropout": [True, False]}, blocks="data")
    assert [text_of(row["difference"]).startswith("baseline") for row in shown.rows] == [True, False, True, False]
    assert [row["mean"].best for row in shown.rows] == [True, False, True, False]  # type: ignore[union-attr]
    assert "from the baseline at the same data" in shown.notes[1]


def test_one_configuration_has_no_ablation() -> None:
    found = grid_results({}, lambda _, seed: seed / 10, "acc")
    tables = compose(found, name="s", folder=Path()).tables
    assert tables.ablation is None
    assert tables.results is not None
    assert tables.results.main


def test_with_many_factors_a_configuration_is_its_changes() -> None:
    factors = {f"f{at}": [True, False] for at in range(7)}
    found = grid_results(factors, value, "acc", 1, [ACCURACY])
    shown = table({}, found=found)
    assert shown.columns[0].title == "Configuration (changes from the baseline)"
    means = [row["mean"].mean for row in shown.rows]
    assert (text_of(shown.rows[0]["configuration"]), len(means)) == (
        ", ".join(f"f{at}=true" for at in range(7)),
        128,
    )
    assert means[1:] == sorted(means[1:], reverse=True)
    assert "f6=false" in {text_of(row["configuration"]) for row in shown.rows}
    assert "Sorted by accuracy, the best first, below the baseline." in shown.notes


def test_a_difference_over_fewer_seeds_than_its_row_says_so() -> None:
    whole = grid_results({"method": ["base", "ours", "theirs"]}, value, "acc", 6, [ACCURACY])
    method, seed = whole.levels["method"].map(str), whole.runs["seed"]
    found = whole.where(((method != "base") | (seed < 4)) & ((method != "ours") | (seed > 0)))
    shown = table({}, found=found)
    said = "Δ is over the seeds in common with the baseline: 3 for method=ours, 4 for method=theirs."
    assert said in shown.notes
    assert said in shown.caption
    assert not any("in common with the baseline:" in note for note in table({"method": ["base", "ours"]}).notes)
    shown = table({}, found=whole.where((method != "ours") | (seed > 1)))  # the means are over 6 and 4 seeds, Δ over 4
    assert "Δ is over the seeds in common with the baseline: 4 for method=ours." in shown.notes


def test_seeds_of_an_unpaired_configuration_do_not_count_as_those_of_the_baseline() -> None:
    whole = grid_results({"method": ["base", "ours", "theirs"]}, value, "acc", 12, [ACCURACY])
    method, seed = whole.levels["method"].map(str), whole.runs["seed"]
    shown = table({}, found=whole.where((method == "theirs") == (seed > 4)))
    assert [text_of(row["n"]) for row in shown.rows] == ["5", "5", "7"]
    assert not any("in common with the baseline" in note for note in shown.notes)


def test_a_difference_has_the_digits_of_its_own_error() -> None:
    """Seeds that differ by points and a change of a hundredth of one: rounded like the means, the interval was +0.0 to +0.0."""
    found = grid_results({"arm": ["a", "b"]}, lambda at, seed: seed / 100 + (at["arm"] == "b") * (1e-3 + seed * 1e-5), "acc", 5)
    found = replace(found, metrics=found.metrics.updated({"acc": {"unit": "%", "digits": 1}}))
    shown = table({}, found=found)
    assert text_of(shown.rows[1]["difference"]) == "+0.102 [+0.100, +0.104]"
    assert text_of(shown.rows[1]["mean"]) == "2.1 ± 1.6"
    tables = compose(found, name="my study", folder=Path("none")).tables
    assert tables.results is not None
    assert tables.contrasts is not None
    assert text_of(tables.results.rows[1]["metric acc"]) == "2.1 ± 1.6"
    texts_of_difference = {text_of(tables.contrasts.rows[0]["estimate"]), text_of(tables.results.rows[1]["difference"])}
    assert texts_of_difference == {"+0.102 [+0.100, +0.104]"}, "one difference, one text"


def test_unpaired_runs_are_not_called_seeds() -> None:
    whole = grid_results({"method": ["base", "ours"]}, value, "acc", 12, [ACCURACY])
    apart = whole.where((whole.levels["method"].map(str) == "base") == (whole.runs["seed"] < 6))
    shown = table({}, found=apart)
    assert "over n = 6 runs" in shown.caption
    assert shown.notes[0].startswith("Mean ± standard deviation over n runs")


def test_runs_without_a_value_count_as_those_that_failed() -> None:
    found = one_change(COMPONENTS)
    digest = found.runs["cell"].iloc[-1]
    first = (found.runs["cell"] == digest) & (found.runs["seed"] == 0)
    empty = replace(found, values=found.values.mask(first))
    failed = replace(found, runs=found.runs.assign(status=found.runs["status"].mask(first, "failed")))
    shown = [next(row for row in table({}, found=each).rows if row.source == f"cell-{digest}") for each in (empty, failed)]
    assert [text_of(row["n"]) for row in shown] == ["4 of 5"] * 2
    assert text_of(shown[0]["mean"]) == text_of(shown[1]["mean"])
    assert [text_of(row["flags"]) for row in shown] == ["1 finished without a value", "1 failed"]


def test_rows_stand_below_the_baseline_of_their_block_wherever_its_column_is() -> None:
    shown = table({"agent": ["ppo", "sac"], "env": ["hopper", "reacher"]}, seeds=3, blocks="env")
    assert shown.columns[0].title == "env"
    assert [row[:2] for row in texts(shown)] == [["hopper", "ppo"], ["hopper", "sac"], ["reacher", "ppo"], ["reacher", "sac"]]
    assert [text_of(row["difference"]) == "baseline" for row in shown.rows] == [True, False, True, False]


def test_each_block_has_digits_of_its_own() -> None:
    scale = {"hopper": 3000, "reacher": -0.5}
    found = grid_results(
        {"agent": ["ppo", "sac"], "env": list(scale)},
        lambda at, seed: scale[str(at["env"])] * (1 + (0.2 + seed / 100) * (at["agent"] == "sac") + seed / 1000),
        "ret",
        3,
        blocks="env",
    )
    tables = compose(found, name="my study", folder=Path("none")).tables
    assert tables.ablation is not None
    assert tables.results is not None
    differences = [text_of(row["difference"]) for row in tables.ablation.rows]
    assert differences == ["baseline", "+630 [+555, +705]", "baseline", "−0.1050 [−0.1174, −0.0926]"]
    assert [text_of(row["mean"]) for row in tables.ablation.rows][::2] == ["3,003 ± 3", "−0.5005 ± 0.0005"]
    assert sorted(differences) == sorted(text_of(row["difference"]) for row in tables.results.rows)
    assert [text_of(row["estimate"]) for row in tables.blocks[0].rows][:2] == [differences[1], differences[3]]


def test_without_digits_one_number_of_decimals_is_chosen_for_all_tables() -> None:
    levels = {"base": 18.28, "a": 17.8, "b": 17.2, "lost": 19.2}

    def measure(at: Any, seed: int) -> float:
        if at["arm"] == "lost" and seed:
            return float("nan")
        return levels[str(at["arm"])] + np.random.default_rng([seed, *str(at["arm"]).encode()]).normal(0, 0.1)

    tables = compose(grid_results({"arm": list(levels)}, measure, "loss", 5), name="my study", folder=Path("none")).tables
    assert tables.ablation is not None
    assert tables.results is not None
    assert tables.contrasts is not None
    differences = [text_of(row["difference"]) for row in tables.ablation.rows[1:]]
    assert differences == [text_of(row["difference"]) for row in tables.results.rows[1:]]
    assert differences == [text_of(row["estimate"]) for row in tables.contrasts.rows]
    assert {len(text.split(" ")[0].partition(".")[2]) for text in differences} == {3}


def test_differences_of_single_runs_have_the_decimals_of_their_values() -> None:
    found = grid_results({"arm": ["a", "b"]}, lambda at, _: 71.2 + 1.2 * (at["arm"] == "b"), "top1", 1)
    assert [[text_of(row["mean"]), text_of(row["difference"])] for row in table({}, found=found).rows] == [
        ["71.20", "baseline"],
        ["72.40", "+1.20"],
    ]


def test_one_change_at_a_time_says_what_the_baseline_is_and_what_without_means() -> None:
    shown = table({}, found=one_change({"dropout": [0.1, 0], "batch_norm": ["batch", "none"], "aux": [True, False]}))
    notes = ["Full: dropout=0.1, batch norm=batch, aux=true.", "w/o dropout: dropout=0; w/o batch norm: batch norm=none."]
    assert shown.notes[-2:] == notes
    assert shown.caption.endswith(" ".join(notes))
    long = one_change({f"a_factor_with_a_long_name_{at}": [True, False] for at in range(6)})
    assert table({}, found=long).notes[-1].startswith("Full: a factor with a long name 0=true, ")
    assert "Full: " not in table({}, found=long).caption


def test_one_comparison_is_not_corrected_and_a_metric_without_direction_has_no_best() -> None:
    found = grid_results({"arm": ["a", "b"]}, value, "map50", 5)
    shown = table({}, found=found)
    assert [column.title for column in shown.columns if column.key == "p"] == ["p"]
    assert shown.notes[1].endswith("is not known; ablate report … --metric 'map50: better=lower' (or higher) says it.")
    assert not any("in bold" in note.lower() for note in table({"arm": ["a", "b"]}).notes[1:])


def test_the_rounding_step_is_mentioned_where_an_interval_is_made_of_it() -> None:
    sentence = "Where all differences lie within one rounding step of the metric, the step is their uncertainty."
    for seeds, said in ((2, False), (5, True)):
        found = grid_results({"arm": ["a", "b"]}, lambda at, seed: 0.5 + (at["arm"] == "b") / 10 + seed / 100, "acc", seeds)
        assert (sentence in table({}, found=found).notes) is said
