"""The options of a study: what may be, and what is said of the rest."""

import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.engine import main
from ablate.engine.options import _WANTED, OF_A_SWEEP, check_options, check_single

assert main


def config(**options: object) -> object:
    node = ConfigStore.instance().load("ablate.yaml").node
    cfg = OmegaConf.create({"seed": node["seed"], "study": OmegaConf.to_container(node["study"])})
    for key, value in options.items():
        OmegaConf.update(cfg, f"study.{key}", value, merge=False)
    return cfg


def test_what_stands_in_the_defaults_is_allowed_and_every_option_is_checked() -> None:
    check_options(config())  # type: ignore[arg-type]
    filled_in = {"label", "cell", "position", "processes", "deadline"}
    assert set(config().study) == {key for key in _WANTED if "." not in key} | {"report", "check", "decide"} | filled_in  # type: ignore[attr-defined]
    assert set(OF_A_SWEEP) <= set(_WANTED)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("baseline", 5, "study.baseline=5: keys and levels"), ("exclude", None, "study.exclude=null: a list of conditions"),
        ("exclude", [5], "a list of conditions"), ("leave_out", 5, "study.leave_out=5: a list"), ("checkpoint", 5, "study.checkpoint=5: a node"),
        ("ignore", None, "study.ignore=null: a list of keys"), ("seeds", 10**20, "at most 10,000"), ("seeds", [], "a positive number"),
        ("seeds", True, "a positive number"), ("seeds", [0, -1], "whole numbers from 0"), ("name", "", "a text, or null"), ("name", "..", "a text"),
        ("name", [1], "a text"), ("report", "nosuch.thing", "study.report=nosuch.thing: no such function"), ("report", "print", "no such function"),
        ("checkpoint.minutes", "soon", "study.checkpoint.minutes=soon: a number from 0"), ("max_hours", True, "a number above 0"),
        ("report", "ablate.report.nosuch", "study.report=ablate.report.nosuch: no such function"),
        ("chance", {"score": "abc"}, "study.chance={'score': 'abc'}: metrics and numbers, such as"),
        ("until", "bored", "study.until=bored: decided, or null"), ("max_seeds", 0, "a whole number from 1"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_key(key: str, value: object, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_options(config(**{key: value}))  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("claim", "study.claim: no such key. Did you mean 'claims'?"), ("untl", "Did you mean 'until'?"),
        ("hydra", "A file of the group study begins with the line `# @package _global_`."), ("zzz", "study.zzz: no such key."),
    ],
)  # fmt: skip
def test_a_key_that_a_file_misspells_is_refused(key: str, said: str) -> None:
    cfg = config()
    OmegaConf.update(cfg, f"study.{key}", 5, force_add=True)  # type: ignore[arg-type]
    with pytest.raises(UsageError) as caught:
        check_options(cfg)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_what_a_file_says_of_sweeps_does_not_hinder_one_run_but_what_was_typed_does() -> None:
    check_single(config(exclude=[{"x": 1}]), typed=["x"])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="study.exclude is for a sweep: add -m"):
        check_single(config(exclude=[{"x": 1}]), typed=["x", "study.exclude"])  # type: ignore[arg-type]
