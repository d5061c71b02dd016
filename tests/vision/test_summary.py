"""Counts against arithmetic by hand."""

import io
from collections.abc import Callable

import torch
from rich.console import Console

from ablate.vision.config import Config
from ablate.vision.networks import build
from ablate.vision.summary import macs, parameters, table


def test_macs_are_those_of_the_convolutions(experiment: Callable[..., Config]) -> None:
    """Stage 87: k*k*C_in*C_out for each output pixel."""
    trunk = 9 * 1024 * (3 * 64 + 2 * 64 * 64) + 9 * 256 * (64 * 128 + 2 * 128**2) + 9 * 64 * (128 * 256 + 2 * 256**2)
    head = 16 * 256 * 100 + 16 * 100 * 10
    assert macs(build(experiment("experiment=stage87"))) == trunk + head == 266_436_224


def test_a_summary_touches_nothing(experiment: Callable[..., Config]) -> None:
    network = build(experiment("norm.shared=true"))
    before, state = torch.get_rng_state(), {key: value.clone() for key, value in network.state_dict().items()}
    console = Console(file=io.StringIO(), width=100)
    console.print(table(network, "stage"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1,990,802 parameters, counting a layer each time it is used" in text
    assert "1,990,290 distinct parameters" in text
    assert parameters(network) == 1_990_290
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    assert network.training
