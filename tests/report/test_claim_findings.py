"""Findings about claims."""

import math
from dataclasses import replace
from pathlib import Path

from ablate.report.build import compose
from ablate.report.claim_findings import claim_findings
from ablate.report.headline import headline
from ablate.report.model import Report
from ablate.report.strips import strips
from tests.report.studies import ACCURACY, CLAIM, Levels, grid_results, reported


def test_an_undecided_claim_says_how_many_seeds_would_decide_it(tmp_path: Path) -> None:
    report = reported(tmp_path, 0.002, 0.012, claims=[CLAIM], looks=[5, 8, 12, 20])
    (one,) = claim_findings(replace(report, results=replace(report.results, folder=tmp_path)))
    assert (one.claim, one.says, one.quote, one.verdict) == ("C1", "Dropout is not needed", "いらない", "inconclusive")
    assert one.sentence.startswith("Removing dropout: +")
    assert "not decided at n = 5 by the interval [" in one.sentence
    assert one.sentence.endswith("] (99.7 %).")
    assert one.next_step.startswith("Not decided yet: ")
    assert one.next_step.endswith("Continue with study.until=decided.")
    assert one.margin == 0.01
    (one,) = claim_findings(report)  # of another program, which no command continues
    assert one.next_step.endswith(" seeds would decide it.")
    (one,) = claim_findings(reported(tmp_path, 0.002, 0.2, claims=[CLAIM], looks=[5, 8, 12, 20]))
    assert one.next_step == "Even 20 seeds would have less than 80 % power at this margin, unless runs vary less than so far."


def test_an_equivalence_that_looks_contradicted_is_not_said_to_want_less_noise(tmp_path: Path) -> None:
    claim = CLAIM | {"expects": "equivalent", "margin": 0.001}
    (one,) = claim_findings(reported(tmp_path, 0.02, 0.012, claims=[claim], looks=[5, 8, 12, 20]))
    assert one.verdict == "inconclusive"
    assert one.next_step == "Unadjusted for looks and claims it would be contradicted: more seeds may decide it."


def test_at_the_last_look_nothing_is_promised(tmp_path: Path) -> None:
    report = reported(tmp_path, 0.002, 0.012, claims=[CLAIM], looks=[5])
    (one,) = claim_findings(report)
    assert one.next_step == "It remains open: no look beyond 5 seeds was declared."


def test_a_minimum_detectable_effect_is_not_written_like_the_margin_that_it_exceeds(tmp_path: Path) -> None:
    report = reported(tmp_path, 0.006, 0.012, claims=[CLAIM | {"margin": 0.0146}], looks=[5])  # the effect is 0.01472
    assert report.tables.verdicts is not None
    text = "Minimum detectable effect at 5 seeds: 1.47 points; the margin is 1.46"
    assert text in str(report.tables.verdicts.rows[0]["reason"])


def test_a_verdict_that_has_changed_says_so(tmp_path: Path) -> None:
    report = reported(tmp_path, 0.05, 0.001, seeds=8, claims=[CLAIM], looks=[8])
    frame = report.claims.verdicts.assign(changed=["An earlier report had the verdict inconclusive."])
    (one,) = claim_findings(replace(report, claims=replace(report.claims, verdicts=frame)))
    assert one.changed == "An earlier report had the verdict inconclusive."


def test_a_decided_claim_says_so_and_needs_no_next_step(tmp_path: Path) -> None:
    (one,) = claim_findings(reported(tmp_path, 0.05, 0.001, seeds=8, claims=[CLAIM], looks=[8]))
    assert one.sentence.endswith("supported (above zero) at n = 8.")
    assert (one.next_step, one.decided) == ("", True)


def test_a_claim_that_is_not_tested_says_why(tmp_path: Path) -> None:
    (one,) = claim_findings(reported(tmp_path, 0.05, 0.001, claims=[{**CLAIM, "needs": {"budget": "full"}}]))
    assert one.sentence.startswith("Not tested: ")
    assert one.estimate is None


def test_strata_that_cancel_stand_in_the_sentence(tmp_path: Path) -> None:
    def value(levels: Levels, seed: int) -> float:
        gain = {"small": 0.03, "large": -0.03, "third": 0.0}[levels["data"]]
        return 0.5 + levels["ours"] * (gain + 0.001 * ((seed * (1 + len(levels["data"]))) % 5))

    factors = {"data": ["small", "large", "third"], "ours": [False, True]}
    claim = CLAIM | {"contrast": {"factor": "ours", "from": False, "to": True}, "expects": "equivalent", "where": {}}
    results = grid_results(factors, value, ACCURACY.name, 8, [ACCURACY], claims=[claim])
    (one,) = claim_findings(compose(results, name="s", folder=tmp_path))
    assert "contradicted at n = 8; the strata differ: +3.16 points [" in one.sentence
    assert one.sentence.endswith("] where data=large.")


