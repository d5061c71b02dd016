"""The committed studies: their verdicts hold, and what the case study quotes of them is what their runs say."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from ablate.report.values import Interval
from ablate.stats.comparisons import differences
from ablate.stats.decision_rules import ALPHA
from ablate.stats.judge import judge, judgements_frame
from ablate.stats.kept_arrays import summarize_arrays
from ablate.stats.outcomes import Outcomes
from ablate.stats.summary import summarize
from ablate.stats.verdict_changes import verdicts_that_fail
from ablate.storage.dataframe import load_kept, load_results

ROOT = Path(__file__).parent.parent
HIS_LOG = {1: 6248, 5: 8119, 10: 8557, 20: 8913, 30: 9064, 40: 9159, 50: 9180, 54: 9162, 60: 9188, 64: 9190}  # right, of 10,000
CHANGES = {  # the changes of +study=hidden, as the case study names them
    "removing dropout": "dropout", "batches of 128 instead of 32": "batch", "BN in block 3": "norm",
    "one BN in two places": "shared", "the gradual stem": "stem", "all five": "all",
}  # fmt: skip
DIFFERENCES = {  # the claims of +study=protocols
    "batch statistics instead of evaluation mode, stage 92": "H4-92",
    "batch statistics instead of evaluation mode, stage 89": "H4-89",
    "the same, stage 92 more than stage 87 (exploratory)": "H4-92-control",
    "the same, stage 89 more than stage 87 (exploratory)": "H4-89-control",
    "dropout and batch statistics during the test, stage 87 (H2)": "H2-87",
    "flipped test images, mean of the three networks (H3)": "H3",
}
STUDIES = sorted(path.parent.parent for path in (ROOT / "outputs").glob("*/report/verdicts.json"))


def verdicts(study: Path) -> list[dict]:
    results = load_results(study)
    return judgements_frame(judge(results.claims(), results)).to_dict("records")


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_the_verdicts_of_a_committed_study_are_those_of_its_runs(study: Path) -> None:
    committed = json.loads((study / "report" / "verdicts.json").read_text(encoding="utf-8"))
    found = verdicts(study)
    assert verdicts_that_fail(committed, found) == []
    assert [(row["id"], row["verdict"], row["reason"]) for row in committed] == [
        (row["id"], row["verdict"], row["reason"]) for row in found
    ]


def test_the_table_of_the_case_study_is_that_of_the_studies() -> None:
    text = (ROOT / "docs" / "case-study.md").read_text(encoding="utf-8")
    quoted = {
        cells[0]: cells for cells in re.findall(r"^\| (C\d) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*)\|$", text, re.MULTILINE)
    }
    found = [row | {"study": study} for study in ("qiita-short", "fast30") for row in verdicts(ROOT / "outputs" / study)]
    assert list(quoted) == [row["id"] for row in found] == [f"C{number}" for number in range(1, 10)]
    for row in found:
        _, _, verdict, estimate, n = (cell.strip() for cell in quoted[row["id"]])
        metrics = load_results(ROOT / "outputs" / row["study"]).metrics
        assert verdict == row["verdict"]
        assert int(n) == (row["look"] or row["n"])
        if row["scale"] == "ratio":
            assert estimate == f"× {row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
        elif row["kind"] == "exact":
            assert estimate == "exactly"
        else:
            interval = Interval(row["estimate"], row["low"], row["high"], metrics[row["metric"]])
            assert estimate == str(interval).replace("−", "-")


def test_what_the_case_study_says_of_the_path_and_of_single_seeds() -> None:
    text = in_words("case-study")
    whole = shares_of("qiita-short", "attribution")
    gain, low, high = whole["dropout"]
    assert f"removing dropout gains {gain} points [{low}, {high}]" in text
    loss, low, high = whole["stem"]
    assert f"the gradual stem loses {-loss} [{-high}, {-low}]" in text
    assert "together they gain {} [{}, {}] (20 seeds".format(*whole["all"]) in text
    runs = load_results(ROOT / "outputs" / "qiita-short").to_frame()
    cells = "norm == 'article' and `model.padding` == 'conv' and `stem.activation` == False"
    by_seed = pivoted(runs.query(f"{cells} and `model.initialization` == 'torch'"))
    stems = (by_seed[False, "pyramid"] - by_seed[False, "direct"]).round(1)
    (odd,) = stems[stems > 0].items()
    others = stems[stems < 0]
    assert (
        f"gains {odd[1]} points under seed {odd[0]}; loses {-others.max()} to {-others.min()} under each of the other nineteen"
        in text
    )
    assert len(others) == 19
    best = 100 * runs.groupby("cell")["final_test_accuracy"].mean().max()
    assert f"straight to 64 channels) classifies {best:.1f} % of the test images correctly" in text
    his = 100 * runs.query("`model.padding` == 'module'")["final_test_accuracy"].mean()
    assert f"the one with the author's stem and padding {his:.1f} %" in text
    wide = [
        50 * (row["high"] - row["low"]) for row in verdicts(ROOT / "outputs" / "qiita") if row["id"] in ("C3", "C4", "C5", "C6")
    ]
    assert f"with intervals of {min(wide):.0f} to {max(wide):.0f} points to either side" in text
    by_seed = pivoted(load_results(ROOT / "outputs" / "qiita").to_frame().query(cells))
    stems = (by_seed[False, "pyramid"] - by_seed[False, "direct"]).round(1)
    without = (by_seed[False, "direct"] - by_seed[True, "direct"]).round(1)
    assert (
        f"gains {stems[0]} points under seed 0; loses {-stems[1:].max()} to {-stems[1:].min()} under each of the other four"
        in text
    )
    assert f"costs {-without[0]} points under seed 0; gains {without[1:].min()} to {without[1:].max()} under each of" in text


def pivoted(runs: pd.DataFrame) -> pd.DataFrame:
    """The final accuracy in percent, a row a seed."""
    return 100 * runs.pivot_table("final_test_accuracy", "seed", ["model.dropout", "stem"], "first")


def test_what_the_case_study_says_of_the_fast_recipe() -> None:
    text = in_words("case-study")
    above = {}
    for study in ("fast", "fast30", "fast30-wide"):
        accuracies = 100 * load_results(ROOT / "outputs" / study).to_frame()["final_test_accuracy"]
        (claim,) = verdicts(ROOT / "outputs" / study)
        cells = [f"{accuracies.mean():.1f}", in_points(claim), claim["verdict"], f"`outputs/{study}`"]
        assert " | ".join(cells) in text
        above[study] = (accuracies > 90).sum(), len(accuracies)
    assert above["fast30"] == above["fast30-wide"] == (4, 5)
    assert "After 30 epochs, 4 of 5 seeds are above 90 % with either network" in text


def test_what_the_case_study_says_of_compression() -> None:
    wide = (
        load_results(ROOT / "outputs" / "jpeg").to_frame().pivot_table("final_test_accuracy", "seed", "data.root", "first")
        * 100
    )
    once, twice = (wide[next(name for name in wide if str(name).endswith(end))] for end in ("jpeg.zip", "twice.zip"))
    low, high = scipy.stats.ttest_1samp(once - twice, 0).confidence_interval()
    said = (
        f"lowers the fast recipe by {(once - twice).mean():.1f} points [{low:.1f}, {high:.1f}], "
        f"from {once.mean():.1f} to {twice.mean():.1f} %"
    )
    assert said in in_words("case-study")
    assert len(wide) == 5


def shares_of(study: str, name: str) -> dict[str, list[float]]:
    """The shares of a path in points, with their intervals, as the report's table has them."""
    lines = (ROOT / "outputs" / study / "report" / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]
    return {line.split(",")[0]: [round(100 * float(number), 1) for number in line.split(",")[2:5]] for line in lines}


