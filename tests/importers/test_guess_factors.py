"""The factors that are guessed in tables of single runs; those of other tables are in test_guess.py."""

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.guess_factors import factors
from ablate.importers.table import NO_SEED, Roles, Table

ROLES = Roles(metrics=("accuracy",), seed=NO_SEED)


def table(**columns: list[object]) -> Table:
    frame = pd.DataFrame({"accuracy": ["0.9", "0.8", "0.7"], **columns}, dtype=object)
    return Table("results.csv", frame, ["line 2", "line 3", "line 4"])


@pytest.mark.parametrize("name", ["method", "name", "model.arch"])
def test_a_column_of_different_names_is_the_factor_of_single_runs(name: str) -> None:
    found = factors(table(**{name: ["ours", "w/o BN", "w/o both"], "layers": ["1", "2", "3"]}), ROLES)
    assert found == ((name,), ["layers (different in every run)"], [])


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        ({"run": ["a", "b", "c"]}, ROLES),
        ({"run_id": ["a", "b", "c"]}, ROLES),
        ({"notes": ["a", "b", "c"]}, ROLES),
        ({"layers": ["1", "2", "3"]}, ROLES),
        ({"method": ["a", "b", "c"], "arch": ["x", "y", "z"]}, ROLES),  # which of them?
        ({"method": ["a", "b", "c"], "seed": ["0", "1", "2"]}, Roles(metrics=("accuracy",), seed="seed")),  # confounded
    ],
)
def test_other_tables_without_a_repeated_level_are_refused(columns: dict[str, list[object]], roles: Roles) -> None:
    with pytest.raises(UsageError, match="no column looks like a factor"):
        factors(table(**columns), roles)
