"""AblateCallback for Lightning, by the example."""

import json
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.waiting import wait_until

pytest.importorskip("lightning")
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "lightning" / "train.py"


def typed(root: str) -> list[str]:
    options = ["hydra.sweeper.report=false", f"hydra.sweeper.root={root}", "trainer.max_epochs=25"]
    return [sys.executable, str(EXAMPLE), "-m", "hydra/sweeper=ablate", "model.optimizer.lr=0.01,0.05", *options]


def histories(root: Path) -> dict[str, str]:
    return {path.parent.parent.name: path.read_text() for path in root.glob("*/runs/*/*/history.csv")}


@pytest.mark.slow
def test_a_run_that_was_killed_or_stopped_continues_to_an_equal_history(tmp_path: Path) -> None:
    """Dropout, shuffled data, a scheduler that follows a metric, and a metric over epochs that the module resets."""
    subprocess.run(typed("whole"), cwd=tmp_path, check=True, capture_output=True)
    for number, status in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        root = tmp_path / number.name
        child = subprocess.Popen(typed(number.name), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda root=root: any(text.count("\n") > 5 for text in histories(root).values()))
        child.send_signal(number)
        assert child.wait(60) == status
        if number == signal.SIGINT:
            (record,) = root.glob("*/runs/*/*/run.json")
            assert json.loads(record.read_text())["status"] == "interrupted"
        subprocess.run(typed(number.name), cwd=tmp_path, check=True, capture_output=True)
        assert histories(root) == histories(tmp_path / "whole")
        records = [json.loads(path.read_text()) for path in root.glob("*/runs/*/*/run.json")]
        assert sum(record["timing"].get("resumed", False) for record in records) == 1
        assert not list(root.glob("*/runs/*/*/checkpoint*.ckpt"))


def test_only_a_checkpoint_in_the_folder_of_the_run_is_loaded(tmp_path: Path) -> None:
    """A record that names another file is not followed: Lightning's checkpoints may run code."""
    from ablate.integrations import lightning

    run = tmp_path / "run"
    run.mkdir()
    for path in (run / "checkpoint-epoch=2.ckpt", run / "other.pt", tmp_path / "checkpoint-epoch=1.ckpt"):
        path.touch()
    assert lightning._is_checkpoint(run, "checkpoint-epoch=2.ckpt")
    outside = "../checkpoint-epoch=1.ckpt", str(tmp_path / "checkpoint-epoch=1.ckpt")
    assert not any(lightning._is_checkpoint(run, name) for name in ("other.pt", *outside, "checkpoint-epoch=3.ckpt", None))


def test_metrics_that_begin_later_are_logged(tmp_path: Path) -> None:
    """As with `check_val_every_n_epoch=2`: the first epoch has no validation."""
    from ablate.engine.run import Run
    from ablate.integrations.lightning import AblateCallback
    from ablate.storage.records import RunRecord

    run = Run(tmp_path, RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[]), {})
    run.log(note="a row of the program's own")
    callback = AblateCallback(run)
    for epoch, metrics in ((1, {"loss": 0.5}), (1, {"loss": 0.5}), (2, {"loss": 0.25, "val": 0.75})):
        callback._log(SimpleNamespace(current_epoch=epoch, is_global_zero=True, callback_metrics=metrics))  # type: ignore[arg-type]
    assert [(row["epoch"], row["loss"], row["val"]) for row in run.rows[1:]] == [(0, 0.5, None), (1, 0.25, 0.75)]


@pytest.mark.slow
def test_of_several_fits_in_a_run_each_begins_anew(tmp_path: Path) -> None:
    """A cross-validation: the second model must not begin with the weights of the first."""
    import torch
    from lightning.pytorch import LightningModule, Trainer

    from ablate.engine.run import Run
    from ablate.integrations.lightning import AblateCallback
    from ablate.storage.records import CHECKPOINT, RunRecord

    class Constant(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:  # noqa: ARG002
            loss: torch.Tensor = (self.weight - batch).square().mean()
            self.log("loss", loss, on_epoch=True)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    run = Run(tmp_path, RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[]), {})
    reused = AblateCallback(run)
    weights = []
    for callback in (reused, reused, AblateCallback(run)):
        model = Constant()
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lightning's advice about workers and Slurm
            trainer = Trainer(max_epochs=3, accelerator="cpu", callbacks=[callback], **quiet)
            trainer.fit(model, torch.utils.data.DataLoader([torch.ones(1)] * 4))
        weights.append(model.weight.item())
    assert weights == pytest.approx([1 - 0.8**12] * 3)  # twelve steps from zero
    assert [row["epoch"] for row in run.rows] == [0, 1, 2] * 3
    assert not (tmp_path / CHECKPOINT).exists()  # interrupted now, the run would begin anew
