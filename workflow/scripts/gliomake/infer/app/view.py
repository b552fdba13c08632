"""Pictures of an answer: a slice in one of three planes, with and without masks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from gliomake.infer.app.answer import Answer
from gliomake.infer.outputs import TRUTH, grey_picture, paint, rgb

PLANES = ("axial", "coronal", "sagittal")
SHOWN = 320
"""Width that small pictures are enlarged to, pixels."""


@dataclass(frozen=True)
class View:
    """The slices of an answer along one plane.

    Attributes
    ----------
    answer : Answer
        What was found.
    plane : str
        One of `PLANES`; ``axial`` of a picture.
    """

    answer: Answer
    plane: str = "axial"

    @property
    def length(self) -> int:
        """How many slices there are."""
        return int(
            self._upright(self.answer.prediction.scan.shown()).shape[PLANES.index(self.plane)]
        )

    @property
    def first(self) -> int:
        """The slice with most tumour; without any the one in the middle."""
        amount = self._amount()
        return int(amount.argmax()) if amount.any() else len(amount) // 2

    def _amount(self) -> np.ndarray:
        mask = self._upright(np.asarray(self.answer.prediction.mask.any(axis=1)))
        other = tuple(axis for axis in range(3) if axis != PLANES.index(self.plane))
        return mask.sum(axis=other)

    def _upright(self, array: np.ndarray) -> np.ndarray:
        """Return (z, y, x) of (slice, height, width)."""
        place = self.answer.prediction.scan.place
        return array.swapaxes(1, 2) if place is not None and not place.turned else array

    def cut(self, array: np.ndarray, row: int) -> np.ndarray:
        """Return one slice of (slice, height, width), the head up in the standing planes."""
        upright = self._upright(array)
        if self.plane == "axial":
            return upright[row]
        return upright[::-1, row] if self.plane == "coronal" else upright[::-1, :, row]

    def image(self, row: int) -> np.ndarray:
        """Return the scan, (height, width, 3) uint8."""
        return self._enlarge(np.repeat(self._grey(row)[..., None], 3, axis=2))

    def masks(self, row: int, masks: np.ndarray, colour: Any = None) -> np.ndarray:
        """Return masks (slice, class, height, width) in their colours on black."""
        picture = np.zeros((*self._grey(row).shape, 3), np.float32)
        found = self.answer.prediction
        for index, name in enumerate(found.classes):
            shade = colour or rgb(found.colours[name])
            paint(picture, self.cut(masks[:, index], row), shade, 1.0)
        return self._enlarge(picture.astype(np.uint8))

    def prediction(self, row: int) -> np.ndarray:
        """Return the predicted mask."""
        return self.masks(row, self.answer.prediction.mask)

    def truth(self, row: int) -> np.ndarray:
        """Return the true mask; black where none was given."""
        truth = self.answer.truth
        empty = np.zeros_like(self.answer.prediction.mask)
        return self.masks(row, empty if truth is None else truth, TRUTH)

    def overlay(self, row: int, opacity: float) -> np.ndarray:
        """Return the scan with the prediction laid over it, and the truth outlined."""
        picture = np.repeat(self._grey(row)[..., None], 3, axis=2).astype(np.float32)
        found = self.answer.prediction
        for index, name in enumerate(found.classes):
            paint(picture, self.cut(found.mask[:, index], row), rgb(found.colours[name]), opacity)
        if self.answer.truth is not None:
            paint(picture, self.cut(np.asarray(self.answer.truth.any(axis=1)), row), TRUTH, 0.0)
        return self._enlarge(picture.round().clip(0, 255).astype(np.uint8))

    def _grey(self, row: int) -> np.ndarray:
        return grey_picture(self.cut(self.answer.prediction.scan.shown(), row))

    def _enlarge(self, picture: np.ndarray) -> np.ndarray:
        """Make pixels square, and small pictures large enough to see, by nearest neighbour."""
        height, width = picture.shape[:2]
        place = self.answer.prediction.scan.place
        tall = wide = 1.0
        if place is not None:
            x, y, z = (place.header.spacing[axis] for axis in place.order)
            tall, wide = {"axial": (y, x), "coronal": (z, x), "sagittal": (z, y)}[self.plane]
        least = min(tall, wide)
        size = (width * wide / least, height * tall / least)
        factor = max(1.0, SHOWN / size[0])
        target = (max(round(size[0] * factor), 1), max(round(size[1] * factor), 1))
        return np.asarray(Image.fromarray(picture).resize(target, Image.Resampling.NEAREST))
