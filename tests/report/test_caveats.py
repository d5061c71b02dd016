"""The head of a report."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablate.core.descriptions import Description
from ablate.core.metrics import MetricSpec
from ablate.report.build import build, compose
from ablate.report.caveats import caveats, runs_by_state
from ablate.report.folder import write_folder
from ablate.report.headline import headline, size
from ablate.report.model import Report
from tests.report.studies import CLAIM, METRICS, Levels, grid, grid_results, reported, write_runs

STEMS = [{"stem": level} for level in "abc"]


def take_away(study: Path, cells: str) -> None:
    for folder in study.glob(f"runs/{cells}"):
        shutil.rmtree(folder)


def test_the_verdicts_are_counted(report: Report) -> None:
    assert headline(report) == "5 claims: 1 contradicted, 3 inconclusive, 1 not tested."
    assert runs_by_state(report) == ("36 runs: 30 finished, 1 diverged, 1 failed, 1 interrupted, 1 missing, 2 left out.")


def test_what_differs_between_the_runs_is_a_caveat(report: Report) -> None:
    assert caveats(report) == [
        "Not the same in all runs: code.",
        "Changed since the study began: data.digest.",
        "Verdicts rest on the first 8 seeds, those of the last complete look; tables and figures have up to 9.",
    ]


def test_below_five_seeds_the_head_says_so(tmp_path: Path) -> None:
    study = build(write_runs(tmp_path / "s", [{}], 4))
    assert headline(study) == "Final accuracy: 51.4 ± 1.2 %, 4 runs of one configuration."
    assert caveats(study) == ["Fewer than 5 seeds: no verdicts and no p values; the results are preliminary."]


def test_seeds_after_the_last_complete_look_are_named(tmp_path: Path) -> None:
    beyond = "Verdicts rest on the first 5 seeds, those of the last complete look; tables and figures have up to 7."
    assert beyond in caveats(reported(tmp_path, 0.05, 0.01, seeds=7, claims=[CLAIM], looks=[5, 8]))
    study = reported(tmp_path, 0.05, 0.01, seeds=8, claims=[CLAIM], looks=[5, 8])
    assert caveats(study) == []
    study.results.runs.loc[study.results.runs["seed"].eq(7).idxmax(), "status"] = "failed"
    assert not any("Verdicts rest on" in each for each in caveats(compose(study.results, name="s", folder=tmp_path)))


def test_configurations_at_chance_are_named_since_averages_include_them() -> None:
    def value(levels: Levels, seed: int) -> float:
        return 0.1 if levels["norm"] == "none" else 0.5 + 0.01 * seed

    results = grid_results({"norm": ["bn", "none"], "b": [0, 1]}, value, "x", 5, [MetricSpec("x", better="higher", chance=0.1)])
    (said,) = caveats(compose(results, name="s", folder=Path("x")))
    assert said == (
        "Learned nothing, with the value of chance in every run: norm=none,b=0; norm=none,b=1. Averages over configurations "
        "include them."
    )


def test_the_program_s_own_caveats_come_first_then_what_was_resolved_and_late_claims(tmp_path: Path) -> None:
    description = Description(metrics=METRICS, caveats=("The sentences are synthetic.",))
    decisions = {"data.source": {"asked": "auto", "took": "builtin"}, "data.digest": {"asked": None, "took": "1234"}}
    study = write_runs(tmp_path / "s", STEMS, 5, description=description, decisions=decisions, claims_after=1)
    assert caveats(build(study)) == [
        "The sentences are synthetic.",
        "data.source=auto was resolved to builtin.",
        "The claims were added after 1 run was finished.",
    ]


def test_a_level_without_runs_is_named_and_so_is_the_baseline_that_replaces_it(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", STEMS, 5)
    assert caveats(build(study)) == []
    take_away(study, "stem=a*")
    report = build(study)
    assert size(report) == "2 configurations, 5 seeds"
    assert caveats(report) == [
        "stem=a has no runs; the baseline is stem=b.",
        "1 planned configuration has no runs: stem=a. The baseline here is stem=b.",
    ]
    text = write_folder(report).read_text()
    assert "**stem=a has no runs; the baseline is stem=b.**" in text
    assert "stem=a has no runs; the baseline is stem=b." in (report.folder / "index.html").read_text()
    (study / "plan.csv").unlink()
    take_away(study, "stem=b*")  # stem does not even vary any more
    assert caveats(build(study)) == ["stem=a; stem=b have no runs; the baseline is stem=c."]


def test_a_last_level_without_runs_leaves_the_baseline(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", STEMS, 5)
    (study / "plan.csv").unlink()
    take_away(study, "stem=c*")
    assert caveats(build(study)) == ["stem=c has no runs."]


def test_a_baseline_configuration_without_runs_is_named_though_its_levels_are_there(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", grid({"stem": ["a", "b"], "norm": [False, True]}), 5)
    take_away(study, "stem=a,norm=false*")
    assert caveats(build(study)) == [
        "1 planned configuration has no runs: stem=a,norm=false. The baseline here is stem=a,norm=true."
    ]


def test_a_level_whose_runs_were_all_left_out_is_named_too(tmp_path: Path) -> None:
    study = write_runs(tmp_path / "s", STEMS, 5, leave_out=[{"stem": "a", "reason": "the disk failed"}])
    assert caveats(build(study)) == ["stem=a has no runs except those left out; the baseline is stem=b."]


def test_few_blocks_have_no_p_values_over_blocks(tmp_path: Path) -> None:
    found = grid_results({"data": ["a", "b"], "on": [False, True]}, lambda at, seed: at["on"] + seed / 7, blocks="data")
    (caveat,) = caveats(compose(found, name="s", folder=tmp_path))
    assert caveat == "Fewer than 5 blocks (data): no verdicts and no p values over blocks; the results are preliminary."


def test_a_mean_over_blocks_of_different_scales_is_about_the_large_values() -> None:
    sizes = {"humanoid": 5000, "pendulum": -150}

    def value(levels: Levels, seed: int) -> float:
        return sizes[levels["env"]] * (1 + 0.1 * seed)

    results = grid_results({"env": list(sizes), "method": ["base", "ours"]}, value, "x", 5, [MetricSpec("x", better="higher")])
    said = (
        "X is on different scales: env=humanoid has values 33 times as large as env=pendulum, so that means over env are about "
        "the blocks with large values. Compare values that are normalized for each env, such as (value − minimum) / (maximum − "
        "minimum)."
    )

    def caveats_with(**keys: Any) -> list[str]:
        manifest = results.manifest.model_copy(update={"blocks": "env", **keys})
        return caveats(compose(replace(results, manifest=manifest), name="s", folder=Path("x")))

    bounds = {"humanoid": (0.0, 6000.0), "pendulum": (-1500.0, -100.0)}
    claim = {"id": "A", "says": "s", "kind": "contrast", "contrast": {"factor": "method", "from": "base", "to": "ours"},
             "expects": "higher", "metric": "x"}  # fmt: skip
    assert said in caveats_with()
    assert not any("scales" in each for each in caveats_with(block_bounds=bounds))
    assert not any("scales" in each for each in caveats_with(block_scale="ratio"))
    assert any("means and verdicts over env" in each for each in caveats_with(block_bounds=bounds, claims=[claim]))
    assert not any("scales" in each for each in caveats_with(blocks=None))
