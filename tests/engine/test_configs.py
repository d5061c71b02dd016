"""A composed configuration read."""

from enum import Enum
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationKeyError

from ablate.engine.configs import choices_of, name_parts, plain, resolved, typed


class Colour(Enum):
    RED = 1


def test_what_yaml_cannot_hold_is_written_as_text() -> None:
    cfg = OmegaConf.create({"colour": Colour.RED, "path": Path("a/b"), "list": [Colour.RED], "twice": "${list}"})
    assert plain(cfg, resolve=True) == {"colour": "RED", "path": "a/b", "list": ["RED"], "twice": ["RED"]}
    assert plain(None) is None


def test_what_is_ignored_is_not_even_looked_at() -> None:
    cfg = OmegaConf.create({"a": {"b": "${c}", "bad": "${nowhere}"}, "c": 5, "study": {"x": "${nowhere}"}})
    assert resolved(cfg, ["study", "a.bad"]) == {"a.b": 5, "c": 5}
    with pytest.raises(InterpolationKeyError):
        resolved(cfg, ["study"])


def test_keys_are_read_without_the_signs_of_hydra() -> None:
    assert typed(["+study=a", "stem=direct", "++x.y=[1,2]"]) == {"study": "a", "stem": "direct", "x.y": "[1,2]"}
    assert choices_of({"stem": "direct", "logger": None, "hydra/launcher": "basic"}) == {"stem": "direct"}


def test_a_study_is_named_by_what_an_experiment_means_and_by_its_paths() -> None:
    cfg = OmegaConf.create({"study": {"ignore": ["device"], "paths": ["data.root"]}})
    keys = {"stem": "a", "device": "cpu", "data.root": "x", "study.seeds": "5", "hydra/launcher": "joblib", "logger": "wandb"}
    assert name_parts(cfg, keys) == {"stem": "a", "data.root": "x"}
    assert name_parts(cfg, keys, named_by=()) == {"stem": "a"}
