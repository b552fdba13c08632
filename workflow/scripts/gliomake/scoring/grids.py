"""Probabilities on another grid than that of the network."""

from functools import cache

import numpy as np


def to_size(probability: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring maps to another height and width, bilinearly.

    As scikit-image's ``resize`` does with ``order=1``, ``mode="edge"`` and no smoothing: the
    centres of the pixels lie at (k + 1/2) / n of the image's side.

    Parameters
    ----------
    probability : ndarray, shape (..., height, width)
        Probabilities.
    size : tuple of int
        Height and width wanted.

    Returns
    -------
    ndarray, shape (..., *size), float32
        As they are where the size is theirs already.

    Examples
    --------
    >>> to_size(np.array([[0.0, 1.0]]), (1, 4))
    array([[0.  , 0.25, 0.75, 1.  ]], dtype=float32)
    """
    values = np.asarray(probability, np.float32)
    if values.shape[-2:] == tuple(size):
        return values
    if not values.any():  # most slices
        return np.zeros((*values.shape[:-2], *size), np.float32)
    height, width = (
        _weights(now, wanted) for now, wanted in zip(values.shape[-2:], size, strict=True)
    )
    # Rounding may leave the interval in which probabilities lie.
    return np.clip(height @ values @ width.T, 0, 1)


@cache
def _weights(now: int, wanted: int) -> np.ndarray:
    """Return what each of the pixels that there are gives to each that is wanted, (wanted, now)."""
    place = np.clip((np.arange(wanted) + 0.5) * now / wanted - 0.5, 0, now - 1)
    lower = np.minimum(place.astype(int), max(now - 2, 0))
    share = (place - lower).astype(np.float32)
    weights = np.zeros((wanted, now), np.float32)
    rows = np.arange(wanted)
    weights[rows, lower] = 1 - share
    weights[rows, np.minimum(lower + 1, now - 1)] += share
    return weights
