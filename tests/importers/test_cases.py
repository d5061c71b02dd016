"""Result files as people have them, from the text of the file to the estimate. Each has once been refused or misread."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from ablate.core.claims import Change, parse_all
from ablate.core.errors import UsageError
from ablate.importers.csv import read_table
from ablate.importers.guess import completed
from ablate.importers.table import Roles
from ablate.importers.tabular import results_of
from ablate.stats.contrasts import by_stratum, every_contrast
from ablate.stats.estimates import Estimate
from ablate.stats.judge import Judgement, judge
from ablate.stats.outcomes import Outcomes
from ablate.storage.results import StudyResults
from tests.stats.test_cases import CROSSOVER, FIFTY_BASE, FIFTY_OURS, RMSE, TEN_DATASETS

GAIN = {"id": "gain", "says": "ours is better", "kind": "contrast", "contrast": {"factor": "method", "from": "base", "to": "ours"},
        "expects": "higher", "margin": 0.01}  # fmt: skip
BASE, VARIANT = [0.7149, 0.7141, 0.7126, 0.7064, 0.7118], [0.7352, 0.7229, 0.7283, 0.7196, 0.7233]
CURVES = {
    "base": ([12.7, 307.9, 402.0, 451.3, 479.1, 519.6], [-3.5, 239.7, 400.0, 443.9, 524.7, 542.0],
             [21.7, 253.3, 407.9, 464.3, 494.7, 514.0], [-26.0, 233.9, 413.5, 463.1, 506.8, 540.8],
             [-34.7, 247.1, 401.2, 474.8, 494.9, 541.3]),
    "ours": ([4.2, 282.3, 445.3, 560.8, 595.5, 569.5], [27.0, 318.5, 490.8, 537.1, 580.3, 585.0],
             [50.7, 303.0, 495.7, 531.8, 589.5, 574.1], [-7.7, 326.2, 438.9, 566.2, 593.0, 586.6],
             [-10.0, 297.4, 462.9, 534.0, 569.7, 601.4]),
}  # fmt: skip


def text_of(rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(map(str, row)) + "\n" for row in rows)


def arms(values: dict[str, list[Any]], header: str = "method,seed,accuracy", first: int = 0) -> str:
    rows = [(name, first + seed, value) for name, each in values.items() for seed, value in enumerate(each)]
    return f"{header}\n{text_of(rows)}"


def read(folder: Path, text: str | bytes, **roles: Any) -> tuple[StudyResults, str]:
    """The results of a file in which nothing needs to be named; and what was found."""
    path = folder / "results.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    table, found, said = completed(read_table(path), Roles(**roles))
    return results_of(table, found), "; ".join([*table.notes, said])


def contrasts_of(results: StudyResults) -> list[Estimate]:
    return every_contrast(Outcomes.of(results, next(iter(results.metrics))))


def numbers(results: StudyResults) -> tuple[float, ...]:
    """n, estimate and interval of the first contrast."""
    found = contrasts_of(results)[0]
    return (found.n, found.estimate, *found.interval())


def judged(results: StudyResults, **keys: Any) -> Judgement:
    (found,) = judge(parse_all([GAIN | keys], next(iter(results.metrics))), results)
    return found


def test_percent_signs_make_fractions(tmp_path: Path) -> None:
    plain, ours = ["71.00%", "71.15%", "70.86%", "70.55%", "70.77%"], ["72.60 %", "73.13%", "73.77%", "72.85%", "72.79%"]
    results, _ = read(tmp_path, arms({"plain": plain, "ours": ours}))
    assert numbers(results) == pytest.approx((5, 0.02162, 0.01558, 0.02766), abs=1e-5)
    assert results.metrics["accuracy"].unit == "%"


def test_a_mean_with_its_deviation_is_refused_as_a_summary(tmp_path: Path) -> None:
    text = "Model,Subset,Accuracy\nsmall,10pct,0.8312 ± 0.0091\nsmall,full,0.9120 ± 0.0042\nwide,10pct,0.8455 ± 0.0073\n"
    for written in (text, text.replace(" ± ", "+/-"), text.replace(" ± 0.0091", " (0.0091)")):
        with pytest.raises(
            UsageError, match=r"line 2: Accuracy is '0\.8312.*', a summary of several runs.* one row for each run"
        ):
            read(tmp_path, written)


def test_semicolons_and_decimal_commas_after_a_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeff" + arms({"base": BASE, "variant": VARIANT}).replace(",", ";").replace(".", ",")
    results, said = read(tmp_path, text)
    assert numbers(results) == pytest.approx((5, 0.0139, 0.00847, 0.01933), abs=1e-5)
    assert said == "byte order mark; delimiter semicolon; decimal comma; factors method; seed seed; metric accuracy"


def test_tabs_in_a_file_called_csv(tmp_path: Path) -> None:
    results, said = read(tmp_path, arms({"base": BASE, "variant": VARIANT}).replace(",", "\t"))
    assert numbers(results) == pytest.approx((5, 0.0139, 0.00847, 0.01933), abs=1e-5)
    assert said.startswith("delimiter tab; ")


def test_a_column_a_seed_is_melted(tmp_path: Path) -> None:
    text = ("method,seed_0,seed_1,seed_2,seed_3,seed_4,mean\nfull,0.844,0.838,0.843,0.833,0.837,0.839\n"
            "no_aug,0.813,0.822,0.824,0.804,0.809,0.8144\nno_warmup,0.844,0.823,0.835,0.838,0.849,0.8378\n")  # fmt: skip
    results, said = read(tmp_path, text, wide="seed", metrics=("accuracy",))
    no_aug, no_warmup = contrasts_of(results)
    assert (no_aug.estimate, *no_aug.interval()) == pytest.approx((-0.0246, -0.0329, -0.0163), abs=1e-4)
    assert (no_warmup.estimate, *no_warmup.interval()) == pytest.approx((-0.0012, -0.0144, 0.0120), abs=1e-4)
    assert sorted(results.runs["seed"].unique()) == [0, 1, 2, 3, 4]
    assert said.startswith("5 columns melted into seed (seed_0 … seed_4)")
    assert results.runs["directory"][0] == "results.csv, line 2, column seed_0"


def test_a_column_a_method_is_melted(tmp_path: Path) -> None:
    text = text_of([("seed", "base", "variant"), *zip(range(5), BASE, VARIANT, strict=True)])
    results, _ = read(tmp_path, text, wide="method")
    assert numbers(results) == pytest.approx((5, 0.0139, 0.00847, 0.01933), abs=1e-5)
    assert [level.text for level in results.factors["method"]] == ["base", "variant"]


def test_repeats_without_a_seed_are_unpaired(tmp_path: Path) -> None:
    net, small = [31.111, 31.433, 31.331, 31.195, 31.334], [30.032, 30.310, 30.099, 30.217, 29.842]
    text = "model,lr,psnr\n" + text_of([("net", "1e-2", y) for y in net] + [("net_small", "1e-2", y) for y in small])
    results, said = read(tmp_path, text)
    assert numbers(results) == pytest.approx((5, -1.181, -1.412, -0.949), abs=1e-3)
    assert "no column of seeds" in said
    assert results.description.caveats[0].startswith("No column of seeds: every run counts by itself and nothing is paired")


def test_disjoint_seeds_are_unpaired(tmp_path: Path) -> None:
    base, ours = [0.7021, 0.6899, 0.6878, 0.6982, 0.6946, 0.7010], [0.7435, 0.7250, 0.7263, 0.7312, 0.7330, 0.7289]
    text = arms({"base": base}) + arms({"ours": ours}, first=100).partition("\n")[2]
    results, _ = read(tmp_path, text)
    assert numbers(results) == pytest.approx((6, *(0.0357, 0.0276, 0.0438)), abs=1e-4)
    assert numbers(results)[2:] == pytest.approx(tuple(stats.ttest_ind(ours, base, equal_var=False).confidence_interval()))
    assert "NOT PAIRED" in judged(results).reason


def test_all_fifty_seeds_count_at_one_look(tmp_path: Path) -> None:
    found = judged(read(tmp_path, arms({"base": FIFTY_BASE, "ours": FIFTY_OURS}))[0])
    assert (found.verdict, found.n, found.look.seeds) == ("smaller than the margin", 50, 50)
    assert found.interval == pytest.approx((0.00149, 0.00507), abs=1e-5)


def test_effects_that_cancel_are_not_equivalent(tmp_path: Path) -> None:
    rows = [(d, m, s, v) for (d, m), values in CROSSOVER.items() for s, v in enumerate(values)]
    results, _ = read(tmp_path, "dataset,method,seed,accuracy\n" + text_of(rows))
    assert judged(results, expects="equivalent").verdict == "contradicted"


@pytest.mark.parametrize("lost", ["nan", "NaN", "inf", "N/A", "failed", "-", ""])
def test_lost_runs_stay_and_leave_no_decided_verdict(tmp_path: Path, lost: str) -> None:
    base = [0.7075, 0.7024, 0.7002, 0.6933, 0.7016, 0.6922, 0.6944, 0.7034]
    ours = [0.7228, 0.7194, lost, 0.7132, 0.7185, lost, lost, 0.7173]
    results, _ = read(tmp_path, arms({"base": base, "ours": ours}))
    found = judged(results)
    assert len(results) == 16
    assert found.verdict == "inconclusive"
    assert found.reason.startswith("lost runs: 3 of 8 in method=ours, 0 of 8 in method=base")


def test_one_rounding_step_is_the_uncertainty(tmp_path: Path) -> None:
    results, _ = read(tmp_path, arms({"base": [93.1, 93.2, 93.1, 93.0, 93.2], "ours": [93.2, 93.3, 93.2, 93.1, 93.3]}))
    found = judged(results, margin=0.5)
    assert "all seeds lie within one rounding step of the metric (0.1)" in found.reason
    assert found.interval[0] < 0 < found.interval[1]


def test_ten_data_sets_are_ten_blocks(tmp_path: Path) -> None:
    rows = [
        (dataset, method, seed, value)
        for dataset, each in TEN_DATASETS.items()
        for method, values in zip(("base", "ours"), each, strict=True)
        for seed, value in enumerate(values)
    ]
    text = "dataset,method,seed,accuracy\n" + text_of(rows)
    results, _ = read(tmp_path, text, blocks="dataset", factors=("method",))
    assert results.manifest.blocks == "dataset"
    found = judged(results)
    assert (found.verdict, found.n) == ("supported", 10)
    assert found.interval == pytest.approx((0.0106, 0.0186), abs=1e-4)
    with pytest.raises(UsageError, match="--blocks data: .*has no such column; available: dataset, method, seed, accuracy"):
        read(tmp_path, text, blocks="data", factors=("method",))


def test_of_a_curve_the_last_step_or_the_mean_counts(tmp_path: Path) -> None:
    rows = [
        (agent, s, 10000 * at, y) for agent, runs in CURVES.items() for s, run in enumerate(runs) for at, y in enumerate(run)
    ]
    text = "agent,seed,step,reward\n" + text_of(rows)
    results, _ = read(tmp_path, text, at_step="last")
    assert numbers(results) == pytest.approx((5, 51.8, 41.9, 61.7), abs=0.05)
    assert results.description.caveats == ("Of each run the last step counts.",)
    assert numbers(read(tmp_path, text, at_step="mean")[0]) == pytest.approx((5, 58.9, 49.5, 68.3), abs=0.05)
    tops = [[max(run) for run in CURVES[agent]] for agent in ("base", "ours")]
    expected = stats.ttest_rel(tops[1], tops[0]).confidence_interval()
    assert numbers(read(tmp_path, text, at_step="max")[0])[2:] == pytest.approx(tuple(expected))
    with pytest.raises(
        UsageError, match=r"line 2 and results.csv, line 3 are both agent=base, seed 0 \(and 49 more\).*--step last"
    ):
        read(tmp_path, text)


def test_each_model_keeps_the_seeds_that_pair(tmp_path: Path) -> None:
    rows = [(p, m, 42 + seed, value) for (m, p), values in RMSE.items() for seed, value in enumerate(values)]
    results, _ = read(tmp_path, "preprocessing,model,seed,rmse\n" + text_of(rows))
    found = by_stratum(Outcomes.of(results, "rmse"), [Change.of("preprocessing", "none", "filter")])
    each = {str(one.where): (one.n, one.estimate, *one.interval()) for one in found}
    assert each["model=tree"] == pytest.approx((5, -0.703, -0.777, -0.629), abs=1e-3)
    assert each["model=net"] == pytest.approx((3, -0.761, -0.915, -0.607), abs=1e-3)
    assert results.metrics["rmse"].better == "lower"


def test_a_factor_may_have_the_name_of_a_column_of_ours(tmp_path: Path) -> None:
    lstm, gru = [0.7049, 0.6942, 0.6917, 0.6979, 0.7083], [0.7131, 0.7332, 0.7235, 0.7362, 0.7235]
    results, _ = read(tmp_path, arms({"lstm": lstm, "gru": gru}, "cell,seed,accuracy"))
    assert numbers(results) == pytest.approx((5, 0.0265, 0.0091, 0.0439), abs=1e-4)


def test_latin_1_is_recognized(tmp_path: Path) -> None:
    base, ours = [0.6995, 0.6994, 0.6933, 0.6996, 0.6998], [0.7377, 0.7412, 0.7292, 0.7254, 0.7296]
    results, said = read(tmp_path, arms({"base": base, "ours": ours}, "méthode,seed,accuracy").encode("latin-1"))
    assert numbers(results) == pytest.approx((5, 0.0343, 0.0263, 0.0423), abs=1e-4)
    assert said == "encoding cp1252; factors méthode; seed seed; metric accuracy"


def test_a_repeated_run_is_refused_and_the_message_names_the_option(tmp_path: Path) -> None:
    base, ours = [0.6964, 0.6955, 0.6996, 0.6937, 0.7036], [0.7294, 0.7315, 0.7289, 0.7256, 0.7243]
    text = arms({"base": base, "ours": ours}) + "ours,4,0.7411\n"
    with pytest.raises(UsageError, match=r"lines? 11 and .*line 12 are both method=ours, seed 4\. .*--duplicates last"):
        read(tmp_path, text)
    results, _ = read(tmp_path, text, duplicates="last")
    assert results.values["accuracy"].iloc[-1] == 0.7411
    assert "replaced" in results.description.caveats[0]
    assert read(tmp_path, text, duplicates="mean")[0].values["accuracy"].iloc[-1] == pytest.approx((0.7243 + 0.7411) / 2)


def test_a_target_reached_at_the_limit_is_reached(tmp_path: Path) -> None:
    results, _ = read(tmp_path, arms({"base": [5, 5, 5, 5, 4], "ours": [5, 4, 5, 5, 5]}, "method,seed,epochs_to_target"))
    outcomes = Outcomes.of(results, "epochs_to_target")
    assert not outcomes.lost.any(axis=None)
    assert math.isclose(numbers(results)[1], 0.0)
