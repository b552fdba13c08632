"""The segmentation and classification networks, by name; all of them return logits."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from gliomake.models.classifier import ResNet50Classifier
from gliomake.models.encoders import smp_unet, vgg19_unet
from gliomake.models.residual import resunet
from gliomake.models.unet import UNet

MODELS: dict[str, Callable[..., nn.Module]] = {
    "unet": UNet,
    "resunet": resunet,
    "vgg19-unet": vgg19_unet,
    "smp-unet": smp_unet,
    "resnet50-classifier": ResNet50Classifier,
}


def create_model(architecture: str, in_channels: int, classes: int, **options: Any) -> nn.Module:
    """Build a network with freshly drawn weights.

    The weights come from torch's global generator: seed it first. Pretrained weights are put
    in afterwards by `gliomake.models.weights.load_encoder_weights`.

    Parameters
    ----------
    architecture : str
        A key of `MODELS`.
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
    if architecture not in MODELS:
        raise ValueError(f"architecture {architecture!r} is unknown; there are {', '.join(MODELS)}")
    if in_channels < 1 or classes < 1:
        raise ValueError(
            f"architecture {architecture!r} needs at least one channel and one class, "
            f"got in_channels={in_channels}, classes={classes}"
        )
    build = MODELS[architecture]
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
