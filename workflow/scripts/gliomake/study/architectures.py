"""What must be known of an architecture before any network is built.

Every start checks by this table, and importing torch would cost it two seconds. A test builds each
network and compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEGMENTATION, CLASSIFICATION = "segmentation", "classification"


@dataclass(frozen=True)
class Architecture:
    """An entry of `gliomake.models.MODELS`, without the network.

    Attributes
    ----------
    task : str
        ``segmentation``: logits are masks; or ``classification``: logits are two classes.
    stride : int
        Pixels that height and width are a multiple of; 0 where the option ``depth`` decides.
    encoder : str
        Whose ImageNet weights it can start from, where the option ``encoder`` names no other;
        empty where it has none.
    """

    task: str = SEGMENTATION
    stride: int = 0
    encoder: str = ""

    def stride_with(self, options: Mapping[str, Any]) -> int:
        """Return the stride under a model's options."""
        return self.stride or 2 ** int(options.get("depth", 4))

    def encoder_with(self, options: Mapping[str, Any]) -> str | None:
        """Return the encoder under a model's options; None where there is none."""
        return options.get("encoder", self.encoder) or None


ARCHITECTURES = {
    "unet": Architecture(),
    "resunet": Architecture(),
    "vgg19-unet": Architecture(stride=16, encoder="vgg19"),
    "smp-unet": Architecture(stride=32, encoder="resnet50"),
    # It averages over the image, of whatever size.
    "resnet50-classifier": Architecture(CLASSIFICATION, stride=1, encoder="resnet50"),
}
