"""End the worker processes of joblib when the process of the sweep is gone.

If the process of the sweep alone is killed, joblib's workers finish the runs they hold and then wait for more, with their
memory and CUDA contexts. Jobs of other launchers, such as Slurm's, outlive the process of the sweep on purpose.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

from ablate.storage import watcher

LOOK_SECONDS = 0.5
_watching: set[int] = set()  # the processes that watch their parents: at most this one


def end_with_parent() -> None:
    """In a worker of joblib, start to watch the process of the sweep; in any other process, do nothing."""
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None or os.getpid() in _watching or not _is_joblib_worker():
        return
    _watching.add(os.getpid())
    threading.Thread(target=_watch, args=(parent.pid,), daemon=True).start()


def _is_joblib_worker() -> bool:
    return "loky" in type(multiprocessing.current_process()).__module__


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    watcher.stop()  # this end says nothing about the run
    os.kill(os.getpid(), signal.SIGKILL)
