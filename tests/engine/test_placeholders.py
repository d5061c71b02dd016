"""The placeholders of a command, and the arguments that two commands have in common."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.engine.placeholders import CommandExperiment, filled, placeholders


def test_flags_follow_their_values() -> None:
    template = ["train.py", "--lr={optimizer.lr}", "{amp:--amp|--no-amp}", "{clip:--clip}", '{"a": 1}', "{sizes}"]
    assert placeholders(template) == ["optimizer.lr", "amp", "clip", "sizes"]
    cfg = OmegaConf.create({"optimizer": {"lr": 1e-3}, "amp": False, "clip": 0.5, "sizes": [1, 2]})
    assert filled(template, cfg) == ["train.py", "--lr=0.001", "--no-amp", "--clip", "0.5", '{"a": 1}', "[1, 2]"]
    cfg = OmegaConf.create({"optimizer": {"lr": None}})
    with pytest.raises(
        UsageError, match=r"optimizer.lr=null: the command needs a value for {optimizer.lr}; an argument that null"
    ):
        filled(template, cfg)


def test_variables_of_the_shell_are_no_placeholders() -> None:
    assert placeholders(["bash", "-c", "t.py --lr {lr} ${DATA} ${OUT:-out}"]) == ["lr"]


def grown(first: list[str], command: list[str], **levels: Any) -> tuple[list[str], list[str]]:
    """The command as a study with another first command has it, and the keys that change nothing else."""
    cfg = OmegaConf.create({"command": command, "seed": 1, **levels})
    unused = CommandExperiment().simplify(cfg, {"command": first, "lr": 0.1})
    written: Any = OmegaConf.to_container(cfg)
    return written["command"], list(unused)


def test_what_a_study_adds_to_its_command_is_filled_in() -> None:
    first = ["train.py", "--lr", "{lr}", "--seed", "{seed}", r"\${DATA}"]
    later = ["train.py", "--lr", "{lr}", "{amp:--amp}", "{width:--width}", "--seed", "{seed}", r"\${DATA}"]
    assert grown(first, later, lr=0.1, amp=False, width=None) == (first, ["amp", "width"])
    assert grown(first, later, lr=0.1, amp=True, width=64) == (
        ["train.py", "--lr", "{lr}", "--amp", "--width", "64", "--seed", "{seed}", r"\${DATA}"],
        ["amp", "width"],
    )
    assert grown(first, first, lr=0.1) == (first, [])
    assert CommandExperiment().simplify(OmegaConf.create({"command": later}), {}) == []


@pytest.mark.parametrize("value", ["${lr}", "{seed}", "${hydra:runtime.output_dir}/x"])
def test_a_level_that_is_only_known_in_a_run_stays_a_placeholder(value: str) -> None:
    assert grown(["t.py"], ["t.py", "{out}"], lr=0.1, out=value) == (["t.py", "{out}"], [])


def test_a_secret_is_not_written_into_the_command() -> None:
    assert grown(["t.py"], ["t.py", "{api_key}"], api_key="s3cret") == (["t.py", "{api_key}"], [])
