"""What the two layouts of BraTS have in common: channels, classes, and how a layout is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gliomake.datasets.base import CaseError, Problem
from gliomake.datasets.brats_releases import Release

CHANNELS = ("t1", "t1ce", "t2", "flair")
CLASSES = ("NEC", "ED", "ET")


@dataclass
class Reading:
    """The arrays of one case.

    Attributes
    ----------
    slices : ndarray of int, shape (slice,)
        Slice numbers, 0 at the foot of the volume.
    image : ndarray, shape (slice, channel, height, width)
        Intensities; height runs along the volume's x axis, width along y.
    mask : ndarray of uint8, shape (slice, class, height, width)
        0 or 1; no voxel belongs to two classes.
    spacing : tuple of float
        Voxel size along x, y, z in mm.
    facts : dict
        What the layout has to say of the case, in JSON.
    """

    slices: np.ndarray
    image: np.ndarray
    mask: np.ndarray
    spacing: tuple[float, float, float]
    facts: dict[str, Any] = field(default_factory=dict)


def background(corners: np.ndarray) -> np.ndarray:
    """Give the value outside the head, 0 where it cannot be known.

    A standardised copy has its background below 0. What follows (non-zero statistics, padding)
    takes 0 for background, and neither z-score nor min-max notices a shift.

    Parameters
    ----------
    corners : ndarray, shape (..., corner)
        The values in the corners of slices or volumes; alike, they are background.

    Returns
    -------
    ndarray, shape (...)
        In the corners' type.
    """
    same = (corners == corners[..., :1]).all(axis=-1)
    return np.where(same, corners[..., 0], 0)


def move_background(
    image: np.ndarray, channels: Sequence[str]
) -> tuple[np.ndarray, dict[str, list[float]]]:
    """Move each channel's background to 0.

    Parameters
    ----------
    image : ndarray, shape (slice, channel, height, width)
        A volume; changed in place where it is float32.
    channels : sequence of str
        Its channels.

    Returns
    -------
    ndarray
        The image, as float32 where anything moved.
    dict
        What the background was of each channel where it was not 0, as (lowest, highest).
    """
    if not channels:
        return image, {}
    ends = (0, -1)
    corners = image[ends, :][:, :, ends][..., ends]  # slice, channel, height, width
    shift = background(corners.transpose(1, 0, 2, 3).reshape(len(channels), -1))
    if not shift.any():
        return image, {}
    # An integer type may not hold the difference.
    image = image.astype(np.float32, copy=False)
    image -= shift.astype(np.float32)[:, None, None]
    return image, {
        name: [float(value)] * 2 for name, value in zip(channels, shift, strict=True) if value
    }


class Layout(Protocol):
    """One way in which BraTS cases lie on disk."""

    folders: list[Path]
    """Where tables of the data set may lie."""
    release: Release
    """The release that the cases are of."""

    def cases(self) -> list[str]:
        """List the case ids, sorted."""

    def patient(self, case: str) -> str:
        """Give the patient of a case."""

    def folder(self, case: str) -> Path:
        """Give the folder that holds a case."""

    def check_root(self) -> list[Problem]:
        """Check what shows in the listing alone."""

    def check(self, case: str, channels: Sequence[str]) -> list[CaseError]:
        """Check a case without reading voxels."""

    def read(self, case: str, channels: Sequence[str]) -> Reading:
        """Read the mask and these channels and nothing else; raises `CaseError`."""

    def has_masks(self) -> bool:
        """Return whether any case has a mask, reading no more than it takes to know."""
