"""The three networks against the tables that the author published, and every switch."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from ablate.core.errors import UsageError
from ablate.vision.config import Config
from ablate.vision.models.article import Network
from ablate.vision.networks import build, used_layers
from ablate.vision.summary import parameters, rows

Experiment = Callable[..., Config]

# What the author's tool (torchsummary) printed for each stage: kind, output (C, H, W), parameters.
# Source: construct.txt of the three folders of daikiclimate/CIFAR10; the row of the whole network left out.
CONV, BN, PAD, POOL, DROP = "Conv2d", "BatchNorm2d", "ConstantPad2d", "MaxPool2d", "Dropout2d"
HEAD = [(CONV, (100, 4, 4), 25_700), (CONV, (10, 1, 1), 16_010)]
STAGE87 = [
    (PAD, (3, 34, 34), 0), (CONV, (64, 32, 32), 1_792), (BN, (64, 32, 32), 128),
    (PAD, (64, 34, 34), 0), (CONV, (64, 32, 32), 36_928), (DROP, (64, 32, 32), 0),
    (PAD, (64, 34, 34), 0), (CONV, (64, 32, 32), 36_928), (POOL, (64, 16, 16), 0),
    (PAD, (64, 18, 18), 0), (CONV, (128, 16, 16), 73_856), (BN, (128, 16, 16), 256), (DROP, (128, 16, 16), 0),
    (PAD, (128, 18, 18), 0), (CONV, (128, 16, 16), 147_584),
    (PAD, (128, 18, 18), 0), (CONV, (128, 16, 16), 147_584), (POOL, (128, 8, 8), 0),
    (PAD, (128, 10, 10), 0), (CONV, (256, 8, 8), 295_168), (DROP, (256, 8, 8), 0),
    (PAD, (256, 10, 10), 0), (CONV, (256, 8, 8), 590_080),
    (PAD, (256, 10, 10), 0), (CONV, (256, 8, 8), 590_080), (POOL, (256, 4, 4), 0),
    (BN, (256, 4, 4), 512), (DROP, (256, 4, 4), 0), *HEAD,
]  # fmt: skip
STAGE89 = [
    (CONV, (6, 32, 32), 24), (CONV, (12, 32, 32), 84), (CONV, (24, 32, 32), 312), (BN, (24, 32, 32), 48),
    (CONV, (48, 32, 32), 1_200), (BN, (48, 32, 32), 96),
    (PAD, (48, 34, 34), 0), (CONV, (64, 32, 32), 27_712), (BN, (64, 32, 32), 128),
    (PAD, (64, 34, 34), 0), (CONV, (64, 32, 32), 36_928),
    (PAD, (64, 34, 34), 0), (CONV, (64, 32, 32), 36_928), (POOL, (64, 16, 16), 0),
    (PAD, (64, 18, 18), 0), (CONV, (128, 16, 16), 73_856), (BN, (128, 16, 16), 256),
    (PAD, (128, 18, 18), 0), (CONV, (128, 16, 16), 147_584),
    (PAD, (128, 18, 18), 0), (CONV, (128, 16, 16), 147_584), (POOL, (128, 8, 8), 0),
    (PAD, (128, 10, 10), 0), (CONV, (256, 8, 8), 295_168), (BN, (256, 8, 8), 512),
    (PAD, (256, 10, 10), 0), (CONV, (256, 8, 8), 590_080),
    (PAD, (256, 10, 10), 0), (CONV, (256, 8, 8), 590_080), (POOL, (256, 4, 4), 0),
    (BN, (256, 4, 4), 512), *HEAD,
]  # fmt: skip
STAGE92 = [
    (CONV, (8, 32, 32), 32), (BN, (8, 32, 32), 16), (CONV, (24, 32, 32), 216), (BN, (24, 32, 32), 48),
    (CONV, (64, 32, 32), 13_888), (BN, (64, 32, 32), 128),
    (CONV, (64, 32, 32), 36_928), (CONV, (64, 32, 32), 36_928), (POOL, (64, 16, 16), 0),
    (CONV, (128, 16, 16), 73_856), (BN, (128, 16, 16), 256),
    (CONV, (128, 16, 16), 147_584), (CONV, (128, 16, 16), 147_584), (POOL, (128, 8, 8), 0),
    (CONV, (256, 8, 8), 295_168), (BN, (256, 8, 8), 512),
    (CONV, (256, 8, 8), 590_080), (CONV, (256, 8, 8), 590_080), (POOL, (256, 4, 4), 0),
    (BN, (256, 4, 4), 512), *HEAD,
]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "table", "printed", "distinct"),
    [
        ("stage87", STAGE87, 1_962_606, 1_962_606),
        ("stage89", STAGE89, 1_990_802, 1_990_290),
        ("stage92", STAGE92, 1_975_526, 1_975_014),
    ],
)
def test_a_stage_is_the_authors_table(
    stage: str, table: list[tuple], printed: int, distinct: int, experiment: Experiment
) -> None:
    network = Network(experiment(f"experiment={stage}"))
    found = rows(network)
    assert [(row.kind, row.shape, row.parameters) for row in found] == table
    assert sum(row.parameters for row in found) == printed
    assert parameters(network) == distinct


def names(config: Config) -> list[str]:
    return [name for name, _ in used_layers(Network(config))]


def test_the_authors_order_of_layers(experiment: Experiment) -> None:
    assert names(experiment("experiment=stage92"))[:9] == [
        "stem.conv1", "stem.act1", "stem.norm1", "stem.conv2", "stem.act2", "stem.norm2",
        "block1.conv1", "block1.act1", "block1.norm1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "present", "absent"),
    [
        (["stem=direct"], ["block1.conv1"], ["stem.conv1"]),
        (["stem.widths=[5,7,9]"], ["stem.conv3", "stem.norm2", "stem.norm3"], ["stem.norm1", "stem.conv4"]),
        (["stem.norm_last=0"], ["stem.conv4"], ["stem.norm3", "stem.norm4"]),
        (["stem.norm_last=9"], ["stem.norm1", "stem.norm4"], []),
        (["stem.activation=true"], ["stem.act1", "stem.act4"], []),
        (["norm=none"], ["block1.act1"], ["stem.norm4", "block1.norm1", "block3.pool_norm"]),
        (["norm=article87"], ["block1.norm1", "block2.norm1", "block3.pool_norm"], ["block3.norm1"]),
        (["norm=first"], ["block1.norm1", "block2.norm1", "block3.norm1"], ["block3.pool_norm"]),
        (["norm=every"], ["block1.norm1", "block2.norm2", "block3.norm3"], ["block3.pool_norm"]),
        (["model.dropout=true"], ["block1.drop2", "block2.drop1", "block3.drop1", "block3.pool_drop"], ["block1.drop1"]),
        (["model.dropout=true", "model.dropout_places=[block*.pool]"], ["block1.pool_drop", "block2.pool_drop"], ["block1.drop2"]),
        (["activation=none"], ["block1.conv1"], ["block1.act1"]),
        (["model.depth=2", "model.widths=[8,16]"], ["block2.conv2"], ["block1.conv3", "block3.conv1"]),
    ],
)  # fmt: skip
def test_a_switch_changes_the_layers(
    overrides: list[str], present: list[str], absent: list[str], experiment: Experiment
) -> None:
    config = experiment(*overrides)
    found = names(config)
    assert set(present) <= set(found)
    assert not set(absent) & set(found)
    assert Network(config)(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_bn_stands_before_or_after_the_activation(experiment: Experiment) -> None:
    after, before = names(experiment()), names(experiment("norm.position=before"))
    assert after.index("block1.act1") < after.index("block1.norm1")
    assert before.index("block1.act1") > before.index("block1.norm1")
    stem = ["stem=gentle", "stem.norm_position=before"]
    assert names(experiment(*stem)).index("stem.norm1") < names(experiment(*stem)).index("stem.act1")


@pytest.mark.parametrize(("level", "module"), [("relu", nn.ReLU), ("gelu", nn.GELU), ("silu", nn.SiLU)])
def test_the_activation_is_one_of_the_whole_network(level: str, module: type[nn.Module], experiment: Experiment) -> None:
    network = Network(experiment(f"activation={level}", "stem=gentle"))
    acts = [layer for name, layer in used_layers(network) if ".act" in name]
    assert len(acts) == 12
    assert all(type(layer) is module for layer in acts)


def test_dropout_has_a_rate_and_a_kind(experiment: Experiment) -> None:
    on = ["model.dropout=true", "model.dropout_rate=0.3"]
    channel, element = Network(experiment(*on)), Network(experiment(*on, "model.dropout_kind=element"))
    assert isinstance(channel.get_submodule("block1.drop2"), nn.Dropout2d)
    assert type(element.get_submodule("block1.drop2")) is nn.Dropout
    assert channel.get_submodule("block1.drop2").p == 0.3


def test_the_initialization_of_he_keeps_the_signal_without_batch_normalization(experiment: Experiment) -> None:
    """Torch's default begins with a sixth of the variance: 1 / (3 fan_in) against 2 / fan_in (He et al. 2015, equation 10)."""
    images = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    logits = {}
    for level, factor in (("torch", 1 / 3), ("he", 2)):
        network = build(experiment(f"model.initialization={level}", "norm=none", "stem=direct"))
        for name in ("block2.conv2", "block3.conv3", "head.conv1"):
            layer = network.get_submodule(name)
            fan_in = layer.weight[0].numel()
            assert layer.weight.var().item() * fan_in == pytest.approx(factor, rel=0.1)
            assert (layer.bias.abs().max() == 0) == (level == "he")
        logits[level] = network(images)
    assert logits["he"].std(0).mean() > 0.1 > 100 * logits["torch"].std(0).mean(), "without it, all images look alike"


