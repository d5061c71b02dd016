"""Sweeps of a function that knows nothing of images."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.storage.dataframe import load_results, load_runs
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import read_record
from tests.conftest import APPS, Command

TRIVIAL = str(APPS / "trivial.py")


def factors(study: Path) -> dict[str, list]:
    """The factors of a study with the values of their levels."""
    return {key: [level.value for level in factor] for key, factor in load_results(study).factors.items()}


def test_every_cell_is_run_with_every_seed(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2,3", "rule=plus,minus", "study.seeds=2")
    assert "12 runs in outputs/x+rule" in answer.stdout
    assert "12 finished" in answer.stdout
    runs = load_runs(tmp_path / "outputs" / "x+rule")
    assert factors(tmp_path / "outputs" / "x+rule") == {"x": [1, 2, 3], "rule": ["plus", "minus"]}
    paired = runs.set_index(["seed", "rule", "x"])["score"]
    assert paired[1, "plus", 3] - paired[1, "plus", 1] == pytest.approx(2)
    assert paired[2, "minus", 3] - paired[2, "minus", 1] == pytest.approx(-2)


def test_a_log_in_another_encoding_does_not_fail_the_report(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2", "study.seeds=2", "study.name=s", "study.report=true", PYTHONIOENCODING="ascii")
    assert "4 finished" in answer.stdout
    assert "could not be written" not in answer.stdout
    assert (tmp_path / "outputs" / "s" / "report" / "report.md").exists()


def test_a_study_says_how_it_was_launched(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2")
    command(TRIVIAL, "-m", "x=3")
    command(TRIVIAL, "-m", "x=3,1", "study.name=x")
    command(TRIVIAL, "-m", "x=3,2", "study.name=x")
    study = StudyManifest.read(tmp_path / "outputs" / "x")
    assert len(study.experiments) == len(set(study.experiments.values())) == 3
    assert study.model_dump(exclude_defaults=True, exclude={"experiments"}) == {
        "command": "trivial.py -m x=1,2",
        "further_commands": ["trivial.py -m x=3,1 study.name=x"],  # the second is of another study, and the last adds nothing
        "program": "tests/apps/trivial.py",
        "function": "train",
        "identity": 2,
        "factors": {"x": [1, 2, 3]},
        "seeds": [0],
        "baseline": {"x": "x=1"},
        "fixed": {"fails": False, "rule.sign": 1, "sleeps": 0, "x": 1},
        "paths": {"where": None},
        "reading": {},
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


@pytest.mark.slow
def test_a_sweep_of_an_ignored_key_is_continued(command: Command) -> None:
    """`place` is in study.ignore of this program."""
    assert "2 finished" in command(TRIVIAL, "-m", "place=a,b").stdout
    assert "2 kept" in command(TRIVIAL, "-m", "place=a,b").stdout
    assert "1 finished, 2 kept" in command(TRIVIAL, "-m", "place=a,b,c").stdout
    assert "1 finished, 1 kept" in command(TRIVIAL, "-m", "place=b", "x=1,2", "study.name=place").stdout
    assert "already finished" in command(TRIVIAL, "place=c", "study.name=place").stdout


ONE_KEY = """
import ablate

@ablate.main("conf")
def train(cfg, run):
    return {"score": cfg.a}

if __name__ == "__main__":
    train()
"""


@pytest.fixture
def one_key(tmp_path: Path) -> str:
    """A program with the key `a`. SHA-256 of {"a": 15042} and of {"a": 16343} begin with the same eight digits."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text("defaults: [ablate, _self_]\na: 1\nstudy: {name: s, report: false}\n")
    (tmp_path / "one_key.py").write_text(ONE_KEY)
    return "one_key.py"


def as_earlier_version(study: Path) -> None:
    """Shorten the digests of a study to eight digits, as earlier versions wrote them."""
    manifest = study / "study.yaml"
    text = manifest.read_text()
    for folder in list((study / "runs").iterdir()):
        name, _, digest = folder.name.rpartition("-")
        text = text.replace(digest, digest[:8])
        for path in folder.glob("*/run.json"):
            path.write_text(path.read_text().replace(f'"{digest}"', f'"{digest[:8]}"'))
        folder.rename(folder.with_name(f"{name}-{digest[:8]}"))
    manifest.write_text(text)


