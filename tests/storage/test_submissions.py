"""What a study knows about jobs in the queue of a scheduler."""

import os
import subprocess
from pathlib import Path

from ablate.storage.files import owner
from ablate.storage.submissions import JOBS, Submission, read_submissions, remove_abandoned


def test_a_submission_is_found_again_until_it_is_closed(tmp_path: Path) -> None:
    submission = Submission(name="s-1", launcher="slurm", host="h", submitted="2026-01-01", runs=["runs/a/seed=0"])
    submission.write(tmp_path)
    submission.array = "17"
    submission.write(tmp_path)
    (tmp_path / JOBS / "torn").mkdir()
    (tmp_path / JOBS / "torn" / "submission.json").write_text('{"name": ')
    assert read_submissions(tmp_path) == [submission]
    (submission.folder(tmp_path) / "work.pkl").touch()
    (submission.folder(tmp_path) / "17_0_log.err").touch()
    submission.close(tmp_path, keep_output=True)
    assert read_submissions(tmp_path) == []
    assert [path.name for path in submission.folder(tmp_path).iterdir()] == ["17_0_log.err"]
    submission.close(tmp_path, keep_output=False)
    assert not submission.folder(tmp_path).exists()


def test_a_job_is_named_as_slurm_names_it() -> None:
    one = Submission(name="s-1", launcher="slurm", host="h", submitted="2026-01-01", runs=["runs/a/seed=0"])
    assert one.job(0) == "s-1"  # the command was killed before it learned the number
    one.array = "17"
    assert one.job(0) == "17"
    one.runs.append("runs/a/seed=1")
    assert one.job(1) == "17_1"


def test_what_a_command_left_that_was_killed_is_removed_once_its_jobs_have_ended(tmp_path: Path) -> None:
    process, dead = subprocess.Popen(["cat"], stdin=subprocess.PIPE), subprocess.Popen(["true"])
    dead.wait()

    def jobs(name: str, *files: str) -> Path:
        folder = tmp_path / JOBS / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            (folder / file).touch()
        return folder

    gone = owner(dead.pid)
    jobs(f"local-{gone}-1", "work.pkl", f"{dead.pid}_submitted.pkl")
    running = jobs(f"local-{gone}-2", "work.pkl", f"{process.pid}_submitted.pkl", f"{dead.pid}_0_log.out")
    kept = [
        jobs(f"local-{owner()}-3", "work.pkl"),  # its command is running
        jobs(f"local-{gone}-4", f"{dead.pid}_0_log.err"),  # its command has ended, and named this output
        jobs("local-0123abcd", "work.pkl"),  # of an earlier version
        jobs("ablate-0123abcd", "work.pkl", "submission.json"),  # of Slurm
    ]
    jobs("", f".shared.{gone}-abcdefgh")
    remove_abandoned(tmp_path)
    assert set((tmp_path / JOBS).iterdir()) == {running, *kept}
    process.communicate()
    remove_abandoned(tmp_path)
    assert set((tmp_path / JOBS).iterdir()) == set(kept)
    broken = jobs("local-0123abce", "other")
    (broken / "work.pkl").symlink_to("gone")  # as if another command removed its folder while this one looks
    remove_abandoned(tmp_path)
    os.utime(kept[2] / "work.pkl", (0, 0))
    remove_abandoned(tmp_path)
    assert not kept[2].exists()
