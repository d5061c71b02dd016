"""What the head of a report says."""

from pathlib import Path
from typing import Any

import pytest

from ablate.reporting.content import Report
from ablate.reporting.notices import headline, notices
from ablate.reporting.page import build
from tests.reporting.studies import write_runs


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            {"source": "builtin"},
            "The images were drawn by the program (data.source=builtin): this says nothing of photographs.",
        ),
        (
            {"source": "images", "root": "data/CIFAR10-jpeg.zip"},
            "Images from data/CIFAR10-jpeg.zip, by its name a JPEG copy: compression has changed the pixels.",
        ),
        ({"source": "images", "root": "jpegs/flowers"}, "Images from jpegs/flowers."),
    ],
)
def test_the_head_says_what_the_images_were(tmp_path: Path, data: dict[str, Any], said: str) -> None:
    cells = [{"stem": "pyramid"}, {"stem": "direct"}]
    study = write_runs(tmp_path / "s", cells, 1)
    for path in study.glob("runs/*/*/config.yaml"):
        path.write_text(path.read_text() + "data:\n" + "".join(f"  {key}: {value}\n" for key, value in data.items()))
    assert notices(build(study))[0] == said


def test_the_verdicts_are_counted(report: Report) -> None:
    assert headline(report) == "5 claims: 1 supported, 3 contradicted, 1 not tested."
    assert notices(report) == ["Not equal in all runs: code, data."]


def test_below_five_seeds_the_head_says_so(tmp_path: Path) -> None:
    study = build(write_runs(tmp_path / "s", [{}], 4))
    assert headline(study) == "1 cell, 4 seeds, no claim."
    assert notices(study) == ["No verdict below 5 seeds, and no p value: what stands here is a first look."]
