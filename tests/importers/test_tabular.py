"""Tables with roles become results: levels, runs, facts and metrics, against plain Python and pandas."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.importers.table import NO_SEED, Roles, Table
from ablate.importers.tabular import ABSENT, FOLDS, UNPAIRED, UNPAIRED_SEEDS, level_of, results_of
from ablate.storage.results import StudyResults

ROLES = Roles(factors=("method",), seed="seed", metrics=("accuracy",))
COLUMNS = {"method": ["base", "ours"] * 2, "seed": [0, 0, 1, 1], "accuracy": [0.5, 0.6, 0.4, 0.7]}


def read(roles: Roles = ROLES, **columns: list[object]) -> StudyResults:
    frame = {name: pd.Series([str(value) for value in values], dtype=object) for name, values in (COLUMNS | columns).items()}
    return results_of(Table("t.csv", pd.DataFrame(frame), [f"t.csv, line {at}" for at in range(2, 6)]), roles)


@pytest.mark.parametrize(
    "text", ["1", "0.1", "1e-05", "true", "1.10", "007", "nan", "1e3", "x", "", "-2", "100000000000000000000"]
)
def test_a_level_is_what_python_would_print(text: str) -> None:
    """A number is one if Python writes it in the same way, so that no two texts become one level."""
    plain = level_of(text).value
    if isinstance(plain, bool):
        assert text == str(plain).lower()
    else:
        assert str(plain) == text


def test_rows_become_runs_with_their_places() -> None:
    found = read(data=["cifar"] * 4)
    assert found.runs["seed"].tolist() == [0, 0, 1, 1]
    assert found.runs["directory"].tolist() == [f"t.csv, line {at}" for at in range(2, 6)]
    assert found.runs["label"].tolist() == ["method=base", "method=ours"] * 2
    assert found.values["accuracy"].tolist() == COLUMNS["accuracy"]
    assert [str(level) for level in found.factors["method"]] == ["base", "ours"]
    assert found.facts == {"data": Level.of("cifar")}
    assert found.paired
    assert not found.description.caveats


def test_a_lost_value_is_missing_and_its_run_finished() -> None:
    found = read(accuracy=[0.5, "nan", 0.4, "failed"])
    assert found.values["accuracy"].isna().tolist() == [False, True, False, True]
    assert found.runs["status"].tolist() == ["finished"] * 4


def test_without_seeds_every_run_has_a_number_and_nothing_is_paired() -> None:
    found = read(Roles(factors=("method",), seed=NO_SEED, metrics=("accuracy",)))
    assert (found.paired, found.runs["seed"].nunique()) == (False, 4)
    assert found.description.caveats == (UNPAIRED,)
    apart = read(seed=[0, 1, 2, 3])
    assert apart.description.caveats == (UNPAIRED_SEEDS.format("seed"),)


def test_percent_signs_and_the_direction_of_a_metric() -> None:
    found = read(Roles(factors=("method",), seed="seed", metrics=("accuracy",), lower_is_better=("accuracy",)),
                 accuracy=["50%", "60%", "40%", "70%"])  # fmt: skip
    assert found.values["accuracy"].tolist() == pytest.approx([0.5, 0.6, 0.4, 0.7])
    assert (found.metrics["accuracy"].unit, found.metrics["accuracy"].better) == ("%", "lower")


def test_the_last_step_and_the_mean_of_a_curve() -> None:
    """Against pandas."""
    rows = pd.DataFrame({"method": ["base"] * 4 + ["ours"] * 4, "seed": [0, 0, 1, 1] * 2, "epoch": [1, 2] * 4,
                         "accuracy": [0.1, 0.5, 0.2, 0.6, 0.3, 0.7, 0.2, 0.8]})  # fmt: skip
    table = Table("t.csv", rows.astype(str).astype(object), [f"line {at}" for at in range(8)])
    for how in ("last", "mean", "max", "min"):
        roles = Roles(factors=("method",), seed="seed", metrics=("accuracy",), step="epoch", at_step=how)  # type: ignore[arg-type]
        reference = rows.sort_values("epoch").groupby(["method", "seed"])["accuracy"].agg(how)
        assert results_of(table, roles).values["accuracy"].tolist() == pytest.approx(reference.tolist())


@pytest.mark.parametrize(
    ("roles", "columns", "message"),
    [
        (ROLES, {"accuracy": ["0.5 ± 0.1", 0.6, 0.4, 0.7]}, r"t.csv, line 2: accuracy is '0.5 ± 0.1', a summary of several runs"),
        (ROLES, {"accuracy": ["[0.5, 0.6]", "[]", "[]", "[1]"]}, r"accuracy is '\[0.5, 0.6\]', a list of several values. .* one row"),
        (ROLES, {"accuracy": ["good", 0.6, 0.4, 0.7]}, "it should be a number, empty for a run without a value, or nan, N/A or failed"),
        (ROLES, {"seed": ["", 0, 1, 1]}, "seed is empty; every run needs a seed.*use --seed none"),
        (ROLES, {"method": ["base"] * 4, "seed": [0, 1, 2, 3]}, "--factors method: it is base in every row of t.csv"),
        (ROLES, {"seed": [0, 0, 0, 0]}, "line 2 and t.csv, line 4 are both method=base, seed 0.*--duplicates last"),
        (Roles(factors=("methd",), seed="seed", metrics=("accuracy",)), {}, "--factors methd: t.csv has no such column.*Did you mean 'method'?"),
        (Roles(factors=("method", "seed"), seed="seed", metrics=("accuracy",)), {}, "the column seed is named twice"),
        (Roles(factors=("method",), seed="seed", metrics=("accuracy",), at_step="last"), {}, "which column is the step?"),
        (Roles(factors=("method",), seed="seed", metrics=("accuracy",), baseline={"method": "theirs"}), {}, "--baseline method=theirs: .*base, ours"),
        (Roles(factors=("method",), seed="seed", metrics=("accuracy",), baseline={"lr": "1"}), {}, "--baseline lr: it is not a factor; available: method"),
    ],
)  # fmt: skip
def test_refusals_name_the_row_and_the_way_out(roles: Roles, columns: dict[str, list[object]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(roles, **columns)


def test_not_a_number_is_no_level() -> None:
    assert level_of(math.nan) == Level.of(None)
    assert level_of(None) == Level.of(None)


def test_a_row_of_means_is_no_run() -> None:
    with pytest.raises(UsageError, match="t.csv, line 4: seed is 'mean', so this row is a summary of others"):
        read(seed=[0, 0, "mean", "std"])
    assert read(seed=["a", "a", "mean", "mean"]).runs["seed"].tolist() == ["a", "a", "mean", "mean"]


def test_an_empty_level_is_none_and_spreadsheets_write_truth_in_capitals() -> None:
    found = read(method=["", "ours", "", "ours"])
    assert [level.value for level in found.factors["method"]] == [None, "ours"]
    assert [level_of(text).value for text in ("TRUE", "FALSE", "True")] == [True, False, True]


def test_levels_that_may_be_one_are_a_caveat() -> None:
    assert read(method=["Ours", "base", "ours", "base"]).description.caveats == (
        "method: Ours and ours are 2 levels; if they mean the same, write them in the same way.",
        ABSENT.format(2, 1),
    )
    assert "method: 1e-3 and 0.001 are 2 levels" in read(method=["1e-3", "0.1", "0.001", "0.1"]).description.caveats[0]
    assert "method: w/o BN and w/o_bn are" in read(method=["w/o BN", "a+b", "w/o_bn", "a b"]).description.caveats[0]
    assert "method: w/o-bn and w/o BN are" in read(method=["w/o-bn", "a+b", "w/o BN", "a b"]).description.caveats[0]
    assert not read(method=["C", "C++", "c#", "0.1"]).description.caveats
    assert not read(method=["1.1", "1.2", "1.10.0", "nan"]).description.caveats


def test_seeds_that_may_be_one_are_a_caveat() -> None:
    (unpaired, alike) = read(seed=["seed_0", 0, "seed_1", 1]).description.caveats
    assert unpaired == UNPAIRED_SEEDS.format("seed")
    assert alike == "seed: seed_0 and 0 are different seeds (and 1 more); if they are one, write them in the same way."
    assert not read(seed=["a0", "a0", "a1", "a1"]).description.caveats
    assert not read(seed=[0, 0, 10, 10]).description.caveats


def test_seeds_that_some_configurations_lack_are_a_caveat() -> None:
    rows = pd.DataFrame({"method": ["a", "b", "a", "b", "a"], "seed": [0, 0, 1, 1, 2], "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5]})
    places = [f"line {number}" for number in range(2, 7)]
    assert results_of(Table("r.csv", rows, places), ROLES).description.caveats == (ABSENT.format(3, 2),)
    lost = pd.concat([rows, rows.iloc[[3]].assign(seed=2, accuracy=math.nan)], ignore_index=True)
    assert not results_of(Table("r.csv", lost, [*places, "line 7"]), ROLES).description.caveats  # it counts as lost


@pytest.mark.parametrize("name", ["fold", "cv_split"])
def test_folds_as_seeds_are_a_caveat(name: str) -> None:
    rows = pd.DataFrame({"method": ["a", "b"] * 2, name: [0, 0, 1, 1], "accuracy": [0.1, 0.2, 0.3, 0.4]})
    found = results_of(Table("r.csv", rows, ["", "", "", ""]), replace(ROLES, seed=name))
    assert found.description.caveats == (FOLDS.format(name),)


def test_fractions_beside_percentages_are_a_caveat() -> None:
    found = read(accuracy=[0.85, 82.4, 0.86, 83.1])
    assert found.description.caveats == (
        "accuracy may mix fractions and percentages: it is 0.85 in t.csv, line 2, and 82.4 in t.csv, line 3.",
    )
    for accuracy in ([0.85, 0.86, 1, 0], [85, 86, 82.4, 0.5], [0.9, 0.8, 1.0000000000000002, 1.1]):
        assert not read(accuracy=accuracy).description.caveats
    of_f1 = read(Roles(factors=("method",), seed="seed", metrics=("macro_f1",)), macro_f1=[0.85, 82.4, 0.86, 83.1])
    assert of_f1.description.caveats[0].startswith("macro_f1 may mix fractions and percentages")
    steps = [*[0.7, 40, 70] * 4]
    frame = {"method": ["base"] * 6 + ["ours"] * 6, "seed": [0, 0, 0, 1, 1, 1] * 2, "step": [1, 2, 3] * 4, "accuracy": steps}
    table = Table("t.csv", pd.DataFrame(frame).astype(str), [f"line {at}" for at in range(12)])
    found = results_of(table, replace(ROLES, step="step", at_step="last"))  # the first steps do not count
    assert not any("may mix" in caveat for caveat in found.description.caveats)
