"""Averages of weights, against their formulas written out by hand."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import swa_utils
from torch.utils._python_dispatch import TorchDispatchMode

from ablate.vision.averaging import WeightAverage
from ablate.vision.settings import Averaging


def settings(name: str, every: int = 1, decay: float = 0.9, start: float = 0.5) -> Averaging:
    return Averaging(name=name, every=every, decay=decay, start=start)


def scalar(value: float = 0.0) -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def walk(average: WeightAverage, values: list[float]) -> list[float]:
    """The evaluated weight after each step, in which training sets the weight to a value."""
    found = []
    for value in values:
        nn.init.constant_(average.network.weight, value)
        average.step()
        found.append(float(average.evaluated.weight.detach()))
    return found


def test_without_an_average_the_network_itself_is_evaluated() -> None:
    network = scalar()
    average = WeightAverage(settings("none"), network, 4)
    assert average.evaluated is network
    assert walk(average, [1, 2, 3, 4]) == [1, 2, 3, 4]


def test_ema_begins_with_the_first_weights_and_moves_a_tenth_of_the_way() -> None:
    network = scalar()
    average = WeightAverage(settings("ema"), network, 4)
    assert average.evaluated is network
    assert walk(average, [1, 2, 3]) == pytest.approx([1, 1.1, 1.29])
    assert float(network.weight.detach()) == 3


def test_an_average_is_updated_every_few_steps() -> None:
    found = walk(WeightAverage(settings("ema", every=2, decay=0.5), scalar(), 6), [1, 2, 3, 4, 5, 6])
    assert found == [1, 2, 2, 3, 3, 4.5]


def test_swa_is_the_mean_of_the_weights_after_its_start() -> None:
    found = walk(WeightAverage(settings("swa", start=0.5), scalar(), 6), [9, 9, 9, 1, 2, 6])
    assert found == pytest.approx([9, 9, 9, 1, 1.5, 3])


def test_lookahead_continues_from_the_slow_weights() -> None:
    """Zhang et al., algorithm 1, with k = 2 and alpha = 0.25: slow weights 8, then 8 + 0.25 (4 - 8) = 7."""
    network = scalar(8)
    average = WeightAverage(settings("lookahead", every=2, decay=0.75), network, 4)
    assert float(average.evaluated.weight.detach()) == 8
    assert walk(average, [6, 4]) == [8, 7]
    assert float(network.weight.detach()) == 7


def test_running_statistics_are_averaged_and_those_of_lookahead_are_the_networks() -> None:
    for name, expected in (("ema", 1.5), ("swa", 1.5), ("lookahead", 2.0)):
        network = nn.BatchNorm1d(1)
        average = WeightAverage(settings(name, decay=0.5, start=0.0), network, 2)
        for value in (1.0, 2.0):
            network.running_mean.fill_(value)
            average.step()
        assert float(average.evaluated.running_mean) == expected


class Operations(TorchDispatchMode):
    """The names of the operations that are executed."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["ema", "swa", "lookahead"])
def test_an_update_on_a_gpu_waits_for_nothing(name: str) -> None:
    """Meta tensors have no numbers: reading one would raise, and a copy from the CPU would be among the operations."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    average = WeightAverage(settings(name, start=0.0), network, 4)
    with Operations() as seen:
        for _ in range(3):
            average.step()
    assert any("lerp" in each for each in seen.names)
    assert not [each for each in seen.names if "_to_copy" in each or "_local_scalar_dense" in each]
    assert {tensor.device.type for tensor in average.evaluated.state_dict().values()} == {"meta"}


def test_batches_that_bn_has_seen_are_counted_as_whole_numbers() -> None:
    for name in ("ema", "swa", "lookahead"):
        network = nn.BatchNorm1d(1)
        average = WeightAverage(settings(name, start=0.0), network, 4)
        for count in (5, 7):
            network.num_batches_tracked.fill_(count)
            average.step()
        assert average.evaluated.num_batches_tracked == 7


def test_the_average_is_that_of_torch() -> None:
    for name, function in (("ema", swa_utils.get_ema_multi_avg_fn(0.9)), ("swa", swa_utils.get_swa_multi_avg_fn())):
        generator = torch.Generator().manual_seed(0)
        network = nn.Linear(5, 3)
        reference = swa_utils.AveragedModel(network, multi_avg_fn=function)
        average = WeightAverage(settings(name, start=0.0), network, 4)
        for _ in range(4):
            for parameter in network.parameters():
                nn.init.normal_(parameter, generator=generator)
            average.step()
            reference.update_parameters(network)
        for own, other in zip(average.evaluated.parameters(), reference.module.parameters(), strict=True):
            assert torch.allclose(own, other, rtol=1e-6)


def test_a_restored_average_goes_on_to_the_same_weights() -> None:
    for name in ("none", "ema", "swa", "lookahead"):
        values = [float(value) for value in torch.randn(8, generator=torch.Generator().manual_seed(0))]
        whole = WeightAverage(settings(name, every=2), scalar(), 8)
        expected = walk(whole, values)
        first = WeightAverage(settings(name, every=2), scalar(), 8)
        walk(first, values[:5])
        second = WeightAverage(settings(name, every=2), scalar(), 8)
        second.load_state(first.state())
        second.network.load_state_dict(first.network.state_dict())
        assert walk(second, values[5:]) == expected[5:]
