"""The configuration of a run, validated by pydantic, with error messages of one line.

Only `from_hydra` handles OmegaConf's containers.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, SerializeAsAny, ValidationError, ValidatorFunctionWrapHandler, field_validator
from pydantic.fields import FieldInfo

from ablate.core.errors import UsageError
from ablate.core.invalid import Invalid, setting_of
from ablate.core.text import nearest
from ablate.vision.datasets import AUTO, DATASETS
from ablate.vision.models import MODELS
from ablate.vision.optimizers import OPTIMIZERS
from ablate.vision.settings import (
    Activation,
    Augment,
    Averaging,
    Budget,
    Count,
    Data,
    Evaluation,
    ModelSettings,
    Norm,
    OptimizerSettings,
    Schedule,
    Section,
    Stem,
    Threads,
)

Precision = Literal["auto", "float32", "bfloat16"]


class Config(Section):
    """The configuration of a run."""

    model: SerializeAsAny[ModelSettings]
    stem: Stem
    norm: Norm
    activation: Activation
    data: Data
    augment: Augment
    optimizer: SerializeAsAny[OptimizerSettings]
    schedule: Schedule
    averaging: Averaging
    budget: Budget
    evaluation: Evaluation
    seed: Count
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Precision  # of convolutions and matrix products; auto is resolved when a study begins
    threads: Threads | None  # torch's CPU threads; None: torch's default
    deterministic: bool  # on CUDA: deterministic algorithms, which are slower
    summary: bool  # print a table of the network instead of training

    @field_validator("model", "optimizer", mode="wrap")
    @classmethod
    def _registered(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: Any) -> Section:
        """Validate a section with the settings class registered under its `name`."""
        if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
            return handler(value)  # type: ignore[no-any-return]
        return _settings_class(str(info.field_name), value["name"]).model_validate(value)

    @field_validator("data")
    @classmethod
    def _known_source(cls, data: Data) -> Data:
        if data.source != AUTO and data.source not in DATASETS:
            raise UsageError(f"data.source={data.source}: expected one of {', '.join((AUTO, *DATASETS))}.")
        if data.source != AUTO:
            DATASETS[data.source].check(data)
        return data


def from_hydra(cfg: DictConfig) -> Config:
    """Validate a composed configuration.

    Raises:
        UsageError: for an invalid value; the message is one line with the key, the value and what is allowed.
        OmegaConfBaseException: if an interpolation cannot be resolved or a mandatory value is missing.
    """
    content: dict[Any, Any] = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    for name in ("study", "hydra"):
        content.pop(name, None)
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise UsageError(_message(error, content)) from None


def _settings_class(section: str, name: str) -> type[Section]:
    if section == "model":
        return MODELS[name].settings
    return OPTIMIZERS[name].settings


def _message(error: ValidationError, content: Mapping[str, Any]) -> str:
    """Format the first validation error as one line: `key=value: expected ….`"""
    first = Invalid.first(error)
    named = {key: content[key].get("name") for key in ("model", "optimizer") if isinstance(content.get(key), Mapping)}
    known = {key: _settings_class(key, name) for key, name in named.items() if isinstance(name, str)}
    found = setting_of(first, content, Config, known)
    fields = found.section.model_fields
    field = fields.get(found.keys[-1])
    if first.kind == "extra_forbidden":
        return f"{found.key}: unknown key.{nearest(found.keys[-1], fields)} Available: {', '.join(fields)}."
    if first.kind == "missing":
        return f"{found.key} is missing: expected {_allowed_in(field)}."
    if first.kind == "value_error":  # raised by a validator of the section
        return f"{found.key}: {first.message}"
    return f"{found.key}={_shown(found.value)}: expected {_allowed_in(field)}."


def _allowed_in(field: FieldInfo | None) -> str:
    return "another value" if field is None else " ".join(allowed(field.annotation, field.metadata).split())


def allowed(annotation: Any, metadata: Sequence[Any] = (), plural: bool = False) -> str:
    """Describe the allowed values of a field type.

    >>> from ablate.vision.settings import Positive
    >>> allowed(list[Positive]), allowed(Positive | None)
    ('a list of integers >= 1', 'an integer >= 1, or null')
    """
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return allowed(inner, [*_constraints(more), *metadata], plural)
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        named = " or ".join(allowed(each, metadata, plural) for each in arguments if each is not type(None))
        return f"{named}, or null" if type(None) in arguments else named
    if get_origin(annotation) is Literal:
        return f"{'any' if plural else 'one'} of {', '.join(map(str, arguments))}"
    if get_origin(annotation) is list:
        return _list_in_words(allowed(arguments[0], plural=True), metadata)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "a section of keys"
    kind = getattr(annotation, "__name__", str(annotation))
    one, many = {
        bool: ("true or false", "true or false"),
        int: ("an integer", "integers"),
        float: ("a number", "numbers"),
        str: ("a string", "strings"),
    }.get(annotation, (f"a {kind}", f"values of the type {kind}"))
    return f"{many if plural else one}{_bounds(metadata)}"


def _list_in_words(elements: str, metadata: Sequence[Any]) -> str:
    least = next((each.min_length for each in metadata if isinstance(each, annotated_types.MinLen)), 0)
    most = next((each.max_length for each in metadata if isinstance(each, annotated_types.MaxLen)), None)
    if most is not None and most == least:
        return f"a list of {most} {elements}"
    return f"a {'non-empty ' if least else ''}list of {elements}"


def _constraints(metadata: Sequence[Any]) -> Iterator[Any]:
    for each in metadata:
        yield from each.metadata if isinstance(each, FieldInfo) else [each]


def _bounds(metadata: Sequence[Any]) -> str:
    bounds = []
    for each in metadata:
        match each:
            case annotated_types.Ge(ge=low):
                bounds.append(f">= {low}")
            case annotated_types.Gt(gt=low):
                bounds.append(f"> {low}")
            case annotated_types.Le(le=high):
                bounds.append(f"<= {high}")
            case annotated_types.Lt(lt=high):
                bounds.append(f"< {high}")
    return f" {' and '.join(bounds)}" if bounds else ""


def _shown(value: Any) -> str:
    """Format a value as on the command line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, str):
        return repr(value) if value.replace(".", "", 1).lstrip("-").isdigit() else value  # a string that looks like a number
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
