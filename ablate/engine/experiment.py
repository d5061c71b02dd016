"""`Experiment`: the interface between a program and the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig

from ablate.core.descriptions import Description
from ablate.core.metrics import MetricSpec

FIRST_SEED = 1


class Experiment:
    """Describes a program to the engine. Subclass it, override what applies, and pass an instance to `ablate.main`.

    For each configuration the engine calls `resolve` and then `read` once; the other methods receive the result of `read`.

    Attributes:
        code: packages and modules whose source affects the results. The program's own file is always included.
        packages: distributions whose versions are recorded with each run.
        first_seed: the first of the seeds that study.seeds=N counts. Many programs treat 0 as "no seed".
    """

    code: Sequence[str] = ()
    packages: Sequence[str] = ()
    first_seed: int = FIRST_SEED

    def resolve(self, cfg: DictConfig) -> Mapping[str, Any] | None:  # noqa: ARG002 - for subclasses
        """Check a configuration before anything runs, and return values to fill in.

        Returns:
            Values by dotted key: facts that the configuration lacks (such as the digest of the data), and decisions that
            replace a given value (such as `auto`). Decisions are made once and stored in study.yaml. A key beside one of
            study.paths, such as data.digest beside data.root, identifies the inputs, whose location may then change. None to
            request no run: `show` is called instead.

        Raises:
            UsageError: if the configuration is invalid; the message should name the key, the value and what is allowed.
        """
        return {}

    def show(self, cfg: DictConfig, title: str) -> None:
        """Print what a configuration asks for in place of a run; see `resolve`.

        Args:
            cfg: the configuration.
            title: its levels as text, or the name of the study if nothing varies.
        """

    def read(self, cfg: DictConfig) -> Any:
        """Convert the resolved configuration to the settings that the methods below receive; by default `cfg` itself."""
        return cfg

    def fingerprint(self, settings: Any) -> Any:  # noqa: ARG002 - for subclasses
        """Everything that determines the results, without the seed, as JSON-like content; None to use the configuration itself.

        Cells with equal fingerprints are the same experiment: it runs once and is reported for all of them.
        """
        return None

    def simplify(self, cfg: DictConfig, fixed: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG002 - for subclasses
        """Change a configuration, in place, to one of equal results that is the same for all configurations with these.

        Args:
            cfg: the resolved configuration.
            fixed: the settings of the study's baseline, by dotted key; empty if the study begins.

        Returns:
            The keys that cannot change the results afterwards, beside those of study.ignore.
        """
        return ()

    def cost(self, settings: Any, processes: int) -> float | None:  # noqa: ARG002 - for subclasses
        """Estimate the duration of one run in seconds while `processes` runs share the machine; None if unknown."""
        return None

    def describe(self, settings: Any) -> Description:  # noqa: ARG002 - for subclasses
        """Describe the metrics that a run will return, and other content of the report."""
        return Description()


class SimpleExperiment(Experiment):
    """The experiment of a program that only names its metrics and packages: `ablate.main(metrics=…, packages=…)`."""

    def __init__(self, metrics: Iterable[str | MetricSpec] = (), packages: Sequence[str] = ()) -> None:
        self.packages = tuple(packages)
        specs = [MetricSpec.guess(metric) if isinstance(metric, str) else metric for metric in metrics]
        self._description = Description(metrics=tuple(specs))

    def read(self, cfg: DictConfig) -> None:
        """Nothing, because no method needs the configuration; keeping it would take 30 KB for each cell of a study."""

    def describe(self, settings: Any) -> Description:  # noqa: ARG002
        return self._description


def describe_all(experiment: Experiment, every: Iterable[Any]) -> Description:
    """Merge the descriptions of several settings, without duplicates."""
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
    """Complete a description with the settings in study.metrics, which may add metrics."""
    specs = {spec.name: spec for spec in description.metrics}
    for name, keys in settings.items():
        known = specs[name].to_mapping() if name in specs else {}
        specs[name] = MetricSpec.parse(name, {**known, **keys})
    return replace(description, metrics=tuple(specs.values()))


def _united(known: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    return known + tuple(each for each in more if each not in known)
