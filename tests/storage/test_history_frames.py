"""Histories of many runs: parsed at once, they are those of each run by itself."""

import io
from collections.abc import Mapping

import pandas as pd
import pytest

from ablate.storage.history_frames import frame_of


def one_by_one(texts: Mapping[str, str]) -> pd.DataFrame:
    frames = []
    for name, text in texts.items():
        frame = pd.read_csv(io.StringIO(text)).rename(columns={"directory": "history.directory"})
        frame.insert(0, "directory", name)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize(
    "texts",
    [
        {"a": "epoch,loss\n1,0.5\n2,0.25\n", "b": "epoch,loss\n1,1\n", "c": "epoch,loss\n1,\n2,inf\n"},
        {"a": "epoch,loss\n1,0.5\n", "b": "epoch,acc\n1,0.1\n", "c": "epoch,loss\n1,0.7\n", "d": "epoch,acc\n1,0.2\n"},
        {"a": "epoch,note\n1,0.5\n", "b": "epoch,note\n1,stopped\n"},
        {"a": 'epoch,note\n1,"x\ny"\n', "b": 'epoch,note\n1,"z"\n'},
        {"a": "epoch,directory\n1,2\n", "b": "epoch,directory\n1,3\n"},
        {"a": "epoch,on\n1,True\n", "b": "epoch,on\n1,False\n"},
        {"a": "epoch,loss\n1,2\n\n", "b": "epoch,loss\n\n1,2\n"},
        {"a": "epoch,loss\n1\n", "b": "epoch,loss\n1,2\n"},
        {"a": "epoch\n0.1\n", "b": "epoch\n0.30000000000000004\n"},
    ],
)
def test_parsed_at_once_they_are_the_same(texts: Mapping[str, str]) -> None:
    bad: dict[str, Exception] = {}
    pd.testing.assert_frame_equal(frame_of(texts, bad), one_by_one(texts))
    assert bad == {}


def test_a_text_that_cannot_be_parsed_is_named_and_the_others_stay() -> None:
    texts = {"a": "epoch,loss\n1,2\n", "b": "epoch,loss\n1,2\n1,2,3,4\n", "c": "", "d": "epoch,loss\n1,4\n"}
    bad: dict[str, Exception] = {}
    assert frame_of(texts, bad)["directory"].tolist() == ["a", "d"]
    assert list(bad) == ["b", "c"]


def test_a_run_without_rows_leaves_the_numbers_of_others_numbers() -> None:
    frame = frame_of({"a": "epoch,loss\n", "b": "epoch,loss\n1,2\n"}, {})
    assert (frame["directory"].tolist(), frame["epoch"].dtype.kind) == (["b"], "i")


def test_without_histories_there_is_no_row() -> None:
    assert frame_of({}, {}).columns.tolist() == ["directory"]
