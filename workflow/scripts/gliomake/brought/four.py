"""Probabilities in NIfTI files of four dimensions, the last one the classes."""

import gzip
import io
import math
import zlib
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import DataRoot

DIMENSIONS = 4
_START = 64 * 1024
_GZIP = b"\x1f\x8b"
_BROKEN = (OSError, EOFError, ValueError, zlib.error, ImageFileError, HeaderDataError)


def is_4d(disk: DataRoot, path: Path, case: str) -> bool:
    """Tell by its header whether a file has four dimensions; a broken one has not."""
    start = disk.read_bytes(path, case, _START)
    try:
        if start[:2] == _GZIP:
            start = gzip.GzipFile(fileobj=io.BytesIO(start)).read(348)
        header = nibabel.Nifti1Header(start[:348], check=False)
        return len(header.get_data_shape()) == DIMENSIONS and header.get_data_shape()[3] > 1
    except Exception:  # what it is then, the reader of volumes says
        return False


def read_4d(
    disk: DataRoot, path: Path, case: str
) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Read probabilities of four dimensions.

    Parameters
    ----------
    disk : DataRoot
        The folder, for its limits.
    path : Path
        The file.
    case : str
        Whose it is, for the error.

    Returns
    -------
    values : ndarray, shape (z, class, x, y), float32
        As they are stored.
    affine : ndarray, shape (4, 4)
        Voxel indices to mm.
    spacing : tuple of float
        Voxel edges x, y, z, mm.

    Raises
    ------
    CaseError
        The file is damaged, larger than the limits, or holds a value that is not finite.
    AccessError
        The machine could not read it.
    """
    raw, limits = disk.read_bytes(path, case), disk.limits
    advice = "write the file again"
    try:
        if raw[:2] == _GZIP:
            raw = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(limits.file_bytes + 1)
        header = nibabel.Nifti1Header(raw[:348], check=False)
        shape = header.get_data_shape()
        for count, limit, name in (
            (len(raw), limits.file_bytes, "file_bytes"),
            (math.prod(shape[:3]), limits.volume_voxels, "volume_voxels"),
        ):
            if count > limit:
                raise CaseError(case, path, f"{count} {name}", f"at most {limit}", "check the file")
        image = nibabel.Nifti1Image.from_bytes(raw)
        values = np.asanyarray(image.dataobj).astype(np.float32, copy=False)
    except CaseError:
        raise
    except _BROKEN as error:
        found = f"a truncated or damaged file ({str(error)[:200]})"
        raise CaseError(case, path, found, "a complete NIfTI file", advice) from error
    if not np.isfinite(values).all():
        found = f"{int((~np.isfinite(values)).sum())} values that are NaN or infinite"
        raise CaseError(case, path, found, "probabilities from 0 to 1", advice)
    spacing = tuple(float(edge) for edge in image.header.get_zooms()[:3])
    return values.transpose(2, 3, 0, 1), np.asarray(image.affine), spacing
