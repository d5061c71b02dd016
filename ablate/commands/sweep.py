"""`ablate sweep`: study a program that does not use Hydra.

    ablate sweep lr=0.1,0.01 dropout=true,false seeds=5 -- python train.py --lr {lr} {dropout:--dropout} --seed {seed}

Before `--`: levels for the placeholders of the command, and study options such as `seeds`, `name`, `design`, `metrics`.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections import Counter

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.core.secrets import redacted
from ablate.core.text import nearest, number_in
from ablate.engine.external import CONFIG, run_command, script_of
from ablate.engine.options import StudyOptions
from ablate.engine.placeholders import COMMAND, PLACEHOLDER, SEED, placeholders

OWN_KEYS = (COMMAND, "regex", "reads_files")
FILES = ("metrics", "metrics_file")
QUOTED = ("metrics", "name", "root")  # options that are names or patterns of files
NEEDS_QUOTES = re.compile(r"[^\w/\\+.$%*@?|:,= -]|(?<!\\)=", re.ASCII)  # what Hydra's grammar refuses in a text without quotes
LAUNCHER = re.compile(r"\+{0,2}hydra[/.]launcher(\..+)?")
QUIET = ("hydra/job_logging=stdout", "hydra.output_subdir=null")
EPILOG = """\
placeholders of the command:
  {lr}                              the level of lr
  {dropout:--dropout}               --dropout if the level is true, nothing if it is false or null
  {dropout:--dropout|--no-dropout}  with an argument for false
  {seed}                            the seed; numbers start at 1

