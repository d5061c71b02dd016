"""`ablate show`."""

from pathlib import Path

import pytest

from tests.commands.conftest import Command


def test_the_findings_and_the_main_tables_are_printed_and_nothing_is_written(outputs: Path, command: Command) -> None:
    status, out, _ = command("show", "first")
    assert status == 0
    assert "1 claim: " in out
    assert "C1  Changing stem from a to b: " in out
    assert "Ablation" in out
    assert not (outputs / "first" / "report").exists()


def test_a_table_is_shown_by_its_name(outputs: Path, command: Command) -> None:
    status, out, _ = command("show", str(outputs / "first"), "contrasts")
    assert status == 0
    assert out.startswith("Contrasts")
    assert "claim" not in out


@pytest.mark.usefixtures("outputs")
def test_unknown_names_are_refused_with_those_there_are(command: Command) -> None:
    status, _, err = command("show", "first", "contrast")
    assert status == 2
    assert "has no table 'contrast'; available: " in err
    assert err.strip().endswith("Did you mean 'contrasts'?")
    status, _, err = command("show", "third")
    assert (status, err) == (2, "ablate: third: there is no such study; available in outputs/: first, second.\n")


def test_a_table_need_not_be_named(outputs: Path, command: Command) -> None:  # noqa: ARG001
    status, _, err = command("show")
    assert (status, err.splitlines()[-1]) == (2, "ablate show: error: the following arguments are required: STUDY")
