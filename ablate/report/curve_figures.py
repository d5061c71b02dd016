"""The figures of learning curves."""

from __future__ import annotations

from collections.abc import Iterator

from ablate.core.wording import counted
from ablate.report import curve_plots
from ablate.report.curves import Curves
from ablate.report.formatting import capitalized
from ablate.report.sketch import Sketch

NAME = 60  # characters of a baseline that the caption names


def learning_curves(curves: Curves) -> Iterator[Sketch]:
    caption = (
        "Line and band: mean and standard deviation over the finished runs of a configuration, up to the last epoch that all "
        "of them reached; with fewer than three, a line for each run, finished or not. The bands are the spread of runs; for "
        "differences see the intervals of pairs, which may be narrower."
    )
    if curves.blocks:
        caption += " The baseline of each block is gray."
    elif curves.baseline:
        caption += f" The baseline (gray) is {curves.baseline}." if len(curves.baseline) <= NAME else " The baseline is gray."
    if len(curves.blocks) > len(curves.shown):
        caption += f" The first {len(curves.shown)} of {len(curves.blocks)} blocks."
    if curves.others:
        caption += (
            " Named: the configurations that differ most from the baseline; thin lines: runs of "
            f"{counted(curves.others, 'other')}."
        )
    titles = list(dict.fromkeys(curve.title for curve in curves.shown))
    where = f" in {counted(len(curves.shown), 'block')}" if curves.blocks else ""
    alt = f"Learning curves of {', '.join(curves.lines)}: {', '.join(titles)} by epoch{where}."
    yield Sketch("learning_curves", "Learning curves", caption, alt, lambda: curve_plots.learning_curves(curves))
    if curves.has_panel_each:
        of_block = " of its block" if curves.blocks else ""
        caption = f"{capitalized(curves.shown[0].title)} of each configuration (blue) beside the baseline{of_block} (gray)."
        alt = f"Learning curves of all {len(curves.labels)} configurations, one panel each."
        yield Sketch(
            "learning_curves_all",
            "Learning curves of all configurations",
            caption,
            alt,
            lambda: curve_plots.small_multiples(curves),
        )
