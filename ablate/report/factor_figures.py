"""The figures of factors: variance explained, means of two factors, and parallel coordinates."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.report import factor_plots
from ablate.report.formatting import heading
from ablate.report.model import Comparison, Report
from ablate.report.sketch import Sketch
from ablate.stats.anova import NOT_ADDITIVE

PARALLEL = (4, 7)  # factors of parallel coordinates: with fewer, other figures show more; more cannot be read


def factor_sketches(report: Report, comparison: Comparison, spec: MetricSpec) -> Iterator[Sketch]:
    """Explained variance, the strongest interactions, and with many factors parallel coordinates."""
    terms = pd.DataFrame() if comparison.over_blocks else comparison.anova  # its noise would be the differences of blocks
    if report.configurations.one_at_a_time:  # a factor's share would be of the variance of its own two configurations
        terms = pd.DataFrame()
    if "omega_squared" in terms and (main := terms[(terms["order"] == 1) & terms["omega_squared"].notna()]).shape[0] > 1:
        first = main.sort_values("omega_squared", ascending=False).iloc[0]
        share = f"ω² = {first['omega_squared']:.2f}"
        additive = not terms["note"].fillna("").str.contains(NOT_ADDITIVE).any()
        matrix = factor_plots.has_matrix(terms)
        rest = (
            f"The rest is noise between seeds, and interactions{' of more factors' if matrix else ''}."
            if additive
            else "The factorial is incomplete, so that the shares do not add up: together they may be more or less than what "
            "the factors explain, and the rest is not all noise."
        )
        of_pairs = ""
        if matrix:
            of_pairs = ", and, in the matrix, what two factors explain beyond that"
            if terms.loc[terms["order"] == 2, "omega_squared"].isna().any():
                rest += " Empty: cannot be estimated."
        alt = f"{first['term']} explains more of the variance between runs than any other factor: {share}."
        caption = f"ω²: the share of the variance between runs that a factor explains{of_pairs}. {rest}"
        yield Sketch("importance", "Variance explained", caption, alt, lambda: factor_plots.importance(terms))
    if shown := comparison.interactions:
        caption = (
            f"Means over {comparison.unit}s, averaged over the other factors, with 95 % intervals. Parallel lines: the effect "
            "of one factor does not depend on the other."
        )
        alt = f"Means of {spec.title} by {' and by '.join(f'{each.x} and {each.line}' for each in shown)}."
        yield Sketch(
            "interaction_means", "Means of two factors", caption, alt,
            lambda: factor_plots.interaction(shown, heading(spec), spec.is_fraction),
        )  # fmt: skip
    factors = {key: list(map(str, factor)) for key, factor in report.configurations.factors.items()}
    mean = report.summary.mean[comparison.metric].dropna()
    if PARALLEL[0] <= len(factors) <= PARALLEL[1] and len(mean) > len(factors) + 1:
        cells = report.configurations.cells
        columns: dict[str, list[str] | list[float]] = {
            key: [_text(cells[each].get(key)) for each in mean.index] for key in factors
        }
        columns["value"] = mean.tolist()
        extreme = report.configurations.changes[str(mean.idxmin() if spec.better == "lower" else mean.idxmax())]
        what = "best configuration" if spec.better else "configuration with the highest mean"
        caption = "One line for each configuration, through its levels to its mean; darker lines have higher means."
        yield Sketch(
            "parallel", "All configurations", caption, f"The {what} is {extreme}.",
            lambda: factor_plots.parallel(factors, pd.DataFrame(columns), spec),
        )  # fmt: skip


def _text(level: Level | None) -> str:
    return "" if level is None else str(level)
