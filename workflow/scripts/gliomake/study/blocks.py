"""Blocks of a study that jobs take as they stand, typed.

Plain dicts, unlike the rest of a study: a training's state goes by the hash of its block, and the
job must not run again for how a study is read. mypy refuses a key that is not there.
"""

from typing import Literal, NotRequired, TypedDict


class Watch(TypedDict):
    """What a training does by a column of its history: pick the best epoch, stop, learn slower."""

    monitor: str
    mode: Literal["min", "max"]
    patience: NotRequired[int]
    factor: NotRequired[float]


class Loss(TypedDict):
    """A loss and its options, see `gliomake.training.losses.create_loss`."""

    name: str
    alpha: NotRequired[float]
    beta: NotRequired[float]
    gamma: NotRequired[float]
    smooth: NotRequired[float]


class Augmentation(TypedDict, total=False):
    """How far images are changed, see `gliomake.training.augment.augment_batch`."""

    rotate: float
    shift: float
    zoom: float
    flip: list[str]
    quarter_turns: bool
    brightness: float
    contrast: float
    channel_dropout: float
    colour_jitter: float
    intensity_shift: float


class Training(TypedDict):
    """How a model is trained; each setting is described in the schema of studies."""

    epochs: int
    batch_size: int
    learning_rate: float
    accumulate: int
    clip_norm: float | None
    loss: Loss
    schedule: Watch | None
    early_stopping: Watch | None
    best: Watch
    augment: Augmentation | None
    train_fraction: float
    checkpoint_steps: int


class Recipe(TypedDict):
    """How a study's slices are preprocessed: the block ``preprocess`` and the classes."""

    channels: list[str]
    image_size: int
    intensity: str
    slices: str
    classes: list[str]


class Postprocess(TypedDict):
    """How masks are cleaned up."""

    min_area: float
    fill_holes: bool
