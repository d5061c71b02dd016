"""Draw the figures of a report, with titles, captions and alternative texts."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.figure import Figure

from ablate.core.claims import ALL
from ablate.core.levels import Level, short_names
from ablate.core.metrics import MetricSpec
from ablate.core.text import printable
from ablate.report import curve_plots, factor_plots, plots
from ablate.report.block_tables import LIKE_THESE, THESE, scaled
from ablate.report.curves import Curves
from ablate.report.effect_tables import ALL_CHANGES, describe
from ablate.report.formatting import difference_heading, heading
from ablate.report.model import AttributionResult, Comparison, Report
from ablate.report.plots import Mark
from ablate.report.values import Interval
from ablate.stats.blocks import BlockAnalysis
from ablate.stats.estimates import Estimate

MARKS = 24  # rows of a forest plot; of more, the highest and the lowest
FEWEST = 3  # seeds below which no interval is drawn: with two, it only shows that two are too few
UNPAIRED = "difference of means from the baseline; no seeds are paired (Welch's t)"
PARALLEL = 4  # factors from which parallel coordinates are drawn
PAPER_RUNS = 2000  # with more runs, there is no PDF of the learning curves


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A figure with a caption that explains how to read it, and a text that says what it shows.

    `svg` and `png` have the size of the page; `pdf` has the width of a column of a paper and its font size.
    """

    name: str  # file name without suffix
    title: str
    caption: str
    alt: str
    svg: str
    png: bytes
    pdf: bytes


@dataclass(frozen=True, slots=True)
class _Sketch:
    name: str
    title: str
    caption: str
    alt: str
    plot: Callable[[], Figure]


def draw(report: Report) -> list[DrawnFigure]:
    """Draw all figures of a report."""
    drawn = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # no installed font has the characters of a name
        warnings.filterwarnings("ignore", "constrained_layout not applied")  # names too long for the width of a column
        for sketch in _sketches(report):
            with plots.style():
                figure = sketch.plot()
                svg = as_svg(figure)
                png = _saved(figure, "png", dpi=150)
                plots.close(figure)
            with plots.style(paper=True):
                figure = sketch.plot()
                pdf = _saved(figure, "pdf", dpi=300)
                plots.close(figure)
            drawn.append(DrawnFigure(sketch.name, sketch.title, sketch.caption, sketch.alt, svg, png, pdf))
    return drawn


def as_svg(figure: Figure) -> str:
    """Render a figure as SVG. Control characters, which XML does not allow, are escaped."""
    return printable(_saved(figure, "svg", dpi=120).decode(), lines=True)


def _saved(figure: Figure, kind: str, dpi: int) -> bytes:
    """The content of a file, without a date, so that equal figures are equal files."""
    facts = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}.get(kind)
    file = io.BytesIO()
    figure.savefig(file, format=kind, bbox_inches="tight", metadata=facts, dpi=dpi)
    return file.getvalue()


def _sketches(report: Report) -> Iterator[_Sketch]:
    if (comparison := report.comparison) is not None:
        spec = report.metrics[comparison.metric]
        yield from _differences(report, comparison, spec)
        # for one factor, main effects equal the differences from the baseline (except for censored times)
        if len(report.configurations.factors) > 1 or spec.limit is not None:
            yield from _effects(comparison.contrasts, spec, short_names(list(report.results.factors)))
        yield from _factors(report, comparison, spec)
        for at, analysis in enumerate(comparison.blocks, 1):
            yield _blocks(analysis, spec, f"blocks_{at}" if at > 1 else "blocks")
    for attribution in report.attributions:
        yield from _attribution(attribution, report.metrics[attribution.metric])
    if report.curves is not None:
        yield from _learning_curves(report.curves)


def _learning_curves(curves: Curves) -> Iterator[_Sketch]:
    caption = (
        "Line and band: mean and standard deviation over the finished runs of a configuration, up to the last epoch that all "
        "of them reached; with fewer than three runs, a line for each run. Differences between lines matter where they exceed "
        "the bands."
    )
    if curves.baseline:
        caption += f" The baseline (gray) is {curves.baseline}."
    if curves.others:
        caption += (
            " Named: the configurations that differ most from the baseline; thin lines: the runs of the "
            f"{curves.others} others."
        )
    alt = f"Learning curves of {', '.join(curves.lines)}: {', '.join(curve.title for curve in curves.shown)} by epoch."
    yield _Sketch("learning_curves", "Learning curves", caption, alt, lambda: curve_plots.learning_curves(curves))
    if curves.has_panel_each:
        caption = f"{curves.shown[0].title} of each configuration (blue) beside the baseline (gray)."
        alt = f"Learning curves of all {len(curves.labels)} configurations, one panel each."
        yield _Sketch(
            "learning_curves_all",
            "Learning curves of all configurations",
            caption,
            alt,
            lambda: curve_plots.small_multiples(curves),
        )


