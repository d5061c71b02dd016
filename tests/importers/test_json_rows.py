"""Rows in JSON files."""

import json
import time
from pathlib import Path

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.csv import read_table
from ablate.importers.imported import read_source
from ablate.importers.json_rows import read_json

ROWS = [
    {"method": method, "seed": seed, "fast": method == "b", "lr": 0.001, "widths": [64, 128], "accuracy": 0.9 + seed / 100}
    for seed in (0, 1, 2)
    for method in ("a", "b")
]


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("results.jsonl", lines(*ROWS)),
        ("results.ndjson", "\ufeff" + "\n\n".join(map(json.dumps, ROWS))),
        ("results.json", lines(*ROWS)),
        ("results.JSON", json.dumps(ROWS, indent=2)),
        ("pandas.json", pd.DataFrame(ROWS).to_json(orient="records")),
    ],
)
def test_every_form_of_rows_reads_as_the_csv_file_of_it(tmp_path: Path, name: str, text: str) -> None:
    pd.DataFrame(ROWS).to_csv(tmp_path / "results.csv", index=False)
    expected = read_table(tmp_path / "results.csv").frame
    found = read_json(written(tmp_path / name, text)).frame
    pd.testing.assert_frame_equal(found.assign(fast=found["fast"].str.capitalize()), expected)  # JSON has true, pandas True
    ours, theirs = read_source(tmp_path / name).results(), read_source(tmp_path / "results.csv").results()
    pd.testing.assert_frame_equal(ours.values, theirs.values)
    pd.testing.assert_frame_equal(ours.levels, theirs.levels)


def test_rows_are_named_by_line_or_number(tmp_path: Path) -> None:
    assert read_json(written(tmp_path / "a.jsonl", "\n" + lines(*ROWS[:2]))).places == ["a.jsonl, line 2", "a.jsonl, line 3"]
    assert read_json(written(tmp_path / "b.json", json.dumps(ROWS[:2]))).places == ["b.json, row 1", "b.json, row 2"]


def test_objects_in_a_row_are_columns_and_absent_values_are_empty(tmp_path: Path) -> None:
    rows = [{"config": {"model": {"depth": 2}}, "acc": None}, {"acc": float("nan")}, {"acc": "failed ", "note": "a\u2028b"}]
    frame = read_json(written(tmp_path / "rows.jsonl", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows))).frame
    assert frame.to_dict("list") == {
        "config.model.depth": ["2", "", ""],
        "acc": ["", "NaN", "failed"],
        "note": ["", "", "a\u2028b"],
    }


def test_nested_configurations_and_lost_runs_are_understood(tmp_path: Path) -> None:
    rows = [{"config": {"drop": d, "lr": 0.1}, "seed": s, "accuracy": 0.5 + d / 10 + s / 100} for s in range(3) for d in (0, 1)]
    rows[-1]["accuracy"] = float("nan")
    found = read_source(written(tmp_path / "rows.jsonl", lines(*rows)))
    assert found.guessed == "factors config.drop; seed seed; metric accuracy"
    assert found.results().values["accuracy"].isna().tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(*ROWS) + '{"method": "a", "acc', r"rows\.json, line 7 is not JSON .* delete it"),
        (json.dumps(ROWS)[:-9], r"rows\.json is not JSON: .* cut off"),
        (json.dumps(ROWS[0], indent=1), r"rows\.json is one object, not rows; expected an object on each line"),
        (pd.DataFrame(ROWS).to_json(), r"rows\.json is one object, not rows; .*orient=\"records\""),
        ("0.5", "is one value, not rows"),
        ("[1, 2]", r"rows\.json, row 1 is not an object"),
        ("[]", "has no rows"),
        ("", "has no rows"),
        ('[{"a": {"b": 1}, "a.b": 2}]', r"row 1 has a\.b twice"),
    ],
)
def test_what_is_no_rows_is_refused_with_what_to_do(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_json(written(tmp_path / "rows.json", text))


def test_files_that_cannot_be_read_and_settings_of_csv_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.jsonl cannot be read as a JSON file"):
        read_json(tmp_path / "absent.jsonl")
    (tmp_path / "latin.json").write_bytes('[{"café": 1}]'.encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin\.json cannot be read as a JSON file"):
        read_json(tmp_path / "latin.json")
    with pytest.raises(UsageError, match=r"--decimal is for a CSV file, but .*rows\.jsonl is a JSON file"):
        read_source(written(tmp_path / "rows.jsonl", lines(*ROWS)), decimal=",")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"acc": 0.1, "acc": 0.8}]', "the name 'acc' appears twice in an object"),
        ('{"acc": 1}\n{"acc": 0.1, "acc": 0.8}\n', r"line 2 is not JSON \(the name 'acc' appears twice"),
        ('[{"acc": ' + "9" * 5000 + "}]", "is not JSON: Exceeds the limit"),
        ("[" * 100_000, "has arrays or objects that are nested too deeply"),
        ('{"method": "a", "acc": 0.8}\n', None),
    ],
)
def test_traps_of_json(tmp_path: Path, text: str, message: str | None) -> None:
    with pytest.raises(UsageError, match=message or r"rows\.jsonl has one run; a comparison needs two or more"):
        read_json(written(tmp_path / ("rows.json" if message else "rows.jsonl"), text))


def test_letters_of_other_languages_and_broken_ones(tmp_path: Path) -> None:
    frame = read_json(written(tmp_path / "rows.json", '[{" m ": ["é"], "": "\\ud800"}, {}]')).frame
    assert frame.to_dict("list") == {"m": ['["é"]', ""], "(without a name)": ["?", ""]}


def test_a_row_with_many_fields_is_read_in_linear_time(tmp_path: Path) -> None:
    row = {f"field{at}": at for at in range(20_000)}
    began = time.perf_counter()
    read_json(written(tmp_path / "rows.json", json.dumps([row, row])))
    assert time.perf_counter() - began < 20  # a minute, if each name is compared with each other


def test_configurations_as_weights_and_biases_stores_them(tmp_path: Path) -> None:
    rows = [
        {"config": {"method": {"value": m, "desc": None}, "seed": {"value": s}}, "summary": {"acc": 0.8 + s / 100}}
        for m in "ab"
        for s in range(3)
    ]
    found = read_source(written(tmp_path / "runs.json", json.dumps(rows)))
    assert found.notes == ("runs of Weights & Biases", "JSON")
    assert found.guessed == "factors method; seed seed; metric acc"
