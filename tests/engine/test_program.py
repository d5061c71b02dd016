"""A program is found again by where it is defined."""

import pickle
import subprocess
import sys
from pathlib import Path

import hydra
import pytest

import ablate
from ablate.core.errors import AblateError, UsageError
from ablate.engine import program as programs
from ablate.engine.program import PlannedTask, Program, ProgramReference
from ablate.run import train


def test_another_process_finds_the_program_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    program = train.program  # type: ignore[attr-defined]
    data = pickle.dumps(PlannedTask(program.reference))
    assert len(data) < 1000
    assert pickle.loads(data).program.load() is program
    monkeypatch.setattr(programs, "_PROGRAMS", {})  # as in a process that has not imported it yet
    assert program.reference.load() is program


def test_a_script_is_executed_under_its_own_name(tmp_path: Path) -> None:
    """As a worker of a launcher does: __main__ is another file there."""
    script = tmp_path / "script.py"
    script.write_text(
        "import ablate\n@ablate.main('conf')\ndef train(cfg, run):\n    return {}\nif __name__ == '__main__':\n    raise SystemExit('run')\n"
    )
    reference = ProgramReference("", str(script), "train")
    program = reference.load()
    assert program.function.__module__ == "script"
    assert reference.load() is program
    with pytest.raises(AblateError, match=r"script.py has no function other decorated with @ablate.main. Was the file changed"):
        ProgramReference("", str(script), "other").load()
    with pytest.raises(UsageError, match="gone.py, which defines the program of this sweep, no longer exists"):
        ProgramReference("", str(tmp_path / "gone.py"), "train").load()


def test_a_script_may_define_dataclasses_with_postponed_annotations(tmp_path: Path) -> None:
    script = tmp_path / "with_dataclass.py"
    script.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport ablate\n"
        "@dataclass\nclass Sizes:\n    width: int = 1\n"
        "@ablate.main('conf')\ndef train(cfg, run):\n    return {}\n"
    )
    assert ProgramReference("", str(script), "train").load().function.__name__ == "train"


def test_a_program_that_cannot_be_imported_is_named_with_the_line(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("import ablate\nprint(undefined)\n")
    with pytest.raises(AblateError) as refused:
        ProgramReference("", str(script), "train").load()
    said = "cannot be imported in the process of a run: NameError: name 'undefined' is not defined"
    assert str(refused.value) == f"{script} {said} ({script}, line 2)"


@pytest.mark.parametrize("decorator", ["hydra.main(version_base='1.3', config_path=None)", "ablate.main()"])
def test_a_call_that_is_not_guarded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decorator: str) -> None:
    """It would start the sweep in the process of a run, where Hydra is initialized."""
    script = tmp_path / f"unguarded_{decorator[:5]}.py"
    script.write_text(f"import ablate, hydra\n@{decorator}\ndef train(cfg):\n    return 1.0\ntrain()\n")
    monkeypatch.setattr("sys.argv", [str(script)])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")  # as ablate sets it
    with pytest.raises(AblateError) as refused, hydra.initialize_config_dir(str(tmp_path), version_base="1.3"):
        ProgramReference("", str(script), "train", unchanged=True).load()
    assert str(refused.value) == (
        f"{script} starts its main function whenever it is imported (line 5), also in the process of a run: put the call under "
        "`if __name__ == '__main__':`."
    )


def test_a_function_inside_a_function_works_in_its_own_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(lambda cfg, run: {})
    assert program.reference.load() is program
    monkeypatch.setattr(programs, "_PROGRAMS", {})
    with pytest.raises(AblateError, match="is defined inside a function, so other processes cannot import it"):
        program.reference.load()


def test_an_experiment_and_its_shorthands_are_not_given_together() -> None:
    with pytest.raises(UsageError, match="pass either an experiment, or metrics and packages"):
        ablate.main("conf", experiment=ablate.Experiment(), metrics=["accuracy"])


def test_nothing_of_torch_is_loaded_by_a_program(tmp_path: Path) -> None:
    code = (
        "import ablate, sys\nablate.main, ablate.Run, ablate.Experiment\nprint({'torch', 'pandas', 'scipy'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert answer.stdout == "set()\n"
