"""The table of a network, its number of parameters, and its multiply-accumulates."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass

import torch
from rich.table import Table
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ablate.vision.networks import SIZE, used_layers

NOT_LISTED = (nn.ReLU, nn.GELU, nn.SiLU, nn.Identity, nn.Flatten)


@dataclass
class Row:
    """One use of a layer: its name, its class, the shape (C, H, W) or (F,) of its output, its number of parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


def rows(network: nn.Module, size: int = SIZE) -> list[Row]:
    """The layers in the order of their use, activations left out, as the article's table lists them."""
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
    """Multiply-accumulates of convolutions and matrix products for one image: half of the operations that torch counts."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _on_meta(network).eval()(torch.empty(1, 3, size, size, device="meta"))
    return int(counter.get_total_flops()) // 2


def table(network: nn.Module, title: str) -> Table:
    """The table of a network, with its totals below."""
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
        caption=f"{each_use:,} parameters, a layer counted each time it is used\n"
        f"{parameters(network):,} distinct parameters\n"
        f"{macs(network):,} multiply-accumulates an image",
        caption_justify="left",
    )
    for column in (0, 3, 4):
        result.columns[column].justify = "right"
    for number, row in enumerate(listed, start=1):
        result.add_row(str(number), row.name, row.kind, "×".join(map(str, row.shape)), f"{row.parameters:,}")
    return result


def _on_meta(network: nn.Module) -> nn.Module:
    """A copy without memory, so that neither the network nor a random stream is touched."""
    return copy.deepcopy(network).to("meta")
