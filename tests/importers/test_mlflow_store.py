"""MLflow stores, of which the slow test has those that MLflow itself wrote."""

from __future__ import annotations

import math
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import ablate
from ablate.core.errors import UsageError
from ablate.importers.mlflow_store import read
from ablate.importers.sources import detect
from ablate.report.caveats import caveats

WRITER = """
import os, sys
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
import mlflow
for uri, csv in ((f"file:{sys.argv[1]}/mlruns", "files.csv"), (f"sqlite:///{sys.argv[1]}/mlflow.db", "database.csv")):
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("demo")
    for lr in (0.1, 0.2):
        for seed in range(5):
            with mlflow.start_run():
                mlflow.log_params({"opt.lr": lr, "seed": seed})
                for step in range(3):
                    mlflow.log_metric("val/acc", 0.5 + lr + step / 100 + seed / 1000, step=step)
    mlflow.search_runs().to_csv(f"{sys.argv[1]}/{csv}", index=False)
"""


@pytest.mark.slow
def test_the_stores_and_the_table_of_mlflow_say_the_same(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    subprocess.run([sys.executable, "-c", WRITER, str(tmp_path)], check=True, capture_output=True, cwd=tmp_path)
    for name in ("mlruns", "mlflow.db", "files.csv", "database.csv"):
        study = ablate.load(tmp_path / name)
        assert {key: [level.value for level in factor.levels] for key, factor in study.factors.items()} == {
            "opt.lr": [0.1, 0.2]
        }
        assert study.metric == "val/acc"
        row = study.contrasts().iloc[0]
        assert (row["n"], round(row["estimate"], 6)) == (5, 0.1)
    best = ablate.load(tmp_path / "mlruns", step="min", metrics=["val/acc"])
    assert best.runs["val/acc"].min() == pytest.approx(0.6)


def stored(folder: Path, experiment: str, uid: str, status: int = 3, stage: str = "active", **params: str) -> None:
    run = folder / experiment / uid
    (run / "params").mkdir(parents=True)
    (run / "metrics/val").mkdir(parents=True)
    (run.parent / "meta.yaml").write_text(f"artifact_location: x\nexperiment_id: '{experiment}'\nname: exp{experiment}\n")
    (run / "meta.yaml").write_text(
        f"run_id: {uid}\nrun_name: n{uid}\nstatus: {status}\nlifecycle_stage: {stage}\nstart_time: 1\n"
    )
    for key, value in params.items():
        (run / "params" / key).write_text(value)
    (run / "metrics/val/acc").write_text("1 0.5 0\n2 0.75 1\n")


def test_a_run_whose_meta_yaml_is_torn_is_left_out_and_named(tmp_path: Path) -> None:
    for uid, lr in (("a", "0.1"), ("b", "0.2"), ("c", "0.2"), ("d", "0.1"), ("e", "0.1")):
        stored(tmp_path / "mlruns", "1", uid, lr=lr)
    torn = tmp_path / "mlruns/1/b/meta.yaml"
    torn.write_text("run_id: [b")
    study = ablate.load(tmp_path / "mlruns")
    assert study.runs["val/acc"].tolist() == [0.75] * 4
    assert any(f"is left out: {torn} cannot be read" in caveat for caveat in caveats(study.report))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("meta.yaml", b"run_id: b\nlifecycle_stage: active\nstart_time: yesterday\n"),
        ("meta.yaml", b"run_id: b\nstatus: [3]\nlifecycle_stage: active\n"),
        ("params/lr", b"\xff\xfe0"),
        ("meta.yaml", b"lifecycle_stage: active\n"),
        ("meta.yaml", b"lifecycle_stage: active\nrun_id: b\n"),
        ("tags/note", b"caf\xe9"),
    ],
)
def test_a_run_that_cannot_be_read_is_left_out_and_the_others_count(tmp_path: Path, file: str, content: bytes) -> None:
    for uid in ("a", "b"):
        stored(tmp_path / "mlruns", "1", uid, lr="0.1")
    path = tmp_path / "mlruns/1/b" / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    unreadable, run = read(tmp_path / "mlruns")
    assert (run.status, run.config["lr"]) == ("finished", "0.1")
    assert unreadable.status == "unreadable"
    folder = tmp_path / "mlruns/1/b"
    assert re.match(rf"{folder}(/meta.yaml)? cannot be read (as a run of MLflow )?\(", str(unreadable.error))


def test_a_torn_metric_fails_its_run_and_an_experiment_has_a_number(tmp_path: Path) -> None:
    for experiment, uid in (("1", "a"), ("1", "b"), ("2", "c")):
        stored(tmp_path / "mlruns", experiment, uid, lr="0.1")
    for torn in (b"1 0.5 0\n17123", b"1 0.5 0\n17123 -", b"1 \xff 0", b"1 0.5 0\n2 0.75 1\n3 0.9", b"1 0.5 0\n3 0.9512 1"):
        (tmp_path / "mlruns/1/b/metrics/val/acc").write_bytes(torn)
        runs = read(tmp_path / "mlruns", "1")
        assert [(run.config["lr"], run.status) for run in runs] == [("0.1", "finished"), ("0.1", "failed")]
        assert "val/acc cannot be read as metrics of MLflow" in str(runs[1].error)
    assert read(tmp_path / "mlruns", "1")[0] == read(tmp_path / "mlruns", "exp1")[0]
    (tmp_path / "mlruns/1/b/meta.yaml").write_text("run_i")
    assert [run.status for run in read(tmp_path / "mlruns", "1")] == ["unreadable", "finished"]


