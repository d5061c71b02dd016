"""Claims: what a study is to decide, read from plain mappings and checked before anything runs.

Every claim has `id`, `says` (in words) and `kind`; it may have `quote` (somebody's own words), `metric`, `where`
(levels of other factors), `needs` (choices that the study must have made) and `primary` (true unless said). A metric is
the name of one, or the difference of two of the same run: `one - other`. All but `exact` may have `published`, the figure
that somebody reports for what the claim is about, and `protocol`, how it was made: for the scorecard.

| kind | its own keys |
|---|---|
| contrast | `contrast: {factor, from, to}`, `expects`, `margin`, `scale` (difference or ratio) |
| interaction | `interaction:` two of these; how much the first one's effect grows by the second; the others as above |
| threshold | `value`: the mean of the cells that `where` picks, less this number; `expects`, `margin` |
| exact | `value`: each run that `where` picks must have exactly this number |
| path | `path: {changes: {name: one or several {factor, from, to}}, of: name}`, `expects`, `margin`: a change's share |

`expects` is higher, lower or equivalent; of a path also `largest`. `of: all` is the whole difference of a path. The
margin is the smallest difference that matters, on the scale ratio a factor such as 1.05.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ablate.stats.attribution import WHOLE
from ablate.stats.decision_rules import EXPECTS
from ablate.stats.estimates import Change
from ablate.stats.outcomes import choice, terms_of, word, words

DEFAULT_METRIC = "final_test_accuracy"
LARGEST = "largest"
SCALES = ("difference", "ratio")
COMMON = ("id", "says", "quote", "kind", "metric", "where", "needs", "primary")
FIGURE = ("published", "protocol")
KEYS = {
    "contrast": ("contrast", "expects", "margin", "scale", *FIGURE),
    "interaction": ("interaction", "expects", "margin", "scale", *FIGURE),
    "threshold": ("value", "expects", "margin", *FIGURE),
    "exact": ("value", "protocol"),
    "path": ("path", "expects", "margin", *FIGURE),
}


@dataclass(frozen=True)
class Claim:
    """One claim. `changes` holds one change for a contrast and two for an interaction, `path` the groups of a path."""

    id: str
    says: str
    kind: str
    metric: str = DEFAULT_METRIC
    quote: str = ""
    changes: tuple[Change, ...] = ()
    path: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    of: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)
    expects: str = ""
    margin: float | None = None
    value: float = math.nan
    published: float | None = None
    protocol: str = ""
    scale: str = "difference"
    needs: Mapping[str, Any] = field(default_factory=dict)
    primary: bool = True

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Claim:
        """A claim from a mapping. Raises ValueError that names the claim, the key, and what is allowed."""
        if not isinstance(mapping, Mapping):
            raise ValueError(f"a claim is a mapping of keys, not {mapping!r}.")
        reader = _Reader(mapping)
        kind = reader.one_of("kind", tuple(KEYS))
        reader.refuse_others(kind)
        path, of = reader.path() if kind == "path" else ({}, "")
        scale = reader.one_of("scale", SCALES, SCALES[0])
        expects = "" if kind == "exact" else reader.one_of("expects", (*EXPECTS, LARGEST) if kind == "path" else EXPECTS)
        margin = reader.number("margin") if "margin" in mapping else None
        if expects == "equivalent" and margin is None:
            raise reader.error("margin is missing: without the smallest difference that matters, nothing is equivalent")
        if margin is not None and margin <= (1 if scale == "ratio" else 0):
            wanted = "above 1, such as 1.05 for 5 %" if scale == "ratio" else "above 0"
            raise reader.error(f"margin {margin:g}: it has to be {wanted}")
        published = reader.number("published") if "published" in mapping else None
        if published is not None and scale == "ratio" and published <= 0:
            raise reader.error(f"published {published:g}: a ratio is above 0")
        if expects == LARGEST and (of == WHOLE or len(path) < 2):
            raise reader.error(f"expects {LARGEST} needs one change among several; `of` names {of}")
        return cls(
            id=reader.id,
            says=reader.text("says"),
            kind=kind,
            metric=reader.text("metric", DEFAULT_METRIC),
            quote=reader.text("quote", ""),
            changes=reader.changes(kind),
            path=path,
            of=of,
            where=reader.mapping("where"),
            expects=expects,
            margin=margin,
            value=reader.number("value") if kind in ("threshold", "exact") else math.nan,
            scale=scale,
            published=published,
            protocol=reader.text("protocol", ""),
            needs=reader.mapping("needs"),
            primary=reader.flag("primary", True),
        )

    @property
    def meaning(self) -> str:
        """A digest of what decides the verdict, apart from the words: two claims of equal meaning are one."""
        apart = ("id", "says", "quote", "published", "protocol")
        content = {key: value for key, value in asdict(self).items() if key not in apart}
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]

    def within(self, factors: Iterable[str]) -> dict[str, Any]:
        """What `where` says of these factors, the ones that vary; what it says of facts was checked before."""
        varying = set(factors)
        return {factor: level for factor, level in self.where.items() if factor in varying}

    @property
    def all_changes(self) -> tuple[Change, ...]:
        return self.changes + tuple(change for steps in self.path.values() for change in steps)


def parse_all(mappings: Iterable[Mapping[str, Any]]) -> list[Claim]:
    """The claims of a study. Raises ValueError as `Claim.parse` does, and if two have the same id."""
    claims = [Claim.parse(mapping) for mapping in mappings or ()]
    ids = [claim.id for claim in claims]
    if twice := [name for name in dict.fromkeys(ids) if ids.count(name) > 1]:
        raise ValueError(f"claim {twice[0]}: two claims have this id.")
    return claims


def check(
    claim: Claim,
    factors: Mapping[str, Sequence[Any]],
    facts: Mapping[str, Any] | None = None,
    metrics: Collection[str] | None = None,
) -> None:
    """Whether a study with these factors can test the claim: a ValueError says why not.

    `facts` are the choices that hold for the whole study; a `where` about one of them is met by it, or selects nothing.
    `metrics` are those that its runs have; None if that is not known.
    """
    facts = facts or {}
    if metrics is not None and claim.metric not in metrics:
        for term in terms_of(claim.metric):
            if term not in metrics:
                raise ValueError(f"claim {claim.id}: no run has the metric {term}; there are {', '.join(metrics)}.")
    for change in claim.all_changes:
        if change.factor not in factors:
            varying = ", ".join(factors) or "nothing"
            raise ValueError(f"claim {claim.id}: {change.factor} does not vary in this study; what varies: {varying}.")
        for level in (change.start, change.end):
            _known(claim, change.factor, level, factors[change.factor], "has no level")
    _check_where(claim, factors, facts)
    if claim.kind == "path":
        _check_path(claim, factors)


def _check_where(claim: Claim, factors: Mapping[str, Sequence[Any]], facts: Mapping[str, Any]) -> None:
    changed = {change.factor for change in claim.all_changes}
    for factor, level in claim.where.items():
        if factor in changed:
            raise ValueError(f"claim {claim.id}: {factor} changes, so that `where` cannot fix it.")
        if factor in factors:
            for each in level if isinstance(level, list | tuple) else [level]:
                _known(claim, factor, each, factors[factor], "in `where` selects nothing: it has no level")
        elif not _holds(level, facts, factor):
            has = f"this study has {factor}={word(facts[factor])}" if factor in facts else f"{factor} does not vary"
            raise ValueError(f"claim {claim.id}: where {factor}={choice(level)} selects nothing: {has}.")


def _check_path(claim: Claim, factors: Mapping[str, Sequence[Any]]) -> None:
    changed = {change.factor for change in claim.all_changes}
    if several := [key for key, level in claim.where.items() if isinstance(level, list | tuple)]:
        raise ValueError(f"claim {claim.id}: where {several[0]} has to be one level for a path.")
    if loose := [key for key in factors if key not in changed and key not in claim.where]:
        raise ValueError(f"claim {claim.id}: {', '.join(loose)} varies in this study: `where` has to fix it.")


def unmet(claim: Claim, factors: Mapping[str, Sequence[Any]], facts: Mapping[str, Any] | None = None) -> str:
    """In words, all that the claim needs and the study does not have; empty if it has everything.

    What varies in the study is met if the claim's `where` fixes it as needed.
    """
    facts = facts or {}
    missing = []
    for key, wanted in claim.needs.items():
        if key in factors and key in claim.where and _holds(wanted, claim.where, key):
            continue
        if key in factors:
            missing.append(f"needs {key}={choice(wanted)}, and {key} varies in this study: `where` has to fix it")
        elif not _holds(wanted, facts, key):
            has = f"has {key}={word(facts[key])}" if key in facts else f"does not say its {key}"
            missing.append(f"needs {key}={choice(wanted)}; this study {has}")
    return ", and ".join(missing)


def _holds(wanted: Any, facts: Mapping[str, Any], key: str) -> bool:
    allowed = wanted if isinstance(wanted, list | tuple) else [wanted]
    return key in facts and word(facts[key]) in [word(each) for each in allowed]


def _known(claim: Claim, factor: str, level: Any, levels: Sequence[Any], trouble: str) -> None:
    known = [word(each) for each in levels]
    if word(level) not in known:
        raise ValueError(f"claim {claim.id}: {factor} {trouble} {word(level)}; there are {', '.join(known)}.")


class _Reader:
    """Reads the keys of one claim, and names it in every complaint."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self.keys = mapping
        if mapping.get("id") in (None, ""):
            raise ValueError(f"a claim has no id: {words(mapping)[:80]}.")
        self.id = word(mapping["id"])

    def error(self, trouble: str) -> ValueError:
        return ValueError(f"claim {self.id}: {trouble}.")

    def refuse_others(self, kind: str) -> None:
        allowed = COMMON + KEYS[kind]
        for key in self.keys:
            if key not in allowed:
                raise self.error(f"{key} is no key of the kind {kind}; its keys are {', '.join(allowed)}")

    def text(self, key: str, default: str | None = None) -> str:
        found = self.keys.get(key, default)
        if not isinstance(found, str) or (default is None and not found):
            raise self.error(f"{key} {'is missing: it' if found is None else f'is {found!r}: it'} has to be a text")
        return found

    def one_of(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        found = self.keys.get(key, default)
        if found not in allowed:
            trouble = f"{key} is missing" if found is None else f"{key} {word(found)} is not known"
            raise self.error(f"{trouble}: {', '.join(allowed)}")
        return str(found)

    def number(self, key: str) -> float:
        found = self.keys.get(key)
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise self.error(f"{key} {'is missing: it' if found is None else f'is {found!r}: it'} has to be a number")
        return float(found)

    def flag(self, key: str, default: bool) -> bool:
        found = self.keys.get(key, default)
        if not isinstance(found, bool):
            raise self.error(f"{key} is {found!r}: it has to be true or false")
        return found

    def mapping(self, key: str) -> dict[str, Any]:
        found = self.keys.get(key) or {}
        if not isinstance(found, Mapping):
            raise self.error(f"{key} is {found!r}: it has to map keys to levels")
        if empty := [name for name, level in found.items() if isinstance(level, list | tuple) and not level]:
            raise self.error(f"{key} names no level of {empty[0]}")
        return dict(found)

    def changes(self, kind: str) -> tuple[Change, ...]:
        if kind == "contrast":
            return (self._change(kind, self.keys.get(kind)),)
        if kind != "interaction":
            return ()
        found = self.keys.get(kind)
        if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 2:
            raise self.error("interaction has to be a list of two changes {factor, from, to}")
        first, second = (self._change(kind, each) for each in found)
        if first.factor == second.factor:
            raise self.error(f"interaction needs two factors, and both are {first.factor}")
        return first, second

    def path(self) -> tuple[dict[str, tuple[Change, ...]], str]:
        found = self.keys.get("path")
        if not isinstance(found, Mapping) or set(found) != {"changes", "of"} or not isinstance(found["changes"], Mapping):
            raise self.error("path has to have the keys changes (a name and {factor, from, to} for each) and of (a name)")
        groups = {}
        for name, steps in found["changes"].items():
            several = steps if isinstance(steps, list | tuple) else [steps]
            groups[word(name)] = tuple(self._change(f"path.changes.{name}", step) for step in several)
        if empty := [name for name, steps in groups.items() if not steps]:
            raise self.error(f"path.changes.{empty[0]} holds no change {{factor, from, to}}")
        factors = [change.factor for steps in groups.values() for change in steps]
        if twice := [factor for factor in dict.fromkeys(factors) if factors.count(factor) > 1]:
            raise self.error(f"{twice[0]} stands in more than one change of the path")
        if not groups or WHOLE in groups:
            raise self.error(f"path.changes needs at least one change, and none named {WHOLE}")
        if (of := word(found["of"])) not in (*groups, WHOLE):
            raise self.error(f"path.of {of} is no change of the path: {', '.join(groups)}, {WHOLE}")
        return groups, of

    def _change(self, key: str, found: Any) -> Change:
        if not isinstance(found, Mapping) or set(found) != {"factor", "from", "to"}:
            raise self.error(f"{key} has to have the keys factor, from, to; it is {found!r}")
        if word(found["from"]) == word(found["to"]):
            raise self.error(f"{key} goes from {word(found['from'])} to itself")
        return Change(str(found["factor"]), found["from"], found["to"])
