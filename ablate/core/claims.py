"""Claims: the statements that a study should decide. They are validated before anything runs.

Every claim has `id`, `says` (in words) and `kind`; optional keys are `quote` (the original words), `metric` (by default the
main metric of the study), `where` (levels of other factors), `needs` (levels that the study must have) and `primary` (true by
default). `metric` names one metric, or the difference of two metrics of the same run: `one - other`. All kinds except `exact`
accept `published`, a published value for the scorecard; all accept `protocol`, which says how that value was measured.

| kind | keys |
|---|---|
| contrast | `contrast: {factor, from, to}`, `expects`, `margin`, `scale` (difference or ratio) |
| interaction | `interaction:` a list of two changes: how much the second increases the effect of the first; rest as above |
| threshold | `value`: the mean of the cells that `where` selects, minus this number; `expects`, `margin` |
| exact | `value`: every run that `where` selects must have exactly this value |
| path | `path: {changes: {name: one or several {factor, from, to}}, of: name}`, `expects`, `margin`, `exceeds` |

`expects` is one of

- `higher`, `lower`: there is a difference in this direction;
- `higher by the margin`, `lower by the margin`: it is larger than the margin;
- `noninferior`: worse by less than the margin, if at all. What is worse follows from the metric (`better: lower` for a loss);
- `equivalent`: smaller than the margin in both directions, at every level of the other factors;
- for a path also `largest`: the share of `of` is larger than that of every other change.

`of: all` stands for the whole difference of a path; `exceeds: 0.5` claims that the share is more than half of it. The margin is
the smallest difference that matters; on the ratio scale it is a factor such as 1.05. `published` is a number, or
`{value, kind, n_runs}` if the value is not that of a single run: `kind` is `run` (one run; for a difference, two runs without a
common seed), `paired` (two runs with one seed), `best` or `mean` (of `n_runs` runs of each configuration).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from ablate.core.cells import Condition
from ablate.core.errors import ClaimError
from ablate.core.invalid import Invalid
from ablate.core.levels import Level

FEWEST_SEEDS = 5  # no verdict below so many seeds
ALL = "all"  # the whole difference of a path
LARGEST = "largest"
Expects = Literal["higher", "lower", "equivalent", "higher by the margin", "lower by the margin", "noninferior"]
EXPECTS: tuple[Expects, ...] = get_args(Expects)
Unit = Literal["seed", "block"]  # what the n of a verdict counts
NEED_A_MARGIN = {
    "equivalent": "equivalence",
    "noninferior": "non-inferiority",
    "higher by the margin": "superiority by the margin",
    "lower by the margin": "superiority by the margin",
}
COMMON = ("id", "says", "quote", "kind", "metric", "where", "needs", "primary")
FIGURE = ("published", "protocol")
KEYS = {
    "contrast": ("contrast", "expects", "margin", "scale", *FIGURE),
    "interaction": ("interaction", "expects", "margin", "scale", *FIGURE),
    "threshold": ("value", "expects", "margin", *FIGURE),
    "exact": ("value", "protocol"),
    "path": ("path", "expects", "margin", "exceeds", *FIGURE),
}
STEP = "{factor, from, to}"


def _number(value: object) -> object:
    """Accept finite numbers only: pydantic would also convert booleans and strings."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("should be a number")
    return value


def _condition(value: object) -> Condition:
    if isinstance(value, Condition):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("should map keys to levels")
    if empty := [key for key, levels in value.items() if isinstance(levels, list | tuple) and not levels]:
        raise ValueError(f"no level given for {empty[0]}")
    return Condition.of(value)


LevelField = Annotated[Level, BeforeValidator(Level.of)]
Number = Annotated[float, BeforeValidator(_number)]
ConditionField = Annotated[Condition, BeforeValidator(_condition)]


class Change(BaseModel):
    """A change of one factor from one level to another.

    >>> str(Change.of("stem", "direct", "pyramid"))
    'stem: direct → pyramid'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    factor: StrictStr
    start: LevelField = Field(alias="from")
    end: LevelField = Field(alias="to")

    @classmethod
    def of(cls, factor: str, start: object, end: object) -> Change:
        """Make a change from two levels or plain values."""
        return cls.model_validate({"factor": factor, "from": Level.of(start), "to": Level.of(end)})

    def __str__(self) -> str:
        return f"{self.factor}: {self.start} → {self.end}"


class HowPublished(BaseModel):
    """How a published figure was made.

    Attributes:
        kind: `run`: of one run, or for a difference of one run of each configuration, without a common seed; `paired`: the
            difference of two runs of one seed; `best`, `mean`: of `n_runs` runs, of each configuration.
        n_runs: for best and mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["run", "paired", "best", "mean"] = "run"
    n_runs: Annotated[int, Field(ge=1, strict=True)] = 1


