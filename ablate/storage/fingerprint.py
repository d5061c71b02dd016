"""What a run means, as a digest.

Two configurations that mean the same experiment have one identity, whoever typed them and in whatever order; what cannot
change the meaning (where files lie, how many threads) is no part of it, and neither is the seed of the cell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one level of dotted keys; lists are values."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def meaning(config: Mapping[str, Any], ignore: Iterable[str] = (), neutral: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The dotted keys and values of `config` that say what the experiment is.

    `ignore` names keys, or whole nodes, that cannot change its meaning. `neutral` gives, for keys added to an application
    after runs were made with it, the value under which it behaves as before: a key at that value is left out, so that
    old runs keep their identity.
    """
    ignored = tuple(ignore)
    neutral = neutral or {}
    return {
        key: value
        for key, value in sorted(flatten(config).items())
        if not any(key == name or key.startswith(f"{name}.") for name in ignored)
        and not (key in neutral and neutral[key] == value)
    }


def digest(content: Any) -> str:
    """SHA-256, in hexadecimal, of JSON-like content. An integer and a float of equal value count as equal: lr=1 is lr=1.0."""
    return hashlib.sha256(json.dumps(_canonical(content), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _canonical(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _canonical(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_canonical(value) for value in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content if isinstance(content, str | int | float | bool | None) else str(content)
