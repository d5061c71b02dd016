"""Logs that Lightning's loggers and TensorBoard's writer wrote."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import ablate
from ablate.core.errors import UsageError
from ablate.importers.run_folders import natural, table_of
from ablate.importers.sources import detect
from ablate.importers.training_logs import read
from ablate.report.caveats import caveats


@pytest.mark.slow
def test_the_logs_of_lightning(tmp_path: Path) -> None:
    loggers = pytest.importorskip("lightning.pytorch.loggers")
    for width in (8, 16):
        for seed in range(5):
            logger = loggers.CSVLogger(str(tmp_path / "logs"), name="net")
            logger.log_hyperparams({"model": {"width": width, "shape": (3, 4)}, "seed": seed})
            for epoch in range(3):
                logger.log_metrics({"epoch": epoch, "train_loss": 1 / (epoch + 1)}, step=epoch * 10)
                logger.log_metrics(
                    {"epoch": epoch, "val_acc": 0.5 + width / 100 + epoch / 1000 + seed / 500}, step=epoch * 10 + 9
                )
            logger.save()
    source = detect(tmp_path / "logs")
    assert source is not None
    assert source.title == "logs of Lightning"
    study = ablate.load(tmp_path / "logs")
    assert list(study.factors) == ["model.width"]
    assert study.metric == "val_acc"
    row = study.contrasts().iloc[0]
    assert (row["n"], round(row["estimate"], 6)) == (5, 0.08)
    first = ablate.load(tmp_path / "logs", step="min", metrics=["val_acc"])
    assert round((study.runs["val_acc"] - first.runs["val_acc"]).mean(), 6) == 0.002


def test_a_tree_of_tensorboard_with_hyperparameters(tmp_path: Path) -> None:
    """`add_hparams` and `add_scalars` write folders below that of the run."""
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    for dropout in (0.0, 0.5):
        for seed in range(2):
            with SummaryWriter(str(tmp_path / f"run{dropout}{seed}")) as writer:
                writer.add_hparams(
                    {"dropout": dropout, "seed": seed, "norm": True}, {"test/acc": 0.5 + dropout / 10 + seed / 100}
                )
                writer.add_scalars("loss", {"train": 0.25, "val": 0.5}, 0)
    runs = read(tmp_path)
    assert len(runs) == 4
    assert runs[3].config["dropout"] == 0.5
    assert (runs[3].config["seed"], runs[3].config["norm"]) == (1, True)
    assert runs[3].values("last", None) == {
        "test/acc": pytest.approx(0.56, abs=1e-6), "loss/train": 0.25, "loss/val": 0.5,
    }  # fmt: skip


def test_levels_in_the_names_of_folders(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    for method in ("base", "ours"):
        for seed in range(5):
            with SummaryWriter(str(tmp_path / "runs" / method / f"seed_{seed}")) as writer:
                for step in range(3):
                    writer.add_scalar("val/acc", 0.5 + 0.1 * (method == "ours") + step / 100 + seed / 1000, step)
    source = detect(tmp_path / "runs")
    assert source is not None
    assert source.title == "logs of TensorBoard"
    study = ablate.load(tmp_path / "runs")
    assert list(study.factors) == ["group"]
    row = study.contrasts().iloc[0]
    assert (row["n"], round(row["estimate"], 5)) == (5, 0.1)


def test_a_run_with_an_unreadable_file_has_failed_and_the_others_count(tmp_path: Path) -> None:
    for at in range(3):
        folder = tmp_path / f"seed_{at}"
        folder.mkdir()
        (folder / "hparams.yaml").write_text("lr: 0.1\n")
        (folder / "metrics.csv").write_bytes(b"epoch,acc\n0,0.5\n" if at != 1 else b"epoch,acc\n0,\xff\xfe")
    runs = read(tmp_path)
    assert [run.status for run in runs] == ["finished", "failed", "finished"]
    assert [run.config for run in runs] == [{"lr": 0.1, "seed": str(at)} for at in range(3)]
    assert runs[1].error is not None
    assert runs[1].error.startswith(f"{tmp_path}/seed_1/metrics.csv cannot be read as a file of metrics: ")


def test_a_tree_without_metrics_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hparams.yaml").write_text("lr: 0.1\n")
    with pytest.raises(UsageError, match=r"has no files \*\*/metrics.csv, .*; name the files with metrics with --files\."):
        read(tmp_path)


def test_a_run_whose_hyperparameters_cannot_be_read_is_left_out_and_the_others_count(tmp_path: Path) -> None:
    for at, width in enumerate((8, 8, 16, 16, 16)):
        run = tmp_path / f"version_{at}"
        run.mkdir()
        (run / "hparams.yaml").write_text(f"width: {width}\nseed: {at}\n" if at != 2 else "")
        (run / "metrics.csv").write_text(f"epoch,val_acc\n0,0.{at + 5}\n")
    lost = next(run for run in read(tmp_path) if run.status != "finished")
    assert (lost.place, lost.status, lost.config) == ("version_2", "unreadable", {})
    study = ablate.load(tmp_path)
    assert study.runs["val_acc"].tolist() == [0.5, 0.6, 0.8, 0.9]
    assert f"version_2 is left out: {tmp_path}/version_2/hparams.yaml cannot be read (the file is empty)." in caveats(
        study.report
    )


def test_without_tensorboard_its_logs_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/events.out.tfevents.1.host").touch()
    for name in ("tensorboard.backend.event_processing.event_file_loader", "tensorboard.plugins.hparams.plugin_data_pb2"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="none of the 1 runs has a number .* not installed: pip install 'tensorboard>="):
        ablate.load(tmp_path)


def test_names_that_differ_by_a_leading_zero_have_an_order() -> None:
    """Otherwise the file system decided which of 0.1 and 0.01 is the baseline."""
    names = ["lr=0.1/job 10", "lr=0.01/job 2", "lr=0.1/job 2", "lr=0.01/job 10"]
    ordered = ["lr=0.01/job 2", "lr=0.01/job 10", "lr=0.1/job 2", "lr=0.1/job 10"]
    for given in (names, names[::-1]):
        assert sorted(given, key=natural) == ordered


def test_the_phases_of_keras_are_one_run_and_the_metric_of_lightning_that_is_none(tmp_path: Path) -> None:
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    for phase, value in (("train", 0.9), ("validation", 0.7)):
        with writer(str(tmp_path / "seed_1" / phase)) as events:
            events.add_scalar("epoch_accuracy", value, 0)
    (run,) = read(tmp_path)
    assert set(run.values("last", None)) == {"train/epoch_accuracy", "validation/epoch_accuracy"}
    with writer(str(tmp_path / "lightning" / "seed_2")) as events:
        events.add_scalar("hp_metric", -1, 0)  # what Lightning logs for hyperparameters without a metric
        events.add_scalar("acc", 0.5, 0)
    (run,) = read(tmp_path / "lightning")
    assert run.values("last", None) == {"acc": 0.5}
    (tmp_path / "lightning" / "seed_2" / "metrics.csv").write_text("step,acc\n0,0.75\n")
    (run,) = read(tmp_path / "lightning")
    assert run.values("last", None) == {"acc": 0.75}


def test_a_resumed_run_of_tensorboard_has_one_curve(tmp_path: Path) -> None:
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    for step, value in ((0, 0.5), (1, 0.9), (2, 0.7)):
        with writer(str(tmp_path / "seed_1"), filename_suffix=f".{step}") as events:
            events.add_scalar("acc", value, step)
    (run,) = read(tmp_path)
    assert (run.values("last", None)["acc"], run.values("max", "acc")["acc"]) == pytest.approx((0.7, 0.9))


def test_the_run_that_ended_first_is_named(tmp_path: Path) -> None:
    for seed, epochs in ((0, 3), (1, 1), (2, 3)):
        (tmp_path / f"seed_{seed}").mkdir()
        rows = [f"{epoch},0.{5 + epoch}" for epoch in range(epochs)]
        (tmp_path / f"seed_{seed}" / "metrics.csv").write_text("\n".join(["step,acc", *rows, ""]))
    table = table_of(tmp_path, read(tmp_path), "last", None, [])
    assert table.caveats == ("The runs end at different steps, from 0 (seed_1) to 2.",)
