"""Summarize a network: a table of its layers, its parameters, and its multiply-accumulates."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass

import torch
from rich.table import Table
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ablate.vision.networks import used_layers
from ablate.vision.settings import SIZE

NOT_LISTED = (nn.ReLU, nn.GELU, nn.SiLU, nn.Identity, nn.Flatten)


@dataclass
class Row:
    """One use of a layer: name, class, output shape (C, H, W) or (F,), and number of parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


def rows(network: nn.Module, size: int = SIZE) -> list[Row]:
    """The layers in order of use, without activations, as in the article's table."""
    names: dict[nn.Module, list[str]] = {}
    copied = _on_meta(network)
    for name, layer in used_layers(copied):
        names.setdefault(layer, []).append(name)
    uses: Counter[nn.Module] = Counter()
    found: list[Row] = []

    def see(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        name = names[layer][uses[layer] % len(names[layer])]
        uses[layer] += 1
        if not isinstance(layer, NOT_LISTED):
            found.append(Row(name, type(layer).__name__, tuple(output.shape[1:]), parameters(layer)))

    for layer in names:
        layer.register_forward_hook(see)
    with torch.no_grad():
        copied(torch.empty(1, 3, size, size, device="meta"))
    return found


def parameters(network: nn.Module) -> int:
    """Trainable parameters, each counted once."""
    return sum(parameter.numel() for parameter in network.parameters())


def macs(network: nn.Module, size: int = SIZE) -> int:
    """Multiply-accumulates of convolutions and matrix products for one image: half of the FLOPs that torch counts."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _on_meta(network).eval()(torch.empty(1, 3, size, size, device="meta"))
    return int(counter.get_total_flops()) // 2


def table(network: nn.Module, title: str) -> Table:
    """Format the table of a network with its totals."""
    listed = rows(network)
    each_use = sum(row.parameters for row in listed)
    result = Table(
        "",
        "layer",
        "kind",
        "output (C, H, W)",
        "parameters",
        title=title,
        title_justify="left",
        caption=f"{each_use:,} parameters, counting a layer each time it is used\n"
        f"{parameters(network):,} distinct parameters\n"
        f"{macs(network):,} multiply-accumulates per image",
        caption_justify="left",
    )
    for column in (0, 3, 4):
        result.columns[column].justify = "right"
    for number, row in enumerate(listed, start=1):
        result.add_row(str(number), row.name, row.kind, "×".join(map(str, row.shape)), f"{row.parameters:,}")
    return result


def _on_meta(network: nn.Module) -> nn.Module:
    """A copy on the meta device, so that neither the network nor a random generator is changed."""
    return copy.deepcopy(network).to("meta")
