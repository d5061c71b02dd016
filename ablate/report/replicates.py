"""What n counts in a table of configurations, and over how many pairs its differences are, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ablate.stats.comparisons import AgainstBaseline

LISTED = 4  # configurations that are listed one by one


def unit_of(against: Sequence[AgainstBaseline]) -> str:
    """What n counts: seeds, or runs where no seeds pair."""
    known = [each.estimate for each in against if each.estimate.n]
    return "runs" if known and all(each.unpaired is not None for each in known) else "seeds"


def common_seeds(against: Sequence[AgainstBaseline], values: pd.Series, names: Mapping[str, str], baseline: str) -> list[str]:
    """The seeds of each paired difference, as a sentence, where they are fewer than the values of its row.

    Args:
        against: the differences from the baseline.
        values: by configuration, how many runs have a value.
        names: of the configurations.
        baseline: the configuration with which the others are compared.
    """
    pairs = {each.cell: each.estimate.n for each in against if each.estimate.n and each.estimate.unpaired is None}
    fewer = {names[cell]: n for cell, n in pairs.items() if n < max(values[cell], values[baseline])}
    if not fewer:
        return []
    if len(fewer) > LISTED:
        return [f"Δ is over the seeds in common with the baseline, at least {min(fewer.values())}."]
    return [f"Δ is over the seeds in common with the baseline: {', '.join(f'{n} for {name}' for name, n in fewer.items())}."]
