"""Types of the values of study options, and checks of single values."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ablate.core.errors import UsageError
from ablate.core.text import cut, is_study_name
from ablate.core.zipping import joint_name

MAX_SEEDS = 10_000
MAX_SEED = 2**63 - 1
A_SEED = f"an integer from 0 to {MAX_SEED}"


def is_seed(value: object) -> bool:
    """Whether this can be a seed: an integer from 0 to MAX_SEED."""
    return type(value) is int and 0 <= value <= MAX_SEED


def _folder_name(name: str) -> str:
    if not is_study_name(name):
        raise ValueError("not a folder name")
    return name


def _number_as_text(name: Any) -> Any:
    """A folder may have a number for a name; YAML and Hydra make an integer of it."""
    return str(name) if type(name) is int else name


def has_target(node: dict[str, Any]) -> dict[str, Any]:
    """Validate the node of a logger."""
    if not isinstance(node.get("_target_"), str):
        raise ValueError("no _target_")
    return node


def refuse_seed_key(key: str) -> None:
    """Reject a `seed_key` in a program that has the node `study:` and therefore the key `seed`: no seed would reach that key.

    Raises:
        UsageError: if it is not `seed`.
    """
    if key != "seed":
        raise UsageError(
            f"study.seed_key={cut(key, 100)}: a configuration with `defaults: [ablate]` has its seed in the key `seed`; write "
            f"{cut(key, 100)}: ${{seed}} in the configuration instead."
        )


def ascending(looks: list[int]) -> list[int]:
    """Validate the looks of a study."""
    if looks != sorted(set(looks)):
        raise ValueError("not ascending")
    return looks


def null_is_false(value: object) -> object:
    """Read null as false."""
    return False if value is None else value


def zip_groups(value: object) -> object:
    """Normalize study.zip: by the name of each joint factor, its keys. One list of keys is one group."""
    if isinstance(value, list):
        groups = [value] if value and all(isinstance(each, str) for each in value) else value
        if not all(isinstance(keys, list) and all(isinstance(key, str) for key in keys) for keys in groups):
            raise ValueError("not lists of keys")
        value = {joint_name(keys): keys for keys in groups}
        if len(value) < len(groups):
            raise ValueError("two groups with the same name")
    if isinstance(value, dict):
        keys = [key for group in value.values() if isinstance(group, list) for key in group]
        if len(set(map(str, keys))) < len(keys) or any("." in str(name) for name in value):
            raise ValueError("a key is in two groups, or a name has a dot")
    return value


FolderName = Annotated[str, BeforeValidator(_number_as_text), AfterValidator(_folder_name)]
FilePattern = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Values = Annotated[dict[str, Any], Field(min_length=1)]  # conditions by key
ZippedKeys = Annotated[dict[str, Annotated[list[str], Field(min_length=2)]], BeforeValidator(zip_groups)]
