"""Jobs of multiruns that Hydra itself made."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ablate
from ablate.core.errors import UsageError
from ablate.importers.hydra_jobs import read
from ablate.importers.sources import detect
from ablate.report.caveats import caveats

APP = """
from pathlib import Path
import hydra
from hydra.core.hydra_config import HydraConfig

@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg):
    folder = Path(HydraConfig.get().runtime.output_dir)
    if cfg.seed == 9:
        return  # leaves no metrics
    lines = ["epoch,val/acc,train/loss"]
    for epoch in range(3):
        peak = 0.1 if epoch == 1 and cfg.opt.lr > 0.1 else 0
        lines.append(f"{epoch},{0.5 + cfg.opt.lr + peak + cfg.model.width / 1000 + cfg.seed / 500},{1 / (epoch + 1)}")
    (folder / "metrics.csv").write_text("\\n".join(lines))

main()
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of a key, two choices of a group, three seeds, of which one leaves no metrics; then one deleted key."""
    folder = tmp_path_factory.mktemp("hydra")
    (folder / "app.py").write_text(APP)
    (folder / "conf/model").mkdir(parents=True)
    (folder / "conf/model/small.yaml").write_text("width: 8\nkind: net\n")
    (folder / "conf/model/big.yaml").write_text("width: 16\nkind: net\n")
    (folder / "conf/config.yaml").write_text(
        "defaults: [{model: small}, _self_]\nopt: {lr: 0.1, name: sgd}\nema: 0.9\nseed: 0\n"
    )
    common = ["hydra.sweep.dir=multirun", "hydra.sweep.subdir=${hydra.job.override_dirname}"]
    for overrides in (["opt.lr=0.1,0.2", "model=small,big", "seed=0,1,9"], ["~ema", "opt.lr=0.1", "seed=0,1"]):
        subprocess.run([sys.executable, "app.py", "-m", *common, *overrides], cwd=folder, check=True, capture_output=True)
    return folder / "multirun"


def test_what_jobs_override_is_their_configuration(jobs: Path) -> None:
    runs = read(jobs)
    assert len(runs) == 14
    run = next(each for each in runs if each.place == "model=big,opt.lr=0.2,seed=1")
    assert {key: run.config[key] for key in ("opt.lr", "model", "seed", "ema")} == {
        "opt.lr": 0.2, "model": "big", "seed": 1, "ema": 0.9,
    }  # fmt: skip
    assert "model.width" not in run.config  # it follows from the choice of the group
    assert run.config["opt.name"] == "sgd"
    assert run.values("last", None)["val/acc"] == pytest.approx(0.5 + 0.2 + 0.016 + 0.002)
    assert run.values("max", "val/acc") == {"val/acc": pytest.approx(0.818), "train/loss": 0.5}
    assert run.values("mean", None)["train/loss"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    deleted = next(each for each in runs if each.place.startswith("opt.lr") and "~ema" in each.place)
    assert (deleted.config["ema"], deleted.config["model"]) == (None, "small")


def test_a_job_without_metrics_has_failed(jobs: Path) -> None:
    lost = [run for run in read(jobs) if run.status != "finished"]
    assert len(lost) == 4
    assert {(run.status, run.error, run.config["seed"]) for run in lost} == {("failed", "no file of metrics", 9)}


def job(folder: Path, lr: float, seed: int, metrics: str) -> None:
    """A job as Hydra leaves it."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra/overrides.yaml").write_text(f"- lr={lr}\n- seed={seed}\n")
    (folder / ".hydra/config.yaml").write_text(f"lr: {lr}\nseed: {seed}\n")
    (folder / "results.json").write_text(metrics)


def test_a_job_with_an_incomplete_file_has_failed_and_the_others_count(tmp_path: Path) -> None:
    """A job may have been killed while it wrote its results."""
    for at, (lr, seed) in enumerate([(0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)]):
        job(tmp_path / str(at), lr, seed, '{"acc": 0.' if at == 2 else f'{{"acc": 0.{at + 5}}}')
    runs = ablate.load(tmp_path).runs
    assert runs["status"].tolist() == ["finished", "finished", "failed", "finished"]
    assert runs["acc"].isna().tolist() == [False, False, True, False]
    lost = read(tmp_path)[2]
    assert lost.error is not None
    assert lost.error.startswith(f"{tmp_path}/2/results.json cannot be read as a file of metrics: ")
    for at in (0, 1, 3):
        (tmp_path / str(at) / "results.json").write_text("{")
    with pytest.raises(
        UsageError, match=r"none of the 4 runs has a number in its metrics: .*/0/results.json cannot be read as"
    ):
        ablate.load(tmp_path)


