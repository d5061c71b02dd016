"""The real commands, as a user types them."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ablate.vision.drawing import CLASSES, draw
from tests.conftest import Command

RUN, REPORT = ["-m", "ablate.run"], ["-m", "ablate.report"]
SMALL = ["data=builtin", "budget=smoke", "model.widths=[8,12,16]", "device=cpu"]
PROJECT = Path(__file__).resolve().parent.parent


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in answer.stderr + answer.stdout
    (line,) = answer.stderr.splitlines()
    return line


@pytest.mark.slow
def test_the_main_job_ends_in_a_comparison_table(command: Command, tmp_path: Path) -> None:
    answer = command(*RUN, "-m", "model.dropout=true,false", "stem=pyramid,direct", *SMALL)
    assert answer.stderr == ""
    assert "4 finished" in answer.stdout
    study = next((tmp_path / "outputs").iterdir())
    assert f"Report: outputs/{study.name}/report/report.md" in answer.stdout
    cells = pd.read_csv(study / "report" / "cells.csv")
    assert list(zip(cells["model.dropout"], cells["stem"], strict=True)) == [
        (True, "pyramid"), (True, "direct"), (False, "pyramid"), (False, "direct"),
    ]  # fmt: skip
    assert cells["parameters"].nunique() == 2
    assert cells["final_test_accuracy"].between(0, 1).all()
    text = (study / "report" / "report.md").read_text()
    assert "| true | pyramid | 1 |" in text
    (study / "report" / "report.md").unlink()
    again = command(*REPORT, f"outputs/{study.name}")
    assert (study / "report" / "report.md").read_text() == text
    assert "Ablation" in again.stdout


def test_one_cell_says_what_came_of_it(command: Command) -> None:
    answer = command(*RUN, "experiment=stage89", *SMALL, "model.widths=[8,12,16]")
    assert answer.stderr == ""
    assert "epoch 2/2" in answer.stdout
    assert "final_test_accuracy: 0." in answer.stdout


@pytest.mark.slow
def test_the_summary_prints_both_totals_and_trains_nothing(command: Command, tmp_path: Path) -> None:
    answer = command(*RUN, "experiment=stage89", "summary=true")
    assert "1,990,802 parameters, counting a layer each time it is used" in answer.stdout
    assert "1,990,290 distinct parameters" in answer.stdout
    assert not list(tmp_path.rglob("run.json"))
    both = command(*RUN, "-m", "stem=direct,gentle", "summary=true").stdout
    assert both.index("stem=direct") < both.index("stem=gentle")


def pack(path: Path, torn: str | None = None, ending: str = "png") -> None:
    """A zip of drawn images, 20 and 10 a class."""
    with zipfile.ZipFile(path, "w") as archive:
        for split, count in (("train", 200), ("test", 100)):
            for index, (pixels, label) in enumerate(zip(*draw(split, count, 0), strict=True)):
                name = f"{split}/{CLASSES[label]}/{index:04d}.{ending}"
                with archive.open(name, "w") as file:
                    if name == torn:
                        file.write(b"\x89PNG torn")
                    else:
                        Image.fromarray(np.asarray(pixels)).save(file, {"png": "PNG", "jpg": "JPEG"}[ending])


@pytest.mark.slow
def test_a_zip_of_images_is_swept(command: Command, tmp_path: Path) -> None:
    pack(tmp_path / "images.zip")
    answer = command(*RUN, "-m", "stem=pyramid,direct", *SMALL[1:], "data=images", "data.root=images.zip")
    assert "2 finished" in answer.stdout
    assert list((tmp_path / "outputs").glob("*root=images.zip*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model.dropuot=true"], "no key 'model.dropuot' in the configuration. Did you mean 'model.dropout'?"),
        (["stem=pyramidd"], "stem has no level pyramidd; available: direct, gentle, pyramid."),
        (["optimizer.batch_size=many"], "optimizer.batch_size=many: expected an integer >= 1."),
        (["activation.name=tanh"], "activation.name=tanh: expected one of relu, gelu, silu, none."),
        (["norm.places=[block9.conv1]"], "norm.places: 'block9.conv1' matches no place of this trunk; available: block1.conv1"),
        (["data=images", "data.root=nowhere.zip"], "data.root=nowhere.zip: no such file or folder"),
        (["data=images", "data.root=torn.zip"], "torn.zip: train/disc/0000.png cannot be read as an image"),
        (["data=images", "data.root=text.zip"], "data.root=text.zip: neither a folder nor a readable zip file"),
        (["data=builtin", "device=cuda"], "device=cuda: torch finds no such device on this machine"),
    ],
)
def test_what_cannot_be_used_is_one_line(command: Command, tmp_path: Path, arguments: list[str], said: str) -> None:
    pack(tmp_path / "torn.zip", torn="train/disc/0000.png")
    (tmp_path / "text.zip").write_text("text")
    for mode in ([], ["-m"]):
        answer = command(*RUN, *mode, *arguments, "budget=smoke", status=2, CUDA_VISIBLE_DEVICES="")
        assert one_line(answer).startswith(f"ablate: {said}")
    assert not list(tmp_path.rglob("run.json"))


def test_a_report_of_nothing_is_one_line(command: Command) -> None:
    assert one_line(command(*REPORT, "outputs/nowhere", status=2)).startswith(
        "ablate: outputs/nowhere: there is no such file, folder or study"
    )


def test_help_is_quick(command: Command) -> None:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        answer = command(*RUN, "--help")
        seconds.append(time.perf_counter() - started)
    assert "stem: direct, gentle, pyramid" in answer.stdout
    assert min(seconds) < 5  # 1.2 alone; other tests run beside it


@pytest.mark.slow
def test_a_wheel_runs_without_the_checkout(command: Command, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(PROJECT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    assert (site / "ablate" / "conf" / "stem" / "pyramid.yaml").is_file()
    where = "import ablate.run; print(ablate.run.conf())"
    path = {"PYTHONPATH": str(site)}
    assert command("-c", where, **path).stdout.strip() == str(site / "ablate" / "conf")
    assert "2 finished" in command(*RUN, "-m", "stem=pyramid,direct", *SMALL, **path).stdout
