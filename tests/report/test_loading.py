"""`ablate.load`: which sources and arguments it takes, and what it refuses."""

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

import ablate
from ablate.core.errors import UsageError
from ablate.report.cli import _parser
from tests.report.studies import grid, write_runs

SEEDS = range(5)
ACCURACY = {"old": [0.80, 0.81, 0.79, 0.83, 0.80], "new": [0.82, 0.82, 0.80, 0.86, 0.81]}
ROWS = pd.DataFrame(
    [(method, seed, ACCURACY[method][seed], seed * 0.1) for method in ACCURACY for seed in SEEDS],
    columns=["method", "seed", "acc", "loss"],
)
CLAIM = {
    "id": "C",
    "says": "new is better",
    "kind": "contrast",
    "contrast": {"factor": "method", "from": "old", "to": "new"},
    "expects": "higher",
}
ROLES: dict[str, Any] = {"factors": "method", "seed": "seed", "metrics": "acc"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "paper"
    write_runs(path, grid({"stem": ["a", "b"], "dropout": [True, False]}), 5)
    return path


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    ROWS.to_csv(tmp_path / "results.csv", index=False)
    return tmp_path / "results.csv"


def test_the_roles_of_a_csv_file_are_guessed_and_said(csv: Path) -> None:
    named = ablate.load(csv, factors=["method"], seed="seed", metrics=["acc"])
    with pytest.warns(UserWarning, match=r"results.csv: guessed seed seed\. Name the columns, such as factors=\[\"method\"\]"):
        assert ablate.load(csv, factors=["method"], metrics=["acc"]).contrasts().equals(named.contrasts())
    with pytest.warns(UserWarning, match=r"guessed factors method; seed seed; metrics acc"):
        assert ablate.load(csv).contrasts().equals(named.contrasts())


def test_a_folder_knows_its_roles(folder: Path) -> None:
    assert ablate.load(folder, metrics=["speed"]).metric == "speed"
    assert ablate.load(folder, metrics={"speed": {"title": "Speed", "unit": "img/s"}}).metrics["speed"].unit == "img/s"
    with pytest.raises(UsageError, match=r"unknown metric 'f1'; available: test_accuracy, speed, parameters\."):
        ablate.load(folder, metrics=["f1"])
    others: list[dict[str, Any]] = [
        {"seed": "seed"},
        {"step": "max"},
        {"claims": [CLAIM]},
        {"baseline": {"x": 1}},
        {"lower_is_better": True},
        {"decimal": ","},
    ]
    for other in others:
        with pytest.raises(UsageError, match=r"only metrics may be named for .*paper, which is a study: leave the other"):
            ablate.load(folder, **other)


def test_a_data_frame_is_read_like_its_csv_file(csv: Path) -> None:
    found = ablate.load(ROWS, **ROLES)
    pd.testing.assert_frame_equal(found.contrasts(), ablate.load(csv, **ROLES).contrasts())
    difference = np.subtract(ACCURACY["new"], ACCURACY["old"])
    low, high = stats.ttest_1samp(difference, 0).confidence_interval()
    (row,) = found.contrasts().to_dict("records")
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx((difference.mean(), low, high))
    assert found.name == "results"
    indexed = ablate.load(ROWS.set_index(["method", "seed"]), **ROLES)
    assert indexed.contrasts().equals(found.contrasts())
    with pytest.warns(UserWarning, match="the data frame: guessed factors method; seed seed; metrics acc, loss"):
        ablate.load(ROWS)


def test_values_of_a_data_frame_that_are_missing_stay_missing() -> None:
    rows = ROWS.assign(half=pd.array([True, None] * 5, dtype="boolean")).astype({"seed": "Int64"})
    rows.loc[0, "acc"] = np.nan
    found = ablate.load(rows, **ROLES | {"factors": ["method", "half"]})
    assert found.runs["acc"].isna().tolist() == [True, *[False] * 9]
    assert list(map(str, found.factors["half"])) == ["true", "null"]
    assert found.runs["seed"].tolist() == list(SEEDS) * 2


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (ROWS.head(0), "the data frame has no rows"),
        (pd.concat([ROWS, ROWS["acc"]], axis=1), "the data frame has two columns named 'acc'"),
        (ROWS.assign(acc="good"), "row 0: acc is 'good'; it should be a number"),
    ],
)
def test_a_data_frame_that_cannot_be_read_is_refused(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ablate.load(frame, **ROLES)
    with pytest.raises(UsageError, match="--encoding is not for a data frame"):
        ablate.load(ROWS, encoding="utf-8")


def test_the_options_of_the_command_are_arguments() -> None:
    options = {action.dest for action in _parser()._actions} - {"help", "check", "siunitx", "output"}
    renamed = {name.replace("metric", "metrics") for name in options}
    assert renamed == set(inspect.signature(ablate.load).parameters)


def test_roles_are_those_of_the_command() -> None:
    assert ablate.load(ROWS, **ROLES, baseline={"method": "new"}).contrasts()["estimate"].tolist() == pytest.approx([-0.016])
    unpaired = ablate.load(ROWS, **ROLES | {"seed": "none"}).contrasts()
    reference = stats.ttest_ind(ACCURACY["new"], ACCURACY["old"], equal_var=False).confidence_interval()
    assert unpaired[["low", "high"]].to_numpy()[0] == pytest.approx(reference)
    twice = pd.concat([ROWS, ROWS.assign(acc=ROWS["acc"] + 0.02 * (ROWS["method"] == "new"))])
    for duplicates, expected in (("last", 0.036), ("mean", 0.026)):
        found = ablate.load(twice, **ROLES, duplicates=duplicates)  # type: ignore[arg-type]
        assert found.contrasts()["estimate"].tolist() == pytest.approx([expected])
    wide = ROWS.pivot(index="method", columns="seed", values="acc").add_prefix("seed_").reset_index().iloc[::-1]
    found = ablate.load(wide, factors=["method"], wide="seed", metrics=["acc"])
    assert found.contrasts()["estimate"].tolist() == pytest.approx([0.016])


def test_a_file_is_read_as_told(tmp_path: Path) -> None:
    path = tmp_path / "results.txt"
    path.write_text(ROWS.to_csv(index=False, sep="|", decimal=","), encoding="utf-16")
    found = ablate.load(path, **ROLES, delimiter="bar", decimal=",", encoding="utf-16")
    assert found.contrasts()["estimate"].tolist() == pytest.approx([0.016])


def test_data_sets_are_blocks_on_request() -> None:
    rows = pd.concat([ROWS.assign(data=name, acc=ROWS["acc"] + at / 10) for at, name in enumerate("abcdef")])
    found = ablate.load(rows, **ROLES, blocks="data")
    assert list(found.factors) == ["method", "data"]
    assert found.results.manifest.blocks == "data"


def test_a_refusal_says_what_the_option_is_called_here(csv: Path) -> None:
    with pytest.raises(UsageError) as refused:
        ablate.load(csv, factors=["x"], seed="seed", metrics=["acc"])
    assert str(refused.value) == (
        f"--factors x: {csv} has no such column; available: method, seed, acc, loss. "
        "(Among the arguments of ablate.load, --factors is `factors`.)"
    )
    with pytest.raises(UsageError, match=r"--step-column is `step_column` and --metric is `metrics`\.\)$"):
        raise UsageError(ablate.report.loading._arguments_named_in("name --step-column, --metric"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"step": "Max"}, "step='Max': expected one of last, mean, max, min"),
        ({"duplicates": "first"}, "duplicates='first': expected one of last, mean"),
        ({"baseline": {"nope": 1}}, "--baseline nope: it is not a factor; available: method"),
        ({"baseline": {"method": 1}}, "--baseline method=1: "),
        ({"claims": [CLAIM | {"contrast": {"factor": "nope", "from": 0, "to": 1}}]}, "claim C: nope is not a factor"),
        ({"claims": [CLAIM | {"metric": "f1"}]}, "claim C: unknown metric 'f1'; available: acc"),
        ({"claims": CLAIM}, "expected a list of mappings, or the path of a YAML file with one."),
        ({"claims": 1}, "claims=1: expected a list of mappings, or the path of a YAML file with one."),
        ({"claims": ["C"]}, "claims: expected a list of mappings, such as [{id: C1, kind: contrast, …}], found 'C'."),
        ({"claims": "nowhere.yaml"}, "nowhere.yaml cannot be read (No such file or directory)."),
        ({"baseline": "method"}, "baseline='method': expected levels by factor, such as {'method': 'base'} or 'method=base'."),
        ({"baseline": 3}, "baseline=3: expected levels by factor"),
        ({"baseline": ["method=new", 3]}, "baseline=['method=new', 3]: expected levels by factor"),
        ({"lower_is_better": "los"}, "Did you mean 'loss'? (Among the arguments of ablate.load, --lower-is-better is `lower"),
        ({"lower_is_better": ["loss"]}, "--lower-is-better loss: it is not a metric; available: acc."),
        ({"metrics": {"acc": "higher"}}, "metrics.acc='higher': expected a mapping, such as {'better': 'higher'}."),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        ablate.load(ROWS, **ROLES | arguments)


def test_arguments_may_be_written_as_the_options(tmp_path: Path) -> None:
    both = ROLES | {"metrics": ["acc", "loss"]}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"claims": [CLAIM], "chance": {"acc": 0.1}}))
    for claims in (tmp_path / "claims.yaml", str(tmp_path / "claims.yaml")):
        found = ablate.load(ROWS, **both, claims=claims)
        assert found.verdicts().equals(ablate.load(ROWS, **both, claims=[CLAIM]).verdicts())
        assert found.metrics["acc"].chance == 0.1
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump([CLAIM | {"metric": "f1"}]))
    with pytest.raises(UsageError, match=r"claim C is about f1: add it to --metric, .*--metric is `metrics`\.\)$"):
        ablate.load(ROWS, **both, claims=tmp_path / "claims.yaml")
    for baseline in ("method=new", ["method=new"], {"method": "new"}):
        assert ablate.load(ROWS, **both, baseline=baseline).factors["method"].baseline.text == "new"
    directions = {True: ["lower", "lower"], False: ["higher", "lower"], "acc": ["lower", "lower"]}
    for lower, expected in directions.items():
        metrics = ablate.load(ROWS, **both, lower_is_better=lower).metrics  # type: ignore[arg-type]
        assert [metrics[name].better for name in both["metrics"]] == expected


