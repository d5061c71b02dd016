"""Which code made a run: the files of its project that it imported."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.storage import code_files
from ablate.storage.code_files import changed, made_by_other_code, outdated, project_root, source_digest
from tests.waiting import wait_until


@pytest.mark.parametrize(
    "same",
    [
        "def f(x):\n    return x + 1\n",
        "# a comment\ndef f(x):  # another\n    return (x + 1)\n",
        '"""A module."""\n\n\ndef f(x):\n    """Add one."""\n    return x+1\n',
    ],
)
def test_comments_docstrings_and_layout_are_no_other_code(same: str) -> None:
    assert source_digest(same) == source_digest("def f(x): return x + 1")
    assert source_digest(same) != source_digest("def f(x): return x + 2")
    assert source_digest("def f(:") != source_digest("def g(:")  # not even Python


def test_the_root_of_a_project_is_the_nearest_folder_with_a_mark(tmp_path: Path) -> None:
    program = tmp_path / "project" / "src" / "pkg" / "train.py"
    program.parent.mkdir(parents=True)
    program.touch()
    (program.parent / "__init__.py").touch()
    assert project_root(program) == tmp_path / "project" / "src"
    (tmp_path / "project" / "pyproject.toml").touch()
    assert project_root(program) == tmp_path / "project"


def test_a_run_without_a_list_of_files_is_compared_by_the_digest_of_its_program(tmp_path: Path) -> None:
    assert not made_by_other_code({"code": "a"}, "a", tmp_path)
    assert made_by_other_code({"code": "a"}, "b", tmp_path)
    assert made_by_other_code({}, "b", None)


def test_changed_and_removed_files_are_named_and_others_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    files = {"a.py": source_digest("x = 1"), "b.py": source_digest("y = 1")}
    assert changed(files, tmp_path) == ["b.py"]
    (tmp_path / "b.py").write_text("y = 1  # a comment")
    (tmp_path / "c.py").write_text("z = 1")
    assert changed(files, tmp_path) == []
    assert not made_by_other_code({"code": "old", "files": files}, "new", tmp_path)
    (tmp_path / "a.py").write_text("x = 22")
    assert changed(files, tmp_path) == ["a.py"]
    assert made_by_other_code({"code": "same", "files": files}, "same", tmp_path)


def test_a_run_of_an_older_version_of_a_file_is_outdated_and_one_without_it_is_not() -> None:
    runs = {"first": {"a.py": "1"}, "second": {"b.py": "1"}, "third": {"a.py": "2", "b.py": "1"}}
    assert outdated(runs) == {"first"}


def test_imported_modules_of_the_project_are_listed_and_installed_ones_are_not(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "helper_of_a_test.py").write_text("x = 1")
    (tmp_path / "unused.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    time.sleep(0.02)  # clocks of file systems are coarse
    code_files.imported(tmp_path)
    import helper_of_a_test  # noqa: F401

    assert list(code_files.imported(tmp_path)) == ["ablate.core.seeding", "helper_of_a_test.py"]
    (tmp_path / "helper_of_a_test.py").write_text("x = 2")
    assert code_files.imported(tmp_path)["helper_of_a_test.py"] == source_digest("x = 1")  # what this process executes
    assert code_files.changed({"helper_of_a_test.py": source_digest("x = 2")}, tmp_path) == ["helper_of_a_test.py"]
    sys.modules.pop("helper_of_a_test")


def test_a_file_that_was_saved_after_it_may_have_been_imported_has_no_digest(tmp_path: Path, monkeypatch, caplog) -> None:
    code_files.imported(tmp_path)
    (tmp_path / "edited_in_a_test.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    import edited_in_a_test  # noqa: F401

    os.utime(tmp_path / "edited_in_a_test.py", (0, 0))  # as `cp -p` and rsync leave it
    mark = code_files.imported(tmp_path)["edited_in_a_test.py"]
    assert mark.startswith("edited-")
    assert "edited_in_a_test.py was saved while it was being imported" in caplog.text
    assert code_files.imported(tmp_path)["edited_in_a_test.py"] == mark
    assert not changed({"edited_in_a_test.py": mark}, tmp_path)  # for this process, which goes on with the same
    sys.modules.pop("edited_in_a_test")


def test_the_start_of_a_process_is_known() -> None:
    code = "import time; from ablate.storage.code_files import _started; print(_started())"
    before = time.time()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert before < float(said) < time.time()


def test_the_files_of_modules_are_looked_up_once_in_a_process(tmp_path: Path, monkeypatch) -> None:
    code_files.imported(tmp_path)

    def resolve(path: Path, strict: bool = False) -> Path:  # noqa: ARG001
        assert path == tmp_path
        return path

    monkeypatch.setattr(Path, "resolve", resolve)
    assert list(code_files.imported(tmp_path)) == ["ablate.core.seeding"]


PROGRAM = """
import activations
import ablate

