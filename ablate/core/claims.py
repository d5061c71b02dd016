"""Claims: what a study is to decide, validated before anything runs.

Every claim has `id`, `says` (in words) and `kind`; it may have `quote` (somebody's own words), `metric` (by default the main
metric of the study), `where` (levels of other factors), `needs` (choices that the study must have made) and `primary`
(true by default). A metric is the name of one, or the difference of two of the same run: `one - other`. All kinds but
`exact` may have `published`, the figure that somebody reports for what the claim is about, and `protocol`, how that
figure was made: for the scorecard.

| kind | its own keys |
|---|---|
| contrast | `contrast: {factor, from, to}`, `expects`, `margin`, `scale` (difference or ratio) |
| interaction | `interaction:` two of these: how much the second increases the first one's effect; the others as above |
| threshold | `value`: the mean of the cells that `where` selects, minus this number; `expects`, `margin` |
| exact | `value`: each run that `where` selects must have exactly this number |
| path | `path: {changes: {name: one or several {factor, from, to}}, of: name}`, `expects`, `margin`, `exceeds`: a share |

`expects` is one of

- `higher`, `lower`: there is a difference in this direction;
- `higher by the margin`, `lower by the margin`: it is larger than the margin;
- `noninferior`: worse by less than the margin, if at all. What is worse follows from the metric (`better: lower` for a loss);
- `equivalent`: smaller than the margin in both directions, at every level of the other factors;
- for a path also `largest`: the share of `of` is above that of every other change.

`of: all` is the whole difference of a path; `exceeds: 0.5` claims that the share is more than half of it. The margin is the
smallest difference that matters; on the ratio scale it is a factor such as 1.05. `published` is a number, or
`{value, kind, n_runs}` where the figure is no single run: `kind` is `run` (one run; for a difference, of two runs without a
common seed), `paired` (of two runs of one seed), `best` or `mean` (of `n_runs` runs for each configuration).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from ablate.core.cells import Condition
from ablate.core.errors import ClaimError
from ablate.core.levels import Level

ALL = "all"  # the whole difference of a path
LARGEST = "largest"
EXPECTS = ("higher", "lower", "equivalent", "higher by the margin", "lower by the margin", "noninferior")
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
    """Numbers alone: pydantic would take `true` and texts for numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("should be a number")
    return value


def _condition(value: object) -> Condition:
    if isinstance(value, Condition):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("should map keys to levels")
    if empty := [key for key, levels in value.items() if isinstance(levels, list | tuple) and not levels]:
        raise ValueError(f"names no level of {empty[0]}")
    return Condition.of(value)


LevelField = Annotated[Level, BeforeValidator(Level.of)]
Number = Annotated[float, BeforeValidator(_number)]
ConditionField = Annotated[Condition, BeforeValidator(_condition)]


class Change(BaseModel):
    """A factor taken from one level to another.

    >>> str(Change.of("stem", "direct", "pyramid"))
    'stem: direct → pyramid'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    factor: StrictStr
    start: LevelField = Field(alias="from")
    end: LevelField = Field(alias="to")

    @classmethod
    def of(cls, factor: str, start: object, end: object) -> Change:
        """The change between two levels, or plain values."""
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
    """One claim. `changes` holds one change for a contrast and two for an interaction, `path` the changes of a path by name.

    Make one with `Claim.parse`. `meaning` is a digest of what decides the verdict, apart from the words: two claims of
    equal meaning are one.
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
    expects: Literal[
        "higher", "lower", "equivalent", "higher by the margin", "lower by the margin", "noninferior", "largest", ""
    ] = ""
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
        """A claim from a mapping, as a study file has it.

        Args:
            mapping: the keys of the claim.
            default_metric: for a claim that names none.

        Raises:
            ClaimError: naming the claim, the key, and what is allowed.
        """
        if not isinstance(mapping, Mapping):
            raise ClaimError(f"a claim is a mapping of keys, not {mapping!r}.")
        if mapping.get("id") in (None, ""):
            raise ClaimError(f"a claim has no id: {dict(mapping)}"[:100] + ".")
        name = Level.of(mapping["id"]).text
        try:
            return _parse(name, {"metric": default_metric, **mapping})
        except ValidationError as error:
            raise ClaimError(f"claim {name}: {_first(error)}.") from None

    @property
    def all_changes(self) -> tuple[Change, ...]:
        return self.changes + tuple(change for steps in self.path.values() for change in steps)

    def within(self, factors: Collection[str]) -> Condition:
        """What `where` says of these factors, the ones that vary; what it says of facts was checked before."""
        return Condition({key: levels for key, levels in self.where.allowed.items() if key in factors})


def parse_all(mappings: Iterable[Mapping[str, Any]] | None, default_metric: str = "") -> list[Claim]:
    """The claims of a study.

    Raises:
        ClaimError: as `Claim.parse`, and if two claims have the same id.
    """
    claims = [Claim.parse(mapping, default_metric) for mapping in mappings or ()]
    ids = [claim.id for claim in claims]
    if twice := [name for name in dict.fromkeys(ids) if ids.count(name) > 1]:
        raise ClaimError(f"claim {twice[0]}: two claims have this id.")
    return claims


def _first(error: ValidationError) -> str:
    """The first of pydantic's complaints in one line: the key, what it is, what it should be."""
    found = error.errors()[0]
    key = ".".join(str(part) for part in found["loc"] if not str(part).startswith("function-"))
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "missing":
        return f"{key} is missing"
    return f"{key}={found['input']!r}: {message[:1].lower()}{message[1:]}"


