"""What ablate wrote about runs can be read back: `ablate export` and `Study.runs`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.commands.export import as_text, exported
from ablate.core.errors import UsageError
from ablate.importers.imported import Imported, read_source
from ablate.importers.table import Roles
from ablate.storage.dataframe import load_results
from tests.report.studies import grid, write_runs

LEVELS = {"stem": ["=cmd|calc", "'=b", "plain"], "dropout": [True, False]}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_runs(tmp_path_factory.mktemp("own") / "s", grid(LEVELS), 3)


def levels(found: Imported) -> dict[str, set[object]]:
    return {key: {level.value for level in factor.levels} for key, factor in found.results().factors.items()}


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_has_the_factors_of_the_study_with_their_levels(
    study: Path, tmp_path: Path, form: str, history: bool
) -> None:
    path = tmp_path / f"export.{form}"
    path.write_text(as_text(exported(study, history)[0], form))
    found = read_source(path, Roles(at_step="last" if history else None))
    assert levels(found) == {key: set(each) for key, each in LEVELS.items()}
    assert found.roles.seed == "seed"
    if form == "csv":
        assert ",=" not in path.read_text()


def test_the_frame_of_the_runs_has_the_values_of_the_study(study: Path) -> None:
    results = load_results(study)
    found = read_source(results.to_frame())
    assert found.roles.factors == ("stem", "dropout")
    again = found.results()
    assert again.values["test_accuracy"].tolist() == results.values["test_accuracy"].tolist()
    assert levels(read_source(again.to_frame())) == levels(found)
    assert read_source(results.to_frame(), Roles(factors=("label",))).results().runs["cell"].nunique() == 6


def test_a_result_that_repeats_is_no_factor_of_runs() -> None:
    """`epochs` differs between the seeds of the only configuration."""
    runs = pd.DataFrame({"cell": "c", "label": "base", "seed": range(6), "status": "finished", "error": None})
    runs = runs.assign(directory=[f"runs/c/seed={seed}" for seed in range(6)], left_out=None, epochs_to=[4, 5] * 3)
    runs = runs.assign(acc=np.linspace(0.8, 0.9, 6))
    with pytest.raises(UsageError, match="no column looks like a factor"):
        read_source(runs)
    assert read_source(runs.drop(columns="cell")).roles.factors == ("epochs_to",)  # not ours


def test_runs_of_two_studies_are_compared_by_the_column_that_tells_them_apart(study: Path, tmp_path: Path) -> None:
    other = write_runs(tmp_path / "other", grid({"stem": ["plain", "wide"]}), 3)
    frames = [load_results(each).to_frame().assign(study=each.name) for each in (study, other)]
    found = read_source(pd.concat(frames))
    assert found.roles.factors == ("stem", "dropout", "study")
    assert levels(found)["study"] == {"s", "other"}
    twice = pd.concat([frames[0], frames[0].assign(study="again")])
    assert read_source(twice).roles.factors == ("stem", "dropout", "study")
