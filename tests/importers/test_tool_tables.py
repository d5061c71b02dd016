"""Tables that other tools export: of Optuna by itself, of the others with their documented columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import ablate
from ablate.core.errors import UsageError
from ablate.importers.csv import read_table
from ablate.importers.tool_tables import recognized

WANDB = '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","model.depth","seed","epoch","val/acc","val/loss","_step"\n'
ROW = '"{name}","{state}","-","ann","","2026-01-{day:02}T10:00:00.000Z","{runtime}","","{depth}","{seed}","9","{acc}","{loss}","99"\n'


def wandb_table() -> str:
    """Newest first, as the interface exports it; one run crashed before it had a summary, one is running."""
    rows = []
    for day, (depth, seed) in enumerate([(depth, seed) for depth in (2, 4) for seed in range(6)], 1):
        state = {(4, 4): "crashed", (4, 5): "running"}.get((depth, seed), "finished")
        acc = "" if state != "finished" else 0.5 + depth / 100 + seed / 1000
        rows.append(
            ROW.format(
                name=f"run-{day}",
                state=state,
                day=day,
                runtime=100 + day,
                depth=depth,
                seed=seed,
                acc=acc,
                loss=acc and 1 - acc,
            )
        )
    return WANDB + "".join(reversed(rows))


def test_states_of_a_wandb_table_are_heeded(tmp_path: Path) -> None:
    path = tmp_path / "wandb_export.csv"
    path.write_text(wandb_table())
    study = ablate.load(path)
    assert {key: [level.value for level in factor.levels] for key, factor in study.factors.items()} == {"model.depth": [2, 4]}
    assert study.metric == "val/acc"
    assert study.runs["status"].value_counts().to_dict() == {"finished": 10, "failed": 1, "running": 1}
    row = study.contrasts().iloc[0]
    assert (row["n"], round(row["estimate"], 6)) == (4, 0.02)


def test_the_recipe_of_wandb_writes_mappings(tmp_path: Path) -> None:
    runs = [
        {
            "summary": {"acc": 0.5 + width / 100 + seed / 1000, "loss": float("nan"), "_step": 3},
            "config": {"width": width, "seed": seed, "opt": {"lr": 0.1}},
            "name": f"r{width}{seed}",
        }
        for width in (1, 2)
        for seed in range(5)
    ]  # fmt: skip
    pd.DataFrame(runs).to_csv(tmp_path / "project.csv")
    table = recognized(read_table(tmp_path / "project.csv"))
    assert [name for name in table.columns if table.kinds.get(name) == "config"] == ["width", "seed", "opt.lr"]
    study = ablate.load(tmp_path / "project.csv")
    assert round(study.contrasts()["estimate"].iloc[0], 6) == 0.01
    assert study.results.facts["opt.lr"].value == 0.1


def test_trials_of_optuna(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: object) -> float:
        depth = trial.suggest_categorical("depth", [2, 4])  # type: ignore[attr-defined]
        seed = trial.suggest_int("seed", 0, 4)  # type: ignore[attr-defined]
        trial.set_user_attr("test_acc", 0.9)  # type: ignore[attr-defined]
        if (depth, seed) == (4, 4):
            raise optuna.TrialPruned
        return depth / 100 + seed / 1000

    study = optuna.create_study(sampler=optuna.samplers.GridSampler({"depth": [2, 4], "seed": list(range(5))}))
    study.optimize(objective, n_trials=10)
    path = tmp_path / "trials.csv"
    study.trials_dataframe().to_csv(path)
    found = ablate.load(path)
    assert list(found.factors) == ["depth"]
    assert found.metric == "value"
    assert found.runs["status"].value_counts().to_dict() == {"finished": 9, "failed": 1}
    sign = 1 if found.factors["depth"].levels[0].value == 2 else -1
    assert round(sign * found.contrasts()["estimate"].iloc[0], 6) == 0.02
    assert ablate.load(path, factors=["params_depth"], seed="params_seed").metric == "value"
    with pytest.raises(
        UsageError, match=r"--factors params_x: .*trials.csv has no such column; available: .*value, .*depth, seed"
    ):
        ablate.load(path, factors=["params_x"])


def test_runs_of_mlflow_with_a_name_twice(tmp_path: Path) -> None:
    """`search_runs()` begins with the newest run; `dropout` is both a parameter and a metric."""
    rows = [
        {
            "run_id": f"{drop}{seed}", "experiment_id": "1", "status": "FAILED" if (drop, seed) == (0.5, 4) else "FINISHED",
            "start_time": f"2026-01-01 10:{int(drop * 10)}{seed}:00.000+00:00", "metrics.acc": 0.5 + drop / 10 + seed / 1000,
            "metrics.dropout": 0.1, "params.dropout": drop, "params.seed": seed, "tags.mlflow.runName": f"n{drop}{seed}",
        }
        for drop in (0.5, 0.1)
        for seed in range(5)
    ]  # fmt: skip
    path = tmp_path / "runs.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    study = ablate.load(path)
    assert [level.value for level in study.factors["params.dropout"].levels] == [0.1, 0.5]
    assert study.metric == "acc"
    assert study.runs["status"].tolist().count("failed") == 1


def test_a_table_of_clearml(tmp_path: Path) -> None:
    # the header of its web application: names of columns in capitals, section.hyperparameter, metric › variant (Last)
    columns = ("ID", "TYPE", "NAME", "TAGS", "STATUS", "PROJECT", "USER", "STARTED", "UPDATED", "ITERATION", "DESCRIPTION")
    columns += ("RUN TIME", "PARENT TASK: parent", "PARENT TASK: parent.project.name", "Args.lr", "Model.depth", "Args.seed")
    columns += ("accuracy › test (Last)", "accuracy › test (Max)", "Summary › params (Last)")
    lines = [",".join(columns)]
    for lr in (0.1, 0.2):
        for seed in range(5):
            status = "stopped" if (lr, seed) == (0.2, 4) else "completed"
            begun = f"2026-01-0{seed + 1}T0{round(10 * lr)}:00:00Z"
            accuracy = 0.5 + lr + seed / 1000
            about = f"3f{seed},training,t{lr}{seed},,{status},p,ann,{begun},{begun},{seed}00,,{60 + seed},p1,all"
            lines.append(f"{about},{lr},2,{seed},{accuracy},{accuracy + 0.1},1000")
    path = tmp_path / "clearml.csv"
    path.write_text("\n".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    table = recognized(read_table(path))
    assert {name: kind for name, kind in table.kinds.items() if kind != "other"} == {
        "lr": "config", "Model.depth": "config", "seed": "config",
        "accuracy/test": "metric", "accuracy/test (Max)": "metric", "params": "metric",
    }  # fmt: skip
    study = ablate.load(path)
    assert [str(level) for level in study.factors["lr"]] == ["0.1", "0.2"]  # sorted by STARTED: the newest is first in the file
    assert (list(study.factors), study.metric) == (["lr"], "accuracy/test")
    assert round(study.contrasts()["estimate"].iloc[0], 6) == 0.1
    assert study.runs["status"].tolist().count("failed") == 1
    assert ablate.load(path, metrics=["accuracy › test (Max)"], factors=["Args.lr"], seed="Args.seed").metric


def test_any_other_table_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("method,seed,acc\na,0,1\nb,0,2\n")
    table = read_table(path)
    assert recognized(table) == table or recognized(table) is table
