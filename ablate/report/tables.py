"""The tables of verdicts and of cells: from the frames of `analysis` to cells of text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from ablate.core import designs
from ablate.report.formatting import ACCURACY, HOLE, TESTED, USUAL, Row, Wording, Wordings, interval, number
from ablate.report.text_table import TextTable
from ablate.stats.decision_rules import ALPHA, INCONCLUSIVE, LOOKS

COLUMNS = 4  # so many factors have a column each, and so many metrics
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
    """What each cell achieved, and its paired difference to the baseline (the first row). `flags` are by cell.

    Of more metrics than a table has room for, the others are in `further`.
    """
    shown = _achieved(metrics, wordings)
    first = [name for name in (metric,) if name in shown]
    others = [name for name in shown if name != metric] if len(shown) <= COLUMNS else []
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
    notes += _protocols([*first, *others])
    if len(summary) > 1:
        notes.append(f"{against[0]}: mean over paired seeds; from two pairs on, with the 95 % interval of the paired t.")
    sources = [f"cell-{cell}" for cell in summary["cell"]]
    numbers = summary.merge(differences.add_prefix("difference_"), "left", left_on="cell", right_on="difference_cell")
    numbers = numbers.drop(columns="difference_cell")
    return TextTable("Results", headers, rows, len(cell_headers), notes, sources, (FLAGS,), numbers)


def verdicts(judged: pd.DataFrame, wordings: Wordings = USUAL) -> TextTable:
    """What the study says of each claim, in the order of the claims (see `ablate.stats.judge.judge`)."""
    rows, percent = [], False
    looks = ", ".join(map(str, LOOKS))
    for row in judged.to_dict("records"):
        # a ratio is a number of its own, whatever it is a ratio of
        wording = Wording("", digits=3) if row["scale"] == "ratio" else wordings(row["metric"])
        estimate = interval(row, wording, signed=row["kind"] != "exact" and row["scale"] != "ratio")
        percent = percent or (estimate != HOLE and wording.percent)
        why = row["reason"] + _decidable(row, wording)
        rows.append([row["id"], row["says"], row["verdict"], estimate, _seeds(row), why])
    notes = ["The estimate has its 95 % interval over seeds, not adjusted for looks." + " Accuracies in points of %." * percent]
    if judged["p"].notna().any():
        notes.append(
            f"p is that of the likelier verdict, supported or contradicted, adjusted for the looks (at {looks} seeds) and, by "
            f"Holm, for the number of primary claims: up to {ALPHA} it decides."
        )
    headers = ["claim", "says", "verdict", "estimate", "n", "why"]
    sources = [f"claim-{name}" for name in judged["id"]]
    return TextTable("Verdicts", headers, rows, 3, notes, sources, loose=("says", "why"), numbers=judged)


def costs(
    summary: pd.DataFrame,
    metrics: Sequence[str],
    factors: Sequence[str],
    wordings: Wordings = USUAL,
    target: float | None = None,
) -> TextTable | None:
    """What each cell takes; None if no metric says so. `target` is the accuracy of the times to a target, if known."""
    shown = [name for name in metrics if wordings(name).cost and not wordings(name).hidden]
    notes = []
    if any("to target" in wordings(name).title for name in shown):
        which = f" ({number(target, wordings(ACCURACY))} % test accuracy)" if target is not None else ""
        notes.append(f"To target{which}: of the runs that reached it, with their number; {HOLE}: none did.")
    return _by_cell("Costs", summary, shown, factors, wordings, notes)


def further(
    summary: pd.DataFrame, metric: str, metrics: Sequence[str], factors: Sequence[str], wordings: Wordings = USUAL
) -> TextTable | None:
    """What each cell achieved by other metrics than `metric`; None if `results` has the room for them."""
    shown = _achieved(metrics, wordings)
    others = [name for name in shown if name != metric] if len(shown) > COLUMNS else []
    return _by_cell("Further results", summary, others, factors, wordings, _protocols(others))


def comparison(shown: TextTable, *others: TextTable | None) -> TextTable:
    """Results and other tables of the same cells as one, for a page that has the room."""
    at = shown.numbers_from
    for other in filter(None, others):
        shown = TextTable(
            shown.title,
            [*shown.headers, *other.headers[at:]],
            [[*row, *more[at:]] for row, more in zip(shown.rows, other.rows, strict=True)],
            at,
            [*shown.notes, *other.notes],
            shown.sources,
            shown.loose,
        )
    return shown


def _achieved(metrics: Sequence[str], wordings: Wordings) -> list[str]:
    return [name for name in metrics if not wordings(name).cost and not wordings(name).hidden]


def _protocols(metrics: Sequence[str]) -> list[str]:
    """What the protocols are under which these metrics were measured."""
    return [f"({name}): {it.says}." for name, it in TESTED.items() if any(each.startswith(f"{name}_") for each in metrics)]


def _by_cell(
    title: str, summary: pd.DataFrame, metrics: Sequence[str], factors: Sequence[str], wordings: Wordings, notes: list[str]
) -> TextTable | None:
    """The means of some metrics, a row a cell; None of no metrics."""
    if not metrics:
        return None
    cell_headers, cells = _cell_columns(summary, factors)
    rows = [
        [*levels, *(_mean(row, name, wordings) for name in metrics)]
        for levels, row in zip(cells, summary.to_dict("records"), strict=True)
    ]
    headers = [*cell_headers, *(wordings(name).title for name in metrics)]
    sources = [f"cell-{cell}" for cell in summary["cell"]]
    numbers = summary[["cell", "label", *metrics]]
    return TextTable(title, headers, rows, len(cell_headers), notes, sources, numbers=numbers)


def names_of(summary: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """The cells by their labels; of many factors by what is unlike the baseline, the first of them."""
    labels: list[str] = summary["label"].tolist()
    if len(factors) <= COLUMNS:
        return labels
    short = designs.short_names(factors)
    levels = [{short[factor]: designs.say(row[factor]) for factor in factors} for row in summary.to_dict("records")]
    unlike = [", ".join(f"{name}={level}" for name, level in row.items() if level != levels[0][name]) for row in levels]
    first = ", ".join(f"{name}={level}" for name, level in levels[0].items())
    return [first, *unlike[1:]] if len(set(unlike)) == len(unlike) else labels


def _cell_columns(summary: pd.DataFrame, factors: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The first columns of a table of cells: a column a factor, or the names of the cells."""
    if 0 < len(factors) <= COLUMNS:
        return list(factors), [[designs.say(row[factor]) for factor in factors] for row in summary.to_dict("records")]
    header = "cell; below the first, what differs from it" if len(factors) > COLUMNS else "cell"
    return [header], [[name] for name in names_of(summary, factors)]


def _count(row: Row) -> str:
    return str(row["n"]) if row["n"] == row["runs"] else f"{row['n']} of {row['runs']}"


def _decidable(row: Row, wording: Wording) -> str:
    """Of a claim whose margin no look decides with power: the margin that the last one would."""
    if row["verdict"] != INCONCLUSIVE or not row["look"] or math.isnan(row["decidable"]):
        return ""
    points = " points" * wording.percent
    margin, decidable = (number(row[name], wording) for name in ("margin", "decidable"))
    return f": the claim's is {margin}, and such power begins at {decidable}{points}"


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
