"""The files of a project that a script imports."""

from pathlib import Path

import pytest

from ablate.storage.import_graph import module_file, project_files, search_folders

PROJECT = {
    "train.py": "import json, numpy\nimport helpers\nfrom pkg import models\nfrom pkg.data import load\n",
    "helpers.py": "def later():\n    import lazy.deep.module\n",
    "lazy/deep/module.py": "",
    "pkg/__init__.py": "",
    "pkg/models.py": "from . import layers\nfrom .data import load\nfrom ..outside import nothing\n",
    "pkg/layers.py": "import helpers, train\n",
    "pkg/data/__init__.py": "from ..util import x\n",
    "pkg/util.py": "x = 1\n",
    "pkg/__main__.py": "import pkg.cli\n",
    "pkg/cli.py": "",
    "unused.py": "",
    "broken.py": "def",
    "run.sh": "python train.py",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return tmp_path


def names(script: str, project: Path) -> set[str]:
    return {path.relative_to(project).as_posix() for path in project_files(project / script, project)}


def test_imports_are_followed_within_the_project(project: Path) -> None:
    assert names("train.py", project) == {
        "train.py", "helpers.py", "lazy/deep/module.py", "pkg/__init__.py", "pkg/models.py", "pkg/layers.py",
        "pkg/data/__init__.py", "pkg/util.py",
    }  # fmt: skip
    assert names("pkg/__main__.py", project) == {"pkg/__main__.py", "pkg/__init__.py", "pkg/cli.py"}
    assert names("broken.py", project) == {"broken.py"}
    assert names("run.sh", project) == {"run.sh"}


def test_modules_are_looked_for_beside_the_script_at_the_root_and_on_the_path(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "scripts").mkdir()
    (project / "scripts/go.py").write_text("import beside, helpers, in_src, given\n")
    for name in ("scripts/beside.py", "src/in_src.py", "libs/given.py", "helpers/__init__.py"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("")
    monkeypatch.setenv("PYTHONPATH", f"{project / 'libs'}:{project / 'missing'}")
    found = names("scripts/go.py", project)
    assert found == {"scripts/go.py", "scripts/beside.py", "helpers/__init__.py", "src/in_src.py", "libs/given.py"}


def test_a_module_that_is_executed(project: Path) -> None:
    folders = search_folders(project / "train.py", project)
    assert module_file("pkg", folders) == project / "pkg/__main__.py"
    assert module_file("pkg.cli", folders) == project / "pkg/cli.py"
    assert module_file("pkg.data", folders) == project / "pkg/data/__init__.py"
    assert module_file("torch.distributed.run", folders) is None
