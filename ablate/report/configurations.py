"""Names of configurations in tables and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ablate.core.cells import BASELINE, SHOWN_IN_FULL, Cell
from ablate.core.levels import Factor, Level, short_names

CHANGES = "Configuration (changes from the baseline)"


@dataclass(frozen=True)
class Configurations:
    """The configurations of a study by digest, the baseline first.

    Attributes:
        cells: the levels of each configuration.
        factors: the factors of the study.
        labels: all levels as text, with the digest if the levels alone are ambiguous.
        names: the labels, or with many factors only the changes from the baseline.
        changes: only the changes from the baseline, for figures; `baseline` for the baseline itself. With blocks, the block and
            the changes from the baseline of the first one.
    """

    cells: Mapping[str, Cell]
    factors: Mapping[str, Factor]
    labels: Mapping[str, str]
    names: Mapping[str, str]
    changes: Mapping[str, str]

    @classmethod
    def of(cls, cells: Mapping[str, Cell], factors: Mapping[str, Factor], block: str | None = None) -> Configurations:
        """Name these configurations; the first digest is the baseline, and `block` the factor whose levels are blocks.

        If each of the others changes one factor, they are put in the order of the factors and their levels.
        """
        cells = _ordered(cells, factors)
        labels = _unique({digest: cell.label for digest, cell in cells.items()})
        changes = dict(_by_changes(cells, labels, block))
        names = labels if len(factors) <= SHOWN_IN_FULL else dict(changes)
        if len(changes) > 1:
            changes[next(iter(changes))] = BASELINE
        return cls(cells, factors, labels, names, changes)

    @property
    def single_changes(self) -> bool:
        """Whether each configuration differs from the baseline in one factor."""
        baseline = next(iter(self.cells.values()), Cell({}))
        return all(len(cell.changed(baseline)) == 1 for cell in list(self.cells.values())[1:])

    @property
    def one_at_a_time(self) -> bool:
        """Whether each configuration differs from the baseline in one of several factors."""
        return len(self.factors) > 1 and self.single_changes

    @property
    def column_each(self) -> bool:
        """Whether each factor has its own column in tables."""
        return 0 < len(self.factors) <= SHOWN_IN_FULL

    def level(self, digest: str, factor: str) -> Level:
        """The level of a factor in a configuration."""
        return self.cells[digest][factor]

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)


def _ordered(cells: Mapping[str, Cell], factors: Mapping[str, Factor]) -> Mapping[str, Cell]:
    baseline, keys = next(iter(cells.values()), Cell({})), list(factors)
    changed = {digest: cell.changed(baseline) for digest, cell in list(cells.items())[1:]}
    if len(keys) < 2 or any(len(change) != 1 for change in changed.values()):
        return cells

    def place(digest: str) -> tuple[int, int]:
        ((key, level),) = changed[digest].items()
        return keys.index(key), factors[key].levels.index(level)

    return {digest: cells[digest] for digest in [*list(cells)[:1], *sorted(changed, key=place)]}


def _unique(labels: Mapping[str, str]) -> dict[str, str]:
    count = Counter(labels.values())
    return {digest: label if count[label] == 1 else f"{label} {digest}" for digest, label in labels.items()}


def _by_changes(cells: Mapping[str, Cell], labels: Mapping[str, str], block: str | None) -> Mapping[str, str]:
    """The full label of the baseline, and the changes of the others; the labels if these are not unique."""
    baseline = next(iter(cells.values()), Cell({}))
    short = short_names(list(baseline))
    changes = {digest: _changed(cell, baseline, block) for digest, cell in cells.items()}
    names = {digest: ", ".join(f"{short[key]}={level}" for key, level in levels.items()) for digest, levels in changes.items()}
    return names if len(set(names.values())) == len(names) else labels


def _changed(cell: Cell, baseline: Cell, block: str | None) -> Cell:
    """What differs from the baseline, after the block; all levels if nothing does."""
    changed = cell.changed(baseline)
    if not changed:
        return cell
    return Cell({block: cell[block], **changed}) if block is not None and block in cell else changed