def test_with_two_seeds_a_claim_has_no_interval(tmp_path: Path) -> None:
    (one,) = claim_findings(reported(tmp_path, 0.05, 0.01, seeds=2, claims=[CLAIM]))
    assert one.estimate is not None
    assert math.isnan(one.estimate.low)
    assert "points, not decided at n = 2" in one.sentence


def of_blocks(folder: Path, *claims: dict[str, object]) -> Report:
    """A study of six tasks, which differ in what `ours` gains."""

    def value(levels: Levels, seed: int) -> float:
        return 0.5 + 0.001 * seed + levels["ours"] * (0.004 + 0.008 * (-1) ** int(levels["task"]))

    factors = {"task": ["1", "2", "3", "4", "5", "6"], "ours": [False, True]}
    results = grid_results(factors, value, ACCURACY.name, 3, [ACCURACY], claims=claims, blocks="task")
    return compose(replace(results, folder=folder), name="s", folder=folder)


OURS = CLAIM | {"contrast": {"factor": "ours", "from": False, "to": True}}


def test_over_blocks_a_claim_counts_blocks(tmp_path: Path) -> None:
    exact = {"id": "C2", "says": "x", "kind": "exact", "metric": ACCURACY.name, "value": 1, "where": {"ours": True}}
    one, other = claim_findings(of_blocks(tmp_path, OURS, exact))
    assert " not decided at n = 6 blocks" in one.sentence
    assert one.next_step.startswith("Not decided yet: about ")
    assert one.next_step.endswith(" blocks would decide it.")  # study.until=decided adds seeds
    assert (one.unit, other.unit) == ("block", "seed")
    assert "blocks" not in other.sentence
    (strip,) = strips([one])
    assert strip is not None
    assert strip.dots[0].text.startswith("block 1: ")


def test_over_blocks_a_margin_that_is_too_small_needs_more_blocks(tmp_path: Path) -> None:
    report = of_blocks(tmp_path, OURS | {"margin": 0.0001})
    (one,) = claim_findings(report)
    assert one.next_step.startswith("Even ")
    assert " blocks would have less than 80 % power at this margin" in one.next_step
    assert report.tables.verdicts is not None
    assert "Minimum detectable effect at " in str(report.tables.verdicts.rows[0]["reason"])
    assert " seeds" not in str(report.tables.verdicts.rows[0]["reason"])


def test_an_exploratory_claim_is_called_so_and_counted(tmp_path: Path) -> None:
    report = reported(tmp_path, 0.05, 0.001, seeds=8, claims=[CLAIM, CLAIM | {"id": "C2", "primary": False}], looks=[8])
    first, second = claim_findings(report)
    assert first.sentence.endswith("supported (above zero) at n = 8.")
    assert second.sentence.endswith("supported (above zero, exploratory) at n = 8.")
    assert headline(report) == "2 claims, 1 of them exploratory: 2 supported."


def test_what_is_estimated_of_a_share_that_is_claimed_to_be_large_is_not_called_the_share(tmp_path: Path) -> None:
    """The share of a is 6 points, of 8: 2 more than half of the whole, and 4 more than that of b."""
    changes = {name: {"factor": name, "from": False, "to": True} for name in "ab"}
    path = {"kind": "path", "says": "a is large", "metric": ACCURACY.name, "path": {"changes": changes, "of": "a"}}
    claims = [
        path | {"id": "half", "expects": "higher", "exceeds": 0.5},
        path | {"id": "most", "expects": "largest", "margin": 0.01},
        path | {"id": "gain", "expects": "higher", "margin": 0.01},
    ]
    results = grid_results(
        {"a": [False, True], "b": [False, True]},
        lambda of, seed: 0.5 + of["a"] * (0.06 + 0.001 * (seed - 2)) + of["b"] * 0.02 + seed / 70,
        ACCURACY.name,
        specs=[ACCURACY],
        claims=claims,
    )
    report = compose(results, name="s", folder=tmp_path)
    half, most, gain = (one.sentence.partition(" points")[0] for one in claim_findings(report))
    assert half == "The share of a minus 0.5 of the whole difference: +2.00"
    assert most == "The share of a minus the largest of the others: +4.00"
    assert gain == "The share of a: +6.00"
    assert report.tables.verdicts is not None
    assert "it is the share minus that part." in report.tables.verdicts.notes[0]
    assert "it is the share minus the largest of the others." in report.tables.verdicts.notes[0]
