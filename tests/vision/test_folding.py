"""A folded stem gives the logits of the stem it replaces."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ablate.core.errors import UsageError
from ablate.vision.config import Config
from ablate.vision.folding import fold_stem
from ablate.vision.networks import build

Experiment = Callable[..., Config]
SMALL = ["model.widths=[4,6,8]", "model.depth=1"]


def unsettled(network: nn.Module) -> nn.Module:
    """In evaluation mode, with BN layers whose statistics and weights are no initial values."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight, layer.bias, layer.running_mean):
                nn.init.normal_(tensor, std=0.5)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return network.eval()


def test_the_articles_stem_is_one_convolution_with_equal_logits(experiment: Experiment) -> None:
    """Separately padded as well: the padding follows the stem. 1,806 parameters of the stem become 192."""
    for padding in ("conv", "module"):
        network = unsettled(build(experiment(*SMALL, "stem=pyramid", f"model.padding={padding}")))
        folded = fold_stem(network)
        images = torch.randn(16, 3, 32, 32)
        assert [name for name, _ in folded.named_children()] == [name for name, _ in network.named_children()]
        assert sum(parameter.numel() for parameter in folded.stem.parameters()) == 48 * 4
        assert torch.allclose(folded(images), network(images), atol=1e-5)
        assert torch.equal(folded(images).argmax(1), network(images).argmax(1))
        assert len(network.stem) == 6


def test_batch_statistics_cannot_be_folded(experiment: Experiment) -> None:
    """In training mode, BN depends on the batch: the copy is equal in evaluation mode only."""
    network = unsettled(build(experiment(*SMALL, "stem=pyramid")))
    folded, images = fold_stem(network).train(), torch.randn(16, 3, 32, 32)
    assert not torch.allclose(folded(images), network.train()(images), atol=1e-2)


def test_a_stem_with_activations_and_a_network_without_stem_are_refused(experiment: Experiment) -> None:
    with pytest.raises(UsageError) as caught:
        fold_stem(build(experiment(*SMALL, "stem=gentle")))
    assert str(caught.value) == "stem.act1 (ReLU) is not linear, so the stem cannot be folded."
    with pytest.raises(UsageError, match="the network has no stem to fold"):
        fold_stem(build(experiment(*SMALL, "stem=direct")))
