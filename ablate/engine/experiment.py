"""What a program tells the engine about itself: the one object through which the engine, the report and a program talk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig

from ablate.core.descriptions import Description
from ablate.core.metrics import MetricSpec


class Experiment:
    """A program as the engine sees it. Subclass it, override what applies, and hand an instance to `ablate.main`.

    Each configuration is read once: `resolve`, then `read`, whose result the other methods get.

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
            None if the configuration asks for no run: `show` is called in its place.

        Raises:
            UsageError: naming the key, the value and what is allowed.
        """
        return {}

    def show(self, cfg: DictConfig, title: str) -> None:
        """Print what a configuration asks for in place of a run; see `resolve`.

        Args:
            cfg: the configuration.
            title: its levels as text, or the name of the study if nothing varies.
        """

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


class SimpleExperiment(Experiment):
    """The experiment of a program that only names its metrics and packages: `ablate.main(metrics=…, packages=…)`."""

    def __init__(self, metrics: Iterable[str | MetricSpec] = (), packages: Sequence[str] = ()) -> None:
        self.packages = tuple(packages)
        specs = [MetricSpec.guess(metric) if isinstance(metric, str) else metric for metric in metrics]
        self._description = Description(metrics=tuple(specs))

    def describe(self, settings: Any) -> Description:  # noqa: ARG002
        return self._description


def describe_all(experiment: Experiment, every: Iterable[Any]) -> Description:
    """What the experiment says about all of these settings, each metric, table and sentence once."""
    merged = Description()
    seen: list[Description] = []
    for settings in every:
        one = experiment.describe(settings)
        if any(one == known for known in seen):
            continue
        seen.append(one)
        names = {spec.name for spec in merged.metrics}
        merged = Description(
            metrics=merged.metrics + tuple(spec for spec in one.metrics if spec.name not in names),
            tables=_united(merged.tables, one.tables),
            examples=_united(merged.examples, one.examples),
            caveats=_united(merged.caveats, one.caveats),
            curves={**merged.curves, **{name: title for name, title in one.curves.items() if name not in merged.curves}},
        )
    return merged


def complete(description: Description, settings: Mapping[str, Mapping[str, Any]]) -> Description:
    """The description with what study.metrics says about its metrics, or about further ones."""
    specs = {spec.name: spec for spec in description.metrics}
    for name, keys in settings.items():
        known = specs[name].to_mapping() if name in specs else {}
        specs[name] = MetricSpec.parse(name, {**known, **keys})
    return replace(description, metrics=tuple(specs.values()))


def _united(known: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    return known + tuple(each for each in more if each not in known)
