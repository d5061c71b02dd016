"""Which settings are secrets: keys, passwords and tokens of services, which no file that is passed on should contain."""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "***"
_NAME = re.compile(
    r"(^|[._-])(api[_-]?key|(access|private|secret)[_-]?key|client[_-]?secret|password|passwd|passphrase|credentials?"
    r"|(access|api|auth|bearer|comet|github|hf|hub|neptune|refresh|slack|wandb)[._-]?token)$",
    re.IGNORECASE,
)
_FROM_ENVIRONMENT = re.compile(r"\$\{oc\.env:\s*(\w+)\s*[,}]")
_OVERRIDE = re.compile(r"(?P<key>[+~]{0,2}[\w./@-]+)=.+", re.DOTALL)


def is_secret(key: str) -> bool:
    """Whether a setting is a secret by its name, a dotted key or an option of a command.

    >>> [is_secret(key) for key in ("wandb.api_key", "--hf-token", "model.token", "tokenizer", "key")]
    [True, True, False, False, False]
    """
    return _NAME.search(key) is not None


def is_secret_text(text: str) -> bool:
    """Whether an interpolation is of a variable of the environment that contains a secret.

    >>> is_secret_text("${oc.env:WANDB_API_KEY}"), is_secret_text("${oc.env:DATASET_KEY,small}")
    (True, False)
    """
    return any(map(is_secret, _FROM_ENVIRONMENT.findall(text)))


def redacted(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command without the values of secrets.

    >>> redacted(["lr=0.1", "wandb.api_key=abc", "--hf-token", "def", "--password=ghi"])
    ['lr=0.1', 'wandb.api_key=***', '--hf-token', '***', '--password=***']
    """
    shown: list[str] = []
    for argument, before in zip(arguments, ["", *arguments], strict=False):
        override = _OVERRIDE.fullmatch(argument)
        if override is not None and is_secret(override["key"]):
            shown.append(f"{override['key']}={HIDDEN}")
        elif before.startswith("--") and "=" not in before and is_secret(before) and not argument.startswith("-"):
            shown.append(HIDDEN)
        else:
            shown.append(argument)
    return shown
