"""What a report is made of, before it is written."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablate.report.build import Report, compose
from ablate.report.figures import draw
from ablate.report.files import write
from ablate.report.text_table import TextTable
from tests.report.studies import results
from tests.stats.conftest import study

CHANGE = {"factor": "arm", "from": 0, "to": 1}
CLAIM: dict[str, Any] = {"id": "C1", "says": "s", "kind": "contrast", "contrast": CHANGE, "expects": "higher", "margin": 0.01}
ACCURACY = "final_test_accuracy"


def table(report: Report, name: str) -> TextTable:
    return next(shown for shown in report.tables if shown.name == name)


def test_an_accuracy_that_another_program_wrote_in_per_cent_is_written_as_it_is(tmp_path: Path) -> None:
    runs = results(lambda arm, seed: 91.45 + arm / 4 + seed / 100, ACCURACY)
    paths = {"id": "C2", "says": "s", "kind": "path", "path": {"changes": {"a": CHANGE}, "of": "a"}, "expects": "higher"}
    report = compose(runs, name="s", folder=tmp_path / "report", launched={"claims": [{**CLAIM, "published": 0.5}, paths]})
    assert table(report, "results").rows[0][2] == "91.47 ± 0.01581"
    assert table(report, "contrasts").rows[0][3] == "+0.2500 [+0.2500, +0.2500]"
    assert not [note for shown in report.tables for note in shown.notes if "of %" in note or "in %" in note]
    said = write(report).read_text() + (report.folder / "index.html").read_text()
    assert "9,1" not in said
    assert "25.0" not in said
    drawn = {figure.name: figure.svg for figure in draw(report, tmp_path)}
    assert {"attribution", "paired_differences"} <= drawn.keys()
    assert "effects" not in drawn  # of one factor they are the differences
    assert not [name for name, svg in drawn.items() if "(points of %)" in svg]


def test_an_accuracy_of_one_is_a_hundred_per_cent(tmp_path: Path) -> None:
    report = compose(results(lambda arm, seed: 1.0, ACCURACY), name="s", folder=tmp_path)
    assert table(report, "results").rows[0][2] == "100.0"


def test_points_of_per_cent_are_named_only_where_a_verdict_has_them(tmp_path: Path) -> None:
    shares = compose(results(metric=ACCURACY, value=lambda arm, seed: arm / 9 + seed / 30), name="s", folder=tmp_path,
                     launched={"claims": [CLAIM]})  # fmt: skip
    others = compose(results(), name="s", folder=tmp_path, launched={"claims": [{**CLAIM, "metric": "f1"}]})
    ratios = compose(results(lambda arm, seed: 0.2 + arm / 9 + seed / 30, ACCURACY), name="s", folder=tmp_path,
                     launched={"claims": [{**CLAIM, "scale": "ratio", "margin": 1.1}]})  # fmt: skip
    assert ["points of %" in table(report, "verdicts").notes[0] for report in (shares, others, ratios)] == [True, False, False]


def test_a_verdict_says_how_many_pairs_its_interval_is_over(tmp_path: Path) -> None:
    runs = results(lambda arm, seed: 0.5 + arm / 9 + seed / 30, ACCURACY, seeds=6)
    runs.loc[1, ["status", ACCURACY]] = ["diverged", math.nan]
    report = compose(runs, name="s", folder=tmp_path, launched={"claims": [CLAIM], "chance": {ACCURACY: 0.1}})
    assert report.verdicts[["look", "df"]].to_numpy().tolist() == [[5, 3.0]]
    assert table(report, "verdicts").rows[0][4] == "5 (4 in the interval)"
    whole = compose(results(), name="s", folder=tmp_path, launched={"claims": [{**CLAIM, "metric": "f1"}]})
    assert table(whole, "verdicts").rows[0][4] == "5"


def test_the_interval_over_test_images_stands_beside_that_over_seeds(tmp_path: Path) -> None:
    runs = results(lambda arm, seed: 0.5 + arm / 4, ACCURACY)
    right = {name: np.arange(100) < 50 + 25 * name.startswith("arm=1") for name in runs["directory"]}
    report = compose(runs, name="s", folder=tmp_path, right=right)
    shown = table(report, "contrasts")
    assert shown.headers[4] == "over test images"
    assert shown.rows[0][4].startswith("[+1")
    low, high = report.contrasts[["images_low", "images_high"]].iloc[0]
    assert 0.1 < low < 0.25 < high < 0.4
    assert "over test images" not in table(compose(runs, name="s", folder=tmp_path), "contrasts").headers


def test_a_run_that_missed_its_target_counts_with_the_budget_in_contrasts_and_paths(tmp_path: Path) -> None:
    runs = results(lambda arm, seed: math.nan if arm and seed == 1 else 4.0, "epochs_to_target")
    claim = {"id": "C1", "says": "s", "kind": "path", "path": {"changes": {"a": CHANGE}, "of": "a"}, "expects": "higher",
             "metric": "epochs_to_target", "margin": 1.0}  # fmt: skip
    report = compose(runs, name="s", folder=tmp_path, launched={"claims": [claim], "budgets": {"epochs_to_target": 9.0}})
    assert report.contrasts[["n", "estimate"]].to_numpy().tolist() == [[5, 1.0]]
    assert report.paths[0].shares["n"].tolist() == [5, 5]
    assert report.paths[0].shares["estimate"].tolist() == pytest.approx([1.0, 1.0])


def test_no_attribution_is_shown_of_a_difference_to_a_time_to_a_target(tmp_path: Path) -> None:
    runs = results(lambda arm, seed: 4.0 + arm, "epochs_to_target").assign(f1=1.0)
    claim = {"id": "C1", "says": "s", "kind": "path", "path": {"changes": {"a": CHANGE}, "of": "a"}, "expects": "higher",
             "metric": "epochs_to_target - f1", "margin": 1.0}  # fmt: skip
    report = compose(runs, name="s", folder=tmp_path, launched={"claims": [claim], "budgets": {"epochs_to_target": 9.0}})
    assert report.paths == []
    assert "is a time to a target" in report.verdicts["reason"].iloc[0]


def test_contrasts_that_no_seed_is_complete_for_do_not_stand_beside_the_shares_of_a_path(tmp_path: Path) -> None:
    """Each seed ran the cells of one order of two changes: a contrast needs both orders, a share does not."""
    runs = study({"a": [0, 1], "b": [0, 1]}, lambda levels, seed: levels["a"] + 0.1 * levels["b"] + seed)
    taken = [(row["a"], row["b"]) != ((0, 1) if row["seed"] % 2 else (1, 0)) for row in runs.to_dict("records")]
    kept = runs[taken].reset_index(drop=True)
    kept.attrs = runs.attrs
    changes = {name: {"factor": name, "from": 0, "to": 1} for name in ("a", "b")}
    path = {"id": "P", "says": "s", "kind": "path", "path": {"changes": changes, "of": "a"}, "expects": "higher"}
    launched = {"claims": [{**path, "metric": "accuracy"}]}
    names = [shown.name for shown in compose(kept, name="s", folder=tmp_path, launched=launched).tables]
    assert "contrasts" not in names
    assert "contrasts" in [shown.name for shown in compose(kept.copy(), name="s", folder=tmp_path).tables]
    both = compose(runs.copy(), name="s", folder=tmp_path, launched=launched)
    assert {"contrasts", "attribution"} <= {shown.name for shown in both.tables}
