"""What a training function may return, and how a run's end is told."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.core.errors import UsageError
from ablate.engine.execution import Outcome, metrics_of


def test_numbers_of_any_kind_are_metrics_and_nothing_else_is() -> None:
    returned = {"a": np.float32(0.5), "b": torch.tensor(2.0), "c": None, "d": 3, "label": 1.5}
    assert metrics_of(returned) == {"a": 0.5, "b": 2.0, "c": None, "d": 3, "label": 1.5}
    with pytest.raises(UsageError, match="the training function returned NoneType; it should return a mapping of metrics by name"):
        metrics_of(None)
    with pytest.raises(UsageError, match="the training function returned a='x'; a metric should be a number, or None"):
        metrics_of({"a": "x"})


def test_an_error_says_where_its_traceback_is(tmp_path: Path) -> None:
    outcome = Outcome("x=1", 0, "failed", "ValueError: x", tmp_path)
    assert outcome.error_message == "ValueError: x"
    (tmp_path / "traceback.txt").write_text("…")
    assert outcome.error_message == f"ValueError: x (traceback: {tmp_path / 'traceback.txt'})"
