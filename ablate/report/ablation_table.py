"""The ablation table of a paper: the components of each configuration, its result, and its difference from the baseline."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import pandas as pd

from ablate.core.levels import Factor, Level, short_names
from ablate.core.metrics import MetricSpec
from ablate.report.ablation import CONFIGURATION, DIFFERENCE, FLAGS, MEAN, SAME, SHARED, Ablation, N, P
from ablate.report.ablation_notes import caption_of, family_of, is_tested, notes_of
from ablate.report.configurations import CHANGES, Configurations
from ablate.report.formatting import heading, rounded_to
from ablate.report.table import Column, Row, Table
from ablate.report.values import Baseline, Count, Interval, Mean, PValue, Switch, Value
from ablate.stats.comparisons import AgainstBaseline, comparisons_frame

NAME = "ablation"
COLUMNS = 6  # with more factors, configurations are named by their changes
CAPTION = 130  # characters of a note that stands in the caption as well, about two lines of a column
NO_LABEL = r"[^A-Za-z0-9.:-]+"  # what a LaTeX label should not contain


def ablation_table(found: Ablation) -> Table | None:
    """The table, or None for a single configuration."""
    if len(found.summary.cells) < 2:
        return None
    naming = _Naming.of(found.configurations, found.blocks)
    spec = found.spec
    against = {each.cell: each for each in found.against}
    runs, counts = found.summary.counts["runs"].to_dict(), found.counts.to_dict()
    best = _best(found)
    rows = []
    cells = _sorted(found)
    of_means, letters = _specs_of_means(found), _letters(found, cells)
    of_metric = [frame[found.metric].to_dict() for frame in (found.summary.mean, found.summary.sd, found.summary.n)]
    for digest in cells:
        mean, sd, valued = (column[digest] for column in of_metric)
        n = int(counts[digest])
        values: dict[str, Value] = {
            MEAN: Mean(mean, sd, int(valued), n, of_means[digest], digest in best),
            DIFFERENCE: _difference(against.get(digest), found.specs.get(digest, found.spec)),
            P: PValue(against[digest].p_adjusted) if digest in against else None,
            N: Count(n, int(runs[digest])),
            SHARED: letters.get(digest),
            FLAGS: tuple(found.flags.get(digest, ())),
        }
        rows.append(Row({**naming.values(digest), **values}, source=f"cell-{digest}"))
    columns = [*naming.columns, Column(MEAN, heading(spec), "number")]
    tested = any(map(is_tested, found.against))
    columns += [Column(DIFFERENCE, "Δ vs baseline", "number")] if found.against else []
    columns += [Column(P, "p (Holm)" if family_of(found) > 1 else "p", "number")] if tested else []
    columns.append(Column(N, "n", "number"))
    columns += [Column(FLAGS, "flags", "flags")] if any(found.flags.values()) else []
    said = [*notes_of(found, rows, spec, tested), *naming.notes(), *found.notes]
    short = [note for note in naming.notes() if len(note) <= CAPTION]
    caption = " ".join([f"Ablation, {found.study}: {spec.title}.", *caption_of(found, rows, spec, tested), *short])
    return Table(
        NAME,
        "Ablation",
        columns,
        rows,
        _frame(found, cells),
        said,
        caption=caption,
        label=f"tab:{NAME}-{re.sub(NO_LABEL, '-', found.study if found.is_main else f'{found.study}-{found.metric}')}",
    )


def _letters(found: Ablation, cells: Sequence[str]) -> dict[str, str]:
    """A letter for each experiment that is in several rows, unless they are called the same as the baseline."""
    runner = {digest: found.same.get(digest, digest) for digest in cells}
    called = {each.cell for each in found.against if each.same_runs}
    several = [one for one, rows in Counter(runner.values()).items() if rows > 1]
    left = [one for one in several if not any(runner[digest] == one and digest in called for digest in cells)]
    named = dict(zip(left, ascii_lowercase, strict=False))
    return {digest: named[one] for digest, one in runner.items() if one in named}


def _specs_of_means(found: Ablation) -> dict[str, MetricSpec]:
    """By configuration, the metric with the digits of means; without digits of its own, in each block those that it needs."""
    sds = found.summary.sd[found.metric]
    own = found.spec.digits is None
    blocks = {digest: _block(found, digest) if own else "" for digest in found.summary.cells}
    rounded = {
        block: rounded_to(found.spec, [sds[digest] for digest in blocks if blocks[digest] == block])
        for block in set(blocks.values())
    }
    return {digest: rounded[block] for digest, block in blocks.items()}


def _sorted(found: Ablation) -> list[str]:
    """The configurations in their order, by block; of more than `SORTED_FROM`, the baseline and then the best first."""
    cells, sign = found.summary.cells, -1.0 if found.spec.better == "higher" else 1.0
    if not (found.is_sorted or found.blocks):
        return cells
    means, first = found.summary.mean[found.metric], {each.cell for each in found.against}
    blocks = {block: at for at, block in enumerate(dict.fromkeys(_block(found, digest) for digest in cells))}

    def place(digest: str) -> tuple[int, bool, float]:
        mean = sign * means[digest] if found.is_sorted else 0.0
        return blocks[_block(found, digest)], digest in first, math.inf if math.isnan(mean) else mean

    return sorted(cells, key=place)


def removes(start: Level, end: Level) -> bool:
    """Whether a change switches a component off."""
    return end.is_off and not start.is_off


def is_switch(factor: Factor) -> bool:
    """Whether one of two levels of a factor switches it off.

    >>> [is_switch(Factor.of("x", levels)) for levels in ([True, False], ["relu", "none"], ["a", "b"], [0, 1, 2])]
    [True, True, False, False]
    """
    return len(factor) == 2 and sum(level.is_off for level in factor) == 1


@dataclass(frozen=True)
class _Naming:
    """How the rows are named: by one change each, by a column for each factor, or by all changes."""

    configurations: Configurations
    columns: Sequence[Column]
    names: Mapping[str, str]
    switches: Sequence[Factor] = ()

    @classmethod
    def of(cls, configurations: Configurations, blocks: str | None) -> _Naming:
        factors = configurations.factors
        if (names := one_at_a_time(configurations)) is not None:
            return cls(configurations, [Column(CONFIGURATION, "Configuration")], names)
        if not 0 < len(factors) <= COLUMNS:
            title = CHANGES if factors else "Configuration"
            return cls(configurations, [Column(CONFIGURATION, title)], configurations.names)
        short = short_names(list(factors))
        switches = [factor for key, factor in factors.items() if is_switch(factor) and key != blocks]
        keys = {factor.key for factor in switches}
        columns = [Column(f"level {key}", _words(short[key]), "switch" if key in keys else "level") for key in factors]
        columns.sort(key=lambda column: column.key != f"level {blocks}")  # the rows are grouped by block
        return cls(configurations, columns, configurations.names, switches)

    def values(self, digest: str) -> dict[str, Value]:
        """The values of the leading columns, and the name of the configuration."""
        keys = {factor.key for factor in self.switches}
        levels: dict[str, Value] = {}
        for key in self.configurations.factors:
            level = self.configurations.level(digest, key)
            levels[f"level {key}"] = Switch(not level.is_off) if key in keys else level
        return {CONFIGURATION: self.names[digest], **levels}

    def notes(self) -> list[str]:
        """The levels behind ✓ and ✗, if they are not true and false; of one change at a time, those of the first row."""
        short = short_names(list(self.configurations.factors))
        if self.columns[0].key == CONFIGURATION and self.names is not self.configurations.names:
            return self._of_changes({key: _words(name) for key, name in short.items()})
        said = []
        for factor in self.switches:
            on = next(level for level in factor if not level.is_off)
            if on.text.lower() not in ("true", "on", "yes", "1"):
                said.append(f"{_words(short[factor.key])}={on}")
        return [f"Levels shown as ✓: {', '.join(said)}."] if said else []

    def _of_changes(self, words: Mapping[str, str]) -> list[str]:
        """The levels of the first row, and those that `w/o` and `+` stand for, if they are not false and true."""
        (first, baseline), *others = self.configurations.cells.items()
        said = [f"{self.names[first]}: {', '.join(f'{words[key]}={level}' for key, level in baseline.items())}."]
        behind = []
        for digest, cell in others:
            ((key, level),) = cell.changed(baseline).items()
            if not self.names[digest].endswith(f"={level}") and level.text.lower() not in ("true", "false"):
                behind.append(f"{self.names[digest]}: {words[key]}={level}")
        return [*said, f"{'; '.join(behind)}."] if behind else said


def one_at_a_time(configurations: Configurations) -> dict[str, str] | None:
    """The names of the rows if each configuration differs from the first in one of several factors, else None.

    `Full` and `w/o dropout` where components are switched off, `Baseline` and `+ dropout` where they are switched on, and
    `lr=0.1` for any other change.
    """
    cells = list(configurations.cells.items())
    if len(configurations.factors) < 2:
        return None
    (first, baseline), others = cells[0], cells[1:]
    changed = {digest: cell.changed(baseline) for digest, cell in others}
    if any(len(change) != 1 for change in changed.values()) or len(others) < 2:
        return None
    short = short_names(list(configurations.factors))
    names = {}
    removed = added = False
    for digest, change in changed.items():
        ((key, level),) = change.items()
        start, word = baseline[key], _words(short[key])
        removed, added = removed or removes(start, level), added or removes(level, start)
        if removes(start, level):
            names[digest] = f"w/o {word}"
        elif removes(level, start):
            on = "" if is_switch(configurations.factors[key]) else f"={level}"
            names[digest] = f"+ {word}{on}"
        else:
            names[digest] = f"{word}={level}"
    return {first: "Full" if removed and not added else "Baseline", **names}


def _words(key: str) -> str:
    return key.replace("_", " ")


def _difference(found: AgainstBaseline | None, spec: MetricSpec) -> Value:
    if found is None:
        return Baseline()
    if found.same_runs:
        return SAME
    return Interval.of(found.estimate, spec)


def _best(found: Ablation) -> set[str]:
    """The configurations with the best mean; none without a direction, or if all are equal. In blocks, the best of each."""
    better, means = found.spec.better, found.summary.mean[found.metric].dropna()
    means = means[found.summary.n[found.metric][means.index] >= found.enough]
    if better is None or means.nunique() < 2:
        return set()
    block = {digest: _block(found, digest) for digest in means.index}
    groups = means.groupby(pd.Series(block))
    extreme = groups.transform("max" if better == "higher" else "min")
    return set(means.index[means == extreme])


def _block(found: Ablation, digest: str) -> str:
    block = found.blocks or ""
    return str(found.configurations.level(digest, block)) if block in found.configurations.factors else ""


def _frame(found: Ablation, cells: list[str]) -> pd.DataFrame:
    """The unrounded numbers for the CSV: levels, mean, sd, n, and the comparison with the baseline."""
    summary, configurations = found.summary, found.configurations
    parts: dict[str, list[object]] = {
        "cell": list(cells),
        "label": [configurations.labels[digest] for digest in cells],
        "runs": summary.counts["runs"][cells].tolist(),
        "n": found.counts[cells].tolist(),
        "mean": summary.mean[found.metric][cells].tolist(),
        "sd": summary.sd[found.metric][cells].tolist(),
    }
    for key in configurations.factors:
        values = [configurations.level(digest, key).value for digest in cells]
        parts[f"factor.{key}" if key in parts else key] = values
    frame = pd.DataFrame(parts)
    against = comparisons_frame(found.against)
    if against.empty:
        return frame
    against = against.rename(
        columns={name: f"difference_{name}" for name in ("n", "estimate", "low", "high", "se", "df", "sd")}
    )
    return frame.merge(against, "left", on="cell")
