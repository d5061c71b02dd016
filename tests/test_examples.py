"""The examples, typed as their first lines say."""

import re
import sys
from pathlib import Path

import pytest

from ablate.core.levels import Factor
from ablate.storage.dataframe import load_results
from tests.conftest import Command

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
def test_a_script_of_ones_own_is_studied(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    script = EXAMPLES / "digits" / "digits.py"
    typed = re.search(r"python examples/digits/digits.py (.*)", script.read_text())
    assert typed is not None
    answer = command(str(script), *typed[1].replace("seeds=5", "seeds=2").split(), "epochs=3")
    assert "8 finished" in answer.stdout
    results = load_results(tmp_path / "outputs" / "norm+dropout+epochs=3")
    assert list(results.factors.values()) == [Factor.of("norm", [False, True]), Factor.of("dropout", [0, 0.3])]
    assert (results.values["accuracy"] > 0.8).all()
    assert (tmp_path / "outputs" / "norm+dropout+epochs=3" / "report" / "report.md").exists()


def only(folder: Path) -> Path:
    """The single study in the folder outputs."""
    (study,) = (folder / "outputs").iterdir()
    return study


def first_command(path: Path) -> list[str]:
    """The arguments of the command in the docstring of an example."""
    typed = re.search(rf"^python {path.relative_to(EXAMPLES.parent)} (.*)$", path.read_text(), re.MULTILINE)
    assert typed is not None
    return typed[1].split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "smaller", "metric"),
    [
        ("pytorch", ["hydra.sweeper.seeds=2", "epochs=2"], "accuracy"),
        ("lightning", ["hydra.sweeper.seeds=2", "trainer.max_epochs=2"], "test/acc"),
        ("huggingface", ["hydra.sweeper.seeds=1", "epochs=1"], "accuracy"),
    ],
)
def test_an_example_is_swept_by_its_command(
    example: str, smaller: list[str], metric: str, command: Command, tmp_path: Path
) -> None:
    pytest.importorskip({"huggingface": "transformers"}.get(example, "torch" if example == "pytorch" else example))
    script = EXAMPLES / example / "train.py"
    typed = [argument for argument in first_command(script) if not argument.startswith("hydra.sweeper.seeds")]
    command(str(script), *typed, *smaller, "hydra.sweeper.report=false")
    results = load_results(only(tmp_path))
    assert results.values[metric].notna().all()
    assert len(results.values) == 2 * len(results.factors) * int(smaller[0][-1])


@pytest.mark.slow
def test_the_example_without_hydra(command: Command, tmp_path: Path) -> None:
    script = EXAMPLES / "argparse" / "train.py"
    typed = re.search(r"^ablate (sweep .*)$", script.read_text(), re.MULTILINE)
    assert typed is not None
    arguments = [{"python": sys.executable, "examples/argparse/train.py": str(script)}.get(x, x) for x in typed[1].split()]
    command("-m", "ablate.cli", *arguments[:1], "report=false", *arguments[1:])
    assert (load_results(only(tmp_path)).values["accuracy"] > 0.5).all()


def test_the_documentation_counts_the_lines_that_adopting_takes() -> None:
    table = (EXAMPLES.parent / "docs" / "your-own-script.md").read_text()
    assert re.findall(r"^(ablate sweep .*)$", (EXAMPLES / "argparse" / "train.py").read_text(), re.MULTILINE)[0] in table
    for example in ("pytorch", "lightning", "huggingface", "argparse"):
        files = [path for path in (EXAMPLES / example).rglob("*") if path.suffix in (".py", ".yaml")]
        lines = sum(line.endswith("# ablate") for path in files for line in path.read_text().splitlines())
        assert f"| `examples/{example}` | {lines} |" in table
