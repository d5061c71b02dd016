"""The exceptions of ablate, all derived from one base class.

AblateError
├── UsageError            invalid input: an override, an argument or a file
│   ├── ClaimError        an invalid claim, or a claim that the study cannot test
│   └── NoMetricsError    a program ended well, and left no metrics
├── Diverged              raised by a training function when its loss is not finite
└── RunLockedError        another process holds this run
"""

from __future__ import annotations


class AblateError(Exception):
    """Base class of the exceptions that ablate raises."""


class UsageError(AblateError):
    """Invalid input: an override, an argument or a file. The message says what to do."""


class ClaimError(UsageError):
    """An invalid claim, or one that the study cannot test. The message names the claim and the key."""


class NoMetricsError(UsageError):
    """A program ended well, but nothing that it left is a metric: its next run would not leave one either."""


class Diverged(AblateError):
    """Training diverged, for example to a loss that is not finite. An outcome of the run, not a failure."""


class RunLockedError(AblateError):
    """Another process holds this run. The message names the process."""
