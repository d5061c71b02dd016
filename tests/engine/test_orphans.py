"""Only joblib's workers end with the process of the sweep (test_launch.py kills a real one), and forked children with a run."""

import subprocess
import sys
import threading

import pytest

from ablate.engine import orphans


def test_a_process_that_is_not_a_worker_is_left_alone() -> None:
    threads = threading.active_count()
    orphans.end_with_parent()
    assert threading.active_count() == threads
    assert not orphans._watching


FORK = """
import os, sys
from ablate.engine.orphans import without_forked_children

with without_forked_children():
    child = os.fork()
    if not child and sys.argv[1] == "raises":
        raise RuntimeError("in the child")
print("parent", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize(("how", "says"), [("returns", ""), ("raises", "RuntimeError: in the child")])
def test_a_forked_child_does_not_leave_the_training_function(how: str, says: str) -> None:
    ended = subprocess.run([sys.executable, "-c", FORK, how], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "parent 1\n"
    assert says in ended.stderr
    assert "a child process of the training function returned from it" in ended.stderr
