"""Types of the values of study options."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ablate.core.text import NAME_BYTES, printable

MAX_SEEDS = 10_000
MAX_SEED = 2**63 - 1
A_SEED = f"an integer from 0 to {MAX_SEED}"
FEWEST_SEEDS = 5  # no verdict is taken below


def is_seed(value: object) -> bool:
    """Whether this can be a seed: an integer from 0 to MAX_SEED."""
    return type(value) is int and 0 <= value <= MAX_SEED


def _folder_name(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    if not all(map(_is_portable, parts)) or not name.strip("./ "):
        raise ValueError("not a folder name")
    return name


def _is_portable(name: str) -> bool:
    """Whether all systems accept this name, and keep it as it is."""
    return printable(name) == name and name[0] != " " and name[-1] not in ". " and len(name.encode()) <= NAME_BYTES


def has_target(node: dict[str, Any]) -> dict[str, Any]:
    """Validate the node of a logger."""
    if not isinstance(node.get("_target_"), str):
        raise ValueError("no _target_")
    return node


def ascending(looks: list[int]) -> list[int]:
    """Validate the looks of a study."""
    if looks != sorted(set(looks)):
        raise ValueError("not ascending")
    return looks


def null_is_false(value: object) -> object:
    """Read null as false."""
    return False if value is None else value


FolderName = Annotated[str, AfterValidator(_folder_name)]
FilePattern = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Values = Annotated[dict[str, Any], Field(min_length=1)]  # conditions by key
