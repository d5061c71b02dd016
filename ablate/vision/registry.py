"""The class of the registries of models, optimizers and data sets. Modules add entries with a decorator."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ablate.core.errors import UsageError

T = TypeVar("T")
Settings = TypeVar("Settings")
Builder = TypeVar("Builder")


class Registry(Mapping[str, T]):
    """Entries by name. On first use, all modules of `package` are imported.

    Args:
        key: the configuration key that selects an entry, for messages.
        package: the package whose modules register entries.
    """

    def __init__(self, key: str, package: str) -> None:
        self.key = key
        self.package = package
        self._entries: dict[str, T] = {}

    def register(self, name: str, entry: T) -> None:
        """Add an entry.

        Raises:
            ValueError: if the name is registered already.
        """
        if name in self._entries:
            raise ValueError(f"{self.key}={name} is registered twice")
        self._entries[name] = entry

    def decorator(self, name: str) -> Callable[[T], T]:
        """Decorator: register the decorated object."""

        def decorate(entry: T) -> T:
            self.register(name, entry)
            return entry

        return decorate

    def __getitem__(self, name: str) -> T:
        """Look up an entry.

        Raises:
            UsageError: if there is no such entry.
        """
        self._discover()
        if name not in self._entries:
            raise UsageError(f"{self.key}={name}: expected one of {', '.join(self)}.")
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._discover()
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def _discover(self) -> None:
        """Import all modules of the package."""
        for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
            importlib.import_module(f"{self.package}.{module.name}")


@dataclass(frozen=True)
class Component(Generic[Settings, Builder]):
    """A part of a training that has settings: their class, and the function that builds it from them."""

    settings: type[Settings]
    build: Builder


class Components(Registry[Component[Settings, Builder]]):
    """A registry of functions with the classes of their settings."""

    def builder(self, name: str, settings: type[Settings]) -> Callable[[Builder], Builder]:
        """Decorator: register the decorated function."""

        def decorate(build: Builder) -> Builder:
            self.register(name, Component(settings, build))
            return build

        return decorate
