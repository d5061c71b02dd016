"""`ablate rm`."""

import resource
from contextlib import ExitStack
from pathlib import Path

import pytest
from filelock import FileLock

from ablate.commands.rm import remove
from ablate.core.errors import UsageError
from ablate.storage import scheduler
from ablate.storage.layout import run_directories
from ablate.storage.locks import LOCK, hold
from ablate.storage.manifest import StudyManifest
from ablate.storage.submissions import Submission
from tests.commands.conftest import Command
from tests.report.studies import write_runs


def test_runs_are_removed_by_status_and_by_level(outputs: Path, command: Command) -> None:
    study = outputs / "first"
    assert command("rm", "first", "--status", "failed", "--yes")[:2] == (
        0,
        f"Removed 1 of 10 runs of {Path('outputs/first')}.\n",
    )
    assert len(run_directories(study)) == 9
    assert command("rm", "first", "--where", "stem=b", "--yes")[0] == 0
    assert {path.parent.name.rpartition("-")[0] for path in run_directories(study)} == {"stem=a"}
    assert len(list((study / "runs").iterdir())) == 1  # no empty folder is left
    assert command("rm", "first", "--status", "failed", "--yes")[1] == "No run matches: nothing to remove.\n"


def test_a_killed_run_is_interrupted_though_its_record_says_running(killed: Path, command: Command) -> None:
    assert command("rm", "first", "--status", "running", "--yes")[1] == "No run matches: nothing to remove.\n"
    with hold(killed):
        assert command("rm", "first", "--status", "interrupted", "--yes")[1] == "No run matches: nothing to remove.\n"
        assert "is being run" in command("rm", "first", "--status", "running", "--yes")[2]
    assert command("rm", "first", "--status", "interrupted", "--yes")[1].startswith("Removed 1 of 10 runs")
    assert not killed.exists()


def test_a_factor_may_have_the_short_name_that_tables_use(outputs: Path, command: Command) -> None:
    write_runs(outputs / "third", [{"model.dropout": True}, {"model.dropout": False}], 2)
    assert command("rm", "third", "--where", "dropout=false", "--yes")[0] == 0
    assert {path.parent.name.rpartition("-")[0] for path in run_directories(outputs / "third")} == {"dropout=true"}


def test_a_study_is_removed_whole(outputs: Path, command: Command) -> None:
    assert command("rm", "first", "--yes")[0] == 0
    assert [path.name for path in outputs.iterdir()] == ["second"]


def test_a_study_that_contains_others_is_not_removed(outputs: Path, command: Command) -> None:
    write_runs(outputs / "first" / "inner", [{"stem": "a"}], 2)
    status, _, err = command("rm", "first", "--yes")
    assert status == 2
    assert "contains other studies: outputs/first/inner. Remove or move these first." in err.replace("\n", " ")
    assert len(run_directories(outputs / "first" / "inner")) == 2
    assert command("rm", "first", "--where", "stem=a", "--yes")[0] == 0  # its own runs can be


def mistyped(study: Path) -> Path:
    """A study whose level 0.02 should have been 0.2, and which another command has extended by 0.2."""
    write_runs(study, [{"lr": 0.1}, {"lr": 0.02}, {"lr": 0.2}], 2)
    manifest = StudyManifest.read(study)
    cells = {path.parent.name.rpartition("-")[2]: path.parent.name for path in run_directories(study)}
    manifest.model_copy(update={"factors": {"lr": [0.1, 0.02, 0.2]}, "experiments": {cell: cell for cell in cells}}).write(
        study
    )
    rows = [
        f"{path.parent.name.partition('=')[2].rpartition('-')[0]},{path.name[-1]},done,,{path.relative_to(study)},\n"
        for path in run_directories(study)
    ]
    (study / "plan.csv").write_text("lr,seed,state,seconds,directory,note\n" + "".join(rows))
    return study


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_level_goes_with_its_last_runs(outputs: Path, command: Command, by_hand: bool) -> None:
    """Also if the runs were removed before, as by a command of an earlier version."""
    study = mistyped(outputs / "third")
    if by_hand:
        remove(study, [path for path in run_directories(study) if "lr=0.02" in str(path)])
        assert "2 not started" in command("status", "third")[1]
    what = (
        "the level lr=0.02 of outputs/third, without runs" if by_hand else "2 of 6 runs of outputs/third, and the level lr=0.02"
    )
    assert command("rm", "third", "--where", "lr=0.02", "--yes")[:2] == (0, f"Removed {what}.\n")
    manifest = StudyManifest.read(study)
    assert manifest.factors == {"lr": [0.1, 0.2]}
    assert len(manifest.experiments) == 2
    assert "0.02" not in (study / "plan.csv").read_text()
    assert command("status", "third")[1].startswith("4 runs: 4 finished.")
    assert command("report", "outputs/third")[0] == 0
    assert "has no runs" not in (study / "report" / "report.md").read_text()


