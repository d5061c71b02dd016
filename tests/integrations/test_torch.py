"""Initial weights that are paired across configurations."""

from pathlib import Path

import torch
from torch import nn

from ablate.engine.run import Run
from ablate.integrations.torch import initialize
from ablate.storage.records import RunRecord


def run_of(seed: int, directory: Path) -> Run:
    return Run(directory, RunRecord(identity="i", cell="c", seed=seed, label="base", choices={}, overridden=[]), {})


def test_layers_in_common_start_with_equal_weights(tmp_path: Path) -> None:
    def network(norm: bool) -> nn.Sequential:
        layers = {"first": nn.Linear(4, 8), "last": nn.Linear(8, 2)}
        if norm:
            layers = {"first": layers["first"], "norm": nn.BatchNorm1d(8), "last": layers["last"]}  # type: ignore[dict-item]
        module = nn.Sequential()
        for name, layer in layers.items():
            module.add_module(name, layer)
        return module

    plain, normed, other = network(False), network(True), network(False)
    generator = torch.get_rng_state()
    for module in (plain, normed):
        initialize(module, run_of(3, tmp_path))
    initialize(other, 4)
    assert torch.equal(torch.get_rng_state(), generator)
    for name, weights in plain.state_dict().items():
        assert torch.equal(weights, normed.state_dict()[name])
        assert not torch.equal(weights, other.state_dict()[name])
    bound = 1 / 4**0.5  # PyTorch's own: uniform in ± 1 / sqrt(inputs)
    assert plain.first.weight.abs().max() <= bound  # type: ignore[operator,union-attr]
    assert plain.first.weight.abs().max() > 0.8 * bound  # type: ignore[operator,union-attr]
