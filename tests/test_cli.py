"""The dispatcher of the command `ablate`."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ablate import cli
from tests.report.studies import write_runs


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | None:
    monkeypatch.setattr(sys, "argv", ["ablate", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(monkeypatch, *arguments) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown and command.summary in shown for name, command in cli.COMMANDS.items())


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_exists(name: str) -> None:
    command = cli.COMMANDS[name]
    assert callable(getattr(importlib.import_module(command.module), command.function))


def test_the_package_is_the_command_too(tmp_path: Path) -> None:
    """Where the folder of scripts is not on the PATH, as after `pip install --user`."""
    typed = [sys.executable, "-m", "ablate", "reprot"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    answer = subprocess.run(typed, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert answer.returncode == 2
    assert "Did you mean 'report'?" in answer.stderr


def test_an_unknown_command_names_those_there_are(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "reprot") == 2
    message = capsys.readouterr().err
    assert "unknown command 'reprot'" in message
    assert "Did you mean 'report'?" in message


def test_the_arguments_reach_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "report", str(tmp_path / "nowhere")) == 2
    assert "there is no such file, folder or study" in capsys.readouterr().err


def test_a_reader_that_closes_the_pipe_ends_the_command_quietly(tmp_path: Path) -> None:
    write_runs(tmp_path / "outputs" / "s", [{"stem": "a"}], 100)
    code = "import sys; from ablate import cli; sys.argv = ['ablate', 'export', 's', '--history']; cli.main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert started.stderr.read() == b""
    assert started.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_lacks_characters_shows_others(tmp_path: Path, encoding: str) -> None:
    """Every table has a `Δ` or a `→`, and the help of most commands a `…`."""
    write_runs(tmp_path / "outputs" / "s", [{"stem": "Δ"}, {"stem": "β"}], 5)
    code = "import sys; from ablate import cli; sys.argv = ['ablate', *sys.argv[1:]]; cli.main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONIOENCODING": encoding}

    def answer(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, env=environment, capture_output=True)

    for arguments in (["show", "s"], ["report", "outputs/s"], ["watch", "s", "--once"], ["report", "--help"]):
        shown = answer(*arguments)
        assert (shown.returncode, shown.stderr) == (0, b""), arguments
    exported = answer("export", "s")  # whose levels would all become `?`
    assert (exported.returncode, exported.stdout) == (2, b"")
    assert b"which lacks '\\u0394': use --output FILE (UTF-8)." in exported.stderr
    assert answer("export", "s", "--output", "s.csv").returncode == 0
    assert "Δ" in (tmp_path / "s.csv").read_text(encoding="utf-8")


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if name != "run"])
def test_the_page_of_commands_has_the_options_of_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Those of `ablate run` are Hydra's."""
    assert run(monkeypatch, name, "--help") == 0
    shown = re.split(r"\nplaceholders", capsys.readouterr().out)[0]  # of `ablate sweep`: options of the program
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## Report") : text.index("## Studies")]
    rows = re.findall(rf"^\| `ablate {name}\b(.*?)` \|(.*)$", text, re.MULTILINE)
    described = section if name == "report" else " ".join(part for row in rows for part in row)
    assert {*OPTION.findall(described)} - {"--help"} == {*OPTION.findall(shown)} - {"--help"}