def test_what_the_case_study_says_of_the_five_changes() -> None:
    text = in_words("case-study")
    as_measured = shares_of("hidden", "attribution_3")
    rows = table_of("case-study", "| change | share | alone |")
    assert set(CHANGES.values()) == set(as_measured)
    for name, change in CHANGES.items():
        assert rows[name][0] == "{:+.1f} [{:+.1f}, {:+.1f}]".format(*as_measured[change])
    standard = shares_of("hidden", "attribution")
    assert "removing dropout, {} [{}, {}], and the stem's is".format(*standard["dropout"]) in text
    assert "the stem's is {} [{}, {}].".format(*standard["stem"]) in text
    assert max(standard, key=lambda change: (change != "all") * standard[change][0]) == "dropout"


def test_the_shares_in_the_table_of_the_case_study_are_those_of_the_runs() -> None:
    """Each share is the mean over the seeds of what the change made on the path of the seed and on its reverse."""
    quoted = table_of("case-study", "| change | as the author measured")
    assert set(quoted) == set(CHANGES)
    path = steps_of_the_path("hidden-short")
    for name, change in CHANGES.items():
        cells = []
        for metric in ("article_peak_test_accuracy", "final_test_accuracy"):
            of_seeds = path[metric].groupby(["seed", "change"]).mean().unstack()
            share = of_seeds.sum(axis=1) if change == "all" else of_seeds[change]
            low, high = scipy.stats.ttest_1samp(share, 0).confidence_interval()
            cells.append(f"{share.mean():+.1f} [{low:+.1f}, {high:+.1f}]")
        assert quoted[name] == cells
    decided = {row["id"]: row for row in verdicts(ROOT / "outputs" / "hidden-short")}
    assert {name: row["verdict"] for name, row in decided.items() if row["primary"]} == dict.fromkeys(
        ["whole", "stem", "H1", "H4", "H4b"], "inconclusive"
    ) | {"dropout": "supported", "H7": "contradicted"}
    assert [decided[name]["verdict"] for name in ("author", "half", "H4c")] == ["supported"] * 3
    text = in_words("case-study")
    assert f"Holm's correction over seven claims (p = {decided['H4']['p']:.3f})" in text
    own = {key: 100 * decided["H4c"][key] for key in ("estimate", "low", "high")}
    assert "supported | {estimate:.1f} points [{low:.1f}, {high:.1f}], exploratory".format(**own) in text
    both = path.reset_index()
    before = both[(both["change"] == "norm") & ~both["shared"]]["final_test_accuracy"]
    after = both[(both["change"] == "shared") & both["norm"]]["final_test_accuracy"]
    assert len(before) == len(after) == 5
    assert f"it gained {before.min():.1f} to {before.max():.1f} points" in text
    assert f"Sharing it then cost {-after.max():.1f} to {-after.min():.1f}" in text


