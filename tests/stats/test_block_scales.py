"""Whether the blocks of a study have values of one scale."""

from collections.abc import Mapping

import numpy as np
import pytest

from ablate.stats.block_scales import different_scales
from ablate.stats.outcomes import Outcomes
from tests.report.studies import Levels, grid_results

# Mean and standard deviation of a return
GAMES = {"cartpole": (400.0, 30.0), "humanoid": (5000.0, 900.0), "pendulum": (-150.0, 10.0)}


def outcomes(games: Mapping[str, tuple[float, float]], seeds: int) -> Outcomes:
    generator = np.random.default_rng(0)

    def value(levels: Levels, seed: int) -> float:  # noqa: ARG001
        mean, deviation = games[levels["env"]]
        return mean + deviation * generator.normal()

    return Outcomes.of(grid_results({"env": list(games), "method": ["base", "ours"]}, value, "x", seeds), "x")


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_returns_of_different_environments_have_different_scales(seeds: int) -> None:
    found = different_scales(outcomes(GAMES, seeds), "env")
    assert found is not None
    assert (str(found.smallest), str(found.largest)) == ("pendulum", "humanoid")
    assert found.times == pytest.approx(5000 / 150, rel=0.2)


@pytest.mark.parametrize(
    "games",
    [
        {"a": (0.99, 0.001), "b": (0.6, 0.03)},  # a data set that is solved, with little scatter
        {"a": (5000.0, 30.0), "b": (150.0, 30.0)},  # an offset that a difference does not have
        {"a": (2.0, 0.2), "b": (5.0, 0.6), "c": (4.0, 0.3)},
    ],
)
def test_one_scale_with_different_means_or_different_noise_is_one_scale(games: Mapping[str, tuple[float, float]]) -> None:
    assert different_scales(outcomes(games, 5), "env") is None
