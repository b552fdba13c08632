"""U-Nets on ImageNet encoders: VGG and ResNet from segmentation-models-pytorch.

segmentation-models-pytorch is imported inside the functions: it costs seconds, and most
models do without it. Its own download of weights is never used, see `gliomake.models.weights`.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from gliomake.models.unet import Decoder, check_divisible, check_dropout

ENCODERS = ("resnet18", "resnet34", "resnet50", "vgg11", "vgg13", "vgg16", "vgg19")


def make_encoder(name: str, in_channels: int = 3, depth: int = 5, width: float = 1.0) -> nn.Module:
    """Build an encoder of segmentation-models-pytorch, optionally thinned.

    Parameters
    ----------
    name : str
        One of `ENCODERS`.
    in_channels : int
        Channels of the image.
    depth : int
        Times the resolution is halved, 1 to 5.
    width : float
        Factor on the channels of the blocks, in (0, 1]; a ResNet's stem keeps its 64. For
        demo scale: there are no ImageNet weights for a thinned encoder.

    Returns
    -------
    nn.Module
        Maps an image to a list of ``depth + 1`` feature maps, the finest first, with their
        channels in ``out_channels``. Parameter names are torchvision's.
    """
    if name not in ENCODERS:
        raise ValueError(f"encoder {name!r} is unknown; there are {', '.join(ENCODERS)}")
    if not 0 < width <= 1:
        raise ValueError(f"width must be in (0, 1], got {width}")
    make = _make_vgg if name.startswith("vgg") else _make_resnet
    return make(name, in_channels, depth, width)


def _thin(channels: int, width: float) -> int:
    return max(4, round(channels * width))


def _make_vgg(name: str, in_channels: int, depth: int, width: float) -> nn.Module:
    from segmentation_models_pytorch.encoders import encoders

    params = dict(encoders[name]["params"])
    params["config"] = [c if c == "M" else _thin(c, width) for c in params["config"]]
    params["out_channels"] = [_thin(c, width) for c in params["out_channels"]]
    # On the meta device, because VGG first makes a classifier of 120 million weights.
    with torch.device("meta"):
        encoder = encoders[name]["encoder"](**params, depth=depth)
        encoder.set_in_channels(in_channels, pretrained=False)
    encoder.to_empty(device="cpu")
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):  # as torchvision.models.vgg does
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    return encoder


def _make_resnet(name: str, in_channels: int, depth: int, width: float) -> nn.Module:
    from segmentation_models_pytorch.encoders import encoders
    from segmentation_models_pytorch.encoders.resnet import ResNetEncoder

    class ThinResNet(ResNetEncoder):
        def _make_layer(self, block: Any, planes: int, blocks: int, **options: Any) -> nn.Module:
            return super()._make_layer(block, _thin(planes, width), blocks, **options)

    params = dict(encoders[name]["params"])
    expansion = params["block"].expansion
    stages = [expansion * _thin(planes, width) for planes in (64, 128, 256, 512)]
    params["out_channels"] = [*params["out_channels"][:2], *stages]
    encoder = ThinResNet(**params, depth=depth)
    encoder.set_in_channels(in_channels, pretrained=False)
    return encoder


def encoder_blocks(encoder: nn.Module) -> list[list[nn.Module]]:
    """Split an encoder into its convolution blocks, from the image down.

    Of a ResNet: the stem, then the four stages. Of a VGG: the convolutions between two poolings.
    """
    if hasattr(encoder, "layer1"):
        stages = [[getattr(encoder, f"layer{stage}")] for stage in (1, 2, 3, 4)]
        return [[getattr(encoder, name) for name in ("conv1", "bn1")], *stages]
    blocks: list[list[nn.Module]] = [[]]
    for module in encoder.features:  # type: ignore[union-attr]
        if isinstance(module, nn.MaxPool2d):
            blocks.append([])
        else:
            blocks[-1].append(module)
    return [block for block in blocks if block]


class EncoderUNet(nn.Module):
    """An encoder, a decoder that joins its features, and a head.

    Parameters
    ----------
    encoder, decoder : nn.Module
        Image to list of features; list of features to the head's input.
    segmentation_head : nn.Module
        Features to logits.
    freeze : int
        The encoder's first blocks (see `encoder_blocks`) that are not trained: their
        parameters get no gradient, and their batch norms stay in evaluation mode, so that
        neither weights nor statistics change, in training mode either.
    stride : int
        Height and width must divide by it.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        segmentation_head: nn.Module,
        freeze: int = 0,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.segmentation_head = segmentation_head
        self.stride = stride
        blocks = encoder_blocks(encoder)
        if not 0 <= freeze <= len(blocks):
            raise ValueError(f"freeze must be 0 to the {len(blocks)} encoder blocks, got {freeze}")
        self.frozen = freeze
        for module in self._frozen_modules():
            module.requires_grad_(False)
        self.train()

    def _frozen_modules(self) -> list[nn.Module]:
        return [module for block in encoder_blocks(self.encoder)[: self.frozen] for module in block]

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode, except for the frozen blocks."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (n, classes, height, width) of image (n, in_channels, height, width)."""
        check_divisible(image, self.stride)
        return self.segmentation_head(self.decoder(self.encoder(image)))


