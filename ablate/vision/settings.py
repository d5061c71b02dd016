"""The sections of the configuration as pydantic models, one for each config group.

The fields are documented here; their defaults are in conf/ only. Types are strict: a string is not converted to a number. Model
families and optimizers define additional fields in their modules.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ablate.core.errors import UsageError

NETWORK_SECTIONS = {"model", "stem", "norm", "activation"}  # what a network is built from
SIZE = 32  # height and width of all images in pixels

Positive = Annotated[int, Field(ge=1)]
Threads = Annotated[int, Field(ge=1, le=1024)]  # with very many, OpenMP crashes
Count = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0)]
PositiveNumber = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """Base class of sections: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class ModelSettings(Section):
    """Fields of all model families; each family adds its own in a subclass."""

    name: Name  # name of the family, see ablate/vision/models/


class Stem(Section):
    """1x1 convolutions before the trunk. Without widths there is no stem."""

    widths: list[Positive]
    activation: bool  # whether each convolution of the stem is followed by the network's activation
    norm_last: Count  # batch normalization after the last n convolutions of the stem
    norm_position: Literal["after", "before"]  # the activation


class Norm(Section):
    """Batch normalization in the trunk."""

    kind: Literal["batch", "none"]  # none: no BN anywhere, including the stem
    places: list[str]  # patterns of places in the trunk
    position: Literal["after", "before"]  # the activation
    shared: bool  # the last two places share one module, if they have the same width


class Activation(Section):
    """The activation function of the network."""

    name: Literal["relu", "gelu", "silu", "none"]


class Data(Section):
    """The images. A size of None means all images."""

    source: Name  # name of the data set, see ablate/vision/datasets/; or auto
    root: str | None  # folder of the downloaded data set; for images: a folder or zip file
    digest: str | None  # SHA-256 of all decoded images; filled in automatically, or given to check the images
    train_size: Positive | None
    test_size: Positive | None
    validation_size: Count  # training images held out for validation
    subset_seed: Count  # seed for choosing subsets; for builtin, also for generating images
    cache: str | None  # folder for decoded images; None: the user's cache folder


class Augment(Section):
    """Augmentation and normalization of images."""

    flip: bool  # flip training images horizontally, each in half of the epochs
    flipping: Literal["random", "alternating"]  # random: drawn in each epoch; alternating: drawn once, then every other epoch
    crop: Count  # pad training images with this many pixels, then take a random crop; 0: off
    crop_padding: Literal["zeros", "reflect"]  # the pixels of the padding: black, or the image reflected at its border
    cutout: Count  # side in pixels of a square that training images lose at a random place; 0: off
    mean: Annotated[list[float], Field(min_length=3, max_length=3)]  # per channel, subtracted from pixels in [0, 1]
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]  # per channel, the divisor

    def in_use(self) -> dict[str, Any]:
        """The fields that have an effect. The ones that were added later are left out where they are as before."""
        flipping = {"flipping"} if not self.flip or self.flipping == "random" else set()
        padding = {"crop_padding"} if not self.crop or self.crop_padding == "zeros" else set()
        cutout = set() if self.cutout else {"cutout"}
        return self.model_dump(exclude=flipping | padding | cutout)


class OptimizerSettings(Section):
    """Fields of all optimizers; each optimizer adds its own in a subclass."""

    name: Name  # see ablate/vision/optimizers/
    batch_size: Positive
    learning_rate: NonNegative
    weight_decay: NonNegative
    label_smoothing: Share
    skip_first_batch: bool  # as in the author's code: no weight update on the first batch of an epoch

    def in_use(self) -> dict[str, Any]:
        """The fields that have an effect. A subclass leaves out those that were added later, where they are as before."""
        return self.model_dump()


class Schedule(Section):
    """The learning rate over time, as a multiple of optimizer.learning_rate."""

    name: Literal["constant", "step", "cosine", "onecycle"]
    step_epochs: Positive  # step: multiply by gamma every this many epochs
    gamma: NonNegative
    early: bool  # step, with optimizer.skip_first_batch: step when an epoch begins, as in the author's code, not when it ends
    warmup: Share  # onecycle: fraction of the training in which the rate increases

    def in_use(self, skips: bool) -> tuple[str, ...]:
        """The fields that this schedule uses, without its name. The one that was added later is left out where it is as before.

        Args:
            skips: optimizer.skip_first_batch.
        """
        early = ("early",) if skips and not self.early else ()
        return {"step": ("step_epochs", "gamma", *early), "onecycle": ("warmup",)}.get(self.name, ())


class Averaging(Section):
    """The average of weights that is evaluated, see ablate/vision/averaging.py."""

    name: Literal["none", "ema", "swa", "lookahead"]
    every: Positive  # steps between updates of the average
    decay: Share  # ema, lookahead: the part of the average that an update keeps
    start: Share  # swa: fraction of the training after which the average begins

    def in_use(self) -> dict[str, Any]:
        """The fields that have an effect."""
        fields = {"none": (), "ema": ("every", "decay"), "lookahead": ("every", "decay"), "swa": ("every", "start")}
        return self.model_dump(include={"name", *fields[self.name]})


class Budget(Section):
    """How long a run trains. The levels of this group also set the data sizes."""

    name: Name
    epochs: Positive


class Protocol(Section):
    """The differences of a protocol from evaluation mode on unmodified images."""

    batch_statistics: bool = False  # BN uses statistics of the test batch
    dropout: bool = False  # dropout is active
    flips: bool = False  # images flipped at random with probability 0.5


PROTOCOLS = {
    "standard": Protocol(),
    "flipped": Protocol(flips=True),
    "batch": Protocol(batch_statistics=True),
    "article": Protocol(batch_statistics=True, dropout=True, flips=True),
}


class Evaluation(Section):
    """Evaluation on the test images after each epoch."""

    protocols: Annotated[list[Literal["standard", "flipped", "batch", "article"]], Field(min_length=1)]
    batch_size: Positive  # without batch statistics: affects only the speed
    article_batch_size: Positive | None  # with batch statistics: affects the result; None: as in training
    target_accuracy: Annotated[float, Field(ge=0, le=1)]  # target for epochs_to_target and seconds_to_target

    @model_validator(mode="after")
    def _each_protocol_once(self) -> Self:
        if len(set(self.protocols)) < len(self.protocols):
            raise UsageError(f"evaluation.protocols=[{', '.join(self.protocols)}]: duplicate protocol.")
        return self
