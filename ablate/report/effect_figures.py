"""The figures of effects: forest plots of differences, contrasts and blocks, and the waterfall of an attribution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.core.wording import shortened
from ablate.report import plots
from ablate.report.block_tables import over_blocks, scaled
from ablate.report.effect_tables import describe
from ablate.report.formatting import difference_heading
from ablate.report.marks import any_interval, highest_and_lowest, in_a_sentence, mark, mark_of, marks_of_shares, which_rows
from ablate.report.model import AttributionResult, Comparison, Report
from ablate.report.plots import Mark
from ablate.report.sketch import Sketch
from ablate.report.values import SHOWN_FROM
from ablate.stats.blocks import BlockAnalysis

UNPAIRED = "difference of means from the baseline; no seeds are paired"


def differences(report: Report, comparison: Comparison, spec: MetricSpec) -> Iterator[Sketch]:
    table = report.tables.ablation  # its order
    digests = list(report.configurations) if table is None else [row.source.removeprefix("cell-") for row in table.rows]
    order = {digest: at for at, digest in enumerate(digests)}
    rows = sorted((each for each in comparison.against if not each.same_runs), key=lambda each: order[each.cell])
    names, specs = report.configurations.changes, report.specs(comparison)
    known = [each for each in rows if math.isfinite(each.estimate.estimate)]
    if not known:
        return
    several = len({each.estimate.n for each in known}) > 1
    marks = [
        mark_of(names[each.cell] + (f" (n = {each.estimate.n})" if several else ""), each.estimate, specs[each.cell])
        for each in known
    ]
    unpaired = any(each.estimate.unpaired for each in rows)
    paired = any(each.estimate.n and not each.estimate.unpaired for each in rows)
    test = " (Welch's t)" if any_interval(marks) and not paired else ""
    caption = f"Diamond: {'mean difference from the baseline over paired seeds' if paired else UNPAIRED}{test}. "
    if any_interval(marks):
        dots = (
            " Dots: single seeds; rows without dots have no seed in common with the baseline (Welch's t)."
            if unpaired
            else (" Dots: single seeds.")
        )
        caption += (
            f"Bar: 95 % interval.{dots if paired else ''} An interval that includes zero is compatible with no difference."
        )
    else:
        caption += "With fewer than three seeds, no intervals are drawn."
    if len({each.baseline for each in rows}) > 1:
        baseline = "the first configuration of the same block"
    else:
        baseline = report.configurations.names[report.summary.baseline]
    caption += f" The baseline is {baseline}." + which_rows(len(marks))
    if several and any_interval(marks):
        unit = "seeds" if paired else "runs"
        few = f" Over fewer than {SHOWN_FROM} there is no bar." if any(each.estimate.n < SHOWN_FROM for each in known) else ""
        caption += f" n: the {unit} of a difference.{few}"
    if missing := [names[each.cell] for each in rows if each not in known]:
        caption += f" Not shown, without a difference: {shortened(missing)}."
    title = f"Δ {difference_heading(spec)}"
    yield Sketch(
        "paired_differences", f"{'Paired differences' if paired else 'Differences'} from the baseline", caption,
        in_a_sentence(marks, title),
        lambda: plots.forest(highest_and_lowest(marks), title, spec.is_fraction),
    )  # fmt: skip


def effects(comparison: Comparison, spec: MetricSpec, names: Mapping[str, str]) -> Iterator[Sketch]:
    """The main effects, and the interactions, as far as they have intervals."""
    for kinds, name, title, caption in (
        (
            ("main effect", "simple"),
            "effects",
            "Effects",
            "Each row changes one factor from its baseline to another level, averaged over the levels of the other factors. "
            f"Bar: 95 % interval. Dots: single {comparison.unit}s.",
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
            mark_of(describe(each.changes, names), each, spec)
            for each in comparison.contrasts
            if each.kind in kinds and math.isfinite(each.estimate)
        ]
        if any_interval(marks):
            yield _effect_sketch(name, title, caption + which_rows(len(marks)), marks, spec)


def _effect_sketch(name: str, title: str, caption: str, marks: list[Mark], spec: MetricSpec) -> Sketch:
    axis = f"effect on {difference_heading(spec)}"
    return Sketch(
        name,
        title,
        caption,
        in_a_sentence(marks, axis),
        lambda: plots.forest(highest_and_lowest(marks), axis, spec.is_fraction),
    )


def blocks(
    analysis: BlockAnalysis,
    spec: MetricSpec,
    name: str,
    names: Mapping[str, str] | None = None,
    specs: Mapping[Level, MetricSpec] | None = None,
) -> Sketch:
    """A forest plot by block; a ratio as its distance from one. See `block_tables.blocks` for the arguments."""
    ratio, of_metric = analysis.scale == "ratio", spec
    spec = scaled(analysis, spec)
    shown = replace(spec, unit="%", digits=1) if ratio else spec  # as a change in percent

    def moved(value: float) -> float:
        return math.expm1(value) if ratio else value

    marks = []
    for level, each in analysis.rows.items():
        if math.isfinite(each.estimate):
            hole = ", left out below" if level in analysis.holes else ""
            row, values = f"{analysis.block}={level} (n = {each.n}{hole})", [moved(value) for value in each.by_seed]
            low, high = map(moved, each.interval())
            own = shown if ratio else scaled(analysis, (specs or {}).get(level, of_metric))
            marks.append(mark(row, moved(each.estimate), (low, high), values, each.n, own))
    marks = highest_and_lowest(marks)
    for title, found, n in over_blocks(analysis):
        marks.append(mark(title, found.estimate - ratio, (found.low - ratio, found.high - ratio), [], n, shown))
    caption = (
        "Diamond: mean difference in a block. Bar: 95 % interval over its seeds. Dots: single seeds. Below: the mean over the "
        "complete blocks, for blocks like these (Student's t over blocks) and for exactly these."
    )
    axis = f"change of {of_metric.title} (%)" if ratio else f"Δ {difference_heading(spec)}"
    title = f"Blocks: {describe([analysis.change], names)}"
    caption += which_rows(len(analysis.rows))
    return Sketch(
        name, title, caption, in_a_sentence(marks, axis), lambda: plots.forest(marks, axis, spec.is_fraction or ratio)
    )


def attribution(result: AttributionResult, spec: MetricSpec) -> Iterator[Sketch]:
    marks = marks_of_shares(result.shares, spec)
    if not marks:
        return
    caption = (
        "Shapley attribution of the difference between the first and the last configuration. Each bar starts where the one "
        f"above ends; the last bar is the whole difference (n = {result.shares['n'].max()} seeds). Green: gain. Hatched "
        "orange: loss. Black line: 95 % interval of that share."
    )
    title = f"share of Δ {difference_heading(spec)}"
    yield Sketch(
        result.name, result.title, caption, in_a_sentence(marks[:-1], title),
        lambda: plots.waterfall(marks, title, spec.is_fraction),
    )  # fmt: skip
