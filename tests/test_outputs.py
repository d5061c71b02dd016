"""The committed studies: their verdicts hold, and what the case study quotes of them is what their runs say."""

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
    assert f"Under seed {odd[0]} the gradual stem gains {odd[1]} points; under each of the other nineteen" in text
    assert len(others) == 19
    assert f"it loses {-others.max()} to {-others.min()} (standard protocol" in text
    best = 100 * runs.groupby("cell")["final_test_accuracy"].mean().max()
    assert f"straight to 64 channels) classifies {best:.1f} % of the test images correctly" in text
    his = 100 * runs.query("`model.padding` == 'module'")["final_test_accuracy"].mean()
    assert f"the one with his stem and padding {his:.1f} %" in text
    wide = [
        50 * (row["high"] - row["low"]) for row in verdicts(ROOT / "outputs" / "qiita") if row["id"] in ("C3", "C4", "C5", "C6")
    ]
    assert f"with intervals of {min(wide):.0f} to {max(wide):.0f} points to either side" in text
    by_seed = pivoted(load_results(ROOT / "outputs" / "qiita").to_frame().query(cells))
    stems = (by_seed[False, "pyramid"] - by_seed[False, "direct"]).round(1)
    without = (by_seed[False, "direct"] - by_seed[True, "direct"]).round(1)
    assert f"the gradual stem gains {stems[0]} points and removing dropout costs {-without[0]}" in text
    assert (
        f"loses {-stems[1:].max()} to {-stems[1:].min()} and removing dropout gains {without[1:].min()} to {without[1:].max()}"
        in text
    )


def pivoted(runs: pd.DataFrame) -> pd.DataFrame:
    """The final accuracy in percent, a row a seed."""
    return 100 * runs.pivot_table("final_test_accuracy", "seed", ["model.dropout", "stem"], "first")


def test_what_the_case_study_says_of_the_fast_recipe() -> None:
    text = in_words("case-study")
    for study, sentence in (
        ("fast30", "After 30 epochs it reaches {:.1f} % on average over five seeds"),
        ("fast", "After 10 epochs it is {:.1f} %"),
    ):
        runs = load_results(ROOT / "outputs" / study).to_frame()
        assert sentence.format(100 * runs["final_test_accuracy"].mean()) in text
        assert len(runs) == 5
    (short,) = verdicts(ROOT / "outputs" / "fast")
    low, high = (-100 * short[end] for end in ("high", "low"))
    assert f"missed by {-100 * short['estimate']:.1f} points [{low:.1f}, {high:.1f}]: {short['verdict']}" in text


def test_what_the_case_study_says_of_compression() -> None:
    wide = (
        load_results(ROOT / "outputs" / "jpeg").to_frame().pivot_table("final_test_accuracy", "seed", "data.root", "first")
        * 100
    )
    once, twice = (wide[next(name for name in wide if str(name).endswith(end))] for end in ("jpeg.zip", "twice.zip"))
    low, high = scipy.stats.ttest_1samp(once - twice, 0).confidence_interval()
    said = f"costs the fast recipe {(once - twice).mean():.1f} points [{low:.1f}, {high:.1f}], {twice.mean():.1f} instead of {once.mean():.1f} %"
    assert said in in_words("case-study")
    assert len(wide) == 5


def shares_of(study: str, name: str) -> dict[str, list[float]]:
    """The shares of a path in points, with their intervals, as the report's table has them."""
    lines = (ROOT / "outputs" / study / "report" / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]
    return {line.split(",")[0]: [round(100 * float(number), 1) for number in line.split(",")[2:5]] for line in lines}


