"""The figures of a report: which there are, what each says, and their files."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from ablate.report import plots, tables
from ablate.report.formatting import change
from ablate.report.plots import Mark
from ablate.stats.attribution import WHOLE
from ablate.storage.records import write_atomically

if TYPE_CHECKING:
    from ablate.report.build import Report

MARKS = 24  # rows of a forest plot; of more, those at both ends


@dataclass
class Drawn:
    """A figure that was written, with the sentence that says what to see in it."""

    name: str
    title: str
    says: str
    svg: str


def draw(report: Report, folder: Path) -> list[Drawn]:
    """Write each figure as .png and .svg."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with plots.style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a name in letters that no font here has
        for name, title, says, figure in _figures(report):
            svg = io.StringIO()
            figure.savefig(svg, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}, dpi=120)
            png = io.BytesIO()
            figure.savefig(png, format="png", bbox_inches="tight", dpi=150)
            plots.close(figure)
            write_atomically(folder / f"{name}.svg", svg.getvalue())
            write_atomically(folder / f"{name}.png", png.getvalue())
            drawn.append(Drawn(name, title, says, svg.getvalue()))
    return drawn


def curves(history: pd.DataFrame) -> list[str]:
    """The columns of the history that are drawn: the test accuracies, else the first two numbers that an application logs."""
    columns = history.dropna(axis="columns", how="all").select_dtypes("number").columns
    accuracies = [column for column in plots.TITLES if column in columns]
    return accuracies or [column for column in columns if column != "epoch"][:2]


def _figures(report: Report) -> Iterator[tuple[str, str, str, Figure]]:
    yield from _learning_curves(report)
    if report.metric is None:
        return
    title, percent = report.wordings.axis_title(report.metric), report.wordings(report.metric).percent
    difference = title.replace("(%)", "(points of %)")
    if marks := _differences(report):
        says = "The diamond is the mean difference to the first cell over equal seeds, "
        if _with_bars(marks):
            says += "the bar its 95 % interval, each dot below it one seed. Look first whether a bar keeps clear of zero."
        else:
            says += "here of one seed: how far another seed would lie from it is not known."
        yield (
            "paired_differences",
            "Paired differences to the baseline",
            says + _cut(len(report.differences)),
            plots.forest(marks, f"{difference}, less the baseline's", percent),
        )
    for kinds, name, heading, says in (
        (
            ("main effect", "simple"),
            "effects",
            "What each factor does",
            "Each row takes one factor from its baseline to another level, averaged over the others. Look for bars that keep "
            "clear of zero, and at how far apart the seeds lie.",
        ),
        (
            ("interaction",),
            "interactions",
            "What two factors do together",
            "How much the first change's effect grows by the second. A bar across zero: no sign that the two depend on "
            "each other.",
        ),
    ):
        marks = _contrasts(report, kinds)
        if _with_bars(marks) and not _drawn_above(report):
            yield name, heading, says + _cut(len(marks)), plots.forest(_ends(marks), f"effect on {difference}", percent)
    for path in report.paths:
        frame = path.shares.dropna(subset="estimate")
        if frame.empty:
            continue
        marks = [
            Mark("together" if row["change"] == WHOLE else str(row["change"]), row["estimate"], row["low"], row["high"])
            for row in frame.to_dict("records")
        ]
        unit = report.wordings.axis_title(path.metric).replace("(%)", "(points of %)")
        yield (
            path.name,
            path.title,
            "From the first configuration to the last: each bar begins where the one above it ends, and the last one is the "
            f"whole difference (n = {frame['n'].max()} seeds). Green adds, hatched orange takes away; the black line is the "
            "95 % interval of that share. Look which lines keep clear of where their bar begins.",
            plots.waterfall(marks, f"share of the difference in {unit}", report.wordings(path.metric).percent),
        )