def test_a_study_is_found_by_its_name_and_a_missing_one_names_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^paper: there is no such file, folder or study; studies in outputs/: none\.$"):
        ablate.load("paper")
    write_runs(tmp_path / "outputs" / "paper", grid({"stem": ["a", "b"]}), 2)
    (tmp_path / "paper").mkdir()  # the text of the article, say
    for source in ("paper", "outputs/paper", tmp_path / "outputs" / "paper"):
        assert repr(ablate.load(source)).startswith("Study('paper', 4 runs")
    for missing in ("outputs/zzz", "zzz.csv"):
        with pytest.raises(UsageError, match=f"^{missing}: there is no such file, folder or study; studies in outputs/: paper"):
            ablate.load(missing)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"^no runs in empty: expected a study, .*; studies in outputs/: paper\.$"):
        ablate.load("empty")
    ROWS.to_csv("paper.csv", index=False)
    (tmp_path / "paper").rmdir()
    (tmp_path / "paper.csv").rename("paper")
    assert ablate.load("paper", **ROLES).metric == "acc"


def test_data_frames_of_any_kind_have_the_same_numbers() -> None:
    expected = ablate.load(ROWS, **ROLES).contrasts()
    parts = [ROWS[ROWS["method"] == method].reset_index(drop=True) for method in ACCURACY]
    others = ROWS.rename(columns={"seed": 1}).assign(curve=[[1, 2]] * len(ROWS))
    others.index = pd.RangeIndex(len(ROWS), name="method")  # the name of a column, too
    for rows in (pd.concat(parts), ROWS.astype({"method": "category"}), others):
        found = ablate.load(rows, **ROLES | {"seed": 1 if 1 in rows else "seed"})
        pd.testing.assert_frame_equal(found.contrasts(), expected)
        assert repr(found).startswith("Study('results', 10 runs, 2 configurations")


