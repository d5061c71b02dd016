"""The fast network: its layers, against torch's convolutions and covariances, and each of its switches."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ablate.core.errors import UsageError
from ablate.vision.config import Config
from ablate.vision.graph import canonical_graph, network_content
from ablate.vision.models.fast import DiracConv2d, WhiteningConv2d, patch_covariance
from ablate.vision.networks import build, fitted_layers, outline
from ablate.vision.summary import macs, parameters, rows

Experiment = Callable[..., Config]
FAST = "experiment=fast"
SMALL = [FAST, "model.widths=[26,28]", "model.depth=1"]


def images(count: int = 40) -> torch.Tensor:
    """Correlated pixels, as those of photographs."""
    noise = torch.randn(count, 3, 34, 34, generator=torch.Generator().manual_seed(0))
    return nn.functional.avg_pool2d(noise, 3, stride=1) * torch.tensor([1.0, 2.0, 3.0])[:, None, None] + 0.5


def test_the_shapes_and_the_size_of_the_recipe(experiment: Experiment) -> None:
    """Weights: 9 x (24x64 + 64x64 + 64x192 + 192x192 + 192x256 + 256x256) + 256x10; BN: 2 x 2 x 512; 24 biases."""
    network = outline(experiment(FAST))
    shapes = {row.name: row.shape for row in rows(network)}
    assert shapes["layers.first"] == (24, 31, 31)
    assert [shapes[f"layers.block{number}.conv2"] for number in (1, 2, 3)] == [(64, 15, 15), (192, 7, 7), (256, 3, 3)]
    assert shapes["layers.pool"] == (256, 1, 1)
    weights = 9 * (24 * 64 + 64 * 64 + 64 * 192 + 192 * 192 + 192 * 256 + 256 * 256) + 2560
    assert parameters(network) == weights + 2 * 2 * (64 + 192 + 256) + 24
    first = 24 * 12 * 31**2
    blocks = [24 * 64 * 31**2, 64 * 64 * 15**2, 64 * 192 * 15**2, 192 * 192 * 7**2, 192 * 256 * 7**2, 256 * 256 * 3**2]
    assert macs(network) == first + 9 * sum(blocks) + 2560


def test_whitened_patches_are_uncorrelated_with_variances_of_one() -> None:
    layer = WhiteningConv2d(epsilon=1e-7)
    layer.reset_parameters()
    layer.fit_images(images())
    with torch.no_grad():
        out = layer(images()).transpose(0, 1).flatten(1)
    assert torch.equal(out[:12], -out[12:])
    assert torch.allclose(torch.cov(out[:12].double()), torch.eye(12, dtype=torch.float64), atol=2e-3)


def test_epsilon_bounds_the_weight_of_directions_without_variance() -> None:
    gray = images()[:, :1].expand(-1, 3, -1, -1)
    layer = WhiteningConv2d(epsilon=0.25)
    layer.fit_images(gray)
    norms = layer.weight[:12].flatten(1).norm(dim=1)
    assert float(norms.max()) == pytest.approx(2, rel=1e-3)  # 1 / sqrt(0 + 0.25)


def test_the_covariance_is_torchs_and_does_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    patches = nn.functional.unfold(images(7), 2).transpose(1, 2).reshape(-1, 12)
    whole = patch_covariance(images(7))
    assert torch.allclose(whole, torch.cov(patches.T.double(), correction=0), atol=1e-5)
    monkeypatch.setattr("ablate.vision.models.fast.CHUNK", 3)
    assert torch.allclose(patch_covariance(images(7)), whole, atol=1e-6)


def test_the_filters_do_not_depend_on_the_signs_of_eigenvectors(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, other = WhiteningConv2d(1e-3), WhiteningConv2d(1e-3)
    layer.fit_images(images())
    eigh = torch.linalg.eigh

    def negated(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values, vectors = eigh(matrix)
        return values, -vectors

    monkeypatch.setattr(torch.linalg, "eigh", negated)
    other.fit_images(images())
    assert torch.equal(layer.weight, other.weight)


def test_only_the_whitened_layer_is_fitted_and_it_is_frozen(experiment: Experiment) -> None:
    for first, count in (("whitened", 1), ("dirac", 0), ("plain", 0), ("none", 0)):
        network = build(experiment(*SMALL, f"model.first={first}"))
        assert len(fitted_layers(network)) == count
        names = [name for name, _ in network.named_parameters() if "first" in name]
        assert names == {"whitened": ["layers.first.bias"], "none": []}.get(first, ["layers.first.weight", "layers.first.bias"])
    network = build(experiment(*SMALL))
    before = network.get_submodule("layers.first").weight.clone()
    network(images(4)[..., :32, :32]).square().sum().backward()
    torch.optim.SGD(network.parameters(), 0.1, weight_decay=0.1).step()
    assert torch.equal(network.get_submodule("layers.first").weight, before)
    assert "layers.first.weight" in network.state_dict()


def test_a_dirac_convolution_begins_as_the_identity() -> None:
    layer = DiracConv2d(3, 8, 3, padding=1)
    layer.reset_parameters()
    x = torch.randn(2, 3, 5, 5)
    out = layer(x)
    assert torch.equal(out[:, :3], x)
    assert float(out[:, 3:].detach().std()) > 0.1
    narrower = DiracConv2d(8, 3, 3, padding=1, bias=False)
    narrower.reset_parameters()
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(narrower(x), x[:, :3])


def test_pooling_before_and_after_are_the_published_orders(experiment: Experiment) -> None:
    def order(*overrides: str) -> list[str]:
        return [name for name, _ in build(experiment(*SMALL, *overrides)).get_submodule("layers.block1").named_children()]

    assert order() == ["conv1", "pool", "norm1", "act1"]
    assert order("model.pool_position=after") == ["conv1", "norm1", "act1", "pool"]
    assert order("norm.position=after") == ["conv1", "pool", "act1", "norm1"]
    assert order("norm=none") == ["conv1", "pool", "act1"]
    assert order("model.depth=2")[4:] == ["conv2", "norm2", "act2"]


def test_a_convolution_has_a_bias_unless_bn_follows_it(experiment: Experiment) -> None:
    for override, biased in (("norm=every", False), ("norm=none", True), ("norm.position=after", True)):
        network = build(experiment(*SMALL, override))
        assert (network.get_submodule("layers.block1.conv1").bias is not None) == biased


def test_the_logits_are_scaled(experiment: Experiment) -> None:
    one, two = (build(experiment(*SMALL, f"model.logit_scale={scale}")).eval() for scale in (1.0, 0.25))
    x = torch.randn(3, 3, 32, 32)
    assert torch.allclose(one(x) * 0.25, two(x))


def test_every_switch_makes_another_experiment_and_the_stem_makes_none(experiment: Experiment) -> None:
    """Initial weights are no operation of the graph: the class of the layer tells them apart."""
    base = network_content(experiment(*SMALL))
    assert "operations" in base  # traced
    changes = [
        "model.first=dirac", "model.first=plain", "model.first=none", "model.dirac=false", "model.pool_position=after",
        "model.whitening_epsilon=0.1", "norm=none", "norm.position=after", "activation=relu", "model.logit_scale=1",
    ]  # fmt: skip
    found = [base, *(network_content(experiment(*SMALL, change)) for change in changes)]
    assert len({str(content) for content in found}) == len(found)
    assert network_content(experiment(*SMALL, "stem=pyramid")) == base
    assert canonical_graph(build(experiment(*SMALL))) == base


def test_places_and_sizes_that_do_not_exist_are_refused(experiment: Experiment) -> None:
    with pytest.raises(UsageError) as caught:
        outline(experiment(*SMALL, "norm=article"))
    assert str(caught.value) == (
        "norm.places: 'last.pool' matches no place of this trunk; available: block1.conv1, block2.conv1."
    )
    with pytest.raises(UsageError, match=r"model\.widths=\[4, 4, 4, 4, 4\]: 32 pixels cannot be halved once for each block"):
        outline(experiment(FAST, "model.widths=[4,4,4,4,4]"))
    with pytest.raises(UsageError, match=r"model\.first=grey: expected one of whitened, dirac, plain, none\."):
        experiment(FAST, "model.first=grey")
