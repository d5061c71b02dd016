"""`ablate.load`: a study, or the results of another program, as a `Study`."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from ablate.core.errors import UsageError
from ablate.importers.imported import read_source
from ablate.importers.sources import Source, source_of
from ablate.importers.table import AtStep, Duplicates, Roles
from ablate.report import build
from ablate.report.claims_of_imports import read_claims, with_claims
from ablate.report.import_options import level_typed
from ablate.report.study import Study
from ablate.storage.dataframe import load_results
from ablate.storage.results import StudyResults

EXAMPLE = 'factors=["method"], seed="seed", metrics=["accuracy"]'


def load(
    source: str | Path | pd.DataFrame,
    *,
    factors: str | Sequence[str] | None = None,
    seed: str | None = None,
    metrics: str | Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    claims: str | Path | Sequence[Mapping[str, Any]] | None = None,
    baseline: str | Sequence[str] | Mapping[str, object] | None = None,
    lower_is_better: bool | str | Sequence[str] | None = None,
    blocks: str | None = None,
    status: str | None = None,
    run: str | None = None,
    wide: str | None = None,
    step: AtStep | None = None,
    step_column: str | None = None,
    duplicates: Duplicates | None = None,
    files: str | None = None,
    experiment: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
) -> Study:
    """Load a study from its folder, or the results of another program.

    Args:
        source: the folder of a study, such as `outputs/digits`, or its name in `outputs/`; a CSV file, a JSON file or a data
            frame with one row for each run; or a Hydra multirun folder, logs of Lightning or TensorBoard, an MLflow store, or a
            table that MLflow, Optuna, W&B or ClearML exported. Factors, seed and metrics that are not named are guessed as by
            `ablate report`; for a file and a data frame, a warning says what was guessed.
        factors: the columns with the levels. This and all that follows but `metrics` is for results of another program.
        seed: the column that pairs the runs; `none`: they are compared unpaired.
        metrics: the columns with the results, the main one first. For the folder of a study, the first is the main metric. A
            mapping also describes them: `{"acc": {"title": "Accuracy", "unit": "%", "digits": 1, "better": "higher"}}`.
        claims: as in YAML, or the path of a YAML file, which may also have `chance` and `budgets`.
        baseline: by factor, the level to compare with, or texts such as `"method=base"`; by default the first one in the rows.
        lower_is_better: `True`: lower values of the first metric are better; or the names of such metrics.
        blocks: the column with data sets or tasks: blocks, not a treatment.
        status: the column with the status: finished, failed, crashed, …
        run: the column with the name of the run, for several rows and no seed.
        wide: `"seed"` if there is a column for each seed, or a name such as `"method"` if there is one for each level of this
            factor; `metrics` names the values.
        step: of logs, and of a table with a row for each step, which of a run's values counts: `last` (default), `mean`, or
            `max` or `min`: those of the step at which the first metric is largest or smallest.
        step_column: the column with the step; by default `step`, `epoch`, …
        duplicates: of several rows of one run, `last` counts, or their `mean`; by default they are refused.
        files: of the folder of a run, the files with metrics: a pattern such as `**/metrics.csv`.
        experiment: of an MLflow store, the experiment by name or id.
        delimiter: of a CSV file, the sign between fields, or its name. This, the sign before the decimals, `decimal`, and the
            `encoding` are recognized unless given.

    Raises:
        UsageError: if there are no runs, a file cannot be read, a name is unknown, or an argument is not for this source.

    Example:
        >>> import ablate, pandas as pd
        >>> rows = pd.DataFrame({"method": ["old", "new"] * 5, "seed": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]})
        >>> rows["acc"] = 0.8 + 0.01 * (rows["method"] == "new") + rows["seed"] / 1000
        >>> study = ablate.load(rows, factors="method", seed="seed", metrics={"acc": {"title": "Accuracy"}})
        >>> study.contrasts()["estimate"].round(3).tolist()
        [0.01]
    """
    if not isinstance(source, str | Path | pd.DataFrame):
        raise UsageError(f"ablate.load takes a path or a data frame, not {type(source).__name__}; use pandas.DataFrame(rows).")
    names = _names(metrics) or ()
    described = {str(name): keys for name, keys in metrics.items()} if isinstance(metrics, Mapping) else {}
    for name, value, allowed in (("step", step, get_args(AtStep)), ("duplicates", duplicates, ("last", "mean"))):
        if value is not None and value not in allowed:
            raise UsageError(f"{name}={value!r}: expected one of {', '.join(allowed)}.")
    roles = Roles(
        factors=_names(factors),
        metrics=names or None,
        seed=_name(seed),
        run=_name(run),
        step=_name(step_column),
        at_step=step,
        status=_name(status),
        blocks=_name(blocks),
        baseline=_baseline(baseline),
        lower_is_better=() if isinstance(lower_is_better, bool) else _names(lower_is_better) or (),
        duplicates=duplicates or "refuse",
        wide=wide,
    )
    reading = {"files": files, "experiment": experiment, "delimiter": delimiter, "decimal": decimal, "encoding": encoding}
    path, found = (None, None) if isinstance(source, pd.DataFrame) else source_of(Path(source))
    if path is not None and path.is_dir() and found is None:
        others = replace(roles, metrics=None) != Roles() or claims or lower_is_better
        if others or any(each is not None for each in reading.values()):
            raise UsageError(f"only metrics may be named for {path}, which is a study: leave the other arguments out.")
        results = load_results(path)
        for message in results.warnings:
            warnings.warn(message, stacklevel=2)
        results = build.described(results, {name: described.get(name, {}) for name in names}, path)
    else:
        rows = source if isinstance(source, pd.DataFrame) else found or Path(source)
        results, guessed = _of_other(rows, roles, reading, lower_is_better is True)
        if guessed and found is None:
            warnings.warn(f"{guessed} Name the columns, such as {EXAMPLE}, to be sure.", stacklevel=2)
        content = _claims(claims, list(map(str, results.values)))
        results = with_claims(results, content.get("claims"), described, content.get("chance"), content.get("budgets"))
    return Study(results, "results" if path is None else path.resolve().name, names[0] if names else None)


def _names(given: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """The names of columns as texts; a single name need not be in a list."""
    if given is None:
        return None
    several = isinstance(given, Iterable) and not isinstance(given, str)
    return tuple(map(str, given if several else [given])) or None


def _name(given: str | None) -> str | None:
    return None if given in (None, "") else str(given)


def _baseline(given: str | Iterable[str] | Mapping[str, object] | None) -> dict[str, object]:
    """The baseline levels by factor."""
    if given is None or isinstance(given, Mapping):
        return dict(given or {})
    texts = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if not all(isinstance(text, str) and "=" in text for text in texts):
        raise UsageError(f"baseline={given!r}: expected levels by factor, such as {{'method': 'base'}} or 'method=base'.")
    return dict(map(level_typed, texts))


def _claims(given: str | Path | Sequence[Mapping[str, Any]] | None, metrics: Sequence[str]) -> dict[str, Any]:
    """The claims and what a file has beside them."""
    if isinstance(given, str | Path):
        try:
            return read_claims(Path(given), metrics)
        except UsageError as error:
            raise UsageError(f"{error}{_arguments_named_in(str(error))}") from None
    if isinstance(given, Mapping) or not isinstance(given, Iterable | None):
        raise UsageError(f"claims={given!r}: expected a list of mappings, or the path of a YAML file with one.")
    return {"claims": given}


def _of_other(
    source: Source | Path | pd.DataFrame, roles: Roles, reading: Mapping[str, Any], lower_is_better: bool
) -> tuple[StudyResults, str]:
    """The results of another program, and what was guessed of them as a sentence; empty if nothing that matters was."""
    try:
        found = read_source(source, roles, lower_is_better=lower_is_better, **reading)
        results = found.results()
    except UsageError as error:
        raise UsageError(f"{error}{_arguments_named_in(str(error))}") from None
    certain = found.table.kinds or (roles.factors and roles.seed and roles.metrics) or not found.guessed
    return results, "" if certain else f"{found.table.source}: guessed {found.guessed}."


def _arguments_named_in(message: str) -> str:
    """What the options that a message of the importers names are called here."""
    options = dict.fromkeys(re.findall(r"(?<!\S)`?--([a-z]+(?:-[a-z]+)*)\b", message))
    arguments = {option: "metrics" if option == "metric" else option.replace("-", "_") for option in options}
    known = inspect.signature(load).parameters
    names = [f"--{option} is `{argument}`" for option, argument in arguments.items() if argument in known]
    return f" (Among the arguments of ablate.load, {' and '.join(names)}.)" if names else ""
