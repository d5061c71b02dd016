"""Fingerprints: digests of configurations.

Two configurations of the same experiment have the same digest, whatever the order of their keys. Keys that cannot change the
results (the folders of files, the number of threads) are left out, and so is the seed from the digest of a cell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one mapping with dotted keys; lists are values.

    >>> flatten({"model": {"dropout": True, "widths": [6, 12]}})
    {'model.dropout': True, 'model.widths': [6, 12]}
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def meaning(config: Mapping[str, Any], ignore: Iterable[str] = (), neutral: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The dotted keys and values of `config` that define the experiment, sorted.

    Args:
        config: the composed configuration.
        ignore: keys, or whole nodes, that cannot change the results.
        neutral: for keys that a program got after runs were made with it, the value under which it behaves as before; a key
            at that value is left out, so that earlier runs keep their identity.
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
    """SHA-256, in hexadecimal, of JSON-like content. Integers and floats of equal value count as equal: lr=1 is lr=1.0."""
    return hashlib.sha256(json.dumps(_canonical(content), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _canonical(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _canonical(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_canonical(value) for value in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content if isinstance(content, str | int | float | bool | None) else str(content)
