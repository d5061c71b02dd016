"""Keys that the engine adds to the configuration of an unchanged program, and hides from it."""

from dataclasses import dataclass, field

import pytest
from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError
from ablate.engine.added_keys import AddedKeys
from ablate.engine.options import StudyOptions


def composed(**content: object) -> DictConfig:
    cfg = OmegaConf.create(content)
    OmegaConf.set_struct(cfg, True)
    return cfg


@dataclass
class Training:
    seed: int = 7


@dataclass
class Schema:
    training: Training = field(default_factory=Training)


def test_a_program_with_a_seed_gets_the_options_only() -> None:
    cfg = composed(seed=None, lr=0.1)
    added = AddedKeys.to(cfg, {"seeds": 5})
    assert (added.keys, added.seed_key) == (("study",), "seed")
    assert StudyOptions.read(cfg).seeds == 5
    added.hide(cfg)
    assert cfg == {"seed": None, "lr": 0.1}


def test_a_seed_under_another_key_follows_the_seed_of_the_run() -> None:
    for cfg in (composed(training={"seed": 7}), OmegaConf.structured(Schema)):
        added = AddedKeys.to(cfg, {"seed_key": "training.seed"})
        assert cfg.seed == 7
        cfg.seed = 3
        assert cfg.training.seed == 3
        added.hide(cfg)
        assert cfg == {"training": {"seed": 3}}


def test_a_key_seed_of_the_programs_own_beside_another_key_for_the_seed_is_refused() -> None:
    """Such as the seed of a split of the data: the program would not see it."""
    with pytest.raises(UsageError, match=r"seed_key=training.seed: .* has a key `seed` too.* Rename"):
        AddedKeys.to(composed(seed=7, training={"seed": 1}), {"seed_key": "training.seed"})


def test_an_override_that_adds_the_seed_gives_it_to_a_program_without_one() -> None:
    cfg = composed(lr=0.1)
    added = AddedKeys.to(cfg, {}, ["+lr2=1", "+seed=1,2"])
    assert (added.keys, added.seed_key, cfg.seed) == (("study",), "seed", 1)
    added.hide(cfg)
    assert cfg == {"lr": 0.1, "seed": 1}
    nested = composed(lr=0.1)
    added = AddedKeys.to(nested, {"seed_key": "training.seed"}, ["++training.seed=3"])
    nested.seed = 3
    added.hide(nested)
    assert nested == {"lr": 0.1, "training": {"seed": 3}}
    assert AddedKeys.to(composed(lr=0.1), {}, ["seed=1,2", "+seeds=3"]).seed_key is None


def test_a_program_without_a_seed() -> None:
    cfg = composed(lr=0.1)
    added = AddedKeys.to(cfg, {})
    assert added.seed_key is None
    assert cfg.seed == 1
    added.hide(cfg)
    assert cfg == {"lr": 0.1}


def test_a_configuration_with_the_options_keeps_its_own_and_takes_those_that_differ_from_the_defaults() -> None:
    cfg = composed(seed=0, study={**StudyOptions.defaults(), "report": False, "seeds": 3})
    added = AddedKeys.to(cfg, {**StudyOptions.defaults(), "seeds": 5})
    assert added.keys == ()
    assert (cfg.study.seeds, cfg.study.report) == (5, False)
    added.hide(cfg)
    assert "study" in cfg


def test_an_option_that_does_not_exist_is_refused_wherever_it_is_typed() -> None:
    """Such as +hydra.sweeper.seed=3."""
    for cfg in (composed(x=1, seed=0), composed(x=1, seed=0, study=StudyOptions.defaults())):
        AddedKeys.to(cfg, {"seed": 3})
        with pytest.raises(UsageError, match="study.seed: unknown option"):
            StudyOptions.read(cfg)


def test_options_that_overrides_add_are_options() -> None:
    cfg = composed(lr=0.1, study={"name": "x", "logger": {"_target_": "a.B"}})
    AddedKeys.to(cfg, {"seeds": 3}, ["+study.name=x", "+logger=tensorboard"])
    options = StudyOptions.read(cfg)
    assert (options.name, options.logger, options.seeds) == ("x", {"_target_": "a.B"}, 3)
    with pytest.raises(UsageError, match="has a key `study` of its own"):
        AddedKeys.to(composed(study={"name": "x"}), {}, ["study.name=x"])


def test_another_key_for_the_seed_is_refused_in_a_configuration_with_the_options() -> None:
    """The seeds would be those of the key `seed`, and all replicates equal in a program that reads the other key."""
    for given in ({"seed_key": "training.seed"}, {}):
        cfg = composed(seed=0, training={"seed": 7}, study={**StudyOptions.defaults(), "seed_key": "training.seed"})
        with pytest.raises(
            UsageError, match=r"study.seed_key=training.seed: .* write training.seed: \$\{seed\} in the configuration"
        ):
            AddedKeys.to(cfg, given)


def test_a_key_study_of_the_program_is_refused() -> None:
    with pytest.raises(UsageError, match="has a key `study` of its own, which is the name of ablate's options: rename it"):
        AddedKeys.to(composed(study="mine"), {})
