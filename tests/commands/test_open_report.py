"""`ablate open`."""

import os
from pathlib import Path

import pytest

from tests.commands.conftest import Command


def test_the_page_is_written_if_runs_are_newer_and_opened(
    outputs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert command("open", "first")[0] == 0
    page = outputs / "first" / "report" / "index.html"
    assert opened == [page.as_uri()]
    os.utime(page, (2e9, 2e9))
    command("open", "first")
    assert page.stat().st_mtime == 2e9  # it was up to date
    os.utime(outputs / "first" / "study.yaml", (3e9, 3e9))
    command("open", "first")
    assert page.stat().st_mtime < 2e9


def test_without_a_browser_the_path_is_printed(outputs: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    status, out, _ = command("open", "first")
    assert status == 0
    assert out.splitlines() == [
        str(outputs / "first" / "report" / "index.html"),
        "No browser could be started: open the file above.",
    ]


def test_the_page_is_written_again_after_runs_were_removed(
    outputs: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: True)
    command("open", "first")
    page = outputs / "first" / "report" / "index.html"
    for path in (outputs / "first").rglob("*"):
        os.utime(path, (1e9, 1e9))
    os.utime(page, (1.5e9, 1.5e9))
    command("open", "first")
    assert page.stat().st_mtime == 1.5e9
    command("rm", "first", "--status", "failed", "--yes")
    command("open", "first")
    assert page.stat().st_mtime > 1.5e9
