"""Study folders without training: configurations, records and histories of runs whose results are drawn."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

EPOCHS = 10


@dataclass(frozen=True)
class Shape:
    """A factorial study: the number of levels of each factor, and the seeds of each cell."""

    levels: tuple[int, ...]
    seeds: int

    @property
    def factors(self) -> dict[str, list[str]]:
        """Keys and levels."""
        return {f"factor{number}": [f"level{n}" for n in range(count)] for number, count in enumerate(self.levels, 1)}

    def describe(self) -> str:
        """Such as `2 x 5 levels, 10 seeds`."""
        return f"{' x '.join(map(str, self.levels))} levels, {self.seeds} seeds"


def write_study(folder: Path, shape: Shape) -> None:
    """Write the folder of a finished study, in the format of studies on disk."""
    draw = np.random.default_rng(0)
    factors = shape.factors
    experiments = {}
    cells = list(itertools.product(*factors.values()))
    for number, levels in enumerate(cells):
        digest = f"{number:08x}"
        experiments[digest] = f"{number:016x}"
        setting = dict(zip(factors, levels, strict=True))
        mean = 0.8 + 0.05 * number / len(cells)
        for seed in range(shape.seeds):
            _write_run(folder, digest, setting, seed, mean + draw.normal(scale=0.01))
    typed = " ".join(f"{key}={','.join(levels)}" for key, levels in factors.items())
    study = {
        "command": f"python train.py -m {typed} study.seeds={shape.seeds}",
        "program": "train.py",
        "factors": factors,
        "experiments": experiments,
        "seeds": list(range(shape.seeds)),
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")


def _write_run(folder: Path, digest: str, setting: dict[str, str], seed: int, accuracy: float) -> None:
    label = ",".join(f"{key}={level}" for key, level in setting.items())
    run = folder / "runs" / f"{label}-{digest}" / f"seed={seed}"
    run.mkdir(parents=True)
    record = {
        "identity": f"{digest}{seed:08x}",
        "cell": digest,
        "seed": seed,
        "label": label,
        "choices": {},
        "overridden": list(setting),
        "status": "finished",
        "error": None,
        "attempts": 1,
        "epochs": EPOCHS,
        "timing": {"started": "2026-01-01T00:00:00+00:00", "processes": 1, "seconds": 60.0},
        "metrics": {"accuracy": accuracy, "loss": 1 - accuracy},
        "provenance": {"code": "0", "packages": {}, "numerics": {"device": "cpu"}, "hardware": {"processor": "none"}},
    }
    # as to_yaml writes it, with the seed in a line of its own, but faster
    config = "".join(f"{key}: {value}\n" for key, value in {"seed": seed, **setting}.items())
    (run / "config.yaml").write_text(config, encoding="utf-8")
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    curve = (f"{epoch},{1 - accuracy * epoch / EPOCHS:.6f},{accuracy * epoch / EPOCHS:.6f}" for epoch in range(1, EPOCHS + 1))
    (run / "history.csv").write_text("\n".join(["epoch,test_loss,test_accuracy", *curve, ""]), encoding="utf-8")