@ablate.main("conf", metrics=["score"])
def train(cfg, run):
    import late
    return {"score": activations.f(cfg.x) + late.Y}

if __name__ == "__main__":
    train()
"""


def test_another_activation_in_another_module_is_noticed_and_a_comment_is_not(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("defaults: [ablate, _self_]\nx: 1\n")
    files = {"train.py": PROGRAM, "activations.py": "def f(x): return x", "late.py": "Y = 0", "unrelated.py": "Z = 0"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def sweep(*options: str) -> str:
        command = [sys.executable, "train.py", "-m", "x=1,2", "study.report=false", *options]
        answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    assert "2 finished" in sweep()
    (tmp_path / "unrelated.py").write_text("Z = 1")
    (tmp_path / "train.py").write_text("# a comment" + PROGRAM)
    assert "other code" not in (said := sweep("study.reuse=same_code"))
    assert "2 kept" in said
    (tmp_path / "activations.py").write_text("def f(x): return 10 * x")
    assert "2 of the done runs were made by other code: study.reuse=same_code repeats them." in sweep()
    assert "2 finished" in sweep("study.reuse=same_code")
    (tmp_path / "late.py").write_text("Y = 1")
    assert "2 finished" in sweep("study.reuse=same_code")


SLOW = """
import time, sys
import slow_helper
time.sleep(1)  # the start of a process is known to a fraction of a second
open("started", "w").close()
while slow_helper.wait and not __import__("pathlib").Path("edited").exists(): time.sleep(0.01)
import ablate

@ablate.main("conf", metrics=["score"])
def train(cfg, run):
    return {"score": cfg.x}

if __name__ == "__main__":
    train()
"""


def test_a_run_of_code_that_was_edited_while_the_sweep_started_does_not_pass_as_of_the_new_code(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("defaults: [ablate, _self_]\nx: 1\n")
    (tmp_path / "train.py").write_text(SLOW)
    (tmp_path / "slow_helper.py").write_text("wait = True")
    command = [sys.executable, "train.py", "-m", "x=1", "study.report=false", "study.reuse=same_code"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as first:
        wait_until((tmp_path / "started").exists)
        (tmp_path / "slow_helper.py").write_text("wait = False")
        (tmp_path / "edited").touch()
        said = first.communicate(timeout=100)[0]
    assert "slow_helper.py was saved while it was being imported" in said
    assert "1 finished" in said
    for expected in ("1 finished", "1 kept"):
        assert expected in subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100).stdout


def test_packages_in_an_environment_below_the_project_are_not_its_code(tmp_path: Path) -> None:
    installed = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "x.py"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert code_files._own(str(installed), tmp_path) is None
    (tmp_path / "x.py").touch()
    assert code_files._own(str(tmp_path / "x.py"), tmp_path) is not None


def test_the_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".git").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").touch()
    assert project_root(tmp_path / "mine" / "train.py") == tmp_path / "mine"
