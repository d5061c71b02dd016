"""Studies on disk, written without training anything: what a report is made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ablate.core import designs
from ablate.storage.records import Record, write_study

EPOCHS = 4
PROVENANCE = {
    "code": "c0de",
    "commit": "abcdef0",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6"},
    "numerics": {"device": "cpu", "threads": 2},
    "hardware": {"processor": "a processor", "cores": 2},
}
Levels = Mapping[str, Any]


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
) -> pd.DataFrame:
    """Runs of arms 0, 1, … under each seed, as `read_results` gives them."""
    rows = [(arm, seed, value(arm, seed)) for arm in range(arms) for seed in range(seeds)]
    frame = pd.DataFrame(rows, columns=["arm", "seed", metric])
    frame = frame.assign(cell="arm=" + frame["arm"].astype(str), status="finished", error=None, left_out=None)
    frame["label"], frame["directory"] = frame["cell"], frame["cell"] + "/" + frame["seed"].astype(str)
    frame.attrs |= {"factors": {"arm": list(range(arms))} if arms > 1 else {}, "facts": {}}
    return frame


def write_runs(
    study: Path,
    cells: Sequence[Levels],
    seeds: int,
    value: Callable[[Levels, int], float] = accuracy,
    status: Callable[[Levels, int], tuple[str, str | None]] = lambda levels, seed: ("finished", None),
    provenance: Callable[[Levels, int], Mapping[str, Any]] = lambda levels, seed: PROVENANCE,
    **launched: Any,
) -> Path:
    """Runs of `cells` under each seed, with a test accuracy; `launched` is study.yaml. A status `missing` leaves a hole.

    plan.csv has all of them.
    """
    factors: dict[str, list[Any]] = {}
    for levels in cells:
        for key, level in levels.items():
            factors.setdefault(key, [])
            factors[key] += [level] if level not in factors[key] else []
    plan = ["seed,state,directory,note"]
    for levels in cells:
        label = designs.label(levels)
        cell = hashlib.sha256(label.encode()).hexdigest()[:8]
        folder = f"{designs.slug(label)[:80]}-{cell}"
        for seed in range(seeds):
            ended, error = status(levels, seed)
            plan.append(f'{seed},to do,"runs/{folder}/seed={seed}",')
            if ended == "missing":
                continue
            directory = study / "runs" / folder / f"seed={seed}"
            directory.mkdir(parents=True)
            final = value(levels, seed)
            metrics = {"final_test_accuracy": final, "images_per_second": 100.0, "parameters": 1000 + 10 * len(folder)}
            record = Record(
                f"{cell}{seed}", cell, seed, label, {}, list(levels), ended, error, 1, EPOCHS,
                {"started": "2026-11-24T07:13:51+00:00", "seconds": 1.0}, metrics if ended == "finished" else {},
                dict(provenance(levels, seed)),
            )  # type: ignore[arg-type]  # fmt: skip
            (directory / "run.json").write_text(json.dumps(asdict(record)), encoding="utf-8")
            (directory / "config.yaml").write_text(
                yaml.safe_dump({"seed": seed, **levels}, allow_unicode=True), encoding="utf-8"
            )
            history = [f"{epoch},{final * epoch / EPOCHS:.4f}" for epoch in range(1, EPOCHS + 1)]
            (directory / "history.csv").write_text("\n".join(["epoch,test_accuracy", *history]) + "\n", encoding="utf-8")
    write_study(study, {"command": "python -m ablate.run -m …", "factors": factors, "decisions": {}, **launched})
    (study / "plan.csv").write_text("\n".join(plan) + "\n", encoding="utf-8")
    return study
