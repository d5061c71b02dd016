"""CONTRIBUTING.md: its recipes are followed to the letter in a copy of the package, and what it names exists."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
SMALL = ["device=cpu", "budget.epochs=1", "data.train_size=64", "data.test_size=40"]
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


def files_of(recipe: str) -> set[str]:
    """The files that a recipe says it touches, tests left out."""
    listed = re.search(r"^Files: (.*?)\n\n?", recipe + "\n\n", re.MULTILINE | re.DOTALL)
    assert listed is not None, "the recipe does not end with its files"
    return set(re.findall(r"`([^`]+)`", listed[1].split("; test")[0]))


def idx_file(path: Path, content: np.ndarray) -> None:
    """Write an array in the format of MNIST."""
    header = b"\0\0\x08" + bytes([content.ndim]) + b"".join(int(size).to_bytes(4, "big") for size in content.shape)
    path.write_bytes(header + content.astype(np.uint8).tobytes())


def fashion_mnist(folder: Path) -> None:
    """The files that torchvision would download, with random images."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, size in {"train": 300, "t10k": 200}.items():
        idx_file(folder / f"{name}-images-idx3-ubyte", random.integers(0, 256, (size, 28, 28)))
        idx_file(folder / f"{name}-labels-idx1-ubyte", np.arange(size) % 10)


@pytest.mark.slow
@pytest.mark.parametrize("title", [title for title, recipe in RECIPES.items() if BLOCK.search(recipe)])
def test_a_recipe_works_as_written(title: str, command: Command, tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for folder in ("ablate", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    written = dict(BLOCK.findall(RECIPES[title]))
    assert set(written) == files_of(RECIPES[title])
    for name, content in written.items():
        assert not (copy / name).exists(), f"{name} exists: the recipe needs another example"
        (copy / name).write_text(content, encoding="utf-8")
    fashion_mnist(tmp_path / "data" / "FashionMNIST" / "raw")
    lines = re.findall(r"Try it: `python ([^`]+)`", RECIPES[title])
    assert len(lines) == 1
    answer = command(*shlex.split(lines[0]), *SMALL, PYTHONPATH=str(copy))
    assert "2 finished" in answer.stdout


def test_there_are_recipes() -> None:
    wanted = ["level", "model", "n optimizer", "data set", "design", "launcher", "table", "logger"]
    assert list(RECIPES) == [f"Add a {name}".replace("a n ", "an ") for name in wanted]
    assert sum(bool(BLOCK.search(recipe)) for recipe in RECIPES.values()) == 4


def test_what_it_names_exists() -> None:
    """Every path outside the examples, and every target of make."""
    examples = {name for recipe in RECIPES.values() for name, _ in BLOCK.findall(recipe)}
    named = set(re.findall(r"`((?:ablate|conf|tests|docs|hydra_plugins)/[\w./]+)`", TEXT))
    stems = {Path(name).stem for name in examples}
    missing = [name for name in sorted(named - examples) if not (ROOT / name).exists()]
    assert [name for name in missing if Path(name).stem.removeprefix("test_") not in stems] == []
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^    |`)make ([\w-]+)", TEXT, re.MULTILINE)) <= targets


def test_the_map_answers_where() -> None:
    rows = re.findall(r"^\| (.*\?) \| (.*) \|$", TEXT, re.MULTILINE)
    assert len(rows) >= 10
    assert ("Where is a checkpoint written?", "`ablate/storage/checkpoints.py`") in rows
