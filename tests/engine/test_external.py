"""Commands of other programs as training functions."""

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ablate.core.errors import NoMetricsError, UsageError
from ablate.engine.external import _failure, _stop, code_of, read_output, run_command, script_of
from ablate.engine.following_run import FollowingRun
from ablate.engine.run import Run
from ablate.storage.records import RunRecord


def test_metrics_are_the_last_json_object_or_the_last_matches() -> None:
    text = '{"accuracy": 0.25}\n[1]\n{"accuracy": 0.5, "loss": 1}\nloss=0.75\nbye\n'
    assert read_output(text, None) == {"accuracy": 0.5, "loss": 1}
    assert read_output(text, r"loss=(?P<loss>\S+)|acc=(?P<acc>\S+)") == {"loss": 0.75}
    with pytest.raises(UsageError, match="the output, in stdout.txt, has no line with a JSON object"):
        read_output("done", None)
    with pytest.raises(UsageError, match="has no match of --regex x"):
        read_output("done", "x")


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python -u train.py --lr {lr}", "train.py"),
        ("python -m pkg data.csv", "pkg/__main__.py"),
        ("python -m pkg.cli data.csv", "pkg/cli.py"),
        ("python -m torch.distributed.run --nproc-per-node 2 train.py data.csv", "train.py"),
        ("torchrun --nproc-per-node 2 -m pkg.cli data.csv", "pkg/cli.py"),
        ("python -m installed data.csv", None),
        ("python train.py -m pkg", "train.py"),
        ("bash run.sh data.csv", "run.sh"),
        ("python -c pass", None),
    ],
)
def test_the_script_of_a_command(command: str, script: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pkg").mkdir()
    for name in ("train.py", "data.csv", "run.sh", "pkg/__init__.py", "pkg/__main__.py", "pkg/cli.py"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert script_of(command.split()) == (None if script is None else tmp_path / script)


def test_the_code_of_a_shell_script_is_its_own_and_that_of_the_python_files_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "run.sh").write_text('#!/bin/sh\nexec python "train.py" --lr $1 | tee log\n')
    (tmp_path / "train.py").write_text("import model\n")
    (tmp_path / "model.py").touch()
    script = script_of(["./run.sh", "{lr}"])
    assert script == tmp_path / "run.sh"
    assert {path.name for path in code_of(script, tmp_path)} == {"run.sh", "train.py", "model.py"}
    assert script_of(["bash", "-c", "python train.py --lr {lr} | tee log"]) == tmp_path / "train.py"
    assert {path.name for path in code_of(tmp_path / "train.py", tmp_path)} == {"train.py", "model.py"}
    assert script_of(["bash", "-c", "echo {lr}"]) is None


def test_a_second_interruption_kills_the_command(monkeypatch) -> None:
    code = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()  # it ignores Ctrl-C now
    wait = child.wait

    def interrupted(seconds: float | None = None) -> int:
        if seconds is not None:
            raise KeyboardInterrupt
        return wait()

    monkeypatch.setattr(child, "wait", interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _stop(child)
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 5
    child.stdout.close()


def test_a_group_that_is_no_number_is_named() -> None:
    with pytest.raises(UsageError, match=r"the group acc is '0.5.' in 'acc: 0.5.', which is no number"):
        read_output("acc: 0.5.", r"acc: (?P<acc>[\d.]+)")


def test_an_object_without_numbers_behind_the_metrics_does_not_hide_them() -> None:
    assert read_output('{"accuracy": 0.5}\n{"event": "done", "ok": true}', None) == {"accuracy": 0.5}
    assert read_output('{"test": {"accuracy": 0.5}}\n{"event": "done"}', None) == {"test.accuracy": 0.5}


def test_settings_that_a_program_prints_are_no_metrics_and_the_accuracy_is_before_the_epoch() -> None:
    settings = {"lr": 0.1, "command": ["python", "{lr}"]}
    line = '{"lr": 0.1, "seed": 1, "epoch": 10, "train_loss": 0.2, "accuracy": 0.8}'
    assert list(read_output(line, None, settings).items()) == [("accuracy", 0.8), ("train_loss", 0.2), ("epoch", 10)]
    assert read_output(f'{line}\n{{"done": true, "lr": 0.1, "seed": 1}}', None, settings)["accuracy"] == 0.8
    assert read_output('{"lr": 0.05}', None, settings) == {"lr": 0.05}, "it has decayed"
    with pytest.raises(NoMetricsError):
        read_output('{"lr": 0.1, "seed": 1}', None, settings)


def test_a_truth_value_is_an_outcome_by_its_name() -> None:
    epochs = '{"epoch": 1, "loss": 0.5}\n'
    assert read_output(f'{epochs}{{"solved": true}}', None) == {"solved": True}
    assert read_output(f'{epochs}{{"done": true}}', None) == {"loss": 0.5, "epoch": 1}
    assert read_output("solved: False\nsolved: True", r"solved: (?P<solved>\S+)") == {"solved": 1}


def test_a_dictionary_as_python_prints_it_is_named() -> None:
    with pytest.raises(NoMetricsError, match=r"What Python prints of a dictionary is not JSON: print\(json.dumps\(metrics\)\)"):
        read_output("{'acc': 0.5}", None)
    with pytest.raises(NoMetricsError, match=r"\(--regex\).$"):
        read_output("acc 0.5", None)


def test_an_expression_that_ends_within_a_number_is_refused() -> None:
    digits = "accuracy: (?P<accuracy>[0-9.]+)"
    with pytest.raises(UsageError, match=r"the group accuracy is '9.5', but the number goes on with 'e-05'"):
        read_output("accuracy: 0.7\naccuracy: 9.5e-05", digits)
    assert read_output("accuracy: 9.5e-05", r"accuracy: (?P<accuracy>\S+)") == {"accuracy": 9.5e-05}
    assert read_output("accuracy: 9.5 error: 1", digits) == {"accuracy": 9.5}


def test_the_last_value_is_not_an_earlier_one_where_it_is_not_finite() -> None:
    found = read_output("accuracy: 0.7\naccuracy: nan", "accuracy: (?P<accuracy>[0-9.]+)")
    assert math.isnan(found["accuracy"])
    assert read_output("acc: 0.5\nmode: infer\nloss: nano", r": (?P<acc>[\d.]+)") == {"acc": 0.5}
    assert read_output("accuracy: nan\naccuracy: 0.7", "accuracy: (?P<accuracy>[0-9.]+)") == {"accuracy": 0.7}


def test_a_rank_of_a_distributed_command_writes_beside_the_output_of_rank_0(tmp_path: Path) -> None:
    """Started by torchrun, each rank runs the command: the last one to write would be taken for the result."""
    cfg = OmegaConf.create(
        {"command": [sys.executable, "-c", "print('{\"accuracy\": 0.1}')"], "regex": None, "reads_files": False}
    )
    record = RunRecord(identity="i", cell="c", seed=1, label="base", choices={}, overridden=[])
    (tmp_path / "stdout.txt").write_text("of rank 0")
    following = FollowingRun(tmp_path, record, {})
    following.rank = 1
    assert run_command.program.function(cfg, following) is None
    assert (tmp_path / "stdout.txt").read_text() == "of rank 0"
    assert (tmp_path / "stdout-1.txt").read_text() == '{"accuracy": 0.1}\n'
    assert run_command.program.function(cfg, Run(tmp_path, record, {})) == {"accuracy": 0.1}


def test_a_signal_without_a_name_is_named_by_its_number(tmp_path: Path) -> None:
    for status, how in ((-40, "signal 40"), (-11, "SIGSEGV"), (-9, "SIGKILL; it may have run out of memory")):
        assert _failure(["python", "train.py"], status, tmp_path) == f"python train.py was killed by {how} (see stderr.txt)."
