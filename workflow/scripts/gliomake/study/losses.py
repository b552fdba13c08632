"""The training losses, by name: where each is defined, and which options it takes.

A new loss is its class and one entry here. Every start checks by this table, without torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LossEntry:
    """A loss that a training can have.

    Attributes
    ----------
    function : tuple of str
        Module and name of a frozen dataclass: made with the options, it is called with logits and
        target and returns the loss, a scalar.
    schema : dict
        A JSON schema of each option; an option that is not here is refused when a study is read.
    required : tuple of str
        Options that a study must give.
    """

    function: tuple[str, str]
    schema: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()


_SMOOTH = {
    "type": "number",
    "exclusiveMinimum": 0,
    "description": "Added to numerator and denominator, pixels.",
}
_TVERSKY = {
    "alpha": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "Weight of false positives.",
    },
    "beta": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "Weight of false negatives.",
    },
    "smooth": _SMOOTH,
}
_GAMMA = {
    "type": "number",
    "exclusiveMinimum": 0,
    "description": "Exponent of the focal Tversky loss.",
}

LOSSES: dict[str, LossEntry] = {
    "dice": LossEntry(("gliomake.training.losses", "DiceLoss"), schema={"smooth": _SMOOTH}),
    "bce": LossEntry(("gliomake.training.losses", "BCELoss")),
    "bce-dice": LossEntry(("gliomake.training.losses", "BCEDiceLoss"), schema={"smooth": _SMOOTH}),
    "tversky": LossEntry(
        ("gliomake.training.losses", "TverskyLoss"), schema=_TVERSKY, required=("alpha", "beta")
    ),
    "focal-tversky": LossEntry(
        ("gliomake.training.losses", "FocalTverskyLoss"),
        schema={**_TVERSKY, "gamma": _GAMMA},
        required=("alpha", "beta"),
    ),
    "cross-entropy": LossEntry(("gliomake.training.losses", "CrossEntropyLoss")),
}
