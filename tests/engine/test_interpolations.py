"""Values that a plan cannot know: of the seed, of the job, and of chance."""

import itertools
from typing import Any

import pytest
from omegaconf import OmegaConf

from ablate.engine.config_values import ConfigValues

count = itertools.count()
OmegaConf.register_new_resolver("test_count", lambda: next(count), replace=True)
OmegaConf.register_new_resolver("test_count_once", lambda: next(count), use_cache=True, replace=True)
OmegaConf.register_new_resolver("test_twice", lambda key, *, _root_: 2 * _root_[key], replace=True)
OmegaConf.register_new_resolver("test_sum", lambda *numbers: sum(numbers), replace=True)
OmegaConf.register_new_resolver("test_object", lambda: object(), replace=True)
OmegaConf.register_new_resolver("test_drawn_list", lambda: [next(count)], replace=True)


@pytest.mark.parametrize("text", ["${seed}", "${oc.select:seed,5}", "${test_twice:seed}", "${test_sum:${seed},1}", "a ${name}"])
def test_a_value_that_the_seed_determines_is_left_to_the_run(text: str) -> None:
    """Resolved in the plan, every replicate would get the value of one seed."""
    values = ConfigValues.of(OmegaConf.create({"seed": 0, "name": "${seed}", "key": text, "other": "${key}", "x": 1}))
    assert values.nested["key"] == text
    assert values.meaning(["seed"], texts=False) == {"x": 1}
    assert values.meaning(["seed"]) == {"name": "${seed}", "key": text, "other": "${key}", "x": 1}
    assert values.unknown_keys() == ["key", "name", "other"]
    assert values.unknown_keys(job_only=True) == []


@pytest.mark.parametrize(
    "text", ["${test_count:}", "${test_count_once:}", "${test_object:}", "${test_drawn_list:}", "${now:%f}"]
)
def test_the_text_of_a_value_that_differs_each_time_identifies_a_run(text: str) -> None:
    cfg: dict[str, Any] = {"seed": 0, "key": text, "nested": {"list": [1, "${key}"]}, "x": 1}
    values = ConfigValues.of(OmegaConf.create(cfg))
    assert values.meaning(["seed"], texts=False) == {"x": 1}
    assert values.meaning(["seed"]) == {"key": text, "nested.list": [1, "${key}"], "x": 1}
    assert values.nested["key"] == text
    assert values.unknown_keys(job_only=True) == ["key", "nested.list.1"]


def test_a_resolver_with_one_answer_identifies_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_TEST", "3")
    cfg = OmegaConf.create({"seed": 0, "x": 1, "key": "${test_sum:${x},1}", "home": "${oc.env:ABLATE_TEST}"})
    values = ConfigValues.of(cfg)
    assert values.meaning(["seed"]) == {"x": 1, "key": 2, "home": "3"}
    assert values.unknown_keys() == []


def test_a_reference_through_an_ignored_key_is_followed() -> None:
    values = ConfigValues.of(OmegaConf.create({"seed": 0, "places": {"name": "${seed}"}, "key": "${places.name}"}), ["places"])
    assert values.nested["key"] == "${places.name}"
    assert values.unknown_keys() == ["key"]


def test_without_a_seed_or_with_null_values_are_found_all_the_same() -> None:
    for seed in ({}, {"seed": None}):
        values = ConfigValues.of(OmegaConf.create({**seed, "key": "${oc.select:seed,5}"}))
        assert values.unknown_keys() == ["key"]