def test_a_level_stays_with_a_run_or_a_status_or_as_that_of_the_baseline(outputs: Path, command: Command) -> None:
    write_runs(outputs / "third", [{"lr": lr, "on": on} for lr in (0.1, 0.2) for on in (True, False)], 2)
    study = outputs / "third"
    manifest = StudyManifest.read(study)
    manifest.model_copy(update={"factors": {"lr": [0.1, 0.2], "on": [True, False]}}).write(study)
    command("rm", "third", "--where", "lr=0.2", "--where", "on=true", "--yes")
    command("rm", "third", "--where", "lr=0.2", "--status", "finished", "--yes")  # to make them again
    status, out, _ = command("rm", "third", "--where", "lr=0.1", "--yes")
    assert (status, out.splitlines()[0]) == (0, "The study keeps the level lr=0.1 without runs: it is that of the baseline.")
    assert StudyManifest.read(study).factors == {"lr": [0.1, 0.2], "on": [True, False]}


def test_a_level_that_a_claim_is_about_stays(outputs: Path, command: Command) -> None:
    manifest = StudyManifest.read(outputs / "first")
    manifest.model_copy(update={"factors": {"stem": ["a", "b"]}}).write(outputs / "first")
    out = command("rm", "first", "--where", "stem=b", "--yes")[1]
    assert out.startswith("The study keeps the level stem=b without runs: claims of study.yaml name it.\nRemoved 5 of 10 runs")
    assert StudyManifest.read(outputs / "first").factors == {"stem": ["a", "b"]}


def test_the_end_of_input_is_a_no(outputs: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", end)
    assert command("rm", "first")[0] == 1
    assert len(run_directories(outputs / "first")) == 10


def test_a_level_may_be_written_as_it_was_typed(outputs: Path, command: Command) -> None:
    write_runs(outputs / "third", [{"lr": 1e-05, "on": True}, {"lr": 0.1, "on": False}], 2)
    assert command("rm", "third", "--where", "lr=1e-5", "--where", "on=True", "--yes")[0] == 0
    assert {path.parent.name.rpartition("-")[0] for path in run_directories(outputs / "third")} == {"lr=0.1,on=false"}


def test_second_runs_of_a_configuration_go_with_it(outputs: Path, command: Command) -> None:
    study = write_runs(outputs / "third", [{"stem": "a"}, {"stem": "b"}], 3)
    manifest = StudyManifest.read(study)
    manifest.model_copy(update={"control_seeds": {2: 0}}).write(study)
    assert command("rm", "third", "--where", "stem=a", "--yes")[0] == 0
    assert {path.parent.name.rpartition("-")[0] for path in run_directories(study)} == {"stem=b"}


def test_nothing_is_removed_without_a_yes(outputs: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, err = command("rm", "first")
    assert status == 2
    assert "add --yes" in err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert command("rm", "first")[:2] == (1, "Nothing was removed.\n")
    assert len(run_directories(outputs / "first")) == 10


def test_a_run_that_a_process_holds_is_not_removed(outputs: Path, command: Command) -> None:
    with hold(run_directories(outputs / "first")[0]):
        status, _, err = command("rm", "first", "--yes")
    assert status == 2
    assert "is being run" in err
    assert len(run_directories(outputs / "first")) == 10


def test_a_study_is_not_removed_while_a_run_starts_that_has_no_record_yet(outputs: Path, command: Command) -> None:
    directory = outputs / "first" / "runs" / "stem=c-0123456789abcdef" / "seed=0"
    directory.mkdir(parents=True)
    with hold(directory):
        status, _, err = command("rm", "first", "--yes")
    assert status == 2
    assert f"{directory.relative_to(outputs.parent)} is being run" in err
    assert len(run_directories(outputs / "first")) == 10


def test_a_study_of_more_runs_than_a_process_may_open_files_is_removed(outputs: Path) -> None:
    for seed in range(100):
        (outputs / "first" / "runs" / "stem=c-0123456789abcdef" / f"seed={seed}").mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 30, hard))
    try:
        remove(outputs / "first", None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not (outputs / "first").exists()


def test_a_run_whose_process_has_the_lock_but_no_lease_yet_is_kept(outputs: Path) -> None:
    directories = run_directories(outputs / "first")[:2]
    for doomed in (directories, None):
        with FileLock(directories[0] / LOCK), pytest.raises(UsageError, match=r"is being run \(another process\)"):
            remove(outputs / "first", doomed)
    assert len(run_directories(outputs / "first")) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--status", "broken"), "--status broken: unknown; available: running, finished"),
        (("--status", ""), "--status : unknown; available: running, finished"),  # as of a variable of the shell that is not set
        (("--status", "failed,"), "--status : unknown"),
        (("--where", "stem"), "--where stem: expected FACTOR=LEVEL; factors of outputs/first: stem."),
        (("--where", "stm=a"), "--where stm=a: unknown factor 'stm'; factors of outputs/first: stem."),
        (("--where", "stem=c"), "stem has no level c; available: a, b."),
    ],
)
@pytest.mark.usefixtures("outputs")
def test_a_condition_that_cannot_match_is_refused(command: Command, arguments: tuple[str, str], message: str) -> None:
    status, _, err = command("rm", "first", *arguments, "--yes")
    assert status == 2
    assert message in err


