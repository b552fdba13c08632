"""The segmentation and classification networks, by name; all of them return logits."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import nn

from gliomake.study.architectures import ARCHITECTURES


def network(architecture: str) -> Callable[..., nn.Module]:
    """Import the class or function that makes a network.

    Parameters
    ----------
    architecture : str
        A key of `gliomake.study.architectures.ARCHITECTURES`.

    Raises
    ------
    ValueError
        If the architecture is unknown.
    """
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"architecture {architecture!r} is unknown; there are {known}")
    module, name = ARCHITECTURES[architecture].network
    made: Callable[..., nn.Module] = getattr(import_module(module), name)
    return made


def create_model(architecture: str, in_channels: int, classes: int, **options: Any) -> nn.Module:
    """Build a network with freshly drawn weights.

    The weights come from torch's global generator: seed it first. Pretrained weights are put
    in afterwards by `gliomake.models.weights.load_encoder_weights`.

    Parameters
    ----------
    architecture : str
        A key of `gliomake.study.architectures.ARCHITECTURES`.
    in_channels : int
        Channels of the input image (n, in_channels, height, width).
    classes : int
        Mask classes; the logits are (n, classes, height, width), or (n, 2) of a classifier.
    **options
        The architecture's own, see its class or function.

    Raises
    ------
    ValueError
        If the architecture or an option is unknown, or a value is out of bounds.
    """
    build = network(architecture)
    if in_channels < 1 or classes < 1:
        raise ValueError(
            f"architecture {architecture!r} needs at least one channel and one class, "
            f"got in_channels={in_channels}, classes={classes}"
        )
    known = list(inspect.signature(build).parameters)[2:]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"architecture {architecture!r} has no option {', '.join(map(repr, unknown))}; "
            f"its options are {', '.join(known)}"
        )
    return build(in_channels, classes, **options)


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Count a model's parameters.

    Returns
    -------
    total, trainable : int
        All parameters, and those that a training changes.
    """
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, trainable in sizes if trainable)
