"""The residual U-Net of the two-stage LGG study."""

import torch
from torch import Tensor, nn

from gliomake.models.unet import Norm, UNet, Up, convolution


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a 1x1 convolution as their shortcut.

    Zhang et al. 2018, Road extraction by deep residual U-Net, with the activation after the
    sum as in He et al. 2016: the block of the document "Medical Image Segmentation".
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm = "batch") -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            convolution(in_channels, out_channels, 3, norm),
            nn.ReLU(inplace=True),
            convolution(out_channels, out_channels, 3, norm),
        )
        self.shortcut = convolution(in_channels, out_channels, 1, norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, in_channels, h, w) to (n, out_channels, h, w)."""
        return torch.relu(self.convolutions(x) + self.shortcut(x))


def resunet(
    in_channels: int,
    classes: int,
    base: int = 16,
    depth: int = 4,
    up: Up = "bilinear",
    norm: Norm = "batch",
    attention: bool = False,
    dropout: float = 0.0,
) -> UNet:
    """Build the U-Net of residual blocks, 16-32-64-128 with 256 at the bottleneck.

    The document does not say how it upsamples; bilinear is ours. Options as in `UNet`.
    """
    return UNet(in_channels, classes, base, depth, up, norm, attention, dropout, ResidualBlock)
