"""Metric descriptions: title, unit, digits, direction, chance level and limit."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ablate.core.errors import UsageError
from ablate.core.levels import Level

Better = Literal["higher", "lower"]
Role = Literal["outcome", "cost", "detail"]
MINUS = " - "  # separates the two terms of a difference of metrics

_GUESSES: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"acc(uracy)?", {"unit": "%", "digits": 1, "better": "higher"}),
    (
        r"auc|auroc|auprc|f1|recall|mrr|ndcg|map|miou|iou|dice|psnr|ssim|top1|top5|bleu|rouge|rew(ards?)?|returns?|scores?|"
        r"success|succeeded|solved|correct|passed|won|win_rate",
        {"better": "higher"},
    ),
    (
        r"loss|error|perplexity|ppl|mse|rmse|mae|mape|nll|bpb|bpd|wer|cer|eer|ece|crps|fid|lpips|brier|regret|cross_entropy|"
        r"failure_rate",
        {"better": "lower"},
    ),
    (r"seconds|time", {"unit": "s", "better": "lower", "role": "cost"}),
    (r"parameters|params|macs|flops", {"digits": 0, "better": "lower", "role": "cost"}),
)
# Words of names that are no metric, or of which it is not known what is better: accuracy_gap, loss_weight, loss_sd. Some of
# them only at the end (reward_clip, but clip_score) or only before it (neg_mean_squared_error, but f1_neg)
_UNKNOWN = re.compile(
    "gap|drop|diff|difference|delta|change|reduction|improvement|rank|std|stdev|sd|stderr|var|variance|"
    "weight|coef|coefficient|lambda|scale|threshold|type|function|fn"
)
_UNKNOWN_LAST = re.compile("gain|sem|se|ci|iqr|margin|clip|mask|temperature|steps|ratio")
_UNKNOWN_BEFORE = re.compile("neg|negative|inverse")


@dataclass(frozen=True, slots=True, config=ConfigDict(strict=True, extra="forbid"))
class MetricSpec:
    """The description of a metric, used in all tables, figures and messages.

    Attributes:
        name: the key in the mapping that a run returns.
        title: the name in tables and figures; if empty, `name` with spaces.
        unit: `%` for a fraction that is shown as a percentage; any other unit is shown in parentheses after the title.
        digits: decimal places shown; None for four significant digits.
        better: the direction of improvement; None if neither is.
        chance: the value of a model that has learned nothing, also assigned to diverged runs.
        limit: for a time to a target, the budget at which runs that never reach the target are censored.
        role: `outcome` (what a configuration achieves), `cost` (what it requires) or `detail` (in the files only).
        note: how the metric was measured, printed below the tables that contain it.
    """

    name: str
    title: Annotated[str, Field(description="a string")] = ""
    unit: Annotated[str, Field(description="a string; `%` for a fraction that is shown as a percentage")] = ""
    digits: Annotated[int | None, Field(ge=0, le=15, description="an integer from 0 to 15, or null")] = None
    better: Annotated[Better | None, Field(description="higher, lower, or null")] = None
    chance: Annotated[float | None, Field(description="a number, or null")] = None
    limit: Annotated[float | None, Field(description="a number, or null")] = None
    role: Annotated[Role, Field(description="outcome, cost or detail")] = "outcome"
    note: Annotated[str, Field(description="a string")] = ""

    def __post_init__(self) -> None:
        if not self.title:
            title = self.name.replace("_", " ")
            for unit in (self.unit, f"({self.unit})", f"[{self.unit}]") if self.unit else ():
                title = title.removesuffix(unit).rstrip() if title.endswith(f" {unit}") else title
            object.__setattr__(self, "title", title)

    @property
    def is_fraction(self) -> bool:
        """Whether values are fractions that are shown as percentages: 100 times as large."""
        return self.unit == "%"

    @property
    def in_percent(self) -> bool:
        """Whether values are shown as percentages, so that differences are percentage points. Some are percentages already."""
        return self.unit == "%"

    @classmethod
    def guess(cls, name: str) -> MetricSpec:
        """Guess the description of a metric from its name: an accuracy is a fraction, and higher is better.

        What follows `to` is not measured but reached. Words that contradict each other, and those of a difference or a
        scatter, tell nothing.

        >>> MetricSpec.guess("test_acc").unit, MetricSpec.guess("val_loss").better
        ('%', 'lower')
        >>> MetricSpec.guess("time_to_accuracy").better, MetricSpec.guess("f1_loss").better
        ('lower', None)
        """
        words = re.split(r"[^a-z0-9]+", re.sub(r"rank[^a-z0-9]?\d+", "", name.lower()))  # rank_1_accuracy
        words = words[: words.index("to")] if "to" in words else words
        pairs = ["_".join(pair) for pair in itertools.pairwise(words)]
        found = [known for pattern, known in _GUESSES if any(re.fullmatch(pattern, word) for word in [*words, *pairs])]
        turned = any(map(_UNKNOWN_BEFORE.fullmatch, words[:-1])) or _UNKNOWN_LAST.fullmatch(words[-1])
        if len({known["better"] for known in found}) != 1 or turned or any(map(_UNKNOWN.fullmatch, words)):
            return cls(name)
        return cls(name, **found[0])

    @classmethod
    def parse(cls, name: str, mapping: Mapping[str, Any] | None = None, known: MetricSpec | None = None) -> MetricSpec:
        """Parse a description from a mapping, such as `{title: Accuracy, unit: "%", better: higher, chance: 0.1}`.

        Missing keys are those of `known`, by default guessed from the name.

        Raises:
            UsageError: for an unknown key or an invalid value.
        """
        if not isinstance(mapping, Mapping | None):
            raise UsageError(f"metrics.{name}={mapping!r}: expected a mapping, such as {{'better': 'higher'}}.")
        mapping = dict(mapping or {})
        allowed = _allowed()
        if unknown := [key for key in mapping if key not in allowed]:
            raise UsageError(f"metrics.{name}: unknown key '{unknown[0]}'; available: {', '.join(allowed)}.")
        try:
            return replace(known or cls.guess(name), **mapping)
        except ValidationError as error:
            key = str(error.errors()[0]["loc"][0])
            raise UsageError(f"metrics.{name}.{key}={mapping[key]}: expected {allowed[key]}.") from None

    def to_mapping(self) -> dict[str, Any]:
        """Convert to a mapping, without the keys whose value is both the default and the guess: the inverse of `parse`."""
        others = (MetricSpec(self.name), MetricSpec.guess(self.name))
        return {
            key: getattr(self, key) for key in _allowed() if any(getattr(self, key) != getattr(other, key) for other in others)
        }


class PercentageSpec(MetricSpec):
    """The description of a metric whose values are percentages already, such as 91.4."""

    __slots__ = ()

    @classmethod
    def of(cls, spec: MetricSpec) -> PercentageSpec:
        """Of the description of a fraction."""
        return cls(**{each.name: getattr(spec, each.name) for each in fields(spec)})

    @property
    def is_fraction(self) -> bool:
        return False


class Metrics(Mapping[str, MetricSpec]):
    """The metrics of a study by name, in order. Differences `one - other` can be looked up too."""

    def __init__(self, specs: Mapping[str, MetricSpec] | None = None) -> None:
        self._specs = dict(specs or {})

    def __getitem__(self, name: str) -> MetricSpec:
        """The description of a metric or of a difference of two metrics; guessed from the name if the study has none.

        Which direction of a difference is better is not known unless the study says so.
        """
        if name in self._specs:
            return self._specs[name]
        terms = terms_of(name)
        if len(terms) == 1:
            return MetricSpec.guess(name)
        first, other = (self[term] for term in terms)
        chance = None if first.chance is None or other.chance is None else first.chance - other.chance
        title = f"{first.title}{MINUS}{other.title}"
        found = replace(first, name=name, title=title, better=None, chance=chance, limit=None, note="")
        same = (first.unit, first.is_fraction) == (other.unit, other.is_fraction)
        return found if same else replace(found, unit="", digits=None)

    def completed(
        self, names: Iterable[str] = (), chance: Mapping[str, float] | None = None, limits: Mapping[str, float] | None = None
    ) -> Metrics:
        """Add metrics by name, and fill in missing chance levels and limits.

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

    def updated(self, described: Mapping[str, Mapping[str, Any] | None]) -> Metrics:
        """Change or add descriptions.

        >>> Metrics().updated({"test_acc": {"title": "Accuracy"}})["test_acc"].title
        'Accuracy'

        Raises:
            UsageError: for an unknown key or an invalid value.
        """
        specs = {name: MetricSpec.parse(name, each, self[name]) for name, each in described.items()}
        return Metrics({**self._specs, **specs})

    def settled(self, spec: MetricSpec, claimed: Collection[str]) -> MetricSpec:
        """A newer description of a metric of a study with claims, without changes of what verdicts rest on.

        The direction of a metric that a claim is about stays, and may be added if it was not known.

        Args:
            spec: the newer description.
            claimed: the metrics of the claims, see `metrics_of`.
        """
        was = self[spec.name]
        better = (spec.name in claimed and was.better) or spec.better
        return replace(spec, better=better, chance=was.chance, limit=was.limit)

    def check_settled(self, described: Mapping[str, Mapping[str, Any] | None], claimed: Collection[str], study: object) -> None:
        """Check that new descriptions of a study with claims change nothing that verdicts rest on, see `settled`.

        Args:
            described: by name, what to change.
            claimed: the metrics of the claims.
            study: its folder, for the message.

        Raises:
            UsageError: for a changed direction, chance level or limit.
        """
        for name, keys in described.items():
            spec = MetricSpec.parse(name, keys, self[name])
            kept = self.settled(spec, claimed)
            for key in ("better", "chance", "limit"):
                now, was = (Level.of(getattr(each, key)) for each in (spec, kept))
                if now != was:
                    raise UsageError(
                        f"the {key} of {name} is fixed with the claims of {study}: it was {was} and is now {now}. A "
                        "sweep with another study.name may describe it so."
                    )

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._specs!r})"


