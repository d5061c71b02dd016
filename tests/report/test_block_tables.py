"""The tables and the figure of blocks."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablate.core.metrics import MetricSpec
from ablate.report import effect_figures, figures
from ablate.report.build import compose
from ablate.report.contrast_findings import contrast_findings
from ablate.report.model import Report
from ablate.report.table import Table
from ablate.report.values import text_of
from ablate.storage.results import StudyResults
from tests.report.studies import Levels, grid_results

SPEC = MetricSpec("accuracy", unit="%", digits=1, better="higher")
NAMES = [f"d{number}" for number in range(6)]
CLAIM = {
    "id": "gain", "says": "ours is better", "kind": "contrast", "expects": "higher", "margin": 0.01,
    "contrast": {"factor": "method", "from": "base", "to": "ours"},
}  # fmt: skip


def accuracy(levels: Levels, seed: int) -> float:
    at = NAMES.index(levels["dataset"])
    noise = np.random.default_rng([seed, at, len(levels["method"]), 7]).normal(0, 0.002)
    return float(0.5 + 0.05 * at + (levels["method"] == "ours") * (0.02 + 0.002 * at) + noise)


def results(hole: bool = False, **manifest: object) -> StudyResults:
    factors = {"dataset": NAMES, "method": ["base", "ours"]}
    found = grid_results(factors, accuracy, "accuracy", 3, [SPEC], blocks="dataset", claims=[CLAIM], **manifest)
    if hole:
        lost = (found.runs["label"] == "dataset=d3,method=ours") & (found.runs["seed"] == 1)
        assert lost.any()
        found = found.where(~lost)
    return found


def report(found: StudyResults) -> Report:
    return compose(found, name="blocks", folder=Path("nowhere"))


def texts(shown: Table) -> list[list[str]]:
    return [[text_of(row[key]) for key in shown.keys] for row in shown.rows]


def test_a_study_with_blocks_has_a_row_a_block_and_both_aggregates() -> None:
    found = report(results())
    assert found.comparison is not None
    (shown,) = found.tables.blocks
    assert shown.title == "Blocks (dataset): method: base → ours"
    rows = texts(shown)
    assert [row[0] for row in rows] == [*NAMES, "mean of blocks like these", "mean of these blocks"]
    assert [row[1] for row in rows] == ["3"] * 6 + ["6", "6"]
    assert rows[0][3] == "3 of 3"
    assert rows[6][3] == "6 of 6"
    (analysis,) = found.comparison.blocks
    assert rows[6][2].startswith(f"{100 * analysis.like_these.estimate:+.2f} [{100 * analysis.like_these.low:+.2f}, ")
    assert shown.data["block"].tolist()[-3:] == [
        "interquartile mean before", "interquartile mean after", "probability of improvement"
    ]  # fmt: skip
    assert "probability of improvement: 1.00 [1.00, 1.00]" in shown.notes[-1]
    assert {row.source for row in shown.rows} == {"contrast-0"}


def test_the_contrasts_of_a_study_with_blocks_are_over_blocks_and_no_block_is_a_treatment() -> None:
    found = report(results())
    assert found.tables.contrasts is not None
    (row,) = texts(found.tables.contrasts)
    assert row[:3] == ["method: base → ours", "simple", "6"]
    assert found.tables.contrasts.columns[-1].title == "lowest block"
    assert "over n blocks" in found.tables.contrasts.notes[0]
    assert found.claims.judgements[0].verdict == "supported"
    assert not [line for line in found.tables.contrasts.notes if "preliminary" in line]


def test_a_hole_is_named_and_a_ratio_and_normalized_values_have_their_scale() -> None:
    (shown,) = report(results(hole=True)).tables.blocks
    assert shown.notes[1] == "Left out of the aggregates, since runs are missing: d3."
    assert texts(shown)[3][-1] == "left out of the aggregates: runs are missing"
    assert texts(shown)[6][1] == "5"
    (ratio,) = report(results(block_scale="ratio")).tables.blocks
    assert 1.02 < float(texts(ratio)[0][2].split()[0]) < 1.06
    assert ratio.columns[3].title == "above one"
    assert re.search(r"mean of logarithms, as values, .* blocks: 62\.\d\d \[.*\] before and 64\.\d\d \[", ratio.notes[-1])
    assert "Claims are tested in this way, each on its own scale" in ratio.notes[0]
    bounds = {name: (0.4 + 0.05 * at, 0.6 + 0.05 * at) for at, name in enumerate(NAMES)}
    (scaled,) = report(results(block_bounds=bounds)).tables.blocks
    assert scaled.notes[0].startswith("Normalized accuracy: each block")
    assert float(texts(scaled)[6][2].split()[0]) == pytest.approx(0.025 / 0.2, abs=0.01)


def test_all_that_rests_on_blocks_counts_blocks() -> None:
    factors = {"dataset": NAMES, "method": ["base", "ours"], "size": [1, 2]}
    found = grid_results(factors, lambda levels, seed: accuracy(levels, seed + levels["size"]), "accuracy", 3, [SPEC],
                         blocks="dataset")  # fmt: skip
    shown = report(found)
    assert shown.tables.anova is not None
    assert "means of the blocks" in shown.tables.anova.notes[0]
    assert shown.tables.anova.notes[0].endswith("Over the 6 blocks that are complete in all configurations.")
    assert "blocks" in shown.tables.anova.data["term"].tolist()
    assert shown.tables.precision is not None
    for note in (*shown.tables.anova.notes, *shown.tables.precision.notes):
        assert "seed" not in note
    assert not [row for row in texts(shown.tables.anova) if "seeds" in row]
    drawn = {figure.name: figure.caption for figure in figures.draw(shown)}
    assert drawn["effects"].endswith("Dots: single blocks.")


def test_without_a_complete_block_the_contrasts_are_still_over_blocks() -> None:
    found = results()
    found = found.where(~(found.runs["label"].str.endswith("method=ours") & (found.runs["seed"] == 1)))
    shown = report(replace(found, manifest=found.manifest.model_copy(update={"claims": []})))
    assert shown.comparison is not None
    assert shown.comparison.over_blocks
    assert not shown.tables.blocks
    assert shown.tables.contrasts is not None
    assert [column.title for column in shown.tables.contrasts.columns] == [
        "change", "kind", "n", "estimate", "above zero", "lowest block"
    ]  # fmt: skip
    assert "over n blocks" in shown.tables.contrasts.notes[0]
    assert shown.tables.contrasts.notes[1].startswith("Above zero: the number of blocks with a difference above zero.")
    (finding,) = contrast_findings(shown)
    assert finding.unit == "block"
    assert finding.sentence.endswith("better at n = 6 blocks.")


def test_a_forest_plot_has_a_mark_a_block_and_both_aggregates(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = []
    monkeypatch.setattr(effect_figures.plots, "forest", lambda found, title, percent: marks.append((found, title, percent)))
    found = report(results(block_scale="ratio"))
    assert found.comparison is not None
    sketch = effect_figures.blocks(found.comparison.blocks[0], SPEC, "blocks")
    assert sketch.name == "blocks"  # of its files
    sketch.plot()
    ((rows, title, percent),) = marks
    assert [mark.label.split(" (")[0] for mark in rows[:2]] == ["dataset=d0", "dataset=d1"]
    assert (len(rows), title, percent) == (8, "change of accuracy (%)", True)
    like_these = found.comparison.blocks[0].like_these
    assert rows[6].estimate == pytest.approx(like_these.estimate - 1)
    assert rows[0].estimate == pytest.approx(
        math.expm1(found.comparison.blocks[0].rows[next(iter(found.comparison.blocks[0].rows))].estimate)
    )


def test_results_of_a_block_are_compared_with_its_own_baseline() -> None:
    shown = report(results()).tables.results
    assert shown is not None
    at = shown.keys.index("difference")
    assert [row[at] for row in texts(shown)][::2] == ["baseline"] * 6
    assert {row[at][:3] for row in texts(shown)[1::2]} <= {"+1.", "+2.", "+3."}
    assert shown.notes[1].startswith("Δ vs baseline: mean difference from the baseline of the same block over common seeds")
    (drawn,) = (figure for figure in figures.draw(report(results())) if figure.name == "paired_differences")
    assert "The baseline is the first configuration of the same block." in drawn.caption