def smp_unet(
    in_channels: int,
    classes: int,
    encoder: str = "resnet50",
    freeze: int = 0,
    width: float = 1.0,
) -> EncoderUNet:
    """Build ``segmentation_models_pytorch.Unet`` on a VGG or ResNet encoder.

    Same modules, names and sums as there (a test compares them); own so that the encoder can
    be thinned and partly frozen.

    Parameters
    ----------
    in_channels, classes : int
        Channels of the image, and of the logits.
    encoder : str
        One of `ENCODERS`.
    freeze : int
        First encoder blocks to freeze, batch-norm statistics included; 2 = stem and stage 1
        of a ResNet.
    width : float
        Factor on the channels of encoder and decoder, in (0, 1].
    """
    from segmentation_models_pytorch.base.heads import SegmentationHead
    from segmentation_models_pytorch.base.initialization import initialize_decoder, initialize_head
    from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder

    body = make_encoder(encoder, in_channels, width=width)
    channels = [_thin(c, width) for c in (256, 128, 64, 32, 16)]
    decoder = UnetDecoder(
        encoder_channels=body.out_channels,
        decoder_channels=channels,
        n_blocks=5,
        use_norm="batchnorm",
        add_center_block=encoder.startswith("vgg"),
    )
    head = SegmentationHead(channels[-1], classes, kernel_size=3)
    initialize_decoder(decoder)
    initialize_head(head)
    return EncoderUNet(body, decoder, head, freeze, stride=32)


def vgg19_unet(
    in_channels: int,
    classes: int,
    dropout: float = 0.1,
    freeze: int = 0,
    width: float = 1.0,
) -> EncoderUNet:
    """Build the VGG19-UNet of the two-stage LGG study.

    The 16 convolutions of VGG19 as four levels and the bottleneck, then four decoder steps of a
    transposed and two plain convolutions with batch norm and dropout: the document's 28 layers.
    Its "about 20 million parameters" are those of the encoder.

    Parameters
    ----------
    in_channels, classes : int
        Channels of the image, and of the logits.
    dropout : float
        Dropout at each decoder step, a share in [0, 1); the document gives no number.
    freeze : int
        First encoder blocks to freeze.
    width : float
        Factor on the channels of encoder and decoder, in (0, 1].
    """
    check_dropout(dropout)
    encoder = make_encoder("vgg19", in_channels, depth=4, width=width)
    channels = list(encoder.out_channels)  # type: ignore[arg-type]
    decoder = Decoder(channels, channels[:-1], classes, up="transpose", dropout=dropout)
    return EncoderUNet(encoder, decoder, nn.Identity(), freeze, stride=16)
