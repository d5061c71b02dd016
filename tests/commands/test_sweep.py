"""`ablate sweep` by the real command."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, QuotedString

from ablate.commands.sweep import prepare
from ablate.core.errors import UsageError
from ablate.engine.external import CONFIG
from ablate.storage.dataframe import load_results
from tests.waiting import wait_until

SCRIPT = """
import argparse, json, os, signal, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--dropout", action="store_true")
parser.add_argument("--seed", type=int)
args = parser.parse_args()
if args.lr == 66:
    raise ValueError("it was asked to fail")
if args.lr == 99:
    os.kill(os.getpid(), signal.SIGKILL)
if args.lr == 77:
    try:
        open("started", "w").close()
        time.sleep(60)
    except KeyboardInterrupt:
        open("passed", "w").close()
        sys.exit(1)
score = args.lr + args.seed + 100 * args.dropout
open(os.path.join(os.environ["ABLATE_RUN_DIR"], "final.json"), "w").write(json.dumps({"in_file": score}))
print(json.dumps({"score": score}))
"""
TAIL = ("--", sys.executable, "train.py", "--lr", "{lr}", "{dropout:--dropout}", "--seed", "{seed}")


Sweep = Callable[..., str]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    """Runs `ablate sweep …` in another process, in a folder with the script; returns its output, after a failure with errors."""
    (tmp_path / "train.py").write_text(SCRIPT)

    def run(*arguments: str, status: int = 0) -> str:
        typed = [
            sys.executable,
            "-m",
            "ablate.cli",
            "sweep",
            "report=false",
            *([] if any(each.startswith("name=") for each in arguments) else ["name=s"]),
            *arguments,
        ]
        environment = {**os.environ, "COLUMNS": "140"}
        answer = subprocess.run(typed, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert answer.returncode == status, f"status {answer.returncode}\n{answer.stdout}\n{answer.stderr}"
        return answer.stdout if status == 0 else answer.stdout + answer.stderr

    return run


def test_every_level_and_seed_reaches_the_command(sweep: Sweep, tmp_path: Path) -> None:
    typed = ("lr=1,2", "dropout=false,true", "seeds=2")
    assert "8 finished" in sweep(*typed, *TAIL)
    results = load_results(tmp_path / "outputs" / "s")
    rows = zip(results.levels["lr"], results.levels["dropout"], results.runs["seed"], results.values["score"], strict=True)
    found = {(lr.value, dropout.value, seed): score for lr, dropout, seed, score in rows}
    assert found == {(lr, flag, seed): lr + seed + 100 * flag for lr in (1, 2) for flag in (False, True) for seed in (1, 2)}
    assert "8 kept" in sweep(*typed, *TAIL)
    assert results.manifest.program == "train.py"
    assert str(results.manifest.command).startswith("ablate sweep report=false name=s lr=1,2 ")


def test_failing_and_killed_commands_and_metrics_in_a_file(sweep: Sweep, tmp_path: Path) -> None:
    answer = sweep("lr=66,99,1", "dropout=false", "metrics=*.json", *TAIL, status=1)
    assert "2 failed, 1 finished" in answer
    assert "ended with status 1: ValueError: it was asked to fail (see stderr.txt)" in answer
    assert "was killed by SIGKILL; it may have run out of memory (see stderr.txt)" in answer
    (record,) = (tmp_path / "outputs" / "s").glob("runs/lr=1-*/*/run.json")
    assert json.loads(record.read_text())["metrics"] == {"in_file": 2.0}


@pytest.mark.parametrize("jobs", ["null", "2"])
def test_a_changed_helper_module_is_other_code(sweep: Sweep, tmp_path: Path, jobs: str) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "train.py").write_text("import helper\n" + SCRIPT)
    (tmp_path / "helper.py").write_text("X = 1\n")
    (tmp_path / "unused.py").write_text("X = 1\n")
    typed = ("lr=1,2", "dropout=false", f"n_jobs={jobs}", "reuse=same_code")
    assert "2 finished" in sweep(*typed, *TAIL)
    (tmp_path / "helper.py").write_text("X = 1  # a comment\n")
    (tmp_path / "unused.py").write_text("X = 2\n")
    assert "2 kept" in sweep(*typed, *TAIL)
    (tmp_path / "helper.py").write_text("X = 2\n")
    assert "2 of the done runs were made by other code" in sweep(*typed[:3], *TAIL)
    assert "2 finished" in sweep(*typed, *TAIL)


def test_a_killed_sweep_leaves_no_program_behind_a_shell(tmp_path: Path) -> None:
    """It would go on writing into the folder of the run, beside the next attempt."""
    (tmp_path / "train.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(100)\n")
    command = ["sh", "-c", f"{sys.executable} train.py {{lr}}; echo done"]
    typed = [sys.executable, "-m", "ablate.cli", "sweep", "lr=1", "name=s", "--", *command]
    sweep = subprocess.Popen(typed, cwd=tmp_path, stdout=subprocess.DEVNULL)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    pid = int((tmp_path / "pid").read_text())
    sweep.kill()
    sweep.wait()
    wait_until(lambda: not is_alive(pid))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_names_and_options_may_be_written_as_a_shell_user_does(sweep: Sweep, tmp_path: Path) -> None:
    answer = sweep("lr=1", "name=größe, it's", "--regex", "score: (?P<score>[0-9.]+)", "seeds=1", "--", "sh", "-c",
                   "X=4; echo score: ${X} {seed} {lr}")  # fmt: skip
    assert "1 finished" in answer
    assert (tmp_path / "outputs" / "größe, it's" / "study.yaml").exists()


def test_a_level_may_have_any_characters(sweep: Sweep, tmp_path: Path) -> None:
    program = "import json, sys; print(json.dumps({'length': len(sys.argv[1])}))"
    assert "3 finished" in sweep("level=né;x,日本,plain", "seeds=1", "--", sys.executable, "-c", program, "{level}", "{seed}")
    results = load_results(tmp_path / "outputs" / "s")
    lengths = {level.value: length for level, length in zip(results.levels["level"], results.values["length"], strict=True)}
    assert lengths == {"né;x": 4, "日本": 2, "plain": 5}


@pytest.mark.parametrize(
    ("typed", "levels"),
    [
        ("né, à,plain", ["né", "à", "plain"]),
        ("epoch=3.ckpt,last.ckpt", ["epoch=3.ckpt", "last.ckpt"]),
        ("a\\=b,c", ["a=b", "c"]),
        ("a\\,b,é", ["a,b", "é"]),
        ("b,C:\\Données\\", ["b", "C:\\Données\\"]),
        ("C:\\Données,b", ["C:\\Données", "b"]),
        ("a&b;c,#1,~x,!,<>", ["a&b;c", "#1", "~x", "!", "<>"]),
        ("true,null,1e-3,-1", [True, None, 0.001, -1]),
        ("'é,x',b", ["é,x", "b"]),
        ("x y,b", ["x y", "b"]),
    ],
)
def test_levels_reach_the_grammar_as_typed(typed: str, levels: list[object]) -> None:
    (text,) = [each for each in prepare([f"level={typed}"], ["train.py", "{level}"]) if each.startswith("level=")]
    (override,) = OverridesParser.create().parse_overrides([text])
    assert isinstance(swept := override.value(), ChoiceSweep)
    assert [level.text if isinstance(level, QuotedString) else level for level in swept.list] == levels


@pytest.mark.parametrize("argument", ["${X}", "\\${X}", "a\\\\${X}"])
def test_a_variable_of_the_shell_stays_as_it_is(argument: str) -> None:
    prepare(["lr=1"], ["sh", "-c", argument, "{lr}"])
    content = ConfigStore.instance().load(f"{CONFIG}.yaml").node
    assert content.command[2] == argument


def test_ctrl_c_passes_on(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    typed = [sys.executable, "-m", "ablate.cli", "sweep", "lr=77,1", "dropout=false", "name=s", *TAIL]
    child = subprocess.Popen(typed, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until((tmp_path / "started").exists)
    child.send_signal(signal.SIGINT)
    assert "ablate: interrupted" in child.communicate(timeout=30)[1]
    assert child.returncode == 130
    assert (tmp_path / "passed").exists()
    (record,) = (tmp_path / "outputs" / "s").glob("runs/lr=77-*/*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"


@pytest.mark.parametrize(
    ("settings", "command", "said"),
    [
        (["lr=1,2"], [], "no command: write it after --"),
        ([], ["train.py", "{lr}"], "the command has {lr}, which has no level: add lr=… before --"),
        (
            ["lr=1", "lrr=2"],
            ["train.py", "{lr}"],
            "lrr: the command has no {lrr}, and it is not a study option. Did you mean 'lr'",
        ),
        (["lr=1", "seeds=2"], ["train.py", "{lr}"], "the command has no {seed}: with several seeds, it needs one"),
        (["lr=1,2", "lr=3"], ["train.py", "{lr}"], "lr is given twice: write all its levels in one place"),
        (["lr=1", "seeds=3", "study.seeds=1"], ["train.py", "{lr}", "{seed}"], "seeds is given twice"),
        (
            ["on=true,false"],
            ["sh", "-c", "train.py {on:--on}"],
            "{on:--on} adds or leaves out an argument, so it has to be one",
        ),
        (["lr"], ["train.py", "{lr}"], "lr: expected KEY=VALUE before --"),
        (["regex=1"], ["train.py", "{regex}"], "{regex}: this name is ablate's own"),
    ],
)
def test_what_is_missing_is_said(settings: list[str], command: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        prepare(settings, command)
    assert said in str(refused.value)


def test_a_regular_expression_needs_a_name() -> None:
    with pytest.raises(UsageError, match="--regex x: it has no named group"):
        prepare(["lr=1"], ["train.py", "{lr}"], "x")


def test_a_level_without_a_command_is_refused_before_anything_runs(sweep: Sweep, tmp_path: Path) -> None:
    said = sweep("lr=1,null", "dropout=null,true", "seeds=1", *TAIL, status=2)
    assert "lr=null: the command needs a value for {lr}; an argument that null leaves out is {lr:--lr}." in said
    assert not list(tmp_path.glob("outputs/s/runs/*"))


def test_a_description_of_a_metric_is_no_file(sweep: Sweep, tmp_path: Path) -> None:
    """The metrics are still those that the command prints, also of a study whose runs were made without the description."""
    sweep("lr=1,2", "dropout=false", "seeds=1", *TAIL)
    described = "metrics={score: {better: lower, unit: J}}"
    assert "2 finished, 2 kept" in sweep("lr=1,2", "dropout=false", "seeds=2", described, *TAIL)
    study = load_results(tmp_path / "outputs" / "s")
    assert study.values["score"].tolist() == [2, 3, 3, 4]
    assert (study.metrics["score"].better, study.metrics["score"].unit) == ("lower", "J")


def test_a_launcher_runs_a_command_as_it_runs_a_program(sweep: Sweep, tmp_path: Path) -> None:
    sweep("lr=1,2", "dropout=false", "seeds=1", "name=s", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", *TAIL)
    runs = load_results(tmp_path / "outputs" / "s")
    assert sorted(runs.values["score"]) == [2, 3]
    assert set(runs.runs["status"]) == {"finished"}
    codes = {
        record["provenance"]["code"] for record in map(json.loads, (path.read_text() for path in tmp_path.rglob("run.json")))
    }
    assert len(codes) == 1


def test_two_ways_of_writing_a_number_are_not_two_levels() -> None:
    with pytest.raises(UsageError, match=r"""v: 1.1 and 1.10 are the same number. .* v="'1.1','1.10'"."""):
        prepare(["v=1.1,1.10,2"], ["train.py", "{v}"])
    assert prepare(["v=[3,1,2],[3,1.0,4]"], ["train.py", "{v}"]) == ["v=[3,1,2],[3,1.0,4]"]
    assert prepare(["v='1.1','1.10'"], ["train.py", "{v}"]) == ["v='1.1','1.10'"]


PLAIN = ("--", sys.executable, "train.py", "--lr", "{lr}", "--seed", "{seed}")


def test_a_study_grows_by_a_factor(sweep: Sweep, tmp_path: Path) -> None:
    """The level that gives the command of before has its runs, in whatever order factors are added."""
    sweep("lr=1,2", "seeds=1", *PLAIN)
    assert "2 finished, 2 kept" in sweep("lr=1,2", "dropout=false,true", "seeds=1", *TAIL)
    study = load_results(tmp_path / "outputs" / "s")
    scores = {
        tuple(str(study.levels[key][row]) for key in ("lr", "dropout")): study.values["score"][row] for row in study.runs.index
    }
    assert scores == {("1", "false"): 2, ("2", "false"): 3, ("1", "true"): 102, ("2", "true"): 103}
    assert study.drifted == ()
    both = (*TAIL, "{extra:--seed}")  # the last --seed counts
    assert "8 runs in outputs/s: 4 done" in sweep("lr=1,2", "dropout=false,true", "extra=null,5", "seeds=1", *both)
    assert "2 kept" in sweep("lr=1,2", "seeds=1", *PLAIN)
    sweep("lr=1,2", "dropout=false", "seeds=2", *TAIL)
    study = load_results(tmp_path / "outputs" / "s")
    assert [list(map(str, factor)) for factor in study.factors.values()] == [["1", "2"], ["false", "true"], ["null", "5"]]
    assert len(study.runs) == 8 + 2
    assert study.drifted == ()


def test_a_level_of_an_added_factor_has_one_command(sweep: Sweep, tmp_path: Path) -> None:
    """With its arguments elsewhere, it would run again beside its own runs, at the same levels."""
    sweep("lr=1,2", "seeds=1", *PLAIN)
    sweep("lr=1,2", "dropout=false,true", "seeds=1", *TAIL)
    first = ("--", sys.executable, "train.py", "{dropout:--dropout}", "--lr", "{lr}", "--seed", "{seed}")
    for levels, command in (
        (("dropout=false,true", "lr=1,2"), first),
        (("lr=1,2", "dropout=false,true", "extra=null,5"), (*first, "{extra:--seed}")),
    ):
        said = " ".join(sweep(*levels, "seeds=1", *command, status=2).split())
        assert "train.py --lr '{lr}' --dropout --seed '{seed}'` and is now" in said
        assert "train.py --dropout --lr '{lr}' --seed '{seed}'`. Write its arguments as before, also in their order" in said
    assert "4 kept" in sweep("dropout=false,true", "lr=1,2", "seeds=1", *TAIL)
    study = load_results(tmp_path / "outputs" / "s")
    assert len(study.runs) == 4


def test_another_argument_is_another_command(sweep: Sweep) -> None:
    sweep("lr=1,2", "seeds=1", *PLAIN)
    said = " ".join(sweep("lr=1,2", "m=3,4", "seeds=1", *PLAIN, "{m}", status=2).split())
    assert "this command changes fixed settings" in said
    assert "train.py --lr '{lr}' --seed '{seed}' 3`. Use the old settings" in said
    assert "(To add m, give it a level with the arguments of before: null leaves out `{m:--m}`, as in m=null,3,4.)" in said
    without = ["1" if part == "{lr}" else part for part in TAIL]
    said = " ".join(sweep("dropout=false,true", "seeds=1", *without, status=2).split())
    assert "the command has no {lr}, which is a factor of the study outputs/s: write it into the command, with lr=LEVEL" in said
