"""What is written as YAML reads back as the same values."""

import pytest
import yaml

from ablate.storage.yaml_text import to_yaml


@pytest.mark.parametrize(
    "value",
    ["a\x85b", "a\u2028b", "\ud800", "\x1b[0m", "字", "a: b", "1e5", "", " x ", ["\x85", {"\u2029": 1}], -1e308, 10**30],
)
def test_values_are_read_back(value: object) -> None:
    text = to_yaml({"b": value, "a": 1})
    assert yaml.safe_load(text) == {"b": value, "a": 1}
    assert text.splitlines()[-1] == "a: 1"


def test_letters_are_written_as_they_are() -> None:
    assert to_yaml({"label": "字 é"}) == "label: 字 é\n"