def test_states_deleted_runs_and_several_experiments(tmp_path: Path) -> None:
    stored(tmp_path / "mlruns", "1", "a", lr="0.1")
    stored(tmp_path / "mlruns", "1", "b", status=5, lr="0.2")
    stored(tmp_path / "mlruns", "1", "c", stage="deleted", lr="0.2")
    stored(tmp_path / "mlruns", "2", "d", lr="0.1")
    source = detect(tmp_path)
    assert source is not None
    assert source.path == tmp_path / "mlruns"
    runs = read(source.path, "exp1")
    assert [(run.place, run.status, run.config["lr"]) for run in runs] == [
        ("run na (a)", "finished", "0.1"), ("run nb (b)", "killed", "0.2"),
    ]  # fmt: skip
    assert runs[0].values("last", None) == {"val/acc": 0.75}
    with pytest.raises(UsageError, match=r"has runs of several experiments: exp1, exp2\. Name one with --experiment\."):
        read(source.path)
    with pytest.raises(UsageError, match=r"--experiment x: .* has no runs of it; available: exp1, exp2\."):
        read(source.path, "x")


TABLES = """
create table experiments (experiment_id integer, name text);
create table runs (run_uuid text, name text, experiment_id integer, status text, start_time integer, lifecycle_stage text);
create table params (run_uuid text, key text, value text);
create table tags (run_uuid text, key text, value text);
create table metrics (run_uuid text, key text, value double, timestamp integer, step integer, is_nan boolean);
insert into experiments values (1, 'demo');
"""


def test_an_infinite_metric_in_a_database_is_that_of_a_lost_run(tmp_path: Path) -> None:
    """MLflow writes infinity as the largest double, and NaN as 0 with a mark."""
    path = tmp_path / "mlflow.db"
    values = {("0.1", 0): (0.5, 0), ("0.1", 1): (0.6, 0), ("0.2", 0): (1.7976931348623157e308, 0), ("0.2", 1): (0.0, 1),
              ("0.3", 0): (-1.7976931348623157e308, 0), ("0.3", 1): (0.7, 0)}  # fmt: skip
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES)
        for at, ((lr, seed), (value, is_nan)) in enumerate(values.items()):
            database.execute("insert into runs values (?, 'r', 1, 'FINISHED', ?, 'active')", (f"r{at}", at))
            database.executemany("insert into params values (?, ?, ?)", [(f"r{at}", "lr", lr), (f"r{at}", "seed", seed)])
            database.execute("insert into metrics values (?, 'val/loss', ?, 1, 0, ?)", (f"r{at}", value, is_nan))
        database.commit()
    runs = ablate.load(path, factors=["lr"], seed="seed", metrics=["val/loss"]).runs
    assert runs["val/loss"].isna().tolist() == [False, False, True, True, True, False]
    assert [run.values("last", None)["val/loss"] for run in read(path)] == [0.5, 0.6, math.inf, math.inf, math.inf, 0.7]


def test_a_database_of_another_tool_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table trials (number int)")
        database.commit()
    with pytest.raises(
        UsageError, match=r"study.db is a SQLite file, but not a store of MLflow .*trials_dataframe\(\)\.to_csv"
    ):
        read(path)


def test_parents_deleted_runs_and_the_order_of_steps_in_a_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.executescript(TABLES)
        for uid, stage in (("parent", "active"), ("a", "active"), ("gone", "deleted")):
            database.execute("insert into runs values (?, 'r', 1, 'FINISHED', 0, ?)", (uid, stage))
        database.executemany("insert into params values (?, 'lr', '1')", [("parent",), ("a",), ("gone",)])
        database.execute("insert into tags values ('a', 'mlflow.parentRunId', 'parent')")
        for step, value in ((1, 0.9), (0, 0.5)):
            database.execute("insert into metrics values ('a', 'acc', ?, 1, ?, 0)", (value, step))
        database.execute("insert into metrics values ('gone', 'acc', 0.1, 1, 0, 0)")
        database.commit()
    (only,) = read(tmp_path / "mlflow.db")
    assert only.values("last", None) == {"acc": 0.9}


def test_the_last_value_in_files_is_that_of_the_last_step(tmp_path: Path) -> None:
    stored(tmp_path / "mlruns", "1", "a", lr="0.1")
    (tmp_path / "mlruns/1/a/metrics/val/acc").write_text("3 0.9 2\n5 0.5 0\n4 0.7 1\n")
    assert read(tmp_path / "mlruns")[0].values("last", None) == {"val/acc": 0.9}
