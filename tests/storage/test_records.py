"""A run's record goes through one schema, and is never torn."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ablate.core.levels import Level
from ablate.storage.records import (
    RunRecord,
    done_before,
    is_done,
    levels_of,
    read_record,
    write_record,
)

OUTPUTS = Path(__file__).parents[2] / "outputs"
FIELDS: dict[str, Any] = {
    "identity": "i" * 64, "cell": "c" * 8, "seed": 3, "label": "base", "choices": {"stem": "direct"}, "overridden": ["stem"],
}  # fmt: skip


def refused(directory: Path, content: object) -> str:
    """The reason why run.json is skipped."""
    (directory / "run.json").write_text(content if isinstance(content, str) else json.dumps(content))
    warnings: list[str] = []
    assert read_record(directory, warnings) is None
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{directory / 'run.json'} is skipped: ")
    return warnings[0].partition(" is skipped: ")[2]


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = RunRecord(
        **FIELDS, status="finished", attempts=2, epochs=5, error="é\n\U0001f600", provenance={"gpu": None, "n": [1]}
    )
    record.timing = {"started": "2026-11-24T16:56:36+00:00", "seconds": 1.5, "resumed": True}
    record.metrics = {"accuracy": 0.1 + 0.2, "large": 1e308, "count": 3, "hole": None}
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    content = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert content["metrics"] == {"accuracy": 0.1 + 0.2, "large": 1e308, "count": 3, "hole": None}
    assert "é" in (tmp_path / "run.json").read_text(encoding="utf-8")


def test_numbers_that_are_not_finite_are_written_as_null(tmp_path: Path) -> None:
    record = RunRecord(**FIELDS)
    record.metrics = {"nan": math.nan, "infinite": -math.inf, "flag": True}
    record.provenance = {"scale": math.nan, "nested": {"limit": math.inf}}
    write_record(tmp_path, record)

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not valid JSON")

    content = json.loads((tmp_path / "run.json").read_text(), parse_constant=refuse)
    assert content["metrics"] == {"nan": None, "infinite": None, "flag": 1}
    assert content["provenance"] == {"scale": None, "nested": {"limit": None}}
    read = read_record(tmp_path)
    assert read is not None
    assert read.metrics == {"nan": None, "infinite": None, "flag": 1}


def test_nan_that_an_earlier_version_wrote_is_a_metric_without_a_value(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**FIELDS, "metrics": {"a": math.nan, "b": math.inf, "c": 1}}))
    read = read_record(tmp_path)
    assert read is not None
    assert read.metrics == {"a": None, "b": None, "c": 1}


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**FIELDS, "future": {"a": 1}, "timing": {"waited": 3}}))
    read = read_record(tmp_path)
    assert read is not None
    write_record(tmp_path, read)
    content = json.loads((tmp_path / "run.json").read_text())
    assert (content["future"], content["timing"]) == ({"a": 1}, {"waited": 3})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "lost"}, "status: Input should be 'running', 'finished', 'diverged', 'failed' or 'interrupted'"),
        ({"overridden": 5}, "overridden: Input should be a valid array"),
        ({"overridden": [5]}, "overridden.0: Input should be a valid string"),
        ({"choices": {"stem": {"widths": [1]}}}, "choices.stem: Input should be a valid string"),
        ({"choices": []}, "choices: Input should be an object"),
        ({"timing": {"seconds": "x"}}, "timing.seconds: Input should be a valid number"),
        ({"timing": {"started": 5}}, "timing.started: Input should be a valid string"),
        ({"metrics": {"a": "x"}}, "metrics.a: should be a number or null"),
        ({"metrics": {"a": [1]}}, "metrics.a: should be a number or null"),
        ({"metrics": {"a": 10**400}}, "metrics.a: should be a number within the range of a float"),
        ({"metrics": [1]}, "metrics: Input should be an object"),
        ({"timing": {"seconds": -1}}, "timing.seconds: Input should be greater than or equal to 0"),
        ({"seed": 10**300}, "seed: Input should be less than 9223372036854775808"),
        ({"epochs": -1}, "epochs: Input should be greater than or equal to 0"),
        ({"seed": "0"}, "seed: Input should be a valid integer"),
        ({"seed": True}, "seed: Input should be a valid integer"),
        ({"cell": None}, "cell: Input should be a valid string"),
        ({"attempts": -1}, "attempts: Input should be greater than or equal to 0"),
        ({"provenance": 3}, "provenance: Input should be an object"),
        ({"error": ["x"]}, "error: Input should be a valid string"),
    ],
)
def test_a_record_of_the_wrong_form_is_set_aside(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert refused(tmp_path, {**FIELDS, **change}) == said


def test_a_file_that_holds_no_record_is_set_aside(tmp_path: Path) -> None:
    assert refused(tmp_path, '{"identity": "ab').startswith("Invalid JSON: EOF while parsing a string")
    assert refused(tmp_path, "[]") == "Input should be an object"
    assert refused(tmp_path, "{}") == "identity: Field required"
    assert refused(tmp_path, "[" * 100_000).startswith("Invalid JSON: recursion limit exceeded")
    (tmp_path / "run.json").unlink()
    (tmp_path / "run.json").mkdir()
    warnings: list[str] = []
    assert read_record(tmp_path, warnings) is None
    assert "run.json is skipped: [Errno 21] Is a directory" in warnings[0]


def test_no_record_is_no_reason_to_warn(tmp_path: Path) -> None:
    warnings: list[str] = []
    assert read_record(tmp_path / "nowhere", warnings) is None
    assert not warnings


def test_a_completed_run_of_the_same_identity_and_code_need_not_be_repeated(tmp_path: Path) -> None:
    record = RunRecord(**FIELDS, status="diverged", provenance={"code": "c0de"})
    write_record(tmp_path, record)
    assert not is_done(tmp_path, record)
    (tmp_path / "config.yaml").write_text("x: 1\n")
    assert is_done(tmp_path, record)
    assert done_before(tmp_path, record.identity) == record
    assert done_before(tmp_path, record.identity, code="c0de") == record
    assert done_before(tmp_path, record.identity, code="other") is None
    assert done_before(tmp_path, "other") is None
    write_record(tmp_path, record.model_copy(update={"status": "failed"}))
    assert done_before(tmp_path, record.identity) is None


def test_levels_are_those_of_groups_and_of_flattened_values() -> None:
    levels = levels_of({"stem": "pyramid"}, {"stem": {"widths": [6, 12]}, "model": {"dropout": True, "size": None}})
    assert levels == {
        "stem.widths": Level.of([6, 12]), "model.dropout": Level.of(True), "model.size": Level.of(None), "stem": Level.of("pyramid"),
    }  # fmt: skip
    assert levels["stem.widths"].text == "[6, 12]"
    assert levels_of({}, {"x": math.nan})["x"].text == "nan"


@pytest.mark.parametrize("study", ["hidden", "protocols", "qiita"])
def test_records_of_earlier_versions_load_and_lose_nothing(study: str) -> None:
    paths = sorted((OUTPUTS / study / "runs").glob("*/*/run.json"))
    assert paths
    for path in paths:
        record = read_record(path.parent)
        assert record is not None
        assert not record.model_extra
        written = json.loads(record.model_dump_json())
        assert written.pop("worker") == {}  # newer than these records
        assert written == json.loads(path.read_text(encoding="utf-8"))


def test_an_error_of_another_version_is_cut_and_made_harmless(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**FIELDS, "label": "\x1b[2J", "error": "\x1b[31m" + "x" * 10_000_000}))
    read = read_record(tmp_path)
    assert read is not None
    assert read.label == r"\x1b[2J"
    assert read.error is not None
    assert len(read.error) < 2200
    assert read.error.startswith(r"\x1b[31mxxx")