def _differences(report: Report, comparison: Comparison, spec: MetricSpec) -> Iterator[_Sketch]:
    by_cell = {cell: found.tolist() for cell, found in comparison.pairs.groupby("cell")["difference"]}
    table = report.tables.ablation  # its order
    digests = list(report.configurations) if table is None else [row.source.removeprefix("cell-") for row in table.rows]
    order = {digest: at for at, digest in enumerate(digests)}
    rows = comparison.differences.sort_values("cell", key=lambda cells: cells.map(order)).to_dict("records")
    marks = [
        _mark(
            report.configurations.changes[row["cell"]],
            row["estimate"],
            (row["low"], row["high"]),
            by_cell.get(row["cell"], []),
            spec,
        )
        for row in rows
        if math.isfinite(row["estimate"])
    ]
    if not marks:
        return
    unpaired = bool(comparison.differences["unpaired"].any())
    paired = bool(comparison.pairs.size)
    caption = f"Diamond: {'mean difference from the baseline over paired seeds' if paired else UNPAIRED}. "
    if _any_interval(marks):
        dots = (
            " Dots: single seeds; rows without dots have no seed in common with the baseline (Welch's t)."
            if unpaired
            else (" Dots: single seeds.")
        )
        caption += (
            f"Bar: 95 % interval.{dots if paired else ''} An interval that includes zero is compatible with no difference."
        )
    else:
        caption += "There is only one seed, so the variation between seeds is unknown."
    if len(set(comparison.differences["baseline"])) > 1:
        baseline = "the first configuration of the same block"
    else:
        baseline = report.configurations.labels[report.summary.baseline]
    caption += f" The baseline is {baseline}." + _cut(len(rows))
    title = f"Δ {difference_heading(spec)}"
    yield _Sketch(
        "paired_differences", f"{'Paired differences' if paired else 'Differences'} from the baseline", caption,
        _summary(marks, title),
        lambda: plots.forest(_ends(marks), title, spec.percent),
    )  # fmt: skip


def _effects(contrasts: Sequence[Estimate], spec: MetricSpec, names: Mapping[str, str]) -> Iterator[_Sketch]:
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
        marks = [
            _mark(describe(each.changes, names), each.estimate, each.interval(), each.by_seed.tolist(), spec)
            for each in contrasts
            if each.kind in kinds and math.isfinite(each.estimate)
        ]
        if _any_interval(marks):
            yield _effect_sketch(name, title, caption + _cut(len(marks)), marks, spec)


def _effect_sketch(name: str, title: str, caption: str, marks: list[Mark], spec: MetricSpec) -> _Sketch:
    axis = f"effect on {difference_heading(spec)}"
    return _Sketch(name, title, caption, _summary(marks, axis), lambda: plots.forest(_ends(marks), axis, spec.percent))


def _factors(report: Report, comparison: Comparison, spec: MetricSpec) -> Iterator[_Sketch]:
    """Explained variance, the strongest interactions, and with many factors parallel coordinates."""
    terms = comparison.anova
    if "omega_squared" in terms and (main := terms[(terms["order"] == 1) & terms["omega_squared"].notna()]).shape[0] > 1:
        first = main.sort_values("omega_squared", ascending=False).iloc[0]
        alt = f"{first['term']} explains most of the variance between runs: ω² = {first['omega_squared']:.2f}."
        caption = (
            "ω²: the share of the variance between runs that a factor explains, and, in the matrix, what two factors explain "
            "beyond that. The rest is noise between seeds, and interactions of more factors."
        )
        yield _Sketch("importance", "Variance explained", caption, alt, lambda: factor_plots.importance(terms))
    if shown := comparison.interactions:
        caption = (
            "Means over seeds, averaged over the other factors, with 95 % intervals. Parallel lines: the effect of one factor "
            "does not depend on the other."
        )
        alt = f"Means of {spec.title} by {' and by '.join(f'{each.x} and {each.line}' for each in shown)}."
        yield _Sketch(
            "interaction_means", "Means of two factors", caption, alt,
            lambda: factor_plots.interaction(shown, heading(spec), spec.percent),
        )  # fmt: skip
    factors = {key: list(map(str, factor)) for key, factor in report.configurations.factors.items()}
    mean = report.summary.mean[comparison.metric].dropna()
    if len(factors) >= PARALLEL and len(mean) > len(factors) + 1:
        cells = report.configurations.cells
        columns: dict[str, list[str] | list[float]] = {
            key: [_text(cells[each].get(key)) for each in mean.index] for key in factors
        }
        columns["value"] = mean.tolist()
        best = report.configurations.changes[str(mean.idxmin() if spec.better == "lower" else mean.idxmax())]
        caption = "A line for each configuration, from level to level to its mean; the darker, the higher."
        yield _Sketch(
            "parallel", "All configurations", caption, f"The best configuration is {best}.",
            lambda: factor_plots.parallel(factors, pd.DataFrame(columns), heading(spec), spec.percent),
        )  # fmt: skip


