"""Every section runs with tiny sizes, and its results say nothing of whose machine it was."""

import json
import platform
from pathlib import Path

import pytest

from benchmarks.commands import ROOT
from benchmarks.sections import SECTIONS
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


def test_an_unknown_section_is_refused(command: Command) -> None:
    answer = command("-m", "benchmarks", "--only", "steps", status=2, PYTHONPATH=str(ROOT))
    assert "unknown section 'steps'; available: step, processes, startup, cache, memory, engine, report" in answer.stderr
