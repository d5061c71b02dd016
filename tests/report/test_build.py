"""The parts of a report, from the records of a study and from the results of other programs."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate.core.descriptions import Column, Description, Examples, ExtraTable
from ablate.core.errors import Diverged, UsageError
from ablate.core.metrics import MetricSpec
from ablate.report.build import build, compose
from ablate.report.caveats import caveats
from ablate.report.figures import draw
from ablate.report.folder import write_folder
from ablate.report.model import Report
from ablate.report.values import text_of
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import RunRecord
from tests.report.studies import ACCURACY, METRICS, Levels, grid, grid_results, results, write_run, write_runs

CHANGE = {"factor": "arm", "from": 0, "to": 1}
CLAIM: dict[str, Any] = {"id": "C1", "says": "s", "kind": "contrast", "contrast": CHANGE, "expects": "higher", "margin": 0.01}
PATH: dict[str, Any] = {**CLAIM, "id": "C2", "kind": "path", "path": {"changes": {"a": CHANGE}, "of": "a"}}
del PATH["contrast"]
EPOCHS = MetricSpec("epochs", "epochs to target", digits=1, better="lower", limit=9.0)


def accuracies(value: Any, **more: Any) -> Any:
    return results(value, ACCURACY.name, specs=[ACCURACY], **more)


def column(report: Report, name: str, key: str) -> list[str]:
    table = next(shown for shown in report.tables if shown.name == name)
    return [text_of(value) for value in table.column(key)]


def test_a_fraction_that_another_program_wrote_in_per_cent_is_written_as_it_is(tmp_path: Path) -> None:
    found = accuracies(lambda arm, seed: 91.45 + arm / 4 + seed / 100, claims=[{**CLAIM, "published": 0.5}, PATH])
    report = compose(found, name="s", folder=tmp_path / "report")
    assert column(report, "results", f"metric {ACCURACY.name}")[0] == "91.470 ± 0.016"
    assert column(report, "contrasts", "estimate") == ["+0.2500 [+0.2361, +0.2639]"]
    text = write_folder(report).read_text() + (report.folder / "index.html").read_text()
    assert "9,1" not in text
    assert "25.0" not in text
    drawn = {figure.name: figure.svg for figure in draw(report)}
    assert {"attribution", "paired_differences"} <= drawn.keys()
    assert "Δ final accuracy (percentage points)" in drawn["paired_differences"]


def test_a_fraction_of_one_is_a_hundred_per_cent(tmp_path: Path) -> None:
    report = compose(accuracies(lambda arm, seed: 1.0), name="s", folder=tmp_path)
    assert column(report, "results", f"metric {ACCURACY.name}")[0] == "100.0"


EXAMPLES = Description(examples=(Examples(ACCURACY.name, "answers", "right", "sentences"),))


def test_the_interval_over_test_examples_stands_beside_that_over_seeds(tmp_path: Path) -> None:
    found = accuracies(lambda arm, seed: 0.5 + arm / 4, description=EXAMPLES)
    kept = {
        name: {"right": np.packbits(np.arange(100) < 50 + 25 * name.startswith("arm=1")), "count": np.array(100)}
        for name in found.runs["directory"]
    }
    report = compose(found, name="s", folder=tmp_path, kept={"answers": kept})
    assert column(report, "contrasts", "examples")[0].startswith("[+1")
    assert report.comparison is not None
    assert report.comparison.examples == "sentences"
    low, high = report.comparison.contrasts_frame[["examples_low", "examples_high"]].iloc[0]
    assert 0.1 < low < 0.25 < high < 0.4
    without = compose(found, name="s", folder=tmp_path)
    assert without.tables.contrasts is not None
    assert "examples" not in without.tables.contrasts.keys


def test_a_run_that_missed_its_target_counts_with_the_limit_in_contrasts_and_paths(tmp_path: Path) -> None:
    found = results(
        lambda arm, seed: math.nan if arm and seed == 1 else 4.0, "epochs", specs=[EPOCHS], claims=[{**PATH, "margin": 1.0}]
    )
    report = compose(found, name="s", folder=tmp_path)
    assert report.comparison is not None
    assert report.comparison.contrasts_frame[["n", "estimate"]].to_numpy().tolist() == [[5, 1.0]]
    assert report.attributions[0].shares["n"].tolist() == [5, 5]
    assert report.attributions[0].shares["estimate"].tolist() == pytest.approx([1.0, 1.0])
    assert report.attributions[0].title == "Attribution: epochs to target"


def test_no_attribution_is_shown_of_a_difference_to_a_time_to_a_target(tmp_path: Path) -> None:
    claim = {**PATH, "metric": "epochs - f1", "margin": 1.0}
    found = results(lambda arm, seed: 4.0 + arm, "epochs", specs=[EPOCHS], claims=[claim])
    found = replace(found, values=found.values.assign(f1=1.0))
    report = compose(found, name="s", folder=tmp_path)
    assert report.attributions == []
    assert "is a time to a target" in report.claims.judgements[0].reason


def test_contrasts_are_not_among_the_main_tables_beside_the_shares_of_a_path(tmp_path: Path) -> None:
    """Each seed ran the cells of one order of two changes: a paired contrast needs both orders, a share does not."""
    changes = {name: {"factor": name, "from": 0, "to": 1} for name in ("a", "b")}
    claim = {**PATH, "path": {"changes": changes, "of": "a"}}
    whole = grid_results(
        {"a": [0, 1], "b": [0, 1]}, lambda levels, seed: levels["a"] + 0.1 * levels["b"] + seed, claims=[claim]
    )
    levels = whole.levels.map(lambda level: level.value)
    ran = (levels["a"].astype(str) + levels["b"].astype(str)) != whole.runs["seed"].map(lambda seed: "01" if seed % 2 else "10")
    part = whole.where(ran)
    report = compose(part, name="s", folder=tmp_path)
    assert report.tables.contrasts is not None  # unpaired: of the means of different seeds
    assert not report.tables.contrasts.main
    assert report.attributions
    unclaimed = compose(replace(part, manifest=StudyManifest()), name="s", folder=tmp_path)
    assert unclaimed.tables.contrasts is not None
    assert unclaimed.tables.contrasts.main
    both = compose(whole, name="s", folder=tmp_path).tables
    assert both.contrasts is not None
    assert not both.contrasts.main
    assert both.attributions


def test_shares_along_one_order_are_not_passed_off_as_those_of_all_orders(tmp_path: Path) -> None:
    """Five changes, which all seeds made in the order a to e and in its reverse, as other tools run them."""
    changes = {name: {"factor": name, "from": 0, "to": 1} for name in "abcde"}
    claim = {**PATH, "path": {"changes": changes, "of": "a"}}
    whole = grid_results(
        {name: [0, 1] for name in "abcde"}, lambda levels, seed: sum(levels.values()) + 0.1 * seed, claims=[claim]
    )
    made = whole.levels.map(lambda level: str(level.value)).agg("".join, axis=1)
    report = compose(whole.where(made.str.fullmatch("0*1*|1*0*")), name="s", folder=tmp_path)
    said = "in one order and its reverse: other orders may give other shares"
    assert report.attributions[0].orders == 1
    assert report.attributions[0].shares["estimate"].tolist() == pytest.approx([1, 1, 1, 1, 1, 5])
    assert any(said in each for each in report.tables.attributions[0].notes)
    assert any(said in each for each in caveats(report))
    exact = compose(whole, name="s", folder=tmp_path)
    assert exact.attributions[0].orders is None
    assert not any("order" in each for each in [*exact.tables.attributions[0].notes, *caveats(exact)])


def test_the_main_metric_is_the_first_that_the_program_describes(tmp_path: Path) -> None:
    report = build(
        write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 2, description=Description(metrics=METRICS[::-1]))
    )
    assert report.metric == "parameters"
    assert compose(results(), name="s", folder=tmp_path).metric == "f1"


def test_a_table_that_the_program_describes_is_made_of_what_its_runs_kept(tmp_path: Path) -> None:
    heads = ExtraTable("heads", "Entropy of heads", "attention", "head", "head", (Column("entropy", "entropy"),))
    description = Description(metrics=METRICS, tables=(heads,))
    study = write_runs(tmp_path / "s", [{"stem": "a"}, {"stem": "b"}], 2, description=description)
    for path in study.glob("runs/stem=a*/seed=*"):
        np.savez(path / "attention.npz", head=np.array(["h1", "h2"]), entropy=np.array([0.25, 0.5 + int(path.name[-1])]))
    report = build(study)
    assert column(report, "heads", "configuration") == ["stem=a", "stem=a"]
    assert column(report, "heads", "column entropy") == ["0.25 (0.25 to 0.25)", "1.00 (0.50 to 1.50)"]


def add(study: Path, stem: str, seed: int, status: str = "finished", error: str | None = None) -> None:
    value = 0.5 if stem == "direct" else 0.6
    record = RunRecord.model_validate(
        {"identity": f"{stem}{seed}", "cell": stem, "seed": seed, "label": f"stem={stem}", "choices": {"stem": stem},
         "overridden": ["stem"], "status": status, "error": error}
    )  # fmt: skip
    record.metrics = {"accuracy": value} if status == "finished" else {}
    write_run(study / "runs" / f"stem={stem}-{stem}" / f"seed={seed}", record, {"seed": seed}, value)


def test_a_study_is_reported_with_its_problems(tmp_path: Path) -> None:
    for seed in range(2):
        add(tmp_path, "direct", seed)
        add(tmp_path, "pyramid", seed)
    add(tmp_path, "pyramid", 2, "diverged", str(Diverged("not finite in epoch 2")))
    add(tmp_path, "pyramid", 3, "failed", "RuntimeError: <b>broken</b>")
    (tmp_path / "runs" / "foreign" / "seed=0").mkdir(parents=True)
    (tmp_path / "runs" / "foreign" / "seed=0" / "run.json").write_text("{")
    StudyManifest(command="the command", factors={"stem": ["direct", "pyramid"]}).write(tmp_path)
    report = build(tmp_path)
    text = write_folder(report).read_text()
    assert "| pyramid | 2 of 4 | 60.0 | +10.0 | 1 diverged; 1 failed; still improving |" in text
    assert "| stem: direct → pyramid | simple | 2 | +10.0 |" in text
    assert "the command" in text
    assert "seed=2 diverged: not finite in epoch 2" in text
    assert "seed=3 failed: RuntimeError: &lt;b>broken&lt;/b>" in text
    assert "run.json" in report.problems[0]
    assert "seed=3 failed: RuntimeError: &lt;b&gt;broken&lt;/b&gt;" in (tmp_path / "report" / "index.html").read_text()
    assert {table.name for table in report.tables} == {"ablation", "results", "contrasts", "variance_explained", "precision"}
    assert report.summary.counts["n"].tolist() == [2, 2]


def test_a_study_in_which_nothing_finished_still_has_a_report(tmp_path: Path) -> None:
    add(tmp_path, "direct", 0, "failed", "RuntimeError: broken")
    report = build(tmp_path)
    assert (report.metric, report.comparison, list(report.tables)) == (None, None, [])
    assert "seed=0 failed: RuntimeError: broken" in write_folder(report).read_text()


def test_two_configurations_with_equal_levels_are_no_reason_to_give_up(tmp_path: Path) -> None:
    for seed in range(2):
        add(tmp_path, "direct", seed)
        add(tmp_path, "pyramid", seed)
    for path in list(tmp_path.glob("runs/stem=direct-direct/*/run.json")):
        other = tmp_path / "runs" / "stem=direct-other" / path.parent.name
        other.mkdir(parents=True)
        (other / "config.yaml").write_text((path.parent / "config.yaml").read_text())
        (other / "run.json").write_text(path.read_text().replace('"cell": "direct"', '"cell": "other"'))
    report = build(tmp_path)
    assert report.problems[0].startswith("No contrasts: two runs of seed 0 ")
    assert report.tables.contrasts is None
    assert column(report, "results", "metric accuracy")[0] == "50.0"


def test_missing_and_left_out_runs_are_named(report: Report) -> None:
    assert [problem.split("seed=")[1] for problem in report.problems[:1]] == [
        "8 left out: the disk failed <script>document.title = 'broken'</script>"
    ]
    (missing,) = (problem for problem in report.problems if "no run of seed" in problem)
    assert missing.endswith(": no run of seed 8")


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no runs in"):
        build(tmp_path)


def test_claims_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^study.yaml: claim C1: margin=0: expected a number > 0\.$"):
        compose(results(claims=[{**CLAIM, "margin": 0}]), name="s", folder=tmp_path)


def test_a_study_is_named_by_its_folder_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path / "study", "direct", 0)
    monkeypatch.chdir(tmp_path / "study")
    assert build(Path()).name == "study"


def test_a_verdict_that_changed_because_a_factor_was_added_names_the_condition_that_keeps_it(tmp_path: Path) -> None:
    claims = [{"id": "C", "says": "it helps", "kind": "contrast", "expects": "higher",
               "contrast": {"factor": "a", "from": 0, "to": 1}}]  # fmt: skip

    def value(levels: Levels, seed: int) -> float:
        return 0.5 + 0.1 * levels["a"] * (1 if levels["b"] == "old" else -3) + seed % 3 / 1000 * (1 + levels["a"])

    study = write_runs(tmp_path / "s", grid({"a": [0, 1], "b": ["old"]}), 5, value, claims=claims)
    write_folder(build(study))
    write_runs(study, grid({"a": [0, 1], "b": ["new"]}), 5, value)
    manifest = study / "study.yaml"
    write_runs(tmp_path / "both", grid({"a": [0, 1], "b": ["new", "old"]}), 5, value, claims=claims)
    manifest.write_text((tmp_path / "both" / "study.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (changed,) = build(study).claims.verdicts["changed"]
    assert changed == (
        "An earlier report had the verdict supported: the factor b was added since, so the claim is now averaged over "
        "b=new, old; a claim with `where: {b: old}` keeps the earlier comparison"
    )


def test_a_claim_that_names_no_metric_is_about_the_main_one_whichever_is_shown(tmp_path: Path) -> None:
    claim = {"id": "A", "says": "s", "kind": "contrast", "contrast": {"factor": "x", "from": 1, "to": 2},
             "expects": "higher", "margin": 0.01}  # fmt: skip
    study = write_runs(tmp_path / "s", [{"x": 1}, {"x": 2}], 5, claims=[claim])
    main = build(study).claims.verdicts
    shown = build(study, {"parameters": {}}).claims.verdicts
    assert main["metric"].tolist() == shown["metric"].tolist() == ["test_accuracy"]
    pd.testing.assert_frame_equal(main, shown)
