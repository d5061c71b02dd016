"""Errors of Hydra and OmegaConf in one line."""

from dataclasses import dataclass

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablate.core.errors import UsageError
from ablate.engine.messages import one_line
from ablate.run import conf


@dataclass
class Optimizer:
    batch_size: int


def complaint(*overrides: str) -> str:
    with initialize_config_dir(str(conf()), version_base="1.3"), pytest.raises(HydraException) as caught:
        compose("config", list(overrides))
    return one_line(caught.value, known_keys=["model.dropout", "stem"])


def test_an_unknown_key_is_named_with_the_nearest_one() -> None:
    assert complaint("modell=x") == "no key 'modell' in the configuration. Did you mean 'model'?"
    assert complaint("model.dropuot=true") == ("no key 'model.dropuot' in the configuration. Did you mean 'model.dropout'?")


def test_a_key_that_only_some_configurations_have_is_no_typo() -> None:
    error = OmegaConfBaseException("Could not override 'model.hidden'.\nTo append to your config use +model.hidden=1")
    assert "Did you mean" not in one_line(error, ["model.hidden"])
    assert one_line(error, ["model.hidden"]).startswith("no key 'model.hidden' in one of the configurations")
    assert one_line(error, ["model.hiden"]).endswith("Did you mean 'model.hiden'?")


def test_a_character_that_the_grammar_does_not_know_needs_quotes_in_a_value_only() -> None:
    for override, said in (
        ("net=né", "unexpected 'é'; a text with it needs quotes, such as \"KEY='TEXT'\" in a shell."),
        ("né=1", "unexpected 'é'."),
        ("net='né", 'unexpected "\'".'),
    ):
        with pytest.raises(OverrideParseException) as caught:
            OverridesParser.create().parse_overrides([override])
        assert f"{one_line(caught.value)} ".startswith(f"{override} cannot be parsed: {said} See ")


def test_an_unknown_level_is_named_with_all_there_are() -> None:
    assert complaint("stem=pyramidd") == "stem has no level pyramidd; available: direct, gentle, pyramid."


def test_a_value_of_another_type_is_named_with_its_key() -> None:
    with pytest.raises(OmegaConfBaseException) as caught:
        OmegaConf.merge(OmegaConf.structured(Optimizer), {"batch_size": "many"})
    assert one_line(caught.value) == "batch_size: Value 'many' of type 'str' could not be converted to Integer"


def test_our_own_errors_stand_as_they_are() -> None:
    assert one_line(UsageError("x=1: at most 0.")) == "x=1: at most 0."


def test_a_group_that_is_off_takes_a_plus_and_one_that_is_on_none() -> None:
    assert complaint("study=qiita") == "the group study is not in the defaults list; add it with a plus: +study=qiita"
    assert complaint("+logger=wandb") == (
        "the group logger is already in the defaults list; override it without the plus: logger=wandb"
    )