def test_numbers_of_single_precision_are_levels_as_they_print() -> None:
    rows = ROWS.assign(lr=np.where(ROWS["method"] == "new", 0.2, 0.1).astype("float32"))
    found = ablate.load(rows, **ROLES | {"factors": "lr"}, baseline={"lr": 0.2})
    assert list(map(str, found.factors["lr"])) == ["0.2", "0.1"]


def test_an_empty_argument_is_none(folder: Path, csv: Path) -> None:
    assert ablate.load(folder, claims=[]).metric == "test_accuracy"
    with pytest.warns(UserWarning, match="guessed seed seed"):
        ablate.load(csv, **ROLES | {"seed": ""})


def test_only_options_are_named_as_arguments(tmp_path: Path) -> None:
    ROWS.assign(acc="x").to_csv(tmp_path / "a --final.csv", index=False)
    with pytest.raises(UsageError, match=r"seed, loss\.$"):
        ablate.load(tmp_path / "a --final.csv", **ROLES)


@pytest.mark.parametrize("name", ["seed", "run", "status"])
def test_a_role_of_a_column_that_does_not_exist_is_named_with_the_nearest(name: str) -> None:
    frame = pd.DataFrame({"method": ["a", "b"] * 3, "seed": [0, 0, 1, 1, 2, 2], "acc": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    with pytest.raises(
        UsageError, match=rf"--{name} Sed: .* has no such column; available: method, seed, acc. Did you mean 'seed'"
    ):
        ablate.load(frame, **{name: "Sed"})


@pytest.mark.parametrize("name", ["Acc (%)", "Acc [%]", "F1 (%)"])
def test_a_percent_sign_in_the_name_is_that_of_the_values(name: str) -> None:
    values = [80.47, 83.5, 81.25, 84.0, 80.0, 83.0]
    frame = pd.DataFrame({"method": ["a", "b"] * 3, "seed": [0, 0, 1, 1, 2, 2], name: values})
    found = ablate.load(frame, factors=["method"], metrics=[name], seed="seed").results
    signed = ablate.load(
        frame.assign(**{name: [f"{value}%" for value in values]}), factors=["method"], metrics=[name], seed="seed"
    ).results
    assert found.values[name].tolist() == pytest.approx(signed.values[name].tolist())
    assert (found.metrics[name].title, found.metrics[name].unit) == (name.split()[0], "%")
