"""Sweeps of a function that knows nothing of images."""

import json
import shutil
from pathlib import Path

import pytest

from ablate.study.loading import load_runs
from ablate.study.records import read_study
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")


def test_every_cell_is_run_with_every_seed(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2,3", "rule=plus,minus", "study.seeds=2")
    assert "12 runs in outputs/x+rule" in answer.stdout
    assert "12 finished" in answer.stdout
    runs = load_runs(tmp_path / "outputs" / "x+rule")
    assert runs.attrs["factors"] == {"x": [1, 2, 3], "rule": ["plus", "minus"]}
    paired = runs.set_index(["seed", "rule", "x"])["score"]
    assert paired[0, "plus", 3] - paired[0, "plus", 1] == pytest.approx(2)
    assert paired[1, "minus", 3] - paired[1, "minus", 1] == pytest.approx(-2)


def test_a_study_says_how_it_was_launched(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2")
    command(TRIVIAL, "-m", "x=3")
    command(TRIVIAL, "-m", "x=3,1", "study.name=x")
    assert read_study(tmp_path / "outputs" / "x") == {
        "command": "trivial.py -m x=1,2",
        "factors": {"x": [1, 2, 3]},
        "decisions": {},
        "baseline": {"x": "x=1"},
        "fixed": {"dies": False, "fails": False, "rule.sign": 1, "sleeps": 0, "x": 1},
    }


def test_files_of_the_configuration_edited_during_a_sweep_change_nothing(command: Command, tmp_path: Path) -> None:
    """The first cell rewrites the level of the second: the second was composed before."""
    shutil.copytree(APPS, tmp_path / "app")
    script = tmp_path / "app" / "trivial.py"
    script.write_text(script.read_text().replace("    noise =", EDIT + "    noise ="))
    command("app/trivial.py", "-m", "rule=plus,minus", "x=2")
    runs = load_runs(tmp_path / "outputs" / "rule+x=2").set_index("rule")["score"]
    assert runs["plus"] - runs["minus"] == pytest.approx(4)


EDIT = """
    from pathlib import Path
    for path in Path("app/conf/rule").glob("*.yaml"):
        path.write_text("sign: 100")
"""


def test_the_same_command_repeats_nothing_and_more_seeds_add_what_is_missing(command: Command) -> None:
    command(TRIVIAL, "-m", "x=1,2")
    assert "2 kept" in command(TRIVIAL, "-m", "x=1,2").stdout
    assert "2 finished, 2 kept" in command(TRIVIAL, "-m", "x=1,2", "study.seeds=[0,7]").stdout


def test_a_failing_cell_stops_nothing_and_the_status_tells(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "fails=true,false", "x=1,13", status=1)
    assert "2 failed" in answer.stdout
    assert "1 diverged" in answer.stdout
    assert "1 finished" in answer.stdout
    assert "fails=true,x=1 seed=0 failed: RuntimeError: it was asked to fail" in answer.stdout
    statuses = load_runs(tmp_path / "outputs" / "fails+x")["status"]
    assert sorted(statuses) == ["diverged", "failed", "failed", "finished"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x=1,2,101"], "ablate: x=101: at most 100."),
        (["x=1,2", "rule=plus,minos"], "ablate: rule=minos: no such level; there are minus, plus."),
        (["x=1", "x=2"], "ablate: x is given twice: write its levels once, as x=a,b."),
        (["x=1", "study.seeds=1,2"], "ablate: study.seeds=1,2: study.seeds is not a factor; write study.seeds=[1,2]."),
        (["x=1", "study.seeds=0"], "ablate: study.seeds=0: a positive number of seeds, or a list of whole numbers from 0."),
        (["x=1", "study.seeds=2", "seed=1,2"], "ablate: give either seed=… or study.seeds=…, not both."),
    ],
)
def test_a_bad_value_anywhere_refuses_the_whole_sweep(
    command: Command, tmp_path: Path, arguments: list[str], said: str
) -> None:
    answer = command(TRIVIAL, "-m", *arguments, status=2)
    assert answer.stderr == said + "\n"
    assert not list(tmp_path.glob("outputs/*/runs"))


def test_equal_experiments_run_once_and_are_named(command: Command) -> None:
    answer = command(TRIVIAL, "-m", "x=1,1.0,2", "+y=5")
    assert "2 runs" in answer.stdout


def test_seeds_can_be_swept_by_their_own_key(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "seed=3,4,4")
    runs = load_runs(tmp_path / "outputs" / "x")
    assert sorted(runs["seed"]) == [3, 3, 4, 4]
    assert list(runs.attrs["factors"]) == ["x"]


def test_the_blocks_of_seeds_follow_each_other(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=range(8)", "study.seeds=2", "study.name=s")
    paths = sorted((tmp_path / "outputs/s/runs").glob("*/*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    records = [json.loads(path.read_text()) for path in paths]
    assert [record["seed"] for record in records] == [0] * 8 + [1] * 8
    orders = [[record["label"] for record in records if record["seed"] == seed] for seed in (0, 1)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
