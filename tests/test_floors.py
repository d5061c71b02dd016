"""Who may import whom: the floors of the house."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ablate

PACKAGE = Path(ablate.__file__).parent

MAY_IMPORT = {
    "study": {"study"},
    "analysis": {"analysis", "study.design"},
    "reporting": {"reporting", "analysis", "study"},
    "vision": {"vision", "analysis", "study", "with_torch"},
}
FOREIGN = {  # what a floor knows nothing of
    "study": {"torch", "torchvision", "torchinfo", "scipy", "statsmodels", "seaborn", "matplotlib", "PIL"},
    "analysis": {"torch", "torchvision", "hydra", "omegaconf", "pathlib", "os", "matplotlib", "seaborn"},
    "reporting": {"torch", "torchvision", "hydra", "omegaconf", "scipy", "statsmodels", "numpy"},
    "vision": {"hydra", "pandas", "seaborn", "matplotlib"},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("floor", MAY_IMPORT)
def test_a_floor_imports_what_it_may(floor: str) -> None:
    modules = sorted((PACKAGE / floor).glob("*.py"))
    assert len(modules) > 1
    for path in modules:
        for name in imports(path):
            if name.startswith("ablate."):
                inside = name.removeprefix("ablate.")
                assert any(inside == may or inside.startswith(f"{may}.") for may in MAY_IMPORT[floor]), f"{path}: {name}"
            assert name.split(".")[0] not in FOREIGN[floor], f"{path}: {name}"


def loaded_by(code: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.split())


def test_help_loads_neither_torch_nor_pandas() -> None:
    code = "import sys; sys.argv = ['ablate', '--help']\nimport ablate.run\ntry: ablate.run.train()\nexcept SystemExit: pass"
    loaded = loaded_by(code)
    assert "ablate.engine.main" in loaded
    assert not loaded & {"torch", "pandas", "scipy", "matplotlib"}


def test_the_report_does_not_load_torch() -> None:
    loaded = loaded_by("import ablate.report, ablate.report.files")
    assert "ablate.report.plots" in loaded
    assert "torch" not in loaded


def test_the_plugin_is_light() -> None:
    """Every Hydra program of the environment imports it."""
    loaded = loaded_by("import hydra_plugins.ablate_sweeper")
    assert not {name for name in loaded if name.split(".")[0] in ("ablate", "torch", "pandas", "numpy", "rich")}
