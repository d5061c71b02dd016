"""Draw the figures of a report, with titles, captions and alternative texts."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from matplotlib.figure import Figure

from ablate.core.levels import short_names
from ablate.core.text import printable
from ablate.report import curve_figures, effect_figures, factor_figures, plots
from ablate.report.fonts import families
from ablate.report.model import Report
from ablate.report.sketch import Sketch


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


def draw(report: Report) -> list[DrawnFigure]:
    """Draw all figures of a report."""
    drawn, (fonts, _) = [], families(_letters(report))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # no installed font has the characters of a name
        warnings.filterwarnings("ignore", "constrained_layout not applied")  # names too long for the width of a column
        for sketch in _sketches(report):
            with suppress(OverflowError):  # values near the largest float, which matplotlib cannot scale; the tables have them
                drawn.append(_drawn(sketch, fonts))
    return drawn


def boxes(report: Report) -> list[str]:
    """A sentence about the characters of names that no installed font has, if there are any."""
    _, missing = families(_letters(report))
    return [f"No installed font has {missing}: figures show boxes in place of these characters."] if missing else []


def _letters(report: Report) -> str:
    """The characters of all names in figures."""
    names = [*report.configurations.labels.values(), *report.configurations.changes.values()]
    curves = [curve.title for curve in report.curves.shown] if report.curves is not None else []
    metrics = [f"{spec.title}{spec.unit}" for spec in report.metrics.values()]
    return "".join(sorted(set("".join([*names, *report.results.factors, *curves, *metrics]))))


def _drawn(sketch: Sketch, fonts: Sequence[str]) -> DrawnFigure:
    with _plotted(sketch, fonts) as figure:
        svg, png = as_svg(figure), _saved(figure, "png", dpi=150)
    with _plotted(sketch, fonts, paper=True) as figure:
        pdf = _saved(figure, "pdf", dpi=300)
    return DrawnFigure(sketch.name, sketch.title, sketch.caption, sketch.alt, svg, png, pdf)


@contextmanager
def _plotted(sketch: Sketch, fonts: Sequence[str], paper: bool = False) -> Iterator[Figure]:
    with plots.style(paper, fonts):
        figure = sketch.plot()
        try:
            yield figure
        finally:
            plots.close(figure)


def as_svg(figure: Figure) -> str:
    """Render a figure as SVG. Control characters, which XML does not allow, are escaped."""
    return printable(_saved(figure, "svg", dpi=120).decode(), lines=True)


def _saved(figure: Figure, kind: str, dpi: int) -> bytes:
    """The content of a file, without a date, so that equal figures are equal files."""
    facts = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}.get(kind)
    file = io.BytesIO()
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # a PDF's fonts log a hundred lines, which Hydra's handler prints
    pad = 0.01 if kind == "pdf" else 0.1  # inches; a PDF is as wide as a column
    figure.savefig(file, format=kind, bbox_inches="tight", pad_inches=pad, metadata=facts, dpi=dpi)
    return file.getvalue()


def _sketches(report: Report) -> Iterator[Sketch]:
    names = short_names(list(report.results.factors))
    if (comparison := report.comparison) is not None:
        spec = report.metrics[comparison.metric]
        yield from effect_figures.differences(report, comparison, spec)
        # if each configuration has one change, effects equal the differences from the baseline (except for censored times)
        if not report.configurations.single_changes or spec.limit is not None:
            yield from effect_figures.effects(comparison, spec, names)
        yield from factor_figures.factor_sketches(report, comparison, spec)
        for at, analysis in enumerate(comparison.blocks, 1):
            yield effect_figures.blocks(analysis, spec, f"blocks_{at}" if at > 1 else "blocks", names, comparison.in_blocks)
    for result in report.attributions:
        yield from effect_figures.attribution(result, report.metrics[result.metric])
    if report.curves is not None:
        yield from curve_figures.learning_curves(report.curves)
