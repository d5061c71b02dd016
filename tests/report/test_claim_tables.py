"""The tables of verdicts and of published figures."""

import math
import re
from typing import Any

import pandas as pd
import pytest

from ablate.core.claims import parse_all
from ablate.core.metrics import MetricSpec
from ablate.report import claim_tables
from ablate.report.claim_tables import verdicts
from ablate.report.table import Table
from ablate.report.values import text_of
from ablate.stats.decision_rules import LOOKS
from ablate.stats.judge import judge, judgements_frame
from ablate.stats.scorecard import scorecard
from ablate.storage.results import StudyResults
from tests.report.studies import ACCURACY, results

CHANGE = {"factor": "arm", "from": 0, "to": 1}
CLAIM: dict[str, Any] = {"id": "C1", "says": "s", "kind": "contrast", "contrast": CHANGE, "expects": "higher", "margin": 0.01}


def table(found: StudyResults, *claims: dict[str, Any]) -> Table:
    judgements = judge(parse_all(claims, found.main_metric), found, looks=LOOKS)
    return verdicts(judgements, judgements_frame(judgements), found.metrics)


def accuracies(value: Any, **more: Any) -> StudyResults:
    return results(value, ACCURACY.name, specs=[ACCURACY], **more)


def test_a_verdict_has_its_estimate_its_seeds_and_its_reason() -> None:
    shown = table(accuracies(lambda arm, seed: 0.5 + arm / 9 + arm * seed / 500), CLAIM)
    row = [text_of(shown.rows[0][key]) for key in shown.keys]
    assert row[:3] == ["C1", "s", "supported"]
    assert row[3].startswith("+11.5 [+11.")
    assert row[4].startswith("[+10.6, ")
    assert row[4].endswith("] (99.7 %)")  # the first look spends a sixteenth of 5 %
    assert [column.title for column in shown.columns][3:5] == ["estimate [95 %]", "interval of the verdict"]
    assert row[5] == "5"
    assert row[6].startswith("adjusted p ")
    assert shown.rows[0].source == "claim-C1"
    assert shown.notes[1].endswith("A claim is decided if its adjusted p is at most 0.025.")


def test_percentage_points_are_named_only_where_an_estimate_has_them() -> None:
    percent = table(accuracies(lambda arm, seed: arm / 9 + seed / 30), CLAIM)
    plain = table(results(), {**CLAIM, "metric": "f1"})
    ratio = table(accuracies(lambda arm, seed: 0.2 + arm / 9 + seed / 30), {**CLAIM, "scale": "ratio", "margin": 1.1})
    assert ["percentage points" in shown.notes[0] for shown in (percent, plain, ratio)] == [True, False, False]
    assert text_of(ratio.rows[0]["estimate"]).startswith("1.")


def test_a_verdict_says_how_many_pairs_its_interval_is_over() -> None:
    found = accuracies(lambda arm, seed: 0.5 + arm / 9 + seed / 30, seeds=6)
    found.runs.loc[1, "status"] = "diverged"
    found.values.loc[1, ACCURACY.name] = math.nan
    assert text_of(table(found, CLAIM).rows[0]["n"]) == "5 (4 in the interval)"


NOISY = {0: 0.02, 1: -0.03, 2: 0.05, 3: -0.01, 4: 0.02}


@pytest.mark.parametrize(
    ("spec", "change", "said"),
    [
        (ACCURACY, {}, r". Minimum detectable effect at 20 seeds: \d\.\d points; the margin is 1\.0\. Above"),
        (MetricSpec(ACCURACY.name), {}, r". Minimum detectable effect at 20 seeds: 0\.0\d+; the margin is 0\.01000\. Above"),
        (
            ACCURACY,
            {"scale": "ratio", "margin": 1.01},
            r". Minimum detectable effect at 20 seeds: 1\.\d{3}; the margin is 1\.010\. Above",
        ),
    ],
)
def test_a_margin_that_no_look_decides_stands_beside_the_minimum_detectable_effect(
    spec: MetricSpec, change: dict[str, Any], said: str
) -> None:
    found = results(lambda arm, seed: 0.5 + arm * NOISY[seed], spec.name, specs=[spec])
    reason = text_of(table(found, {**CLAIM, **change}).rows[0]["reason"])
    assert re.search(said, reason), reason


def test_the_scorecard_keeps_the_digits_of_what_was_published() -> None:
    where = {"where": {"arm": 1}, "protocol": "one seed"}
    claims = [
        {**where, "id": "A", "says": "a", "kind": "threshold", "value": 0.6, "expects": "higher", "published": 0.8907},
        {**where, "id": "B", "says": "b", "kind": "exact", "metric": "parameters", "value": 1990802},
        {**where, "id": "C", "says": "c", "kind": "threshold", "value": 0.6, "expects": "higher", "published": 0.7,
         "needs": {"budget": "full"}},
    ]  # fmt: skip
    found = accuracies(lambda arm, seed: 0.6 + seed / 100)
    found.values["parameters"] = 1990802.0
    frame = scorecard(parse_all(claims, found.main_metric), found)
    shown = claim_tables.scorecard(frame, found.metrics)
    first, second, third = ([text_of(row[key]) for key in shown.keys] for row in shown.rows)
    assert first[2] == "89.07"
    assert first[3].startswith("62.00 [57.")
    assert (first[5], first[6], first[8]) == ("one run", "no", "one seed")
    assert second[2:7] == ["1,990,802", "1,990,802", "5", "", "yes"]
    assert third[6:8] == ["(no)", "needs budget=full; this study does not record budget"]
    assert shown.notes[-1].startswith("In parentheses: this study does not meet the needs of the claim")
    pd.testing.assert_frame_equal(shown.data, frame)


def test_a_metric_that_the_study_does_not_have_is_not_tested() -> None:
    shown = table(results(), {**CLAIM, "metric": "other"})
    assert [text_of(shown.rows[0][key]) for key in ("verdict", "estimate")] == ["not tested", "–"]
