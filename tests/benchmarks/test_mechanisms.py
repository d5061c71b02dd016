"""The command that measures mechanisms."""

import pytest

from benchmarks import mechanisms


def test_the_command_prints_both_comparisons(capsys: pytest.CaptureFixture[str]) -> None:
    mechanisms.main(["model.widths=[4,6,8]", "model.depth=1"], batch=4)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Linear stem" in printed
    assert "MiB kept for the backward pass" in printed
    assert "of the gradients" in printed
