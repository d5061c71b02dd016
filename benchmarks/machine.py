"""The machine that a benchmark runs on: its name in results, and the CPU cores that a process may use.

A machine is named by its processor, its cores, AMX and the version of torch; never by a host name.
"""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")
TOPOLOGY = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class Machine:
    """What results are compared by."""

    processor: str
    cores: int  # logical CPUs that this process may use
    amx: bool  # whether the CPU multiplies bfloat16 matrices in hardware (the flag amx_bf16)
    gpu: str | None
    torch: str
    python: str
    system: str

    @property
    def slug(self) -> str:
        """The name in the name of a file."""
        amx = "amx" if self.amx else "no-amx"
        words = [self.gpu] if self.gpu else [self.processor, f"{self.cores} cores", amx]
        return re.sub(r"[^a-z0-9.]+", "-", " ".join([*words, f"torch {self.torch}"]).lower()).strip("-")

    def describe(self) -> str:
        """One line for people."""
        amx = "AMX" if self.amx else "no AMX"
        gpu = f", {self.gpu}" if self.gpu else ""
        return f"{self.processor}, {self.cores} cores, {amx}{gpu}, torch {self.torch}, Python {self.python}, {self.system}"


def this_machine() -> Machine:
    """The machine that this process runs on."""
    facts = _cpuinfo()
    return Machine(
        processor=facts.get("model name") or platform.processor() or platform.machine(),
        cores=len(available()),
        amx="amx_bf16" in facts.get("flags", "").split(),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        torch=torch.__version__,
        python=platform.python_version(),
        system=platform.system(),
    )


def available() -> list[int]:
    """The logical CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def choose(cores: int) -> list[int]:
    """`cores` logical CPUs of as many physical cores; logical CPUs of the same core only where there are no others.

    Raises ValueError if this process may not use as many.
    """
    allowed = available()
    if cores > len(allowed):
        raise ValueError(f"{cores} cores are needed; this process may use {len(allowed)}")
    seen: set[str] = set()
    first: list[int] = []
    others: list[int] = []
    for cpu in allowed:
        siblings = _siblings(cpu)
        (others if siblings in seen else first).append(cpu)
        seen.add(siblings)
    return sorted([*first, *others][:cores])


def pin(cores: int) -> None:
    """Restrict this process, its threads and its children to as many cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, choose(cores))


def load() -> float | None:
    """The number of processes that have been running or waiting in the last minute; None where it is unknown."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _siblings(cpu: int) -> str:
    try:
        return (TOPOLOGY / f"cpu{cpu}/topology/thread_siblings_list").read_text(encoding="utf-8").strip()
    except OSError:
        return str(cpu)


def _cpuinfo() -> dict[str, str]:
    """The facts of the first CPU; empty where the system has no such file."""
    try:
        block = CPUINFO.read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}
