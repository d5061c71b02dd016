"""Studies in a folder `outputs`, which is the working directory of every command."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate import cli
from ablate.core.descriptions import Description
from ablate.storage.records import RECORD, read_record
from tests.report.studies import METRICS, Levels, accuracy, write_runs

CLAIM = {"id": "C1", "says": "b is better", "kind": "contrast", "contrast": {"factor": "stem", "from": "a", "to": "b"},
         "expects": "higher", "margin": 0.01}  # fmt: skip
Command = Callable[..., tuple[int, str, str]]


def ended(levels: Levels, seed: int) -> tuple[str, str | None]:
    return ("failed", "RuntimeError: x") if (levels["stem"], seed) == ("b", 4) else ("finished", None)


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two studies: `first` and, with every accuracy 0.1 higher, `second`; one run of each has failed."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "outputs"
    description = Description(metrics=METRICS)
    cells = [{"stem": "a"}, {"stem": "b"}]
    write_runs(folder / "first", cells, 5, status=ended, claims=[CLAIM], description=description)
    write_runs(
        folder / "second",
        cells,
        5,
        lambda levels, seed: accuracy(levels, seed) + 0.1,
        ended,
        claims=[CLAIM],
        description=description,
    )
    return folder


@pytest.fixture
def killed(outputs: Path) -> Path:
    """A run of `first` whose process was killed: its record still says `running`."""
    run = next((outputs / "first").glob("runs/stem=a-*/seed=0"))
    record = read_record(run)
    assert record is not None
    (run / RECORD).write_text(record.model_copy(update={"status": "running"}).model_dump_json(), encoding="utf-8")
    return run


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `ablate …`; returns its status, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ablate", *arguments])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run
