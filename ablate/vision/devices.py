"""Choose the device, and record the facts about it that affect the numbers."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path
from typing import Any

import torch

from ablate.core.errors import UsageError
from ablate.engine.run import Run
from ablate.vision import precision
from ablate.vision.config import Config
from ablate.vision.memory import keep_freed_memory


def accelerator_of(device: torch.device) -> Any:
    """The torch module (`torch.cuda`, `torch.mps`) of `device`; None for the CPU."""
    return {"cuda": torch.cuda, "mps": torch.mps}.get(device.type)


def device_of(config: Config, run: Run) -> torch.device:
    """The device of a run; of several GPUs, the one with the index of this process."""
    device = choose_device(config.device)
    if device.type == "cuda" and torch.cuda.device_count() > 1:
        device = torch.device("cuda", run.slot % torch.cuda.device_count())
        torch.cuda.set_device(device)
    return device


def choose_device(name: str) -> torch.device:
    """Resolve `auto`, or check the named device, and prepare this process for it.

    Raises:
        UsageError: if the device does not exist on this machine.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, available in there.items() if available)
    if not there[name]:
        raise UsageError(f"device={name}: torch finds no such device on this machine; use device=auto.")
    if name == "cuda":  # cuBLAS reads it once, at the first matrix product of the process, whichever run that belongs to
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    elif name == "cpu":
        keep_freed_memory()
    return torch.device(name, torch.cuda.current_device()) if name == "cuda" else torch.device(name)


def set_numerics(config: Config, device: torch.device) -> dict[str, dict[str, Any]]:
    """Apply all settings that affect the last bits of the results.

    On CUDA, products and convolutions in float32 use TF32, whose factors have 10 bits of mantissa, and the facts say so.

    Returns:
        The facts about numerics, which must be equal for a run to be resumed, and about hardware.
    """
    threads = config.threads or default_threads()
    if threads != torch.get_num_threads():
        torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = not config.deterministic
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.use_deterministic_algorithms(config.deterministic)
    return {
        "numerics": {
            "device": device.type,
            "precision": precision.resolve(config.precision, device),
            "threads": torch.get_num_threads(),
            "deterministic": config.deterministic,
            "torch": torch.__version__,
            **({"tf32": True} if device.type == "cuda" else {}),
        },
        "hardware": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        },
    }


@functools.cache
def default_threads() -> int:
    """Torch's number of threads before any run of this process changed it. A launcher may have limited it."""
    return torch.get_num_threads()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