def steps_of_the_path(study: str) -> pd.DataFrame:
    """What each change made on the path of each seed and on its reverse, in points, and which changes were made before."""
    results = load_results(ROOT / "outputs" / study)
    to = {"optimizer.batch_size": "128", "model.dropout": "False", "stem": "pyramid", "norm": "article", "norm.shared": "True"}
    names = dict(zip(to, ("batch", "dropout", "stem", "norm", "shared"), strict=True))
    metrics = ["article_peak_test_accuracy", "final_test_accuracy"]
    steps = []
    for seed, runs in results.to_frame().groupby("seed"):
        made = [frozenset(key for key, level in to.items() if str(run[key]) == level) for _, run in runs.iterrows()]
        at = dict(zip(made, 100 * runs[metrics].to_numpy(dtype=float), strict=True))
        order = [factor for (factor,) in results.manifest.orders[seed]]
        for way in (order, order[::-1]):
            for place, key in enumerate(way):
                before = frozenset(way[:place])
                gain = at[before | {key}] - at[before]
                state = {name: factor in before for factor, name in names.items()}
                steps.append({"seed": seed, "change": names[key], **state, **dict(zip(metrics, gain, strict=True))})
    return pd.DataFrame(steps).set_index(["seed", "change"])


def test_what_the_case_study_says_of_single_changes() -> None:
    text = in_words("case-study")
    results = load_results(ROOT / "outputs" / "hidden")
    cells, baseline = results.cells(), summarize(results.counted).baseline
    outcomes = Outcomes.of(results.counted, "article_peak_test_accuracy")
    found = differences(outcomes, {baseline: cells[baseline], **cells})
    changed = {digest: cell.changed(cells[baseline]) for digest, cell in cells.items()}
    alone = {next(iter(change)): found[digest] for digest, change in changed.items() if len(change) == 1}
    rows = table_of("case-study", "| change | share | alone |")
    said = {"model.dropout": "dropout", "optimizer.batch_size": "batch", "norm": "norm", "stem": "stem"}
    for factor, change in said.items():
        (name,) = (name for name, each in CHANGES.items() if each == change)
        numbers = (100 * part for part in (alone[factor].estimate, *alone[factor].interval()))
        assert rows[name][1] == "{:+.1f} [{:+.1f}, {:+.1f}]".format(*numbers)
        assert alone[factor].n == 5
    assert alone["norm.shared"].estimate == alone["norm.shared"].sd == 0
    assert rows["one BN in two places"][1] == "no effect"
    assert f"5 seeds, {results.runs['directory'].nunique()} runs; intervals not adjusted" in text


