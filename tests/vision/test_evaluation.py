"""The protocols, against the network called by hand; none leaves a trace."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ablate.core import seeding
from ablate.engine.run import Run
from ablate.storage.records import RunRecord
from ablate.vision import data as images
from ablate.vision.config import Config
from ablate.vision.evaluation import Scores, evaluate
from ablate.vision.models.article import Network
from ablate.vision.networks import build

Experiment = Callable[..., Config]


@pytest.fixture
def subject(experiment: Experiment, tmp_path: Path) -> tuple[Config, Run, Network, images.Images]:
    config = experiment("model.widths=[8,12,16]", "model.dropout=true", "norm.shared=true", "data.test_size=100")
    network = build(config)
    with torch.no_grad():
        network.train()(torch.rand(64, 3, 32, 32))  # running statistics of their own
    run = Run(tmp_path, RunRecord(identity="i", cell="c", seed=0, label="base", choices={}, overridden=[]), {})
    return config, run, network, images.load(config.data, torch.device("cpu")).test


def as_seen(data: images.Images) -> torch.Tensor:
    return (data.images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


def test_standard_is_evaluation_mode_on_images_as_they_are(subject: tuple) -> None:
    config, run, network, data = subject
    loss, right = evaluate("standard", config, run, network, data, epoch=1)
    with torch.no_grad():
        logits = network.eval()(as_seen(data))
    assert loss == pytest.approx(F.cross_entropy(logits, data.labels).item(), rel=1e-5)
    assert np.array_equal(right, (logits.argmax(1) == data.labels).numpy())


def test_the_batch_size_of_standard_changes_nothing(subject: tuple) -> None:
    config, run, network, data = subject
    _, whole = evaluate("standard", config, run, network, data, epoch=1)
    smaller = config.evaluation.model_copy(update={"batch_size": 7})
    _, parts = evaluate("standard", config.model_copy(update={"evaluation": smaller}), run, network, data, epoch=1)
    assert np.array_equal(whole, parts)


def test_article_is_training_mode_on_flipped_images_in_the_training_batch_size(subject: tuple) -> None:
    config, run, network, data = subject
    loss, right = evaluate("article", config, run, network, data, epoch=3)
    flipped = torch.from_numpy(run.stream("test flip", 3).random(100) < 0.5)
    pictures = torch.where(flipped[:, None, None, None], as_seen(data).flip(3), as_seen(data))
    torch.manual_seed(seeding.derive(run.seed, "test dropout", 3))
    with torch.no_grad():
        logits = torch.cat([network.train()(batch) for batch in pictures.split(32)])
    assert loss == pytest.approx(F.cross_entropy(logits, data.labels).item(), rel=1e-4)
    assert np.array_equal(right, (logits.argmax(1) == data.labels).numpy())


def test_flipped_is_standard_on_the_flipped_images_of_the_article_s_protocol(subject: tuple) -> None:
    config, run, network, data = subject
    loss, _ = evaluate("flipped", config, run, network, data, epoch=3)
    flipped = torch.from_numpy(run.stream("test flip", 3).random(100) < 0.5)
    pictures = torch.where(flipped[:, None, None, None], as_seen(data).flip(3), as_seen(data))
    with torch.no_grad():
        logits = network.eval()(pictures)
    assert loss == pytest.approx(F.cross_entropy(logits, data.labels).item(), rel=1e-5)


def test_batch_is_standard_with_the_statistics_of_each_test_batch(subject: tuple) -> None:
    """Without dropout and flips, so it is training mode with dropout taken out."""
    config, run, network, data = subject
    loss, _ = evaluate("batch", config, run, network, data, epoch=3)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Dropout2d):
            layer.p = 0.0
    with torch.no_grad():
        logits = torch.cat([network.train()(batch) for batch in as_seen(data).split(32)])
    assert loss == pytest.approx(F.cross_entropy(logits, data.labels).item(), rel=1e-4)


@pytest.mark.parametrize("protocol", ["standard", "flipped", "batch", "article"])
@pytest.mark.parametrize("training", [True, False])
def test_no_trace_is_left(protocol: str, training: bool, subject: tuple) -> None:
    config, run, network, data = subject
    network.train(training)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(5)
    before = torch.get_rng_state()
    evaluate(protocol, config, run, network, data, epoch=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert network.training == training
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert not any(parameter.requires_grad is False or parameter.grad is not None for parameter in network.parameters())


def test_the_two_protocols_see_the_same_weights_differently(subject: tuple) -> None:
    config, run, network, data = subject
    losses = {protocol: evaluate(protocol, config, run, network, data, epoch=1)[0] for protocol in ("standard", "article")}
    assert losses["standard"] != losses["article"]


def test_scores_keep_the_first_of_the_best_epochs_and_the_first_to_reach_the_target() -> None:
    scores = Scores(target=0.5)
    epochs = [[0, 0, 0, 1], [1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 0, 0]]
    for epoch, right in enumerate(epochs, start=1):
        scores.add(epoch, seconds=10.0 * epoch, loss=1 / epoch, right=np.array(right, bool))
    assert scores.metrics() == {
        "final_test_accuracy": 0.5,
        "peak_test_accuracy": 0.75,
        "final_test_loss": 0.25,
        "epochs_to_target": 2,
        "seconds_to_target": 20.0,
    }
    assert scores.best.tolist() == [True, True, False, True]


def test_evaluation_is_in_the_precision_of_training(subject: tuple) -> None:
    config, run, network, data = subject
    losses = {
        precision: evaluate("standard", config.model_copy(update={"precision": precision}), run, network, data, 1)[0]
        for precision in ("float32", "bfloat16")
    }
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = network.eval()(as_seen(data)).float()
    assert losses["bfloat16"] == pytest.approx(F.cross_entropy(logits, data.labels).item(), rel=1e-4)
    assert losses["bfloat16"] != losses["float32"]
