"""Studies on disk, written without running anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ablate.storage.manifest import StudyManifest
from ablate.storage.records import RunRecord, write_record
from ablate.storage.results import StudyResults


def manifest(study: Path, **content: Any) -> None:
    StudyManifest.model_validate(content).write(study)


def put(directory: Path, record: RunRecord, config: Mapping[str, Any]) -> Path:
    directory.mkdir(parents=True)
    write_record(directory, record)
    (directory / "config.yaml").write_text(yaml.safe_dump(dict(config), sort_keys=False))
    return directory


def add(study: Path, dropout: bool, stem: str, seed: int, value: float | None) -> Path:
    """A finished run of the cell `<dropout><stem>`."""
    cell = f"{dropout}{stem}"
    record = RunRecord(
        identity=f"{cell}{seed}", cell=cell, seed=seed, label=f"{dropout},{stem}", choices={"stem": stem},
        overridden=["stem", "model.dropout", "seed"], status="finished", metrics={"accuracy": value, "size": 3},
    )  # fmt: skip
    directory = put(study / "runs" / cell / f"seed={seed}", record, {"model": {"dropout": dropout}, "seed": seed})
    (directory / "history.csv").write_text("epoch,loss\n1,0.5\n")
    return directory


def values(results: StudyResults, factor: str) -> list[Any]:
    return [level.value for level in results.levels[factor]]


def levels(results: StudyResults) -> dict[str, list[Any]]:
    return {key: [level.value for level in factor] for key, factor in results.factors.items()}