def _parse(name: str, keys: dict[str, Any]) -> Claim:
    """The claim of a mapping whose id is known; ClaimError where keys do not fit together, ValidationError for a value."""

    def error(trouble: str) -> ClaimError:
        return ClaimError(f"claim {name}: {trouble}.")

    kind = keys.get("kind")
    if kind not in KEYS:
        raise error(
            f"kind={kind}: one of {', '.join(KEYS)}" if kind is not None else f"kind is missing: one of {', '.join(KEYS)}"
        )
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
        raise error(f"{said}: one of {', '.join(wanted)}")
    if kind in ("threshold", "exact") and "value" not in content:
        raise error("value is missing: it has to be a number")
    if isinstance(figure := content.get("published"), Mapping):
        content |= {"published": figure.get("value"), "published_as": _how_published(figure, error)}
    claim = Claim.model_validate({**content, "id": name, "changes": changes, "path": path, "of": of})
    _check_numbers(claim, error)
    return claim.model_copy(update={"meaning": _meaning(keys, claim)})


def _check_numbers(claim: Claim, error: Any) -> None:
    if claim.expects in NEED_A_MARGIN and claim.margin is None:
        raise error(f"margin is missing: {NEED_A_MARGIN[claim.expects]} needs the smallest difference that matters")
    if claim.margin is not None and claim.margin <= (1 if claim.scale == "ratio" else 0):
        wanted = "above 1, such as 1.05 for 5 %" if claim.scale == "ratio" else "above 0"
        raise error(f"margin={claim.margin:g}: it has to be {wanted}")
    if claim.published is not None and claim.scale == "ratio" and claim.published <= 0:
        raise error(f"published={claim.published:g}: a ratio is above 0")
    if claim.exceeds is not None:
        if not 0 < claim.exceeds < 1:
            raise error(f"exceeds={claim.exceeds:g}: a fraction of the whole difference, between 0 and 1")
        if claim.expects not in ("higher", "lower") or claim.of == ALL or len(claim.path) < 2 or claim.margin is not None:
            raise error(
                "exceeds needs expects=higher (for a gain as the whole; lower for a reduction), one change among several, "
                "and no margin"
            )
    if claim.expects == LARGEST and (claim.of == ALL or len(claim.path) < 2):
        raise error(f"expects={LARGEST} needs one change among several; `of` names {claim.of}")


def _how_published(figure: Mapping[str, Any], error: Any) -> HowPublished:
    """How a figure with the keys value, kind and n_runs was made."""
    known = ("value", "kind", "n_runs")
    if unknown := [key for key in figure if key not in known]:
        raise error(f"published: unknown key '{unknown[0]}'; available: {', '.join(known)}")
    if "value" not in figure:
        raise error("published.value is missing: it has to be a number")
    made = HowPublished.model_validate({key: figure[key] for key in known[1:] if key in figure})
    if (made.kind in ("best", "mean")) != ("n_runs" in figure):
        raise error("published.n_runs is the number of runs of the kinds best and mean, and of no other kind")
    return made


def _changes(kind: str, keys: Mapping[str, Any], error: Any) -> tuple[Change, ...]:
    if kind == "contrast":
        return (_change(kind, keys.get(kind), error),)
    if kind != "interaction":
        return ()
    found = keys.get(kind)
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 2:
        raise error(f"interaction has to be a list of two changes {STEP}")
    first, second = (_change(kind, each, error) for each in found)
    if first.factor == second.factor:
        raise error(f"interaction needs two factors, and both are {first.factor}")
    return first, second


def _path(keys: Mapping[str, Any], error: Any) -> tuple[dict[str, tuple[Change, ...]], str]:
    if keys.get("kind") != "path":
        return {}, ""
    found = keys.get("path")
    if not isinstance(found, Mapping) or set(found) != {"changes", "of"} or not isinstance(found["changes"], Mapping):
        raise error(f"path has to have the keys changes (a name and {STEP} for each) and of (a name)")
    groups: dict[str, tuple[Change, ...]] = {}
    for name, steps in found["changes"].items():
        several = steps if isinstance(steps, list | tuple) else [steps]
        groups[Level.of(name).text] = tuple(_change(f"path.changes.{name}", step, error) for step in several)
    if empty := [name for name, steps in groups.items() if not steps]:
        raise error(f"path.changes.{empty[0]} holds no change {STEP}")
    factors = [change.factor for steps in groups.values() for change in steps]
    if twice := [factor for factor in dict.fromkeys(factors) if factors.count(factor) > 1]:
        raise error(f"{twice[0]} is in more than one change of the path")
    if not groups or ALL in groups:
        raise error(f"path.changes needs at least one change, and none named {ALL}")
    if (of := Level.of(found["of"]).text) not in (*groups, ALL):
        raise error(f"path.of={of}: one of {', '.join(groups)}, {ALL}")
    return groups, of


def _change(key: str, found: Any, error: Any) -> Change:
    if not isinstance(found, Mapping) or set(found) != {"factor", "from", "to"}:
        raise error(f"{key} has to have the keys factor, from, to; it is {found!r}")
    change = Change.of(str(found["factor"]), found["from"], found["to"])
    if change.start == change.end:
        raise error(f"{key} goes from {change.start} to itself")
    return change


def _meaning(keys: Mapping[str, Any], claim: Claim) -> str:
    """SHA-256, in 12 digits, of the values as they were written: verdicts.json of earlier versions holds the same digests."""

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
