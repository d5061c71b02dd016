"""The project's own files: its name and version, install hints, and the pages of the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import ablate

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def texts() -> dict[str, str]:
    """The text files of the project, outputs left out, by their path."""
    folders = ["ablate", "benchmarks", "conf", "docs", "examples", "hydra_plugins", "notebooks", "tests"]
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.suffix in (".md", ".toml", ".yml")]
    kinds = (".py", ".md", ".yaml", ".yml", ".toml", ".ipynb", ".html", ".js")
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files if path.suffix in kinds}


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["version"] == ablate.__version__ == citation["version"]


def test_the_oldest_versions_that_are_tested_are_those_that_are_declared() -> None:
    """Of torch and torchvision, the newest are tested alone."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / ".github/lowest.txt").read_text(encoding="utf-8").splitlines()]
    pins = dict(line.split("==") for line in lines if line)
    bounds = {found.name: found.specifier for found in map(Requirement, PROJECT["dependencies"])}
    assert set(bounds) - set(pins) == {"torch", "torchvision"}
    for name in set(bounds) & set(pins):
        pin = pins[name]
        (least,) = (Version(bound.version).release for bound in bounds[name] if bound.operator == ">=")
        assert bounds[name].contains(pin), name
        assert Version(pin).release[: len(least)] == least, name


def test_install_hints_name_this_distribution() -> None:
    """`pip install ablate` would install another project."""
    assert PROJECT["name"] == "hydra-ablate"
    wrong = [
        f"{name}: {hint}"
        for name, text in texts().items()
        for hint in re.findall(r"pip install [^\n`]*", text)
        if re.search(r"(?<![\w/-])ablate(?=[\[\s'\".,;:)]|$)", hint.replace("hydra-ablate", ""))
    ]
    assert not [line for line in wrong if not line.startswith("tests/test_project.py")]


def test_extras_that_hints_name_exist() -> None:
    named = {
        extra
        for text in texts().values()
        for hint in re.findall(r"pip install [^\n`]*", text)
        for extras in re.findall(r"(?:\.|hydra-ablate|CHECKOUT)\[([\w,]+)\]", hint)
        for extra in extras.split(",")
    }
    assert named <= set(PROJECT["optional-dependencies"])
    assert "tensorboard" in named


def test_links_between_pages_lead_somewhere() -> None:
    missing = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http") and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert not missing


def test_the_layout_in_the_readme_is_that_of_the_project() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    layout = text[text.index("## Project layout") :]
    named = [path for row in re.findall(r"^\| (`.*?) \|", layout, re.MULTILINE) for path in re.findall(r"`([^`]+)`", row)]
    assert [path for path in named if not (ROOT / path).exists()] == []
    packages = {f"ablate/{path.name}/" for path in (ROOT / "ablate").iterdir() if (path / "__init__.py").exists()}
    assert packages <= set(named)


def test_every_term_of_the_glossary_is_explained_once() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = [term for line in re.findall(r"^(\S.*)\n:   \S", text, re.MULTILINE) for term in line.split(", ")]
    assert len(terms) > 30
    assert len(set(terms)) == len(terms)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    command = ["mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    answer = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    page = (tmp_path / "reference" / "api" / "index.html").read_text(encoding="utf-8")
    assert [name for name in ablate.__all__ if not re.search(rf'id="[\w.]*\b{name}"', page)] == []