@pytest.mark.parametrize("torn", ["", "lr: [0."])
def test_a_job_whose_configuration_cannot_be_read_is_left_out_and_named(tmp_path: Path, torn: str) -> None:
    """It belongs to no cell: neither its levels nor its seed are known."""
    for at in range(6):
        job(tmp_path / str(at), 0.1 if at < 3 else 0.2, at % 3, f'{{"acc": 0.{at + 1}}}')
    (tmp_path / "5/.hydra/config.yaml").write_text(torn)
    study = ablate.load(tmp_path)
    assert study.runs["acc"].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert [level.value for level in study.factors["lr"].levels] == [0.1, 0.2]
    (caveat,) = [each for each in caveats(study.report) if "is left out" in each]
    assert caveat.startswith(f"5 is left out: {tmp_path}/5/.hydra/config.yaml cannot be read")
    for at in range(5):
        (tmp_path / f"{at}/.hydra/overrides.yaml").write_text("")
    with pytest.raises(
        UsageError, match=r"no job has a file of metrics .*/0/.hydra/overrides.yaml cannot be read \(the file is"
    ):
        ablate.load(tmp_path)


def test_the_best_row_of_a_metric_with_the_name_of_a_key(tmp_path: Path) -> None:
    """`loss=mse,l1` and a column `loss`, which is `metrics.loss` in the table."""
    for at in range(6):
        folder = tmp_path / str(at)
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra/overrides.yaml").write_text(f"- loss={'mse' if at < 3 else 'l1'}\n- seed={at % 3}\n")
        (folder / ".hydra/config.yaml").write_text(f"loss: {'mse' if at < 3 else 'l1'}\nseed: {at % 3}\n")
        (folder / "metrics.csv").write_text(f"epoch,loss,acc\n0,0.5,0.{at}\n1,0.25,0.7\n2,0.75,0.9\n")
    study = ablate.load(tmp_path, step="min", metrics=["metrics.loss", "acc"])
    assert study.runs["metrics.loss"].tolist() == [0.25] * 6
    assert study.runs["acc"].tolist() == [0.7] * 6


@pytest.mark.parametrize("pattern", ["/abs/*.csv", "**metrics.csv"])
def test_files_that_are_no_pattern_are_refused(tmp_path: Path, pattern: str) -> None:
    if pattern.startswith("**") and sys.version_info >= (3, 13):
        pytest.skip("a pattern since Python 3.13")
    job(tmp_path / "0", 0.1, 0, '{"acc": 0.5}')
    with pytest.raises(UsageError, match=rf"--files {re.escape(pattern)}: "):
        read(tmp_path, pattern)


def test_a_multirun_folder_is_a_study(jobs: Path) -> None:
    source = detect(jobs)
    assert source is not None
    assert source.title == "jobs of Hydra"
    study = ablate.load(jobs)
    levels = {key: {level.value for level in factor.levels} for key, factor in study.factors.items()}
    assert levels == {"opt.lr": {0.1, 0.2}, "model": {"small", "big"}, "ema": {0.9, None}}
    assert study.metric == "val/acc"
    effects = study.contrasts()
    assert 0.1 in effects["estimate"].abs().round(6).tolist()  # of opt.lr, at the last epoch
    assert 0.008 in effects["estimate"].abs().round(6).tolist()  # of model
    assert (study.runs["status"] == "failed").sum() == 4
    assert study.results.facts["model.kind"].value == "net"


def test_which_epoch_counts(jobs: Path) -> None:
    best = ablate.load(jobs, step="max", metrics=["val/acc"], factors=["opt.lr", "model", "ema"])
    last = ablate.load(jobs, factors=["opt.lr", "model", "ema"], metrics=["val/acc"])
    gain = (best.runs["val/acc"] - last.runs["val/acc"]).dropna().round(6)
    assert set(gain) == {0.0, 0.1}
    assert "Of each run the max counts (val/acc)." in best.results.description.caveats