def metrics_of(names: Iterable[str]) -> set[str]:
    """These metrics, and the terms of those that are differences."""
    return {each for name in names for each in (name, *terms_of(name))}


def terms_of(metric: str) -> tuple[str, ...]:
    """The names of the metrics: one, or two for a difference `one - other`."""
    return tuple(metric.split(MINUS, 1))


def parse_typed(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Parse metrics as typed: names with commas, or one name with the keys of its description.

    >>> parse_typed("acc, loss")
    [('acc', {}), ('loss', {})]
    >>> parse_typed("acc: title=Accuracy, unit=%, digits=1, better=higher, chance=0.1")
    [('acc', {'title': 'Accuracy', 'unit': '%', 'digits': 1, 'better': 'higher', 'chance': 0.1})]

    Raises:
        UsageError: if a key has no value.
    """
    name, _, rest = (part.strip() for part in text.partition(": "))
    if not rest:
        return [(part.strip(), {}) for part in text.split(",")]
    mapping: dict[str, Any] = {}
    for part in rest.split(","):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not equals:
            raise UsageError(f"metric {name}: expected key=value after the colon, got '{part.strip()}'.")
        mapping[key] = _plain(key, value)
    return [(name, mapping)]


@cache
def _allowed() -> dict[str, str]:
    """What each key of a description accepts."""
    properties = TypeAdapter(MetricSpec).json_schema()["properties"]
    return {key: each["description"] for key, each in properties.items() if key != "name"}


def _plain(key: str, text: str) -> object:
    """The value of a key that was typed: a number where one is expected, and null."""
    if text == "null":
        return None
    try:
        return int(text) if key == "digits" else float(text) if key in ("chance", "limit") else text
    except ValueError:
        return text
