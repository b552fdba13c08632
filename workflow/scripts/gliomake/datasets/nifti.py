"""NIfTI files as arrays of axial slices, read whole or header only, whole or not at all.

Name and content need not fit: whether a file is packed is seen by its first bytes.
"""

import contextlib
import gzip
import io
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.datasets.nifti_header import RESTORE, NiftiHeader, parse_header
from gliomake.datasets.root import AccessError, DataRoot

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

__all__ = ["NiftiError", "NiftiHeader", "read_header", "read_slices"]

MAGNITUDE = (1e-15, 1e15)
"""Of the largest value of a volume: float32 must hold its square."""

RESOLUTION = 1e-5
"""Range of a volume's values, as a share of the largest, that float32 still resolves."""

_DEFLATE_RATIO = 1032
"""No byte of a deflate stream becomes more than so many."""

_FIRST = 64 * 1024
_GZIP = b"\x1f\x8b"


class NiftiError(CaseError):
    """A NIfTI file that cannot be used; see `CaseError`."""


@dataclass(frozen=True)
class _File:
    """A NIfTI file under a root."""

    path: Path
    root: DataRoot
    case: str

    def fail(self, found: str, expected: str, advice: str) -> NiftiError:
        return NiftiError(self.case, self.path, found, expected, advice)

    def damaged(self, detail: object) -> NiftiError:
        kind = "gzip file" if self.packed else "file"
        return self.fail(
            f"a truncated or damaged {kind} ({detail})",
            "a complete NIfTI file",
            "download the file again",
        )

    @cached_property
    def packed(self) -> bool:
        return self._head[:2] == _GZIP

    @cached_property
    def _head(self) -> bytes:
        return self.root.read_bytes(self.path, self.case, _FIRST)

    def start(self, count: int) -> bytes:
        """Give the first bytes of the uncompressed file, fewer where it ends before."""
        if not self.packed:
            whole = count <= _FIRST or len(self._head) < _FIRST
            return (self._head if whole else self._read(count))[:count]
        try:
            return _inflate_start(self._head, count)
        except EOFError as error:
            # Noise is not packed at all; what else a gzip file may begin with is short.
            packed = self._read(_FIRST + 2 * count)
            if len(packed) <= len(self._head):
                raise self.damaged(error) from error
        except (OSError, zlib.error) as error:
            raise self.damaged(error) from error
        try:
            return _inflate_start(packed, count)
        except (EOFError, OSError, zlib.error) as error:
            raise self.damaged(error) from error

    def _read(self, count: int | None = None) -> bytes:
        return self.root.read_bytes(self.path, self.case, count)

    def check_size(self, header: NiftiHeader) -> None:
        """Check that a file of this size may hold what its header announces, and no more."""
        on_disk = self.root.check(self.path, self.case).st_size
        most = on_disk * _DEFLATE_RATIO if self.packed else on_disk
        if most < header.size:
            unit = "bytes, packed," if self.packed else "bytes"
            raise self.damaged(f"{on_disk} {unit} where the header announces {header.size}")
        if not self.packed and on_disk > header.size + header.padding:
            raise self.damaged(
                f"more than {header.size} bytes where the header announces {header.size}"
            )

    def content(self, header: NiftiHeader) -> bytes | bytearray:
        """Give the uncompressed file, as long as the header says, and what zeros follow."""
        size, most = header.size, header.size + header.padding
        stored = self._read()
        raw = self._inflate(stored, size, most) if self.packed else stored
        if len(raw) < size:
            raise self.damaged(f"{len(raw)} bytes where the header announces {size}")
        if len(raw) > size and (len(raw) > most or any(raw[size:])):
            raise self.damaged(f"more than {size} bytes where the header announces {size}")
        return raw

    def _inflate(self, packed: bytes, size: int, most: int) -> bytes | bytearray:
        """Uncompress a gzip file, which should have `size` bytes, up to one byte beyond `most`."""
        # libdeflate believes the length in the gzip trailer, whatever it is: a cut file's last four
        # bytes are noise, and a file of several members ends with the length of its last one only.
        if deflate and int.from_bytes(packed[-4:], "little") == size % 2**32:
            with contextlib.suppress(deflate.DeflateError):
                return deflate.gzip_decompress(packed)
        try:
            with open_gzip(io.BytesIO(packed), "rb") as file:
                # The bytes beyond are too many, or the end, where the checksum is.
                return file.read(most + 1)
        except (EOFError, OSError, ValueError, zlib.error, isal_error) as error:  # type: ignore[misc]
            raise self.damaged(error) from error


