"""Surface distances of a patient's predicted lesion to the true one, in 3D and in mm.

The surface of a mask is its voxels that have a face neighbour outside the mask, or lie at the edge
of the volume. From each surface voxel the distance to the nearest surface voxel of the other mask
is taken, both ways.

``hd95``
    The larger of the two directed 95th percentiles, as MONAI and Metrics Reloaded take it.
``hd95-union``
    The 95th percentile of both directions together, as medpy, panoptica and the BraTS evaluation
    take it; it is never above ``hd95``.
``nsd``
    Normalised surface Dice: the share of both surfaces that lies within the tolerance of the other
    (the idea of Nikolov et al. 2018, which weigh surfaces by area; here voxels are counted, as
    MONAI's ``compute_surface_dice`` does).

The volume is made of the patient's predicted slices of one subset, at their true heights: where
slice numbers are missing, the slices on either side are neighbours on the surface, and the gap
between them counts in every distance.

Where one of the two masks is empty there is no distance: the lesion is *missed* (or made up), its
``hd95`` is the diagonal of the volume of these slices and its ``nsd`` 0. Where both are empty there
is nothing to measure, and both are NaN.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from gliomake.boxes import bounding_box
from gliomake.files.predictions import to_mask
from gliomake.scoring.counts import PredictedSlices
from gliomake.scoring.metrics import DISTANCE_METRICS, TOLERANCE
from gliomake.scoring.postprocess import clean_masks

_KEYS = ["patient", "subset", "class", "postprocess"]
COLUMNS = [*_KEYS, *DISTANCE_METRICS, "missed"]


def surface_distances(
    predicted: np.ndarray,
    truth: np.ndarray,
    number: Sequence[int],
    spacing: tuple[float, float, float],
    tolerance: float = TOLERANCE,
) -> tuple[Any, ...]:
    """Compute the distances between a predicted and a true mask of one patient.

    Parameters
    ----------
    predicted, truth : ndarray (slice, height, width) of bool
        The masks.
    number : sequence (slice,) of int
        Slice numbers, ascending.
    spacing : tuple of float
        mm along height, width and between slices (the shards' x, y and z).
    tolerance : float
        Of the normalised surface Dice, mm.

    Returns
    -------
    hd95, nsd, ... : float
        One of each of `DISTANCE_METRICS`, in its order; NaN where both masks are empty.
    missed : bool
        Whether exactly one of the masks is empty.

    Raises
    ------
    ValueError
        If the shapes do not fit together, the numbers do not ascend or the spacing is not positive.

    Examples
    --------
    >>> predicted, truth = np.zeros((2, 1, 4, 4), bool)
    >>> predicted[0, 1, 1] = truth[0, 1, 3] = True
    >>> surface_distances(predicted, truth, number=[7], spacing=(1.0, 0.5, 3.0))
    (1.0, 1.0, 1.0, False)
    """
    predicted, truth = np.asarray(predicted, bool), np.asarray(truth, bool)
    heights = np.asarray(number, int)
    if predicted.shape != truth.shape or truth.shape[:1] != heights.shape or truth.ndim != 3:
        raise ValueError(
            f"masks of shape {predicted.shape} and {truth.shape}, {len(heights)} slice numbers: "
            "expected one shape (slice, height, width)"
        )
    if (np.diff(heights) <= 0).any():
        raise ValueError("slice numbers do not ascend: sort the slices, each number once")
    if not (np.isfinite(spacing).all() and min(spacing) > 0):
        raise ValueError(f"spacing is {spacing}: expected three lengths in mm above 0")
    steps = np.array([spacing[2], spacing[0], spacing[1]], float)
    if not predicted.any() and not truth.any():
        return *(np.nan for _ in DISTANCE_METRICS), False
    if not predicted.any() or not truth.any():
        extent = np.array([heights[-1] - heights[0] + 1, *truth.shape[1:]])
        diagonal = float(np.linalg.norm(extent * steps))
        return *(diagonal if m.unit == "mm" else 0.0 for m in DISTANCE_METRICS.values()), True
    surfaces = [surface_voxels(mask, heights) * steps for mask in (predicted, truth)]
    # A search from point to point: a transform of the whole volume takes five times as long.
    directed = [KDTree(surfaces[1 - side]).query(surfaces[side])[0] for side in (0, 1)]
    return *(m.measure(directed, tolerance) for m in DISTANCE_METRICS.values()), False


def surface_voxels(mask: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Find the surface of a mask.

    Parameters
    ----------
    mask : ndarray (slice, height, width) of bool
        Not empty.
    number : ndarray (slice,) of int
        Slice numbers, ascending; slices on either side of a gap are neighbours.

    Returns
    -------
    ndarray (voxel, 3) of int
        Slice number, row and column of each voxel that has a face neighbour outside the mask.
    """
    # Only within its bounds; beyond them, as beyond the volume, nothing is mask.
    bounds = bounding_box(mask)
    part = mask[bounds]
    padded = np.pad(part, 1)
    inside = part.copy()
    middle = slice(1, -1)
    for axis in range(mask.ndim):
        for shifted in (slice(None, -2), slice(2, None)):
            inside &= padded[tuple(shifted if at == axis else middle for at in range(mask.ndim))]
    voxels = np.argwhere(part & ~inside) + [bound.start for bound in bounds]
    voxels[:, 0] = number[voxels[:, 0]]
    return voxels


def measure_predictions(
    part: PredictedSlices,
    postprocess: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
) -> pd.DataFrame:
    """Compute the surface distances of each patient and class.

    Parameters
    ----------
    part : PredictedSlices
        Whole patients. Slices without patient or spacing have no distances and give no row.
    postprocess : mapping, optional
        With it every patient is measured twice, as predicted and cleaned up.
    tolerance : float
        Of the normalised surface Dice, mm.

    Returns
    -------
    DataFrame
        Columns ``patient subset class postprocess``, `DISTANCE_METRICS` and ``missed``, sorted by
        the first four.

    Raises
    ------
    ValueError
        If the spacing differs between slices of one patient, or a slice is there twice.
    """
    rows = []
    for (patient, subset), members in patients_of(part):
        spacing = part.spacing[members]
        if not (spacing == spacing[0]).all():
            raise ValueError(
                f"patient {patient}: spacing differs between slices, from {spacing.min(axis=0)} to "
                f"{spacing.max(axis=0)} mm; expected one for the volume"
            )
        number = np.asarray(part.number)[members]
        if len(np.unique(number)) < len(number):
            raise ValueError(f"patient {patient}: some slices of {subset} are predicted twice")
        masks = to_mask(part.probability[members], part.threshold)
        truth = part.truth[members] > 0
        x, y, z = (float(length) for length in spacing[0])
        variants = [(False, masks)]
        if postprocess is not None:
            variants.append((True, clean_masks(masks, postprocess)))
        for cleaned, predicted in variants:
            for index, name in enumerate(part.classes):
                measured = surface_distances(
                    predicted[:, index], truth[:, index], number, (x, y, z), tolerance
                )
                rows.append((patient, subset, name, cleaned, *measured))
    table = pd.DataFrame(rows, columns=COLUMNS).astype(
        {"postprocess": bool, **dict.fromkeys(DISTANCE_METRICS, float), "missed": bool}
    )
    return table.sort_values(_KEYS, ignore_index=True)


def patients_of(part: PredictedSlices) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Yield each patient and subset whose spacing is known, with its rows in slice order."""
    frame = pd.DataFrame({"patient": part.patient, "subset": part.subset, "number": part.number})
    known = ~np.isnan(part.spacing).any(axis=1) & (frame["patient"] != "").to_numpy()
    for (patient, subset), rows in frame[known].groupby(["patient", "subset"], sort=True):
        yield (str(patient), str(subset)), rows.sort_values("number").index.to_numpy()
