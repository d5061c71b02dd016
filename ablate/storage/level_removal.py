"""Remove a level of a factor, such as a mistyped one, from study.yaml and plan.csv once it has no runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.storage.layout import known_cells, split_folder
from ablate.storage.manifest import StudyManifest, manifest_lock
from ablate.storage.plan_file import read_plan_rows, write_plan


def reason_to_keep(manifest: StudyManifest, factor: Factor, level: Level) -> str | None:
    """Why a level has to stay in a study even without runs, as a part of a sentence; None if it need not."""
    if level == factor.baseline:
        return "it is that of the baseline"
    parts: dict[str, list[Any]] = {
        "claims": manifest.claims,
        "controls": [{factor.key: manifest.controls.get(factor.key, [])}],
        "leave_out": manifest.leave_out,
        "block_bounds": [{manifest.blocks: list(manifest.block_bounds)}],
    }
    for name, entries in parts.items():
        if any(_names(entry, Level.of(factor.key)) and _names(entry, level) for entry in entries):
            return f"{name} of study.yaml name it"
    return None


def _names(node: Any, level: Level) -> bool:
    """Whether this value is in a node of YAML, as a key, as a value, or as a text."""
    try:
        if Level.of(node) == level or str(node) == level.text:
            return True
    except UsageError:  # a mapping, or not a number
        pass
    if isinstance(node, dict):
        return any(_names(key, level) or _names(value, level) for key, value in node.items())
    return isinstance(node, list | tuple) and any(_names(each, level) for each in node)


def remove_level(study: Path, key: str, level: Level) -> None:
    """Remove a level without runs, and its configurations, from study.yaml and plan.csv."""
    with manifest_lock(study):
        manifest = StudyManifest.read(study)
        rows = read_plan_rows(study)
        kept = [row for row in rows if row.get(key) != level.text]
        same = {
            short: each
            for short, each in manifest.same.items()
            if key not in each.levels or Level.of(each.levels[key]) != level
        }
        needed = {*map(_cell_of, kept), *known_cells(study), *same, *(each.runner for each in same.values())}
        gone = {*map(_cell_of, rows), *manifest.same} - needed
        manifest.model_copy(
            update={
                "factors": {
                    **manifest.factors,
                    key: [each for each in manifest.factors.get(key, []) if Level.of(each) != level],
                },
                "experiments": {short: built for short, built in manifest.experiments.items() if short not in gone},
                "same": same,
            }
        ).write(study)
        if len(kept) < len(rows):
            write_plan(study, [list(rows[0]), *(list(row.values()) for row in kept)])


def _cell_of(row: dict[str, str]) -> str:
    """The short digest of the cell whose folder a row of plan.csv names."""
    return split_folder(Path(row["directory"]).parent.name)[1]
