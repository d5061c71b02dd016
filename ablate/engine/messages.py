"""Rewrite error messages of Hydra and OmegaConf as one line that says what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import yaml
from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from ablate.core.errors import AblateError
from ablate.core.text import nearest
from ablate.engine.options import StudyOptions

CONFIG_ERRORS = (AblateError, HydraException, OmegaConfBaseException, yaml.YAMLError)
GRAMMAR = "https://hydra.cc/docs/advanced/override_grammar/basic"


def one_line(error: BaseException, known_keys: Iterable[str] = ()) -> str:
    """The message of `error` as a single line.

    `known_keys` are the keys of the composed configuration: for an unknown key, the most similar one is suggested.
    """
    known_keys = list(known_keys)
    text = str(error).strip()
    if not text and error.__cause__ is not None:  # Hydra wraps OmegaConf's errors in an error without a message
        return one_line(error.__cause__, known_keys)
    if isinstance(error, OverrideParseException):
        return f"{error.override} cannot be parsed: {_grammar(text, error.override)}. See {GRAMMAR}."
    merged = re.match(r"Error merging override (.*)", text)
    if merged and str(error.__cause__).strip():
        return f"{merged[1]}: {str(error.__cause__).strip().splitlines()[0]}"
    unknown = re.match(r"Could not override '([^']+)'\.\s+To append", text)
    if unknown and any(key.startswith(f"{unknown[1]}.") for key in known_keys):
        return f"{unknown[1]} is a section: override {unknown[1]}.KEY=…, or add a key with +{unknown[1]}.KEY=…."
    if unknown:
        if unknown[1] in known_keys:
            return (
                f"no key '{unknown[1]}' in one of the configurations, such as with another level of a config group. Sweep it "
                f"where it exists, in a command of its own; or add it everywhere with ++{unknown[1]}=…, and leave combinations "
                "out with `exclude`."
            )
        sections = (key[:at] for key in known_keys for at, character in enumerate(key) if character == ".")
        return f"no key '{unknown[1]}' in the configuration.{nearest(unknown[1], [*known_keys, *sections])}"
    off = re.match(r"Could not override '([^']+)'. No match in the defaults list\.\s+To append .* use (\S+)", text)
    if off:
        return f"the group {off[1]} is not in the defaults list; add it with a plus: {off[2]}"
    twice = re.match(r"Multiple values for (\S+)\.\s+To override a value use 'override \S+: (\S+)'", text)
    if twice:
        return f"the group {twice[1]} is already in the defaults list; override it without the plus: {twice[1]}={twice[2]}"
    group = re.match(r"(?:In '[^']*': )?Could not find '([^']+)/([^'/]+)'\s+Available options in '[^']+':(.*)", text, re.S)
    if group:
        options = group[3].split("Config search path")[0].split()
        return f"{group[1]} has no level {group[2]}; available: {', '.join(options)}."
    key = re.search(r"full_key: (\S+)", text)
    if isinstance(error, OmegaConfBaseException) and key:
        return f"{key[1]}: {text.splitlines()[0]}"
    return " ".join(text.split()) or type(error).__name__


def _grammar(text: str, override: str) -> str:
    """The reason why Hydra's grammar does not accept an override, from the lines of its message."""
    lines = text.splitlines()
    if lines[0].startswith("LexerNoViableAltException: "):  # the second line has a mark below the character
        at = len(lines[1]) - len("LexerNoViableAltException: ") - 1
        if not 0 <= at < len(override):
            return "unexpected character"
        value = -1 < override.find("=") < at and override[at] not in "'\""
        return f"unexpected {override[at]!r}" + (
            "; a text with it needs quotes, such as \"KEY='TEXT'\" in a shell" if value else ""
        )
    return " ".join(line for line in lines if not line.startswith(("Error parsing override ", "See https")))


def of_sweeper(text: str) -> str:
    """Name the options `study.…` as an unchanged program has them.

    >>> of_sweeper("give either seed=… or study.seeds=…; study.mine is a key of the program")
    'give either seed=… or hydra.sweeper.seeds=…; study.mine is a key of the program'
    """
    return re.sub(rf"\bstudy\.(?=({'|'.join(StudyOptions.model_fields)})\b)", "hydra.sweeper.", text)


def relative(text: str) -> str:
    """Write absolute paths below the working folder as relative paths, which are shorter and can be typed."""
    return text.replace(f"{Path.cwd()}{os.sep}", "")
