"""Fingerprints: digests of configurations, which do not depend on the order of keys.

Which keys of a configuration count is decided by `CellReader` in ablate/engine/cells.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to one mapping with dotted keys; lists are values.

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


def digest(content: Any) -> str:
    """The SHA-256 of JSON-like content, in hexadecimal. Integers and floats with the same value are equal: lr=1 and lr=1.0."""
    text = json.dumps(_canonical(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _canonical(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _canonical(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_canonical(value) for value in content]
    if isinstance(content, float) and content.is_integer():
        return int(content)
    return content if isinstance(content, str | int | float | bool | None) else str(content)
