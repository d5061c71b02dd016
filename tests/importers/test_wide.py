"""Wide tables become long ones."""

import pandas as pd
import pytest

from ablate.core.errors import UsageError
from ablate.importers.table import Roles, Table
from ablate.importers.wide import melted


def table(**columns: list[str]) -> Table:
    frame = pd.DataFrame(columns, dtype=object)
    return Table("wide.csv", frame, [f"line {at + 2}" for at in range(len(frame))])


def test_a_column_a_seed_becomes_rows_and_summaries_are_left_out() -> None:
    wide = table(method=["base", "ours"], seed_0=["1", "2"], seed_1=["3", "4"], mean=["2", "3"], std=["1", "1"])
    long, roles = melted(wide, Roles(wide="seed", factors=("method",)))
    assert long.frame[["method", "seed", "value"]].to_numpy().tolist() == [
        ["base", "0", "1"], ["ours", "0", "2"], ["base", "1", "3"], ["ours", "1", "4"],
    ]  # fmt: skip
    assert (roles.seed, roles.metrics, roles.factors, roles.wide) == ("seed", ("value",), ("method",), None)
    assert long.places[2] == "line 2, column seed_1"
    assert long.notes == ("2 columns melted into seed (seed_0 … seed_1); not melted: mean, std",)


def test_a_column_a_method_becomes_a_factor_and_the_seed_stays() -> None:
    long, roles = melted(table(seed=["0", "1"], base=["1", "2"], ours=["3", "4"]), Roles(wide="method", metrics=("acc",)))
    assert long.frame["method"].tolist() == ["base", "base", "ours", "ours"]
    assert (roles.factors, roles.seed, roles.metrics) == (("method",), "seed", ("acc",))


def test_levels_with_a_summary_in_their_name_stay_and_summaries_are_left_out_and_named() -> None:
    names = ["max_pool", "avg_pool", "min-snr", "n_gram", "rank 8", "acc std", "mean", "Std. Dev.", "95% CI"]
    wide = table(seed=["0", "1"], **{name: ["1", "2"] for name in names})
    long, roles = melted(wide, Roles(wide="pooling", metrics=("acc",)))
    assert list(dict.fromkeys(long.frame["pooling"])) == names[:5]
    assert roles.seed == "seed"
    assert long.notes == ("5 columns melted into pooling (max_pool … rank 8); not melted: acc std, mean, Std. Dev., 95% CI",)


def test_one_column_cannot_be_melted_and_names_are_not_taken_twice() -> None:
    with pytest.raises(UsageError, match=r"--wide method: wide\.csv has no two columns of numbers without another role"):
        melted(table(seed=["0", "1"], base=["1", "2"]), Roles(wide="method"))
    with pytest.raises(UsageError, match="has a column method already; choose another name for --wide and --metric"):
        melted(table(method=["a", "b"], x=["1", "2"], y=["3", "4"]), Roles(wide="method"))


def test_a_constant_column_is_no_level() -> None:
    frame = {"lr": ["0.1", "0.1"], "seed": ["0", "1"], "baseline": ["0.5", "0.6"], "ours": ["0.7", "0.8"]}
    table = Table("t.csv", pd.DataFrame(frame), ["2", "3"])
    long, _ = melted(table, Roles(wide="method", metrics=("acc",)))
    assert set(long.frame["method"]) == {"baseline", "ours"}
    assert "not melted: lr" in long.notes[-1]
