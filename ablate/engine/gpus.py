"""The GPUs of this machine that a process may use."""

from __future__ import annotations

import functools
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from ablate.engine.orphans import is_joblib_worker
from ablate.storage import locks

VARIABLE = "CUDA_VISIBLE_DEVICES"
_DEVICE = re.compile(r"\d+|(GPU|MIG)-.+")
_MIG = re.compile(r"\s+MIG .*\(UUID: (MIG-[^)]+)\)")


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that this process may use, as values for CUDA_VISIBLE_DEVICES.

    Of a card that is divided (MIG), they are the parts.

    >>> visible_gpus({"CUDA_VISIBLE_DEVICES": "2,5"}), visible_gpus({"CUDA_VISIBLE_DEVICES": "-1"})
    (['2', '5'], [])
    """
    listed = environment.get(VARIABLE)
    if listed is None:
        return list(_installed())
    return list(itertools.takewhile(_DEVICE.fullmatch, map(str.strip, listed.split(","))))  # CUDA ignores what follows others


def take_one(study: Path, named: Collection[str] = ()) -> None:
    """In a worker of joblib, leave one of several GPUs visible: the one with the index of this process in the study.

    A worker keeps its index for all its runs. If CUDA has been initialized, it would not notice a change.

    Args:
        study: the folder of the study.
        named: the variables that the configuration sets: GPUs that it names are what each run is to have.
    """
    if not is_joblib_worker() or VARIABLE in named:
        return
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_initialized():
        return
    gpus = visible_gpus()
    if len(gpus) > 1:
        os.environ[VARIABLE] = gpus[locks.slot(study) % len(gpus)]


@functools.cache
def _installed() -> tuple[str, ...]:
    """The GPUs that NVIDIA's driver lists."""
    try:
        answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    cards: list[list[str]] = []
    for line in answer.splitlines():
        if line.startswith("GPU "):
            cards.append([])
        elif cards and (part := _MIG.match(line)):
            cards[-1].append(part[1])
    return tuple(device for number, parts in enumerate(cards) for device in parts or [str(number)])
