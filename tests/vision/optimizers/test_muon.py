"""Muon against its published description: Newton-Schulz by hand, the update by hand, and torch's AdamW."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from ablate.vision.config import Config
from ablate.vision.optimizers import make_optimizer
from ablate.vision.optimizers.muon import ADAM_BETAS, EPSILON, Muon, orthogonalize


def test_one_newton_schulz_step_by_hand() -> None:
    """diag(3, 4) has the norm 5: singular values 0.6 and 0.8, and s becomes 3.4445 s - 4.7750 s^3 + 2.0315 s^5."""
    found = orthogonalize(torch.diag(torch.tensor([3.0, 4.0])), 1)
    # 0.6: 2.0667 - 1.0314 + 0.15796944; 0.8: 2.7556 - 2.4448 + 0.66568192
    expected = torch.diag(torch.tensor([1.19326944, 0.97648192]))
    assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_five_steps_bring_singular_values_near_one_and_keep_singular_vectors(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalize(matrix, 5)
    values = torch.linalg.svdvals(found)
    assert found.shape == shape
    assert 0.6 < values.min() <= values.max() < 1.3  # as published: within about 0.3 of 1
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    projected = left.T @ found @ right.T
    assert torch.allclose(projected, torch.diag(projected.diag()), atol=1e-5)


def test_an_update_is_momentum_orthogonalized_and_scaled_by_the_shape() -> None:
    """A convolution (4, 2, 1, 1) is a matrix of 4 rows and 2 columns: its update is scaled by the root of 4 / 2."""
    weight = nn.Parameter(torch.randn(4, 2, 1, 1, generator=torch.Generator().manual_seed(0)))
    before = weight.detach().clone()
    optimizer = Muon([weight], lr=0.1, momentum=0.9, nesterov=True, iterations=5, weight_decay=0.5)
    weight.grad = gradient = torch.randn(4, 2, 1, 1, generator=torch.Generator().manual_seed(1))
    optimizer.step()
    momentum = 0.1 * gradient
    update = orthogonalize((0.1 * gradient + 0.9 * momentum).view(4, 2), 5).view(4, 2, 1, 1)
    assert torch.allclose(weight, before * (1 - 0.1 * 0.5) - 0.1 * 2**0.5 * update, atol=1e-6)


@pytest.mark.parametrize("nesterov", [True, False])
def test_each_parameter_has_its_own_momentum_over_the_steps(nesterov: bool) -> None:
    """Two shapes, three steps, and a parameter without a gradient in the second, each by hand."""
    rng = torch.Generator().manual_seed(0)
    weights = [nn.Parameter(torch.randn(shape, generator=rng)) for shape in ((4, 2), (3, 5))]
    optimizer = Muon(weights, lr=0.1, momentum=0.9, nesterov=nesterov, iterations=5, weight_decay=0.5)
    expected = [weight.detach().clone() for weight in weights]
    momenta = [torch.zeros_like(weight) for weight in weights]
    for step in range(3):
        for number, weight in enumerate(weights):
            weight.grad = None if (step, number) == (1, 1) else torch.randn(weight.shape, generator=rng)
            if weight.grad is not None:
                momenta[number] = 0.9 * momenta[number] + 0.1 * weight.grad
                update = 0.1 * weight.grad + 0.9 * momenta[number] if nesterov else momenta[number]
                scale = max(1, len(weight) / weight.shape[1]) ** 0.5
                expected[number] = expected[number] * 0.95 - 0.1 * scale * orthogonalize(update, 5)
        optimizer.step()
    for weight, by_hand in zip(weights, expected, strict=True):
        assert torch.allclose(weight, by_hand, atol=1e-6)


def test_biases_norms_and_the_last_layer_are_updated_by_adamw(experiment: Callable[..., Config]) -> None:
    def network() -> nn.Sequential:
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5))

    settings = experiment("optimizer=muon", "optimizer.weight_decay=0.1", "optimizer.adamw_learning_rate=0.01").optimizer
    ours, theirs = network(), network()
    optimizer = make_optimizer(settings, ours)
    assert [group["lr"] for group in optimizer.param_groups] == [0.02, 0.01]
    assert [tuple(p.shape) for p in optimizer.param_groups[0]["params"]] == [(4, 3, 3, 3)]
    assert len(optimizer.param_groups[1]["params"]) == 5
    reference = torch.optim.AdamW(list(theirs.parameters())[1:], lr=0.01, betas=ADAM_BETAS, eps=EPSILON, weight_decay=0.1)
    rng = np.random.default_rng(0)
    for _ in range(3):
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            one.grad = torch.from_numpy(rng.normal(size=one.shape)).float()
            other.grad = one.grad.clone()
        optimizer.step()
        reference.step()
    for one, other in list(zip(ours.parameters(), theirs.parameters(), strict=True))[1:]:
        assert torch.allclose(one, other, atol=1e-6)
