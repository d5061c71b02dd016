"""Contrasts between cells: weighted sums whose weights add up to zero. n is always the number of seeds."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablate.core.cells import Cell, Condition
from ablate.core.claims import Change
from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.stats.estimates import PAIRS, Estimate, Kind, Scale, Unpaired, student, unpaired_note, weighed_sum
from ablate.stats.independent_means import contrast_of_means
from ablate.stats.outcomes import ANYWHERE, Outcomes
from ablate.stats.rounding import at_resolution

DOES_NOTHING = "the factor has no effect on the configuration"
NO_INTERACTION = "cannot be estimated: one of the factors has no effect on the configuration at some level of the other"


def contrast(
    outcomes: Outcomes, change: Change, where: Condition | None = None, scale: Scale = "difference", kind: Kind = "simple"
) -> Estimate:
    """Estimate a change's paired difference, averaged over the alive strata within each seed, by Student's paired t.

    With D(s) the average of seed s: estimate = mean of D, se = sd(D) / sqrt(n), df = n - 1 (Student 1908). Unequal
    variances of cells, and cells that are paired more or less closely, do not matter to it. The scale `ratio` takes
    differences of natural logarithms.

    Raises:
        UsageError: if `where` selects no run, a level does not exist, or a ratio is asked of values that are not positive.
    """
    return _averaged(outcomes, (change,), where, scale, kind)


def interaction(
    outcomes: Outcomes,
    first: Change,
    second: Change,
    where: Condition | None = None,
    scale: Scale = "difference",
) -> Estimate:
    """Estimate by how much the second change increases the first one's effect: a difference of differences.

    It is averaged over alive strata. Strata where one of the changes has no effect at one level of the other are inert:
    there, an interaction is the same thing as a simple contrast. By paired t over seeds (df = n - 1).
    """
    return _averaged(outcomes, (first, second), where, scale, "interaction")


def mean(outcomes: Outcomes, where: Condition | None = None, value: float = 0.0) -> Estimate:
    """Estimate the mean of the selected cells minus `value`, averaged within each seed, by the one-sample t, df = n - 1."""
    columns = list(dict.fromkeys(outcomes.select(where).values()))
    values = outcomes.complete(columns)
    by_seed = values.mean(axis="columns") - value
    found = Estimate("mean", (), by_seed, *student(by_seed), where or ANYWHERE)
    runs = list(values.to_numpy().T)
    return at_resolution(found, outcomes.step, strata=runs, cells=runs)


def every_contrast(outcomes: Outcomes, further: Sequence[Change] = ()) -> list[Estimate]:
    """Estimate every level against its factor's baseline, and `further` changes.

    In a complete factorial there are also the interactions of two factors.

    A complete factorial of several factors yields main effects and interactions; any other design (one change at a time,
    say) simple contrasts, and no interaction is claimed. Each has its own error over seeds, right also where cells are
    paired more or less closely. What cannot be estimated keeps its place, without numbers and with a note.
    """
    changes = {
        key: [Change.of(key, factor.baseline, level) for level in factor.levels[1:]] for key, factor in outcomes.factors.items()
    }
    factorial = len(changes) > 1 and outcomes.complete_factorial
    asked: list[tuple[Change, ...]] = [(change,) for change in itertools.chain(*changes.values())]
    asked += [(change,) for change in further if (change,) not in asked]
    if factorial:
        for one, other in itertools.combinations(changes, 2):
            asked += itertools.product(changes[one], changes[other])
    kinds: tuple[Kind, Kind] = ("main effect" if factorial else "simple", "interaction")
    found = []
    for group in asked:
        kind = kinds[len(group) - 1]
        try:
            found.append(_averaged(outcomes, group, None, "difference", kind))
        except UsageError as error:
            nothing = pd.Series(dtype=float)
            found.append(Estimate(kind, group, nothing, np.nan, 0.0, note=str(error).removesuffix(".")))
    return found


@dataclass(frozen=True)
class Weights:
    """The cells of a contrast.

    Attributes:
        by_column: the weight of each column of the outcomes.
        strata: the levels of the other factors over which the contrast is averaged.
        inert: strata that are left out, since a changed factor has no effect there.
        corners: for each of `strata` the columns of its cells, the last change varying fastest.
    """

    by_column: pd.Series
    strata: list[Cell]
    inert: list[Cell]
    corners: list[list[int]]


# By the levels of the other factors, and those of the factors that change: the place of a cell, the cell, and its column
_Strata = dict[tuple[str, ...], dict[tuple[Level, ...], tuple[int, Cell, int]]]
_Where = tuple[tuple[str, tuple[Level, ...]], ...]


@dataclass(frozen=True)
class _Known:
    """What was found before of some outcomes, by changes (or their factors) and condition."""

    weights: dict[tuple[tuple[Change, ...], _Where], Weights] = field(default_factory=dict)
    strata: dict[tuple[tuple[str, ...], _Where], _Strata] = field(default_factory=dict)


_KNOWN: WeakKeyDictionary[Outcomes, _Known] = WeakKeyDictionary()


def weights(outcomes: Outcomes, changes: Sequence[Change], where: Condition | None = None) -> Weights:
    """Weigh the cells of a contrast (one change) or an interaction (two), over the alive strata.

    Strata that share their runs, at levels of another factor without effect there, count once: the first.

    Raises:
        UsageError: if a factor or a level does not exist, `where` fixes a factor that changes, or no cells can be compared.
    """
    where, known = where or ANYWHERE, _KNOWN.setdefault(outcomes, _Known())
    asked = tuple(changes), tuple(where.allowed.items())
    if asked not in known.weights:
        known.weights[asked] = _weights(outcomes, changes, where)
    return known.weights[asked]


def _weights(outcomes: Outcomes, changes: Sequence[Change], where: Condition) -> Weights:
    for change in changes:
        factor = outcomes.factor(change.factor)
        if change.factor in where.allowed:
            raise UsageError(f"{change.factor} changes, so `where` cannot fix it.")
        for level in (change.start, change.end):
            factor.level(level)
    keys = [change.factor for change in changes]
    ends = list(itertools.product(*((change.start, change.end) for change in changes)))
    strata, inert, corners_of = [], [], []
    seen: set[tuple[int, ...]] = set()
    for stratum, columns in _strata(outcomes, where, keys, ends):
        if len(set(columns)) < len(columns):
            inert.append(stratum)
        elif tuple(columns) not in seen:  # else the same runs, at another level of a factor without effect there
            seen.add(tuple(columns))
            strata.append(stratum)
            corners_of.append(columns)
    if not strata and not inert:
        place = f" where {where}" if where else ""
        raise UsageError(f"no runs differ in {' and '.join(map(str, changes))} alone{place}.")
    of_corners = np.tile(np.array(_signs(len(changes))) / max(len(strata), 1), len(strata))
    places = _places(outcomes.outcomes, corners_of).ravel()  # a cell may be in several strata
    total = np.bincount(places, of_corners, minlength=outcomes.outcomes.shape[1])
    return Weights(pd.Series(total, index=outcomes.outcomes.columns), strata, inert, corners_of)


def _signs(changes: int) -> list[float]:
    """The weights of the corners of a contrast, the last change varying fastest."""
    return [float(math.prod(bits)) for bits in itertools.product((-1, 1), repeat=changes)]


def _strata(
    outcomes: Outcomes, where: Condition, keys: Sequence[str], ends: Sequence[tuple[Level, ...]]
) -> Iterator[tuple[Cell, list[int]]]:
    """Each stratum that was run at all these levels of the factors `keys`, with its columns; in the order of the cells."""
    strata, asked = _KNOWN[outcomes].strata, (tuple(keys), tuple(where.allowed.items()))
    if asked not in strata:  # the same for all levels of these factors
        index: _Strata = {}
        for at, (cell, column) in enumerate(outcomes.select(where).items()):
            others = tuple(level.text for key, level in cell.items() if key not in keys)  # texts are hashed faster than cells
            index.setdefault(others, {})[tuple(cell[key] for key in keys)] = (at, cell, column)
        strata[asked] = index
    found = [[by_end[end] for end in ends] for by_end in strata[asked].values() if all(end in by_end for end in ends)]
    for corners in sorted(found, key=lambda corners: corners[0][0]):
        yield corners[0][1].without(keys), [column for _, _, column in corners]


def _averaged(outcomes: Outcomes, changes: tuple[Change, ...], where: Condition | None, scale: Scale, kind: Kind) -> Estimate:
    weighed = weights(outcomes, changes, where)
    strata, corners = weighed.strata, weighed.corners
    used = sorted({column for columns in corners for column in columns})
    if strata and not outcomes.pairs:  # as below, without the work
        return _unpaired(
            Estimate(kind, changes, pd.Series(dtype=float), np.nan, 0.0, where or ANYWHERE, strata, weighed.inert, strata,
                     scale=scale), outcomes, weighed,
        )  # fmt: skip
    values = scaled(outcomes.outcomes[used], scale)
    complete = values.dropna() if strata else values.iloc[:0]
    by_seed = weighed_sum(complete, weighed.by_column[used], scale)
    se, df = student(by_seed)
    at = _places(values, corners)
    known: NDArray[np.bool_] = np.all(values.notna().to_numpy()[:, at], axis=-1)  # (seeds, strata)
    missing = [stratum for stratum, seeds in zip(strata, known.T, strict=True) if not seeds.any()]
    identical = bool(len(complete)) and not np.ptp(complete.to_numpy()[:, at], axis=-1).any()
    note = ""
    if not strata:
        note = DOES_NOTHING if len(changes) == 1 else NO_INTERACTION
    arms = None
    if strata and len(changes) == 1:
        arms = pd.DataFrame(
            {name: complete[[columns[end] for columns in corners]].mean(axis=1) for end, name in enumerate(("first", "second"))}
        )
    found = Estimate(
        kind, changes, by_seed, se, df, where or ANYWHERE, strata, weighed.inert, missing, identical, scale, note, arms
    )
    if strata:
        pairs = known.sum(axis=0)  # of each stratum
        if pairs.max() < PAIRS and (apart := _unpaired(found, outcomes, weighed)).unpaired:
            return apart
        if len(complete) < outcomes.together and max(len(complete) + 1, PAIRS) <= pairs.min():
            return _strata_apart(found, outcomes, weighed)
    each = complete.to_numpy()[:, at] @ _signs(len(changes)) if strata else np.empty((0, 0))  # (seeds, strata)
    return at_resolution(found, outcomes.step_of(used, scale), strata=list(each.T), cells=list(complete.to_numpy().T))


def _strata_apart(found: Estimate, outcomes: Outcomes, weighed: Weights) -> Estimate:
    """The mean over strata of which few seeds have all: each over the seeds that pair in it.

    The variance adds up, seed by seed, what it contributes to the strata that it is in: sum over seeds of (sum over S strata of
    r / (S n) sqrt(n / (n - 1)))^2 with the residuals r of a stratum of n seeds. It is the paired t where all seeds are in all
    strata, and the sum of the squared errors over S^2 where strata share none. The degrees of freedom are those of the
    smallest stratum.
    """
    size, signs = len(weighed.strata), _signs(len(found.changes))
    parts, means, counts, strata, identical = [], [], [], [], True
    for columns in weighed.corners:
        values = scaled(outcomes.outcomes[columns], found.scale).dropna()
        by_seed = weighed_sum(values, pd.Series(signs, index=columns), found.scale)
        identical = identical and not np.ptp(values.to_numpy(), axis=1).any()
        n = len(by_seed)
        parts.append((by_seed - by_seed.mean()) / size / math.sqrt(n * (n - 1)))
        means.append(float(by_seed.mean()))
        counts.append(n)
        strata.append(by_seed)
    se = math.sqrt(float((pd.concat(parts, axis=1).sum(axis=1) ** 2).sum()))
    which = f"only {'one seed is' if found.n == 1 else f'{found.n} seeds are'}" if found.n else "no seed is"
    note = f"{which} complete in all strata: each stratum over its own seeds ({', '.join(map(str, counts))})"
    unpaired = Unpaired(float(np.mean(means)), tuple(counts), min(counts))
    used = sorted({column for columns in weighed.corners for column in columns})
    nothing = found.by_seed.iloc[:0]
    apart = replace(found, by_seed=nothing, se=se, df=min(counts) - 1.0, identical=identical, note=note, unpaired=unpaired)
    cells = [scaled(outcomes.known[column].to_frame(), found.scale).iloc[:, 0] for column in used]
    return at_resolution(apart, outcomes.step_of(used, found.scale), strata=strata, cells=cells)


def _unpaired(found: Estimate, outcomes: Outcomes, weighed: Weights) -> Estimate:
    """The same contrast of independent means, where no stratum has two pairs; as it is if a cell has fewer than two runs.

    Welch's t for two cells; of several, those of an arm may share seeds: see `contrast_of_means`. Where no seeds pair at all,
    single runs are compared, too, without an interval; elsewhere, their pairs may still come.
    """
    used = sorted({column for columns in weighed.corners for column in columns})
    runs = {column: scaled(outcomes.known[column].to_frame(), found.scale).iloc[:, 0] for column in used}
    fewest = min(map(len, runs.values()), default=0)
    if fewest < outcomes.fewest:
        return found
    ends = [sorted({columns[end] for columns in weighed.corners}) for end in range(2 ** len(found.changes))]
    counts = tuple(sum(len(runs[column]) for column in end) for end in ends)
    seeds = tuple(len(set().union(*(runs[column].index for column in end))) for end in ends)
    arms = None
    if len(found.changes) == 1:
        first, second = (pd.Series(np.concatenate([runs[column].to_numpy() for column in end])) for end in ends)
        arms = pd.DataFrame({"first": first, "second": second})
    common = len(functools.reduce(pd.Index.intersection, (values.index for values in runs.values())))
    note = unpaired_note(common, counts, fewest)
    if seeds != counts:
        note += f" of {' and '.join(map(str, seeds))} seeds"
    estimate, se, df = contrast_of_means(list(runs.values()), weighed.by_column[used])
    unpaired = Unpaired(estimate, counts, fewest)
    nothing = found.by_seed.iloc[:0]
    welch = replace(found, by_seed=nothing, se=se, df=df, missing=(), identical=False, note=note, arms=arms, unpaired=unpaired)
    return at_resolution(welch, outcomes.step_of(used, found.scale), list(runs.values()))


def by_stratum(
    outcomes: Outcomes, changes: Sequence[Change], where: Condition | None = None, scale: Scale = "difference"
) -> list[Estimate]:
    """Estimate the same contrast in each alive stratum by itself, each over the seeds that are complete there."""
    weighed = weights(outcomes, changes, where)
    found = []
    for stratum, columns in zip(weighed.strata, weighed.corners, strict=True):
        fixed = Condition({**(where or ANYWHERE).allowed, **{key: (level,) for key, level in stratum.items()}})
        single = Weights(pd.Series(_signs(len(changes)), index=columns), [stratum], [], [columns])
        complete = scaled(outcomes.complete(columns), scale)
        by_seed = weighed_sum(complete, single.by_column, scale)
        same = bool(len(complete)) and not np.ptp(complete.to_numpy(), axis=1).any()
        kind: Kind = "interaction" if len(changes) > 1 else "simple"
        one = Estimate(kind, tuple(changes), by_seed, *student(by_seed), fixed, [stratum], identical=same, scale=scale)
        apart = _unpaired(one, outcomes, single) if len(complete) < PAIRS else one
        runs, step = list(complete.to_numpy().T), outcomes.step_of(columns, scale)
        found.append(apart if apart.unpaired else at_resolution(one, step, cells=runs))
    return found


def means_by_cell(outcomes: Outcomes, where: Condition | None = None, value: float = 0.0) -> list[Estimate]:
    """Estimate the mean of each selected cell by itself, minus `value`."""
    found = []
    for cell, column in {column: (cell, column) for cell, column in reversed(outcomes.select(where).items())}.values():
        by_seed = outcomes.known[column] - value
        fixed = Condition({key: (level,) for key, level in cell.items()})
        mean_of_cell = Estimate("mean", (), by_seed, *student(by_seed), fixed, [cell])
        found.append(at_resolution(mean_of_cell, outcomes.step, cells=[outcomes.known[column]]))
    order = {cell: at for at, cell in enumerate(outcomes.cells)}
    return sorted(found, key=lambda each: order[each.strata[0]])


def _places(values: pd.DataFrame, corners: Sequence[Sequence[int]]) -> NDArray[np.intp]:
    """Where the corners of each stratum stand among the columns: (strata, corners)."""
    flat = values.columns.get_indexer(pd.Index(list(itertools.chain(*corners))))
    return flat.reshape(len(corners), -1) if corners else flat.reshape(0, 1)


def scaled(values: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """Values, or for the scale `ratio` their natural logarithms. Raises UsageError if one is not above zero then."""
    if scale == "difference":
        return values
    if scale != "ratio":
        raise ValueError(f"unknown scale '{scale}': difference or ratio.")
    if (values <= 0).any(axis=None):
        raise UsageError("a ratio needs values above zero.")
    return values.transform(np.log)
