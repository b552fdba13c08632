"""Labels of masks that were stored with a scale factor or as floating-point numbers."""

from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.datasets.nifti import NiftiHeader

ROUNDING = 1e-3
"""How far a label may lie from a whole number: what a scale factor or float16 leaves of it."""


def whole_labels(
    case: str, path: Path, labels: np.ndarray, header: NiftiHeader
) -> tuple[np.ndarray, dict[str, str]]:
    """Round labels that are whole but for rounding noise.

    Parameters
    ----------
    case, path
        Whose mask it is, for the error.
    labels : ndarray, (slice, height, width)
        As `read_slices` gave them: integers as stored, or float32.
    header : NiftiHeader
        Of the mask.

    Returns
    -------
    ndarray, (slice, height, width)
        The labels.
    dict of str to str
        What a reader must know of them: a kind and a sentence.

    Raises
    ------
    CaseError
        If a scale factor makes fractions of them. Other fractions are labels that no release has.
    """
    notes: dict[str, str] = {}
    factor = f"scl_slope {header.slope:g}, scl_inter {header.intercept:g}"
    if header.scaled:
        notes["scaled-mask"] = factor
    if labels.dtype.kind != "f":
        return labels, notes
    whole = np.rint(labels)
    off = np.abs(labels - whole)
    if header.scaled and off.max() > ROUNDING:
        bad = off > ROUNDING
        values = np.unique(labels[bad])[:5]
        stored = np.rint((values.astype(np.float64) - header.intercept) / header.slope)
        shown = ", ".join(
            f"{value:g} (stored as {raw:g})" for value, raw in zip(values, stored, strict=True)
        )
        raise CaseError(
            case,
            path,
            f"a scale factor in the header ({factor}) that makes fractions of the labels of "
            f"{int(bad.sum())} voxels: {shown}",
            "labels that are whole numbers, stored without a scale factor",
            "if the stored numbers are the labels, set scl_slope to 0 in the header; if not, "
            "restore the original mask",
        )
    if 0 < off.max() <= ROUNDING:
        notes["rounded-labels"] = f"up to {off.max():.2g} from whole numbers"
        return whole, notes
    return labels, notes