def test_what_the_case_study_says_of_the_author_s_way_of_testing() -> None:
    found = {row["id"]: row for row in verdicts(ROOT / "outputs" / "protocols")}
    rows = table_of("case-study", "| difference | 2,000 images")
    assert {name: rows[name][0] for name in DIFFERENCES} == {
        name: f"{in_points(found[claim])} {found[claim]['verdict']}" for name, claim in DIFFERENCES.items()
    }
    assert f"(p = {found['H4-89']['p']:.3f}; the threshold is {ALPHA})" in in_words("case-study")
    assert [found[claim]["verdict"] for claim in DIFFERENCES.values()] == ["supported", *["inconclusive"] * 5]
    assert {found[claim]["margin"] for claim in DIFFERENCES.values()} == {0.01}


@pytest.mark.parametrize(("study", "column"), [("protocols", 0), ("protocols-short", 1)])
def test_what_the_case_study_says_of_the_running_variances(study: str, column: int) -> None:
    results = load_results(ROOT / "outputs" / study)
    (table,) = results.description.tables
    frame = summarize_arrays(table, results, load_kept(results, table.source)).set_index(["label", table.by])
    met = frame["variance_ratio"].round(2)
    places = {
        (f"experiment=stage{stage}", f"block3.{norm}"): f"stage {stage}, block 3, {place} place"
        for stage in (92, 89)
        for norm, place in (("norm1", "first"), ("pool_norm", "second"))
    }
    rows = table_of("case-study", "| input variance / running variance")
    assert {name: rows[name][column] for name in places.values()} == {name: str(met[at]) for at, name in places.items()}
    others = met.drop(list(places))
    assert rows["all networks, all other layers"][column] == f"{others.min()} to {others.max()}"
    if study == "protocols":
        text, first, off = in_words("case-study"), met["experiment=stage87"], frame["mean_offset"][list(places)].round(1)
        assert f"the layers of stage 87, which shares no BN, are at {first.min()} to {first.max()}" in text
        assert f"the mean of the input is off by {off.min()} to {off.max()} standard deviations" in text


