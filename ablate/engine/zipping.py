"""The option study.zip: pair the levels of keys by their position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.core.zipping import Groups, Zip
from ablate.engine.design import PATH
from ablate.engine.options import StudyOptions
from ablate.engine.overrides import SweptFactor


def zips_of(swept: Mapping[str, SweptFactor], options: StudyOptions, config: DictConfig) -> tuple[list[Zip], dict[str, Any]]:
    """The joint factors of a sweep, their baseline first, and the part of study.baseline that is about other factors.

    study.baseline may name the level of a joint factor, or levels of its keys.

    Raises:
        UsageError: if a key is not swept, if the levels cannot be paired, or if the design does not support it.
    """
    groups, baseline = options.zip or {}, dict(options.baseline or {})
    if groups and options.design == PATH:
        raise UsageError("study.zip is not for study.design=path: name the factors that change together in study.changes.")
    zips = []
    for name, keys in groups.items():
        for key in keys:
            if key not in swept:
                raise UsageError(f"study.zip: {key} has no levels in this sweep; available: {', '.join(swept) or 'none'}.")
        if name in swept or OmegaConf.select(config, name, throw_on_missing=False) is not None:
            raise UsageError(f"study.zip: the configuration has a key '{name}' already; choose another name.")
        joint = Zip.of(name, {key: swept[key].typed for key in keys})
        wanted = {key: Level.of(baseline.pop(key)) for key in keys if key in baseline}
        if name in baseline:
            wanted |= joint.parts[joint.factor.level(baseline.pop(name))]
        zips.append(joint.beginning_with(wanted) if wanted else joint)
    return zips, baseline


def settled(before: Groups, zips: Sequence[Zip]) -> dict[str, list[str]]:
    """The groups of a study, those of earlier commands first.

    Raises:
        UsageError: if this command pairs the keys of an earlier one in another way.
    """
    found = {name: list(keys) for name, keys in before.items()}
    for each in zips:
        name, keys = each.factor.key, each.keys
        others = [known for known, members in found.items() if known != name and {*members} & {*keys}]
        if others or found.setdefault(name, keys) != keys:
            was = ", ".join(f"{known}: [{', '.join(found[known])}]" for known in others or [name])
            raise UsageError(f"study.zip pairs keys of this study differently from before ({was}): choose another study.name.")
    return found
