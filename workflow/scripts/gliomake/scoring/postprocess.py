"""Clean-up of predicted masks, slice by slice and class by class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

# Pixels that touch at a corner belong to one component.
_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def clean_mask(mask: np.ndarray, min_area: float = 0.0, fill_holes: bool = False) -> np.ndarray:
    """Drop small components of a mask, then fill the holes of what is left.

    Parameters
    ----------
    mask : ndarray (height, width) of bool
        The predicted mask of one class.
    min_area : float
        Share of the image; components (of eight neighbours) with fewer pixels are dropped.
    fill_holes : bool
        Whether background that no path of edge neighbours joins to the border becomes mask.

    Returns
    -------
    ndarray (height, width) of bool
        A new mask.

    Raises
    ------
    ValueError
        If the mask is not two-dimensional or the share is not between 0 and 1.

    Examples
    --------
    >>> mask = np.array([[1, 1, 0, 0], [1, 1, 0, 1]])
    >>> clean_mask(mask, min_area=0.25).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 0, 0]])
    """
    mask = np.asarray(mask, bool)
    if mask.ndim != 2:
        raise ValueError(f"a mask has height and width, got shape {mask.shape}")
    if not 0 <= min_area <= 1:
        raise ValueError(f"min_area is {min_area}: expected a share of the image, 0 to 1")
    if not mask.any():
        return mask.copy()
    labels, _ = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    large = np.bincount(labels.ravel()) >= min_area * mask.size
    large[0] = False
    cleaned = large[labels]
    return ndimage.binary_fill_holes(cleaned) if fill_holes else cleaned


def clean_masks(masks: np.ndarray, config: Mapping[str, Any]) -> np.ndarray:
    """Clean a stack of masks.

    Parameters
    ----------
    masks : ndarray (..., height, width) of bool
        The predicted masks.
    config : mapping
        A study's ``postprocess``: ``min_area`` and ``fill_holes``, see `clean_mask`.

    Returns
    -------
    ndarray (..., height, width) of bool
        New masks.

    Raises
    ------
    ValueError
        If the config has other keys.
    """
    unknown = set(config) - {"min_area", "fill_holes"}
    if unknown:
        raise ValueError(
            f"postprocess has {', '.join(sorted(unknown))}: expected min_area and fill_holes"
        )
    masks = np.asarray(masks, bool)
    cleaned = np.empty_like(masks)
    for index in np.ndindex(masks.shape[:-2]):
        cleaned[index] = clean_mask(masks[index], **config)
    return cleaned
