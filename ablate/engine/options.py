"""Study options: the schema of the configuration node `study:`, with defaults and documentation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from omegaconf import DictConfig
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ablate.core.claims import FEWEST_SEEDS
from ablate.core.errors import UsageError
from ablate.core.invalid import Invalid, setting_of
from ablate.core.levels import Level
from ablate.core.metrics import MetricSpec
from ablate.core.text import cut, nearest
from ablate.engine.config_values import plain
from ablate.engine.option_types import (
    A_SEED,
    MAX_SEEDS,
    FilePattern,
    FolderName,
    Seed,
    Values,
    ZippedKeys,
    ascending,
    has_target,
    is_seed,
    null_is_false,
    refuse_seed_key,
)  # fmt: skip
from ablate.importers.metric_files import WHICH, Which
from ablate.storage.records import level_in_config

REMOVED = {
    "check": "the sweeper always checks claims",
    "decide": "the sweeper itself evaluates study.until=decided",
}


def option(default: Any, description: str, allowed: str, sweeps_only: bool = False) -> Any:
    """Declare an option: its default, its description, the allowed values, and whether it applies to sweeps only."""
    return Field(default, description=description, json_schema_extra={"allowed": allowed, "sweeps_only": sweeps_only})


class CheckpointOptions(BaseModel):
    """When a run writes its checkpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    minutes: float = Field(
        default=0,
        ge=0,
        description="the minimum time between two checkpoints; 0: at every call of run.save",
        json_schema_extra={"allowed": "a number >= 0"},
    )


