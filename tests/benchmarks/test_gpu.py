"""The script for a GPU says that there is none, and runs the same code on the CPU."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from benchmarks.commands import ROOT
from benchmarks.results import Section
from tests.conftest import Command

SCRIPT = str(ROOT / "benchmarks" / "gpu.py")


def test_without_cuda_it_ends_with_status_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 2
    assert "No CUDA device was found by torch. `--device cpu --quick` runs the same code" in capsys.readouterr().err


def test_some_parts_have_a_file_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On the same day, they do not replace the results of all parts."""
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    monkeypatch.setattr(gpu, "ROOT", tmp_path)
    monkeypatch.setattr(gpu, "study", lambda options, device: Section("study", "A study"))
    assert gpu.main(["--device", "cpu", "--quick", "--parts", "study"]) == 0
    (file,) = (tmp_path / "benchmarks" / "results").iterdir()
    assert file.stem.endswith("-study")
    assert [each["name"] for each in json.loads(file.read_text(encoding="utf-8"))["sections"]] == ["study"]


@pytest.mark.slow
def test_every_part_runs_on_the_cpu(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    answer = command(SCRIPT, "--device", "cpu", "--quick", "--output", str(file), PYTHONPATH=str(ROOT))
    sections = json.loads(file.read_text(encoding="utf-8"))["sections"]
    assert [(each["name"], each["error"]) for each in sections] == [("tests", None), ("step", None), ("study", None)]
    names = [series["name"] for section in sections for table in section["tables"] for series in table["series"]]
    assert {"bare step, float32, contiguous", "channels_last / contiguous, float32", "the study"} <= set(names)
    # On a CPU without AMX bfloat16 is left out, and said to be
    assert "bare step, bfloat16, contiguous" in {*names, *sections[1]["skipped"]}
    assert "final test accuracy, over the runs" in answer.stdout