def test_files_of_metrics_can_be_named_and_are_asked_for(jobs: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no job has a file of metrics \(\*\.json\).*--files.*the folders .* contain: .*metrics\.csv"
    ):
        read(jobs, "*.json")
    with pytest.raises(UsageError, match=r"--metric acc: .* has no such column; available: .*val/acc"):
        ablate.load(jobs, metrics=["acc"], step="max")


def test_files_of_a_job_that_disagree_are_said(tmp_path: Path) -> None:
    for seed in range(3):
        for lr in (0.1, 0.2):
            folder = tmp_path / f"lr={lr},seed={seed}"
            job(folder, lr, seed, '{"acc": 0.5}')
            (folder / "fold1").mkdir()
            (folder / "fold1/results.json").write_text(f'{{"acc": {0.5 if lr == 0.1 else 0.8}}}')
    study = ablate.load(tmp_path)
    (said,) = [each for each in study.results.description.caveats if "files with different values" in each]
    assert said.startswith("lr=0.2,seed=0 and 2 more runs: files with different values of acc; the last file in order counts.")


def test_a_folder_of_studies_is_not_a_study(tmp_path: Path) -> None:
    job(tmp_path / "a/runs/lr=1/seed=0", 1, 0, "{}")
    (tmp_path / "a/study.yaml").write_text("")
    with pytest.raises(UsageError, match=r"contains studies of ablate: name one of them \(.*/a\)"):
        detect(tmp_path)


@pytest.mark.parametrize("torn", ["hydra:\n  runt", "hydra:\n  runtime:\n", "hydra:\n  runtime:\n    choices: mo"])
def test_a_job_whose_choices_are_torn_is_left_out(tmp_path: Path, torn: str) -> None:
    """A job that took the default of a swept group has its level in the choices only."""
    for at in range(2):
        job(tmp_path / str(at), 0.1, at, '{"acc": 0.5}')
    (tmp_path / "1/.hydra/hydra.yaml").write_text(torn)
    unreadable, run = read(tmp_path)
    assert run.status == "finished"
    assert (unreadable.place, unreadable.status) == ("1", "unreadable")
    assert str(unreadable.error).startswith(f"{tmp_path}/1/.hydra/hydra.yaml cannot be read (")


def configured_job(folder: Path, overrides: list[str], config: str, accuracy: float) -> None:
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra/overrides.yaml").write_text("".join(f"- {each}\n" for each in overrides))
    (folder / ".hydra/config.yaml").write_text(config)
    (folder / ".hydra/hydra.yaml").write_text("hydra: {runtime: {choices: {}}}")
    (folder / "metrics.json").write_text(f'{{"acc": {accuracy}}}')


def test_a_default_that_was_edited_between_two_multiruns_is_named(tmp_path: Path) -> None:
    """It is no override, and its effect would pass for that of the factor."""
    for day, (model, rate) in enumerate((("a", 0.1), ("b", 0.5))):
        for seed in range(3):
            config = f"m: {model}\nseed: {seed}\nlr: {rate}\nrun: ${{m}}-${{seed}}\n"
            configured_job(tmp_path / f"day{day}" / str(seed), [f"m={model}", f"seed={seed}"], config, 0.5 + rate + seed / 100)
    assert {run.config["lr"] for run in read(tmp_path)} == {0.1, 0.5}
    assert all("run" not in run.config or run.config["run"] == "${m}-${seed}" for run in read(tmp_path))
    assert "lr changes together with m: their effects cannot be told apart." in caveats(ablate.load(tmp_path).report)


def test_a_list_is_one_level_however_it_was_typed(tmp_path: Path) -> None:
    configured_job(tmp_path / "0", ["seed=0"], "sizes: [1, 2]\nseed: 0\n", 0.5)
    configured_job(tmp_path / "1", ["sizes=[1,2]", "seed=1"], "sizes: [1, 2]\nseed: 1\n", 0.5)
    configured_job(tmp_path / "2", ["sizes=[3]", "seed=1"], "sizes: [3]\nseed: 1\n", 0.5)
    assert [run.config["sizes"] for run in read(tmp_path)] == ["[1, 2]", "[1, 2]", "[3]"]


def test_added_keys_are_levels_and_job_10_comes_after_job_2(tmp_path: Path) -> None:
    for at in (2, 10):
        configured_job(tmp_path / str(at), [f"+lr={at}", "seed=0"], f"lr: {at}\nseed: 0\n", 0.5)
    assert [run.config for run in read(tmp_path)] == [{"lr": 2, "seed": 0}, {"lr": 10, "seed": 0}]