class StudyOptions(BaseModel):
    """The node `study:`. Create it with `StudyOptions.read(cfg)`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: FolderName | None = option(
        None, "the name of the study and of its folder; null: derived from the overrides", "the name of a folder, or null"
    )
    root: Annotated[str, Field(min_length=1)] = option("outputs", "the folder that contains the studies", "a folder")
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] | Annotated[list[Seed], Field(min_length=1)] | None = option(
        None,
        "the number of replicates, or a list of seeds; null: only `seed`",
        f"a positive number of seeds (at most {MAX_SEEDS:,}), or a list of integers >= 0",
        sweeps_only=True,
    )
    design: Literal["factorial", "one_at_a_time", "path"] = option(
        "factorial",
        "factorial: all combinations; one_at_a_time: the baseline and each single change; path: between two configurations",
        "one of factorial, one_at_a_time, path",
        sweeps_only=True,
    )
    zip: ZippedKeys | None = option(
        None,
        "factors whose levels are paired by position, not combined: lists of keys, each of which becomes one factor",
        "lists of keys, such as [[model.depth, model.width]] or, with a name, {size: [model.depth, model.width]}, or null",
        sweeps_only=True,
    )
    baseline: dict[str, Any] | None = option(
        None,
        "baseline levels that are not the first level of their factor",
        "keys and levels, such as {stem: direct}",
        sweeps_only=True,
    )
    exclude: list[Values] = option(
        [],
        "configurations to omit: conditions such as {stem: direct, activation: [gelu, relu]}",
        "a list of conditions such as {stem: direct, model.dropout: true}",
        sweeps_only=True,
    )
    max_cells: Annotated[int, Field(ge=1)] = option(
        10_000,
        "the number of configurations above which a sweep is refused before anything is composed, in case it is a mistake",
        "an integer >= 1",
        sweeps_only=True,
    )
    leave_out: list[Any] | str = option(
        [],
        "runs that do not count: conditions (`seed` is allowed), each with a `reason`; or a YAML file of these",
        "a list of conditions with a reason, or a YAML file",
        sweeps_only=True,
    )
    dry_run: bool = option(
        False, "print the plan and its estimated duration without running anything", "true or false", sweeps_only=True
    )
    retries: Annotated[int, Field(ge=0)] = option(
        0, "how often a failed run is retried in the same sweep", "an integer >= 0", sweeps_only=True
    )
    n_jobs: Annotated[int, Field(ge=1)] | Literal["auto"] | None = option(
        None,
        "the number of runs at a time, each in its own process (Hydra's joblib launcher, if no launcher for clusters is "
        "selected); auto: one process or one per core, whichever is faster, decided once for a study; null: according to the "
        "launcher",
        "auto, an integer >= 1, or null",
        sweeps_only=True,
    )
    detach: bool = option(
        False,
        "submit the runs to the scheduler and leave; the same command without it collects them (submitit_slurm)",
        "true or false",
        sweeps_only=True,
    )
    max_hours: Annotated[float, Field(gt=0)] | None = option(
        None, "stop at the first checkpoint after this time; run the same command again to continue", "a number > 0, or null"
    )
    checkpoint: CheckpointOptions = option(
        CheckpointOptions(), "when checkpoints are written", "a mapping with the key minutes"
    )
    reuse: Literal["any", "same_code"] = option(
        "any", "any: keep all finished runs; same_code: repeat those that other code made", "one of any, same_code"
    )
    claims: list[dict[str, Any]] = option(
        [], "the claims that the study should decide; see docs/reference/claims.md", "a list of claims", sweeps_only=True
    )
    looks: Annotated[list[Annotated[int, Field(ge=FEWEST_SEEDS)]], AfterValidator(ascending)] = option(
        [],
        "the numbers of seeds at which verdicts are taken, fixed with the claims; []: 5, 8, 12, 20",
        f"ascending integers >= {FEWEST_SEEDS}, such as [5, 10, 20]",
        sweeps_only=True,
    )
    blocks: str | None = option(
        None,
        "a factor whose levels are blocks (data sets, tasks) rather than treatments: claims are tested over blocks",
        "a factor, or null",
        sweeps_only=True,
    )
    block_scale: Literal["difference", "ratio"] | None = option(
        None,
        "how the report averages blocks: difference or ratio; null: as the study does, at first as differences",
        "difference, ratio, or null", sweeps_only=True,
    )  # fmt: skip
    block_bounds: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] | None = option(
        None,
        "by block, the values that count as 0 and as 1, such as a random and a human score, for normalized averages",
        "blocks, each with a minimum and a maximum, such as {pong: [-20.7, 14.6]}, or null",
        sweeps_only=True,
    )
    control: Literal["aa"] | None = option(
        None,
        "aa: run the baseline a second time with other random streams; the report shows the difference as 'no change'",
        "aa, or null",
        sweeps_only=True,
    )
    check_repeatable: bool = option(
        False,
        "run one configuration twice with the same seed; the report says whether the numbers are equal, or how they differ",
        "true or false",
        sweeps_only=True,
    )
    controls: dict[str, dict[Any, Any]] | None = option(
        None,
        "by factor, levels with their capacity-matched control, another level: the report shows the contrast with it too",
        "factors, each with levels and their controls, such as {model.width: {wide: wide_matched}}, or null",
        sweeps_only=True,
    )
    metrics: dict[str, dict[str, Any] | None] | FilePattern | None = option(
        None,
        "metric descriptions, in addition to those of the program: title, unit, digits, better, chance, limit, role, note; "
        "or short for metrics_file",
        "metrics with their descriptions, such as {accuracy: {unit: '%', chance: 0.1}}, or a pattern for files",
    )
    metrics_file: FilePattern | None = option(
        None,
        "the files that the program writes its metrics to, in the folder of the run: CSV, JSON, YAML or TensorBoard",
        "a pattern for files, such as '**/metrics.csv', or null",
    )
    metrics_row: Which = option(
        "last",
        "last: the last value of each column of these files; max, min: the values in the row with the best `metric`",
        f"one of {', '.join(WHICH)}",
    )
    metric: str | None = option(None, "the main metric; null: the first returned, or by name", "the name of a metric, or null")
    returns: str | Annotated[list[str], Field(min_length=1)] | None = option(
        None,
        "the name of the number that the program returns (a list for several numbers); null: the value of the configuration's "
        "key optimized_metric, otherwise `value`",
        "a name, a list of names, or null",
    )
    seed_key: Annotated[str, Field(min_length=1)] = option(
        "seed", "the key from which the program takes its seed", "a key of the configuration, such as training.seed"
    )
    chance: dict[str, float] | None = option(
        None,
        "short for metrics.NAME.chance: the value of a model that has learned nothing",
        "metrics and numbers, such as {accuracy: 0.1}",
    )
    budgets: dict[str, float] | None = option(
        None,
        "short for metrics.NAME.limit: the budget at which a time to a target is censored",
        "metrics and numbers, such as {epochs_to_target: 100}",
    )
    until: Literal["decided"] | None = option(
        None, "decided: add seeds look by look until every primary claim is decided", "decided, or null", sweeps_only=True
    )
    max_seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = option(
        20, "the largest number of seeds for `until`", f"an integer from 1 to {MAX_SEEDS:,}", sweeps_only=True
    )
    changes: dict[str, list[str]] | None = option(
        None,
        "for the design path: by the name of a change, the factors that change together",
        "names of changes, each with a list of factors",
        sweeps_only=True,
    )
    ignore: list[str] = option([], "keys that cannot affect the results, unless the study varies them", "a list of keys")
    logger: Annotated[dict[str, Any], AfterValidator(has_target)] | None = option(
        None,
        "an additional logger; set by the config group `logger`",
        "null, or a mapping with the key _target_; see the group logger",
    )
    paths: list[str] = option(
        [], "keys with locations of inputs: ignored, but fixed for a study, and part of its derived name", "a list of keys"
    )
    neutral: dict[str, Any] | None = option(
        None,
        "keys that were added after runs were made, each with the value that leaves the results unchanged",
        "keys and values",
    )
    report: Annotated[bool, BeforeValidator(null_is_false)] = option(
        True, "write the report at the end of a sweep", "true or false"
    )

    @classmethod
    def read(cls, cfg: DictConfig) -> StudyOptions:
        """Read the options of a composed configuration.

        Raises:
            UsageError: for an invalid option; the message names the key, its value, and what is allowed.
        """
        if not isinstance(cfg.study, DictConfig) or cfg.study._is_none():
            raise UsageError(f"study={Level.of(cfg.study)}: expected options, each as study.KEY=VALUE.")
        return cls.of(plain(cfg.study, resolve=True))

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> StudyOptions:
        """Read the options of a mapping. Raises as `read`."""
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise UsageError(_complaint(error, content)) from None

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The node `study:` with all defaults."""
        return cls().model_dump()

    @property
    def metric_files(self) -> str | None:
        """The pattern for the files with metrics."""
        return self.metrics if isinstance(self.metrics, str) else self.metrics_file

    def metric_settings(self) -> dict[str, dict[str, Any]]:
        """The metric descriptions in these options, by metric."""
        described = self.metrics if isinstance(self.metrics, dict) else {}
        settings = {name: dict(each or {}) for name, each in described.items()}
        for key, values in (("chance", self.chance), ("limit", self.budgets)):
            for name, value in (values or {}).items():
                settings.setdefault(name, {}).setdefault(key, value)
        for name, each in settings.items():
            MetricSpec.parse(name, each)  # rejects unknown keys and invalid values
        return settings