def test_a_run_that_starts_during_the_question_is_not_removed(
    outputs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as held:

        def answer(_: str) -> str:
            held.enter_context(hold(run_directories(outputs / "first")[0]))
            return "y"

        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", answer)
        status, _, err = command("rm", "first")
    assert status == 2
    assert "is being run" in err
    assert len(run_directories(outputs / "first")) == 10


def test_a_run_with_a_job_in_the_queue_is_not_removed(outputs: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    study = outputs / "first"
    runs = [*[path.relative_to(study).as_posix() for path in run_directories(study)][:2], "runs/new-0/seed=0"]
    Submission(name="s-1", launcher="slurm", host="h", submitted="2026-01-01", runs=runs, array="17").write(study)
    monkeypatch.setattr(scheduler, "states", lambda submission: {2: "PENDING"})  # a run that has no folder yet
    status, _, err = command("rm", "first", "--yes")
    assert (status, err) == (
        2,
        f"ablate: {Path('outputs/first')}/runs/new-0/seed=0 has the job slurm-17_2 (PENDING): end it first, with `scancel 17_2`.\n",
    )
    assert command("rm", "first", "--status", "failed", "--yes")[0] == 0  # other runs can be removed
    monkeypatch.setattr(scheduler, "states", lambda submission: None)
    status, _, err = command("rm", "first", "--yes")
    assert status == 2
    assert f"and Slurm does not answer: if its jobs have ended, remove {Path('outputs/first')}/.jobs first." in err
    monkeypatch.setattr(scheduler, "states", lambda submission: {})
    assert command("rm", "first", "--yes")[0] == 0


def test_runs_that_another_configuration_shares_are_kept(outputs: Path, command: Command) -> None:
    study = outputs / "first"
    (runner,) = {path.parent.name.rpartition("-")[2] for path in run_directories(study) if "stem=a" in str(path)}
    manifest = StudyManifest.read(study)
    same = {"c0ffee00": {"runner": runner, "label": "stem=c", "levels": {"stem": "c"}}}
    changed = {**manifest.model_dump(), "same": same, "factors": {"stem": ["a", "b", "c"]}}
    StudyManifest.model_validate(changed).write(study)
    status, out, _ = command("rm", "first", "--where", "stem=c", "--yes")
    assert status == 0
    assert out.startswith("5 runs kept: also the runs of stem=a, the same experiment.\nNo run matches")
    assert len(run_directories(study)) == 10
