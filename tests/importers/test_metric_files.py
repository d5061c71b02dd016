"""Metrics read from the files that programs write."""

import json
import math
from pathlib import Path

import pytest

from ablate.core.errors import UsageError
from ablate.importers.metric_files import Row, combined, continued, final, read_metrics

LIGHTNING = """epoch,step,train/loss,val/acc,test/acc
0,9,2.0,,
0,9,,0.5,
1,19,1.5,,
1,19,,0.9,
2,29,1.25,,
2,29,,0.75,
3,30,,,0.7
"""  # as its CSVLogger writes it: one line for training, one for validation, one for the test


def test_the_sparse_lines_of_lightning_are_rows_of_epochs(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(LIGHTNING)
    rows = read_metrics(path)
    assert rows[1] == {"epoch": 1, "step": 19, "train/loss": 1.5, "val/acc": 0.9}
    assert final(rows) == {"train/loss": 1.25, "val/acc": 0.75, "test/acc": 0.7}
    assert final(rows, "max", "val/acc") == {"train/loss": 1.5, "val/acc": 0.9, "test/acc": 0.7}
    assert final(rows, "min", "train/loss")["val/acc"] == 0.75


def test_not_a_number_is_kept_and_loses_the_run(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,note\n0,1.0,x\n1,0.5,y\n2,nan,z\n")
    rows = read_metrics(path)
    assert math.isnan(final(rows)["loss"])
    assert math.isnan(final(rows, "min")["loss"])
    assert math.isnan(final(rows, "max", "loss")["loss"])
    assert math.isinf(final([{"loss": 1.0}, {"loss": -math.inf, "acc": 0.1}, {"loss": 0.5}], "min", "loss")["loss"])


def test_json_yaml_and_json_lines(tmp_path: Path) -> None:
    content = {"val": {"acc": 0.5, "loss": "1.5"}, "name": "run", "ok": True}
    (tmp_path / "a.json").write_text(json.dumps(content, indent=1))
    (tmp_path / "a.yaml").write_text("val: {acc: 0.5, loss: 1.5}\nname: run\nok: true\n")
    for name in ("a.json", "a.yaml"):
        assert read_metrics(tmp_path / name) == [{"val/acc": 0.5, "val/loss": 1.5, "ok": 1.0}]
    (tmp_path / "b.jsonl").write_text('{"step": 1, "acc": 0.5}\n{"step": 2, "acc": 0.75}\n')
    assert final(read_metrics(tmp_path / "b.jsonl")) == {"acc": 0.75}


def test_true_and_false_in_a_table_are_one_and_zero_as_in_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("epoch,solved,note\n0,False,x\n1,True,x\n")
    (tmp_path / "a.jsonl").write_text('{"epoch": 0, "solved": false, "note": "x"}\n{"epoch": 1, "solved": true}\n')
    for name in ("a.csv", "a.jsonl"):
        assert read_metrics(tmp_path / name) == [{"epoch": 0, "solved": 0}, {"epoch": 1, "solved": 1}]


def test_a_byte_order_mark_is_no_part_of_a_name_and_a_long_integer_is_not_finite(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("accuracy,loss\n0.5,1\n", encoding="utf-8-sig")
    (tmp_path / "a.json").write_text('{"accuracy": 0.5, "loss": 1}', encoding="utf-8-sig")
    for name in ("a.csv", "a.json"):
        assert read_metrics(tmp_path / name) == [{"accuracy": 0.5, "loss": 1.0}]
    (tmp_path / "b.json").write_text(f'{{"loss": 1{"0" * 400}}}')
    assert read_metrics(tmp_path / "b.json") == [{"loss": math.inf}]


def test_the_event_files_of_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path))
    for step, value in enumerate([0.5, 0.75, 0.625]):
        writer.add_scalar("val/acc", value, step)
        writer.add_scalar("loss", -value, step)
    writer.add_text("note", "text")
    writer.close()
    (path,) = tmp_path.iterdir()
    assert read_metrics(path)[1] == {"step": 1, "val/acc": 0.75, "loss": -0.75}
    assert final(read_metrics(path), "max", "val/acc") == {"val/acc": 0.75, "loss": -0.75}


@pytest.mark.parametrize("name", ["iter", "Epoch", "timestep", "training_iteration"])
def test_usual_names_of_what_counts_are_no_metrics_and_join_what_was_continued(name: str) -> None:
    before = [{name: 1.0, "acc": 0.5}, {name: 2.0, "acc": 0.9}]
    assert final(before) == {"acc": 0.9}
    assert combined([{name: 1.0, "loss": 2.0}, {name: 1.0, "acc": 0.5}]) == [{name: 1.0, "loss": 2.0, "acc": 0.5}]
    again = [{name: 2.0, "acc": 0.6}, {name: 3.0, "acc": 0.7}]
    assert continued(before, again, same_run=True) == [before[0], *again]


def test_without_a_counter_every_line_is_a_row() -> None:
    assert combined([{"acc": 1.0}, {"acc": 2.0}]) == [{"acc": 1.0}, {"acc": 2.0}]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name, content, said in [
        ("a.txt", "x", "expected .csv, .tsv, .json, .jsonl, .yaml, or an event file of TensorBoard"),
        ("a.json", "{", "Expecting property name"),
        ("b.json", "[1]", "expected names and numbers, found int"),
        ("none.csv", None, "No such file"),
    ]:
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        with pytest.raises(UsageError, match=f"{name} cannot be read as a file of metrics: .*{said}"):
            read_metrics(path)
    rows = [{"epoch": 0.0, "a": 1.0, "b": 2.0}]
    with pytest.raises(UsageError, match="the max of which metric. The file has a, b"):
        final(rows, "max")
    with pytest.raises(UsageError, match="the file has no metric c; available: a, b"):
        final(rows, "max", "c")


def test_the_event_files_of_lightning_have_the_epoch_in_a_row_of_its_own() -> None:
    rows: list[Row] = []
    for epoch, (accuracy, loss) in enumerate([(0.5, 1.0), (0.9, 0.5), (0.7, 0.25)]):
        rows += [{"step": epoch, "val_acc": accuracy}, {"step": epoch, "val_loss": loss}, {"step": epoch, "epoch": epoch}]
    assert final(combined(rows), "max", "val_acc") == {"val_acc": 0.9, "val_loss": 0.5}


def test_a_date_with_underscores_is_no_metric(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("when,acc\n2024_01_05,0.5\n")
    assert read_metrics(tmp_path / "metrics.csv") == [{"acc": 0.5}]
