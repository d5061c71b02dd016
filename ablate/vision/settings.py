"""The sections of the configuration as pydantic models, one for each config group.

A field's meaning is documented beside it; its default stands in conf/, and only there. Types are strict: a text is never
taken for a number. Models, optimizers and data sets have further fields of their own, see ablate/vision/registry.py.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ablate.core.errors import UsageError

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """Base class of all sections: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class ModelSettings(Section):
    """What every model has; subclasses, one for each model family, add their own fields."""

    name: Name  # of the family, see ablate/vision/models/


class Stem(Section):
    """1x1 convolutions before the trunk. Without widths there is no stem: the trunk sees the image."""

    widths: list[Positive]
    activation: bool  # an activation after each of its convolutions, of the kind of the whole network
    norm_last: Count  # batch normalization after this many of its last convolutions
    norm_position: Literal["after", "before"]  # the activation


class Norm(Section):
    """Batch normalization in the trunk."""

    kind: Literal["batch", "none"]  # none: nowhere in the network, the stem included
    places: list[str]  # patterns over the places of the trunk
    position: Literal["after", "before"]  # the activation
    shared: bool  # the last two places use one module, if they are equally wide


class Activation(Section):
    """The activation of the whole network."""

    name: Literal["relu", "gelu", "silu", "none"]


class Data(Section):
    """The images. A size of None means all there are."""

    source: Name  # of the data set, see ablate/vision/datasets/; or auto
    root: str | None  # the folder of a downloaded data set; images: a folder or a zip
    digest: str | None  # SHA-256 of all decoded images; filled in, or given to insist on it
    train_size: Positive | None
    test_size: Positive | None
    validation_size: Count  # training images set apart
    subset_seed: Count  # which images a subset takes; for builtin, also which images are drawn
    cache: str | None  # folder of decoded images; None: the user's cache folder


class Augment(Section):
    """Transformations of an image before it enters the network."""

    flip: bool  # each training image left to right, with a probability of one half
    crop: Count  # training images: padding in pixels of zeros, then a random crop of the first size; 0: none
    mean: Annotated[list[float], Field(min_length=3, max_length=3)]  # subtracted from pixels in [0, 1], one a channel
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]  # divided by, one a channel


class OptimizerSettings(Section):
    """What every optimizer has; subclasses, one for each optimizer, add their own fields."""

    name: Name  # see ablate/vision/optimizers/
    batch_size: Positive
    learning_rate: NonNegative
    weight_decay: NonNegative
    label_smoothing: Share
    skip_first_batch: bool  # as the author's code: the first batch of an epoch steps the schedule, not the weights


class Schedule(Section):
    """The learning rate over time, as a multiple of optimizer.learning_rate."""

    name: Literal["constant", "step", "cosine", "onecycle"]
    step_epochs: Positive  # step: multiply by gamma after this many epochs
    gamma: NonNegative
    warmup: Share  # onecycle: the share of training in which the rate rises

    def in_use(self) -> tuple[str, ...]:
        """The fields that this schedule reads, beside its name."""
        return {"step": ("step_epochs", "gamma"), "onecycle": ("warmup",)}.get(self.name, ())


class Budget(Section):
    """How long a run trains. A budget also sets the sizes of the data."""

    name: Name
    epochs: Positive


class Protocol(Section):
    """How test images are evaluated, where it differs from evaluation mode on the images as they are."""

    batch_statistics: bool = False  # BN uses those of the test batch, not the running ones
    dropout: bool = False  # on
    flips: bool = False  # at random, with a probability of one half


PROTOCOLS = {
    "standard": Protocol(),
    "flipped": Protocol(flips=True),
    "batch": Protocol(batch_statistics=True),
    "article": Protocol(batch_statistics=True, dropout=True, flips=True),
}


class Evaluation(Section):
    """The evaluation on the test images after each epoch."""

    protocols: Annotated[list[Literal["standard", "flipped", "batch", "article"]], Field(min_length=1)]
    batch_size: Positive  # without batch statistics: changes nothing but the speed
    article_batch_size: Positive | None  # with them: changes the result; None: the training's, as the author had it
    target_accuracy: Annotated[float, Field(ge=0, le=1)]  # for epochs_to_target and seconds_to_target

    @model_validator(mode="after")
    def _each_protocol_once(self) -> Self:
        if len(set(self.protocols)) < len(self.protocols):
            raise UsageError(f"evaluation.protocols=[{', '.join(self.protocols)}]: name each protocol once.")
        return self
