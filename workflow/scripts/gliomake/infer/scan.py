"""What was given to predict: slices in memory, and how they lie in the file that they came from."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gliomake.datasets.nifti import NiftiHeader

UPRIGHT = "LPS"
"""Voxel axes to the left, to the back, to the head: how BraTS lies."""


@dataclass(frozen=True)
class Place:
    """How the voxels of a NIfTI file become slices, and the way back.

    Attributes
    ----------
    path : Path
        The file whose grid the mask gets.
    header : NiftiHeader
        Its header.
    order : tuple of int
        Which axis of the file each of x, y, z to `UPRIGHT` is.
    flipped : tuple of bool
        Which of x, y, z run the other way in the file.
    turned : bool
        Whether slices are shown upright, rows along y, as pictures are; else rows run along x.
    """

    path: Path
    header: NiftiHeader
    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    turned: bool

    def to_slices(self, stored: np.ndarray) -> np.ndarray:
        """Return slices (z, height, width) of an array (z, x, y) as `read_slices` gives it."""
        array = stored.transpose(1, 2, 0).transpose(self.order)
        array = array[tuple(slice(None, None, -1 if turn else 1) for turn in self.flipped)]
        return array.transpose(2, 1, 0) if self.turned else array.transpose(2, 0, 1)

    def to_voxels(self, slices: np.ndarray) -> np.ndarray:
        """Return an array (x, y, z) as the file has it, of slices (z, height, width)."""
        array = slices.transpose(2, 1, 0) if self.turned else slices.transpose(1, 2, 0)
        array = array[tuple(slice(None, None, -1 if turn else 1) for turn in self.flipped)]
        return array.transpose(tuple(int(axis) for axis in np.argsort(self.order)))

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel edges along height, width and slices, mm."""
        x, y, z = (self.header.spacing[axis] for axis in self.order)
        return (y, x, z) if self.turned else (x, y, z)


@dataclass(frozen=True)
class Scan:
    """One picture or one volume.

    Attributes
    ----------
    name : str
        What messages and files call it; no path.
    image : ndarray (slice, channel, height, width)
        As stored, channels in the model's order.
    channels : tuple of str
        Names of the channels.
    suffix : str
        Of the file: ``.tif``, ``.png``, ``.nii.gz`` and others.
    source : tuple of Path
        The files; empty for what was never a file.
    place : Place or None
        Of a volume; None for a picture.
    warnings : tuple of str
        What was noted while it was read.
    prepared : bool
        Whether `image` is preprocessed already, as slices of the workflow's shards are.
    """

    name: str
    image: np.ndarray
    channels: tuple[str, ...]
    suffix: str
    source: tuple[Path, ...] = ()
    place: Place | None = None
    warnings: tuple[str, ...] = field(default=())
    prepared: bool = False

    @property
    def is_volume(self) -> bool:
        """Whether it came from NIfTI files."""
        return self.place is not None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        height, width = self.image.shape[2:]
        return height, width

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Pixel height and width and slice distance, mm; None where nothing says so."""
        return self.place.spacing if self.place else None

    def shown(self) -> np.ndarray:
        """Return the channel that is shown behind masks, (slice, height, width)."""
        index = self.channels.index("flair") if "flair" in self.channels else 0
        return self.image[:, index]