def _learning_curves(report: Report) -> Iterator[tuple[str, str, str, Figure]]:
    history = report.history.replace([math.inf, -math.inf], math.nan)  # what diverged has no place on an axis
    columns = curves(history)
    if not columns or "epoch" not in history:
        return
    names = dict(zip(report.summary["label"], _names(report).values(), strict=True))
    history = history.assign(label=history["label"].map(names))
    order = [name for name in dict.fromkeys(names.values()) if name in set(history["label"])]
    if len(order) <= plots.COLOURED and history["directory"].nunique() <= plots.DRAWN_ALONE:
        means = _mean_curves(history, columns, report.runs)
        says = "Each line is one run."
        if means is not None:
            says = (
                "Each thin line is one run; the thick ones are means over the finished runs that count, as far as all of them "
                "went. Look first whether lines of one colour lie closer together than the colours do."
            )
        yield "learning_curves", "Learning curves", says, plots.learning_curves(history, columns, order, means)
        return
    chosen = order[:1]
    if report.metric is not None and report.metric in report.summary:
        ranked = report.summary.dropna(subset=report.metric).sort_values(report.metric)["label"].map(names).tolist()
        chosen = list(dict.fromkeys([*chosen, *ranked[-1:], *ranked[:1]]))
    says = (
        "Each line is one run; in colour the baseline and the cells with the highest and the lowest mean. Look how far "
        "they stand apart from the grey crowd."
    )
    yield "learning_curves", "Learning curves", says, plots.many_learning_curves(history, columns, chosen)


def _mean_curves(history: pd.DataFrame, columns: Sequence[str], runs: pd.DataFrame) -> pd.DataFrame | None:
    """The mean curve of each cell: over its finished runs that nobody left out, at the epochs that all of these have.

    None if no cell has two of them: each line is a mean already.
    """
    counts = runs[runs["left_out"].isna() & (runs["status"] == "finished")]["directory"]
    counted = history[history["directory"].isin(counts)].dropna(subset=list(columns))
    lines, several = [], False
    for label, cell in counted.groupby("label", sort=False):
        runs_of_cell, by_epoch = cell["directory"].nunique(), cell.groupby("epoch")
        several = several or runs_of_cell > 1
        mean = by_epoch[list(columns)].mean()[by_epoch["directory"].nunique() == runs_of_cell]
        lines.append(mean.reset_index().assign(label=label))
    return pd.concat(lines, ignore_index=True) if several else None


def _names(report: Report) -> dict[str, str]:
    """The names of the cells in figures, by cell."""
    names = tables.names_of(report.summary, list(report.runs.attrs["factors"]))
    return dict(zip(report.summary["cell"], names, strict=True))


def _differences(report: Report) -> list[Mark]:
    if report.differences.empty:
        return []
    names = _names(report)
    order = {cell: at for at, cell in enumerate(names)}  # that of the table
    by_cell = {cell: found.tolist() for cell, found in report.pairs.groupby("cell")["difference"]}
    return _ends(
        [
            Mark(f"{names[row['cell']]}  (n = {row['n']})", row["estimate"], row["low"], row["high"], by_cell[row["cell"]])
            for row in report.differences.sort_values("cell", key=lambda cells: cells.map(order)).to_dict("records")
            if math.isfinite(row["estimate"])
        ]
    )


def _contrasts(report: Report, kinds: Sequence[str]) -> list[Mark]:
    return [
        Mark(f"{change(row)}  (n = {row['n']})", row["estimate"], row["low"], row["high"], estimate.by_seed.tolist())
        for row, estimate in zip(report.contrasts.to_dict("records"), report.estimates, strict=True)
        if row["kind"] in kinds and math.isfinite(row["estimate"])
    ]


def _drawn_above(report: Report) -> bool:
    """Whether the contrasts are the differences to the baseline: of one factor, unless a time is cut off at its budget."""
    return len(report.runs.attrs["factors"]) == 1 and report.metric not in report.launched.get("budgets", {})


def _with_bars(marks: Sequence[Mark]) -> bool:
    """Whether any has an interval: of one seed there is none, and a table says as much."""
    return any(math.isfinite(mark.low) for mark in marks)


def _ends(marks: list[Mark]) -> list[Mark]:
    """Of too many rows the lowest and the highest estimates, from high to low; else all, in their order."""
    if len(marks) <= MARKS:
        return marks
    ranked = sorted(marks, key=lambda mark: -mark.estimate)
    return [*ranked[: MARKS // 2], *ranked[-(MARKS // 2) :]]


def _cut(rows: int) -> str:
    half = MARKS // 2
    return f" Of {rows} rows the {half} highest and the {half} lowest are drawn; all are in the table." * (rows > MARKS)
