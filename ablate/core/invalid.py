"""The first of the errors that pydantic finds, for messages of one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

_BRANCHES = ("int", "float", "function-before", "function-after", "function-wrap", "function-plain")  # of unions


class Invalid(NamedTuple):
    """What is wrong with a value.

    Attributes:
        path: the keys and positions down to it, and pydantic's names of branches of unions.
        kind: pydantic's name of the error, such as `missing`.
        message: the error in words: pydantic's, or those of the validator that raised it.
        value: as it was given.
    """

    path: tuple[str, ...]
    kind: str
    message: str
    value: Any

    @classmethod
    def first(cls, error: ValidationError) -> Invalid:
        """The first of pydantic's errors.

        >>> class Size(BaseModel):
        ...     width: int
        >>> try:
        ...     Size.model_validate({"width": "wide"})
        ... except ValidationError as error:
        ...     print(Invalid.first(error).place, Invalid.first(error).value)
        width wide
        """
        found = error.errors(include_url=False, include_context=False)[0]
        message = found["msg"].removeprefix("Value error, ")
        return cls(tuple(map(str, found["loc"])), found["type"], message, found["input"])

    @property
    def place(self) -> str:
        """The keys and positions with dots."""
        return ".".join(part for part in self.path if part.partition("[")[0] not in _BRANCHES)


class Setting(NamedTuple):
    """A setting in a tree of sections: the keys down to it, the section that it is in, and its value."""

    keys: tuple[str, ...]
    section: type[BaseModel]
    value: object

    @property
    def key(self) -> str:
        """All keys with dots."""
        return ".".join(self.keys)


def setting_of(
    invalid: Invalid, content: object, section: type[BaseModel], known: Mapping[str, type[BaseModel]] | None = None
) -> Setting:
    """The setting that an error is about, above positions in lists and branches of unions.

    Args:
        invalid: the error.
        content: what was validated.
        section: the outermost section.
        known: by their keys with dots, the sections whose class depends on the content.
    """
    value = content
    for at, key in enumerate(invalid.path, 1):
        value = value.get(key) if isinstance(value, Mapping) else value
        found = Setting(invalid.path[:at], section, value)
        field = section.model_fields.get(key)
        inner = (known or {}).get(found.key, field and field.annotation)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        section = inner
    return found
