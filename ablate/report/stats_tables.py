"""The tables of contrasts, effects, noise, shares and the scorecard: from the frames of `analysis` to cells of text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pandas as pd

from ablate.report.formatting import HOLE, USUAL, Row, Wording, Wordings, change, interval, number, plain
from ablate.report.text_table import TextTable
from ablate.stats.attribution import WHOLE
from ablate.stats.decision_rules import LOOKS

SOME = 4  # strata or terms that are named where there may be hundreds
BELOW = f"No verdict below {LOOKS[0]} seeds, and no p value: what stands here is a first look."


def contrasts(frame: pd.DataFrame, metric: str, wordings: Wordings = USUAL) -> TextTable:
    """Each level against its factor's baseline, and interactions, of `ablate.stats.contrasts.every_contrast`."""
    wording = wordings(metric)
    over_images = "images_low" in frame and bool(frame["images_low"].notna().any())
    rows = [
        [
            change(row),
            row["kind"],
            str(row["n"]),
            interval(row, wording),
            *([_over_images(row, wording)] if over_images else []),
            _why_not(row),
        ]
        for row in frame.to_dict("records")
    ]
    notes = [
        f"{_metric(wording)}: mean of the paired differences over n seeds, with the 95 % interval of the paired t "
        "(own seeds' errors; one interval a row, not adjusted for their number). Each is averaged over all levels of the other "
        "factors at which both of its own ran."
    ]
    if (frame["kind"] == "interaction").any():
        notes.append("An interaction is how much the first change's effect grows by the second.")
    notes += [BELOW] if 0 < frame["n"].max() < LOOKS[0] else []
    if over_images:
        notes.append(
            "Over test images: the 95 % interval of the same difference, had other images been drawn; these seeds as they "
            "are (bootstrap). It stands beside the interval over seeds, and is no part of it."
        )
    headers = ["change", "kind", "n", "estimate", *["over test images"] * over_images, "note"]
    if not any(row[-1] for row in rows):
        headers, rows = headers[:-1], [row[:-1] for row in rows]
    return TextTable("Contrasts", headers, rows, 2, notes, _sources(rows), loose=("note",), numbers=frame)


def quantity(wording: Wording) -> str:
    """What a difference of a metric is in."""
    return wording.title + ", in points of %" * wording.percent


def some(names: Sequence[str]) -> str:
    """The first of many names."""
    rest = f" and {len(names) - SOME} more" * (len(names) > SOME)
    return "; ".join(names[:SOME]) + rest


def _over_images(row: Row, wording: Wording) -> str:
    if math.isnan(row["images_low"]):
        return HOLE
    return f"[{number(row['images_low'], wording, True)}, {number(row['images_high'], wording, True)}]"


def effects(frame: pd.DataFrame, metric: str, wordings: Wordings = USUAL) -> TextTable:
    """The sums of squares of `ablate.stats.anova.effects_table`.

    Without its p values: they presume that all cells are paired equally, and would contradict the contrasts where they are not.
    """
    known = frame["ss"].notna()
    rows = []
    for row in frame[known].to_dict("records"):
        rows.append(
            [row["term"], plain(row["ss"]), HOLE if pd.isna(row["df"]) else f"{row['df']:.0f}", plain(row["omega_squared"])]
        )
    notes = [
        f"{wordings(metric).title}: ω² is the share of the whole scatter of the runs that a term accounts for; below "
        f"zero it is less than noise. Over the {frame['n'].max()} seeds that are complete in all cells."
    ]
    if parts := list(dict.fromkeys(part for note in frame.loc[known, "note"].dropna() for part in note.split("; ") if part)):
        notes.append(f"{parts[0][:1].upper()}{'; '.join(parts)[1:]}.")
    for note, terms in frame[~known].groupby("note", sort=False)["term"]:
        notes.append(f"{some(terms.tolist())}: {note}.")
    headers = ["term", "sum of squares", "df", "ω²"]
    return TextTable("Effects", headers, rows, 1, notes, ["runs"] * len(rows), numbers=frame.drop(columns=["f", "p"]))


def noise(frame: pd.DataFrame, metric: str, wordings: Wordings = USUAL) -> TextTable:
    """How the pairs scatter and how well the pairing worked, of `ablate.stats.power.noise_table`."""
    wording = wordings(metric)
    finer = Wording(wording.title, wording.percent, None if wording.digits is None else wording.digits + 1)
    rows = [
        [
            change(row),
            str(row["n"]),
            interval({"estimate": row["sd"], "low": row["sd_low"], "high": row["sd_high"]}, finer, signed=False),
            interval(
                {"estimate": row["correlation"], "low": row["correlation_low"], "high": row["correlation_high"]},
                Wording("", digits=2),
            ),
            number(row["margin"], finer),
        ]
        for row in frame.to_dict("records")
    ]
    notes = [
        f"{_metric(wording)}: standard deviation of the paired differences; correlation of the two arms over seeds (near +1 "
        "the pairing worked, near 0 it bought nothing); the smallest margin that n seeds decide, "
        f"or {LOOKS[0]} where there are fewer."
    ]
    headers = ["change", "n", "sd of differences", "correlation", "decidable margin"]
    return TextTable("Noise", headers, rows, 1, notes, _sources(rows), numbers=frame)


