"""What a program tells the engine about itself: the one object through which the engine, the report and a program talk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from ablate.core.descriptions import Description


class Experiment:
    """A program as the engine sees it. Subclass it, override what applies, and hand an instance to `ablate.main`.

    Attributes:
        code: packages and modules whose source decides the numbers; the program's own file always does.
        packages: distributions whose version is recorded with each run.
    """

    code: Sequence[str] = ()
    packages: Sequence[str] = ()

    def resolve(self, cfg: DictConfig) -> Mapping[str, Any] | None:  # noqa: ARG002 - for subclasses
        """Check a configuration before anything runs, and fill in what is only known here.

        Returns:
            Keys with their values: facts that the configuration lacks (such as the digest of the data), or decisions that
            replace what was asked for (such as which data `auto` means); decisions are made once and kept in study.yaml.
            None if the configuration asks for no run.

        Raises:
            UsageError: naming the key, the value and what is allowed.
        """
        return {}

    def read(self, cfg: DictConfig) -> Any:
        """The resolved configuration in the program's own form, handed to the methods below; by default `cfg` itself."""
        return cfg

    def fingerprint(self, settings: Any) -> Any:  # noqa: ARG002 - for subclasses
        """What the configuration builds, as JSON-like content without the seed; None for the configuration itself.

        Cells of equal content are the same experiment: it runs once, and its runs are reported for all of them.
        """
        return None

    def cost(self, settings: Any, processes: int) -> float | None:  # noqa: ARG002 - for subclasses
        """The estimated seconds of one run when `processes` runs share the machine; None if that is not known."""
        return None

    def describe(self, settings: Any) -> Description:  # noqa: ARG002 - for subclasses
        """The metrics that a run will return, and what else a report should say about them."""
        return Description()
