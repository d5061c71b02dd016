"""The placeholders in the command of `ablate sweep`, and what makes two commands the same experiment.

A command gets nothing from its configuration but its arguments. A study can therefore grow by a factor: a placeholder that its
earlier commands did not have changes nothing at a level that leads to their arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.core.secrets import is_secret
from ablate.engine.experiment import Experiment
from ablate.storage.records import section

COMMAND = "command"  # the key of the command in its configuration
SEED = "seed"
PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][\w.]*)(?::([^{}|]*)(?:\|([^{}]*))?)?\}")


class CommandExperiment(Experiment):
    """The experiment of a command."""

    def resolve(self, cfg: DictConfig) -> Mapping[str, Any]:
        """Refuse a level for which there is no command, before anything runs."""
        written: Any = OmegaConf.to_container(cfg)
        keys = [key for key in placeholders(written[COMMAND]) if key != SEED and section(written, key) is None]
        for part in written[COMMAND]:
            list(_filled(part, dict.fromkeys(keys)))
        return {}

    def simplify(self, cfg: DictConfig, fixed: Mapping[str, Any]) -> list[str]:
        """Fill in the placeholders that the first command of the study did not have, whose keys then change nothing else.

        What is filled in is what the command was before such a placeholder, or what it is at any other level. Two commands
        that add the same factor therefore have the same runs, whatever they add besides.
        """
        if COMMAND not in fixed:
            return []
        written: Any = OmegaConf.to_container(cfg)
        first = placeholders(fixed[COMMAND])
        known = {}
        for key in placeholders(written[COMMAND]):
            text = str(section(written, key))  # with braces it is an interpolation, or would be taken for a placeholder
            if key not in (*first, SEED) and not is_secret(key) and "{" not in text:
                known[key] = section(written, key)
        OmegaConf.update(cfg, COMMAND, [argument for part in written[COMMAND] for argument in _filled(part, known)])
        return list(known)


def placeholders(command: Sequence[str]) -> list[str]:
    """The keys in the placeholders of a command, without duplicates.

    >>> placeholders(["train.py", "--lr={lr}", "{dropout:--dropout}", "{lr}"])
    ['lr', 'dropout']
    """
    return list(dict.fromkeys(match[1] for part in command for match in PLACEHOLDER.finditer(part)))


def filled(command: Sequence[str], cfg: DictConfig) -> list[str]:
    """The command with the values of a configuration.

    `{lr}` is the value of `lr`. An argument `{dropout:--dropout}` is `--dropout` if the value is true, and is left out if it is
    false or null; for another value it becomes two arguments. `{dropout:--dropout|--no-dropout}` has an argument for false.

    Raises:
        UsageError: if a value is null and its placeholder has no flag.

    >>> template = ["--lr", "{lr}", "{dropout:--dropout}", "{clip:--clip}"]
    >>> filled(template, OmegaConf.create({"lr": 0.1, "dropout": True, "clip": 0.5}))
    ['--lr', '0.1', '--dropout', '--clip', '0.5']
    >>> filled(template, OmegaConf.create({"lr": 0.1, "dropout": False, "clip": None}))
    ['--lr', '0.1']
    >>> filled(["{bias:|--no-bias}"], OmegaConf.create({"bias": True}))
    []
    """
    values = {key: OmegaConf.select(cfg, key) for key in placeholders(command)}
    return [argument for part in command for argument in _filled(part, values)]


def _filled(part: str, values: Mapping[str, Any]) -> Iterator[str]:
    """The arguments of a part of a command; placeholders without a value stay."""
    whole = PLACEHOLDER.fullmatch(part)
    if whole is not None and whole[2] is not None and whole[1] in values:
        value = values[whole[1]]
        if value is True:
            yield from [whole[2]] if whole[2] else []
        elif value is None or value is False:
            yield from [whole[3]] if whole[3] else []
        else:
            yield from (whole[2], _text(whole[1], value))
        return
    yield PLACEHOLDER.sub(lambda match: _text(match[1], values[match[1]]) if match[1] in values else match[0], part)


def _text(key: str, value: Any) -> str:
    if value is None:
        hint = f"an argument that null leaves out is {{{key}:--{key}}}"
        raise UsageError(f"{key}=null: the command needs a value for {{{key}}}; {hint}.")
    return Level.of(OmegaConf.to_container(value) if OmegaConf.is_config(value) else value).text