class Claim(BaseModel):
    """A claim. `changes` has one change for a contrast and two for an interaction; `path` has the changes of a path by name.

    Create claims with `Claim.parse`. `meaning` is a digest of everything that affects the verdict, without the wording: two
    claims with equal digests are the same claim.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    id: str
    says: Annotated[StrictStr, Field(min_length=1)]
    kind: Literal["contrast", "interaction", "threshold", "exact", "path"]
    metric: StrictStr = ""
    quote: StrictStr = ""
    changes: tuple[Change, ...] = ()
    path: dict[str, tuple[Change, ...]] = Field(default_factory=dict)
    of: str = ""
    where: ConditionField = Field(default_factory=lambda: Condition({}))
    expects: Expects | Literal["largest", ""] = ""
    margin: Number | None = None
    value: Number | None = None
    exceeds: Number | None = None
    published: Number | None = None
    published_as: HowPublished = Field(default_factory=HowPublished)
    protocol: StrictStr = ""
    scale: Literal["difference", "ratio"] = "difference"
    needs: ConditionField = Field(default_factory=lambda: Condition({}))
    primary: StrictBool = True
    meaning: str = ""

    @classmethod
    def parse(cls, mapping: Mapping[str, Any], default_metric: str = "") -> Claim:
        """Parse a claim from a mapping, as in a study file.

        Args:
            mapping: the keys of the claim.
            default_metric: the metric of a claim that names none.

        Raises:
            ClaimError: if the claim is invalid; the message names the claim, the key, and what is allowed.
        """
        if not isinstance(mapping, Mapping):
            raise ClaimError(f"a claim should be a mapping of keys, not {mapping!r}.")
        if mapping.get("id") in (None, ""):
            raise ClaimError(f"the key id is missing in the claim {dict(mapping)}"[:100] + ".")
        name = Level.of(mapping["id"]).text
        try:
            return _parse(name, {"metric": default_metric, **mapping})
        except ValidationError as error:
            found = Invalid.first(error)
            trouble = f"={found.value!r}: {found.message[:1].lower()}{found.message[1:]}"
            raise ClaimError(f"claim {name}: {found.place}{' is missing' if found.kind == 'missing' else trouble}.") from None

    @property
    def all_changes(self) -> tuple[Change, ...]:
        return self.changes + tuple(change for steps in self.path.values() for change in steps)

    @property
    def margin_on_scale(self) -> float | None:
        """The margin on the scale of the estimates: as a logarithm for a ratio; None without a margin."""
        return math.log(self.margin) if self.margin is not None and self.scale == "ratio" else self.margin

    def within(self, factors: Collection[str]) -> Condition:
        """The part of `where` that concerns these factors. The rest was checked against the facts of the study earlier."""
        return Condition({key: levels for key, levels in self.where.allowed.items() if key in factors})


def parse_all(mappings: Iterable[Mapping[str, Any]] | None, default_metric: str = "") -> list[Claim]:
    """Parse the claims of a study.

    Raises:
        ClaimError: if a claim is invalid, or if two claims have the same id.
    """
    claims = [Claim.parse(mapping, default_metric) for mapping in mappings or ()]
    ids = [claim.id for claim in claims]
    if twice := [name for name in dict.fromkeys(ids) if ids.count(name) > 1]:
        raise ClaimError(f"claim {twice[0]}: this id is used twice.")
    return claims


def _parse(name: str, keys: dict[str, Any]) -> Claim:
    """Parse the keys of the claim `name`. Raises ClaimError for invalid combinations of keys, ValidationError for a value."""

    def error(trouble: str) -> ClaimError:
        return ClaimError(f"claim {name}: {trouble}.")

    kind = keys.get("kind")
    if kind not in KEYS:
        said = "kind is missing" if kind is None else f"kind={kind}"
        raise error(f"{said}: expected one of {', '.join(KEYS)}")
    allowed = COMMON + KEYS[kind]
    if unknown := [key for key in keys if key not in allowed]:
        raise error(f"unknown key '{unknown[0]}' for the kind {kind}; available: {', '.join(allowed)}")
    content = {
        key: value for key, value in keys.items() if key not in ("contrast", "interaction", "path") and value is not None
    }
    changes, path, of = _changes(kind, keys, error), *_path(keys, error)
    wanted = (*EXPECTS, LARGEST) if kind == "path" else EXPECTS
    if kind != "exact" and content.get("expects") not in wanted:
        said = f"expects={content['expects']}" if "expects" in content else "expects is missing"
        raise error(f"{said}: expected one of {', '.join(wanted)}")
    if kind in ("threshold", "exact") and "value" not in content:
        raise error("value is missing: expected a number")
    if isinstance(figure := content.get("published"), Mapping):
        content |= {"published": figure.get("value"), "published_as": _how_published(figure, error)}
    claim = Claim.model_validate({**content, "id": name, "changes": changes, "path": path, "of": of})
    _check_numbers(claim, error)
    return claim.model_copy(update={"meaning": _meaning(keys, claim)})


def _check_numbers(claim: Claim, error: Callable[[str], ClaimError]) -> None:
    if claim.expects in NEED_A_MARGIN and claim.margin is None:
        raise error(f"margin is missing: {NEED_A_MARGIN[claim.expects]} needs the smallest difference that matters")
    if claim.margin is not None and claim.margin <= (1 if claim.scale == "ratio" else 0):
        wanted = "> 1, such as 1.05 for 5 %" if claim.scale == "ratio" else "> 0"
        raise error(f"margin={claim.margin:g}: expected a number {wanted}")
    if claim.published is not None and claim.scale == "ratio" and claim.published <= 0:
        raise error(f"published={claim.published:g}: expected a ratio > 0")
    if claim.exceeds is not None:
        if not 0 < claim.exceeds < 1:
            raise error(f"exceeds={claim.exceeds:g}: expected a fraction of the whole difference, between 0 and 1")
        if claim.expects not in ("higher", "lower") or claim.of == ALL or len(claim.path) < 2 or claim.margin is not None:
            raise error(
                "exceeds needs expects=higher (for a gain as the whole; lower for a reduction), one change among several, "
                "and no margin"
            )
    if claim.expects == LARGEST and (claim.of == ALL or len(claim.path) < 2):
        raise error(f"expects={LARGEST}: `of` should name one of several changes; it is {claim.of}")


def _how_published(figure: Mapping[str, Any], error: Callable[[str], ClaimError]) -> HowPublished:
    """How a figure with the keys value, kind and n_runs was made."""
    known = ("value", "kind", "n_runs")
    if unknown := [key for key in figure if key not in known]:
        raise error(f"published: unknown key '{unknown[0]}'; available: {', '.join(known)}")
    if "value" not in figure:
        raise error("published.value is missing: expected a number")
    made = HowPublished.model_validate({key: figure[key] for key in known[1:] if key in figure})
    if (made.kind in ("best", "mean")) != ("n_runs" in figure):
        raise error("published.n_runs is the number of runs of the kinds best and mean, and of no other kind")
    return made


def _changes(kind: str, keys: Mapping[str, Any], error: Callable[[str], ClaimError]) -> tuple[Change, ...]:
    if kind == "contrast":
        return (_change(kind, keys.get(kind), error),)
    if kind != "interaction":
        return ()
    found = keys.get(kind)
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 2:
        raise error(f"interaction should be a list of two changes {STEP}")
    first, second = (_change(kind, each, error) for each in found)
    if first.factor == second.factor:
        raise error(f"interaction needs two different factors; both are {first.factor}")
    return first, second


def _path(keys: Mapping[str, Any], error: Callable[[str], ClaimError]) -> tuple[dict[str, tuple[Change, ...]], str]:
    if keys.get("kind") != "path":
        return {}, ""
    found = keys.get("path")
    if not isinstance(found, Mapping) or set(found) != {"changes", "of"} or not isinstance(found["changes"], Mapping):
        raise error(f"path should have the keys changes (names, each with {STEP}) and of (a name)")
    groups: dict[str, tuple[Change, ...]] = {}
    for name, steps in found["changes"].items():
        several = steps if isinstance(steps, list | tuple) else [steps]
        groups[Level.of(name).text] = tuple(_change(f"path.changes.{name}", step, error) for step in several)
    if empty := [name for name, steps in groups.items() if not steps]:
        raise error(f"path.changes.{empty[0]} is empty; expected {STEP}")
    factors = [change.factor for steps in groups.values() for change in steps]
    if twice := [factor for factor in dict.fromkeys(factors) if factors.count(factor) > 1]:
        raise error(f"{twice[0]} is in more than one change of the path")
    if not groups or ALL in groups:
        raise error(f"path.changes should have at least one change, and no change may be named {ALL}")
    if (of := Level.of(found["of"]).text) not in (*groups, ALL):
        raise error(f"path.of={of}: expected one of {', '.join(groups)}, {ALL}")
    return groups, of


def _change(key: str, found: Any, error: Callable[[str], ClaimError]) -> Change:
    if not isinstance(found, Mapping) or set(found) != {"factor", "from", "to"}:
        raise error(f"{key} should have the keys factor, from, to; got {found!r}")
    change = Change.of(str(found["factor"]), found["from"], found["to"])
    if change.start == change.end:
        raise error(f"{key} has the same level for from and to: {change.start}")
    return change


def _meaning(keys: Mapping[str, Any], claim: Claim) -> str:
    """The first 12 hex digits of a SHA-256 of the values as written. Must stay equal to those in existing verdicts.json."""

    def step(found: Mapping[str, Any]) -> dict[str, Any]:
        return {"factor": str(found["factor"]), "start": found["from"], "end": found["to"]}

    path = keys["path"]["changes"] if claim.kind == "path" else {}
    changes = [keys["contrast"]] if claim.kind == "contrast" else keys.get("interaction") or []
    content = {
        "kind": claim.kind,
        "metric": claim.metric,
        "changes": [step(each) for each in changes],
        "path": {
            Level.of(name).text: [step(each) for each in (steps if isinstance(steps, list | tuple) else [steps])]
            for name, steps in path.items()
        },
        "of": claim.of,
        "where": dict(keys.get("where") or {}),
        "expects": claim.expects,
        "margin": claim.margin,
        "value": math.nan if claim.value is None else claim.value,
        "scale": claim.scale,
        "needs": dict(keys.get("needs") or {}),
        "primary": claim.primary,
    }
    if claim.exceeds is not None:  # claims without it keep the digest that they always had
        content["exceeds"] = claim.exceeds
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]
