"""Decisions of a study: keys that were resolved once for all runs, such as `data.source=auto`."""

from __future__ import annotations

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf

from ablate.storage.manifest import Decision


def announcements(decisions: Mapping[str, Decision], cfg: DictConfig) -> list[str]:
    """A sentence for each recorded decision that applies to this configuration."""
    return [
        f"{key}={decision.asked} is {decision.took} in this study, as decided when it began; "
        "choose another study.name to decide again."
        for key, decision in decisions.items()
        if OmegaConf.select(cfg, key) == decision.asked
    ]