def scorecard(frame: pd.DataFrame, wordings: Wordings = USUAL) -> TextTable:
    """Figures that somebody published, see `ablate.stats.scorecard`."""
    rows = []
    for row in frame.to_dict("records"):
        write = _figure(row, wordings)
        ours = row["reason"] or HOLE
        if pd.notna(row["mean"]):
            limits = [write(row["low"]), write(row["high"])] if pd.notna(row["low"]) else []
            ours = write(row["mean"]) + f" [{', '.join(limits)}]" * bool(limits)
            if row["kind"] == "exact":
                ours = " to ".join(dict.fromkeys(limits))
        inside = {True: "yes", False: "no"}.get(row["inside"], HOLE)
        inside = f"({inside})" if row["differs"] and inside != HOLE else inside
        rows.append(
            [row["id"], row["says"], write(row["published"]), ours, str(row["n"]), inside, row["differs"], row["protocol"]]
        )
    headers = ["claim", "says", "published", "ours", "n", "inside", "what differs here", "how it was made"]
    notes = [
        "Ours: the mean, with the 95 % interval of where one more run made as ours were would fall; of a number that has to "
        "match, every value there is. Two protocols that differ need not agree."
    ]
    if frame["differs"].any():
        notes.append("In brackets: this study is not what the claim needs, and can neither confirm the figure nor refute it.")
    loose = ("says", "what differs here", "how it was made")
    sources = [f"claim-{name}" for name in frame["id"]]
    return TextTable("Scorecard", headers, rows, 2, notes, sources, loose=loose, numbers=frame)


def shares(name: str, title: str, frame: pd.DataFrame, metric: str, wordings: Wordings = USUAL) -> TextTable:
    """Which change of a path brought how much, of `ablate.stats.attribution`."""
    wording = wordings(metric)
    rows = [
        ["together" if row["change"] == WHOLE else str(row["change"]), str(row["n"]), interval(row, wording)]
        for row in frame.to_dict("records")
    ]
    notes = [f"{_metric(wording)}: Shapley values with their 95 % interval over n seeds; the shares add up to the last row."]
    return TextTable(title, ["change", "n", "share"], rows, 1, notes, ["runs"] * len(rows), numbers=frame, file=name)


def shifts(frame: pd.DataFrame) -> TextTable | None:
    """What layers of batch normalisation expect and what they meet, of `ablate.stats.shifts`; None if nobody kept it."""
    if frame.empty:
        return None
    rows = [
        [row["label"], row["place"], str(row["n"]), *(_ranging(row, name) for name in ("variance_ratio", "mean_offset"))]
        for row in frame.to_dict("records")
    ]
    notes = [
        "In evaluation mode, on the test images, at the last epoch: the variance that a layer meets over its running variance "
        "(1: what it expects), and how far the means that it meets lie from its running means, in running standard deviations "
        "(0: where it expects them). Means over n seeds, the smallest to the largest in brackets. A layer that serves two "
        "places has one set of running statistics, and two rows."
    ]
    headers = ["cell", "layer", "n", "variance met / running", "offset of the mean"]
    sources = [f"cell-{cell}" for cell in frame["cell"]]
    return TextTable("What BN meets", headers, rows, 2, notes, sources, numbers=frame)


def _ranging(row: Row, name: str) -> str:
    low, mean, high = (number(row[f"{name}{part}"], Wording("", digits=2)) for part in ("_low", "", "_high"))
    return f"{mean} ({low} to {high})" if row["n"] > 1 else mean


def _sources(rows: list[list[str]]) -> list[str]:
    return [f"contrast-{at}" for at in range(len(rows))]


def _metric(wording: Wording) -> str:
    said = quantity(wording)
    return f"{said[:1].upper()}{said[1:]}"


def _why_not(row: Row) -> str:
    said = [row["note"]] if row["note"] else []
    if row["inert"] and row["strata"]:
        said.append(f"left out, since it does nothing there: {some(row['inert'])}")
    if row["missing"]:
        said.append(f"no complete seed in {some(row['missing']) or 'any stratum'}")
    return "; ".join(said)


def _figure(row: Row, wordings: Wordings) -> Callable[[float], str]:
    """How the figures of a claim are written: two digits behind those of a per cent, all digits of what has to match."""
    if row["kind"] == "exact":
        return lambda value: f"{value:,.15g}"
    wording = Wording("", digits=3) if row["scale"] == "ratio" else wordings(row["metric"])
    signed = row["kind"] in ("contrast", "interaction", "path") and row["scale"] != "ratio"
    return lambda value: number(value, Wording("", wording.percent, 2 if wording.percent else wording.digits), signed)
