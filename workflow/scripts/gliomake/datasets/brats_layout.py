"""What the two layouts of BraTS have in common: channels, classes, and how a layout is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gliomake.datasets.base import CaseError, Problem

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


class Layout(Protocol):
    """One way in which BraTS cases lie on disk."""

    folders: list[Path]
    """Where tables of the data set may lie."""

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
