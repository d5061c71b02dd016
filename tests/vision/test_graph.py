"""Two networks are the same experiment only if their graphs are."""

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ablate.vision.config import Config
from ablate.vision.graph import UntraceableError, canonical_graph, network_content

Experiment = Callable[..., Config]


def same(one: nn.Module, other: nn.Module) -> bool:
    return json.dumps(canonical_graph(one)) == json.dumps(canonical_graph(other))


class Skip(nn.Module):
    """Two convolutions, the second with or without a skip connection."""

    def __init__(self, skip: bool) -> None:
        super().__init__()
        self.first, self.second, self.skip = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), skip

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.first(x))
        return x + y if self.skip else y


def test_with_and_without_a_skip_connection_differ() -> None:
    assert same(Skip(True), Skip(True))
    assert not same(Skip(True), Skip(False))


def test_the_shipped_networks_that_were_equal_stay_equal(experiment: Experiment) -> None:
    def of(*overrides: str) -> str:
        return json.dumps(network_content(experiment(*overrides)))

    assert of("stem=direct", "stem.activation=true") == of("stem=direct", "stem.activation=false")
    assert of("model.dropout=false", "model.dropout_rate=0.1") == of("model.dropout=false", "model.dropout_rate=0.5")
    assert of("norm=none", "norm.shared=true") == of("norm=none", "norm.shared=false")
    assert of("model=resnet18", "stem=pyramid", "norm=none") == of("model=resnet18", "stem=direct", "norm=every")
    different = [
        of(), of("model.dropout=true"), of("model.dropout=true", "model.dropout_rate=0.1"), of("stem.activation=true"),
        of("activation=gelu"), of("norm.shared=true"), of("norm.position=before"), of("model.padding=module"), of("stem=direct"),
        of("model=resnet18"), of("model=resnet18", "model.blocks=1"),
    ]  # fmt: skip
    assert len(set(different)) == len(different)


def test_two_ways_of_writing_one_chain_are_equal() -> None:
    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.activation = nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.activation(self.conv(x))

    listed = nn.Sequential()
    for name, layer in (("conv", nn.Conv2d(3, 4, 3)), ("nothing", nn.Identity()), ("act", nn.ReLU())):
        listed.add_module(name, layer)
    assert same(Written(), listed)


def test_roles_of_weights_order_settings_and_sharing_count() -> None:
    def chain(*layers: tuple[str, nn.Module]) -> nn.Module:
        network = nn.Sequential()
        for name, layer in layers:
            network.add_module(name, layer)
        return network

    conv, other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    base = chain(("a", conv), ("b", other))
    assert not same(base, chain(("a", conv), ("c", other)))  # its initial weights are others
    assert not same(base, chain(("a", conv), ("b", conv)))  # one layer at two places
    assert not same(base, chain(("a", conv), ("b", nn.Conv2d(3, 3, 1, padding_mode="reflect"))))
    assert not same(
        chain(("a", conv), ("p", nn.MaxPool2d(2)), ("r", nn.Dropout(0.1))),
        chain(("a", conv), ("r", nn.Dropout(0.1)), ("p", nn.MaxPool2d(2))),
    )

    def tied_to(name: str) -> nn.Module:
        network = chain(*((each, nn.Conv2d(3, 3, 1)) for each in "abc"))
        if name:
            network.get_submodule("c").weight = network.get_submodule(name).weight
        return network

    assert same(tied_to("a"), tied_to("a"))
    assert not same(tied_to("a"), tied_to("b"))  # one tensor in two layers
    assert not same(tied_to("a"), tied_to(""))


def test_one_layer_without_weights_at_two_places_is_as_good_as_two() -> None:
    relu = nn.ReLU()
    assert same(nn.Sequential(relu, nn.Flatten(), relu), nn.Sequential(nn.ReLU(), nn.Flatten(), nn.ReLU()))


class Wired(nn.Module):
    """The same operations in the same order, wired in one of two ways."""

    def __init__(self, in_turn: bool) -> None:
        super().__init__()
        self.first, self.second, self.in_turn = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), in_turn

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        return y + self.second(y if self.in_turn else x)


def test_the_wiring_counts() -> None:
    assert same(Wired(True), Wired(True))
    assert not same(Wired(True), Wired(False))


def test_both_modes_count() -> None:
    class Mode(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = factor

        def forward(self, x: Tensor) -> Tensor:
            return x if self.training else x * self.factor

    assert same(Mode(2.0), Mode(2.0))
    assert not same(Mode(2.0), Mode(3.0))
    network = Mode(2.0).eval()
    canonical_graph(network)
    assert not network.training


class ByData(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class OwnTensor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def hooked() -> nn.Module:
    layer = nn.Conv2d(3, 3, 1)
    layer.register_forward_hook(lambda *_: None)
    return nn.Sequential(layer)


@pytest.mark.parametrize(
    ("network", "said"),
    [(ByData(), "TraceError"), (OwnTensor(), "scale is a tensor of the network"), (hooked(), "a layer has hooks")],
)
def test_a_graph_that_does_not_tell_everything_is_refused(network: nn.Module, said: str) -> None:
    with pytest.raises(UntraceableError, match=said):
        canonical_graph(network)


def test_a_network_without_a_canonical_graph_equals_none_of_other_settings(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablate.vision.graph._contents", {})
    monkeypatch.setattr("ablate.vision.graph.outline", lambda config: ByData())
    one, again = network_content(experiment("model.depth=1")), network_content(experiment("model.depth=1", "seed=3"))
    assert one == again
    assert one != network_content(experiment("model.depth=2"))
    assert one["settings"]["model"]["depth"] == 1
