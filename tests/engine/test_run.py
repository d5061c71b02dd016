"""What a run keeps when its time is up, and what it gives a torch module."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.engine.test_records import make
from torch import nn

from ablate.core.errors import UsageError
from ablate.engine.run import Run
from ablate.storage import locks
from ablate.storage.records import Record, read_record


def test_a_run_whose_time_is_up_stops_at_its_checkpoint_and_goes_on_later(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.deadline = time.time()
    run.checkpoint_seconds = 1e9
    with run.attempt():
        for epoch in (1, 2):
            run.log(epoch=epoch)
            run.save({"epoch": epoch})
    record = read_record(tmp_path)
    assert record is not None
    assert (record.status, record.error) == ("interrupted", "study.max_hours was over")
    again = make(tmp_path)
    with again.attempt():
        assert again.restore() == {"epoch": 1}
    assert (tmp_path / "history.csv").read_text() == "epoch\n1\n"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"w": np.ones(2)}, "state['w'] is of the type ndarray"), ({"a": [1, {"b": np.float64(1)}]}, "state['a'][1]['b'] is of the"),
        ({"f": Path("x")}, "state['f'] is of the type PosixPath"),
    ],
)  # fmt: skip
def test_a_state_that_could_not_be_read_again_is_refused_when_it_is_saved(state: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        make(tmp_path).save(state)
    assert said in str(caught.value)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_what_optimizers_and_schedules_hold_can_be_saved(tmp_path: Path) -> None:
    network = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    schedules = [
        torch.optim.lr_scheduler.OneCycleLR(torch.optim.SGD(network.parameters(), lr=0.1), 1.0, total_steps=9),
        torch.optim.lr_scheduler.MultiStepLR(torch.optim.SGD(network.parameters(), lr=0.1), [1, 2]),
    ]
    state = {
        "n": network.state_dict(),
        "o": optimizer.state_dict(),
        "s": [each.state_dict() for each in schedules],
        "x": (1, None),
    }
    run = make(tmp_path)
    run.log(epoch=1)
    run.save({**state, "dtype": torch.float32})
    again = make(tmp_path).restore()
    assert again is not None
    assert torch.equal(again["n"]["weight"], network.weight)
    assert again["dtype"] == torch.float32


def test_checkpoints_keep_their_distance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    run = make(tmp_path)
    run.checkpoint_seconds = 60
    kept = []
    for epoch, minutes in enumerate((0, 0.5, 1.1, 1.2), start=1):
        now[0] = 1000 + 60 * minutes
        run.log(epoch=epoch)
        run.save({"epoch": epoch})
        kept.append(make(tmp_path).restore())
    assert kept == [{"epoch": 1}, {"epoch": 1}, {"epoch": 3}, {"epoch": 3}]


def test_a_run_that_another_host_took_over_stops_and_writes_nothing_more(tmp_path: Path) -> None:
    run = make(tmp_path)

    def overtaken() -> None:
        with run.attempt():
            assert run._lease is not None
            run._lease.lost = True
            (tmp_path / "run.json").write_text("theirs")
            run.log(epoch=1)

    with pytest.raises(locks.Busy, match="another host"):
        overtaken()
    assert (tmp_path / "run.json").read_text() == "theirs"
    assert not (tmp_path / "history.csv").exists()


def test_what_other_code_made_is_made_again_if_that_is_asked_for(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.record.provenance["code"] = "old"
    with run.attempt():
        pass
    for same_code, done in ((False, True), (True, False)):
        again = make(tmp_path)
        again.record.provenance["code"] = "new"
        again.same_code = same_code
        assert (again.done_before() is not None) == done


def test_layers_in_common_begin_with_equal_weights(tmp_path: Path) -> None:
    def network(norm: bool) -> nn.Sequential:
        layers = {"first": nn.Linear(4, 8), "last": nn.Linear(8, 2)}
        if norm:
            layers = {"first": layers["first"], "norm": nn.BatchNorm1d(8), "last": layers["last"]}  # type: ignore[dict-item]
        module = nn.Sequential()
        for name, layer in layers.items():
            module.add_module(name, layer)
        return module

    run = make(tmp_path)
    plain, normed, other = network(False), network(True), network(False)
    generator = torch.get_rng_state()
    for module in (plain, normed):
        run.initialise(module)
    Run(tmp_path, Record("i", "c", 4, "base", {}, []), {}).initialise(other)
    assert torch.equal(torch.get_rng_state(), generator)
    for name, weights in plain.state_dict().items():
        assert torch.equal(weights, normed.state_dict()[name])
        assert not torch.equal(weights, other.state_dict()[name])
    bound = 1 / 4**0.5  # PyTorch's own: uniform in ± 1 / sqrt(inputs)
    assert plain.first.weight.abs().max() <= bound  # type: ignore[operator,union-attr]
    assert plain.first.weight.abs().max() > 0.8 * bound  # type: ignore[operator,union-attr]


def test_a_run_that_gets_on_is_not_given_up_for_what_it_died_of_before(tmp_path: Path) -> None:
    run = make(tmp_path)
    (tmp_path / locks.DEATHS).write_text("died\n")
    run.log(epoch=1)
    assert locks.deaths(tmp_path) == 1
    run.save({"epoch": 1})
    assert locks.deaths(tmp_path) == 0
