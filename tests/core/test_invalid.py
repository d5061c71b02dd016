"""The first error of a validation by pydantic, and the setting that it is about."""

import math
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from ablate.core.invalid import Invalid, setting_of


def finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("should be finite")
    return value


class Optimizer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lr: Annotated[float, AfterValidator(finite)] | None = None
    betas: list[float] = []


class Settings(BaseModel):
    optimizer: Optimizer
    seed: int | float = 0


def first(content: dict[str, Any]) -> Invalid:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(content)
    return Invalid.first(caught.value)


def test_a_message_of_a_validator_is_its_own_and_branches_of_unions_are_no_keys() -> None:
    found = first({"optimizer": {"lr": math.inf}, "seed": "many"})
    assert (found.place, found.kind, found.message, found.value) == (
        "optimizer.lr",
        "value_error",
        "should be finite",
        math.inf,
    )
    assert first({"optimizer": {}, "seed": "many"}).place == "seed"
    assert (first({}).place, first({}).kind) == ("optimizer", "missing")


@pytest.mark.parametrize(
    ("optimizer", "keys", "value"),
    [
        ({"lr": "fast"}, ("optimizer", "lr"), "fast"),
        ({"betas": [0.9, "high"]}, ("optimizer", "betas"), [0.9, "high"]),
        ({"momentum": 0.9}, ("optimizer", "momentum"), 0.9),
    ],
)
def test_a_setting_is_found_with_its_section_and_its_whole_value(optimizer: dict, keys: tuple[str, ...], value: object) -> None:
    content = {"optimizer": optimizer}
    found = setting_of(first(content), content, Settings)
    assert (found.keys, found.section, found.value) == (keys, Optimizer, value)
    assert found.key == ".".join(keys)
