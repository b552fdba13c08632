"""The networks, by name: where each is defined, what it is for, and which options it takes.

A new model is its file in ``gliomake/models`` and one entry here. Every start checks by this
table, and importing torch would cost it two seconds. A test builds each network and compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SEGMENTATION, CLASSIFICATION = "segmentation", "classification"
# A JSON schema of each option of an entry.
Options = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Architecture:
    """A network that a study's models can have.

    Attributes
    ----------
    network : tuple of str
        Module and name of the class or function that makes it: called with the image's channels,
        the number of classes and the options, it returns a module that gives logits.
    task : str
        ``segmentation``: logits are masks; or ``classification``: logits are two classes.
    stride : int
        Pixels that height and width are a multiple of; 0 where the option ``depth`` decides.
    encoder : str
        Whose ImageNet weights it can start from, where the option ``encoder`` names no other;
        empty where it has none.
    schema : dict
        A JSON schema of each option; an option that is not here is refused when a study is read.
    """

    network: tuple[str, str]
    task: str = SEGMENTATION
    stride: int = 0
    encoder: str = ""
    schema: Options = field(default_factory=dict)

    def stride_with(self, options: Mapping[str, Any]) -> int:
        """Return the stride under a model's options."""
        return self.stride or 2 ** int(options.get("depth", 4))

    def encoder_with(self, options: Mapping[str, Any]) -> str | None:
        """Return the encoder under a model's options; None where there is none."""
        return options.get("encoder", self.encoder) or None


_DROPOUT = {
    "type": "number",
    "minimum": 0,
    "exclusiveMaximum": 1,
    "description": "Share of the features that is zeroed in training.",
}
_WIDTH = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 1,
    "description": "Factor on the encoder's channels.",
}
_FREEZE = {
    "type": "integer",
    "minimum": 0,
    "maximum": 5,
    "description": "First blocks of the encoder that are not trained.",
}
_UNET: Options = {
    "base": {
        "type": "integer",
        "minimum": 1,
        "maximum": 1024,
        "description": "Channels of the first level; each level has twice as many.",
    },
    "depth": {
        "type": "integer",
        "minimum": 1,
        "maximum": 8,
        "description": "Times the resolution is halved.",
    },
    "up": {"enum": ["transpose", "bilinear"], "description": "How the decoder upsamples."},
    "norm": {"enum": ["batch", "none"], "description": "Normalisation after each convolution."},
    "attention": {"type": "boolean", "description": "Whether attention gates weigh the skips."},
    "dropout": _DROPOUT,
}
_ENCODER = {
    "enum": ["resnet18", "resnet34", "resnet50", "vgg11", "vgg13", "vgg16", "vgg19"],
    "description": "Encoder of segmentation-models-pytorch.",
}

ARCHITECTURES: dict[str, Architecture] = {
    "unet": Architecture(("gliomake.models.unet", "UNet"), schema=_UNET),
    "resunet": Architecture(("gliomake.models.residual", "resunet"), schema=_UNET),
    "vgg19-unet": Architecture(
        ("gliomake.models.encoders", "vgg19_unet"),
        stride=16,
        encoder="vgg19",
        schema={"dropout": _DROPOUT, "freeze": _FREEZE, "width": _WIDTH},
    ),
    "smp-unet": Architecture(
        ("gliomake.models.encoders", "smp_unet"),
        stride=32,
        encoder="resnet50",
        schema={"encoder": _ENCODER, "freeze": _FREEZE, "width": _WIDTH},
    ),
    # It averages over the image, of whatever size.
    "resnet50-classifier": Architecture(
        ("gliomake.models.classifier", "ResNet50Classifier"),
        task=CLASSIFICATION,
        stride=1,
        encoder="resnet50",
        schema={"dropout": _DROPOUT, "width": _WIDTH},
    ),
}