def test_what_the_case_study_says_of_his_way_of_testing_at_the_longer_budget() -> None:
    text = in_words("case-study")
    study = ROOT / "outputs" / "protocols-short"
    found = {row["id"]: row for row in verdicts(study)}
    decided = {row["id"]: row["verdict"] for row in verdicts(study) if row["verdict"] != "not tested"}
    assert decided == dict.fromkeys(["H2-87", "H4-89", "H4-92", "H4-89-control", "H4-92-control", "H3"], "supported")
    rows = table_of("case-study", "| difference | 2,000 images")
    assert {name: rows[name][1] for name in DIFFERENCES} == {
        name: f"{in_points(found[claim])} supported" for name, claim in DIFFERENCES.items()
    }
    assert {found[claim]["look"] for claim in DIFFERENCES.values() if claim != "H2-87"} == {8}
    assert found["H2-87"]["look"] == 5
    results = load_results(study)
    runs = results.to_frame()
    by_stage = {stage.removeprefix("stage"): rows for stage, rows in runs.groupby(runs["experiment"].map(str))}
    ends = {
        name: {stage: 100 * rows[f"{name}final_test_accuracy"] for stage, rows in by_stage.items()}
        for name in ("", "batch_", "article_", "flipped_")
    }
    own, batch = ends[""], ends["batch_"]
    accuracies = table_of("case-study", "| accuracy (%), all images")
    for stage in ("92", "89"):
        range_of_seeds = f"({own[stage].min():.1f} to {own[stage].max():.1f})"
        assert accuracies[f"stage {stage}"] == [f"{batch[stage].mean():.1f}", f"{own[stage].mean():.1f} {range_of_seeds}"]
        assert (batch[stage] > own[stage]).all()
    assert accuracies["stage 87 (control)"] == [f"{each['87'].mean():.1f}" for each in (batch, own)]
    assert (
        f"the lead of stage 92 over stage 87 is {(ends['article_']['92'].mean() - ends['article_']['87'].mean()):.1f} points"
        in text
    )
    assert f"in evaluation mode it is {own['87'].mean() - own['92'].mean():.1f} points behind" in text


