"""End processes that must not go on.

If the process of the sweep alone is killed, joblib's workers finish the runs they hold and then wait for more, with their
memory and CUDA contexts. Jobs of other launchers, such as Slurm's, outlive the process of the sweep on purpose.

A training function that forks, and whose child returns or raises as well, would record its run and repeat the rest of the
sweep once more.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from ablate.storage import watcher

LOOK_SECONDS = 0.5
_watching: set[int] = set()  # the processes that watch their parents: at most this one


def end_with_parent() -> None:
    """In a worker of joblib, start to watch the process of the sweep; in any other process, do nothing."""
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None or os.getpid() in _watching or not is_joblib_worker():
        return
    _watching.add(os.getpid())
    threading.Thread(target=_watch, args=(parent.pid,), daemon=True).start()


@contextmanager
def without_forked_children() -> Iterator[None]:
    """End, with status 1, a process that was forked within the body and leaves it."""
    process = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != process:
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
            print(
                "ablate: a child process of the training function returned from it, and was ended.",
                file=sys.stderr,
            )
            sys.stderr.flush()
            os._exit(1)


def is_joblib_worker() -> bool:
    """Whether this process is a worker of joblib, which executes one run after the other."""
    return "loky" in type(multiprocessing.current_process()).__module__


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    watcher.stop()  # this end says nothing about the run
    os.kill(os.getpid(), signal.SIGKILL)
