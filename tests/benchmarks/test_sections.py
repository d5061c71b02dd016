"""Every section runs with tiny sizes, and its results say nothing of whose machine it was."""

import json
import platform
from pathlib import Path

import pytest

from benchmarks.commands import ROOT
from benchmarks.loops.case import Case
from benchmarks.sections import SECTIONS, training
from tests.conftest import Command


@pytest.mark.slow
@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_runs(name: str, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    answer = command(
        *("-m", "benchmarks", "--quick", "--only", name, "--output", str(file)), PYTHONPATH=str(ROOT), TMPDIR=str(tmp_path)
    )
    assert "the figures mean nothing" in answer.stdout
    text = file.read_text(encoding="utf-8")
    (section,) = json.loads(text)["sections"]
    assert (section["name"], section["error"]) == (name, None)
    series = [each for table in section["tables"] for each in table["series"]]
    assert all(len(each["values"]) == 1 for each in series)
    assert series or section["skipped"]
    assert str(tmp_path) not in text
    assert f'"{platform.node()}"' not in text


@pytest.mark.parametrize(("best", "skipped"), [("float32", True), ("bfloat16", False)])
def test_bfloat16_is_measured_where_the_product_takes_it(best: str, skipped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "precision_of", lambda device: best)
    monkeypatch.setattr(training, "missing", lambda: None)
    for loop in ("product", "lightning"):
        assert training.reason_to_skip(Case(loop, (), "float32")) is None
        assert bool(training.reason_to_skip(Case(loop, (), "bfloat16"))) is skipped


def test_an_unknown_section_is_refused(command: Command) -> None:
    answer = command("-m", "benchmarks", "--only", "steps", status=2, PYTHONPATH=str(ROOT))
    assert "unknown section 'steps'; available: step, processes, startup, cache, memory, engine, report" in answer.stderr
