"""Measure two mechanisms behind the article's claims, without training: a linear stem (C5), and two ways of padding (C6).

    python -m benchmarks.mechanisms                 stage 89, batches of 128
    python -m benchmarks.mechanisms model=narrow    with overrides

Times are CPU seconds, which other processes hardly change: medians of interleaved rounds. The third mechanism, variance shift
(C3), is `python -m ablate.run +study=shift`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from ablate.vision.config import Config
from ablate.vision.folding import fold_stem
from ablate.vision.networks import build
from benchmarks.product import make_config

ROUNDS = 5
STEPS = 10  # of training before the stem is folded, so that weights and running statistics are no initial values


@dataclass(frozen=True)
class Comparison:
    """Two networks that should compute the same.

    Attributes:
        title: of the table.
        names: of the two networks.
        difference: the largest absolute difference of the logits.
        spread: the standard deviation of the logits, to compare with.
        gradient_difference: the largest absolute difference of a gradient; None if it was not computed.
        seconds: the median CPU time of each.
        bytes_kept: the memory that each keeps for the backward pass; None if it was not measured.
        what: what was timed.
    """

    title: str
    names: tuple[str, str]
    difference: float
    spread: float
    seconds: tuple[float, float]
    what: str
    gradient_difference: float | None = None
    bytes_kept: tuple[int, int] | None = None


def compare_stems(config: Config, batch: int, rounds: int = ROUNDS) -> Comparison:
    """A network with a linear stem, after a few training steps, against its folded copy, in evaluation mode."""
    network = build(config)
    images, labels = _batch(batch)
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    for _ in range(STEPS):
        optimizer.zero_grad()
        _backward(network(images), labels)
        optimizer.step()
    network.eval()
    folded = fold_stem(network)
    with torch.inference_mode():
        first, second = network(images), folded(images)
        seconds = interleaved({"stem": lambda: network(images), "folded": lambda: folded(images)}, rounds)
    difference = float((first - second).abs().max())
    return Comparison(
        "Linear stem",
        ("as trained", "folded"),
        difference,
        float(first.std()),
        (seconds["stem"], seconds["folded"]),
        "evaluation",
    )


def compare_paddings(modules: Config, convolutions: Config, batch: int, rounds: int = ROUNDS) -> Comparison:
    """Separate padding modules against padding in the convolutions, from the same weights, in training mode."""
    images, labels = _batch(batch)
    networks = [build(config) for config in (modules, convolutions)]
    logits, gradients, kept = [], [], []
    for network in networks:
        kept.append(bytes_kept(lambda network=network: network(images)))  # type: ignore[misc]
        out = network(images)
        _backward(out, labels)
        logits.append(out.detach())
        gradients.append([parameter.grad for parameter in network.parameters()])
    pairs = zip(*gradients, strict=True)

    def step(network: nn.Module) -> None:
        network.zero_grad()
        _backward(network(images), labels)

    seconds = interleaved({"module": lambda: step(networks[0]), "conv": lambda: step(networks[1])}, rounds)
    return Comparison(
        "Padding",
        ("ConstantPad2d", "Conv2d(padding=1)"),
        float((logits[0] - logits[1]).abs().max()),
        float(logits[0].std()),
        (seconds["module"], seconds["conv"]),
        "forward and backward pass",
        max(float((one - other).abs().max()) for one, other in pairs),
        (kept[0], kept[1]),
    )


def interleaved(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median CPU seconds of each function over rounds in which each runs once, after one that is not timed."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(1 + rounds):
        for name, work in works.items():
            began = time.process_time()
            work()
            took[name].append(time.process_time() - began)
    return {name: statistics.median(each[1:]) for name, each in took.items()}


def bytes_kept(forward: Callable[[], object]) -> int:
    """The bytes of the tensors that a forward pass keeps for the backward pass, weights included, each memory counted once."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = forward()  # holds the memory, so that no address is used twice
    del result
    return sum(kept.values())


def table(found: Comparison) -> Table:
    """Format a comparison; its ratios are those of the second network to the first."""
    result = Table("", *found.names, "ratio", title=found.title, title_justify="left")
    first, second = found.seconds
    result.caption_justify = "left"
    result.add_row(f"CPU seconds, {found.what}", f"{first:.4f}", f"{second:.4f}", f"{second / first:.2f}")
    if found.bytes_kept is not None:
        first_kept, second_kept = found.bytes_kept
        row = (f"{kept / 2**20:.0f}" for kept in found.bytes_kept)
        result.add_row("MiB kept for the backward pass", *row, f"{second_kept / first_kept:.2f}")
    result.caption = (
        f"Largest difference of the logits: {found.difference:.1e} (their standard deviation is {found.spread:.2f})"
    )
    if found.gradient_difference is not None:
        result.caption += f"; of the gradients: {found.gradient_difference:.1e}"
    return result


def _backward(logits: Tensor, labels: Tensor) -> None:
    F.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]


def _batch(count: int) -> tuple[Tensor, Tensor]:
    """Random images and labels, the same in every call."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(count, 3, 32, 32, generator=generator).to(memory_format=torch.channels_last)
    return images, torch.randint(0, 10, (count,), generator=generator)


def main(overrides: Sequence[str], batch: int = 128) -> None:
    """Print both comparisons for stage 89, changed by `overrides`."""
    modules, convolutions = (
        make_config(["experiment=stage89", "data=builtin", *overrides, f"model.padding={padding}"])
        for padding in ("module", "conv")
    )
    console = Console()
    console.print(table(compare_stems(convolutions, batch)))
    console.print(table(compare_paddings(modules, convolutions, batch)))


if __name__ == "__main__":
    main(sys.argv[1:])
