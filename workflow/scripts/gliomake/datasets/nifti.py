"""NIfTI files as arrays of axial slices, read whole or header only, whole or not at all."""

import contextlib
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError

# Both read faster than the standard library, libdeflate twice as fast as isal; any of them will do.
try:
    import deflate
except ImportError:
    deflate = None  # type: ignore[assignment]
try:
    from isal.igzip import open as open_gzip
    from isal.isal_zlib import error as isal_error
except ImportError:
    from gzip import open as open_gzip

    isal_error = zlib.error  # type: ignore[assignment]

HEADER_BYTES = 352


class NiftiError(ValueError):
    """A NIfTI file that cannot be used.

    Parameters
    ----------
    path : Path
        The file.
    found, expected, advice : str
        What the file holds, what it should hold, what to do about it.
    """

    def __init__(self, path: Path, found: str, expected: str, advice: str):
        super().__init__(f"{path}: {found}; expected {expected}. {advice}")
        self.found = found
        self.expected = expected
        self.advice = advice


@dataclass(frozen=True)
class NiftiHeader:
    """What stands before the voxels of a three-dimensional NIfTI-1 file.

    Parameters
    ----------
    shape : tuple of int, (x, y, z)
        Voxels.
    spacing : tuple of float, (x, y, z)
        Voxel edges in mm.
    affine : ndarray, (4, 4) float64
        Voxel indices to mm.
    orientation : str
        Where the voxel axes point to, such as ``"LPS"``.
    dtype : dtype
        As stored.
    offset : int
        Bytes before the first voxel.
    slope, intercept : float
        Stored value to intensity.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    affine: np.ndarray
    orientation: str
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float

    @property
    def size(self) -> int:
        """Bytes of the whole file, uncompressed."""
        return self.offset + int(np.prod(self.shape)) * self.dtype.itemsize


def read_header(path: str | Path) -> NiftiHeader:
    """Read the header of a ``.nii`` or ``.nii.gz`` file and none of its voxels.

    Raises
    ------
    NiftiError
        If there is no NIfTI-1 header, or not that of one three-dimensional image.
    """
    path = Path(path)
    try:
        with _open(path) as file:
            raw = file.read(HEADER_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, str(error)) from error
    if len(raw) < HEADER_BYTES:
        raise _damaged(path, f"it ends within its header, after {len(raw)} bytes")
    try:
        header = nibabel.Nifti1Header.from_fileobj(io.BytesIO(raw))
        dtype = header.get_data_dtype()
        slope, intercept = header.get_slope_inter()
    except (HeaderDataError, nibabel.wrapstruct.WrapStructError) as error:
        raise NiftiError(
            path, f"no NIfTI-1 header ({error})", "a NIfTI-1 file", "Download the file again."
        ) from error
    shape = tuple(int(n) for n in header.get_data_shape())
    if set(shape[3:]) == {1}:
        shape = shape[:3]
    if len(shape) != 3 or min(shape) < 1 or dtype.kind not in "iuf":
        raise NiftiError(
            path,
            f"an image of shape {shape} and type {dtype}",
            "one three-dimensional image of numbers",
            "Export the volume again as a single 3D image.",
        )
    affine = header.get_best_affine()
    x, y, z = (round(float(zoom), 6) for zoom in header.get_zooms()[:3])
    return NiftiHeader(
        shape=(shape[0], shape[1], shape[2]),
        spacing=(x, y, z),
        affine=affine,
        orientation=_orientation(affine),
        dtype=dtype,
        offset=int(header.get_data_offset()),
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
    )


def read_slices(path: str | Path, header: NiftiHeader | None = None) -> np.ndarray:
    """Read a volume as axial slices: ``out[k] == array[:, :, k]`` in NIfTI's own axis order.

    Parameters
    ----------
    path : str or Path
        A ``.nii`` or ``.nii.gz`` file.
    header : NiftiHeader, optional
        What `read_header` gave, to save reading it twice.

    Returns
    -------
    ndarray, (z, x, y)
        Integers as stored. Other types, and integers with a scale factor, as float32. A read-only
        view where nothing had to be converted.

    Raises
    ------
    NiftiError
        If the file is shorter or longer than its header says, its checksum is wrong, or a value is
        not finite.
    """
    path = Path(path)
    header = header or read_header(path)
    raw = _read_bytes(path, header)
    values = np.frombuffer(raw, header.dtype, int(np.prod(header.shape)), header.offset)
    # Fortran order on disk (x fastest) is C order of the reversed shape.
    array = values.reshape(header.shape[::-1]).transpose(0, 2, 1)
    if header.dtype.kind == "f" or (header.slope, header.intercept) != (1.0, 0.0):
        array = array.astype(np.float32)
        if (header.slope, header.intercept) != (1.0, 0.0):
            array *= np.float32(header.slope)
            array += np.float32(header.intercept)
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        if bad:
            raise NiftiError(
                path,
                f"{bad} values that are NaN or infinite",
                "finite numbers only",
                "Download the file again, or leave the case out.",
            )
    elif not header.dtype.isnative:
        array = array.astype(header.dtype.newbyteorder("="))
    return array


def _open(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _read_bytes(path: Path, header: NiftiHeader) -> bytes | bytearray:
    """Give the uncompressed file, `header.size` bytes."""
    packed = path.read_bytes()
    raw = packed if path.suffix != ".gz" else _inflate(path, packed, header.size)
    if len(raw) != header.size:
        found = str(len(raw)) if len(raw) < header.size else f"more than {header.size}"
        raise _damaged(path, f"{found} bytes where the header announces {header.size}")
    return raw


def _inflate(path: Path, packed: bytes, size: int) -> bytes | bytearray:
    """Uncompress a gzip file up to one byte beyond the size that it should have."""
    # libdeflate believes the length in the gzip trailer, whatever it is: a cut file's last four
    # bytes are noise, and a file of several members ends with the length of its last one only.
    if deflate and int.from_bytes(packed[-4:], "little") == size % 2**32:
        with contextlib.suppress(deflate.DeflateError):
            return deflate.gzip_decompress(packed)
    try:
        with open_gzip(io.BytesIO(packed), "rb") as file:
            # The byte beyond is one too many, or the end, where the checksum is.
            return file.read(size + 1)
    except (EOFError, OSError, ValueError, zlib.error, isal_error) as error:  # type: ignore[misc]
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, detail: str) -> NiftiError:
    kind = "gzip file" if path.suffix == ".gz" else "file"
    return NiftiError(
        path,
        f"a truncated or damaged {kind} ({detail})",
        "a complete NIfTI file",
        "Download the file again.",
    )


def _orientation(affine: np.ndarray) -> str:
    """Name the directions of the voxel axes; "?" where the affine gives none."""
    if not np.isfinite(affine).all():
        return "???"
    codes = nibabel.aff2axcodes(affine)
    return "".join(code or "?" for code in codes)
