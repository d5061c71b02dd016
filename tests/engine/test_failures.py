"""What is kept of an error."""

from pathlib import Path

from ablate.core.errors import Diverged, UsageError
from ablate.engine.failures import message_of, write_traceback


def test_a_message_names_the_type_of_foreign_errors() -> None:
    assert message_of(ValueError("x")) == "ValueError: x"
    assert message_of(UsageError("fix it")) == "fix it"
    assert message_of(Diverged("epoch 2")) == "epoch 2"
    assert message_of(MemoryError("Unable to allocate 8 GiB")) == "MemoryError: Unable to allocate 8 GiB"
    assert message_of(MemoryError()) == "MemoryError: out of memory"
    assert message_of(StopIteration()) == "StopIteration"
    assert message_of(ValueError("a\nb\x1b[0m\ud800")) == "ValueError: a\nb\\x1b[0m\\ud800"


def test_a_long_traceback_is_cut(tmp_path: Path) -> None:
    write_traceback(tmp_path, ValueError("x" * 3_000_000))
    text = (tmp_path / "traceback.txt").read_text()
    assert len(text) < 1_000_100
    assert text.startswith("ValueError: xxx")
    assert "characters left out" in text
