"""Training losses, by name, from logits.

Every segmentation loss takes logits and a target of the same shape (n, class, height, width),
the target 0 or 1, and treats each class as its own yes or no (multi-label). Losses are computed
in float32 under autocast too: sums over millions of pixels do not fit half precision.

The overlap losses count softly over the pixels of the whole batch, one class at a time, and
average over the classes::

    TP = sum(p g)    FP = sum(p (1 - g))    FN = sum((1 - p) g)
    Tversky index = (TP + smooth) / (TP + alpha FP + beta FN + smooth)

with p the sigmoid of the logit and g the target (Salehi et al. 2017, Tversky loss function,
eq. 3). alpha = beta = 0.5 makes it the Dice coefficient (2 TP + 2 smooth) / (2 TP + FP + FN +
2 smooth). `smooth` is in pixels; it keeps a batch without tumour defined, where the index is 1
once FP is small against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any, ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gliomake.study.losses import LOSSES

# Focal Tversky's slope is infinite at a perfect overlap; below this it is taken as flat.
_FLAT = 1e-6


def _float32(logits: Tensor) -> Tensor:
    """Raise half precision to float32; leave float64 (gradient checks) as it is."""
    return logits if logits.dtype == torch.float64 else logits.float()


def _check_shapes(logits: Tensor, target: Tensor) -> None:
    if logits.shape != target.shape:
        raise ValueError(
            f"logits are {tuple(logits.shape)} and the target is {tuple(target.shape)}; "
            "expected the same shape (n, class, height, width)"
        )


def soft_tversky_index(
    logits: Tensor, target: Tensor, alpha: float, beta: float, smooth: float
) -> Tensor:
    """Compute the soft Tversky index of each class over the batch.

    Parameters
    ----------
    logits, target : Tensor, (n, class, height, width), float
        The target is 0 or 1.
    alpha, beta : float
        Weights of false positives and of false negatives.
    smooth : float
        Pixels added to numerator and denominator.

    Returns
    -------
    Tensor, (class,)
    """
    _check_shapes(logits, target)
    with torch.autocast(logits.device.type, enabled=False):
        probability = torch.sigmoid(_float32(logits))
        target = target.to(probability.dtype)
        pixels = (0, 2, 3)
        hit = (probability * target).sum(pixels)
        false_positive = probability.sum(pixels) - hit
        false_negative = target.sum(pixels) - hit
        return (hit + smooth) / (hit + alpha * false_positive + beta * false_negative + smooth)


@dataclass(frozen=True)
class DiceLoss:
    """1 - Dice, the mean over the classes."""

    alpha: ClassVar[float] = 0.5
    beta: ClassVar[float] = 0.5
    smooth: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        _check_positive(self, "smooth")

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        index = soft_tversky_index(logits, target, self.alpha, self.beta, self.smooth)
        return (1 - index).mean()


@dataclass(frozen=True)
class TverskyLoss:
    """1 - Tversky index, the mean over the classes (Salehi et al. 2017)."""

    alpha: float = 0.3
    beta: float = 0.7
    smooth: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        _check_positive(self, "alpha", "beta", "smooth")

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        index = soft_tversky_index(logits, target, self.alpha, self.beta, self.smooth)
        return (1 - index).mean()


@dataclass(frozen=True)
class FocalTverskyLoss:
    """(1 - Tversky index) ** gamma, the mean over the classes.

    Abraham and Khan 2019, A novel focal Tversky loss function, eq. 4, which writes the exponent
    as 1 / gamma with gamma = 4/3; here gamma is the exponent itself.
    """

    alpha: float = 0.3
    beta: float = 0.7
    gamma: float = 0.75
    smooth: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        _check_positive(self, "alpha", "beta", "gamma", "smooth")

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        index = soft_tversky_index(logits, target, self.alpha, self.beta, self.smooth)
        return (1 - index).clamp_min(_FLAT).pow(self.gamma).mean()


@dataclass(frozen=True)
class BCELoss:
    """Binary cross-entropy, the mean over pixels and classes, in nats."""

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        _check_shapes(logits, target)
        with torch.autocast(logits.device.type, enabled=False):
            logits = _float32(logits)
            return F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype))


@dataclass(frozen=True)
class BCEDiceLoss:
    """The sum of binary cross-entropy and Dice loss, equally weighted."""

    smooth: float = 1.0

    def __post_init__(self) -> None:
        """Check the options."""
        _check_positive(self, "smooth")

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        return BCELoss()(logits, target) + DiceLoss(self.smooth)(logits, target)


@dataclass(frozen=True)
class CrossEntropyLoss:
    """Categorical cross-entropy of a classifier, the mean over images, in nats.

    Takes logits (n, classes) and labels (n,) int64.
    """

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        if logits.ndim != 2 or target.shape != logits.shape[:1] or target.is_floating_point():
            raise ValueError(
                f"logits are {tuple(logits.shape)} and the target is {tuple(target.shape)} "
                f"{target.dtype}; expected logits (n, classes) and integer labels (n,)"
            )
        with torch.autocast(logits.device.type, enabled=False):
            return F.cross_entropy(_float32(logits), target)


class Loss(Protocol):
    """A loss with its options; see `gliomake.study.losses.LossEntry`."""

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        ...


def create_loss(spec: Mapping[str, Any]) -> Loss:
    """Make a loss from its description.

    Parameters
    ----------
    spec : mapping
        ``name``, a key of `gliomake.study.losses.LOSSES`, and that loss's options, e.g.
        ``{"name": "tversky", "alpha": 0.3, "beta": 0.7}``.

    Returns
    -------
    callable
        ``loss(logits, target) -> scalar Tensor``; its options are its attributes.

    Raises
    ------
    ValueError
        If the name or an option is unknown, or a value is not a positive number.

    Examples
    --------
    >>> loss = create_loss({"name": "dice", "smooth": 1.0})
    >>> perfect = torch.full((1, 1, 2, 2), 50.0)
    >>> loss(perfect, torch.ones(1, 1, 2, 2)).item()
    0.0
    """
    options = dict(spec)
    name = options.pop("name", None)
    if name not in LOSSES:
        raise ValueError(f"loss {name!r} is unknown; there are {', '.join(LOSSES)}")
    module, function = LOSSES[name].function
    made: Any = getattr(import_module(module), function)
    known = [field.name for field in fields(made)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"loss {name!r} has no option {', '.join(map(repr, unknown))}; "
            f"its options are {', '.join(known) or 'none'}"
        )
    loss: Loss = made(**options)
    return loss


def _check_positive(loss: object, *names: str) -> None:
    for name in names:
        value = getattr(loss, name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < float("inf"):
            raise ValueError(f"{type(loss).__name__}: {name} must be above 0, got {value!r}")