def test_what_the_case_study_says_of_the_five_changes() -> None:
    text = in_words("case-study")
    as_measured = shares_of("hidden", "attribution_3")
    names = {
        "all": "gains {} points [{}, {}]", "dropout": "removing dropout brought {} [{}, {}]",
        "batch": "the batch {} [{}, {}]", "norm": "the BN in block 3 {} [{}, {}]",
        "stem": "the gradual stem {} [{}, {}]", "shared": "the shared BN {} [{}, {}]",
    }  # fmt: skip
    assert set(names) == set(as_measured)
    for change, sentence in names.items():
        assert sentence.format(*as_measured[change]) in text
    standard = shares_of("hidden", "attribution")
    assert "removing dropout, {} [{}, {}], and the stem's is".format(*standard["dropout"]) in text
    assert "the stem's is {} [{}, {}].".format(*standard["stem"]) in text
    assert max(standard, key=lambda change: (change != "all") * standard[change][0]) == "dropout"


def test_the_shares_in_the_table_of_the_case_study_are_those_of_the_runs() -> None:
    """Each share is the mean over the seeds of what the change made on the path of the seed and on its reverse."""
    table = (ROOT / "docs" / "case-study.md").read_text(encoding="utf-8")
    quoted = dict(re.findall(r"^\| (removing|batches|BN in|one BN|the gradual|all five).*? \| (.*) \|$", table, re.MULTILINE))
    changes = {
        "removing": "dropout", "batches": "batch", "BN in": "norm", "one BN": "shared", "the gradual": "stem", "all five": "all"
    }  # fmt: skip
    assert set(quoted) == set(changes)
    path = steps_of_the_path("hidden-short")
    for start, change in changes.items():
        cells = []
        for metric in ("article_peak_test_accuracy", "final_test_accuracy"):
            of_seeds = path[metric].groupby(["seed", "change"]).mean().unstack()
            share = of_seeds.sum(axis=1) if change == "all" else of_seeds[change]
            low, high = scipy.stats.ttest_1samp(share, 0).confidence_interval()
            cells.append(f"{share.mean():+.1f} [{low:+.1f}, {high:+.1f}]")
        assert quoted[start] == " | ".join(cells)
    decided = {row["id"]: row for row in verdicts(ROOT / "outputs" / "hidden-short")}
    assert {name: row["verdict"] for name, row in decided.items() if row["primary"]} == dict.fromkeys(
        ["whole", "stem", "H1", "H4", "H4b"], "inconclusive"
    ) | {"dropout": "supported", "H7": "contradicted"}
    assert [decided[name]["verdict"] for name in ("author", "half", "H4c")] == ["supported"] * 3
    text = in_words("case-study")
    assert f"Holm's correction over seven claims (p = {decided['H4']['p']:.3f})" in text
    own = {key: 100 * decided["H4c"][key] for key in ("estimate", "low", "high")}
    assert "is supported ({estimate:.1f} points [{low:.1f}, {high:.1f}], exploratory)".format(**own) in text
    both = path.reset_index()
    before = both[(both["change"] == "norm") & ~both["shared"]]["final_test_accuracy"]
    after = both[(both["change"] == "shared") & both["norm"]]["final_test_accuracy"]
    assert len(before) == len(after) == 5
    assert f"it gained {before.min():.1f} to {before.max():.1f} points" in text
    assert f"then cost {-after.max():.1f} to {-after.min():.1f}" in text


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
    said = {
        "model.dropout": "dropout", "optimizer.batch_size": "the batch", "norm": "the BN in block 3", "stem": "the stem"
    }  # fmt: skip
    for factor, name in said.items():
        numbers = (100 * part for part in (alone[factor].estimate, *alone[factor].interval()))
        assert "{} {:.1f} [{:.1f}, {:.1f}]".format(name, *numbers) in text
        assert alone[factor].n == 5
    assert alone["norm.shared"].estimate == alone["norm.shared"].sd == 0
    assert f"5 seeds, {results.runs['directory'].nunique()} runs; intervals not adjusted" in text