def test_the_table_of_the_readme_is_that_of_the_ingredients() -> None:
    """Without the columns n and flags; every row has five seeds."""
    rows = re.findall(r"^\| .* \|$", (ROOT / "outputs/ingredients/report/report.md").read_text(encoding="utf-8"), re.MULTILINE)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    start = next(at for at, row in enumerate(cells) if row[0] == "Configuration")
    table = cells[start + 2 : start + 2 + 17]
    assert {row[4] for row in table} == {"5"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n".join(f"| {' | '.join(row[:4])} |" for row in table) in readme


def test_what_the_case_study_says_of_the_ingredients() -> None:
    text = in_words("case-study")
    section = text.partition("## What makes the fast recipe fast?")[2].partition(" ## ")[0]
    study = ROOT / "outputs" / "ingredients"
    metrics = load_results(study).metrics
    rows = table_of("case-study", "| ingredient |")
    found = sorted(verdicts(study), key=lambda row: -row["estimate"])
    intervals = [str(Interval(row["estimate"], row["low"], row["high"], metrics[row["metric"]])) for row in found]
    assert [interval.replace("−", "-") for interval in intervals] == [in_points(row) for row in found]
    assert list(rows.values()) == [[in_points(row), row["verdict"]] for row in found]
    recipe = pd.read_csv(study / "report/tables/ablation.csv").iloc[0]
    assert recipe["label"].endswith("optimizer+weight_decay=fast_muon/0.1,batch_size=256")
    assert f"with which the recipe reaches {100 * recipe['mean']:.1f} %" in section
    frame = pd.read_csv(study / "report/tables/ablation.csv").set_index("label")["p_adjusted"].dropna()
    assert len(frame) == 16
    clear = frame[frame < 0.05].index
    assert len(clear) == 7
    assert "the other seven are" in section
    assert not any("relu" in label or "label_smoothing=0," in label or "fast_muon/0," in label for label in clear)


def test_what_the_case_study_says_of_finer_epochs() -> None:
    text = in_words("case-study")
    results = load_results(ROOT / "outputs" / "faster")
    dropout, batch = verdicts(ROOT / "outputs" / "faster")
    assert (dropout["verdict"], batch["verdict"], dropout["look"], batch["look"]) == ("supported", "inconclusive", 8, 8)
    assert "even with 20 seeds (the last look), the power at this margin is below 80 %" in batch["reason"]
    said = [f"{row['estimate']:.2f} times [{row['low']:.2f}, {row['high']:.2f}] as many" for row in (dropout, batch)]
    assert f"needs {said[0]} epochs to reach 50 %" in text
    assert f"need {said[1]} epochs: inconclusive" in text
    assert f"not shown to differ (p = {batch['p_strata']:.3f})" in text
    without = results.levels["model.dropout"].map(lambda level: level.value is False)
    means = results.values.groupby([without, results.levels["optimizer.batch_size"].map(str)])["epochs_to_target"].mean()
    rows = table_of("case-study", "| mean epochs to 50 % | with dropout | without dropout |")
    for batch_size in ("32", "128"):
        shown = [f"{means[end, batch_size]:.1f}" for end in (False, True)]
        assert rows[f"batches of {batch_size}"] == shown
    ratios = (
        np.log(results.values["epochs_to_target"]).groupby([without, results.levels["optimizer.batch_size"].map(str)]).mean()
    )
    of_batch = [np.exp(ratios[end, "128"] - ratios[end, "32"]) for end in (False, True)]
    assert "The estimates are {:.2f} with dropout and {:.2f} without".format(*of_batch) in text
    by_seed = results.values.groupby([results.runs["seed"], without])["epochs_to_target"].mean().unstack()
    assert (by_seed[True] < by_seed[False]).all()


def test_what_the_case_study_says_of_c1_c3_c5_and_c6() -> None:
    text = in_words("case-study")
    found = {row["id"]: row for row in verdicts(ROOT / "outputs" / "qiita-short")}
    low, high = (-100 * found["C5"][end] for end in ("high", "low"))
    assert f"the interval of the verdict, -{high:.1f} to -{low:.1f}, contains the margin of -1" in text
    ends = [100 * found["C5"][end] for end in ("low_95", "high_95")]
    assert "(95 % interval [{:.1f}, {:.1f}], p = {:.3f})".format(*ends, found["C5"]["p_contradict"]) in text
    assert found["C5"]["reason"].endswith("this was the last look: 20 seeds do not decide the claim")
    padding = found["C6"]
    ends = sorted(-100 * padding[end] for end in ("low_95", "high_95"))
    assert "is 0.4 points lower (95 % interval {:.1f} to {:.1f}".format(*ends) in text
    assert padding["high"] < 0
    assert 2 * scipy.stats.t.sf(-padding["estimate"] / padding["se"], padding["df"]) == pytest.approx(0.006, abs=0.0005)
    runs = load_results(ROOT / "outputs" / "qiita-short").to_frame().drop_duplicates("directory")
    plain = runs.query("stem == 'direct' and `model.padding` == 'conv'")
    means = 100 * plain.groupby(["model.initialization", "norm", "model.dropout"])["final_test_accuracy"].mean()
    with_norm, without = (means["he", norm, False] - means["he", norm, True] for norm in ("article", "none"))
    assert f"with BN, dropout costs {with_norm:.1f} points, without BN {without:.1f}" in text
    he = [f"{means['torch', 'article', dropout] - means['he', 'article', dropout]:.1f}" for dropout in (False, True)]
    assert f"gives {he[0]} points less than torch's without dropout, and {he[1]} less with it" in text
    counted = runs.query("norm == 'article' and `model.initialization` == 'torch' and `model.padding` == 'conv'")
    epochs = {dropout: cells["epochs_to_target"] for dropout, cells in counted.groupby("model.dropout")}
    assert [len(each) for each in epochs.values()] == [60, 60]
    assert f"Of the 60 runs without dropout, {(epochs[False] == 2).sum()} have reached 70 % after the second epoch" in text
    assert (epochs[True].min(), epochs[True].max()) == (2, 5)
    assert f"{epochs[True].isna().sum()} of 60 do not reach it at all" in text


def test_what_the_case_study_says_of_the_shared_bn() -> None:
    """Worked out from the runs: both ways of testing with one module in two places and with one in each, and their difference."""
    wide = by_stage_and_sharing("sharing-short")
    stages = ("stage89", "stage92")
    tests = {"batch statistics": "batch_final_test_accuracy", "evaluation mode": "final_test_accuracy"}
    means = 100 * wide.groupby(level=[0, 1])[list(tests.values())].mean()
    rows = table_of("case-study", "| accuracy (%) | stage 89 | stage 92 |")
    for test, metric in tests.items():
        for modules, shared in (("one module in two places", True), ("a module in each place", False)):
            assert rows[f"{modules}, {test}"] == [f"{means[metric][stage, shared]:.1f}" for stage in stages]
    rows = table_of("case-study", "| effect of sharing (points)")
    said = {"in evaluation mode": "final_test_accuracy", "with batch statistics": "batch_final_test_accuracy"}
    for how, metric in said.items():
        effects = [100 * (wide[metric][stage, True] - wide[metric][stage, False]) for stage in stages]
        ends = [(each.mean(), *scipy.stats.ttest_1samp(each, 0).confidence_interval()) for each in effects]
        assert rows[f"accuracy {how}, all images"] == ["{:+.1f} [{:+.1f}, {:+.1f}]".format(*each) for each in ends]
    shift = wide["variance_shift"].groupby(level=[0, 1]).mean()
    assert (
        "a factor of {:.1f} (stage 89) and {:.1f} (stage 92) with the shared module, and of {:.1f} and {:.1f} without".format(
            *(shift[stage, each] for each in (True, False) for stage in stages)
        )
        in in_words("case-study")
    )


def by_stage_and_sharing(study: str) -> pd.DataFrame:
    runs = load_results(ROOT / "outputs" / study)
    frame = pd.concat([runs.levels.map(lambda level: level.value), runs.runs[["seed"]], runs.values], axis=1)
    return frame.set_index(["experiment", "norm.shared", "seed"])


@pytest.mark.parametrize(("study", "images"), [("sharing-short", "all images"), ("sharing-quarter", "a quarter")])
def test_the_claims_on_the_shared_bn_are_worked_out_from_the_runs(study: str, images: str) -> None:
    rows = verdicts(ROOT / "outputs" / study)
    assert [(row["verdict"], row["n"], row["look"]) for row in rows] == [("supported", 5, 5)] * 2
    wide = by_stage_and_sharing(study)
    gain = wide["batch_final_test_accuracy"] - wide["final_test_accuracy"]
    shown = []
    for row, stage in zip(rows, ("stage89", "stage92"), strict=True):
        more = 100 * (gain[stage, True] - gain[stage, False])
        low, high = scipy.stats.ttest_1samp(more, 0).confidence_interval(row["confidence"])
        shown.append(f"{more.mean():+.1f} [{low:+.1f}, {high:+.1f}]")
    assert (
        table_of("case-study", "| effect of sharing (points)")[f"batch statistics raise the accuracy more, {images}"] == shown
    )


def in_points(row: dict) -> str:
    """The estimate of a claim with its interval, as a cell of a table."""
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * row[part] for part in ("estimate", "low", "high")))


