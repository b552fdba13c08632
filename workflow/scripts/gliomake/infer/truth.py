"""Masks drawn by hand, to compare a prediction with."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.datasets.brats_geometry import geometry_errors
from gliomake.datasets.nifti import read_header, read_slices
from gliomake.datasets.pictures import PictureError, decode
from gliomake.datasets.root import DataRoot, Limits
from gliomake.infer.inputs import LIMITS, MASK, PICTURES, VOLUMES, stem_of, suffix_of
from gliomake.infer.predict import Prediction
from gliomake.infer.scan import Scan


def find_truth(given: Path, scan: Scan) -> Path | None:
    """Return the file of a scan's truth.

    Parameters
    ----------
    given : Path
        The file itself, or a folder with ``<scan>_mask.*`` or ``<scan>_seg.*``.
    scan : Scan
        The scan.

    Returns
    -------
    Path or None
        None where the folder holds none for this scan.
    """
    if not given.is_dir():
        return given
    for path in DataRoot(given).entries():
        if suffix_of(path) in (*PICTURES, *VOLUMES):
            match = MASK.fullmatch(stem_of(path))
            if match and match[1] == scan.name:
                return path
    return None


def read_truth(
    path: Path, scan: Scan, classes: Mapping[str, int], limits: Limits = LIMITS
) -> np.ndarray:
    """Read a scan's truth.

    Parameters
    ----------
    path : Path
        A NIfTI label map for a volume, a picture of 0 and 255 for a picture.
    scan : Scan
        The scan, for a volume's geometry.
    classes : mapping of str to int
        The model's classes, with their labels. One class is any label but 0.
    limits : Limits
        What the file may hold.

    Returns
    -------
    ndarray (slice, class, height, width) of bool
        On the scan's grid, if it is the scan's.

    Raises
    ------
    CaseError
        It is damaged, lies elsewhere, or holds values that are no labels.
    """
    if scan.place is not None:
        root = DataRoot(path.parent, limits, "anywhere")
        header = read_header(path, root, scan.name)
        # The first of two that differ is taken for right.
        files = {"image": scan.place.path, "seg": path}
        headers = {"image": scan.place.header, "seg": header}
        for error in geometry_errors(scan.name, files, headers, "grid"):
            raise error
        labels = scan.place.to_slices(read_slices(path, header, root, scan.name))
    else:
        data = DataRoot(path.parent, limits, "anywhere").read_bytes(path, scan.name)
        labels = picture_truth(data, path.name, limits)[None]
    return np.stack([labels != 0], axis=1) if len(classes) == 1 else _split(labels, classes, path)


def picture_truth(data: bytes, name: str, limits: Limits = LIMITS) -> np.ndarray:
    """Read a mask that is a picture: (height, width) uint8, 0 where there is nothing.

    Raises
    ------
    CaseError
        It is damaged, or has more than two values.
    """
    try:
        grey = decode(data, limits).grey
    except PictureError as error:
        raise CaseError(name, name, error.found, error.expected, error.advice) from error
    values = np.unique(grey)
    if len(values) > 2 or (values[0] != 0 and len(values) == 2):
        raise CaseError(
            name,
            name,
            f"{len(values)} values from {values[0]} to {values[-1]}",
            "a mask of two values, 0 and another",
            "give the mask, not the image; a JPEG blurs a mask's edge",
        )
    return grey


def _split(labels: np.ndarray, known: Mapping[str, int], path: Path) -> np.ndarray:
    odd = set(np.unique(labels).tolist()) - {0, *known.values()}
    if odd:
        raise CaseError(
            path.name,
            path,
            f"labels {', '.join(f'{value:g}' for value in sorted(odd)[:5])}",
            ", ".join(f"{value} for {name}" for name, value in known.items()) + ", 0 elsewhere",
            "map the labels to these",
        )
    return np.stack([labels == known[name] for name in known], axis=1)


def check_truth(truth: np.ndarray, prediction: Prediction, name: str) -> None:
    """Check that a truth lies on the scan's grid.

    Raises
    ------
    CaseError
        It does not.
    """
    if truth.shape != prediction.mask.shape:
        raise CaseError(
            name,
            name,
            f"a truth of {'x'.join(map(str, truth.shape[2:]))} pixels and {len(truth)} slices",
            f"{'x'.join(map(str, prediction.scan.size))} and {len(prediction.mask)}, as the scan",
            "give the mask of this scan",
        )
