"""Decisions of a study: keys that it resolved once, such as which data `auto` means."""

from __future__ import annotations

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf

from ablate.storage.manifest import Decision


def announce(decisions: Mapping[str, Decision], cfg: DictConfig) -> None:
    """Print the decisions that concern what is asked for now."""
    for key, decision in decisions.items():
        if OmegaConf.select(cfg, key) == decision.asked:
            print(
                f"{key}={decision.asked} means {decision.took}, as decided when this study began; "
                "choose another study.name to decide again."
            )
