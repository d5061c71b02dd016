"""What a study knows about jobs in the queue of a scheduler."""

from pathlib import Path

from ablate.storage.submissions import JOBS, Submission, read_submissions


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
