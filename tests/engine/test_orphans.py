"""Only joblib's workers end with the process of the sweep; test_launch.py kills a real one."""

import threading

from ablate.engine import orphans


def test_a_process_that_is_not_a_worker_is_left_alone() -> None:
    threads = threading.active_count()
    orphans.end_with_parent()
    assert threading.active_count() == threads
    assert not orphans._watching
