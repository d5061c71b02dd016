"""Tables that tools export, recognized by their columns: MLflow, Optuna, Weights & Biases, and ClearML."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from ablate.importers.table import Kind, Table

_PREFIXES: dict[str, Mapping[str, Kind | None]] = {  # None: either a level or a result
    "search_runs() of MLflow": {"metrics.": "metric", "params.": "config", "tags.": "other"},
    "trials_dataframe() of Optuna": {
        "params_": "config", "user_attrs_": None, "system_attrs_": "other", "values_": "metric", "intermediate_": "other",
    },
    "a table of Weights & Biases": {},
    "runs of Weights & Biases": {"config.": "config", "summary.": "metric"},
    "a table of ClearML": dict.fromkeys(  # with a dot in its CSV files, with a slash in Task.get_parameters()
        (f"{name}{sign}" for name in ("Args", "General", "Hydra", "OmegaConf", "Hyperparameters") for sign in "./"), "config"
    ),
}  # fmt: skip
_CLEARML_METRIC = re.compile(r"(?:Summary › )?(.+?)(?: \(Last\))?")  # "accuracy › test (Last)"; "Summary" has single values
# In lower case: what tells about a run, and is neither a level nor a result
_ABOUT = {
    *("run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time", "number", "state", "datetime_start"),
    *("datetime_complete", "duration", "id", "name", "notes", "user", "username", "tags", "created", "runtime", "sweep"),
    *("updated", "started", "completed", "project", "type", "iteration", "last iteration", "hostname", "run time", "queue"),
    *("worker", "comment", "description", "report", "parent", "active duration", "host machine", "github", "job type"),
    "unnamed: 0",
}
# By the time at which runs began they are sorted, because tables begin with the newest
_STARTED = ("start_time", "datetime_start", "created", "started")


def recognized(table: Table) -> Table:
    """A table with what its columns hold and without their prefixes, if a known tool exported it; otherwise unchanged.

    Prefixes stay where two columns would have one name. Rows are sorted by the time at which runs began, so that the level of
    the first run is the baseline.
    """
    table = _with_mappings(table)
    tool = _tool(table.columns)
    if tool is None:
        return table
    prefixes = _PREFIXES[tool]
    kinds: dict[str, Kind] = {}
    names: dict[str, str] = {}
    for name in table.columns:
        prefix = next((each for each in prefixes if name.startswith(each) and len(name) > len(each)), None)
        kind = prefixes[prefix] if prefix else ("other" if name.lower() in _ABOUT else None)
        names[name] = name.removeprefix(prefix) if prefix and kind != "other" else name
        if prefix == "config." and tool == "runs of Weights & Biases":  # stored as {"lr": {"value": 0.1, "desc": null}}
            names[name] = names[name].removesuffix(".value")
            kind = "other" if f"{name.removesuffix('.desc')}.value" in table.frame and name.endswith(".desc") else kind
        if tool == "trials_dataframe() of Optuna" and re.fullmatch(r"value|values_.*", name):
            names[name], kind = name, "metric"
        if tool == "a table of ClearML" and kind is None:
            names[name], kind = _of_clearml(name)
        if kind is not None:
            kinds[name] = kind
    taken = list(names.values())
    names = {old: new if taken.count(new) == 1 else old for old, new in names.items()}
    frame = table.frame.rename(columns=names)
    kinds = {names[name]: kind for name, kind in kinds.items()}
    for name, kind in kinds.items():
        if kind == "config":
            frame[name] = pd.Series([None if value == "" else value for value in frame[name]], frame.index, dtype=object)
    order = _order(frame)
    return replace(
        table,
        frame=frame.loc[order].reset_index(drop=True),
        places=[table.places[at] for at in order],
        notes=(tool, *table.notes),
        kinds=kinds,
        aliases={old: new for old, new in names.items() if old != new},
    )


def _tool(columns: list[str]) -> str | None:
    lower = {name.lower() for name in columns}

    def has(*prefixes: str) -> bool:
        return any(name.startswith(prefix) for name in columns for prefix in prefixes)

    if "run_id" in columns and has("metrics.", "params."):
        return "search_runs() of MLflow"
    if {"number", "state"} <= lower and has("params_", "values_", "user_attrs_", "value"):
        return "trials_dataframe() of Optuna"
    if has("config.") and has("summary."):
        return "runs of Weights & Biases"
    if {"Name", "State"} <= set(columns) and lower & {"created", "runtime", "sweep", "user"}:
        return "a table of Weights & Biases"
    of_clearml = has(*_PREFIXES["a table of ClearML"]) or any(" › " in name for name in columns)
    if {"name", "status"} <= lower and (of_clearml or {"project", "started"} <= lower):
        return "a table of ClearML"
    return None


def _of_clearml(name: str) -> tuple[str, Kind | None]:
    """The short name of a column of ClearML, and what it holds: `metric › variant (Last)`, `section.parameter`, or unknown."""
    if name.startswith("PARENT TASK"):
        return name, "other"
    if " › " in name and (match := _CLEARML_METRIC.fullmatch(name)):
        return match[1].replace(" › ", "/"), "metric"
    return name, "config" if "." in name else None


def _with_mappings(table: Table) -> Table:
    """The recipe in the documentation of Weights & Biases writes the columns `config` and `summary` with mappings as text."""
    if not {"config", "summary"} <= set(table.columns):
        return table
    parts = [table.frame.drop(columns=["config", "summary"])]
    for name in ("config", "summary"):
        try:
            rows = [_mapping(text) for text in table.frame[name]]
        except (ValueError, SyntaxError):
            return table
        keys = dict.fromkeys(key for row in rows for key in row if not key.startswith("_"))
        parts += [pd.DataFrame({f"{name}.{key}": pd.Series([row.get(key, "") for row in rows], dtype=object) for key in keys})]
    return replace(table, frame=pd.concat(parts, axis=1))


def _mapping(text: str) -> dict[str, str]:
    """The scalars of a mapping that Python printed, as texts."""
    quoted = re.sub(r"(?<=[:\[,] )-?(nan|inf)\b", r"'\1'", text)
    content = ast.literal_eval(quoted)
    if not isinstance(content, dict):
        raise ValueError(text)
    found: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            found |= {f"{key}.{inner}": each for inner, each in _mapping(repr(value)).items()}
        else:
            found[str(key)] = "" if value is None else str(value)
    return found


def _order(frame: pd.DataFrame) -> list[int]:
    """The rows by the time in the first column of _STARTED whose fields are ISO dates, which sort as text."""
    for name in (each for started in _STARTED for each in frame.columns if each.lower() == started):
        texts = frame[name].astype(str)
        if texts.str.match(r"\d{4}-\d\d-\d\d").all():
            return texts.sort_values(kind="stable").index.tolist()
    return list(range(len(frame)))
