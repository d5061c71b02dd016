"""AblateCallback for Hugging Face's Trainer, by the example."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import wait_until

pytest.importorskip("transformers")
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "huggingface" / "train.py"


def typed(root: str) -> list[str]:
    return [sys.executable, str(EXAMPLE), f"hydra.sweeper.root={root}", "epochs=12"]


def history(root: Path) -> str:
    return next((path.read_text() for path in root.glob("*/runs/*/*/history.csv")), "")


@pytest.mark.slow
def test_a_run_that_was_killed_continues_to_an_equal_history(tmp_path: Path) -> None:
    subprocess.run(typed("whole"), cwd=tmp_path, check=True, capture_output=True)
    child = subprocess.Popen(typed("killed"), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: history(tmp_path / "killed").count("\n") >= 4)
    child.send_signal(signal.SIGKILL)
    assert child.wait(60) == -9
    subprocess.run(typed("killed"), cwd=tmp_path, check=True, capture_output=True)
    assert history(tmp_path / "killed") == history(tmp_path / "whole")
    assert history(tmp_path / "whole").startswith("epoch,step,loss,grad_norm,learning_rate,eval_loss,eval_accuracy\n")
    (record,) = (tmp_path / "killed").glob("*/runs/*/*/run.json")
    assert json.loads(record.read_text())["timing"]["resumed"]


def test_values_that_begin_later_are_logged(tmp_path: Path) -> None:
    """As with `eval_strategy`: the first logged steps have no evaluation."""
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from ablate.engine.run import Run
    from ablate.integrations.transformers import AblateCallback
    from ablate.storage.records import RunRecord

    run = Run(tmp_path, RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[]), {})
    callback = AblateCallback(run)
    arguments: TrainingArguments = None  # type: ignore[assignment]
    callback.on_train_begin(arguments, TrainerState(), TrainerControl())
    for step, logs in ((1, {"loss": 0.5}), (2, {"loss": 0.25}), (2, {"eval_loss": 0.75})):
        callback.on_log(arguments, TrainerState(epoch=step, global_step=step), TrainerControl(), logs)
    callback.on_train_end(arguments, TrainerState(), TrainerControl())
    assert (tmp_path / "history.csv").read_text() == "epoch,step,loss,eval_loss\n1,1,0.5,\n2,2,0.25,0.75\n"


def test_what_is_logged_beside_the_training_is_in_the_history(tmp_path: Path) -> None:
    """`trainer.evaluate()` before and after the training, and a `train_loss` that the program logs itself."""
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from ablate.engine.run import Run
    from ablate.integrations.transformers import AblateCallback
    from ablate.storage.records import RunRecord

    run = Run(tmp_path, RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[]), {})
    callback = AblateCallback(run)
    arguments: TrainingArguments = None  # type: ignore[assignment]

    def log(step: int, **logs: float) -> None:
        callback.on_log(arguments, TrainerState(epoch=step, global_step=step), TrainerControl(), {**logs})

    log(0, eval_loss=1.0)
    callback.on_train_begin(arguments, TrainerState(), TrainerControl())
    log(1, train_loss=0.5)
    log(1, eval_loss=0.75)
    log(1, train_runtime=3.5, train_loss=0.625)  # the trainer's summary
    callback.on_train_end(arguments, TrainerState(), TrainerControl())
    log(1, eval_loss=0.75, eval_runtime=1.5)  # the same evaluation again
    log(1, test_loss=0.875)
    assert (tmp_path / "history.csv").read_text() == (
        "epoch,step,eval_loss,train_loss,test_loss\n0,0,1.0,,\n1,1,0.75,0.5,\n1,1,,,0.875\n"
    )


def test_a_second_trainer_in_a_run_does_not_continue_from_the_first(tmp_path: Path) -> None:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from ablate.engine.run import Run
    from ablate.integrations.transformers import STATE, AblateCallback
    from ablate.storage.records import RunRecord

    run = Run(tmp_path, RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[]), {})
    (tmp_path / "trainer/checkpoint-1").mkdir(parents=True)
    (tmp_path / "trainer/checkpoint-1" / STATE).touch()
    arguments = TrainingArguments(output_dir=str(tmp_path / "trainer"))
    assert AblateCallback(run).checkpoint is None
    first = AblateCallback(run)
    state = TrainerState(global_step=1)
    first.on_save(arguments, state, TrainerControl())
    assert AblateCallback(run).checkpoint == str(tmp_path / "trainer/checkpoint-1")  # of a process that was killed
    first.on_train_begin(arguments, state, TrainerControl())
    second = AblateCallback(run)
    assert second.checkpoint is None
    second.on_save(arguments, state, TrainerControl())
    assert AblateCallback(run).checkpoint is None
