"""Slices as tensors, for training and prediction; all other stages use the arrays of `shards`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gliomake.shards import load_arrays


@dataclass
class SliceSet:
    """Slices in memory.

    Attributes
    ----------
    image : Tensor (slice, channel, height, width), uint8 or float16
        Bytes stand for 0 to 1.
    mask : Tensor (slice, class, height, width), uint8
        0 or 1.
    patient : list of str
        Of each slice; empty strings in a data set without patients.
    slice : list of int
        Number of each slice.
    spacing : ndarray (slice, 3) float32
        Pixel spacing x, y and slice distance z, mm; NaN where unknown.
    """

    image: torch.Tensor
    mask: torch.Tensor
    patient: list[str]
    slice: list[int]
    spacing: np.ndarray

    def __len__(self) -> int:
        return len(self.slice)


def load_slices(
    shards: Sequence[str | Path],
    keys: pd.DataFrame,
    channels: Sequence[str] | None = None,
    device: str | torch.device = "cpu",
) -> SliceSet:
    """Load the named slices as tensors.

    Parameters
    ----------
    shards, keys, channels
        As in `load_arrays`.
    device : str or device
        Where the tensors go.

    Returns
    -------
    SliceSet
        The slices.

    Raises
    ------
    KeyError
        As `load_arrays` does.
    """
    arrays = load_arrays(shards, keys, channels)
    return SliceSet(
        image=torch.from_numpy(arrays.image).to(device),
        mask=torch.from_numpy(arrays.mask).to(device),
        patient=arrays.patient,
        slice=arrays.slice,
        spacing=arrays.spacing,
    )


def to_float(image: torch.Tensor) -> torch.Tensor:
    """Give a network the intensities that the recipe means.

    Parameters
    ----------
    image : Tensor
        uint8 (0 to 255 for 0 to 1) or float16.

    Returns
    -------
    Tensor, float32
        Bytes divided by 255; floats as they are.
    """
    return image.float() if image.is_floating_point() else image.float() / 255
