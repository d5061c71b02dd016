"""benchmarks/scale.py with small studies."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import scale


@pytest.mark.parametrize("skipped", [("report", "ablate status", "plan, finished study")])
def test_small_studies_are_measured(skipped: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(scale.shutil, "which", lambda name: None)
    scale.report([40, 80], skipped)
    lines = capsys.readouterr().out.splitlines()
    assert lines[4] == "|  | 40 runs | 80 runs | growth |"
    assert [line.split("|")[1].strip() for line in lines[6:8]] == ["plan, new study", "load"]
    assert lines[-1] == "Metadata operations: not measured, because strace is not installed."


def test_growth_is_the_exponent_between_the_two_largest_studies() -> None:
    assert scale._growth({10: {"seconds": 9.0}, 100: {"seconds": 1.0}, 1000: {"seconds": 100.0}}) == "2.00"
    assert scale._growth({10: {"seconds": 9.0}}) == ""


@pytest.mark.slow
def test_a_run_needs_a_bounded_number_of_metadata_operations(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    calls: Counter[str] = scale.operations(tmp_path)
    assert 20 < sum(calls.values()) < 100
    assert calls["rename"] < 8
