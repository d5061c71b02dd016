"""Render YAML that reads back as the same values, whatever characters they contain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ablate.core.text import printable

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's dumper, if available, is ten times as fast


def to_yaml(content: Mapping[str, Any]) -> str:
    r"""Render a mapping as YAML, with its keys in order.

    Letters of all languages are written as they are. Text with control characters, with Unicode's line separators (which YAML
    would fold into spaces) or with lone surrogates (which UTF-8 does not have) is escaped.

    >>> to_yaml({"x": "字"}), to_yaml({"x": "a\x85b"})
    ('x: 字\n', 'x: "a\\Nb"\n')
    """
    try:
        text = str(yaml.dump(dict(content), Dumper=_DUMPER, sort_keys=False, allow_unicode=True))
    except UnicodeEncodeError:
        return str(yaml.dump(dict(content), Dumper=yaml.SafeDumper, sort_keys=False))
    if printable(text, lines=True) != text:
        return str(yaml.dump(dict(content), Dumper=_DUMPER, sort_keys=False))
    return text