def test_configurations_whose_digests_begin_alike_are_told_apart(command: Command, tmp_path: Path, one_key: str) -> None:
    assert "2 finished" in command(one_key, "-m", "a=15042,16343").stdout
    assert "1 finished, 2 kept" in command(one_key, "-m", "a=15042,16343,1").stdout
    assert load_runs(tmp_path / "outputs/s").set_index("a")["score"].to_dict() == {15042: 15042, 16343: 16343, 1: 1}


@pytest.mark.slow
def test_a_study_of_an_earlier_version_is_continued_under_its_digests(command: Command, tmp_path: Path, one_key: str) -> None:
    study = tmp_path / "outputs/s"
    command(one_key, "-m", "a=1,15042", "study.seeds=2")
    as_earlier_version(study)
    assert "4 kept" in command(one_key, "-m", "a=1,15042", "study.seeds=2").stdout
    assert "already finished" in command(one_key, "a=15042", "seed=1").stdout
    answer = command(one_key, "-m", "a=1,15042,16343", "study.seeds=3")
    assert "5 finished, 4 kept" in answer.stdout
    assert "9 kept" in command(one_key, "-m", "a=1,15042,16343", "study.seeds=3").stdout
    runs = load_runs(study)
    assert runs.groupby("a")["cell"].unique().map(len).to_list() == [1, 1, 1]
    assert sorted(len(path.name.rpartition("-")[2]) for path in (study / "runs").iterdir()) == [8, 8, 16]
    assert (runs["score"] == runs["a"]).all()


def test_a_folder_of_another_configuration_with_the_same_digest_is_named(
    command: Command, tmp_path: Path, one_key: str
) -> None:
    """As if two commands had met a collision of the digests in folder names."""
    command(one_key, "-m", "a=1,2")
    first, second = sorted((tmp_path / "outputs/s/runs").iterdir())
    record = (second / "seed=1/run.json").read_text()
    (first / "seed=1/run.json").write_text(record)
    answer = command(one_key, "-m", "a=1,2", status=2)
    assert answer.stderr == (
        f"ablate: outputs/s/runs/{first.name} belongs to another configuration, a=2, whose digest begins with the same 16 digits "
        "as that of a=1: choose another study.name for one of them.\n"
    )


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
        (["x=1,2", "rule=plus,minos"], "ablate: rule has no level minos; available: minus, noisy, plus."),
        (["rule=glob(z*)"], "ablate: rule=glob(z*) matches no level; available: minus, noisy, plus."),
        (["x=glob(*)"], "ablate: x=glob(*) matches no level: glob chooses among the options of a config group."),
        (["x=1,2", "study.name=.."], "ablate: study.name=..: expected the name of a folder, or null."),
        (["x=1", "x=2"], "ablate: x is given twice: write its levels once, as x=a,b."),
        (["x=1", "study.seeds=1,2"], "ablate: study.seeds=1,2: study.seeds cannot be a factor; write study.seeds=[1,2]."),
        (
            ["x=1", "study.seeds=0"],
            "ablate: study.seeds=0: expected a positive number of seeds (at most 10,000), or a list of integers >= 0.",
        ),
        (["x=1,2", "study.design=random"], "ablate: study.design=random: expected one of factorial, one_at_a_time, path."),
        (["x=1,2", "study.retries=-1"], "ablate: study.retries=-1: expected an integer >= 0."),
        (["x=1,2", "study.max_hours=0"], "ablate: study.max_hours=0: expected a number > 0, or null."),
        (["x=1,2", "study.reuse=some"], "ablate: study.reuse=some: expected one of any, same_code."),
        (["x=1,2", "study.exclude=[{x:[1,2]}]"], "ablate: study.exclude: no configuration is left; excluded: x=1 or 2."),
        (["x=1,2", "study.baseline={x:3}"], "ablate: study.baseline={x: 3}: x has no level 3; available: 1, 2."),
        (["x=1,2", "study.baseline={x:[1,2]}"], "ablate: study.baseline: x=[1, 2]: expected a single level."),
        (["x=1,2", "seed=0,-1"], "ablate: seed=-1: expected an integer from 0 to 9223372036854775807."),
        (["x=1,2", "study.leave_out=nowhere.yaml"], None),
        (["x=1,2", "study.leave_out=[{x:1}]"], None),
        (["x=1,2", "study.leave_out=[{x:3,reason:a}]"], "ablate: study.leave_out: no run of this sweep matches x=3."),
        (["x=1", "study.seeds=2", "seed=1,2"], "ablate: give either seed=… or study.seeds=…, not both."),
    ],
)
def test_a_bad_value_anywhere_refuses_the_whole_sweep(
    command: Command, tmp_path: Path, arguments: list[str], said: str | None
) -> None:
    answer = command(TRIVIAL, "-m", *arguments, status=2)
    assert answer.stderr == said + "\n" if said else answer.stderr.startswith("ablate: study.leave_out")
    assert not list(tmp_path.glob("outputs/*/runs"))


