"""Slices as tensors, for training and prediction; all other stages use the arrays of `shards`."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from gliomake.files.shards import Slices, load_arrays

SliceSet = Slices[torch.Tensor]


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
