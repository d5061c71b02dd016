"""How the metrics of a run are read: settled by the first command of a study, because averages over two ways mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.core.errors import UsageError
from ablate.engine.options import StudyOptions
from ablate.storage.dataframe import load_results
from ablate.storage.layout import some_run_is_done
from ablate.storage.manifest import StudyManifest


def reading_of(options: StudyOptions) -> dict[str, Any]:
    """The options, as far as they are given, that say which values of a run are its metrics, and what they are called."""
    asked = {"metrics_file": options.metric_files, "returns": options.returns}
    found: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    if options.metrics_row != "last":
        found |= {"metrics_row": options.metrics_row, "metric": options.metric}  # by which the row is chosen
    return found


def settled_reading(study: Path, before: StudyManifest, now: Mapping[str, Any]) -> dict[str, Any]:
    """The reading of a study: that of this command as long as no run is done, or if an earlier version recorded none.

    Raises:
        UsageError: if it differs from that of runs that are done.
    """
    was = before.reading
    if was is None or was == now or not some_run_is_done(study):
        return dict(now)
    changes = [
        f"{key} was {_shown(was.get(key))} and is now {_shown(now.get(key))}"
        for key in {**was, **now}
        if was.get(key) != now.get(key)
    ]
    raise UsageError(
        f"this command reads the metrics of runs differently from the study {study}: {'; '.join(changes)}. Runs that are "
        "done are not read again. Use the old settings, or choose another study.name."
    )


def settled_metric(study: Path, before: StudyManifest, asked: str | None) -> str | None:
    """The name of the main metric; None for the first one.

    Raises:
        UsageError: if claims that name no metric, which are about the main one, would be about another one now.
    """
    if asked is None or asked == before.metric:
        return before.metric
    unnamed = [claim for claim in before.claims if not claim.get("metric")]
    main = before.metric or (load_results(study).main_metric if unnamed else "")
    if unnamed and main not in ("", asked):
        raise UsageError(
            f"study.metric={asked}: the claims of {study} are fixed since its start, and claim {unnamed[0].get('id')} is about "
            f"{main}, the main metric. Choose another study.name."
        )
    return asked


def _shown(value: Any) -> str:
    return "not given" if value is None else f"{value}"