def _text(level: Level | None) -> str:
    return "" if level is None else str(level)


def _blocks(analysis: BlockAnalysis, spec: MetricSpec, name: str) -> _Sketch:
    """A forest plot by block; a ratio as its distance from one."""
    ratio, of_metric = analysis.scale == "ratio", spec
    spec = scaled(analysis, spec)
    shown = replace(spec, unit="%", digits=1) if ratio else spec  # as a change in percent

    def moved(value: float) -> float:
        return math.expm1(value) if ratio else value

    marks = []
    for level, each in analysis.rows.items():
        if math.isfinite(each.estimate):
            low, high = each.interval()
            hole = ", left out below" if level in analysis.holes else ""
            values = [moved(value) for value in each.by_seed]
            marks.append(
                Mark(
                    f"{analysis.block}={level} (n = {each.n}{hole})", moved(each.estimate), moved(low), moved(high), values,
                    str(Interval(moved(each.estimate), moved(low), moved(high), shown)),
                )
            )  # fmt: skip
    marks = _ends(marks)
    for title, found in ((LIKE_THESE, analysis.like_these), (THESE, analysis.these)):
        numbers = (found.estimate - ratio, found.low - ratio, found.high - ratio)
        marks.append(Mark(title, *numbers, text=str(Interval(*numbers, shown))))
    caption = (
        "Diamond: mean difference in a block. Bar: 95 % interval over its seeds. Dots: single seeds. Below: the mean over the "
        "complete blocks, for blocks like these (Student's t over blocks) and for exactly these."
    )
    axis = f"change of {of_metric.title} (%)" if ratio else f"Δ {difference_heading(spec)}"
    title = f"Blocks: {describe([analysis.change])}"
    caption += _cut(len(analysis.rows))
    return _Sketch(name, title, caption, _summary(marks, axis), lambda: plots.forest(marks, axis, spec.percent or ratio))


def _attribution(attribution: AttributionResult, spec: MetricSpec) -> Iterator[_Sketch]:
    frame = attribution.shares.dropna(subset="estimate")
    if frame.empty:
        return
    marks = [
        Mark(
            ALL_CHANGES if row["change"] == ALL else str(row["change"]),
            row["estimate"],
            row["low"],
            row["high"],
            text=str(Interval(row["estimate"], row["low"], row["high"], spec)),
        )
        for row in frame.to_dict("records")
    ]
    caption = (
        "Shapley attribution of the difference between the first and the last configuration. Each bar starts where the one "
        f"above ends; the last bar is the whole difference (n = {frame['n'].max()} seeds). Green: gain. Hatched orange: loss. "
        "Black line: 95 % interval of that share."
    )
    title = f"share of Δ {difference_heading(spec)}"
    yield _Sketch(
        attribution.name, attribution.title, caption, _summary(marks[:-1], title),
        lambda: plots.waterfall(marks, title, spec.percent),
    )  # fmt: skip


def _mark(label: str, estimate: float, interval: tuple[float, float], by_seed: Sequence[float], spec: MetricSpec) -> Mark:
    shown = len(by_seed) >= FEWEST or not by_seed  # those of Welch have an interval and no dots
    low, high = interval if shown else (math.nan, math.nan)
    return Mark(label, estimate, low, high, by_seed, str(Interval(estimate, low, high, spec)))


def _summary(marks: Sequence[Mark], title: str) -> str:
    """The highest and the lowest estimate in one sentence, for readers who cannot see the figure."""
    highest, lowest = max(marks, key=lambda mark: mark.estimate), min(marks, key=lambda mark: mark.estimate)
    ends = [f"highest for {highest.label}, {highest.text}"] + (
        [] if lowest is highest else [f"lowest for {lowest.label}, {lowest.text}"]
    )
    clear = sum(mark.clear for mark in marks)
    return f"{title}: {'; '.join(ends)}. {clear} of {len(marks)} intervals exclude zero."


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
