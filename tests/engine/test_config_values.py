"""The values of a composed configuration."""

from enum import Enum
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError

from ablate.engine.config_values import (
    ConfigValues,
    choices_of,
    naming_values,
    plain,
    resolved,
    share_equal_parts,
    typed_values,
)


class Color(Enum):
    RED = 1


def test_what_yaml_cannot_hold_is_written_as_text() -> None:
    cfg = OmegaConf.create({"color": Color.RED, "path": Path("a/b"), "list": [Color.RED], "twice": "${list}"})
    assert plain(cfg, resolve=True) == {"color": "RED", "path": "a/b", "list": ["RED"], "twice": ["RED"]}
    assert plain(None) is None


def test_ignored_keys_are_not_resolved() -> None:
    cfg = OmegaConf.create({"a": {"b": "${c}", "bad": "${nowhere}"}, "c": 5, "study": {"x": "${nowhere}"}})
    values = ConfigValues.of(cfg, ["study", "a.bad"])
    assert values.meaning(["study", "a.bad"]) == {"a.b": 5, "c": 5}
    assert values.nested["a"]["bad"] == "${nowhere}"
    assert ConfigValues.of(cfg, ["study"]).unresolved == {"a.bad": "Interpolation key 'nowhere' not found"}


def test_keys_and_sections_are_left_out_by_their_whole_names() -> None:
    values = ConfigValues.of(OmegaConf.create({"model": {"width": 64, "places": ["a"]}, "data": {"root": "/x"}, "threads": 2}))
    assert list(values.meaning(["data", "threads"]).items()) == [("model.places", ["a"]), ("model.width", 64)]
    assert "model.width" in values.meaning(["mod", "model.wid"])


def test_a_new_key_at_its_neutral_value_keeps_old_runs() -> None:
    before, now = (ConfigValues.of(OmegaConf.create(content)) for content in ({"lr": 0.1}, {"lr": 0.1, "ema": 0.0}))
    assert now.meaning((), neutral={"ema": 0.0}) == before.meaning(()) == {"lr": 0.1}
    assert now.meaning((), neutral={"ema": 0.9}) == {"lr": 0.1, "ema": 0.0}


def test_a_value_that_is_missing_stays_missing_because_the_program_may_never_read_it() -> None:
    """As in configurations for `instantiate(cfg.optim, params=…)`."""
    values = ConfigValues.of(OmegaConf.create({"optim": {"params": "???", "lr": 0.1}, "list": [1, "???"]}))
    assert values.missing == ("optim.params", "list.1")
    assert OmegaConf.is_missing(OmegaConf.create(values.nested).optim, "params")


def test_what_refers_to_nothing_stays_as_it_is_written_because_the_program_may_never_read_it() -> None:
    """Or it sets what is missing, such as the number of classes, before it reads what refers to it."""
    cfg = OmegaConf.create({"classes": "???", "out": "${classes}", "unused": ["${no.where}"], "lr": "${rate}", "rate": 0.1})
    values = ConfigValues.of(cfg)
    assert list(values.unresolved) == ["out", "unused.0"]
    assert values.meaning(()) == {"classes": "???", "out": "${classes}", "unused": ["${no.where}"], "lr": 0.1, "rate": 0.1}
    assert resolved(cfg) == values.nested
    with pytest.raises(InterpolationResolutionError):  # an error of a resolver is none of these
        ConfigValues.of(OmegaConf.create({"x": "${oc.decode:'{'}"}))


def test_what_only_a_job_knows_remains_and_means_what_is_written() -> None:
    """A digest that held the folder or the seed of a job would be another one inside the job."""
    cfg = OmegaConf.create(
        {
            "seed": 0,
            "name": "run_${seed}",
            "folder": "${hydra:runtime.output_dir}",
            "logs": {"folder": "${folder}/logs", "level": "${level}", "here": "${.folder}"},
            "list": [1, "${now:%Y}", "${level}"],
            "level": 3,
            "whole": "${logs}",
        }
    )
    values = ConfigValues.of(cfg)
    assert values.meaning(["seed"], texts=False) == {"logs.level": 3, "level": 3}  # in studies of earlier versions
    assert values.meaning(["seed"]) == {
        "name": "run_${seed}",
        "folder": "${hydra:runtime.output_dir}",
        "logs.folder": "${folder}/logs",
        "logs.level": 3,
        "logs.here": "${.folder}",
        "list": [1, "${now:%Y}", 3],
        "level": 3,
        "whole": "${logs}",
    }
    assert values.references == {("logs", "level"): "${level}", ("list", 2): "${level}"}
    assert values.nested["name"] == "run_${seed}"
    assert values.nested["logs"] == {"folder": "${folder}/logs", "level": 3, "here": "${.folder}"}
    assert values.nested["list"] == [1, "${now:%Y}", 3]


def test_an_object_that_a_file_cannot_hold_is_left_to_the_job() -> None:
    OmegaConf.register_new_resolver("test_folder", Path, replace=True)
    cfg = OmegaConf.create({"folder": "${test_folder:a/b}", "escaped": "\\${folder}", "twice": "${escaped}"})
    values = ConfigValues.of(cfg)
    assert values.nested["folder"] == "${test_folder:a/b}"
    assert values.meaning([]) == {"folder": "a/b", "escaped": "\\${folder}", "twice": "${escaped}"}
    job = OmegaConf.create(values.nested)
    assert (job.escaped, job.twice) == ("${folder}", "${folder}")


def test_keys_are_read_without_the_signs_of_hydra() -> None:
    assert typed_values(["+study=a", "stem=direct", "++x.y=[1,2]"]) == {"study": "a", "stem": "direct", "x.y": "[1,2]"}
    assert choices_of({"stem": "direct", "logger": None, "hydra/launcher": "basic"}) == {"stem": "direct"}


def test_a_study_is_named_by_what_an_experiment_means() -> None:
    cfg = OmegaConf.create({"study": {}})
    keys = {"stem": "a", "device": "cpu", "data.root": "x", "study.seeds": "5", "hydra/launcher": "joblib", "logger": "wandb"}
    assert naming_values(cfg, keys, ["device"]) == {"stem": "a", "data.root": "x"}
    assert naming_values(cfg, keys, ["device", "data"]) == {"stem": "a"}
    assert "logger" in naming_values(OmegaConf.create({"logger": {}}), keys, [])


def test_similar_configurations_share_their_equal_parts_and_keep_their_types() -> None:
    first = {"a": {"b": 1, "c": {"d": "x"}}, "e": {"f": 1.0, "g": True}, "h": [1]}
    second = {"a": {"b": 2, "c": {"d": "x"}}, "e": {"f": 1, "g": 1}, "h": [1]}
    before = repr(second)
    share_equal_parts(second, first)
    assert repr(second) == before
    assert second["a"]["c"] is first["a"]["c"]  # type: ignore[index]
    assert second["a"] is not first["a"]
    third = {"a": {"b": 2, "c": {"d": "x"}}, "e": {"f": 1, "g": 1, "more": 0}, "h": [1]}
    share_equal_parts(third, second)
    assert third["a"] is second["a"]
    assert third["e"] is not second["e"]