def test_what_the_case_study_says_of_the_author_s_way_of_testing() -> None:
    text = in_words("case-study")
    found = {row["id"]: row for row in verdicts(ROOT / "outputs" / "protocols")}
    said = {
        "H4-92": "flatter his network of 92 % by {:.1f} points [{:.1f}, {:.1f}]: supported",
        "H4-89": "For stage 89 it is {:.1f} [{:.1f}, {:.1f}], not decided",
        "H2-87": "come to +{:.1f} [{:.1f}, {:.1f}]",
        "H4-92-control": "flatter stage 92 by {:.1f} points [{:.1f}, {:.1f}] more than stage 87",
        "H4-89-control": "and stage 89 by {:.1f} [{:.1f}, {:.1f}] more (exploratory claims, inconclusive)",
    }
    assert (
        f"not decided after adjusting for several claims and looks (p = {found['H4-89']['p']:.3f}; the threshold is {ALPHA})"
        in text
    )
    assert (found["H3"]["verdict"], found["H3"]["margin"]) == ("inconclusive", 0.01)
    assert abs(found["H3"]["estimate"]) < 0.01
    for name, sentence in said.items():
        assert sentence.format(*(100 * found[name][part] for part in ("estimate", "low", "high"))) in text
    assert [found[name]["verdict"] for name in said] == ["supported", *["inconclusive"] * 4]
    results = load_results(ROOT / "outputs" / "protocols")
    (table,) = results.description.tables
    frame = summarize_arrays(table, results, load_kept(results, table.source))
    met = frame.set_index(["label", table.by])["variance_ratio"].round(2)
    third = [met[f"experiment={stage}", "block3.norm1"] for stage in ("stage92", "stage89")]
    first = met["experiment=stage87"]
    assert "the variance of its input is {} times the running variance (stage 89: {}; ".format(*third) in text
    assert f"the layers of stage 87: {first.min()} to {first.max()})" in text


