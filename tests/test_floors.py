"""The floors of the package: who imports whom, which libraries a floor may use, and what a command loads when it starts."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

import ablate

PACKAGE = Path(ablate.__file__).parent
ROOT = PACKAGE.parent

# From the ground up. A module imports from its own floor and from those before it. COMMANDS are the folder commands and the
# files beside the floors.
COMMANDS = "commands"
FLOORS = ("core", "storage", "stats", "importers", "report", "engine", "integrations", "vision", COMMANDS)
PUBLIC = "the public API"  # `import ablate`, for the floors that are its clients
CLIENTS = ("vision", COMMANDS)
CONSTANTS = {"__version__", "DISTRIBUTION", "__file__"}  # of ablate/__init__.py, for every floor

TORCH = {"torch", "torchvision", "torchinfo"}
HYDRA = {"hydra", "omegaconf"}
PLOTS = {"matplotlib", "seaborn", "PIL"}
TESTS_OF_STATISTICS = {"scipy", "statsmodels"}
FILES = {"os", "pathlib", "io", "shutil", "tempfile", "subprocess", "glob"}

# Libraries that no module of a floor imports, not even inside a function
FOREIGN = {
    "core": TORCH | HYDRA | PLOTS | TESTS_OF_STATISTICS | FILES | {"pandas", "yaml", "rich"},
    "storage": (TORCH - {"torch"}) | HYDRA | PLOTS | TESTS_OF_STATISTICS,
    "stats": TORCH | HYDRA | PLOTS | FILES,
    "importers": TORCH | HYDRA | PLOTS | TESTS_OF_STATISTICS,
    "report": TORCH | HYDRA | TESTS_OF_STATISTICS,
    "engine": TORCH | PLOTS | TESTS_OF_STATISTICS,
    "integrations": PLOTS | TESTS_OF_STATISTICS | {"pandas"},
    "vision": {"hydra", "pandas", "matplotlib", "seaborn"} | TESTS_OF_STATISTICS,
    COMMANDS: PLOTS | TESTS_OF_STATISTICS,
}
# Libraries that these floors import inside functions only
LAZY = {"storage": {"torch"}, "engine": {"pandas"}, COMMANDS: TORCH}

# Functions that load code by its name, and the floors that may call them: the user's program, optional libraries, registries
LOADERS = {"import_module", "__import__", "run_module", "run_path", "spec_from_file_location", "instantiate"}
MAY_LOAD = ("engine", "integrations", "vision", COMMANDS)
DOTTED_PATH_TOOLS = {"get_method", "get_class", "get_object", "locate", "EntryPoint"}

WORDS_OF_THE_EXPERIMENT = re.compile(r"jpeg|article|cifar|images_per_second", re.IGNORECASE)
LONGEST = 350


@dataclass(frozen=True)
class Import:
    """One imported module, or one name of a module, with the place of the statement."""

    name: str  # such as ablate.core.levels.Level
    path: Path
    line: int
    at_start: bool  # executed when the module is imported
    for_types: bool  # under TYPE_CHECKING

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.name}"


def modules(floor: str) -> list[Path]:
    """The files of a floor; COMMANDS has the files beside the floors as well."""
    beside = PACKAGE.glob("*.py") if floor == COMMANDS else ()
    return sorted([*beside, *(PACKAGE / floor).rglob("*.py")])


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[Import]:
    """Every import of a file: at its top, inside functions, under TYPE_CHECKING, and by import_module of a constant."""
    at_start = set(map(id, executed_at_start(tree(path).body)))
    for_types = {
        id(inner)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name != "ablate" or not reads_constants_only(path)]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and called(node) in LOADERS and node.args:
            names = [each.value for each in node.args[:1] if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        for name in names:
            yield Import(name, path, node.lineno, id(node) in at_start, id(node) in for_types)


def reads_constants_only(path: Path) -> bool:
    """Whether the file takes nothing but constants from the package itself."""
    nodes = ast.walk(tree(path))
    taken = {
        each.attr
        for each in nodes
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "ablate"
    }
    return taken <= CONSTANTS


def executed_at_start(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: no bodies of functions, nothing under TYPE_CHECKING."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test):
            yield from executed_at_start(statement.orelse)
            continue
        yield statement
        for inner in ast.iter_child_nodes(statement):
            yield from executed_at_start([inner]) if isinstance(inner, ast.stmt) else ast.walk(inner)


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def floor_of(name: str) -> str | None:
    """The floor of a dotted name; None for one of another library."""
    parts = name.split(".")
    if parts[0] != "ablate":
        return None
    inside = parts[1] if len(parts) > 1 else ""
    if inside in FLOORS:
        return inside
    return COMMANDS if inside in {path.stem for path in modules(COMMANDS)} - {"__init__"} else PUBLIC


def may_import(floor: str, other: str) -> bool:
    return floor in CLIENTS if other == PUBLIC else FLOORS.index(other) <= FLOORS.index(floor)


def listed(found: list[str]) -> str:
    return "\n".join(["", *found])


def test_every_module_lies_on_a_floor() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))} == {*FLOORS}
    assert {path.name for path in PACKAGE.glob("*.py")} <= {"__init__.py", "run.py", "cli.py", "__main__.py"}


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_point_down(floor: str) -> None:
    wrong = []
    for path in modules(floor):
        if path == PACKAGE / "__init__.py":  # the public API: names of several floors, imported on first use
            continue
        for each in imports(path):
            other = floor_of(each.name)
            if other is not None and not may_import(floor, other):
                wrong.append(f"{each} ({floor} must not import {other})")
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("floor", FLOORS)
def test_nothing_loads_a_higher_floor_by_a_string(floor: str) -> None:
    wrong = []
    for path in modules(floor):
        if path == PACKAGE / "__init__.py":
            continue
        for node in ast.walk(tree(path)):
            place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"ablate(\.\w+)+", node.value):
                other = floor_of(node.value)
                if other not in (None, PUBLIC, COMMANDS) and not may_import(floor, str(other)):
                    wrong.append(f"{place}: the string '{node.value}' names a module of a higher floor")
            elif isinstance(node, ast.Call) and called(node) in DOTTED_PATH_TOOLS:
                wrong.append(f"{place}: {called(node)} turns a dotted path into code; pass the function itself")
            elif isinstance(node, ast.Call) and called(node) in LOADERS and floor not in MAY_LOAD:
                wrong.append(f"{place}: {called(node)} loads code by its name")
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_uses_its_own_libraries_only(floor: str) -> None:
    wrong = []
    for path in modules(floor):
        for each in imports(path):
            library = each.name.split(".")[0]
            if library in FOREIGN[floor] and each.name != "pathlib.PurePath":  # a path as text
                wrong.append(f"{each} ({floor} does not use {library})")
            elif library in LAZY.get(floor, ()) and each.at_start:
                wrong.append(f"{each} ({floor} imports {library} inside functions only)")
    assert not wrong, listed(wrong)


def test_core_does_no_input_or_output() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {called(node)}(…)"
        for path in modules("core")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and called(node) in ("open", "print", "read_text", "write_text", "input")
    ]
    assert not wrong, listed(wrong)


def test_there_is_no_import_circle() -> None:
    """Imports inside functions count: they only hide a circle. Those under TYPE_CHECKING are never executed."""
    paths = {module_name(path): path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        found = {home(each.name, paths) for each in imports(path) if not each.for_types}
        graph[name] = {each for each in found if each is not None} - {name}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = error.args[1]
        lines = [
            str(each)
            for target, importer in pairwise(circle)
            for each in imports(paths[importer])
            if home(each.name, paths) == target
        ]
        raise AssertionError(listed(["import circle:", *lines])) from None


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def home(name: str, paths: dict[str, Path]) -> str | None:
    """The module that an imported name is or lies in; None if it is not one of ours."""
    while name not in paths:
        if "." not in name:
            return None
        name = name.rpartition(".")[0]
    return name


def test_no_module_is_long() -> None:
    files = [
        path
        for folder in (PACKAGE, *(ROOT / name for name in ("hydra_plugins", "examples", "benchmarks")))
        for path in folder.rglob("*.py")
    ]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    long = [f"{path.relative_to(ROOT)}:{LONGEST}: {lines} lines" for path, lines in lengths.items() if lines > LONGEST]
    assert not long, listed(long)


@pytest.mark.parametrize("floor", FLOORS[: FLOORS.index("engine") + 1])
def test_the_shipped_experiment_is_a_guest(floor: str) -> None:
    """What the engine and the floors below it say is true of any program."""
    files = [path for path in (PACKAGE / floor).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WORDS_OF_THE_EXPERIMENT.search(line)
    ]
    assert not found, listed(found)


def test_values_have_types() -> None:
    """Types carry what frames and pickles would hide: no DataFrame.attrs, no __reduce__."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(tree(path))
        for name in [getattr(node, "attr", None) or getattr(node, "name", None)]
        if name in ("attrs", "__reduce__", "__reduce_ex__") and isinstance(node, ast.Attribute | ast.FunctionDef)
    ]
    assert not wrong, listed(wrong)


