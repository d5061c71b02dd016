"""The exceptions of ablate, all under one base class.

AblateError
├── UsageError            something that was typed, or a file that was named, cannot be used
│   └── ClaimError        a claim that cannot be read, or that the study cannot test
├── Diverged              raised by a training function: its loss left the finite numbers
└── RunLockedError        another process holds this run
"""

from __future__ import annotations


class AblateError(Exception):
    """Base class of every exception that ablate raises on purpose."""


class UsageError(AblateError):
    """Something that the user typed, or a file that the user named, cannot be used. The message says what to do."""


class ClaimError(UsageError):
    """A claim cannot be read, or the study cannot test it. The message names the claim and the key."""


class Diverged(AblateError):
    """Training left the finite numbers: an outcome of the run, not a failure of the program."""


class RunLockedError(AblateError):
    """Another process holds this run. The message names the process."""
