"""Studies on disk and in memory, written without training anything: what a report is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ablate.core import designs
from ablate.core.cells import Cell
from ablate.core.descriptions import Description
from ablate.core.levels import Factor
from ablate.core.metrics import Metrics, MetricSpec
from ablate.report.build import compose
from ablate.report.model import Report
from ablate.storage.manifest import StudyManifest
from ablate.storage.records import RunRecord
from ablate.storage.results import StudyResults

EPOCHS = 4
PROVENANCE = {
    "code": "c0de",
    "commit": "abcdef0",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6"},
    "numerics": {"device": "cpu", "threads": 2},
    "hardware": {"processor": "a processor", "cores": 2},
}
ACCURACY = MetricSpec("test_accuracy", "final accuracy", "%", 1, "higher", chance=0.1)
METRICS = (
    ACCURACY,
    MetricSpec("speed", "throughput", "images/s", 0, "higher", role="cost"),
    MetricSpec("parameters", digits=0, better="lower", role="cost"),
)
Levels = Mapping[str, Any]
CLAIM = {"id": "C1", "says": "Dropout is not needed", "quote": "いらない", "kind": "contrast", "metric": ACCURACY.name,
         "contrast": {"factor": "model.dropout", "from": True, "to": False}, "expects": "higher", "margin": 0.01}  # fmt: skip


def grid(factors: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of these levels."""
    return [cell.values_by_key for cell in designs.factorial([Factor.of(key, levels) for key, levels in factors.items()])]


def accuracy(levels: Levels, seed: int) -> float:
    """The first level of every factor is the worst; a seed is worth as much in every cell; and there is noise."""
    gain = sum(0.02 * (int(hashlib.sha256(f"{key}{level}".encode()).hexdigest(), 16) % 5) for key, level in levels.items())
    noise = np.random.default_rng([seed, *str(sorted(levels.items(), key=str)).encode()]).normal(0, 0.01)
    return float(0.5 + gain / max(len(levels), 1) + 0.01 * np.sin(seed) + noise)


def results(
    value: Callable[[int, int], float] = lambda arm, seed: 0.1 * arm + seed / 3,
    metric: str = "f1",
    arms: int = 2,
    seeds: int = 5,
    **more: Any,
) -> StudyResults:
    """Runs of arms 0, 1, … under each seed; more arguments are those of `grid_results`."""
    factors = {"arm": list(range(arms))} if arms > 1 else {}
    return grid_results(factors, lambda levels, seed: value(levels.get("arm", 0), seed), metric, seeds, **more)


def grid_results(
    factors: Mapping[str, Sequence[Any]],
    value: Callable[[Levels, int], float],
    metric: str = "f1",
    seeds: int = 5,
    specs: Iterable[MetricSpec] = (),
    description: Description | None = None,
    **manifest: Any,
) -> StudyResults:
    """Runs of every cell of the factors under each seed, as an importer gives them; `manifest` is what study.yaml would hold."""
    rows = [(Cell.of(levels), seed, value(levels, seed)) for levels in grid(factors) for seed in range(seeds)]
    labels = [cell.label for cell, _, _ in rows]
    runs = pd.DataFrame(
        {
            "cell": labels,
            "label": labels,
            "seed": [seed for _, seed, _ in rows],
            "status": "finished",
            "error": None,
            "directory": [f"{cell.label}/{seed}" for cell, seed, _ in rows],
            "left_out": None,
        }
    )
    levels = pd.DataFrame({key: [cell[key] for cell, _, _ in rows] for key in factors}, index=runs.index, dtype=object)
    known = Metrics({spec.name: spec for spec in specs})
    return StudyResults(
        runs=runs,
        levels=levels,
        values=pd.DataFrame({metric: [float(number) for _, _, number in rows]}),
        factors={key: Factor.of(key, each) for key, each in factors.items()},
        metrics=known.completed([metric]),
        manifest=StudyManifest.model_validate(manifest),
        description=description or Description(),
    )


def reported(folder: Path, gain: float, noise: float, seeds: int = 5, **manifest: Any) -> Report:
    """A study in which removing dropout gains `gain`, give or take `noise`."""

    def value(levels: Levels, seed: int) -> float:
        return 0.5 + (not levels["model.dropout"]) * (gain + noise * (-1) ** seed * (1 + seed) / 5)

    results = grid_results({"model.dropout": [True, False]}, value, ACCURACY.name, seeds, specs=[ACCURACY], **manifest)
    return compose(results, name="s", folder=folder)


def write_runs(
    study: Path,
    cells: Sequence[Levels],
    seeds: int,
    value: Callable[[Levels, int], float] = accuracy,
    status: Callable[[Levels, int], tuple[str, str | None]] = lambda levels, seed: ("finished", None),
    provenance: Callable[[Levels, int], Mapping[str, Any]] = lambda levels, seed: PROVENANCE,
    description: Description | None = None,
    **manifest: Any,
) -> Path:
    """Runs of `cells` under each seed, with the metrics METRICS; `manifest` is study.yaml. A status `missing` leaves a hole.

    plan.csv has all of them.
    """
    factors: dict[str, list[Any]] = {}
    for levels in cells:
        for key, level in levels.items():
            factors.setdefault(key, [])
            factors[key] += [level] if level not in factors[key] else []
    plan = ["seed,state,directory,note"]
    for levels in cells:
        label = Cell.of(levels).label
        cell = hashlib.sha256(label.encode()).hexdigest()[:8]
        folder = f"{designs.slug(label)[:80]}-{cell}"
        for seed in range(seeds):
            ended, error = status(levels, seed)
            plan.append(f'{seed},to do,"runs/{folder}/seed={seed}",')
            if ended != "missing":
                record = RunRecord.model_validate(
                    {
                        "identity": f"{cell}{seed}", "cell": cell, "seed": seed, "label": label, "choices": {},
                        "overridden": list(levels), "status": ended, "error": error, "attempts": 1, "epochs": EPOCHS,
                        "timing": {"started": "2026-11-24T07:13:51+00:00", "seconds": 1.0}, "provenance": provenance(levels, seed),
                    }
                )  # fmt: skip
                final = value(levels, seed)
                if ended == "finished":
                    record.metrics = {"test_accuracy": final, "speed": 100.0, "parameters": 1000 + 10 * len(folder)}
                write_run(study / "runs" / folder / f"seed={seed}", record, {"seed": seed, **levels}, final)
    content = {"command": "python -m ablate.run -m …", "factors": factors, **manifest}
    described = description or Description(metrics=METRICS)
    StudyManifest.model_validate({**content, "description": described.to_mapping()}).write(study)
    (study / "plan.csv").write_text("\n".join(plan) + "\n", encoding="utf-8")
    return study


def write_run(directory: Path, record: RunRecord, config: Mapping[str, Any], final: float) -> None:
    """The files of one run, whose accuracy grows in equal steps."""
    directory.mkdir(parents=True)
    (directory / "run.json").write_text(record.model_dump_json(indent=1), encoding="utf-8")
    (directory / "config.yaml").write_text(yaml.safe_dump(dict(config), allow_unicode=True), encoding="utf-8")
    history = [f"{epoch},{final * epoch / EPOCHS:.4f}" for epoch in range(1, EPOCHS + 1)]
    (directory / "history.csv").write_text("\n".join(["epoch,test_accuracy", *history]) + "\n", encoding="utf-8")
