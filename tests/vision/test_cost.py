"""The estimate of a run's cost against what its parts take, and the images that it counts."""

from collections.abc import Callable

import pytest
import torch

from ablate.vision import cost
from ablate.vision.config import Config


def test_the_cost_is_the_steps_and_the_test_batches_times_their_number(
    experiment: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    took = iter([2.0, 0.5])  # seconds of a step, then of a test batch
    monkeypatch.setattr(cost, "_median", lambda work, device: next(took))
    config = experiment(
        "budget.epochs=3", "data.train_size=100", "data.test_size=60", "data.validation_size=30", "optimizer.batch_size=32",
        "evaluation.batch_size=30", "model.widths=[4]",
    )  # fmt: skip
    # 4 steps an epoch; two protocols on 60 images and one on 30, 30 a batch
    assert cost.seconds(config) == 3 * (4 * 2.0 + (2 * 60 + 30) / 30 * 0.5)


def test_timing_leaves_no_trace(experiment: Callable[..., Config]) -> None:
    config = experiment("data.train_size=8", "data.test_size=8", "model.widths=[4]")
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    assert 0 < cost.seconds(config, processes=2) < 30
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
