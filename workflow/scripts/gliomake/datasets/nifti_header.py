"""What stands before the voxels of a NIfTI file: read by nibabel, checked before it is believed."""

import io
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError

from gliomake.datasets.base import CaseError
from gliomake.datasets.nifti_space import space_of
from gliomake.datasets.root import Limits

HEADER_BYTES = 544
"""A NIfTI-2 header with its extension flag; that of NIfTI-1 is shorter."""

EXTENSION_BYTES = 16 * 1024**2
"""What may stand between header and voxels at most; a whole DICOM header takes far less."""

PADDING = 1024**2
"""Zeros that may follow the voxels: tapes and archives fill up their last block."""

RESTORE = "restore the original file, or leave the case out"

Fail = Callable[[str, str, str], CaseError]
"""Makes the error of a file out of what was found, what was expected and what to do."""

_FORMS = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
_SINGLE = (b"n+1\0", b"n+2\0\r\n\x1a\n")
_PAIR = (b"ni1\0", b"ni2\0\r\n\x1a\n")
_UNPACK = "unpack it to .nii, or pack it with gzip"
_CONVERT = "export the volume as NIfTI"
_FETCH = "download the file itself"
_OTHER_FORMATS = (
    (0, b"\x1f\x8b", "a gzip file within a gzip file", "unpack it once"),
    (0, b"BZh", "a bzip2 file", _UNPACK),
    (0, b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file", _UNPACK),
    (0, b"\xfd7zXZ\0", "an xz file", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (257, b"ustar", "a tar archive", "unpack it"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file", "run `git lfs pull`"),
    (0, b"<!DOCTYPE", "a web page", f"{_FETCH}; the server may have asked for a login"),
    (0, b"<html", "a web page", f"{_FETCH}; the server may have asked for a login"),
    (0, b"<?xml", "an XML text", _FETCH),
    (0, b"NRRD", "an NRRD file", _CONVERT),
    (0, b"ObjectType", "a MetaImage file", _CONVERT),
    (0, b"\x89HDF", "an HDF5 file", _CONVERT),
    (128, b"DICM", "a DICOM file", _CONVERT),
)

# What float128 holds differs from machine to machine.
_NO_GREY = {
    1: "bits",
    32: "complex numbers",
    128: "colours",
    1536: "float128",
    1792: "complex numbers",
    2048: "complex numbers",
    2304: "colours",
}


@dataclass(frozen=True)
class NiftiHeader:
    """What stands before the voxels of a three-dimensional NIfTI file.

    Parameters
    ----------
    shape : tuple of int, (x, y, z)
        Voxels.
    spacing : tuple of float, (x, y, z)
        Voxel edges in mm.
    affine : ndarray, (4, 4) float64
        Voxel indices to mm.
    orientation : str
        Where the voxel axes point to, such as ``"LPS"``; ``"???"`` where the header does not say.
    dtype : dtype
        As stored.
    offset : int
        Bytes before the first voxel.
    slope, intercept : float
        Stored value to intensity.
    extensions : tuple of int
        Codes of the header's extensions; 4 is AFNI's.
    padding : int
        Zeros that may follow the voxels, bytes.
    notes : mapping of str to str
        What is unusual but right: a kind and a sentence.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    affine: np.ndarray
    orientation: str
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float
    extensions: tuple[int, ...] = ()
    padding: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes of the whole file, uncompressed."""
        return self.offset + self.voxels * self.dtype.itemsize

    @property
    def scaled(self) -> bool:
        """Whether a scale factor turns what is stored into other values."""
        return (self.slope, self.intercept) != (1.0, 0.0)


def parse_header(read: Callable[[int], bytes], limits: Limits, fail: Fail) -> NiftiHeader:
    """Read a header and its extensions, and check it.

    Parameters
    ----------
    read : callable
        Gives the first bytes of the uncompressed file, at most so many.
    limits : Limits
        What the file may hold.
    fail : callable
        See `Fail`.

    Raises
    ------
    CaseError
        What `fail` makes, if there is no header of one three-dimensional image of real numbers, or
        one that contradicts itself.
    """
    start = read(HEADER_BYTES)
    form, order = _form(start, fail)
    bare = form(start[: form.template_dtype.itemsize], order, check=False)
    offset = _offset(bare, fail)
    header = _with_extensions(form, read(offset), order, fail)
    shape = _shape(header, fail)
    dtype = _dtype(header, fail)
    slope, intercept = _scale(header, fail)
    space = space_of(header, shape, fail)
    parsed = NiftiHeader(
        shape,
        space.spacing,
        space.affine,
        space.orientation,
        dtype,
        offset,
        slope,
        intercept,
        tuple(int(extension.get_code()) for extension in header.extensions),
        # Where the type contradicts itself, zeros at the end may well be voxels.
        PADDING if int(header["bitpix"]) == 8 * dtype.itemsize else 0,
        space.notes,
    )
    for found, limit, name in (
        (parsed.voxels, limits.volume_voxels, "volume_voxels"),
        (parsed.size, limits.file_bytes, "file_bytes"),
    ):
        if found > limit:
            unit = name.split("_")[1]
            raise fail(
                f"a header that announces {found} {unit} (shape {shape}, {dtype})",
                f"at most {limit} (limits.{name})",
                "check the file, or raise the limit for this data set",
            )
    return parsed


def _form(start: bytes, fail: Fail) -> tuple[Any, str]:
    """Give nibabel's class of a header, and its byte order."""
    for offset, signature, kind, advice in _OTHER_FORMATS:
        if start[offset : offset + len(signature)] == signature:
            raise fail(kind, "a NIfTI file", advice)
    if len(start) < 348:
        raise fail(
            f"a truncated or damaged file (it ends within its header, after {len(start)} bytes)",
            "a complete NIfTI file",
            "download the file again",
        )
    for order, code in (("little", "<"), ("big", ">")):
        size = int.from_bytes(start[:4], order)  # type: ignore[arg-type]
        if size in _FORMS:
            magic = start[344:348] if size == 348 else start[4:12]
            if magic in _SINGLE:
                return _FORMS[size], code
            if magic in _PAIR:
                found = "the header of a .hdr/.img pair"
            elif size == 348 and not magic.strip(b"\0"):
                found = "an Analyze header, which gives no orientation"
            else:
                found = f"a NIfTI header with the mark {magic!r}"
            advice = "convert it (nibabel: load the pair, save as .nii.gz), or restore the original"
            raise fail(found, "one NIfTI file with header and voxels", advice)
    raise fail(
        f"no NIfTI header (the file begins with {start[:12]!r})",
        "a NIfTI file, plain or packed with gzip",
        RESTORE,
    )


def _offset(header: Any, fail: Fail) -> int:
    offset, least = float(header["vox_offset"]), int(header.single_vox_offset)
    most = least + EXTENSION_BYTES
    if not (least <= offset <= most and offset == int(offset)):
        raise fail(
            f"voxels that begin at byte {offset:.10g} (vox_offset)",
            f"a whole number from {least}, where the header ends, to {most}",
            RESTORE,
        )
    return int(offset)


def _with_extensions(form: Any, raw: bytes, order: str, fail: Fail) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a length that is no multiple of 16: it is right
            return form.from_fileobj(io.BytesIO(raw), order, check=False)
    except (HeaderDataError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise fail(
            f"a header extension that cannot be read ({error})",
            "extensions that fill the bytes up to vox_offset",
            RESTORE,
        ) from error


def _shape(header: Any, fail: Fail) -> tuple[int, int, int]:
    dims = [int(n) for n in header["dim"]]
    count, sizes = dims[0], dims[1:]
    if not 1 <= count <= 7:
        raise fail(f"{count} dimensions (dim[0]; sizes {tuple(sizes)})", "3 dimensions", RESTORE)
    shape = sizes[:count]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) != 3 or min(shape) < 1:
        raise fail(
            f"an image of shape {tuple(shape)}",
            "one three-dimensional image of numbers",
            "export the volume again as a single 3D image",
        )
    return shape[0], shape[1], shape[2]


def _dtype(header: Any, fail: Fail) -> np.dtype:
    code = int(header["datatype"])
    if code in _NO_GREY:
        found = _NO_GREY[code]
    else:
        try:
            dtype = np.dtype(header.get_data_dtype())
            if dtype.kind in "iuf" and dtype.itemsize <= 8:
                return dtype
        except (HeaderDataError, KeyError, TypeError):
            pass
        found = "which is unknown"
    raise fail(
        f"voxels of NIfTI's data type {code}, {found}",
        "integers or floating-point numbers of up to 64 bits",
        "export the volume again as one grey value a voxel, int16 or float32",
    )


def _scale(header: Any, fail: Fail) -> tuple[float, float]:
    """Give slope and intercept; no slope, 0 or NaN, means that there is no scale factor."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise fail(
            f"a scale factor of {slope:g} and {intercept:g} (scl_slope, scl_inter)",
            "finite numbers, or a slope of 0 for none",
            RESTORE,
        )
    return slope, intercept
