"""How the end of a run is told."""

from pathlib import Path

from ablate.engine.execution import Outcome


def test_an_error_says_where_its_traceback_is(tmp_path: Path) -> None:
    outcome = Outcome("x=1", 0, "failed", "ValueError: x", tmp_path)
    assert outcome.error_message == "ValueError: x"
    (tmp_path / "traceback.txt").write_text("…")
    assert outcome.error_message == f"ValueError: x (traceback: {tmp_path / 'traceback.txt'})"
