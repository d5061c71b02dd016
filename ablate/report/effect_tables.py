"""Tables of effects: contrasts, variance explained, precision, attribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ablate.core.cells import Cell
from ablate.core.claims import ALL, FEWEST_SEEDS, Change, Unit
from ablate.core.metrics import MetricSpec
from ablate.core.wording import shortened
from ablate.report.formatting import capitalized, difference_heading, finer
from ablate.report.model import AttributionResult, Comparison
from ablate.report.table import Column, Row, Table
from ablate.report.values import SHOWN_FROM, AtSeed, Count, Interval, Limits, Number, Range, Value, Wins
from ablate.stats.estimates import Estimate

NO_CHANGE = "no change (A/A)"
ALL_CHANGES = "all changes"  # last row of an attribution
SQUARES = MetricSpec("sum of squares")
OMEGA = MetricSpec("ω²", digits=3)
CORRELATION = MetricSpec("correlation", digits=2)
PROBABILITY = MetricSpec("probability", digits=2)


def contrasts(comparison: Comparison, spec: MetricSpec, main: bool, names: Mapping[str, str] | None = None) -> Table:
    """Contrasts of each level with the baseline of its factor, and interactions of two factors.

    Args:
        comparison: the contrasts.
        spec: the metric.
        main: whether the table is also printed to the terminal.
        names: short names of factors.
    """
    unit = comparison.unit
    simultaneous = len(comparison.contrasts) > 1 and "simultaneous_low" in comparison.contrasts_frame.dropna(axis=1, how="all")
    columns = [
        Column("change", "change"),
        Column("kind", "kind"),
        Column("n", "n", "number"),
        Column("estimate", "estimate", "number"),
        *([Column("simultaneous", "simultaneous", "number")] if simultaneous else []),
        *([Column("examples", f"over {comparison.examples}", "number")] if comparison.examples else []),
        Column("wins", "above zero", "number"),
        # over blocks, runs of different blocks would be compared; the table by block has the probability within blocks
        *([] if comparison.over_blocks else [Column("superior", "P(B > A)", "number")]),
        Column("worst", f"lowest {unit}", "number"),
    ]
    rows = []
    frame = comparison.contrasts_frame.to_dict("records")
    losses = comparison.losses or [""] * len(frame)
    for at, (estimate, limits, row, lost) in enumerate(
        zip(comparison.contrasts, _example_limits(comparison, spec), frame, losses, strict=True)
    ):
        own: dict[str, Value] = {
            "simultaneous": _simultaneous(row, estimate.n, spec),
            "examples": limits,
            "note": "; ".join(filter(None, [_note(estimate, unit), lost])),
        }
        values = _values(estimate, describe(estimate.changes, names), estimate.kind, spec) | own
        rows.append(Row(values, source=f"contrast-{at}"))
    if comparison.no_change is not None:
        rows.append(_no_change(comparison.no_change, spec))
    if any(row["note"] for row in rows):
        columns.append(Column("note", "note", "sentence"))
    notes = _notes_of_contrasts(comparison, spec, simultaneous)
    return Table("contrasts", "Contrasts", columns, rows, comparison.contrasts_frame, notes, main)


def _notes_of_contrasts(comparison: Comparison, spec: MetricSpec, simultaneous: bool) -> list[str]:
    unit = comparison.unit
    notes = [
        f"{capitalized(difference_heading(spec))}: {_what_is_estimated(comparison.contrasts, unit)}, averaged over the levels "
        "of the other factors at which both levels ran."
    ]
    superior = (
        "P(B > A): the chance that the mean of a seed after the change is above that of a seed before it (Mann-Whitney). "
    )
    superior = "" if comparison.over_blocks else superior
    if simultaneous:
        notes.append(
            f"Simultaneous: 95 % intervals that hold for all changes (and for all interactions) at once: max-t if all have "
            f"the same {unit}s and there are fewer than two changes (or interactions) per {unit}, otherwise Bonferroni."
        )
    notes.append(
        f"Above zero: the number of {unit}s with a difference above zero. {superior}"
        f"Lowest {unit}: the lowest difference and its {unit}."
    )
    if comparison.no_change is not None:
        notes.append(
            f"{capitalized(NO_CHANGE)}: the baseline was run twice with different random streams. The true difference is zero, "
            "so this row shows what the noise of seeds alone looks like; its two runs are not paired. In one study of twenty "
            "its interval excludes zero; if it does so again, something that is not a factor differs between the runs."
        )
    if any(each.kind == "interaction" for each in comparison.contrasts):
        notes.append("Interaction: by how much the second change increases the effect of the first.")
    if 0 < max(each.n for each in comparison.contrasts) < FEWEST_SEEDS:
        notes.append(f"Contrasts over fewer than {FEWEST_SEEDS} {unit}s are preliminary.")
    if any(0 < each.n < SHOWN_FROM for each in comparison.contrasts):
        notes.append(f"No interval is shown over fewer than three {unit}s.")
    if comparison.examples:
        notes.append(
            f"Over {comparison.examples}: 95 % interval of the same difference if other {comparison.examples} were drawn, with "
            "these seeds (bootstrap). It is separate from the interval over seeds."
        )
    return notes


def _values(estimate: Estimate, change: str, kind: str, spec: MetricSpec) -> dict[str, Value]:
    """The values of a row of contrasts that its estimate alone gives."""
    return {
        "change": change,
        "kind": kind,
        "n": Count(estimate.n),
        "estimate": Interval.of(estimate, spec),
        "wins": None if estimate.unpaired else Wins(estimate.wins, estimate.n),
        "superior": Number(estimate.p_superior, PROBABILITY),
        "worst": AtSeed(estimate.worst[1], estimate.worst[0], spec),
    }


def _simultaneous(row: Mapping[Any, Any], n: int, spec: MetricSpec) -> Limits:
    if n < SHOWN_FROM:
        return Limits(math.nan, math.nan, spec)
    return Limits(row.get("simultaneous_low", math.nan), row.get("simultaneous_high", math.nan), spec)


def _what_is_estimated(found: Sequence[Estimate], unit: Unit) -> str:
    unpaired = [each.unpaired is not None for each in found]
    if all(unpaired):
        what, test = "difference of means of unpaired runs (n of the smallest configuration)", "Welch's t"
    else:
        what = f"mean paired difference over n {unit}s"
        test = "paired t, or Welch's t where the note says unpaired" if any(unpaired) else "paired t"
    if all(each.n < SHOWN_FROM for each in found):
        return what
    return f"{what} with its 95 % interval ({test}; the intervals are not adjusted for their number)"


def _no_change(estimate: Estimate, spec: MetricSpec) -> Row:
    """The row of the baseline against itself."""
    same = "all second runs have identical values: their random streams are not different" if estimate.identical else ""
    values = _values(estimate, NO_CHANGE, "control", spec) | {"simultaneous": None, "examples": None, "note": same}
    return Row(values, source="no-change")


def anova(
    frame: pd.DataFrame,
    spec: MetricSpec,
    names: Mapping[str, str] | None = None,
    unit: Unit = "seed",
    one_at_a_time: bool = False,
) -> Table:
    """Sums of squares and effect sizes, see `ablate.stats.anova.anova`.

    There are no p values: they would assume equal pairing in all cells, and contradict the contrasts if that does not hold.
    Sums of squares have the digits that the residual needs; those of a metric in percent are in squared percentage points.

    Args:
        frame: the analysis.
        spec: the metric.
        names: short names of factors.
        unit: what a row of the data was, `seed` or `block`.
        one_at_a_time: whether each configuration changes one factor: shares of the variance could then add up to any number,
            and are left out.
    """
    if unit != "seed":  # the analysis calls its rows seeds
        frame = frame.assign(term=frame["term"].mask((frame["order"] == 0) & (frame["term"] == "seeds"), f"{unit}s"))
    known = frame["ss"].notna()
    scale = 1e4 if spec.is_fraction else 1.0
    squares = _squares(scale * frame.loc[known, "ss"].iloc[-1])
    rows = [
        Row(
            {
                "term": _term(row["term"], names or {}),
                "ss": Number(scale * row["ss"], squares),
                "df": None if pd.isna(row["df"]) else Count(int(row["df"])),
                "omega": Number(row["omega_squared"], OMEGA),
            },
            source="runs",
        )
        for row in frame[known].to_dict("records")
    ]
    values = "runs" if unit == "seed" else f"the means of the {unit}s"
    over = f"Over the {frame['n'].max()} {unit}s that are complete in all configurations."
    omega = f"ω² is the share of the variance between {values} explained by a term; a negative value is noise."
    notes = [f"{capitalized(spec.title)}: {'one factor changed at a time.' if one_at_a_time else omega} {over}"]
    if parts := list(dict.fromkeys(part for note in frame.loc[known, "note"].dropna() for part in note.split("; ") if part)):
        notes.append(f"{capitalized('; '.join(parts))}.")
    for note, terms in frame[~known].groupby("note", sort=False)["term"]:
        notes.append(f"{shortened([_term(term, names or {}) for term in terms])}: {note}.")
    columns = [
        Column("term", "term"),
        Column("ss", "sum of squares (points²)" if spec.in_percent else "sum of squares", "number"),
        Column("df", "df", "number"),
        *([] if one_at_a_time else [Column("omega", "ω²", "number")]),
    ]
    data = frame.drop(columns=["f", "p", *(["omega_squared"] if one_at_a_time else [])])
    return Table("variance_explained", "Variance explained (ANOVA)", columns, rows, data, notes, main=False)


def precision(
    frame: pd.DataFrame,
    contrasts: Sequence[Estimate],
    spec: MetricSpec,
    names: Mapping[str, str] | None = None,
    unit: Unit = "seed",
) -> Table:
    """The variation of paired differences, the effect of pairing, and the minimum detectable effect, see ablate/stats/power.py.

    Args:
        frame: a row for each contrast of one change.
        contrasts: the same contrasts.
        spec: the metric.
        names: short names of factors.
        unit: what n counts, `seed` or `block`.
    """
    finest = finer(spec)
    rows = [
        Row(
            {
                "change": describe(estimate.changes, names),
                "n": Count(int(row["n"])),
                "sd": Interval.over(row["n"], row["sd"], row["sd_low"], row["sd_high"], finest, signed=False),
                "correlation": Interval(row["correlation"], row["correlation_low"], row["correlation_high"], CORRELATION),
                "detectable": Number(row["margin"], finest),
            },
            source=f"contrast-{at}",
        )
        for at, (row, estimate) in enumerate(zip(frame.to_dict("records"), contrasts, strict=True))
    ]
    notes = [
        f"{capitalized(difference_heading(spec))}: standard deviation of the paired differences; correlation between the two "
        f"configurations over {unit}s (near 1: pairing removed most of the variance between {unit}s; near 0: it removed none); "
        f"minimum detectable effect (80 % power, one-sided, of a single claim at the last look that n {unit}s have reached, or "
        "at the first one), which is larger than what a 95 % interval shows."
    ]
    columns = [
        Column("change", "change"),
        Column("n", "n", "number"),
        Column("sd", "SD of differences", "number"),
        Column("correlation", "correlation", "number"),
        Column("detectable", "minimum detectable effect", "number"),
    ]
    return Table("precision", "Precision of the paired differences", columns, rows, frame, notes, main=False)


def attribution(result: AttributionResult, spec: MetricSpec) -> Table:
    """The share of each change of a path in the whole difference."""
    rows = [
        Row(
            {
                "change": ALL_CHANGES if row["change"] == ALL else str(row["change"]),
                "n": Count(int(row["n"])),
                "share": Interval.over(row["n"], row["estimate"], row["low"], row["high"], spec),
                "simultaneous": _simultaneous(row, row["n"], spec) if row["change"] != ALL else None,
                "marginal": Range(row["marginal_low"], row["marginal_high"], spec) if row["change"] != ALL else None,
            },
            source="runs",
        )
        for row in result.shares.to_dict("records")
    ]
    columns = [Column("change", "change"), Column("n", "n", "number"), Column("share", "attributed (Shapley)", "number")]
    notes = [
        f"{capitalized(difference_heading(spec))}: Shapley values with their 95 % interval over n seeds; they add up to the "
        "last row."
    ]
    if result.orders == 1:
        notes.append("All seeds made the changes in one order and its reverse: other orders may give other shares.")
    elif result.orders is not None:
        notes.append(
            f"Averaged over {result.orders} orders of the changes, each with its reverse. Where changes interact strongly, so "
            "few orders may miss what others show, and the intervals are too short."
        )
    if len(rows) > 2 and "simultaneous_low" in result.shares:
        columns.append(Column("simultaneous", "simultaneous", "number"))
        notes.append(
            "Simultaneous: 95 % intervals that hold for all shares at once: max-t if there are fewer than two shares per "
            "seed, otherwise Bonferroni."
        )
    if len(rows) > 2:
        columns.append(Column("marginal", "marginal contributions", "number"))
        notes.append(
            "Marginal contributions: the lowest and the highest difference that the change made, depending on the changes made "
            "before it. Each is a mean over the seeds that ran it and varies by chance, too; where they differ by more than "
            "that, changes interact, and the share is an average of unlike effects."
        )
    return Table(result.name, result.title, columns, rows, result.shares, notes)


def preliminary(counted: str = "seeds", over: str = "") -> str:
    """What follows from fewer than five of what is counted; `over` is what there would be verdicts and p values over."""
    return f"Fewer than {FEWEST_SEEDS} {counted}: no verdicts and no p values{over}; the results are preliminary."


def describe(changes: Sequence[Change], names: Mapping[str, str] | None = None) -> str:
    """Describe one change, or the two of an interaction, with the names of factors if there are any.

    >>> describe([Change.of("stem", "direct", "pyramid"), Change.of("norm", 0, 1)])
    'stem × norm: direct, 0 → pyramid, 1'
    """
    factors = " × ".join((names or {}).get(change.factor, change.factor) for change in changes)
    start, end = (", ".join(str(getattr(change, side)) for change in changes) for side in ("start", "end"))
    return f"{factors}: {start} → {end}"


def _term(term: str, names: Mapping[str, str]) -> str:
    """A term such as `model.stem × norm` with the short names of its factors."""
    return " × ".join(names.get(factor, factor) for factor in term.split(" × "))


def _squares(residual: float) -> MetricSpec:
    """How sums of squares are written: with the digits that leave three significant ones of the residual."""
    digits = 2 - math.floor(math.log10(residual)) if 1e-6 < residual < math.inf else None
    return SQUARES if digits is None else replace(SQUARES, digits=max(0, digits))


def _example_limits(comparison: Comparison, spec: MetricSpec) -> list[Value]:
    if not comparison.examples:
        return [None] * len(comparison.contrasts)
    frame = comparison.contrasts_frame
    return [Limits(low, high, spec) for low, high in zip(frame["examples_low"], frame["examples_high"], strict=True)]


def _note(estimate: Estimate, unit: Unit) -> str:
    parts = [estimate.note] if estimate.note else []
    if estimate.inert and estimate.strata:
        parts.append(f"left out, since the change has no effect there: {_strata(estimate.inert)}")
    if estimate.missing:
        parts.append(f"no complete {unit} in {_strata(estimate.missing) or 'any stratum'}")
    return "; ".join(parts)


def _strata(cells: Sequence[Cell]) -> str:
    return shortened(list(map(str, cells)))
