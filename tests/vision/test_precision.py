"""The precision: where auto takes which, and what stays float32 whatever it is."""

from unittest.mock import Mock

import pytest
import torch
from torch import nn

from ablate.vision import precision
from ablate.vision.precision import autocast, resolve

CPU = torch.device("cpu")


def test_auto_is_bfloat16_on_cuda_and_where_the_cpu_multiplies_it_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for speedup, expected in ((6.0, "bfloat16"), (1.5, "bfloat16"), (1.4, "float32"), (0.2, "float32")):
        monkeypatch.setattr(precision, "cpu_speedup", lambda speedup=speedup: speedup)
        assert resolve("auto", CPU) == expected
    for has_it, expected in ((True, "bfloat16"), (False, "float32")):
        supported = Mock(return_value=has_it)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
        assert resolve("auto", torch.device("cuda")) == expected
        supported.assert_called_once_with(including_emulation=False)  # a T4 emulates it, slowly
    assert resolve("auto", torch.device("mps")) == "float32"


def test_a_precision_that_is_named_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "cpu_speedup", lambda: pytest.fail("nothing needs to be measured"))
    assert resolve("bfloat16", CPU) == "bfloat16"
    assert resolve("float32", torch.device("cuda")) == "float32"


def test_the_speedup_is_measured_once_and_in_little_time() -> None:
    precision.cpu_speedup.cache_clear()
    found = precision.cpu_speedup()
    assert 0 < found < 100
    assert precision.cpu_speedup() == found


def test_a_product_has_the_type_that_was_asked_for() -> None:
    with autocast(CPU, "float32"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    with autocast(CPU, "bfloat16"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_statistics_of_bn_are_summed_and_kept_in_float32() -> None:
    """The input has 8 bits of precision; its mean and variance over many pixels must have more."""
    x = (torch.randn(16, 2, 16, 16, generator=torch.Generator().manual_seed(0)) + 3).to(torch.bfloat16)
    norm = nn.BatchNorm2d(2, momentum=1.0)
    with autocast(CPU, "bfloat16"):
        output = norm(x)
    assert output.dtype == torch.bfloat16
    assert norm.running_mean.dtype == norm.running_var.dtype == torch.float32
    assert torch.allclose(norm.running_mean, x.double().mean((0, 2, 3)).float(), rtol=1e-5)
    assert torch.allclose(norm.running_var, x.double().var((0, 2, 3)).float(), rtol=1e-4)
