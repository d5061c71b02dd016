"""Fingerprints: digests of configurations.

The digest does not depend on the order of keys. Keys that cannot change the results (such as file locations and the number of
threads) are excluded; the digest of a cell also excludes the seed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
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


def meaning(config: Mapping[str, Any], ignore: Iterable[str] = (), neutral: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The dotted keys and values that define the experiment, sorted.

    Args:
        config: the composed configuration.
        ignore: keys or sections that cannot change the results.
        neutral: for keys that were added after runs were made, the value that leaves the results unchanged; a key with this
            value is excluded, so that earlier runs keep their identity.
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
