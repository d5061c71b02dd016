"""The tables of contrasts, variance explained, precision and attribution."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.core.cells import Cell
from ablate.core.metrics import MetricSpec, PercentageSpec
from ablate.report import effect_tables
from ablate.report.model import AttributionResult, Comparison
from ablate.report.table import Table
from ablate.report.values import text_of
from ablate.stats import anova
from ablate.stats.contrasts import every_contrast
from ablate.stats.estimates import table
from ablate.stats.outcomes import Outcomes
from ablate.stats.power import noise_table
from ablate.stats.simultaneous import with_simultaneous
from tests.report.studies import Levels, grid_results

SPEC = MetricSpec("accuracy", "final accuracy", "%", 1)
FACTORS = {"stem": ["pyramid", "direct"], "norm": [0, 1]}


def outcomes(seeds: int) -> Outcomes:
    def value(levels: Levels, seed: int) -> float:
        noise = np.random.default_rng([seed, len(levels["stem"]), levels["norm"]]).normal(0, 0.01)
        return float(0.5 + 0.1 * (levels["stem"] == "direct") + noise)

    return Outcomes.of(grid_results(FACTORS, value, "accuracy", seeds), "accuracy")


def comparison(seeds: int) -> Comparison:
    found = every_contrast(outcomes(seeds))
    return Comparison("accuracy", found, table(found))


def texts(shown: Table) -> list[list[str]]:
    return [[text_of(row[key]) for key in shown.keys] for row in shown.rows]


def test_a_contrast_has_its_interval_and_n() -> None:
    shown = effect_tables.contrasts(comparison(5), SPEC, main=True)
    assert [row[:3] for row in texts(shown)] == [
        ["stem: pyramid → direct", "main effect", "5"],
        ["norm: 0 → 1", "main effect", "5"],
        ["stem × norm: pyramid, 0 → direct, 1", "interaction", "5"],
    ]
    assert texts(shown)[0][3].startswith("+10.2 [+8.")
    assert [row.source for row in shown.rows] == ["contrast-0", "contrast-1", "contrast-2"]
    assert shown.notes[0].startswith("Final accuracy (percentage points): mean paired difference over n seeds")
    assert effect_tables.preliminary() not in shown.notes


def test_below_five_seeds_contrasts_are_said_to_be_preliminary() -> None:
    notes = effect_tables.contrasts(comparison(4), SPEC, main=True).notes
    assert notes[-1] == "Contrasts over fewer than 5 seeds are preliminary."


def test_the_interval_over_test_examples_stands_beside_that_over_seeds() -> None:
    found = comparison(5)
    frame = found.contrasts_frame.assign(examples_low=[0.01, np.nan, 0.0], examples_high=[0.05, np.nan, 0.1])
    shown = effect_tables.contrasts(replace(found, contrasts_frame=frame, examples="sentences"), SPEC, main=True)
    assert [column.title for column in shown.columns][4] == "over sentences"
    assert [row[4] for row in texts(shown)] == ["[+1.0, +5.0]", "–", "[0.0, +10.0]"]
    assert "if other sentences were drawn" in shown.notes[-1]


def test_each_contrast_has_the_seeds_that_agree_the_superiority_and_the_lowest_seed() -> None:
    found = comparison(5)
    shown = effect_tables.contrasts(replace(found, losses=["", "lost runs: 1 of 5 in norm=0", ""]), SPEC, main=True)
    first = dict(zip([column.title for column in shown.columns], texts(shown)[0], strict=True))
    stem = found.contrasts[0]
    assert first["above zero"] == "5 of 5"
    assert first["P(B > A)"] == "1.00"
    assert first["lowest seed"] == f"{100 * stem.by_seed.min():+.1f} ({stem.by_seed.idxmin()})"
    assert texts(shown)[1][-1] == "lost runs: 1 of 5 in norm=0"


def test_simultaneous_intervals_stand_beside_the_others_where_many_changes_face_one_baseline() -> None:
    found = comparison(5)
    frame = with_simultaneous(found.contrasts_frame, found.contrasts)
    shown = effect_tables.contrasts(replace(found, contrasts_frame=frame), SPEC, main=True)
    assert shown.columns[4].title == "simultaneous"
    low, high = frame.loc[0, ["simultaneous_low", "simultaneous_high"]]
    assert texts(shown)[0][4] == f"[{100 * low:+.1f}, {100 * high:+.1f}]"
    assert "hold for all changes" in shown.notes[1]


def test_the_baseline_against_itself_is_a_row_of_its_own() -> None:
    found = comparison(5)
    again = replace(found.contrasts[0], kind="no change", changes=())
    shown = effect_tables.contrasts(replace(found, no_change=again), SPEC, main=True)
    assert texts(shown)[-1][:3] == ["no change (A/A)", "control", "5"]
    assert shown.rows[-1].source == "no-change"
    assert any(note.startswith("No change (A/A): the baseline was run twice") for note in shown.notes)


def test_of_many_strata_some_are_named() -> None:
    found = comparison(5)
    missing = [Cell.of({"norm": at}) for at in range(9)]
    contrasts = [replace(found.contrasts[0], missing=missing), *found.contrasts[1:]]
    shown = effect_tables.contrasts(replace(found, contrasts=contrasts), SPEC, main=True)
    assert (shown.columns[-1].title, shown.columns[-1].kind) == ("note", "sentence")
    assert texts(shown)[0][-1] == "no complete seed in norm=0; norm=1; norm=2; norm=3 and 5 more"


def test_strata_in_which_a_change_has_no_effect_are_named() -> None:
    found = comparison(5)
    contrasts = [replace(found.contrasts[0], inert=[Cell.of({"norm": 1})]), *found.contrasts[1:]]
    shown = effect_tables.contrasts(replace(found, contrasts=contrasts), SPEC, main=True)
    assert texts(shown)[0][-1] == "left out, since the change has no effect there: norm=1"


def test_variance_explained_has_no_p_value_that_could_contradict_the_contrasts() -> None:
    shown = effect_tables.anova(anova.anova(outcomes(5)), SPEC)
    assert [column.title for column in shown.columns] == ["term", "sum of squares (points²)", "df", "ω²"]
    assert not {"p", "f"} & set(shown.data)
    assert shown.title == "Variance explained (ANOVA)"
    assert "stem" in [row[0] for row in texts(shown)]


def test_sums_of_squares_have_the_digits_of_the_residual_and_factors_their_short_names() -> None:
    frame = pd.DataFrame(
        {
            "term": ["model.stem", "model.stem × norm", "residual"], "ss": [0.00275512, 0.0000059, 0.00087631],
            "df": [1, 1, 40], "omega_squared": [0.18, 0.0, np.nan], "f": 1.0, "p": 0.5, "n": 5, "note": None,
        }
    )  # fmt: skip
    shown = effect_tables.anova(frame, SPEC, {"model.stem": "stem"})
    assert [row[:2] for row in texts(shown)] == [["stem", "27.55"], ["stem × norm", "0.06"], ["residual", "8.76"]]
    already = effect_tables.anova(frame, PercentageSpec.of(SPEC))  # of values such as 91.4
    assert already.columns[1].title == "sum of squares (points²)"
    plain = effect_tables.anova(frame, replace(SPEC, unit=""))
    assert [row[1] for row in texts(plain)] == ["0.002755", "0.000006", "0.000876"]


def test_a_term_that_cannot_be_estimated_is_named_below_the_table() -> None:
    frame = anova.anova(outcomes(5))
    frame.loc[1, ["ss", "note"]] = [np.nan, "the factor has no effect"]
    shown = effect_tables.anova(frame, SPEC)
    assert "norm" not in [row[0] for row in texts(shown)]
    assert shown.notes[-1] == "norm: the factor has no effect."


def test_precision_has_the_minimum_detectable_effect() -> None:
    found = every_contrast(outcomes(5))[:1]
    shown = effect_tables.precision(noise_table(outcomes(5), [found[0].changes[0]]), found, SPEC)
    titles = [column.title for column in shown.columns]
    assert titles == ["change", "n", "SD of differences", "correlation", "minimum detectable effect"]
    ((change, n, *numbers),) = texts(shown)
    assert (change, n) == ("stem: pyramid → direct", "5")
    assert all(number not in ("–", "") for number in numbers)
    assert len(numbers[2].split(".")[1]) == 2  # a digit more than the metric


def test_the_last_row_of_an_attribution_is_the_whole_difference() -> None:
    shares = pd.DataFrame(
        {"change": ["stem", "all"], "n": 5, "estimate": [0.01, 0.02], "low": [0.0, 0.01], "high": [0.02, 0.03]}
    ).assign(marginal_low=-0.015, marginal_high=0.03)
    shown = effect_tables.attribution(AttributionResult("attribution", "Attribution: accuracy", "accuracy", shares), SPEC)
    assert texts(shown) == [["stem", "5", "+1.0 [0.0, +2.0]"], ["all changes", "5", "+2.0 [+1.0, +3.0]"]]
    assert shown.columns[-1].title == "attributed (Shapley)"


def test_the_ends_of_what_each_change_made_stand_beside_its_share() -> None:
    shares = pd.DataFrame(
        {"change": ["norm", "stem", "all"], "n": 5, "estimate": [-0.01, 0.02, 0.01], "low": -0.02, "high": 0.03}
    ).assign(marginal_low=[-0.148, 0.02, math.nan], marginal_high=[0.034, 0.02, math.nan])
    shown = effect_tables.attribution(AttributionResult("attribution", "Attribution: accuracy", "accuracy", shares), SPEC)
    assert [row[-1] for row in texts(shown)] == ["−14.8 to +3.4", "+2.0", "–"]
    assert "the share is an average of unlike effects" in shown.notes[-1]


def test_simultaneous_intervals_of_many_changes_over_few_seeds_are_not_called_max_t() -> None:
    """Seven changes over three seeds have the critical value of Bonferroni, and the note said max-t."""
    generator = np.random.default_rng(0)
    runs = grid_results({"way": list(range(8))}, lambda of, seed: float(generator.normal()), "accuracy", 3)
    found = every_contrast(Outcomes.of(runs, "accuracy"))
    frame = with_simultaneous(table(found), found)
    half = (frame["simultaneous_high"] - frame["simultaneous_low"]) / 2
    assert half.tolist() == pytest.approx(stats.t.ppf(1 - 0.05 / 14, 2) * frame["se"])
    notes = effect_tables.contrasts(Comparison("accuracy", found, frame), SPEC, main=True).notes
    assert (
        "max-t if all have the same seeds and there are fewer than two changes (or interactions) per seed, otherwise Bonferroni."
        in notes[1]
    )