def table_of(page: str, heading: str) -> dict[str, list[str]]:
    """The table of a page whose heading begins so: the cells of each row by the first one."""
    lines = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").splitlines()
    (start,) = (at for at, line in enumerate(lines) if line.startswith(heading))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    return {name: cells for name, *cells in ([cell.strip() for cell in row[1:-1].split("|")] for row in rows)}


def in_words(page: str) -> str:
    """A page of the documentation in a single line."""
    return " ".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").split())


def test_what_the_mechanisms_say_of_the_variance_shift() -> None:
    text = (ROOT / "docs" / "mechanisms.md").read_text(encoding="utf-8")
    study = ROOT / "outputs" / "shift-short"
    results = load_results(study)
    shift, repair = verdicts(study)
    assert (shift["verdict"], repair["verdict"], shift["n"]) == ("supported", "inconclusive", 5)
    with_dropout = results.levels["model.dropout"].map(lambda level: level.value)
    logs = {True: [], False: []}
    for directory, dropout in sorted(zip(results.runs["directory"], with_dropout, strict=True)):
        with np.load(study / directory / "norm_statistics.npz") as kept:
            places = [str(place) for place in kept["place"]]
            logs[dropout].append(np.log(kept["variance_ratio"]))
    off, on = np.array(logs[False]), np.array(logs[True])
    assert off.shape == on.shape == (5, 3)
    rows = dict(re.findall(r"^\| `([\w.]*)`[^|]* \| (.*) \|$", text, re.MULTILINE))
    assert list(rows) == places
    for at, place in enumerate(places):
        differences_by_seed = on[:, at] - off[:, at]
        interval = scipy.stats.t.interval(0.95, 4, differences_by_seed.mean(), scipy.stats.sem(differences_by_seed))
        means = (np.exp(each) for each in (off[:, at].mean(), on[:, at].mean(), differences_by_seed.mean(), *interval))
        assert rows[place] == "{:.2f} | {:.2f} | {:.2f} [{:.2f}, {:.2f}]".format(*means)
    ends = [shift["estimate"], shift["low"], shift["high"]]
    assert rows["block3.pool_norm"].endswith("{:.2f} [{:.2f}, {:.2f}]".format(*ends))
    words = " ".join(text.split())
    standard, batch = (
        (100 * results.values[f"{protocol}final_test_accuracy"].groupby(with_dropout).mean()).round(1)
        for protocol in ("", "batch_")
    )
    assert f"The accuracy with dropout is {standard[True]} %, without it {standard[False]} %" in words
    assert f"it is {batch[True]} and {batch[False]} %" in words
    cost = "{:.1f} points [{:.1f}, {:.1f}]".format(*(100 * repair[end] for end in ("estimate", "low", "high")))
    assert f"the shift costs {cost} of six" in words
    in_case_study = in_words("case-study")
    assert cost + " (inconclusive) of the six that dropout costs" in in_case_study


