"""What a metric is: its title, unit, direction, and the values that mean "learned nothing" and "never reached"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ablate.core.errors import UsageError

Better = Literal["higher", "lower"]
Role = Literal["outcome", "cost", "detail"]
MINUS = " - "  # between the two terms of a difference of metrics

_GUESSES: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"acc(uracy)?", {"unit": "%", "digits": 1, "better": "higher"}),
    (r"auc|auroc|f1|map|bleu|rouge|reward|return|score", {"better": "higher"}),
    (r"loss|error|perplexity|ppl|mse|rmse|mae", {"better": "lower"}),
    (r"seconds|time", {"unit": "s", "better": "lower", "role": "cost"}),
    (r"parameters|params|macs|flops", {"digits": 0, "better": "lower", "role": "cost"}),
)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric of a study, described once for every table, figure and message.

    Attributes:
        name: the key under which runs return it.
        title: how tables and figures call it; the name with spaces if empty.
        unit: `%` for a fraction that is shown times 100; any other text is printed behind the title.
        digits: digits behind the decimal point as shown; None for four significant ones.
        better: which direction is an improvement, if one is.
        chance: the value of a run that learned nothing, which a diverged run counts as.
        limit: for a time to a target, the budget at which a run that never reached it is censored.
        role: `outcome` (what a configuration achieves), `cost` (what it takes), or `detail` (in files, not in tables).
        note: how it was measured, printed once below the tables that show it.
    """

    name: str
    title: str = ""
    unit: str = ""
    digits: int | None = None
    better: Better | None = None
    chance: float | None = None
    limit: float | None = None
    role: Role = "outcome"
    note: str = ""

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.name.replace("_", " "))

    @property
    def percent(self) -> bool:
        """Whether values are fractions that are shown times 100."""
        return self.unit == "%"

    @classmethod
    def guess(cls, name: str) -> MetricSpec:
        """What the name of an undescribed metric suggests: an accuracy is a fraction of which more is better.

        >>> MetricSpec.guess("test_acc").unit, MetricSpec.guess("val_loss").better
        ('%', 'lower')
        """
        words = re.split(r"[^a-z0-9]+", name.lower())
        for pattern, known in _GUESSES:
            if any(re.fullmatch(pattern, word) for word in words):
                return cls(name, **known)
        return cls(name)

    @classmethod
    def parse(cls, name: str, mapping: Mapping[str, Any] | None = None) -> MetricSpec:
        """A description from a mapping, such as `{title: Accuracy, unit: "%", better: higher, chance: 0.1}`.

        What it does not say is guessed from the name.

        Raises:
            UsageError: for an unknown key, or a value that the key cannot have.
        """
        mapping = dict(mapping or {})
        if unknown := [key for key in mapping if key not in _KEYS]:
            raise UsageError(f"metrics.{name}: unknown key '{unknown[0]}'; available: {', '.join(_KEYS)}.")
        for key, value in mapping.items():
            if not _KEYS[key](value):
                raise UsageError(f"metrics.{name}.{key}={value}: {_ALLOWED[key]}.")
        return replace(cls.guess(name), **mapping)

    def to_mapping(self) -> dict[str, Any]:
        """All that differs from what the name suggests, as YAML can hold it: the inverse of `parse`."""
        guessed = MetricSpec.guess(self.name)
        return {key: getattr(self, key) for key in _KEYS if getattr(self, key) != getattr(guessed, key)}


class Metrics(Mapping[str, MetricSpec]):
    """The metrics of a study by name, in their order. Looks up a difference `one - other` as well."""

    def __init__(self, specs: Mapping[str, MetricSpec] | None = None) -> None:
        self._specs = dict(specs or {})

    def __getitem__(self, name: str) -> MetricSpec:
        """The description of a metric, or of a difference of two; guessed from the name if the study does not have it."""
        if name in self._specs:
            return self._specs[name]
        terms = terms_of(name)
        if len(terms) == 1:
            return MetricSpec.guess(name)
        first, other = (self[term] for term in terms)
        chance = None if first.chance is None or other.chance is None else first.chance - other.chance
        title = f"{first.title}{MINUS}{other.title}"
        found = replace(first, name=name, title=title, chance=chance, limit=None, note="")
        return found if first.unit == other.unit else replace(found, unit="", digits=None)

    def completed(
        self, names: Iterable[str] = (), chance: Mapping[str, float] | None = None, limits: Mapping[str, float] | None = None
    ) -> Metrics:
        """These metrics and those of the given names, with chance levels and limits for those that have none.

        >>> Metrics().completed(["accuracy"], chance={"accuracy": 0.1})["accuracy"].chance
        0.1
        """
        chance, limits = chance or {}, limits or {}
        specs = {name: self[name] for name in dict.fromkeys([*self, *names, *chance, *limits])}
        return Metrics(
            {
                name: replace(
                    spec,
                    chance=chance.get(name) if spec.chance is None else spec.chance,
                    limit=limits.get(name) if spec.limit is None else spec.limit,
                )
                for name, spec in specs.items()
            }
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._specs


def terms_of(metric: str) -> tuple[str, ...]:
    """The one metric that this names, or the two of a difference `one - other`."""
    return tuple(metric.split(MINUS, 1))


def _number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


_KEYS: dict[str, Any] = {
    "title": lambda value: isinstance(value, str),
    "unit": lambda value: isinstance(value, str),
    "digits": lambda value: value is None or (type(value) is int and 0 <= value <= 15),
    "better": lambda value: value in (None, "higher", "lower"),
    "chance": _number,
    "limit": _number,
    "role": lambda value: value in ("outcome", "cost", "detail"),
    "note": lambda value: isinstance(value, str),
}
_ALLOWED = {
    "title": "a text",
    "unit": "a text, `%` for a fraction that is shown times 100",
    "digits": "a whole number from 0 to 15, or null",
    "better": "higher, lower, or null",
    "chance": "a number, or null",
    "limit": "a number, or null",
    "role": "outcome, cost or detail",
    "note": "a text",
}
