"""The names of configurations."""

from ablate.core.cells import Cell
from ablate.core.levels import Factor
from ablate.report.configurations import Configurations


def named(rows: list[dict[str, object]]) -> Configurations:
    factors = {key: Factor.of(key, [row[key] for row in rows]) for key in rows[0]}
    return Configurations.of({str(at): Cell.of(row) for at, row in enumerate(rows)}, factors)


def test_with_many_factors_a_configuration_is_named_by_its_changes_from_the_baseline() -> None:
    factors = [f"model.factor{at}" for at in range(5)]
    rows: list[dict[str, object]] = [{key: row == at for at, key in enumerate(factors, 1)} for row in range(3)]
    first = ", ".join(f"factor{at}=false" for at in range(5))
    found = named(rows)
    assert list(found.names.values()) == [first, "factor0=true", "factor1=true"]
    assert found.labels["1"] == "factor0=true,factor1=false,factor2=false,factor3=false,factor4=false"
    assert not found.column_each
    few = named([{key: row[key] for key in factors[:4]} for row in rows])
    assert few.names["1"] == "factor0=true,factor1=false,factor2=false,factor3=false"
    assert few.column_each


def test_with_blocks_a_name_begins_with_its_block() -> None:
    rows = [{"stem": stem, "data": data} for data in "ab" for stem in "xy"]
    factors = {key: Factor.of(key, [row[key] for row in rows]) for key in rows[0]}
    found = Configurations.of({str(at): Cell.of(row) for at, row in enumerate(rows)}, factors, "data")
    assert list(found.changes.values()) == ["baseline", "data=a, stem=y", "data=b", "data=b, stem=y"]
    assert not found.single_changes


def test_configurations_of_equal_levels_are_told_apart_by_their_digest() -> None:
    found = named([{"stem": "a"}, {"stem": "a"}, {"stem": "b"}])
    assert list(found.names.values()) == ["stem=a 0", "stem=a 1", "stem=b"]


def test_a_study_without_factors_has_one_configuration() -> None:
    found = Configurations.of({"x": Cell({})}, {})
    assert (list(found), list(found.names.values()), found.column_each) == (["x"], ["base"], False)