def test_what_the_case_study_says_of_his_full_training() -> None:
    text = (ROOT / "docs" / "case-study.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (epoch|stage .*?) \| (.*) \|$", text, re.MULTILINE)
    table = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    best, gained, by_his = {}, {}, {}
    for stage, epochs in ((92, 64), (89, 54)):
        (run,) = (ROOT / "outputs/stages/runs").glob(f"experiment=stage{stage}-*/seed=0")
        assert json.loads((run / "run.json").read_text(encoding="utf-8"))["epochs"] == 100
        history = pd.read_csv(run / "history.csv", index_col="epoch")
        assert len(history) == epochs
        assert f"stage {stage} after {epochs}" in " ".join(text.split())
        best[stage] = 100 * history["article_test_accuracy"].max()
        for name, column in (("the author's protocol", "article_test_accuracy"), ("evaluation mode", "test_accuracy")):
            shown = [f"{100 * history[column].get(int(epoch)):.1f}" for epoch in table["epoch"] if int(epoch) <= epochs]
            assert [cell for cell in table[f"stage {stage}, {name}"] if cell] == shown
        gained[stage] = 100 * (history["article_test_accuracy"] - history["test_accuracy"]).iloc[-1]
        by_his[stage] = 100 * history["article_test_accuracy"]
    assert f"shows {gained[92]:.1f} points more for stage 92 and {gained[89]:.1f} for stage 89" in " ".join(text.split())
    rows_of_best = table_of("case-study", "| | our best epoch (%)")
    log = max(right for epoch, right in HIS_LOG.items() if epoch <= 64) / 100
    assert rows_of_best["stage 92, to epoch 64"] == [
        f"{best[92]:.1f}",
        f"{log:.1f} (to the same epoch)",
        f"{best[92] - log:+.1f}",
    ]
    assert rows_of_best["stage 89, to epoch 54"] == [f"{best[89]:.1f}", "89.1 (of 100 epochs)", f"{best[89] - 89.07:+.1f}"]
    lead = (by_his[92] - by_his[89]).loc[50:54]
    assert f"{lead.min():.1f} to {lead.max():.1f} points over epochs 50 to 54" in " ".join(text.split())
    assert table["stage 92, the author's log"] == [f"{HIS_LOG[int(epoch)] / 100:.1f}" for epoch in table["epoch"]]
    cells = json.loads((ROOT / "notebooks" / "qiita.ipynb").read_text(encoding="utf-8"))["cells"]
    (shown,) = (source for cell in cells if "\nLOG = " in (source := "".join(cell["source"])))
    for epoch, right in HIS_LOG.items():
        assert epoch == 54 or f"{epoch}: {right / 100:.2f}" in shown
