"""The README's own example, typed as it stands, and its length."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return str(found)


def table_rows(text: str) -> list[list[str]]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if not set("".join(row)) <= set("-: ")]


def test_it_is_short() -> None:
    """Fewer than 900 words: without code, tables, and the layout of the project."""
    text = README.partition("## Project layout")[0]
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("|", "    ", "![")))
    assert len(re.sub(r"\]\([^)]*\)", "]", text).split()) < 900


@pytest.mark.slow
def test_its_script_its_command_and_the_table_that_comes_out(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(fenced("python"))
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(fenced("yaml"))
    line, *_ = re.findall(r"^    python (train\.py .*)$", README, re.MULTILINE)  # the others need a cluster
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, *shlex.split(line)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = table_rows((tmp_path / "outputs/norm+dropout/report/tables/ablation.md").read_text(encoding="utf-8"))
    heading = next(at for at, row in enumerate(table_rows(README)) if row == found[0])
    shown = table_rows(README)[heading + 1 : heading + 5]
    assert [(row[0], row[1], row[-1]) for row in shown] == [(row[0], row[1], row[-1]) for row in found[1:]]
    accuracies = [[float(re.sub(r"[^\d.]", "", row[2].split("±")[0])) for row in rows] for rows in (shown, found[1:])]
    assert all(abs(ours - theirs) < 3 for ours, theirs in zip(*accuracies, strict=True))  # another machine, other rounding
