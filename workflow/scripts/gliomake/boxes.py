"""Where in a volume there is anything."""

import numpy as np


def bounding_box(mask: np.ndarray, margin: int = 0) -> tuple[slice, slice, slice]:
    """Find where in a volume there is anything.

    Parameters
    ----------
    mask : ndarray (slice, height, width) of bool
        The volume.
    margin : int
        Voxels to add on every side, as far as the volume goes.

    Returns
    -------
    tuple of slice
        Along each axis; empty where nothing is.

    Examples
    --------
    >>> bounding_box(np.eye(4, dtype=bool)[None, 1:3], margin=1)
    (slice(0, 1, None), slice(0, 2, None), slice(0, 4, None))
    """
    rows, columns = np.any(mask, axis=2), np.any(mask, axis=1)
    bounds = []
    for present in (np.any(rows, axis=1), np.any(rows, axis=0), np.any(columns, axis=0)):
        places = np.flatnonzero(present)
        if not len(places):
            return (slice(0, 0),) * 3
        first, last = int(places[0]), int(places[-1])
        bounds.append(slice(max(first - margin, 0), min(last + 1 + margin, len(present))))
    return bounds[0], bounds[1], bounds[2]
