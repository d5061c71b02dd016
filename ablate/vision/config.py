"""The experiment's schema: ordinary dataclasses, checked on construction. What each field does stands here.

The defaults stand in conf/, and only there. `from_hydra` is the one function that knows OmegaConf.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablate.core.errors import UsageError

SOURCES = ("auto", "cifar10", "images", "builtin")
ACTIVATIONS = ("relu", "gelu", "silu", "none")
SCHEDULES = ("constant", "step", "cosine", "onecycle")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Protocol:
    """What test images meet, where it is not evaluation mode and the images as they are."""

    batch_statistics: bool = False  # BN uses those of the test batch, not the running ones
    dropout: bool = False  # on
    flips: bool = False  # at random, with a probability of one half


PROTOCOLS = {
    "standard": Protocol(),
    "flipped": Protocol(flips=True),
    "batch": Protocol(batch_statistics=True),
    "article": Protocol(batch_statistics=True, dropout=True, flips=True),
}


@dataclass
class Model:
    """The trunk: blocks of 3x3 convolutions, a 2x2 max-pooling after each, and a head of two convolutions."""

    widths: list[int]  # channels of each block
    depth: int  # 3x3 convolutions in a block
    head_width: int  # channels between the head's two convolutions
    padding: str  # conv: the convolution's own argument; module: a ConstantPad2d before it
    dropout: bool
    dropout_rate: float
    dropout_kind: str  # channel: Dropout2d; element: Dropout
    dropout_places: list[str]  # patterns over the places of the trunk, such as block1.conv2 or block*.pool

    def __post_init__(self) -> None:
        _positive("model.widths", *self.widths, empty_allowed=False)
        _positive("model.depth", self.depth)
        _positive("model.head_width", self.head_width)
        _one_of("model.padding", self.padding, ("conv", "module"))
        _one_of("model.dropout_kind", self.dropout_kind, ("channel", "element"))
        _within("model.dropout_rate", self.dropout_rate, 0, 1, open_above=True)


@dataclass
class Stem:
    """1x1 convolutions in front of the trunk. Without widths there is no stem: the trunk sees the image."""

    widths: list[int]
    activation: bool  # an activation after each of its convolutions, of the kind of the whole network
    norm_last: int  # how many of its last convolutions are normalised
    norm_position: str  # after or before the activation

    def __post_init__(self) -> None:
        _positive("stem.widths", *self.widths)
        _within("stem.norm_last", self.norm_last, 0, None)
        _one_of("stem.norm_position", self.norm_position, ("after", "before"))


@dataclass
class Norm:
    """Where batch normalisation stands in the trunk."""

    kind: str  # batch; none: nowhere in the network, the stem included
    places: list[str]  # patterns over the places of the trunk
    position: str  # after or before the activation
    shared: bool  # the last two places use one module, if they are equally wide

    def __post_init__(self) -> None:
        _one_of("norm.kind", self.kind, ("batch", "none"))
        _one_of("norm.position", self.position, ("after", "before"))


@dataclass
class Activation:
    """The activation of the whole network."""

    name: str

    def __post_init__(self) -> None:
        _one_of("activation.name", self.name, ACTIVATIONS)


@dataclass(unsafe_hash=True)  # a key of the images that are held in memory; nothing changes it once it is made
class Data:
    """The images. Sizes of None mean all there are."""

    source: str
    root: str | None  # cifar10: the folder of the archive; images: a folder or a zip
    digest: str | None  # SHA-256 of all decoded images; filled in, or given to insist on it
    train_size: int | None
    test_size: int | None
    validation_size: int  # training images set apart
    subset_seed: int  # which images a subset takes; on builtin, also which images are drawn
    cache: str | None  # folder of decoded images; None: the user's cache folder

    def __post_init__(self) -> None:
        _one_of("data.source", self.source, SOURCES)
        for name in ("train_size", "test_size"):
            if (size := getattr(self, name)) is not None:
                _positive(f"data.{name}", size)
        _within("data.validation_size", self.validation_size, 0, None)
        _within("data.subset_seed", self.subset_seed, 0, None)
        if self.source == "images" and self.root is None:
            raise UsageError("data=images needs data.root=FOLDER, or a zip, that holds train/<class>/* and test/<class>/*.")


@dataclass
class Augment:
    """What happens to an image on its way into the network."""

    flip: bool  # each training image left to right, with a probability of one half
    crop: int  # training images: padding in pixels of zeros, then a random crop of the first size; 0: none
    mean: list[float]  # subtracted from pixels in [0, 1], one a channel
    std: list[float]  # divided by, one a channel

    def __post_init__(self) -> None:
        _within("augment.crop", self.crop, 0, None)
        for name in ("mean", "std"):
            if len(getattr(self, name)) != 3:
                raise UsageError(f"augment.{name}={getattr(self, name)}: one number for each of the three channels.")
        if min(self.std) <= 0:
            raise UsageError(f"augment.std={self.std}: numbers above 0.")


@dataclass
class Optimizer:
    """Stochastic gradient descent on the cross-entropy."""

    batch_size: int
    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float
    label_smoothing: float
    skip_first_batch: bool  # as the author's code: the first batch of an epoch steps the schedule, not the weights

    def __post_init__(self) -> None:
        _positive("optimizer.batch_size", self.batch_size)
        _within("optimizer.learning_rate", self.learning_rate, 0, None)
        _within("optimizer.momentum", self.momentum, 0, 1, open_above=True)
        _within("optimizer.weight_decay", self.weight_decay, 0, None)
        _within("optimizer.label_smoothing", self.label_smoothing, 0, 1, open_above=True)
        if self.nesterov and self.momentum == 0:
            raise UsageError("optimizer.nesterov=true needs optimizer.momentum above 0.")


@dataclass
class Schedule:
    """The learning rate over time, as a multiple of optimizer.learning_rate."""

    name: str
    step_epochs: int  # step: multiply by gamma every so many epochs
    gamma: float
    warmup: float  # onecycle: the share of training in which the rate rises

    def __post_init__(self) -> None:
        _one_of("schedule.name", self.name, SCHEDULES)
        _positive("schedule.step_epochs", self.step_epochs)
        _within("schedule.gamma", self.gamma, 0, None)
        _within("schedule.warmup", self.warmup, 0, 1, open_above=True)

    def in_use(self) -> tuple[str, ...]:
        """The fields that this schedule heeds."""
        return {"step": ("step_epochs", "gamma"), "onecycle": ("warmup",)}.get(self.name, ())


@dataclass
class Budget:
    """How long a run trains. A budget also sets the sizes of the data."""

    name: str
    epochs: int

    def __post_init__(self) -> None:
        _positive("budget.epochs", self.epochs)


@dataclass
class Evaluation:
    """How the test images are judged after each epoch."""

    protocols: list[str]
    batch_size: int  # without batch statistics: changes nothing but the speed
    article_batch_size: int | None  # with them: changes the result; None: the training's, as the author had it
    target_accuracy: float  # for epochs_to_target and seconds_to_target, in [0, 1]

    def __post_init__(self) -> None:
        for protocol in self.protocols:
            _one_of("evaluation.protocols", protocol, PROTOCOLS)
        if not self.protocols or len(set(self.protocols)) < len(self.protocols):
            raise UsageError(f"evaluation.protocols={self.protocols}: some of {', '.join(PROTOCOLS)}.")
        _positive("evaluation.batch_size", self.batch_size)
        if self.article_batch_size is not None:
            _positive("evaluation.article_batch_size", self.article_batch_size)
        _within("evaluation.target_accuracy", self.target_accuracy, 0, 1)


@dataclass
class Config:
    """One experiment."""

    model: Model
    stem: Stem
    norm: Norm
    activation: Activation
    data: Data
    augment: Augment
    optimizer: Optimizer
    schedule: Schedule
    budget: Budget
    evaluation: Evaluation
    seed: int
    device: str
    threads: int | None  # of torch on the CPU; None: torch's own choice
    deterministic: bool  # on CUDA: algorithms that give equal numbers each time, at some cost
    summary: bool  # print the network's table and train nothing

    def __post_init__(self) -> None:
        _within("seed", self.seed, 0, None)
        _one_of("device", self.device, DEVICES)
        if self.threads is not None:
            _positive("threads", self.threads)


def from_hydra(cfg: DictConfig) -> Config:
    """The checked experiment of a composed configuration.

    Raises UsageError, or OmegaConf's ValidationError, naming the key, the value and what is allowed.
    """
    content: dict[Any, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    for name in ("study", "hydra"):
        content.pop(name, None)
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), content))
    assert isinstance(config, Config)
    return config


def _one_of(key: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{key}={value}: one of {', '.join(allowed)}.")


def _positive(key: str, *values: int, empty_allowed: bool = True) -> None:
    if any(value < 1 for value in values) or not (values or empty_allowed):
        shown = values[0] if len(values) == 1 else list(values)
        raise UsageError(f"{key}={shown}: whole numbers from 1.")


def _within(key: str, value: float, low: float, high: float | None, open_above: bool = False) -> None:
    if not (value >= low and (high is None or value < high or (value == high and not open_above))):
        bounds = f"at least {low}" if high is None else f"from {low} to {high}" + (", the latter excluded" * open_above)
        raise UsageError(f"{key}={value}: a number {bounds}.")
