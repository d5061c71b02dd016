"""The comparisons of mechanisms: what is equal, and how time and memory are measured."""

from collections.abc import Callable

import pytest
import torch

from ablate.vision.config import Config
from benchmarks import mechanisms
from benchmarks.mechanisms import bytes_kept, compare_paddings, compare_stems, interleaved, table

Experiment = Callable[..., Config]
SMALL = ["experiment=stage89", "model.widths=[4,6,8]", "model.depth=1"]


def test_a_folded_stem_is_equal_to_rounding(experiment: Experiment) -> None:
    found = compare_stems(experiment(*SMALL), batch=8, rounds=1)
    assert 0 < found.difference < 1e-4 * found.spread
    assert all(seconds > 0 for seconds in found.seconds)


def test_two_ways_of_padding_are_equal_to_rounding_and_one_keeps_more(experiment: Experiment) -> None:
    """The module's output, the padded copy of the input, is what its convolution keeps."""
    found = compare_paddings(experiment(*SMALL), experiment(*SMALL, "model.padding=conv"), batch=8, rounds=1)
    assert found.difference < 1e-5
    assert found.gradient_difference is not None
    assert found.gradient_difference < 1e-5
    assert found.bytes_kept is not None
    assert found.bytes_kept[0] > found.bytes_kept[1]


def test_kept_bytes_are_those_that_the_backward_pass_needs() -> None:
    """A product keeps both factors, and a memory that two operations keep is counted once."""
    x = torch.randn(10, requires_grad=True)
    y = torch.randn(10, requires_grad=True)
    assert bytes_kept(lambda: x * y) == 80
    assert bytes_kept(lambda: (x * y, x * y)) == 80
    assert bytes_kept(lambda: x + y) == 0
    with torch.no_grad():
        assert bytes_kept(lambda: x * y) == 0


def test_rounds_are_interleaved_and_the_first_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    clock = [0.0]
    seconds = {"a": [100.0, 1.0, 2.0, 9.0], "b": [100.0, 5.0, 5.0, 6.0]}

    def work(name: str) -> None:
        calls.append(name)
        clock[0] += seconds[name][calls.count(name) - 1]

    monkeypatch.setattr(mechanisms.time, "process_time", lambda: clock[0])
    found = interleaved({"a": lambda: work("a"), "b": lambda: work("b")}, rounds=3)
    assert calls == ["a", "b"] * 4
    assert found == {"a": 2.0, "b": 5.0}


def test_a_table_has_the_ratio_of_the_second_to_the_first() -> None:
    found = mechanisms.Comparison("T", ("one", "two"), 1e-6, 2.0, (2.0, 1.0), "evaluation", None, (2**21, 2**20))
    cells = [list(column.cells) for column in table(found).columns]
    assert cells[3] == ["0.50", "0.50"]
    assert cells[1][1] == "2"


def test_the_command_prints_both_comparisons(capsys: pytest.CaptureFixture[str]) -> None:
    mechanisms.main(["model.widths=[4,6,8]", "model.depth=1"], batch=4)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Linear stem" in printed
    assert "MiB kept for the backward pass" in printed
    assert "of the gradients" in printed