def test_the_last_two_places_share_one_module_if_they_can(experiment: Experiment) -> None:
    shared = Network(experiment("norm.shared=true"))
    assert shared.get_submodule("block3.norm1") is shared.get_submodule("block3.pool_norm")
    separate = Network(experiment())
    assert separate.get_submodule("block3.norm1") is not separate.get_submodule("block3.pool_norm")
    unequal = Network(experiment("norm.shared=true", "norm=article87"))  # 128 and 256 channels wide
    assert unequal.get_submodule("block2.norm1") is not unequal.get_submodule("block3.pool_norm")


def test_relu_works_in_place_and_changes_no_number(experiment: Experiment) -> None:
    """Logits, gradients and running statistics, to the last bit, with dropout, before and after BN."""
    images, labels = torch.rand(4, 3, 32, 32), torch.tensor([1, 2, 3, 4])
    for overrides in (["norm=every", "model.dropout=true"], ["norm=every", "norm.position=before"], ["norm=none"]):
        found = []
        for inplace in (True, False):
            network = build(experiment("model.widths=[4,6,8]", "stem=gentle", *overrides))
            relus = [layer for layer in network.modules() if isinstance(layer, nn.ReLU)]
            assert all(layer.inplace for layer in relus)
            for layer in relus:
                layer.inplace = inplace
            torch.manual_seed(0)
            logits = network(images)
            nn.functional.cross_entropy(logits, labels).backward()
            found.append([logits, *(p.grad for p in network.parameters()), *network.buffers()])
        assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_padding_as_a_module_computes_the_same(experiment: Experiment) -> None:
    """Claim C6 of the article's reader."""
    images = torch.rand(4, 3, 32, 32)
    argument, module = build(experiment()), build(experiment("model.padding=module"))
    assert torch.allclose(argument(images), module(images), atol=1e-5)


def test_what_does_not_fit_is_refused_by_name(experiment: Experiment) -> None:
    with pytest.raises(
        UsageError, match=r"norm\.places: 'block4\.\*' matches no place of this trunk; available: block1\.conv1, "
    ):
        Network(experiment("norm.places=['block4.*']"))
    with pytest.raises(UsageError, match=r"model\.dropout_places: 'conv2' matches no place"):
        Network(experiment("model.dropout=true", "model.dropout_places=[conv2]"))
    with pytest.raises(UsageError, match="32 pixels cannot be halved once for each block"):
        Network(experiment("model.widths=[4,4,4,4,4,4]"))
