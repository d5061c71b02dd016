"""Random level values, files of runs, histories and names: nothing raises, nothing is lost in silence.

ABLATE_TEST_EXAMPLES sets the number of examples of each test.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ablate.core.cells import Cell
from ablate.core.errors import AblateError
from ablate.core.levels import Level
from ablate.core.text import printable
from ablate.report.plots import Mark, close, forest
from ablate.report.table import Column, Row, Table
from ablate.report.table_formats import to_csv, to_latex, to_markdown
from ablate.storage import audit
from ablate.storage.dataframe import load_history, load_results
from ablate.storage.files import write_atomically
from ablate.storage.fingerprint import digest
from ablate.storage.history import History
from ablate.storage.layout import cell_folder, known_cells, run_directory, short_cell
from ablate.storage.records import read_record
from ablate.storage.yaml_text import to_yaml
from tests.storage.studies import add

EXAMPLES = int(os.environ.get("ABLATE_TEST_EXAMPLES", "1000"))
hostile = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

CHARACTERS = st.characters(codec=None, categories=None) | st.sampled_from(
    "=+-@,;|&<>{}[]$%#_~^\\/\"'`\t\n\r\0\x1b\x85\u2028\udcff"
)
TEXTS = st.text(CHARACTERS, max_size=40) | st.sampled_from([".", "..", " ", "a.", "CON", "字" * 80, "😀" * 70, "e\u0301" * 90])
NUMBERS = st.integers() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False)
SCALARS = TEXTS | NUMBERS | st.booleans() | st.none()
VALUES = st.recursive(SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXTS, each, max_size=3), max_leaves=5)
JSON = st.recursive(
    SCALARS | st.sampled_from([float("nan"), float("inf"), 1e308, -1e308, 10**400, -1, "x", {}, []]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXTS, each, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@hostile
@given(first=VALUES, second=VALUES)
def test_any_value_is_a_level_with_a_folder(folder: Path, first: Any, second: Any) -> None:
    level, other = Level.of(first), Level.of(second)
    assert level == Level.of(level) == Level.of(level.value)
    assert (level == other) == (level.text == other.text)
    assert sorted([level, other]) == sorted([other, level])
    assert printable(level.text) == level.text
    level.text.encode()
    if isinstance(level.value, str) or level.text.isprintable():  # study.yaml has the values
        written = yaml.safe_load(to_yaml({"x": level.value}))
        assert Level.of(written["x"]) == level
    names = {}
    for value in (level, other):
        cell = Cell({"model.x": value})
        found = short_cell(digest(cell.values_by_key))
        name = cell_folder({}, found, cell.label)
        assert len(os.fsencode(name)) <= 255
        path = run_directory(folder, name, 2**63 - 1)
        path.mkdir(parents=True, exist_ok=True)
        assert cell_folder(known_cells(folder), found, "another label") == name
        path.rmdir()
        path.parent.rmdir()
        names[found] = name.casefold()
    assert len(set(names.values())) == len(names)


def _mutated(draw: st.DrawFn, content: Any) -> Any:
    """A copy of JSON-like content in which one value is replaced or removed."""
    content = copy.deepcopy(content)
    node = content
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return draw(JSON) if node is content else content
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and draw(st.booleans()):
            node = node[key]
            continue
        if draw(st.integers(0, 4)) == 0:
            del node[key]
        else:
            node[key] = draw(JSON)
        return content


def _damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """A copy of a file that was cut, or that has foreign bytes."""
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(max_size=8)) + draw(st.sampled_from([b"", data[at:], data[at + 1 :], data]))


RECORD = {
    "identity": "i" * 64, "cell": "Truedirect", "seed": 3, "label": "True,direct", "choices": {"stem": "direct"},
    "overridden": ["stem", "model.dropout", "seed"], "status": "finished", "error": None, "attempts": 1, "epochs": 2,
    "timing": {"started": "2026-11-24T16:56:36+00:00", "seconds": 1.5, "processes": 1, "resumed": False},
    "metrics": {"accuracy": 0.5, "size": 3}, "provenance": {"code": "c0de", "packages": {"numpy": "2"}},
}  # fmt: skip
STUDY = {
    "command": "python train.py", "program": "train.py", "factors": {"model.dropout": [True, False], "stem": ["direct", "pyramid"]},
    "experiments": {"Truedirect": "e1", "Falsedirect": "e2"}, "seeds": [0, 3], "looks": [5], "blocks": None,
    "orders": {0: [["stem"], ["model.dropout"]]}, "decisions": {"data": {"asked": "auto", "took": "builtin"}}, "claims_after": 0,
    "baseline": {"stem": "stem=direct"}, "leave_out": [{"stem": "pyramid", "seed": 9, "reason": "x"}], "chance": {"accuracy": 0.1},
    "budgets": {"accuracy": 1.0}, "fixed": {"model.dropout": True}, "same": {"ab": {"as": "Truedirect", "label": "x", "levels": {"stem": "p"}}},
    "description": {"metrics": {"accuracy": {"title": "accuracy", "unit": "%"}}},
}  # fmt: skip
CONFIG = {"model": {"dropout": True, "widths": [1, 2]}, "seed": 3}


@pytest.fixture(scope="module")
def study(folder: Path) -> tuple[Path, Path]:
    """A study with a good run, and the folder of a second one."""
    path = folder / "study"
    add(path, False, "direct", 3, 0.25)
    run = path / "runs" / "x-Truedirect" / "seed=3"
    run.mkdir(parents=True)
    return path, run


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


@hostile
@given(data=st.data())
def test_any_file_of_a_run_is_used_or_named(study: tuple[Path, Path], data: st.DataObject) -> None:
    path, run = study
    draw = data.draw
    files = {
        "run.json": json.dumps(RECORD).encode(),
        "config.yaml": yaml.safe_dump(CONFIG).encode(),
        "history.csv": b"epoch,loss\n1,0.5\n2,0.25\n",
    }
    name = draw(st.sampled_from(["run.json", "run.json", "config.yaml", "history.csv"]))
    if draw(st.booleans()) and name != "history.csv":
        changed = _mutated(draw, RECORD if name == "run.json" else CONFIG)
        text = json.dumps(changed)
        files[name] = text.encode()
    else:
        files[name] = _damaged(draw, files[name])
    for each, content in files.items():
        if _content(run / each) != content:
            (run / each).write_bytes(content)
    results = load_results(path)
    warnings = list(results.warnings)
    load_history(results, warnings)
    audit.examine(results)
    results.to_frame()
    used = set(results.runs["directory"])
    assert "runs/Falsedirect/seed=3" in used or any("Falsedirect" in each for each in warnings)
    assert "runs/x-Truedirect/seed=3" in used or any("x-Truedirect" in each for each in warnings)
    for message in warnings:
        assert printable(message) == message
        assert len(message) < 5000
    record = read_record(run)
    if record is not None:
        record.model_dump_json().encode()


@hostile
@given(data=st.data())
def test_any_manifest_and_plan_is_used_or_refused_in_one_message(study: tuple[Path, Path], data: st.DataObject) -> None:
    path, run = study
    for each, content in (("run.json", json.dumps(RECORD)), ("config.yaml", yaml.safe_dump(CONFIG))):
        (run / each).write_text(content)
    plan = b"stem,seed,state,seconds,directory,note\ndirect,3,done,1.0,runs/x-Truedirect/seed=3,\na,4,to do,,runs/b-c/seed=4,\n"
    manifest = yaml.safe_dump(STUDY).encode()
    if data.draw(st.booleans()):
        plan = _damaged(data.draw, plan)
    elif data.draw(st.booleans()):
        manifest = yaml.safe_dump(_mutated(data.draw, STUDY)).encode(errors="surrogatepass")
    else:
        manifest = _damaged(data.draw, manifest)
    (path / "study.yaml").write_bytes(manifest)
    (path / "plan.csv").write_bytes(plan)
    try:
        results = load_results(path)
    except AblateError as error:
        said = str(error)
        assert "study" in said
    else:
        found = audit.examine(results)
        assert all(isinstance(run.seed, str) for run in found.missing)
    finally:
        (path / "study.yaml").unlink()
        (path / "plan.csv").unlink()


CELLS = st.one_of(st.integers(-5, 5), st.floats(), st.booleans(), st.none(), st.text(CHARACTERS, max_size=6).map(printable))
ROWS = st.lists(st.dictionaries(st.sampled_from(["epoch", "loss", "a,b", "note"]), CELLS, min_size=1), min_size=1, max_size=5)


@hostile
@given(rows=ROWS, data=st.data())
def test_a_damaged_history_continues_as_it_was_or_not_at_all(
    folder: Path, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    path = folder / "history.csv"
    saved = data.draw(st.integers(0, len(rows)))
    history = History(path)
    path.unlink(missing_ok=True)
    for row in rows[:saved]:
        history.append(row)
    mark, before = history.mark(), path.read_bytes() if saved else b""
    for row in rows[saved:]:
        history.append(row)
    whole = path.read_bytes()
    damaged = data.draw(st.booleans())
    path.write_bytes(_damaged(data.draw, whole) if damaged else whole)
    again = History(path)
    try:
        again.restore(json.loads(json.dumps(mark)))
    except (OSError, ValueError, KeyError, TypeError):
        assert damaged
        again = History(path)
        remaining = rows
    else:
        assert (path.read_bytes() if path.exists() else b"") == before
        remaining = rows[saved:]
    for row in remaining:
        again.append(row)
    assert path.read_bytes() == whole


@hostile
@given(texts=st.lists(TEXTS, min_size=2, max_size=2))
def test_tables_with_any_names_are_well_formed(texts: list[str]) -> None:
    columns = [Column("a", texts[1]), Column("b", "value")]
    rows = [Row({"a": texts[0], "b": texts[1]}), Row({"a": Level.of(texts[1]), "b": None})]
    frame = pd.DataFrame({texts[1]: texts, "n": [-1.5, 2.0]})
    table = Table("t", texts[0], columns, rows, frame, notes=(texts[1],))

    parsed = list(csv.reader(io.StringIO(to_csv(table), newline="")))
    assert [len(row) for row in parsed] == [2, 2, 2]
    assert [row[1] for row in parsed] == ["n", "-1.5", "2.0"]
    for cell in (parsed[0][0], parsed[1][0], parsed[2][0]):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\n", "\r")) or _is_number(cell)

    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(table))
    assert [token.type for token in tokens].count("tr_open") == 3
    assert [token.type for token in tokens].count("td_open") == 4
    assert not [token for token in tokens if token.type in ("html_block", "fence", "hr", "bullet_list_open")]

    latex = to_latex(table)
    assert latex.count("\n") == 9
    plain = latex.replace("\\\\", "").replace("\\{", "").replace("\\}", "")
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    for number in (3, 5, 6):
        assert latex.splitlines()[number].replace("\\&", "").count("&") == 1
    for text in (latex, to_markdown(table), to_csv(table)):
        assert printable(text, lines=True).replace("\\", "") == text.replace("\\", "")
        text.encode()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.filterwarnings("ignore:.*Glyph")
@settings(max_examples=5, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(text=TEXTS)
def test_figures_with_any_names_are_xml(text: str) -> None:
    from ablate.report.figures import as_svg

    assume("$" not in text)
    figure = forest([Mark(Level.of(text).text, 0.1, 0.0, 0.2)], "x", False)
    try:
        ET.fromstring(as_svg(figure))
    finally:
        close(figure)


@hostile
@given(text=TEXTS)
def test_any_text_is_written(folder: Path, text: str) -> None:
    write_atomically(folder / "file", text)
    read = (folder / "file").read_bytes().decode()
    assert read == text or any("\ud800" <= each <= "\udfff" for each in text)
