"""Render conf/ablate.yaml, the configuration behind `defaults: [ablate, _self_]`, from the schema of the study options.

It is a file so that Hydra finds it without importing this package. After a change of the schema, run:

    python -m ablate.engine.default_config
"""

from __future__ import annotations

from pathlib import Path

import yaml

from ablate.engine.options import CheckpointOptions, StudyOptions

FILE = Path(__file__).parent / "conf" / "ablate.yaml"
HEADER = """\
# @package _global_
# Generated from ablate/engine/options.py by `python -m ablate.engine.default_config`.
defaults:
  - override /hydra/sweeper: ablate
  - override /hydra/job_logging: stdout
  - override /hydra/hydra_logging: disabled
  - _self_

seed: 0

study:
"""
FOOTER = """
hydra:
  run: {dir: .}
  sweep: {dir: ., subdir: .}
  output_subdir: null  # each run writes config.yaml instead
"""


def render() -> str:
    """Render conf/ablate.yaml: each option with a comment and its default."""
    lines = []
    for name, default in StudyOptions.defaults().items():
        lines += [f"  # {StudyOptions.model_fields[name].description}", f"  {name}: {_flow(default)}"]
        if name == "checkpoint":
            lines[-1] += f"  # minutes: {CheckpointOptions.model_fields['minutes'].description}"
    return HEADER + "\n".join(lines) + "\n" + FOOTER


def options_table() -> str:
    """Render the options as a Markdown table for the documentation."""
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