def test_what_the_case_study_says_of_his_way_of_testing_at_the_longer_budget() -> None:
    text = in_words("case-study")
    study = ROOT / "outputs" / "protocols-short"
    found = {row["id"]: {key: 100 * row[key] for key in ("estimate", "low", "high")} for row in verdicts(study)}
    decided = {row["id"]: row["verdict"] for row in verdicts(study) if row["verdict"] != "not tested"}
    assert decided == dict.fromkeys(["H2-87", "H4-89", "H4-92", "H4-89-control", "H4-92-control", "H3"], "supported")
    said = {
        "H4-92": "flatter stage 92 by {estimate:.1f} points [{low:.1f}, {high:.1f}]",
        "H4-89": "and stage 89 by {estimate:.1f} [{low:.1f}, {high:.1f}]",
        "H4-92-control": "more than the control by {estimate:.1f} [{low:.1f}, {high:.1f}]",
        "H4-89-control": "and {estimate:.1f} [{low:.1f}, {high:.1f}] (exploratory)",
        "H3": "{estimate:+.1f} [{low:.1f}, {high:.1f}] on average",
    }
    for name, sentence in said.items():
        assert sentence.format(**found[name]) in text
    assert (
        f"{-found['H2-87']['estimate']:.1f} points [{-found['H2-87']['high']:.1f}, {-found['H2-87']['low']:.1f}] (H2)" in text
    )
    results = load_results(study)
    runs = results.to_frame()
    by_stage = {stage.removeprefix("stage"): rows for stage, rows in runs.groupby(runs["experiment"].map(str))}
    ends = {
        name: {stage: 100 * rows[f"{name}final_test_accuracy"] for stage, rows in by_stage.items()}
        for name in ("", "batch_", "article_", "flipped_")
    }
    own, batch = ends[""], ends["batch_"]
    assert f"stage 92 classifies {batch['92'].mean():.1f} % correctly and stage 89 {batch['89'].mean():.1f} %" in text
    for stage in ("92", "89"):
        assert f"{own[stage].mean():.1f} % ({own[stage].min():.1f} to {own[stage].max():.1f}" in text
        assert (batch[stage] > own[stage]).all()
    assert f"the control, {batch['87'].mean():.1f} and {own['87'].mean():.1f} %" in text
    assert (
        f"the lead of stage 92 over stage 87 is {(ends['article_']['92'].mean() - ends['article_']['87'].mean()):.1f} points"
        in text
    )
    assert f"in evaluation mode it is {own['87'].mean() - own['92'].mean():.1f} points behind" in text
    (table,) = results.description.tables
    met = summarize_arrays(table, results, load_kept(results, table.source))
    met = met.set_index(["label", table.by])["variance_ratio"].round(2)
    places = {
        stage: [met[f"experiment=stage{stage}", f"block3.{norm}"] for norm in ("norm1", "pool_norm")] for stage in ("92", "89")
    }
    assert "is {} and, in the second place of the shared BN, {} times the running variance".format(*places["92"]) in text
    shared = met.index.isin(
        [(f"experiment=stage{stage}", f"block3.{norm}") for stage in ("92", "89") for norm in ("norm1", "pool_norm")]
    )
    others = met[~shared]
    assert "(stage 89: {} and {}; all other layers {} to {})".format(*places["89"], others.min(), others.max()) in text


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
    said = dict(re.findall(r"(Supported|Contradicted|Smaller than the margin|Inconclusive): ([^:]*)\. ", section))
    found = verdicts(study)
    for verdict in {row["verdict"] for row in found}:
        rows = sorted((row for row in found if row["verdict"] == verdict), key=lambda row: -row["estimate"])
        intervals = [str(Interval(row["estimate"], row["low"], row["high"], metrics[row["metric"]])) for row in rows]
        quoted = re.findall(r"[+-]?\d+\.\d \[[^]]*\]", said[verdict.capitalize()])
        assert quoted == [interval.replace("−", "-") for interval in intervals]
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
    assert "even 20 seeds, the last look, have less than 80 % power" in batch["reason"]
    said = [f"{row['estimate']:.2f} times [{row['low']:.2f}, {row['high']:.2f}] as many" for row in (dropout, batch)]
    assert f"needs {said[0]} to 50 %" in text
    assert f"need {said[1]} epochs: inconclusive" in text
    assert f"not shown to differ (p = {batch['p_strata']:.3f})" in text
    without = results.levels["model.dropout"].map(lambda level: level.value is False)
    means = results.values.groupby([without, results.levels["optimizer.batch_size"].map(str)])["epochs_to_target"].mean()
    assert "with batches of 32, {:.1f} on average instead of {:.1f}".format(means[True, "32"], means[False, "32"]) in text
    assert "with batches of 128, {:.1f} instead of {:.1f}".format(means[True, "128"], means[False, "128"]) in text
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
    assert f"{(epochs[False] == 2).sum()} of its 60 runs without dropout" in text
    assert (epochs[True].min(), epochs[True].max()) == (2, 5)
    assert f"and {epochs[True].isna().sum()} of 60 not at all" in text


def test_what_the_case_study_says_of_the_shared_bn() -> None:
    """Worked out from the runs: both ways of testing with one module in two places and with one in each, and their difference."""
    words = in_words("case-study").replace(" points [", " [")
    wide = by_stage_and_sharing("sharing-short")
    means = 100 * wide.groupby(level=[0, 1])[["final_test_accuracy", "batch_final_test_accuracy"]].mean()
    own, shared = ([means.loc[(stage, each)] for stage in ("stage89", "stage92")] for each in (False, True))
    assert (
        "batch statistics show what evaluation mode shows: {:.1f} and {:.1f} % for stage 89, {:.1f} and {:.1f} % for stage 92".format(
            *(row[name] for row in own for name in ("batch_final_test_accuracy", "final_test_accuracy"))
        )
        in words
    )
    shown = [row[name] for name in ("batch_final_test_accuracy", "final_test_accuracy") for row in shared]
    assert "they show {:.1f} and {:.1f} %, and evaluation mode {:.1f} and {:.1f} %".format(*shown) in words
    said = {
        "final_test_accuracy": "costs {:.1f} [{:.1f}, {:.1f}] in stage 89 and {:.1f} [{:.1f}, {:.1f}] in stage 92",
        "batch_final_test_accuracy": "with batch statistics, {:.1f} [{:.1f}, {:.1f}] and {:.1f} [{:.1f}, {:.1f}] (not claims",
    }
    for metric, sentence in said.items():
        numbers: list[float] = []
        for stage in ("stage89", "stage92"):
            cost = 100 * (wide[metric][stage, False] - wide[metric][stage, True])
            numbers += [cost.mean(), *scipy.stats.ttest_1samp(cost, 0).confidence_interval()]
        assert sentence.format(*numbers) in words
    shift = wide["variance_shift"].groupby(level=[0, 1]).mean()
    assert (
        "a factor of {:.1f} and {:.1f} with the shared module, and of {:.1f} and {:.1f} without".format(
            *(shift[stage, each] for each in (True, False) for stage in ("stage89", "stage92"))
        )
        in words
    )


