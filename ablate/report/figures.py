"""Draw the figures of a report with titles and captions. See plots.py for the plotting functions."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from ablate.core.claims import ALL
from ablate.core.metrics import MetricSpec
from ablate.report import plots
from ablate.report.curves import Curves
from ablate.report.effect_tables import ALL_CHANGES, describe
from ablate.report.formatting import difference_heading
from ablate.report.model import AttributionResult, Comparison, Report
from ablate.report.plots import Mark
from ablate.stats.estimates import Estimate

MARKS = 24  # rows of a forest plot; of more, the highest and the lowest


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure as PNG and SVG, with a caption that explains how to read it."""

    name: str  # file name without suffix
    title: str
    caption: str
    svg: str
    png: bytes


@dataclass(frozen=True, slots=True)
class _Sketch:
    name: str
    title: str
    caption: str
    figure: Figure


def draw(report: Report) -> list[DrawnFigure]:
    """Draw all figures of a report."""
    drawn = []
    with plots.style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # no installed font has the characters of a name
        for sketch in _sketches(report):
            svg, png = io.StringIO(), io.BytesIO()
            sketch.figure.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}, dpi=120)
            sketch.figure.savefig(png, format="png", bbox_inches="tight", dpi=150)
            plots.close(sketch.figure)
            drawn.append(DrawnFigure(sketch.name, sketch.title, sketch.caption, svg.getvalue(), png.getvalue()))
    return drawn


def _sketches(report: Report) -> Iterator[_Sketch]:
    if report.curves is not None:
        yield _learning_curves(report.curves)
    if (comparison := report.comparison) is not None:
        spec = report.metrics[comparison.metric]
        yield from _differences(report, comparison, spec)
        # for one factor, main effects equal the differences from the baseline (except for censored times)
        if len(report.configurations.factors) > 1 or spec.limit is not None:
            yield from _effects(comparison.contrasts, spec)
    for attribution in report.attributions:
        yield from _attribution(attribution, report.metrics[attribution.metric])


def _learning_curves(curves: Curves) -> _Sketch:
    if curves.highlighted:
        caption = (
            "One line per run. In color: the baseline and the configurations with the highest and the lowest mean; all other "
            "runs are gray."
        )
        return _Sketch("learning_curves", "Learning curves", caption, plots.many_learning_curves(curves))
    caption = "One line per run."
    if curves.means is not None:
        caption = (
            "Thin: one line per run. Thick: the mean over the finished runs of a configuration, up to the last epoch that all "
            "of them reached. Differences between colors matter where they exceed the spread within a color."
        )
    return _Sketch("learning_curves", "Learning curves", caption, plots.learning_curves(curves))


def _differences(report: Report, comparison: Comparison, spec: MetricSpec) -> Iterator[_Sketch]:
    by_cell = {cell: found.tolist() for cell, found in comparison.pairs.groupby("cell")["difference"]}
    order = {digest: at for at, digest in enumerate(report.configurations)}
    rows = comparison.differences.sort_values("cell", key=lambda cells: cells.map(order)).to_dict("records")
    marks = [
        Mark(
            f"{report.configurations.names[row['cell']]}  (n = {row['n']})",
            row["estimate"],
            row["low"],
            row["high"],
            by_cell[row["cell"]],
        )
        for row in rows
        if math.isfinite(row["estimate"])
    ]
    if not marks:
        return
    caption = "Diamond: mean difference from the baseline over paired seeds. "
    if _any_interval(marks):
        caption += "Bar: 95 % interval. Dots: single seeds. An interval that includes zero is compatible with no difference."
    else:
        caption += "There is only one seed, so the variation between seeds is unknown."
    figure = plots.forest(_ends(marks), f"Δ {difference_heading(spec)}", spec.percent)
    yield _Sketch("paired_differences", "Paired differences from the baseline", caption + _cut(len(rows)), figure)


def _effects(contrasts: Sequence[Estimate], spec: MetricSpec) -> Iterator[_Sketch]:
    for kinds, name, title, caption in (
        (
            ("main effect", "simple"),
            "effects",
            "Main effects",
            "Each row changes one factor from its baseline to another level, averaged over the levels of the other factors. "
            "Bar: 95 % interval. Dots: single seeds.",
        ),
        (
            ("interaction",),
            "interactions",
            "Interactions",
            "By how much the second change increases the effect of the first. Bar: 95 % interval. An interval that includes "
            "zero shows no evidence that the two depend on each other.",
        ),
    ):
        marks = [_mark(each) for each in contrasts if each.kind in kinds and math.isfinite(each.estimate)]
        if _any_interval(marks):
            figure = plots.forest(_ends(marks), f"effect on {difference_heading(spec)}", spec.percent)
            yield _Sketch(name, title, caption + _cut(len(marks)), figure)


def _attribution(attribution: AttributionResult, spec: MetricSpec) -> Iterator[_Sketch]:
    frame = attribution.shares.dropna(subset="estimate")
    if frame.empty:
        return
    marks = [
        Mark(ALL_CHANGES if row["change"] == ALL else str(row["change"]), row["estimate"], row["low"], row["high"])
        for row in frame.to_dict("records")
    ]
    caption = (
        "Shapley attribution of the difference between the first and the last configuration. Each bar starts where the one "
        f"above ends; the last bar is the whole difference (n = {frame['n'].max()} seeds). Green: gain. Hatched orange: loss. "
        "Black line: 95 % interval of that share."
    )
    figure = plots.waterfall(marks, f"share of Δ {difference_heading(spec)}", spec.percent)
    yield _Sketch(attribution.name, attribution.title, caption, figure)


def _mark(estimate: Estimate) -> Mark:
    low, high = estimate.interval()
    return Mark(f"{describe(estimate.changes)}  (n = {estimate.n})", estimate.estimate, low, high, estimate.by_seed.tolist())


def _any_interval(marks: Sequence[Mark]) -> bool:
    return any(math.isfinite(mark.low) for mark in marks)


def _ends(marks: list[Mark]) -> list[Mark]:
    """All rows in order, or, of too many rows, those with the highest and the lowest estimates."""
    if len(marks) <= MARKS:
        return marks
    ranked = sorted(marks, key=lambda mark: -mark.estimate)
    return [*ranked[: MARKS // 2], *ranked[-(MARKS // 2) :]]


def _cut(rows: int) -> str:
    half = MARKS // 2
    if rows <= MARKS:
        return ""
    return f" Of {rows} rows, the {half} highest and the {half} lowest are shown; the table has all."
