"""Checkpoints hold tensors and plain values, and run no code when they are read."""

import io
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.core.errors import UsageError
from ablate.storage.checkpoints import dump, load, read


def test_tensors_and_plain_values_are_read_back() -> None:
    content = {"weights": torch.arange(3), "epoch": 1, "lr": 0.1, "name": "a", "note": None, "list": [1, (2, {"x": True})]}
    read = load(dump(content))
    assert torch.equal(read.pop("weights"), torch.arange(3))
    assert read == {key: value for key, value in content.items() if key != "weights"}


def test_a_state_dict_is_read_back() -> None:
    state = torch.nn.Linear(2, 3).state_dict()
    assert isinstance(state, OrderedDict)
    read = load(dump({"model": state}))["model"]
    assert torch.equal(read["weight"], state["weight"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"a": {"b": [1, np.zeros(2)]}},
            r"run\.save: a\['b'\]\[1\] has the type ndarray; a checkpoint may contain tensors, numbers",
        ),
        (
            {"path": Path("x")},
            r"run\.save: path has the type PosixPath; .*torch\.from_numpy\(array\), a NumPy scalar with scalar",
        ),
    ],
)
def test_what_could_not_be_read_again_is_refused_when_it_is_saved(content: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        dump(content)


@pytest.mark.parametrize("data", [b"", b"torn", pickle.dumps({"state": {}}), dump({"a": torch.zeros(10)})[:-40]])
def test_damaged_and_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        load(data)


def test_a_checkpoint_without_a_dictionary_is_refused() -> None:
    buffer = io.BytesIO()
    torch.save([1, 2], buffer)
    with pytest.raises(ValueError, match="it is not a dictionary"):
        load(buffer.getvalue())


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "exploded",))

    buffer = io.BytesIO()
    torch.save({"state": Bomb()}, buffer)
    with pytest.raises(ValueError, match="."):
        load(buffer.getvalue())
    assert not (tmp_path / "exploded").exists()


def test_a_checkpoint_is_written_to_and_read_from_the_folder_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(dump({"epoch": 2}))
    assert read(tmp_path) == {"epoch": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