def by_stage_and_sharing(study: str) -> pd.DataFrame:
    runs = load_results(ROOT / "outputs" / study)
    frame = pd.concat([runs.levels.map(lambda level: level.value), runs.runs[["seed"]], runs.values], axis=1)
    return frame.set_index(["experiment", "norm.shared", "seed"])


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("sharing-short", "by {:.1f} [{:.1f}, {:.1f}] more in stage 89 and by {:.1f} [{:.1f}, {:.1f}] more in stage 92"),
        ("sharing-quarter", "both claims were supported before, by {:.1f} [{:.1f}, {:.1f}] and by {:.1f} [{:.1f}, {:.1f}]"),
    ],
)
def test_the_claims_on_the_shared_bn_are_worked_out_from_the_runs(study: str, said: str) -> None:
    rows = verdicts(ROOT / "outputs" / study)
    assert [(row["verdict"], row["n"], row["look"]) for row in rows] == [("supported", 5, 5)] * 2
    wide = by_stage_and_sharing(study)
    gain = wide["batch_final_test_accuracy"] - wide["final_test_accuracy"]
    numbers: list[float] = []
    for row, stage in zip(rows, ("stage89", "stage92"), strict=True):
        more = gain[stage, True] - gain[stage, False]
        numbers += [more.mean(), *scipy.stats.ttest_1samp(more, 0).confidence_interval(row["confidence"])]
    assert said.format(*(100 * number for number in numbers)) in in_words("case-study").replace(" points [", " [")


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
    assert cost.replace("points [", "points there [") + " of the six that dropout costs" in in_case_study


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
        for name, column in (("his protocol", "article_test_accuracy"), ("evaluation mode", "test_accuracy")):
            shown = [f"{100 * history[column].get(int(epoch)):.1f}" for epoch in table["epoch"] if int(epoch) <= epochs]
            assert [cell for cell in table[f"stage {stage}, {name}"] if cell] == shown
        gained[stage] = 100 * (history["article_test_accuracy"] - history["test_accuracy"]).iloc[-1]
        by_his[stage] = 100 * history["article_test_accuracy"]
    assert f"shows {gained[92]:.1f} points more for stage 92 and {gained[89]:.1f} for stage 89" in " ".join(text.split())
    assert (
        f"have {best[92]:.1f} % (stage 92, to epoch 64; his log 91.9 % to the same epoch) and {best[89]:.1f} % (stage 89"
        in text
    )
    lead = (by_his[92] - by_his[89]).loc[50:54]
    assert f"{lead.min():.1f} to {lead.max():.1f} points over epochs 50 to 54" in text
    assert table["stage 92, his log"] == [f"{HIS_LOG[int(epoch)] / 100:.1f}" for epoch in table["epoch"]]
    cells = json.loads((ROOT / "notebooks" / "qiita.ipynb").read_text(encoding="utf-8"))["cells"]
    (shown,) = (source for cell in cells if "HIS_LOG = " in (source := "".join(cell["source"])))
    for epoch, right in HIS_LOG.items():
        assert epoch == 54 or f"{epoch}: {right / 100:.2f}" in shown
