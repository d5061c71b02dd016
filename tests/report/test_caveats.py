"""What the head of a report says."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ablate.core.designs import factorial
from ablate.report.build import Report
from ablate.report.caveats import head, headline, notices
from ablate.report.files import build, write
from tests.report.studies import write_runs


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


STEMS = [{"stem": level} for level in "abc"]


def take_away(study: Path, cells: str) -> None:
    for folder in study.glob(f"runs/{cells}"):
        shutil.rmtree(folder)


def test_a_level_that_has_no_run_any_more_is_named_and_what_stands_in_its_place(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", STEMS, 5)
    assert notices(build(study)) == []
    take_away(study, "stem=a*")
    report = build(study)
    assert head(report) == [
        "2 cells, 5 seeds, no claim.",
        "stem=a has no run: the baseline is stem=b.",
        "1 cell that was planned has no run: stem=a. The baseline here is stem=b.",
    ]
    text = write(report).read_text()
    assert "**stem=a has no run: the baseline is stem=b.**" in text
    assert "stem=a has no run: the baseline is stem=b." in (report.folder / "index.html").read_text()
    (study / "plan.csv").unlink()
    take_away(study, "stem=b*")  # stem does not even vary any more
    assert notices(build(study)) == ["stem=a; stem=b have no run: the baseline is stem=c."]


def test_a_last_level_that_is_gone_leaves_the_baseline(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", STEMS, 5)
    (study / "plan.csv").unlink()
    take_away(study, "stem=c*")
    assert notices(build(study)) == ["stem=c has no run."]


def test_a_baseline_cell_that_is_gone_is_named_though_its_levels_are_there(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", factorial({"stem": ["a", "b"], "norm": [False, True]}), 5)
    take_away(study, "stem=a,norm=false*")
    assert notices(build(study)) == [
        "1 cell that was planned has no run: stem=a,norm=false. The baseline here is stem=a,norm=true."
    ]


def test_a_level_whose_runs_were_all_left_out_is_named_too(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", STEMS, 5, leave_out=[{"stem": "a", "reason": "the disk failed"}])
    assert notices(build(study)) == ["stem=a has no run but those that were left out: the baseline is stem=b."]
