"""Components that are turned off: null for a value, a section, a list or a config group, and ~key."""

import pytest

from ablate.storage.dataframe import load_results
from tests.apps import parts
from tests.engine.test_bad_overrides import run


@pytest.mark.parametrize(
    ("typed", "key", "texts"),
    [
        ("callbacks.ema={decay:0.99},null", "callbacks.ema", ["{decay: 0.99}", "null"]),
        ("callbacks.early={patience:5},null", "callbacks.early", ["{patience: 5}", "null"]),
        ("widths=[4,8],null,[]", "widths", ["[4, 8]", "null", "[]"]),
        ("attention=true,null", "attention", ["true", "null"]),
        ("net=small,null", "net", ["small", "null"]),
        ("+net@third=small,null", "net@third", ["small", "null"]),
        ("+extra={x:1},{y:2}", "extra", ["{x: 1}", "{y: 2}"]),
    ],
)
def test_a_component_that_is_off_is_a_level(typed, key, texts, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["-m", typed, "study.name=s", "study.report=false"]
    assert run(parts.train, arguments, monkeypatch) == 0
    results = load_results(tmp_path / "outputs" / "s")
    assert [level.text for level in results.factors[key]] == texts
    assert list(results.factors) == [key]
    assert [level.text for level in results.levels[key]] == texts or sorted(map(str, results.levels[key])) == sorted(texts)
    assert run(parts.train, arguments, monkeypatch) == 0  # nothing is repeated
    assert len(load_results(tmp_path / "outputs" / "s").runs) == len(texts)


def test_a_removed_key_is_part_of_the_name_and_of_the_configuration(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(parts.train, ["-m", "~attention", "net@encoder=small,large", "study.report=false"], monkeypatch) == 0
    (study,) = (tmp_path / "outputs").iterdir()
    assert study.name == "net_encoder+attention=null"
    assert "attention: " not in next(study.glob("runs/*/seed=0/config.yaml")).read_text()
