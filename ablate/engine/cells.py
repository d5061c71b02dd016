"""Planned cells: levels, composed configuration, and the program's view of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.core.levels import Level
from ablate.core.zipping import joint_levels, with_joint_keys
from ablate.engine.config_values import (
    ConfigValues,
    choices_of,
    known_value,
    naming_values,
    plain,
    secrets_of,
    share_equal_parts,
    typed_values,
)
from ablate.engine.experiment import Experiment
from ablate.storage import fingerprint
from ablate.storage.layout import EARLIER_DIGITS, known_cells, known_digest, short_cell, short_experiment, study_directory
from ablate.storage.manifest import Decision, StudyManifest
from ablate.storage.records import levels_of, section

NO_MEANING = ("hydra", "study", "seed")  # nodes that are no part of the experiment
ENVIRONMENT = "hydra.job.env_set"  # the part of the node hydra that may differ between experiments
Decisions = dict[str, Decision]


@dataclass
class PlannedCell:
    """One cell of a study with its resolved configuration.

    Attributes:
        levels: the levels of the factors in the resolved configuration.
        typed: the levels as typed; a program may replace a level such as `auto`.
        overrides: the overrides that compose the configuration.
        values: the whole configuration; see `ConfigValues`.
        choices: the option chosen in each config group.
        overridden: the keys of the overrides that can change an experiment.
        meaning: the dotted keys and values that define the experiment, without its seed.
        settings: the result of `Experiment.read`.
        builds: the digest of `Experiment.fingerprint`; cells with equal digests are the same experiment.
        unknown: the dotted keys whose values are no part of `meaning`, because they depend on the job or on chance.
        missing: the dotted keys without a value (`???`).
        unresolved: by dotted key, why an interpolation refers to nothing.
        locations: the values of the keys in study.paths, except those of inputs that the program itself identifies.
        types: a configuration with the same structured (dataclass) nodes; None if there are no such nodes.
        environment: the variables that it sets for its job (`hydra.job.env_set`).
        references: by path, the interpolations in `values` that refer to other keys.
        unknown_levels: by factor, the levels whose values are only known in a run, as written.
        digest: the digest of `meaning`.
        short: the short digest under which the study has the cell: that of an earlier version if it has runs of it.
        baseline: the levels from which the name is shortened; None: it is in full.
    """

    levels: Cell
    typed: Cell
    overrides: Sequence[str]
    values: dict[str, Any]
    choices: Mapping[str, str | None]
    overridden: Sequence[str]
    meaning: dict[str, Any]
    settings: Any
    builds: str
    unknown: Sequence[str] = ()
    missing: Sequence[str] = ()
    unresolved: Mapping[str, str] = field(default_factory=dict)
    locations: Mapping[str, Any] = field(default_factory=dict)
    types: DictConfig | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)
    unknown_levels: Mapping[str, Any] = field(default_factory=dict)
    digest: str = field(init=False)
    short: str = field(init=False)
    baseline: Cell | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.digest = fingerprint.digest(self.meaning)
        self.short = short_cell(self.digest)

    @property
    def label(self) -> str:
        return self.levels.label

    @property
    def name(self) -> str:
        """The label, shortened if there are many factors: for messages, tables and the folder of the cell."""
        return self.label if self.baseline is None else self.levels.named(self.baseline)

    def all_levels(self) -> dict[str, Level]:
        """The level of every key and config group, including those that are not factors, and of every joint factor."""
        return levels_of(choices_of(self.choices), self.values, self.levels) | dict(self.levels)


@dataclass
class CellReader:
    """Turns composed configurations into planned cells.

    Attributes:
        experiment: the program's experiment; its `resolve`, `read` and `fingerprint` are called once for each configuration.
        decisions: keys that the study has already resolved; new ones are added.
        before: the study as earlier commands left it.
        zipped: by joint factor (study.zip), its keys.
    """

    experiment: Experiment
    decisions: Decisions
    before: StudyManifest = field(default_factory=StudyManifest)
    zipped: Mapping[str, list[str]] = field(default_factory=dict)
    _known: Mapping[str, str] | None = field(default=None, init=False)
    _similar: dict[str, Any] | None = field(default=None, init=False)  # the values of the cell before

    def read(
        self,
        config: DictConfig,
        choices: Mapping[str, str | None],
        overrides: Sequence[str],
        typed: Cell,
        name: str,
        environment: Mapping[str, str] | None = None,
    ) -> PlannedCell | None:
        """Make a cell from a configuration, completing the configuration in place. None if the program requests no run.

        Args:
            config: the composed configuration without the node `hydra`.
            choices: the option chosen in each config group.
            overrides: the overrides that composed it.
            typed: its levels as typed.
            name: the name of the study.
            environment: the variables that this configuration alone sets for its job (`hydra.job.env_set`).

        Raises:
            UsageError: if the program rejects the configuration.
            OmegaConfBaseException: if a value is missing or cannot be resolved.
        """
        config.study.name = name
        config.study.ignore = [*config.study.ignore, *self._new_secrets(config)]
        for option in ("ignore", "paths"):
            config.study[option] = [key for key in config.study[option] if not self._varies(key, typed)]
        found = self._resolve(config)
        if found is None:
            self.experiment.show(config, typed.label if typed else name)
            return None
        ignore = (*config.study.ignore, *config.study.paths)
        unused = self.experiment.simplify(config, self.before.fixed)
        values = ConfigValues.of(config, ignore)
        named = {*typed, *(override.partition("=")[0].lstrip("+") for override in overrides)}
        for key, why in values.unresolved.items():
            if key in named:  # what the command asks for, unlike a key of the program that may never be read
                raise UsageError(f"{key}: {why}")
        unknown = values.unknown_keys()
        texts = self.before.is_new or self.before.identity > 1
        meaning = values.meaning((*NO_MEANING, *ignore, *unused), texts, plain(config.study.neutral))
        meaning |= {ENVIRONMENT: fingerprint.digest(dict(environment))} if texts and environment else {}
        meaning |= {key: typed[key].text for key in typed if key not in choices and key in unknown}
        if self._similar is not None:
            share_equal_parts(values.nested, self._similar)
        self._similar = values.nested
        settings = self.experiment.read(config)
        built = self.experiment.fingerprint(settings)
        chosen = choices_of(choices)
        levels = self._levels(typed, chosen, values)
        identified = {name.rpartition(".")[0] for name in found}  # sections, with a digest of the inputs for example
        cell = PlannedCell(
            levels=levels,
            typed=typed,
            overrides=overrides,
            values=values.nested,
            choices=choices,
            overridden=list(naming_values(config, typed_values(overrides), ignore)),
            meaning=meaning,
            settings=settings,
            builds=fingerprint.digest(meaning if built is None else built),
            unknown=_with_meaning(values.unknown_keys(job_only=True)),
            references=values.references,
            unresolved={key: values.unresolved[key] for key in _with_meaning(values.unresolved)},
            missing=_with_meaning(values.missing),
            unknown_levels={key: level.value for key, level in levels.items() if key in unknown and key not in chosen},
            locations={
                key: known_value(config, key, section(values.nested, key))
                for key in config.study.paths
                if (key.rpartition(".")[0] or key) not in identified
            },
        )
        cell.short = self._short(cell, study_directory(config.study.root, config.study.name))
        return cell

    def _levels(self, typed: Cell, chosen: Mapping[str, str], values: ConfigValues) -> Cell:
        """The levels of the factors in the resolved configuration, with those of joint factors."""
        paired = {name: keys for name, keys in self.zipped.items() if any(key in typed for key in keys)}
        keys = dict.fromkeys([*typed, *(key for group in paired.values() for key in group)])
        levels = {key: Level.of(chosen[key] if key in chosen else section(values.nested, key)) for key in keys}
        levels |= joint_levels(levels, paired)
        return Cell({key: levels[key] for key in with_joint_keys(list(keys), paired)})

    def _short(self, cell: PlannedCell, study: Path) -> str:
        """The short digest under which the study has the cell."""
        if self._known is None:
            self._known = known_cells(study)
        if found := known_digest(study, self._known, cell.digest, cell.label):
            return found
        earlier = cell.digest[:EARLIER_DIGITS]  # a cell without runs
        same = self.before.experiments.get(earlier) == short_experiment(cell.builds) and earlier not in self._known
        return earlier if same else cell.short

    def _new_secrets(self, config: DictConfig) -> list[str]:
        """The secrets, without those inside of a list that an earlier version has fixed for the study."""
        return [key for key in secrets_of(config) if not any(key.startswith(f"{fixed}.") for fixed in self.before.fixed)]

    def _varies(self, key: str, typed: Cell) -> bool:
        """Whether an ignored key is part of the experiments of this study all the same, because the study varies it or a part.

        The first command decides: runs are found again by their digests, which later commands must not change.
        """
        if any(fixed == key or fixed.startswith(f"{key}.") for fixed in self.before.fixed):
            return True
        inside = (name for name in typed if name == key or name.startswith(f"{key}."))
        return any(name not in self.before.factors for name in inside)

    def _resolve(self, config: DictConfig) -> Mapping[str, Any] | None:
        """Apply the study's earlier decisions and the program's own. Returns the latter; None if it requests no run."""
        for key, decision in self.decisions.items():
            if OmegaConf.select(config, key) == decision.asked:
                OmegaConf.update(config, key, decision.took)
        found = self.experiment.resolve(config)
        for key, value in (found or {}).items():
            asked = OmegaConf.select(config, key)
            if asked is not None and asked != value:
                self.decisions[key] = Decision(asked=asked, took=value)
            OmegaConf.update(config, key, value)
        return found


def _with_meaning(keys: Iterable[str]) -> list[str]:
    """The dotted keys that are part of the experiment."""
    return [key for key in keys if key.split(".")[0] not in NO_MEANING]
