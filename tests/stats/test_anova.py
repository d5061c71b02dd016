"""Analysis of variance, against statsmodels' analysis of variance and a table worked out by hand."""

import math

import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from ablate.stats.anova import anova
from tests.stats.conftest import noise, outcomes, study


def noisy(levels: dict, seed: int) -> float:
    return (
        seed + noise(1.0)(levels, seed) + 2 * (levels["stem"] == "a") + 1.5 * (levels["stem"] == "a") * (levels["norm"] == "z")
    )


def reference(frame: pd.DataFrame, formula: str, typ: int = 2) -> pd.DataFrame:
    data = frame.rename(columns={"accuracy": "y"})
    return sm.stats.anova_lm(smf.ols(f"y ~ {formula} + C(seed)", data).fit(), typ=typ)


def test_two_factors_are_those_of_the_usual_analysis_of_variance() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "y", "z"]}, noisy, seeds=5)
    found = anova(outcomes(frame, "accuracy")).set_index("term")
    expected = reference(frame, "C(stem) * C(norm)")
    pairs = [
        ("stem", "C(stem)"),
        ("norm", "C(norm)"),
        ("stem × norm", "C(stem):C(norm)"),
        ("residual", "Residual"),
        ("seeds", "C(seed)"),
    ]
    for term, name in pairs:
        assert found.loc[term, "ss"] == pytest.approx(expected.loc[name, "sum_sq"])
        assert found.loc[term, "df"] == expected.loc[name, "df"]
        if term not in ("residual", "seeds"):
            assert found.loc[term, "f"] == pytest.approx(expected.loc[name, "F"])
            assert found.loc[term, "p"] == pytest.approx(expected.loc[name, "PR(>F)"])
    mse = expected.loc["Residual", "sum_sq"] / 20
    total = ((frame["accuracy"] - frame["accuracy"].mean()) ** 2).sum()
    omega = (expected.loc["C(norm)", "sum_sq"] - 2 * mse) / (total + mse)
    assert found.loc["norm", "omega_squared"] == pytest.approx(omega)
    assert found["ss"].sum() == pytest.approx(total)
    assert (found["n"] == 5).all()
    assert (found["note"] == "").all()


def test_what_is_left_of_higher_orders_is_not_put_into_the_residual() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "z"], "drop": [True, False]}, noisy, seeds=4)
    found = anova(outcomes(frame, "accuracy")).set_index("term")
    expected = reference(frame, "C(stem) * C(norm) * C(drop)")
    assert found.loc["higher orders", "ss"] == pytest.approx(expected.loc["C(stem):C(norm):C(drop)", "sum_sq"])
    assert found.loc["residual", "df"] == expected.loc["Residual", "df"] == 3 * 7
    assert found.loc["norm × drop", "f"] == pytest.approx(expected.loc["C(norm):C(drop)", "F"])
    first = anova(outcomes(frame, "accuracy"), order=1).set_index("term")
    assert first.index.tolist() == ["stem", "norm", "drop", "higher orders", "seeds", "residual"]
    assert first.loc["higher orders", "df"] == 4
    with pytest.raises(ValueError, match="order 3: main effects"):
        anova(outcomes(frame, "accuracy"), order=3)


def test_a_table_worked_out_by_hand() -> None:
    """Cells a = 1, 2, 3 and b = 5, 4, 6 under three seeds.

    Means 2 and 5: SS = 3 x 2 x 1.5^2 = 13.5. Seeds 3, 3, 4.5 about 3.5: 2 x 1.5 = 3. Total 17.5, residual 1, df 2.
    """
    values = {"a": [1, 2, 3], "b": [5, 4, 6]}
    found = anova(outcomes(study({"stem": ["a", "b"]}, lambda levels, seed: values[levels["stem"]][seed], 3), "accuracy"))
    found = found.set_index("term")
    assert found["ss"].to_dict() == pytest.approx({"stem": 13.5, "seeds": 3.0, "residual": 1.0})
    assert found.loc["stem", "f"] == pytest.approx(27)
    assert found.loc["stem", "omega_squared"] == pytest.approx((13.5 - 0.5) / (17.5 + 0.5))


def test_seeds_that_are_not_complete_are_left_out_and_said() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "z"]}, noisy, seeds=6)
    frame.loc[1, "status"] = "failed"
    found = anova(outcomes(frame, "accuracy"))
    expected = anova(outcomes(frame[frame["seed"] > 0], "accuracy"))
    pd.testing.assert_frame_equal(found.drop(columns="note"), expected.drop(columns="note"))
    assert (found["note"] == "complete in all cells: 5 of 6 seeds").all()


def test_terms_that_cannot_be_estimated_are_said_and_not_guessed() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "z"], "nothing": [1, 2]}, noisy, seeds=5)
    frame["directory"] = [
        f"{row['stem']}/{row['norm'] if row['stem'] == 'a' else ''}/{row['seed']}" for row in frame.to_dict("records")
    ]
    shared = frame.groupby("directory")["accuracy"].transform("first")
    frame["accuracy"] = shared
    found = anova(outcomes(frame, "accuracy")).set_index("term")
    assert found.loc["nothing", "note"] == "the factor has no effect on the configuration"
    assert math.isnan(found.loc["nothing", "p"])
    assert found.loc["stem × norm", "note"].startswith(
        "cannot be estimated: one of the factors has no effect on the configuration at some level"
    )
    wide = frame.drop_duplicates("directory").assign(cell=lambda rows: rows["stem"] + rows["norm"] * (rows["stem"] == "a"))
    model = smf.ols("accuracy ~ 0 + C(cell) + C(seed)", wide).fit()
    hand = model.f_test("C(cell)[ax] = C(cell)[az]")
    assert found.loc["norm", "f"] == pytest.approx(float(hand.fvalue))
    assert found.loc["norm", "note"].endswith("strata where it has no effect on the configuration are left out")
    assert found.loc["residual", "df"] == 8
    assert "higher orders" not in found.index


def test_one_change_at_a_time_has_no_interactions() -> None:
    frame = study({"stem": ["a", "b"], "norm": ["x", "z"]}, noisy, seeds=5)
    found = anova(outcomes(frame[(frame["stem"] == "a") | (frame["norm"] == "x")], "accuracy")).set_index("term")
    assert found.loc["stem × norm", "note"] == "cannot be estimated: the factorial is incomplete"
    assert found.loc["stem", "df"] == 1
    assert found.loc["residual", "df"] == 8


def test_without_complete_seeds_there_are_rows_and_no_numbers() -> None:
    frame = study({"stem": ["a", "b"]}, lambda levels, seed: 1.0, seeds=1)
    found = anova(outcomes(frame, "accuracy"))
    assert found["term"].tolist() == ["stem"]
    assert math.isnan(found["ss"].iloc[0])
    assert found["note"].iloc[0] == "fewer than two complete seeds"


def test_runs_that_are_all_equal_yield_no_warning_and_no_effect() -> None:
    frame = study({"stem": ["a", "b"]}, lambda levels, seed: 1.0, seeds=5)
    found = anova(outcomes(frame, "accuracy")).set_index("term")
    assert found.loc["stem", "ss"] == pytest.approx(0)
