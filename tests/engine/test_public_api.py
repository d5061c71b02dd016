"""What `import ablate` offers, and what it says beside PyPI's other package of that name."""

import subprocess
import sys
from pathlib import Path

import pytest

import ablate
from tests.conftest import APPS

PACKAGE = Path(ablate.__file__).parent
PROJECT = PACKAGE.parent


def python(code: str, folder: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, which imports from `path` first."""
    first = "" if path is None else f"import sys; sys.path.insert(0, {str(path)!r})\n"
    return subprocess.run([sys.executable, "-c", first + code], cwd=folder, capture_output=True, text=True)


def test_every_public_name_is_there() -> None:
    for name in ablate.__all__:
        assert getattr(ablate, name) is not None
        assert name in dir(ablate)
    assert issubclass(ablate.ClaimError, ablate.UsageError)
    assert issubclass(ablate.Diverged, ablate.AblateError)
    with pytest.raises(AttributeError, match="module 'ablate' has no attribute 'nothing'"):
        _ = ablate.nothing


@pytest.mark.parametrize("first", ["import ablate", ""])
def test_a_notebook_composes_a_configuration_with_our_options(first: str, tmp_path: Path) -> None:
    """Hydra reads them through the plugin: nothing has to be imported or used before."""
    code = (
        f"{first}\nimport hydra\nwith hydra.initialize_config_dir({str(APPS / 'conf')!r}, version_base=None):\n"
        "    print(hydra.compose('config', ['+logger=wandb']).logger.mode)"
    )
    answer = python(code, tmp_path)
    assert (answer.stdout, answer.stderr) == ("offline\n", "")


def other_package(folder: Path, ours: list[str]) -> Path:
    """A folder with PyPI's other `ablate`, and some of our subpackages in it."""
    package = folder / "ablate"
    package.mkdir()
    (package / "__init__.py").write_text('"""Another project."""\n')
    for name in ours:
        (package / name).symlink_to(PACKAGE / name)
    return folder


def test_the_other_package_of_this_name_is_named_when_it_was_installed_over_ours(tmp_path: Path) -> None:
    path = other_package(tmp_path, ["core", "engine", "storage", "run.py", "vision"])
    answer = python("import ablate.core.levels", tmp_path, path)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == (
        f"ImportError: {path / 'ablate' / '__init__.py'} is not a file of hydra-ablate: another distribution, 'ablate' of PyPI, "
        "was installed over it. Run `pip uninstall ablate`, then `pip install --force-reinstall hydra-ablate`."
    )


def test_the_sweeper_names_the_other_package_when_python_imports_that_one(tmp_path: Path) -> None:
    code = f"import sys; sys.path.append({str(PROJECT)!r})\nfrom hydra_plugins.ablate_sweeper import AblateSweeper\nAblateSweeper().setup()"
    answer = python(code, tmp_path, other_package(tmp_path, []))
    assert answer.stderr.splitlines()[-1].startswith(
        "ImportError: hydra/sweeper=ablate is that of hydra-ablate, and the package `ablate` that Python imports is another one"
    )


def test_a_missing_part_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "ablate").mkdir()
    (tmp_path / "ablate" / "__init__.py").write_text((PACKAGE / "__init__.py").read_text())
    answer = python("import ablate; ablate.main", tmp_path, tmp_path)
    assert answer.stderr.splitlines()[-1].startswith(
        "ImportError: cannot import ablate.engine: PyPI's unrelated distribution 'ablate' may have been installed over hydra-ablate "
        f"in {tmp_path / 'ablate'}, or removed."
    )
