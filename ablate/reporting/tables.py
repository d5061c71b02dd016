"""The tables of verdicts and of cells: from the frames of `analysis` to cells of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ablate.reporting.text_table import TextTable
from ablate.reporting.wording import HOLE, USUAL, Row, Wording, Wordings, interval, number
from ablate.study import design

COLUMNS = 4  # so many factors have a column each
FLAGS = "flags"


def results(
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    metric: str,
    metrics: Sequence[str],
    factors: Sequence[str],
    flags: Mapping[str, Sequence[str]] | None = None,
    wordings: Wordings = USUAL,
) -> TextTable:
    """What each cell achieved, and its paired difference to the baseline (the first row). `flags` are by cell."""
    shown = [name for name in metrics if not wordings(name).cost and not wordings(name).hidden]
    first = [name for name in (metric,) if name in shown]
    others = [name for name in shown if name != metric]
    against = [f"{wordings(metric).title} - first row"] * (len(summary) > 1)
    titles = [[wordings(name).title for name in each] for each in (first, others)]
    cell_headers, cells = _cell_columns(summary, factors)
    heeded = [FLAGS] * any((flags or {}).values())
    headers = [*cell_headers, "n", *titles[0], *against, *heeded, *titles[1]]
    by_cell = differences.set_index("cell").to_dict("index")
    rows = []
    for position, row in enumerate(summary.to_dict("records")):
        difference = "baseline" if position == 0 else interval(by_cell[row["cell"]], wordings(metric))
        means = [[_mean(row, name, wordings) for name in each] for each in (first, others)]
        said = ["; ".join((flags or {}).get(row["cell"], ()))] * len(heeded)
        rows.append([*cells[position], _count(row), *means[0], *[difference] * len(against), *said, *means[1]])
    notes = ["Mean ± standard deviation over n seeds."]
    if any(wordings(name).percent for name in shown if name.endswith("test_accuracy")):
        notes[0] += " Accuracies in %, of the last epoch (final) and of the best (peak)."
    if any(name.startswith("article_") for name in shown):
        notes.append("(article): tested as the article's author did, in training mode and on flipped images.")
    if len(summary) > 1:
        notes.append(f"{against[0]}: mean over paired seeds; from two pairs on, with the 95 % interval of the paired t.")
    sources = [f"cell-{cell}" for cell in summary["cell"]]
    numbers = summary.merge(differences.add_prefix("difference_"), "left", left_on="cell", right_on="difference_cell")
    numbers = numbers.drop(columns="difference_cell")
    return TextTable("Results", headers, rows, len(cell_headers), notes, sources, (FLAGS,), numbers)


def verdicts(judged: pd.DataFrame, wordings: Wordings = USUAL) -> TextTable:
    """What the study says of each claim, in the order of the claims (see `ablate.analysis.judging.judge`)."""
    rows, percent = [], False
    for row in judged.to_dict("records"):
        # a ratio is a number of its own, whatever it is a ratio of
        wording = Wording("", digits=3) if row["scale"] == "ratio" else wordings(row["metric"])
        estimate = interval(row, wording, signed=row["kind"] != "exact" and row["scale"] != "ratio")
        percent = percent or (estimate != HOLE and wording.percent)
        rows.append([row["id"], row["says"], row["verdict"], estimate, _seeds(row), row["reason"]])
    notes = [
        "The estimate has its 95 % interval over seeds, not adjusted for looks; verdicts are (5, 8, 12 and 20 seeds, Holm)."
    ]
    notes[0] += " Accuracies in points of %." * percent
    headers = ["claim", "says", "verdict", "estimate", "n", "why"]
    sources = [f"claim-{name}" for name in judged["id"]]
    return TextTable("Verdicts", headers, rows, 3, notes, sources, loose=("says", "why"), numbers=judged)


def costs(
    summary: pd.DataFrame, metrics: Sequence[str], factors: Sequence[str], wordings: Wordings = USUAL
) -> TextTable | None:
    """What each cell takes; None if no metric says so."""
    shown = [name for name in metrics if wordings(name).cost and not wordings(name).hidden]
    if not shown:
        return None
    cell_headers, cells = _cell_columns(summary, factors)
    rows = [
        [*levels, *(_mean(row, name, wordings) for name in shown)]
        for levels, row in zip(cells, summary.to_dict("records"), strict=True)
    ]
    notes = []
    if any("to target" in wordings(name).title for name in shown):
        notes.append(f"To target: of the runs that reached it, with their number; {HOLE}: none did.")
    headers = [*cell_headers, *(wordings(name).title for name in shown)]
    sources = [f"cell-{cell}" for cell in summary["cell"]]
    numbers = summary[["cell", "label", *shown]]
    return TextTable("Costs", headers, rows, len(cell_headers), notes, sources, numbers=numbers)


def comparison(shown: TextTable, cost: TextTable | None) -> TextTable:
    """Results and costs as one table, for a page that has the room."""
    if cost is None:
        return shown
    at = shown.numbers_from
    return TextTable(
        "Results",
        [*shown.headers, *cost.headers[at:]],
        [[*row, *other[at:]] for row, other in zip(shown.rows, cost.rows, strict=True)],
        at,
        [*shown.notes, *cost.notes],
        shown.sources,
        shown.loose,
    )


def names_of(summary: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """The cells by their labels; of many factors by what is unlike the baseline, the first of them."""
    labels: list[str] = summary["label"].tolist()
    if len(factors) <= COLUMNS:
        return labels
    short = design.short_names(factors)
    levels = [{short[factor]: design.say(row[factor]) for factor in factors} for row in summary.to_dict("records")]
    unlike = [", ".join(f"{name}={level}" for name, level in row.items() if level != levels[0][name]) for row in levels]
    return [labels[0], *unlike[1:]] if len(set(unlike)) == len(unlike) else labels


def _cell_columns(summary: pd.DataFrame, factors: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The first columns of a table of cells: a column a factor, or the names of the cells."""
    if 0 < len(factors) <= COLUMNS:
        return list(factors), [[design.say(row[factor]) for factor in factors] for row in summary.to_dict("records")]
    header = "cell; below the first, what differs from it" if len(factors) > COLUMNS else "cell"
    return [header], [[name] for name in names_of(summary, factors)]


def _count(row: Row) -> str:
    return str(row["n"]) if row["n"] == row["runs"] else f"{row['n']} of {row['runs']}"


def _seeds(row: Row) -> str:
    """The seeds of a verdict, and where runs diverged how many of them the interval is over."""
    n = row["look"] or row["n"]
    over = row["df"] + 1  # by the paired t
    return f"{n} ({over:.0f} in the interval)" if 1 < over < n else str(n)


def _mean(row: Row, metric: str, wordings: Wordings) -> str:
    wording = wordings(metric)
    text = number(row[metric], wording)
    if text == HOLE:
        return text
    if row[f"{metric}_n"] < row["n"]:
        return f"{text} ({row[f'{metric}_n']:.0f} of {row['n']})"
    spread = row[f"{metric}_sd"]
    return f"{text} ± {number(spread, wording)}" if spread > 0 else text
