"""The studies' U-Net: plain or with attention gates, transposed or bilinear upsampling."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Up = Literal["transpose", "bilinear"]
Norm = Literal["batch", "none"]
# (in_channels, out_channels, norm) -> two convolutions
Block = Callable[[int, int, Norm], nn.Module]


def convolution(in_channels: int, out_channels: int, size: int, norm: Norm) -> nn.Sequential:
    """Make a convolution that keeps height and width, with He weights and an optional norm.

    A bias before a batch norm would be subtracted again, so there it is left out.
    Weights: He et al. 2015, Delving deep into rectifiers, eq. 10.
    """
    conv = nn.Conv2d(in_channels, out_channels, size, padding=size // 2, bias=norm == "none")
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
        return nn.Sequential(conv)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


class ConvBlock(nn.Sequential):
    """Two 3x3 convolutions, each with its norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, norm: Norm = "batch") -> None:
        super().__init__(
            convolution(in_channels, out_channels, 3, norm),
            nn.ReLU(inplace=True),
            convolution(out_channels, out_channels, 3, norm),
            nn.ReLU(inplace=True),
        )


class AttentionGate(nn.Module):
    """Additive attention gate on a skip connection.

    Oktay et al. 2018, Attention U-Net, eqs. 1 and 2: the skip is brought to the grid of the
    coarser gating signal, and the coefficients back to the skip's by bilinear resampling.
    """

    def __init__(self, skip_channels: int, gate_channels: int) -> None:
        super().__init__()
        inner = max(1, skip_channels // 2)
        self.skip = nn.Conv2d(skip_channels, inner, 2, stride=2, bias=False)
        self.gate = nn.Conv2d(gate_channels, inner, 1)
        self.psi = nn.Conv2d(inner, 1, 1)

    def coefficients(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Compute the attention in (0, 1) of each pixel of the skip, (n, 1, height, width)."""
        attention = torch.sigmoid(self.psi(torch.relu(self.skip(skip) + self.gate(gate))))
        return nn.functional.interpolate(
            attention, size=skip.shape[-2:], mode="bilinear", align_corners=False
        )

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Weigh the skip (n, skip_channels, 2h, 2w) by the gate (n, gate_channels, h, w)."""
        return skip * self.coefficients(skip, gate)


class UpBlock(nn.Module):
    """One decoder step: upsample, join the skip, convolve twice.

    Parameters
    ----------
    in_channels, skip_channels, out_channels : int
        Channels from below, from the encoder, and to the next step.
    up : {"transpose", "bilinear"}
        A transposed 2x2 convolution to `out_channels`, or interpolation of all `in_channels`.
    attention : bool
        Whether an attention gate weighs the skip.
    dropout : float
        Share of the joined features that is zeroed in training, in [0, 1).
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: int,
        out_channels: int,
        up: Up = "transpose",
        norm: Norm = "batch",
        attention: bool = False,
        dropout: float = 0.0,
        block: Block = ConvBlock,
    ) -> None:
        super().__init__()
        self.up: nn.Module
        if up == "transpose":
            self.up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
            joined = out_channels + skip_channels
        else:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            joined = in_channels + skip_channels
        self.gate = AttentionGate(skip_channels, in_channels) if attention else None
        self.dropout = nn.Dropout(dropout)
        self.block = block(joined, out_channels, norm)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Join x (n, in_channels, h, w) and skip (n, skip_channels, 2h, 2w)."""
        if self.gate is not None:
            skip = self.gate(skip, x)
        return self.block(self.dropout(torch.cat([skip, self.up(x)], dim=1)))


class Decoder(nn.Module):
    """Decoder steps from the bottleneck up, and the 1x1 head.

    Parameters
    ----------
    encoder_channels : sequence of int
        Channels of the encoder's levels from full resolution down, the bottleneck last.
    decoder_channels : sequence of int
        Channels of the decoder's levels, from full resolution down; one fewer.
    classes : int
        Channels of the logits.
    **step
        The options of `UpBlock`.
    """

    def __init__(
        self,
        encoder_channels: Sequence[int],
        decoder_channels: Sequence[int],
        classes: int,
        **step: object,
    ) -> None:
        super().__init__()
        *skips, below = encoder_channels
        self.steps = nn.ModuleList()
        for skip, out in zip(reversed(skips), reversed(decoder_channels), strict=True):
            self.steps.append(UpBlock(below, skip, out, **step))  # type: ignore[arg-type]
            below = out
        self.head = nn.Conv2d(below, classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return logits from the encoder's features, full resolution first."""
        *skips, x = features
        for step, skip in zip(self.steps, reversed(skips), strict=True):
            x = step(x, skip)
        return self.head(x)


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) with padded convolutions.

    Parameters
    ----------
    in_channels, classes : int
        Channels of the image, and of the logits.
    base : int
        Channels of the first encoder level; each further level, and the bottleneck, doubles them.
    depth : int
        Encoder levels above the bottleneck; height and width must divide by ``2 ** depth``.
    up : {"transpose", "bilinear"}
        How the decoder upsamples.
    norm : {"batch", "none"}
        Batch norm after each convolution, or a bias.
    attention : bool
        Attention gates on the skips (Oktay et al. 2018).
    dropout : float
        Dropout at each decoder step, a share in [0, 1).
    block : callable
        Maker of the two convolutions of a level.

    Raises
    ------
    ValueError
        If an option is out of bounds, or an image does not divide by ``2 ** depth``.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        base: int = 64,
        depth: int = 4,
        up: Up = "transpose",
        norm: Norm = "batch",
        attention: bool = False,
        dropout: float = 0.0,
        block: Block = ConvBlock,
    ) -> None:
        super().__init__()
        if base < 1 or depth < 1:
            raise ValueError(f"base and depth must be at least 1, got {base} and {depth}")
        if up not in ("transpose", "bilinear"):
            raise ValueError(f"up must be 'transpose' or 'bilinear', got {up!r}")
        if norm not in ("batch", "none"):
            raise ValueError(f"norm must be 'batch' or 'none', got {norm!r}")
        check_dropout(dropout)
        channels = [base * 2**level for level in range(depth + 1)]
        self.stride = 2**depth
        self.levels = nn.ModuleList(
            block(before, after, norm)
            for before, after in zip([in_channels, *channels], channels, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.decoder = Decoder(
            channels,
            channels[:-1],
            classes,
            up=up,
            norm=norm,
            attention=attention,
            dropout=dropout,
            block=block,
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (n, classes, height, width) of image (n, in_channels, height, width)."""
        check_divisible(image, self.stride)
        features = [self.levels[0](image)]
        for level in list(self.levels)[1:]:
            features.append(level(self.pool(features[-1])))
        return self.decoder(features)


def check_divisible(image: Tensor, stride: int) -> None:
    """Raise ValueError unless height and width of (n, c, height, width) divide by stride."""
    height, width = image.shape[-2:]
    if height % stride or width % stride:
        raise ValueError(
            f"image is {height}x{width} pixels, this network needs multiples of {stride}; "
            "change image_size in the study's preprocess block"
        )


def check_dropout(dropout: float) -> None:
    """Raise ValueError unless dropout is a share in [0, 1)."""
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), got {dropout}")
