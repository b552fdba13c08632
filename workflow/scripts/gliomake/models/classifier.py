"""The classifier of the two-stage LGG study, tumour or none on a slice."""

from torch import Tensor, nn

from gliomake.models.encoders import make_encoder
from gliomake.models.unet import check_dropout


class ResNet50Classifier(nn.Module):
    """ResNet50 without its top, average pooling and three dense layers.

    Dense 256, ReLU, dropout, twice, then two logits: no tumour, tumour. The pooling is over
    the whole feature map, so that the number of weights does not hang on the image size.

    Parameters
    ----------
    in_channels, classes : int
        Channels of the image; `classes` is 1, the tumour that is there or not.
    dropout : float
        Share of the dense features that is zeroed in training, in [0, 1).
    width : float
        Factor on the channels of the ResNet's stages, in (0, 1].
    """

    def __init__(
        self, in_channels: int, classes: int, dropout: float = 0.3, width: float = 1.0
    ) -> None:
        super().__init__()
        if classes != 1:
            raise ValueError(
                f"resnet50-classifier tells tumour from no tumour, got {classes} classes; "
                "give it a study with one class"
            )
        check_dropout(dropout)
        self.encoder = make_encoder("resnet50", in_channels, width=width)
        features: int = list(self.encoder.out_channels)[-1]  # type: ignore[arg-type]
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(features, 256),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(256, 256),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(256, 2),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (n, 2) of image (n, in_channels, height, width)."""
        return self.head(self.encoder(image)[-1])
