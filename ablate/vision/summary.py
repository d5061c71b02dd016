"""What a network is made of: its table, its parameters and its multiply-accumulates."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
import torchinfo
from rich.table import Table
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ablate.vision.network import used_layers


@dataclass
class Row:
    """One use of a layer: its name, its kind, the shape (C, H, W) or (F,) of what it yields, its parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


def rows(network: nn.Module, size: int = 32) -> list[Row]:
    """The layers in the order of their use, activations left out, as the author's tool listed them."""
    image = torch.empty(1, 3, size, size, device="meta")
    info = torchinfo.summary(_on_meta(network), input_data=image, device="meta", verbose=0, depth=9, col_names=("output_size",))
    names = [name for name, _ in used_layers(network)]
    leaves = [layer for layer in info.summary_list if layer.is_leaf_layer]
    return [
        Row(name, leaf.class_name, tuple(leaf.output_size[1:]), leaf.num_params)
        for name, leaf in zip(names, leaves, strict=True)
        if leaf.class_name not in ("ReLU", "GELU", "SiLU", "Identity", "Flatten")
    ]


def structure(network: nn.Module) -> list[list[object]]:
    """Everything that decides what a network computes: its layers by their roles, with their settings, and which are shared.

    Two networks of equal structure are the same function of their weights, and have the same initial weights.
    """
    first_use: dict[int, str] = {}
    return [[name, repr(layer), first_use.setdefault(id(layer), name)] for name, layer in used_layers(network)]


def parameters(network: nn.Module) -> int:
    """Trainable parameters, each counted once."""
    return sum(parameter.numel() for parameter in network.parameters())


def macs(network: nn.Module, size: int = 32) -> int:
    """Multiply-accumulates of the convolutions for one image: half of the operations that torch counts."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _on_meta(network).eval()(torch.empty(1, 3, size, size, device="meta"))
    return int(counter.get_total_flops()) // 2


def table(network: nn.Module, title: str) -> Table:
    """The table of a network, with its two totals below."""
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