The metrics are the last line of the output that is a JSON object, or those of metrics='**/metrics.csv' (CSV, JSON, YAML or
TensorBoard, in the folder of the run, which is ABLATE_RUN_DIR in the environment of the command), or those of --regex.
The options are those of `study`: see docs/reference/study-options.md. hydra/launcher=… and hydra.launcher.… choose where the
runs run: see docs/cluster.md.
"""


def main() -> None:
    """Parse the command line, and sweep the command with the engine of Hydra programs."""
    typed = sys.argv[1:]
    own, command = (typed[: typed.index("--")], typed[typed.index("--") + 1 :]) if "--" in typed else (typed, [])
    parser = argparse.ArgumentParser(
        prog="ablate sweep",
        usage="ablate sweep KEY=LEVEL,LEVEL … [OPTION=VALUE …] [--regex REGEX] -- COMMAND",
        description="Study a program that does not use Hydra, such as one with argparse.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="levels of a placeholder, or a study option")
    parser.add_argument("--regex", help="an expression with named groups for the metrics: 'accuracy: (?P<accuracy>\\S+)'")
    arguments = parser.parse_intermixed_args(own)
    try:
        overrides = prepare(arguments.settings, command, arguments.regex)
    except UsageError as error:
        print(f"ablate: {error}", file=sys.stderr)
        sys.exit(2)
    program = run_command.program  # type: ignore[attr-defined]
    program.script = script_of(command)
    if program.script is None:
        print(f"ablate: the files that {command[0]} executes are not known, so a change of its code will not be noticed.")
    program.command_line = shlex.join(["ablate", "sweep", *redacted(typed)])
    sys.argv = [sys.argv[0], "-m", *overrides, *QUIET]
    run_command()


def prepare(settings: list[str], command: list[str], regex: str | None = None) -> list[str]:
    """Register the configuration of a command. Returns the overrides of the sweep.

    Raises:
        UsageError: if there is no command, or if a placeholder has no level, or a level no placeholder.
    """
    if not command:
        raise UsageError("no command: write it after --, as in `ablate sweep lr=0.1,0.01 -- python train.py --lr {lr}`.")
    names = placeholders(command)
    typed = [setting.partition("=")[0].removeprefix("study.").removeprefix("hydra.sweeper.") for setting in settings]
    if twice := [key for key, times in Counter(typed).items() if times > 1]:
        raise UsageError(f"{twice[0]} is given twice: write all its levels in one place, as in {twice[0]}=LEVEL,LEVEL.")
    given = dict(setting.partition("=")[::2] for setting in settings)
    if without := [setting for setting in settings if "=" not in setting]:
        raise UsageError(f"{without[0]}: expected KEY=VALUE before --.")
    for name in (name for name in names if name in OWN_KEYS):
        raise UsageError(f"{{{name}}}: this name is ablate's own; choose another one for the placeholder.")
    for part in command:
        for found in PLACEHOLDER.finditer(part):
            if found[2] is not None and found[0] != part:
                raise UsageError(
                    f"{found[0]} adds or leaves out an argument, so it has to be one of its own, not a part of {part}."
                )
    for name in names:
        if name not in given and name != SEED:
            raise UsageError(f"the command has {{{name}}}, which has no level: add {name}=… before --.")
    options = {}
    launcher = [f"{key}={given.pop(key)}" for key in list(given) if LAUNCHER.fullmatch(key)]
    for key in [key for key in given if key not in names]:
        option = key.removeprefix("study.").removeprefix("hydra.sweeper.")
        if option.split(".")[0] not in StudyOptions.model_fields and key != SEED:
            hint = nearest(key, [*names, *StudyOptions.model_fields])
            raise UsageError(f"{key}: the command has no {{{key}}}, and it is not a study option.{hint}")
        options[option] = given.pop(key)
    seeds = options.pop(SEED, None)
    if SEED not in names and SEED not in given and (seeds is not None or "seeds" in options or "until" in options):
        raise UsageError("the command has no {seed}: with several seeds, it needs one, as in `--seed {seed}`.")
    for name, value in given.items():
        _refuse_equal(name, value)
    if regex is not None:
        _check(regex)
    patterns = [options[key] for key in FILES if options.get(key, "null") != "null"]
    reads_files = any(not pattern.startswith("{") for pattern in patterns)  # a mapping only describes the metrics
    content = OmegaConf.create({COMMAND: list(map(_escaped, command)), "regex": regex, "reads_files": reads_files})
    for name in names:
        OmegaConf.update(content, name, None, force_add=True)
    ConfigStore.instance().store(name=CONFIG, node=content)
    return [
        *launcher,
        *(f"{key}={_levels(value)}" for key, value in given.items()),
        *(f"hydra.sweeper.{key}={_quoted(value) if key.startswith(QUOTED) else value}" for key, value in options.items()),
    ]


def _refuse_equal(name: str, value: str) -> None:
    """Refuse two levels that are the same number: one would not run, and as a version or a name they differ."""
    seen: dict[float, str] = {}
    if any(sign in value for sign in "[{("):  # levels that are lists or mappings, or a range
        return
    for text in map(str.strip, value.split(",")):
        try:
            number = number_in(text)
        except ValueError:
            continue
        if seen.setdefault(number, text) != text:
            raise UsageError(
                f"{name}: {seen[number]} and {text} are the same number. For texts, such as versions, quote them: "
                f"{name}=\"'{seen[number]}','{text}'\"."
            )


def _check(regex: str) -> None:
    try:
        groups = re.compile(regex).groupindex
    except re.error as error:
        raise UsageError(f"--regex {regex}: {error}.") from None
    if not groups:
        raise UsageError(f"--regex {regex}: it has no named group, such as (?P<accuracy>\\S+).")


def _escaped(argument: str) -> str:
    """An argument that OmegaConf does not read as an interpolation."""
    return re.sub(r"(\\*)\$\{", lambda found: 2 * found[1] + r"\${", argument)


def _levels(value: str) -> str:
    """Levels for Hydra's grammar: texts with characters that it does not know are quoted.

    A value with quotes, brackets or braces, which have a meaning in the grammar, stays as it is.

    >>> _levels("naïve, a&b,plain,epoch=3.ckpt")
    "'naïve','a&b',plain,'epoch=3.ckpt'"
    >>> _levels("range(1,4)")
    'range(1,4)'
    """
    if any(character in value for character in "'\"()[]{}"):
        return value
    levels = re.split(r"(?<!\\),", value)
    return ",".join(_quoted(level.strip()) if NEEDS_QUOTES.search(level) else level for level in levels)


def _quoted(value: str) -> str:
    """A name or a pattern for files as Hydra's grammar needs it; a mapping as it is."""
    return value if value[:1] in ("{", "'", '"') else QuotedString(value, Quote.single).with_quotes()
