"""Jobs that were submitted to a scheduler and that do not need the command that submitted them.

    outputs/<study>/.jobs/<name>/submission.json    the runs of a job array, in order
    outputs/<study>/.jobs/<name>/…                  files of the jobs, and their output

The name is also that of the jobs, so that the scheduler can be asked about them even if the command was killed before it
learned their number.
"""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ablate.storage import files

JOBS = ".jobs"
FILE = "submission.json"
WORK = "work.pkl"  # what the jobs of a submission have in common; removed when they have ended
ANSWER = "{}.answer"  # how the job with this number ended
LOCAL = "local-"  # before the process, in the name of a folder for jobs on this machine, which have no submission.json


class Submission(BaseModel):
    """A job array.

    Attributes:
        name: the name of its jobs.
        launcher: what started it, such as slurm.
        host: the machine of the command.
        submitted: when, ISO 8601.
        runs: the folders of the runs relative to the study, in the order of the array.
        array: the number of the array; None until the scheduler has answered.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    launcher: str
    host: str
    submitted: str
    runs: list[str]
    array: str | None = None

    def job(self, index: int) -> str:
        """The identifier of the job at this position, such as `17_3`; of a submission without a number, its name."""
        array = self.array or self.name
        return array if len(self.runs) == 1 else f"{array}_{index}"

    def folder(self, study: Path) -> Path:
        """The folder for the files of its jobs."""
        return study / JOBS / self.name

    def write(self, study: Path) -> None:
        """Write submission.json."""
        self.folder(study).mkdir(parents=True, exist_ok=True)
        files.write_atomically(self.folder(study) / FILE, self.model_dump_json(indent=1) + "\n")

    def close(self, study: Path, keep_output: bool) -> None:
        """Forget a submission whose jobs have all ended; optionally keep what its jobs printed."""
        folder = self.folder(study)
        (folder / FILE).unlink(missing_ok=True)
        if not keep_output:
            shutil.rmtree(folder, ignore_errors=True)
            return
        for path in folder.glob("*.pkl"):
            with suppress(OSError):
                path.unlink()


def read_submissions(study: Path) -> list[Submission]:
    """The submissions of a study that were not closed; unreadable files are skipped."""
    found = []
    for path in sorted((study / JOBS).glob(f"*/{FILE}")):
        with suppress(OSError, ValueError, ValidationError):
            found.append(Submission.model_validate_json(path.read_bytes()))
    return found


def remove_abandoned(study: Path) -> None:
    """Remove what commands that were killed left in the folder of jobs, once none of these jobs is running.

    Jobs of Slurm are not among them, because they go on without the command.
    """
    files.remove_abandoned(study / JOBS)
    for work in (study / JOBS).glob(f"{LOCAL}*/{WORK}"):
        with suppress(FileNotFoundError):  # another command has removed its folder meanwhile
            if _is_abandoned(work):
                shutil.rmtree(work.parent, ignore_errors=True)


def _is_abandoned(work: Path) -> bool:
    """Whether neither the command that wrote this file nor one of its jobs lives."""
    folder = work.parent
    command = files.lives(folder.name.removeprefix(LOCAL).rpartition("-")[0])
    if command is None:  # of another machine, whose jobs cannot be asked either
        command = time.time() - work.stat().st_mtime < files.ELSEWHERE_SECONDS
    jobs = {found[1] for path in folder.iterdir() if (found := re.match(r"(\d+)_", path.name))}  # numbers of processes
    return not command and not any(files.lives(files.owner(int(job))) for job in jobs)
