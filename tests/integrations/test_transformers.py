"""AblateCallback for Hugging Face's Trainer, by the example."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
    until = time.monotonic() + 60
    while history(tmp_path / "killed").count("\n") < 4 and time.monotonic() < until:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait(60) == -9
    subprocess.run(typed("killed"), cwd=tmp_path, check=True, capture_output=True)
    assert history(tmp_path / "killed") == history(tmp_path / "whole")
    assert history(tmp_path / "whole").startswith("epoch,step,loss,grad_norm,learning_rate,eval_loss,eval_accuracy\n")
    (record,) = (tmp_path / "killed").glob("*/runs/*/*/run.json")
    assert json.loads(record.read_text())["timing"]["resumed"]