def read_header(path: str | Path, root: DataRoot | None = None, case: str = "") -> NiftiHeader:
    """Read the header of a NIfTI file, packed or not, and none of its voxels.

    Parameters
    ----------
    path : str or Path
        The file.
    root : DataRoot, optional
        The data set's folder, for its limits and what may be read; by default the file's own.
    case : str
        Whose file it is, for the error.

    Raises
    ------
    NiftiError
        If there is no header of one three-dimensional image of real numbers, it contradicts
        itself, announces more than the limits, or more than the file can hold.
    CaseError, AccessError
        See `DataRoot.check`.
    """
    file = _file(path, root, case)
    header = parse_header(file.start, file.root.limits, file.fail)
    file.check_size(header)
    named = file.path.suffix.lower() == ".gz"
    if named == file.packed:
        return header
    note = "named .gz, but not packed" if named else "packed with gzip, but not named .gz"
    return replace(header, notes={**header.notes, "name-and-content": note})


def read_slices(
    path: str | Path,
    header: NiftiHeader | None = None,
    root: DataRoot | None = None,
    case: str = "",
) -> np.ndarray:
    """Read a volume as axial slices: ``out[k] == array[:, :, k]`` in NIfTI's own axis order.

    Parameters
    ----------
    path : str or Path
        The file.
    header : NiftiHeader, optional
        What `read_header` gave, to save reading it twice.
    root, case
        As in `read_header`.

    Returns
    -------
    ndarray, (z, x, y)
        Integers as stored. Other types, and integers with a scale factor, as float32. A read-only
        view where nothing had to be converted.

    Raises
    ------
    NiftiError
        If the file is shorter than its header says, or longer by more than some zeros, its checksum
        is wrong, or a value is not finite.
    AccessError
        If the machine could not read it, or has too little memory for it.
    """
    file = _file(path, root, case)
    header = header or read_header(path, root, case)
    try:
        raw = file.content(header)
        values = np.frombuffer(raw, header.dtype, header.voxels, header.offset)
        # Fortran order on disk (x fastest) is C order of the reversed shape.
        array = stored = values.reshape(header.shape[::-1]).transpose(0, 2, 1)
        if header.dtype.kind == "f" or header.scaled:
            array = _as_float(array, header)
        elif not header.dtype.isnative:
            array = array.astype(header.dtype.newbyteorder("="))
        if header.dtype.kind == "f" or header.scaled or header.dtype.itemsize == 8:
            _check_range(array, stored, header, file)
        return array
    except MemoryError as error:
        raise AccessError(file.path, "not enough memory") from error


def _file(path: str | Path, root: DataRoot | None, case: str) -> _File:
    path = Path(path)
    return _File(path, root or DataRoot(path.parent, links="anywhere"), case)


def _inflate_start(packed: bytes, count: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        return file.read(count)


def _as_float(array: np.ndarray, header: NiftiHeader) -> np.ndarray:
    """Convert to float32 and apply the scale factor; what is too large becomes infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        if not header.scaled:
            return array.astype(np.float32)
        values = np.empty(array.shape, np.float32)
        for index, part in enumerate(array):
            # In float64: a large intercept takes the digits of a float32.
            values[index] = part.astype(np.float64) * header.slope + header.intercept
        return values


def _check_range(values: np.ndarray, stored: np.ndarray, header: NiftiHeader, file: _File) -> None:
    """Check that float32 holds the values, their squares and their differences."""
    low, high = float(values.min()), float(values.max())
    reach = max(abs(low), abs(high))
    least, most = MAGNITUDE
    resolved = high - low > reach * RESOLUTION or stored.min() == stored.max()
    if resolved and (least <= reach <= most or reach == 0):
        return
    bad = int(values.size - np.count_nonzero(np.isfinite(values)))
    if bad and not header.scaled:
        raise file.fail(
            f"{bad} values that are NaN or infinite (stored as {header.dtype}, read as float32)",
            "finite numbers only",
            "write 0 there if they are meant as background, or restore the original file, or leave "
            "the case out",
        )
    how = f"stored as {header.dtype}"
    if header.scaled:
        how += f" with scl_slope {header.slope:g} and scl_inter {header.intercept:g}"
    raise file.fail(
        f"values from {low:.7g} to {high:.7g} ({how})",
        f"intensities between {least:g} and {most:g} in amount, which do not all lie within "
        f"{RESOLUTION:g} of one value",
        "correct the scale factor in the header, or " + RESTORE
        if header.scaled
        else "store the volume in its usual unit, or leave the case out",
    )
