"""The Python API: `ablate.load`, its frames, tables and figures, on a study and on a CSV file."""

import doctest
import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import ablate
from ablate.core.descriptions import Column, Description, Examples, ExtraTable
from ablate.core.errors import UsageError
from ablate.report.build import build
from ablate.report.curve_plots import PALETTE
from ablate.report.plots import DARK_GRAY, GRAY
from ablate.report.study import Study
from ablate.stats.judge import judge
from tests.report.studies import METRICS, grid, write_runs

ROOT = Path(__file__).parents[2]
CLAIM = {
    "id": "C1",
    "says": "x",
    "kind": "contrast",
    "contrast": {"factor": "stem", "from": "a", "to": "b"},
    "expects": "higher",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("api") / "paper"
    write_runs(folder, grid({"stem": ["a", "b"], "dropout": [True, False]}), 5, claims=[CLAIM])
    return ablate.load(folder)


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("csv") / "results.csv"
    rows = [
        f"{method},{seed},{0.8 + 0.01 * (method == 'new') + 0.001 * seed**2 * (method == 'new') + seed / 100},{seed}"
        for method in ("old", "new")
        for seed in range(5)
    ]
    path.write_text("\n".join(["method,seed,acc,loss", *rows]))
    return path


@pytest.fixture(autouse=True)
def no_windows():
    mpl.use("Agg")
    yield
    plt.close("all")


def test_frames_are_those_of_the_runs(study: Study) -> None:
    assert isinstance(study, ablate.Study)
    assert repr(study) == "Study('paper', 20 runs, 4 configurations, metric 'test_accuracy')"
    assert {"stem", "dropout", "seed", "status", "test_accuracy"} <= set(study.runs)
    assert len(study.runs) == 20
    assert list(study.history.columns[:3]) == ["directory", "label", "seed"]
    assert study.history.groupby("label")["seed"].nunique().tolist() == [5] * 4
    assert list(study.factors) == ["stem", "dropout"]


def test_statistics_are_those_of_the_report(study: Study) -> None:
    assert study.contrasts()["estimate"].tolist() == study.report.comparison.contrasts_frame["estimate"].tolist()
    assert study.contrasts("speed")["estimate"].tolist() == [0, 0, 0]
    (verdict,) = judge(study.results.claims(), study.results)
    assert study.verdicts()[["id", "verdict"]].to_numpy().tolist() == [["C1", verdict.verdict]]
    shares = study.attribution()
    assert shares["change"].tolist() == ["stem", "dropout", "all"]
    assert shares["estimate"].iloc[:2].sum() == pytest.approx(shares["estimate"].iloc[2])
    fixed = study.attribution({"stem": ("a", "b")}, where={"dropout": False})
    by_seed = study.runs.pivot_table("test_accuracy", "seed", ["stem", "dropout"], "first")
    assert fixed["estimate"].iloc[0] == pytest.approx((by_seed["b", False] - by_seed["a", False]).mean())
    with pytest.raises(UsageError, match=r"stem has no level c; available: a, b\."):
        study.attribution({"stem": ("a", "c")})
    with pytest.raises(UsageError, match=r"unknown metric 'f1'"):
        study.contrasts("f1")


def test_arrays_that_runs_kept_are_in_the_tables_as_in_the_report(tmp_path: Path) -> None:
    description = Description(
        METRICS,
        tables=(ExtraTable("heads", "Entropy of heads", "attention", "head", "head", (Column("entropy", "entropy"),)),),
        examples=(Examples(METRICS[0].name, "answers", "right"),),
    )
    folder = write_runs(tmp_path / "paper", grid({"stem": ["a", "b"], "dropout": [True, False]}), 5, description=description)
    for at, run in enumerate(sorted(folder.glob("runs/*/seed=*"))):
        np.savez(run / "attention.npz", head=np.array(["h1", "h2"]), entropy=np.array([0.25, 0.5 + at]))
        np.savez(run / "answers.npz", right=np.packbits(np.arange(40) < 20 + at % 7), count=np.array(40))
    found, report = ablate.load(folder), build(folder)
    assert report.comparison is not None
    assert found.tables == [table.name for table in report.tables]
    assert found.table("heads").to_frame()["entropy"].tolist()[0] == 0.25
    assert found.contrasts().equals(report.comparison.contrasts_frame)
    assert {"simultaneous_low", "simultaneous_high", "examples_low", "examples_high"} <= set(found.contrasts())
    assert "over test examples" in found.table("contrasts").to_markdown()


def test_with_blocks_contrasts_are_over_blocks(tmp_path: Path) -> None:
    folder = write_runs(tmp_path / "paper", grid({"data": list("abc"), "dropout": [True, False]}), 5, blocks="data")
    assert ablate.load(folder).contrasts()["n"].tolist() == [3]


def test_without_a_result_there_is_nothing_to_compare(tmp_path: Path) -> None:
    study = ablate.load(
        write_runs(tmp_path / "begun", grid({"stem": ["a", "b"]}), 1, status=lambda levels, seed: ("failed", "x"))
    )
    assert repr(study) == "Study('begun', 2 runs, 2 configurations, no metric)"
    for asked in (study.contrasts, study.attribution, study.plot.forest, study.plot.attribution):
        with pytest.raises(UsageError, match=r"^begun has nothing to compare: no run has a metric\.$"):
            asked()


def test_an_attribution_without_changes_names_the_factors(tmp_path: Path) -> None:
    three = ablate.load(write_runs(tmp_path / "three", grid({"stem": ["a", "b", "c"]}), 2))
    said = re.escape("three has no factor of two levels (stem has 3): name what changes, such as changes={'stem': ('a', 'b')}.")
    for asked in (three.attribution, three.plot.attribution):
        with pytest.raises(UsageError, match=f"^{said}$"):
            asked()
    assert three.attribution({"stem": ("a", "b")})["change"].tolist() == ["stem", "all"]
    one = ablate.load(write_runs(tmp_path / "one", grid({}), 2))
    with pytest.raises(UsageError, match="^one has no factors"):
        one.attribution()


def test_tables_have_every_format(study: Study) -> None:
    assert study.tables[0] == "ablation"
    shown = study.table("ablation")
    assert r"\label{tab:ablation-paper}" in shown.to_latex()
    assert shown.to_markdown().startswith("## Ablation")
    assert "<b>" in shown.to_html()
    assert shown._repr_html_() == shown.to_html()
    assert shown.to_frame()["n"].tolist() == [5] * 4
    assert shown.to_csv().startswith("cell,label,")
    assert (
        "throughput (images/s)" in study.table("ablation", metric="speed").to_markdown()
        or "speed" in study.table("ablation", metric="speed").to_markdown()
    )
    with pytest.raises(UsageError, match=r"paper has no table 'ablations'; available: ablation, verdicts, "):
        study.table("ablations")


def test_a_notebook_shows_the_ablation_table(study: Study) -> None:
    shown = study._repr_html_()
    assert shown.startswith("<p>Study(&#39;paper&#39;, 20 runs")
    assert "<caption>Ablation</caption>" in shown


def test_dir_lists_the_public_names() -> None:
    names = dir(ablate.load(ROOT / "outputs" / "protocols"))
    assert {"runs", "history", "contrasts", "verdicts", "attribution", "table", "tables", "plot", "results"} <= set(names)
    assert not [name for name in names if name.startswith("_")]


def test_a_csv_file_is_a_study_too(csv: Path) -> None:
    described = {"acc": {"title": "Accuracy", "digits": 2}, "loss": {}}
    found = ablate.load(
        csv,
        factors=["method"],
        seed="seed",
        metrics=described,
        claims=[{**CLAIM, "contrast": {"factor": "method", "from": "old", "to": "new"}}],
    )
    assert (found.name, found.metric) == ("results.csv", "acc")
    assert found.contrasts()["estimate"].tolist() == pytest.approx([0.016])
    assert "Accuracy (%)" in found.table("ablation").to_markdown()
    assert found.verdicts()["id"].tolist() == ["C1"]
    assert found.history.empty
    with pytest.raises(UsageError, match=r"results.csv has no learning curves"):
        found.plot.curves()
    found.plot.forest()


def test_an_attribution_refuses_what_the_study_does_not_have(study: Study) -> None:
    factor, *_ = study.factors
    for where in ({"nope": 1}, {factor: "nope"}):
        with pytest.raises(UsageError, match="nope"):
            study.attribution(where=where)


def test_a_forest_is_drawn_on_the_axes_of_the_user(study: Study) -> None:
    figure, ax = plt.subplots()
    label = study.table("contrasts").table.rows[0]["change"]
    assert study.plot.forest(ax=ax, kind="contrasts", order=[str(label)], palette=["red"]) is ax
    assert [text.get_text() for text in ax.get_yticklabels()] == [label]
    diamond = ax.lines[-1]
    assert diamond.get_color() == "red"
    assert diamond.get_xdata()[0] == pytest.approx(study.contrasts()["estimate"].iloc[0])
    figure.canvas.draw()
    with pytest.raises(UsageError, match=r"unknown label 'x' among the contrasts; available: "):
        study.plot.forest(kind="contrasts", order=["x"])
    with pytest.raises(UsageError, match=r"unknown kind 'cells'; available: configurations, contrasts\."):
        study.plot.forest(kind="cells")


def test_an_interval_that_includes_zero_is_gray(study: Study) -> None:
    ax = study.plot.forest()
    frame = study.table("ablation").to_frame().dropna(subset="difference_low")
    decided = ((frame["difference_low"] > 0) | (frame["difference_high"] < 0)).tolist()
    colors = [line.get_color() for line in ax.lines if line.get_marker() == "D"]
    assert [color != GRAY for color in colors] == decided
    ax = study.plot.forest(order=["stem=b", "dropout=false"], palette={"stem=b": "red"})
    assert next(line.get_color() for line in ax.lines if line.get_marker() == "D") == "red"


def test_curves_show_the_mean_of_each_configuration(study: Study) -> None:
    ax = study.plot.curves(order=["baseline", "dropout=false", "stem=b"], palette={"stem=b": "red"})
    assert [line.get_color() for line in ax.lines] == [DARK_GRAY, PALETTE[0], "red"]
    curves = study.report.curves
    assert curves is not None
    history = study.history[study.history["label"] == "stem=a,dropout=true"]
    mean = history.groupby("epoch")[curves.shown[0].column].mean()
    assert ax.lines[0].get_ydata() == pytest.approx(mean.to_numpy())
    with pytest.raises(UsageError, match=r"unknown column 'x'"):
        study.plot.curves("x")


def test_what_verdicts_rest_on_cannot_be_described_anew(study: Study) -> None:
    """A study whose claim is supported would have it contradicted."""
    folder = study.results.folder
    assert folder is not None
    with pytest.raises(UsageError, match="the better of test_accuracy is fixed with the claims of"):
        ablate.load(folder, metrics={"test_accuracy": {"better": "lower"}})
    assert ablate.load(folder, metrics={"test_accuracy": {"title": "T"}}).metrics["test_accuracy"].title == "T"


def test_an_interaction_has_a_line_for_each_level(study: Study) -> None:
    ax = study.plot.interaction("stem", "dropout")
    means = study.runs.groupby(["dropout", "stem"])["test_accuracy"].mean()
    assert [line.get_label() for line in ax.lines] == ["true", "false"]
    assert list(ax.lines[0].get_ydata()) == pytest.approx([means[True, "a"], means[True, "b"]])
    with pytest.raises(UsageError, match=r"x does not vary in this study; available: stem, dropout\."):
        study.plot.interaction("stem", "x")


def test_means_over_different_configurations_are_not_drawn_without_a_warning(tmp_path: Path) -> None:
    """The difference of differences of `a` and `b` is that of `c`, which has its second level only where both have theirs."""
    path = tmp_path / "results.csv"
    cells = [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)]
    rows = [f"{a},{b},{c},{seed},{0.5 + 0.1 * c + 0.01 * seed}" for a, b, c in cells for seed in range(3)]
    path.write_text("\n".join(["a,b,c,seed,acc", *rows]))
    study = ablate.load(path, factors=["a", "b", "c"], seed="seed", metrics=["acc"])
    with pytest.warns(UserWarning, match="a and b have no level of the other factors in common for all their combinations"):
        study.plot.interaction("a", "b")


def test_an_attribution_has_a_bar_for_each_change(study: Study) -> None:
    shares = study.attribution()
    ax = study.plot.attribution(shares)
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(shares["estimate"].tolist())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["stem", "dropout", "all changes"]
    assert [bar.get_width() for bar in study.plot.attribution().patches] == [bar.get_width() for bar in ax.patches]


def test_the_plots_leave_the_backend_and_the_style_alone(study: Study) -> None:
    before = (mpl.get_backend(), dict(plt.rcParams))
    study.plot.forest()
    assert (mpl.get_backend(), dict(plt.rcParams)) == before
    assert dir(study.plot) == ["attribution", "curves", "forest", "interaction"]


@pytest.mark.parametrize(
    "page",
    [path for path in sorted((ROOT / "docs").rglob("*.md")) if "```pycon" in path.read_text(encoding="utf-8")],
    ids=lambda path: path.stem,
)
def test_the_examples_of_the_pages_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```pycon\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, page.name, str(page), 0)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    runner = doctest.DocTestRunner(optionflags=flags)
    printed: list[str] = []
    runner.run(test, out=printed.append)
    assert runner.failures == 0, "".join(printed)
