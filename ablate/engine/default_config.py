"""Render the configuration files of the study options from their schema.

conf/ablate.yaml is behind `defaults: [ablate, _self_]`, conf/hydra/sweeper/ablate.yaml behind `hydra/sweeper=ablate`, and
conf_help/hydra/help/default.yaml, which replaces Hydra's file of this name, behind `hydra/sweeper=ablate --help`. They are
files so that Hydra finds them without importing this package. The table of the options in the documentation is rendered, too.
After a change of the schema, run:

    python -m ablate.engine.default_config
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import yaml
from hydra import conf as hydra_conf

from ablate.engine.experiment import FIRST_SEED
from ablate.engine.options import CheckpointOptions, StudyOptions

FILE = Path(__file__).parent / "conf" / "ablate.yaml"
SWEEPER_FILE = FILE.parent / "hydra" / "sweeper" / "ablate.yaml"
SWEEPER_WITH_LOGGER = (
    FILE.parents[1] / "conf_default" / "hydra" / "sweeper" / "ablate.yaml"
)  # see hydra_plugins/ablate_sweeper.py
HELP_FILE = FILE.parents[1] / "conf_help" / "hydra" / "help" / "default.yaml"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "study-options.md"
END_OF_TABLE = "<!-- end of the options -->"
GENERATED = "# Generated from ablate/engine/options.py by `python -m ablate.engine.default_config`.\n"
HEADER = f"""\
# @package _global_
{GENERATED}seed: {FIRST_SEED}

study:
"""
FOOTER = """\
Powered by Hydra (https://hydra.cc)
Use --hydra-help to view Hydra specific help

== Options of a study (ablate) ==
A sweep: -m key=value,value. The same command continues it.

"""
COLUMNS = 110  # of the help of a program
SWEEPER_HEADER = """\
_target_: hydra_plugins.ablate_sweeper.AblateSweeper
_recursive_: false
_convert_: all
# overrides by key, for a sweep defined in a file
params: null
"""


def render() -> str:
    """Render conf/ablate.yaml: each option with a comment and its default, and the help of a program."""
    options = "".join(f"  {line}\n" for line in _options())
    return f"{HEADER}{options}\nhydra:\n  help:\n    footer: |-\n{textwrap.indent(footer('study'), '      ')}"


def render_help() -> str:
    """Render conf_help/hydra/help/default.yaml: Hydra's own, with the options of `hydra.sweeper` below."""
    hydra = yaml.safe_load((Path(hydra_conf.__file__).parent / "hydra" / "help" / "default.yaml").read_text(encoding="utf-8"))
    parts = {**hydra, "footer": footer("hydra.sweeper")}
    texts = (f"{key}: |\n{textwrap.indent(text, '  ')}" if "\n" in text else f"{key}: {text}\n" for key, text in parts.items())
    return GENERATED + "".join(texts)


def footer(node: str) -> str:
    """The options of a study for `--help` of a program, which shows its configuration without comments.

    Args:
        node: where the options are: `study` or `hydra.sweeper`.
    """
    width = max(map(len, StudyOptions.model_fields)) + len(node) + 1
    lines = []
    for name, field in StudyOptions.model_fields.items():
        if name in StudyOptions.defaults():
            first, *rest = textwrap.wrap(field.description or "", COLUMNS - width - 2)
            lines += [f"{f'{node}.{name}':<{width}}  {first}", *(f"{'':{width}}  {line}" for line in rest)]
    return FOOTER + "".join(f"{line}\n" for line in lines)


def render_sweeper(with_logger: bool = False) -> str:
    """Render hydra/sweeper/ablate.yaml, with the same options; `with_logger` puts the group `logger` into the defaults list."""
    defaults = "defaults: [{/logger@_global_.logger: null}, _self_]\n" if with_logger else ""
    return GENERATED + defaults + SWEEPER_HEADER + "".join(f"{line}\n" for line in _options())


def _options() -> list[str]:
    """The lines of YAML with the options, each preceded by a comment."""
    lines = []
    for name, default in StudyOptions.defaults().items():
        lines += [f"# {StudyOptions.model_fields[name].description}", f"{name}: {_flow(default)}"]
        if name == "checkpoint":
            lines[-1] += f"  # minutes: {CheckpointOptions.model_fields['minutes'].description}"
    return lines


def with_options_table(page: str) -> str:
    """A page of the documentation with the present table of the options, between `| option` and `END_OF_TABLE`."""
    before, after = page[: page.index("| option")], page[page.index(END_OF_TABLE) :]
    return f"{before}{_options_table()}\n{after}"


def _options_table() -> str:
    rows = ["| option | default | what it does | values |", "|---|---|---|---|"]
    for name, field in StudyOptions.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        default = _flow(StudyOptions.defaults()[name])
        rows.append(f"| `study.{name}` | `{default}` | {field.description} | {extra['allowed']} |")
    return "\n".join(rows) + "\n"


def _flow(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
    for path in (SWEEPER_FILE, SWEEPER_WITH_LOGGER):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_sweeper(with_logger=path == SWEEPER_WITH_LOGGER), encoding="utf-8")
    HELP_FILE.parent.mkdir(parents=True, exist_ok=True)
    HELP_FILE.write_text(render_help(), encoding="utf-8")
    if PAGE.exists():  # in a checkout
        PAGE.write_text(with_options_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