def test_equal_experiments_run_once_and_are_named(command: Command) -> None:
    answer = command(TRIVIAL, "-m", "x=1,1,2", "+y=5")
    assert "2 runs" in answer.stdout


def test_seeds_can_be_swept_by_their_own_key(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "seed=3,4,4")
    runs = load_runs(tmp_path / "outputs" / "x")
    assert sorted(runs["seed"]) == [3, 3, 4, 4]
    assert list(factors(tmp_path / "outputs" / "x")) == ["x"]


def test_the_blocks_of_seeds_follow_each_other(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=range(8)", "study.seeds=2", "study.name=s")
    paths = sorted((tmp_path / "outputs/s/runs").glob("*/*/run.json"), key=lambda path: path.stat().st_mtime_ns)
    records = [json.loads(path.read_text()) for path in paths]
    assert [record["seed"] for record in records] == [1] * 8 + [2] * 8
    orders = [[record["label"] for record in records if record["seed"] == seed] for seed in (1, 2)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_a_fixed_setting_that_differs_is_refused_with_the_difference(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    answer = command(TRIVIAL, "-m", "x=1,2", "rule=minus", "study.name=s", status=2)
    assert answer.stderr == (
        "ablate: this command changes fixed settings of the study outputs/s: rule.sign was 1 and is now -1. "
        "Use the old settings, or choose another study.name.\n"
    )
    assert len(load_runs(tmp_path / "outputs/s")) == 2


def test_a_factor_can_be_added_if_what_was_fixed_is_one_of_its_levels(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    answer = command(TRIVIAL, "-m", "x=1,2", "rule=minus,plus", "study.name=s")
    assert "2 finished, 2 kept" in answer.stdout
    assert factors(tmp_path / "outputs/s") == {"x": [1, 2], "rule": ["minus", "plus"]}
    answer = command(TRIVIAL, "-m", "x=1", "rule=plus", "study.name=s")
    assert "1 kept" in answer.stdout


def test_one_at_a_time_and_exclusions(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2,3", "rule=plus,minus", "study.design=one_at_a_time", "study.baseline={x:2}", "study.name=s")
    runs = load_runs(tmp_path / "outputs/s")
    assert sorted(zip(runs["x"], runs["rule"], strict=True)) == [(1, "plus"), (2, "minus"), (2, "plus"), (3, "plus")]
    assert factors(tmp_path / "outputs/s") == {"x": [2, 1, 3], "rule": ["plus", "minus"]}
    command(TRIVIAL, "-m", "x=1,101", "rule=plus,minus", "study.exclude=[{x:101},{x:1,rule:[minus]}]", "study.name=t")
    assert len(load_runs(tmp_path / "outputs/t")) == 1


def test_many_factors_are_named_by_changes_from_the_baseline_of_the_study(command: Command, tmp_path: Path) -> None:
    """With another baseline or fewer levels, changes from it could pass for changes from that of the study."""
    typed = [
        "-m",
        "x=1,2",
        "+a=1,2",
        "+b=1,2",
        "+c=1,2",
        "+d=1,2",
        "study.design=one_at_a_time",
        "study.name=s",
        "study.seeds=1",
    ]
    answer = command(TRIVIAL, *typed).stdout
    assert "a=2 seed=1 finished in" in answer
    assert "The baseline is x=1, a=1, b=1, c=1, d=1.\n" in answer
    names = {folder.name.rpartition("-")[0] for folder in (tmp_path / "outputs/s/runs").iterdir()}
    assert names == {"baseline", "x=2", "a=2", "b=2", "c=2", "d=2"}
    runs = [read_record(path) for path in (tmp_path / "outputs/s/runs").glob("a=2-*/seed=1")]
    assert [(run.label, run.name, run.title) for run in runs if run] == [("x=1,a=2,b=1,c=1,d=1", "a=2", "a=2 seed=1")]
    assert "6 kept" in command(TRIVIAL, *typed).stdout
    others = ["study.baseline={x:2}", "study.exclude=[{x:1,a:1}]"]
    answer = command(TRIVIAL, *(each for each in typed if "design" not in each), others[1], "study.dry_run=true").stdout
    assert "baseline" not in answer
    answer = command(TRIVIAL, *typed, others[0]).stdout
    assert "x=2,a=2 seed=1 finished in" in answer
    assert "The baseline of this study stays x=1; another study.name may have another." in answer


@pytest.mark.slow
def test_a_run_is_left_out_with_its_reason(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "study.seeds=2", "study.name=s")
    (tmp_path / "out.yaml").write_text("- {x: 1, seed: 1, reason: the disk failed}")
    answer = command(TRIVIAL, "-m", "x=1,2", "study.seeds=2", "study.name=s", "study.leave_out=out.yaml", "study.report=true")
    assert "3 kept, 1 left out" in answer.stdout
    assert "seed=1 left out: the disk failed" in answer.stdout
    runs = load_runs(tmp_path / "outputs/s").set_index(["x", "seed"])
    assert runs["left_out"].dropna().to_dict() == {(1, 1): "the disk failed"}
    assert "1 left out" in command(TRIVIAL, "-m", "x=1,2", "study.seeds=2", "study.name=s").stdout  # it is remembered


def test_a_dry_run_shows_the_plan_and_starts_nothing(command: Command, tmp_path: Path) -> None:
    answer = command(TRIVIAL, "-m", "x=1,2", "study.seeds=3", "study.dry_run=true")
    assert "6 runs in outputs/x: 6 to do." in answer.stdout
    assert not (tmp_path / "outputs").exists()


def test_a_dry_run_shows_every_cell_and_leaves_a_study_as_it_is(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    answer = command(TRIVIAL, "-m", "x=range(1,31)", "study.name=x", "study.dry_run=true")
    assert "30 runs in outputs/x: 2 done, 28 to do." in answer.stdout
    assert all(f" {x} " in answer.stdout for x in range(1, 31))
    assert "more" not in answer.stdout
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_sweep_stops_when_its_time_is_over_and_goes_on_later(command: Command) -> None:
    sweep = [TRIVIAL, "-m", "x=1,2,3,4", "sleeps=0.4"]
    answer = command(*sweep, "study.max_hours=0.0003", status=3)
    assert "not started" in answer.stdout
    assert "study.max_hours ran out: run the same command again to continue." in answer.stdout
    kept = sum("finished in" in line for line in answer.stdout.splitlines())
    assert 0 < kept < 4
    assert f"{4 - kept} finished, {kept} kept" in command(*sweep).stdout


def test_a_failure_is_tried_again_as_often_as_asked(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "fails=true,false", "study.retries=2", status=1)
    attempts = [json.loads(path.read_text())["attempts"] for path in tmp_path.glob("outputs/*/runs/*/*/run.json")]
    assert sorted(attempts) == [1, 3]


def test_a_file_can_name_the_sweep(command: Command, tmp_path: Path) -> None:
    """hydra.sweeper.params, which a study's own file sets; what is typed replaces it."""
    params = ["+hydra.sweeper.params.x='1,2'", "+hydra.sweeper.params.rule='plus,minus'"]
    answer = command(TRIVIAL, "-m", *params, "x=5", "study.name=s")
    assert "2 finished" in answer.stdout
    assert factors(tmp_path / "outputs/s") == {"rule": ["plus", "minus"]}


@pytest.mark.slow
def test_a_foreign_folder_and_a_torn_record_are_named_and_fatal_to_nobody(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2,3", "study.name=s")
    one, two, three = sorted((tmp_path / "outputs/s/runs").iterdir())
    (one / "seed=0" / "run.json").write_text('{"identity":')
    (two / "seed=0" / "history.csv").write_text("")
    shutil.rmtree(three)
    three.write_text("a file where a folder should be")
    (tmp_path / "outputs/s/runs/foreign").mkdir()
    answer = command(TRIVIAL, "-m", "x=1,2,3", "study.name=s", "study.report=true", status=1)
    assert "x=1-" in answer.stdout
    assert "run.json is skipped" in answer.stdout
    assert "1 failed, 1 finished, 1 kept" in answer.stdout
    assert "cannot write to" in answer.stdout
    assert "seed=0: Not a directory" in answer.stdout
    assert "history.csv is skipped" in answer.stdout
    assert "runs/foreign is skipped: it is not a run" in answer.stdout


def test_a_sweep_without_a_factor_can_be_typed_again_with_more_seeds(command: Command) -> None:
    command(TRIVIAL, "-m", "study.seeds=2", "study.name=s")
    assert "1 finished, 2 kept" in command(TRIVIAL, "-m", "study.seeds=3", "study.name=s").stdout


def test_a_record_of_the_wrong_kind_is_named_and_its_run_done_again(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    path = next((tmp_path / "outputs/s").glob("runs/x=1-*/*/run.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "timing": None}))
    answer = command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    assert "run.json is skipped: timing: " in answer.stdout
    assert "1 finished, 1 kept" in answer.stdout


def test_two_different_first_commands_at_once_are_not_both_accepted(tmp_path: Path) -> None:
    """Each has read that there is no study yet; the second to write sees that there is one."""
    sweeps = [["x=1,2"], ["x=3,4", "rule=minus"]]
    both = [
        subprocess.Popen(
            [sys.executable, TRIVIAL, "-m", *sweep, "study.name=s"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for sweep in sweeps
    ]
    said = [process.communicate(timeout=100)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    assert any("this command changes fixed settings of the study outputs/s: rule.sign was" in text for text in said)
    assert len(load_runs(tmp_path / "outputs/s")) == 2


def test_whole_numbers_and_switches_are_different_levels(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "+y=1,true", "study.name=s")
    assert [repr(level) for level in factors(tmp_path / "outputs/s")["y"]] == ["1", "True"]


def test_a_typed_configuration_with_a_choice_of_names_and_a_path(command: Command, tmp_path: Path) -> None:
    command(str(APPS / "typed.py"), "-m", "kind=A,B", "study.name=s")
    runs = load_runs(tmp_path / "outputs/s")
    assert runs.set_index("kind")["score"].to_dict() == {"A": 1.0, "B": 2.0}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["sleeps=0,'0'"], "sleeps=0 and sleeps='0' have the same text but different types; keep one of them."),
        (["sleeps=0,nan"], "sleeps=nan: NaN is not a valid level; use null for a component that is off."),
        (
            ["x=1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=0"],
            "hydra.launcher.n_jobs=0: expected a number of processes >= 1",
        ),
    ],
)
def test_levels_and_processes_that_cannot_be_are_refused(typed: list[str], said: str, command: Command, tmp_path: Path) -> None:
    assert said in command(TRIVIAL, "-m", *typed, status=2).stderr
    assert not list(tmp_path.glob("outputs/*/runs"))


@pytest.mark.slow
def test_one_run_brings_no_other_setting_into_the_study_of_a_sweep(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "study.name=s")
    answer = command(TRIVIAL, "x=1", "rule=minus", "study.name=s", status=2)
    assert "the study outputs/s belongs to a sweep, and this configuration is not one of its cells" in answer.stderr
    command(TRIVIAL, "x=1", "seed=7", "study.name=s")  # of a cell, another seed
    assert len(load_runs(tmp_path / "outputs" / "s")) == 3


def test_a_run_without_its_configuration_is_made_again(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2")
    next(tmp_path.glob("outputs/x/runs/x=1-*/seed=0/config.yaml")).unlink()
    assert "1 finished, 1 kept" in command(TRIVIAL, "-m", "x=1,2").stdout
    assert len(load_runs(tmp_path / "outputs" / "x")) == 2


def test_dictionaries_of_options_can_be_typed(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "x=1,2", "rule=plus,minus", "study.design=path", "study.changes={both:[x,rule]}", "study.name=s")
    study = StudyManifest.read(tmp_path / "outputs" / "s")
    assert study.orders == {0: [["x", "rule"]]}
    assert study.seeds == [0]


@pytest.mark.slow
def test_identical_configurations_of_different_commands_share_one_run(command: Command, tmp_path: Path) -> None:
    shutil.copytree(APPS, tmp_path / "apps")
    script = tmp_path / "apps" / "alike.py"
    sweep = [str(script), "-m", "stem=direct,pyramid", "study.name=s"]
    assert "3 finished" in command(*sweep, "activation=relu,gelu").stdout
    assert "1 finished, 1 kept" in command(*sweep, "activation=silu").stdout
    runs = load_runs(tmp_path / "outputs" / "s")
    direct = runs[runs["stem"] == "direct"]
    assert sorted(direct["activation"]) == ["gelu", "relu", "silu"]
    assert direct["directory"].nunique() == direct["score"].nunique() == 1
    script.write_text(script.read_text() + "CHANGED = True\n")
    again = [*sweep, "study.reuse=same_code"]
    assert "2 finished" in command(*again, "activation=gelu").stdout
    with pytest.warns(UserWarning, match="is skipped: it is the same experiment as"):
        runs = load_runs(tmp_path / "outputs" / "s")
    assert runs[runs["stem"] == "direct"]["directory"].nunique() == 1
    assert "2 kept" in command(*again, "activation=gelu").stdout


def test_a_factor_and_a_metric_can_have_the_name_of_a_column(command: Command, tmp_path: Path) -> None:
    command(TRIVIAL, "-m", "+label=1,2", "+score=1,2", "study.name=s")
    results = load_results(tmp_path / "outputs" / "s")
    assert list(results.levels) == ["label", "score"]
    assert "score" in results.values


def test_the_study_says_what_its_metrics_are(command: Command, tmp_path: Path) -> None:
    command(
        TRIVIAL, "-m", "x=1,2", "study.name=s", "study.metrics={score: {unit: pt, better: higher}}", "study.chance={score: 0}"
    )
    assert StudyManifest.read(tmp_path / "outputs" / "s").description == {
        "metrics": {"score": {"unit": "pt", "better": "higher", "chance": 0}}
    }
    answer = command(TRIVIAL, "-m", "x=1,2", "study.metrics={score: {better: up}}", status=2)
    assert answer.stderr == "ablate: metrics.score.better=up: expected higher, lower, or null.\n"


def test_a_key_that_only_a_job_knows_repeats_nothing(command: Command, tmp_path: Path) -> None:
    """Its digest is that of the plan: the same command finds its runs again."""
    sweep = [TRIVIAL, "-m", "x=1,2", "study.seeds=2", "study.name=s", "+folder=${hydra:runtime.output_dir}", "+run=r${seed}"]
    assert "4 finished" in command(*sweep).stdout
    assert "4 kept" in command(*sweep).stdout
    (path,) = (tmp_path / "outputs/s").glob("runs/x=1-*/seed=1/config.yaml")
    assert f"folder: {tmp_path}" in path.read_text()
    assert "run: r1" in path.read_text()
    assert {json.loads(run.read_text())["attempts"] for run in tmp_path.rglob("run.json")} == {1}


def test_a_launched_job_gets_plain_overrides_and_a_file(command: Command, tmp_path: Path) -> None:
    """What a job prints of itself: its seed, and the folder in which config.yaml was written before it was launched."""
    script = tmp_path / "printing.py"
    script.write_text(
        "import json, ablate\nfrom pathlib import Path\nfrom hydra.core.hydra_config import HydraConfig\n"
        f"@ablate.main({str(APPS / 'conf')!r})\n"
        "def train(cfg, run):\n"
        "    typed = list(HydraConfig.get().overrides.task)\n"
        "    context = json.loads(HydraConfig.get().overrides.hydra[-1].removeprefix('ablate.run='))\n"
        "    assert Path(context['directory']) == run.directory and (run.directory / 'config.yaml').exists()\n"
        "    assert typed == [f'x={cfg.x}', f'seed={run.seed}'], typed\n"
        "    return {'seed': cfg.seed}\n"
        "train()\n"
    )
    assert "4 finished" in command(str(script), "-m", "x=1,2", "seed=3,4").stdout


@pytest.mark.slow
def test_the_baseline_is_run_twice_and_stands_in_the_report_as_no_change(command: Command, tmp_path: Path) -> None:
    swept = ("x=1,2,3", "study.seeds=5", "study.name=aa", "study.control=aa", "study.controls={x: {3: 2}}", "study.report=true")
    answer = command(TRIVIAL, "-m", *swept)
    assert "20 finished" in answer.stdout
    study = tmp_path / "outputs" / "aa"
    results = load_results(study)
    assert len(results) == 15
    assert results.control is not None
    assert sorted(results.control.runs["seed"]) == [1_000_000 + seed for seed in range(1, 6)]
    assert {str(level) for level in results.control.levels["x"]} == {"1"}
    rows = (study / "report" / "report.md").read_text(encoding="utf-8")
    assert "| no change (A/A) | control | 5 |" in rows
    assert "| x: 2 → 3 | simple | 5 |" in rows
    assert "missing" not in json.dumps(StudyManifest.read(study).model_dump())
    assert "20 kept" in command(TRIVIAL, "-m", *swept).stdout
