"""Probabilities as nnU-Net saves them beside its label maps: an ``.npz`` a case."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import DataRoot

NAMES = ("probabilities", "softmax")
"""Of the array in the file: nnU-Net's second version, and its first."""


def read_npz(disk: DataRoot, path: Path, case: str) -> np.ndarray:
    """Read the probabilities of a case that nnU-Net saved (``--save_probabilities``).

    Parameters
    ----------
    disk : DataRoot
        The folder, for its limits.
    path : Path
        The file. It holds ``probabilities`` (class, z, y, x), the background first, on the grid of
        the label map beside it, and no place in space.
    case : str
        Whose it is, for the error.

    Returns
    -------
    ndarray, shape (z, class, x, y), float32
        As they are stored, laid as those of `gliomake.brought.four.read_4d`.

    Raises
    ------
    CaseError
        The file is damaged, larger than the limits, or holds something else.
    AccessError
        The machine could not read it.
    """
    raw, limit = disk.read_bytes(path, case), disk.limits.file_bytes
    expected = "one array `probabilities` of numbers (class, z, y, x), as nnU-Net saves it"
    advice = "write the file again, with nnU-Net's --save_probabilities"
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            name = next((each for each in NAMES if each in held), None)
            if name is None:
                found = f"arrays {', '.join(sorted(held)) or 'none'}"
                raise CaseError(case, path, found, expected, advice)
            if held[name].file_size > limit:
                found = f"{held[name].file_size} bytes after decompression"
                most = f"at most {limit} (limits.file_bytes)"
                raise CaseError(case, path, found, most, "check the file")
            values = np.load(io.BytesIO(archive.read(held[name])), allow_pickle=False)
    except CaseError:
        raise
    except Exception as error:  # zipfile and NumPy raise nearly anything on spoilt bytes
        found = f"a truncated or damaged file ({str(error)[:200]})"
        raise CaseError(case, path, found, "a complete .npz file", advice) from error
    if values.ndim != 4 or values.dtype.kind != "f" or not math.prod(values.shape):
        found = f"an array {values.shape} of {values.dtype}"
        raise CaseError(case, path, found, expected, advice)
    values = values.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        found = f"{int((~np.isfinite(values)).sum())} values that are NaN or infinite"
        raise CaseError(case, path, found, "probabilities from 0 to 1", advice)
    return values.transpose(1, 0, 3, 2)
