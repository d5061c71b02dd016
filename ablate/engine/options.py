"""The keys of `study:`: which values they may have. One that cannot be is refused before anything else is done."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError, nearest

DESIGNS = ("factorial", "one_at_a_time", "path")
FILLED_IN = ("label", "cell", "position", "processes", "deadline")  # for each run
HOOKS = ("report", "check", "decide")  # dotted paths of functions
OURS = ("ablate.report.write", "ablate.engine.claims.check", "ablate.engine.claims.seeds_wanted")
MAX_SEEDS = 10_000
# What one run does not heed
OF_A_SWEEP = (
    "seeds",
    "design",
    "baseline",
    "exclude",
    "leave_out",
    "dry_run",
    "retries",
    "until",
    "max_seeds",
    "changes",
    "claims",
)


def check_options(cfg: DictConfig) -> None:
    """Raises UsageError for an option of `study:` that has no such value."""
    options: dict[str, Any] = OmegaConf.to_container(cfg.study)  # type: ignore[assignment]
    for key in options:
        if key not in (*_WANTED, *HOOKS, *FILLED_IN):
            raise UsageError(f"study.{key}: no such key.{_hint(key)}")
    for key, (allowed, wanted) in _WANTED.items():
        value = OmegaConf.select(cfg.study, key) if "." in key else options[key]
        value = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
        if not allowed(value):
            raise UsageError(f"study.{key}={_say(value)}: {wanted}.")
    for hook in HOOKS:
        if options[hook] is not None and not _is_there(options[hook]):
            raise UsageError(f"study.{hook}={options[hook]}: no such function; a dotted path such as package.module.function.")


def check_single(cfg: DictConfig, typed: Collection[str]) -> None:
    """`check_options` for one run, which has a seed; raises UsageError as well for what was typed and it would not heed."""
    check_options(cfg)
    if not is_seed(cfg.seed):
        raise UsageError(f"seed={cfg.seed}: a whole number from 0.")
    for key in OF_A_SWEEP:
        if f"study.{key}" in typed:
            raise UsageError(f"study.{key} is for a sweep: add -m.")


def is_seed(value: object) -> bool:
    """Whether this can be a seed: a whole number from 0."""
    return type(value) is int and value >= 0


def _number(least: float, included: bool = True) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and (value >= least if included else value > least)


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and value >= least


def _optional(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or allowed(value)


def _seeds(value: Any) -> bool:
    """A number of replicates, or a list of seeds."""
    if isinstance(value, list):
        return bool(value) and all(map(is_seed, value))
    return type(value) is int and 0 < value <= MAX_SEEDS


def _conditions(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(condition, dict) and condition for condition in value)


def _is_a(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _numbers(value: Any) -> bool:
    """Names of metrics, each with a number; an interpolation is resolved later."""
    return isinstance(value, dict) and all(
        type(each) in (int, float) or (isinstance(each, str) and each.startswith("${")) for each in value.values()
    )


def _starts(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("starts"), str)


def _hint(key: str) -> str:
    if key in ("study", "hydra"):
        return " A file of the group study begins with the line `# @package _global_`."
    return nearest(key, [*_WANTED, *HOOKS])


def _is_there(function: Any) -> bool:
    if function in OURS:
        return True  # without importing pandas for it
    module, _, name = function.rpartition(".") if isinstance(function, str) else ("", "", "")
    try:
        return callable(getattr(importlib.import_module(module), name, None))
    except (ImportError, ValueError):
        return False


def _say(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_CONDITION = "{stem: direct, model.dropout: true}"
_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_optional(lambda name: isinstance(name, str) and bool(name.strip("./ "))), "a text, or null"),
    "root": (lambda root: isinstance(root, str) and bool(root), "a folder"),
    "seeds": (
        _optional(_seeds),
        f"a positive number of seeds (at most {MAX_SEEDS:,}), or a list of whole numbers from 0",
    ),
    "design": (lambda design: design in DESIGNS, f"one of {', '.join(DESIGNS)}"),
    "baseline": (_optional(_is_a(dict)), "keys and levels, such as {stem: direct}"),
    "exclude": (_conditions, f"a list of conditions such as {_CONDITION}"),
    "leave_out": (_is_a(list, str), "a list of conditions with a reason, or a YAML file of them"),
    "dry_run": (_is_a(bool), "true or false"),
    "retries": (_whole(0), "a whole number from 0"),
    "max_hours": (_optional(_number(0, included=False)), "a number above 0, or null"),
    "checkpoint": (_is_a(dict), "a node with the key minutes"),
    "checkpoint.minutes": (_number(0), "a number from 0"),
    "reuse": (lambda reuse: reuse in ("any", "same_code"), "one of any, same_code"),
    "claims": (_is_a(list), "a list of claims"),
    "chance": (_optional(_numbers), "metrics and numbers, such as {accuracy: 0.1}"),
    "budgets": (_optional(_numbers), "metrics and numbers, such as {epochs_to_target: 100}"),
    "until": (lambda until: until in (None, "decided"), "decided, or null"),
    "max_seeds": (lambda seeds: _whole(1)(seeds) and seeds <= MAX_SEEDS, f"a whole number from 1 to {MAX_SEEDS:,}"),
    "changes": (_optional(_is_a(dict)), "names of changes, each with a list of factors"),
    "ignore": (_is_a(list), "a list of keys"),
    "logger": (_optional(_starts), "null, or a node with the key starts, a dotted path; see the group logger"),
    "paths": (_is_a(list), "a list of keys"),
    "neutral": (_optional(_is_a(dict)), "keys and values"),
}
