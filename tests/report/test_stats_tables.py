"""The tables of contrasts, effects, noise and the scorecard, from the frames of `analysis`."""

import numpy as np
import pandas as pd

from ablate.core.claims import Claim
from ablate.report import stats_tables
from ablate.stats.anova import effects_table
from ablate.stats.estimates import Change
from ablate.stats.outcomes import Blocks, blocks
from ablate.stats.power import noise_table
from ablate.stats.scorecard import scorecard
from tests.stats.conftest import contrast_table

METRIC = "final_test_accuracy"


def runs(seeds: int) -> pd.DataFrame:
    rows = [
        {"cell": f"{stem}{norm}", "label": f"{stem}{norm}", "seed": seed, "status": "finished", "error": None, "left_out": None,
         "directory": f"{stem}{norm}{seed}", "stem": stem, "norm": norm,
         METRIC: 0.5 + 0.1 * (stem == "direct") + np.random.default_rng([seed, len(stem), norm]).normal(0, 0.01)}
        for seed in range(seeds) for stem in ("pyramid", "direct") for norm in (0, 1)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.attrs |= {"factors": {"stem": ["pyramid", "direct"], "norm": [0, 1]}, "facts": {}}
    return frame


def found(seeds: int) -> Blocks:
    return blocks(runs(seeds), METRIC)


def test_a_contrast_has_its_interval_and_n() -> None:
    table = stats_tables.contrasts(contrast_table(runs(5), METRIC, pooled=False), METRIC)
    assert [row[:3] for row in table.rows] == [
        ["stem: pyramid → direct", "main effect", "5"],
        ["norm: 0 → 1", "main effect", "5"],
        ["stem × norm: pyramid, 0 → direct, 1", "interaction", "5"],
    ]
    assert table.rows[0][3].startswith("+10.2 [+8.")
    assert table.sources == ["contrast-0", "contrast-1", "contrast-2"]
    assert stats_tables.BELOW not in table.notes


def test_effects_have_no_p_value_that_could_contradict_the_contrasts() -> None:
    table = stats_tables.effects(effects_table(found(5)), METRIC)
    assert table.headers == ["term", "sum of squares", "df", "ω²"]
    assert not {"p", "f"} & set(table.to_csv().splitlines()[0].split(","))


def test_below_five_seeds_it_is_said_that_there_is_no_verdict() -> None:
    assert stats_tables.contrasts(contrast_table(runs(4), METRIC), METRIC).notes[-1] == stats_tables.BELOW


def test_a_term_that_cannot_be_estimated_is_named_below_the_table() -> None:
    frame = effects_table(found(5))
    frame.loc[1, ["ss", "note"]] = [np.nan, "the factor does nothing"]
    table = stats_tables.effects(frame, METRIC)
    assert "norm" not in [row[0] for row in table.rows]
    assert table.notes[-1] == "norm: the factor does nothing."


def test_noise_says_what_can_be_decided() -> None:
    table = stats_tables.noise(noise_table(found(5), [Change("stem", "pyramid", "direct")]), METRIC)
    assert table.headers == ["change", "n", "sd of differences", "correlation", "decidable margin"]
    (row,) = table.rows
    assert row[:2] == ["stem: pyramid → direct", "5"]
    assert all(number not in ("–", "") for number in row[2:])


def test_the_scorecard_keeps_the_digits_of_what_was_published() -> None:
    common = {"says": "s", "where": {"stem": "direct"}, "protocol": "one seed"}
    claims = [
        Claim.parse({**common, "id": "A", "kind": "threshold", "value": 0.6, "expects": "higher", "published": 0.8907}),
        Claim.parse({**common, "id": "B", "kind": "exact", "metric": "parameters", "value": 1990802}),
    ]
    study = runs(5).assign(parameters=1990802.0)
    study.attrs = runs(5).attrs
    table = stats_tables.scorecard(scorecard(claims, study))
    first, second = table.rows
    assert first[2] == "89.07"
    assert first[3].startswith("60.")
    assert (first[5], first[7]) == ("no", "one seed")
    assert second[2:6] == ["1,990,802", "1,990,802", "5", "yes"]


def test_of_many_strata_some_are_named() -> None:
    frame = contrast_table(runs(5), METRIC, pooled=False)
    frame["missing"] = [[f"norm={at}" for at in range(9)], [], []]
    table = stats_tables.contrasts(frame, METRIC)
    assert table.headers[-1] == "note"
    assert table.rows[0][-1] == "no complete seed in norm=0; norm=1; norm=2; norm=3 and 5 more"


def test_what_bn_meets_is_a_row_a_layer_and_of_one_seed_without_a_range() -> None:
    both = {"cell": ["a", "b"], "label": ["x", "y"], "place": ["norm1", "norm1"], "n": [5, 1]}
    numbers = {
        "variance_ratio": 0.573, "variance_ratio_low": 0.5, "variance_ratio_high": 0.69,
        "mean_offset": 0.48, "mean_offset_low": 0.45, "mean_offset_high": 0.52,
    }  # fmt: skip
    table = stats_tables.shifts(pd.DataFrame(both).assign(**numbers))
    assert table is not None
    assert table.rows == [
        ["x", "norm1", "5", "0.57 (0.50 to 0.69)", "0.48 (0.45 to 0.52)"],
        ["y", "norm1", "1", "0.57", "0.48"],
    ]
    assert table.sources == ["cell-a", "cell-b"]
    assert stats_tables.shifts(pd.DataFrame()) is None