def sweep_options() -> list[str]:
    """The names of the options that apply to sweeps only."""
    return [name for name in StudyOptions.model_fields if _extra(StudyOptions, name)["sweeps_only"]]


def read_for_one_run(cfg: DictConfig, typed: Collection[str]) -> StudyOptions:
    """Read the options of a single run.

    Args:
        cfg: the configuration of the run.
        typed: the keys that were typed; options that apply to sweeps only are rejected.

    Raises:
        UsageError: for an invalid option or seed.
    """
    options = StudyOptions.read(cfg)
    refuse_seed_key(options.seed_key)
    if not is_seed(cfg.seed):
        raise UsageError(f"seed={cut(Level.of(cfg.seed).text, 100)}: expected {A_SEED}.")
    for key in sweep_options():
        if f"study.{key}" in typed:
            raise UsageError(f"study.{key} applies to sweeps only: add -m.")
    return options


def _extra(model: type[BaseModel], name: str) -> Mapping[str, Any]:
    extra = model.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return extra


def _complaint(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The first of pydantic's errors in one line: the key, its value, and what is allowed."""
    found = setting_of(Invalid.first(error), content, StudyOptions)
    name = found.keys[-1]
    if name not in found.section.model_fields:
        return f"study.{found.key}: unknown option.{_hint(name, found.section)}"
    was = "; dotted paths are no longer supported" if found.key == "report" and isinstance(found.value, str) else ""
    return f"study.{found.key}={level_in_config(found.value)}: expected {_extra(found.section, name)['allowed']}{was}."


def _hint(key: str, model: type[BaseModel]) -> str:
    if key in ("study", "hydra"):
        return " A file in conf/study/ needs the first line `# @package _global_`."
    if key in REMOVED:
        return f" It was removed: {REMOVED[key]}."
    return nearest(key, model.model_fields) or f" Available: {', '.join(model.model_fields)}."
