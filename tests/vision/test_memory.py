"""Memory that a training step frees is there for the next one."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import array, resource, sys
from ablate.vision.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def use():
    array.array("d", [1.0]) * 2**24  # 128 MiB, freed at once
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    """The pages that the kernel had to provide for memory that the process had freed before."""
    answer = subprocess.run([sys.executable, "-c", FAULTS, mode], capture_output=True, text=True, check=True)
    return int(answer.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_freed_memory_is_not_asked_of_the_system_again() -> None:
    assert faults("keep") < 100
    assert faults("leave") > 1000
