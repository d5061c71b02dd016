"""The estimate of a run's cost against what its parts take, and the images that it counts."""

from collections.abc import Callable

import pytest
import torch

from ablate.vision import cost
from ablate.vision.config import Config


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_speeds", {})


def test_the_cost_is_that_of_an_image_times_their_number(
    experiment: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    took = iter([4.0, 0.25, 0.5])  # seconds of the gradients of 32 images, of an update, and of testing 30 images
    monkeypatch.setattr(cost, "_median", lambda work, device: next(took))
    small = ["data.train_size=100", "data.test_size=60", "data.validation_size=30", "optimizer.batch_size=48", "model.widths=[4]",
             "evaluation.batch_size=30"]  # fmt: skip
    # Three updates an epoch; two protocols on 60 images and one on 30
    epoch = 100 * 4.0 / 32 + 3 * 0.25 + (2 * 60 + 30) * 0.5 / 30
    assert cost.seconds(experiment("budget.epochs=3", *small)) == pytest.approx(3 * epoch)
    # Nothing else changes what an image takes, so it is not timed again
    assert cost.seconds(experiment("budget.epochs=5", "optimizer.learning_rate=0.5", *small)) == pytest.approx(5 * epoch)
    with pytest.raises(StopIteration):
        cost.seconds(experiment("stem=direct", *small))


def test_processes_share_the_cores_that_this_one_may_use(
    experiment: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a machine of 64 cores, Slurm may have given it 8."""
    threads = []
    monkeypatch.setattr(cost, "_timed", lambda config, device: threads.append(torch.get_num_threads()) or 1.0)
    monkeypatch.setattr(cost, "usable_cores", lambda: 8)
    cost.seconds(experiment(), processes=2)
    assert threads == [4]


def test_timing_leaves_no_trace(experiment: Callable[..., Config]) -> None:
    config = experiment("data.train_size=8", "data.test_size=8", "model.widths=[4]")
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    assert 0 < cost.seconds(config, processes=2) < 30
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