def loaded_by(code: str) -> set[str]:
    """The modules that are loaded in a new interpreter once it has run `code`, whatever that prints."""
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(); print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.splitlines()[-1].split())


def loaded_with(*floors: str) -> set[str]:
    """The modules that are loaded once every module of these floors is."""
    names = [module_name(path) for floor in floors for path in modules(floor) if path.name != "__main__.py"]
    return loaded_by("\n".join(f"import {name}" for name in names))


def test_core_loads_no_library_that_takes_long() -> None:
    loaded = loaded_with("core")
    assert "ablate.core.claims" in loaded
    assert not loaded & {"torch", "pandas", "hydra", "omegaconf", "scipy", "matplotlib", "yaml"}


def test_below_the_engine_neither_torch_nor_hydra_is_loaded() -> None:
    loaded = loaded_with("core", "storage", "stats", "importers", "report")
    assert {"ablate.report.build", "ablate.stats.judge"} <= loaded
    assert not loaded & {"torch", "hydra"}


@pytest.mark.parametrize(("command", "module"), [("ablate.run:train", "ablate.engine.main"), ("ablate.cli:main", "ablate.cli")])
def test_help_loads_neither_torch_nor_pandas(command: str, module: str) -> None:
    name, function = command.split(":")
    code = f"import sys; sys.argv = ['ablate', '--help']\nimport {name}\ntry: {name}.{function}()\nexcept SystemExit: pass"
    loaded = loaded_by(code)
    assert module in loaded
    assert not loaded & {"torch", "pandas", "scipy", "matplotlib"}
    assert not [name for name in loaded if name.startswith("ablate.integrations.")]


def test_importing_the_package_is_quick() -> None:
    assert not loaded_by("import ablate") & {"torch", "pandas", "scipy", "matplotlib"}


def test_the_plugin_is_light() -> None:
    """Every Hydra program of the environment imports it."""
    loaded = loaded_by("import hydra_plugins.ablate_sweeper")
    assert not {name for name in loaded if name.split(".")[0] in ("ablate", "torch", "pandas", "numpy", "rich")}
