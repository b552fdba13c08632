"""HDF5 files that are known to be whole before the HDF5 library sees them.

HDF5 leaves the first bytes of a file, its user block, to the writer. There stand the CRC-32 and the
length of all that follows: pixels, names, shapes and HDF5's own tables alike. A damaged file is
thus an error in words, and never other pixels or whatever a parser makes of damaged tables. CRC-32
because libdeflate and ISA-L compute it faster than a disk reads, SHA-256 five to ten times slower;
it is there against accidents, and whoever forges a file can forge its checksum as well.
"""

import json
import os
import stat
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gliomake.files.atomic import atomic_path
from gliomake.files.contracts import REBUILD

# One checksum, whichever library computes it; the standard one is the slowest by far.
try:
    from deflate import crc32
except ImportError:
    try:
        from isal.isal_zlib import crc32  # type: ignore[assignment]
    except ImportError:
        crc32 = zlib.crc32  # type: ignore[assignment]

BLOCK = 512
"""Bytes of the user block, the smallest that HDF5 has."""
MAGIC = b"gliomake 1 "
PIECE = 1 << 20
EXPANSION = 88
"""What LZF makes of a byte at most: 264 bytes are packed into 3."""
SETTLED = 2.0
"""Seconds after which a file that is written again has another time than before."""

EVERY_SLICE: dict[str, tuple[tuple[str | int, ...], tuple[Any, ...]]] = {
    "patient": ((), (str,)),
    "slice": ((), (np.dtype(np.int32),)),
    "spacing": ((3,), (np.dtype(np.float32),)),
}
"""Arrays of every file with one row a slice; spacing is x, y, z in mm."""

_whole: set[tuple[int, ...]] = set()


@contextmanager
def create_sealed(path: str | Path) -> Iterator[h5py.File]:
    """Write an HDF5 file; with its checksum it appears under its name, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file.

    Yields
    ------
    h5py.File
        To write to.
    """
    with atomic_path(path) as temporary:
        with h5py.File(temporary, "w", userblock_size=BLOCK) as file:
            yield file
        with open(temporary, "r+b") as raw:
            block = _block(*_checksum(raw))
            raw.seek(0)
            raw.write(block)


@contextmanager
def open_sealed(path: str | Path, error: type[Exception]) -> Iterator[h5py.File]:
    """Read an HDF5 file, once its checksum is found right.

    Parameters
    ----------
    path : str or Path
        A file of `create_sealed`.
    error : type of Exception
        What to raise, with a message.

    Yields
    ------
    h5py.File
        To read from; get its columns by `column`.

    Raises
    ------
    Exception
        Of the given type: there is no such file, it is damaged, or it has no checksum.
    """
    _check_whole(Path(path), error)
    try:
        file = h5py.File(path, "r")
    except OSError as reason:
        raise error(f"{path} is no HDF5 file ({reason}). {REBUILD}") from reason
    with file:
        yield file


@contextmanager
def open_slices(
    path: str | Path,
    error: type[Exception],
    arrays: Mapping[str, tuple[tuple[str | int, ...], tuple[Any, ...]]],
    names: Sequence[str],
) -> Iterator[h5py.File]:
    """Read a file with one row a slice, once it is found whole and what it should be.

    Parameters
    ----------
    path : str or Path
        A file of `create_sealed`.
    error : type of Exception
        What to raise, with a message.
    arrays : mapping
        Of each array beside those of `EVERY_SLICE`, the axes behind its rows and the types that
        will do. An axis is a length, or a name: of a list of `names`, whose length it has, or
        else any length, the same in all arrays.
    names : sequence of str
        Attributes that are lists of names.

    Yields
    ------
    h5py.File
        To read from.

    Raises
    ------
    Exception
        Of the given type: it is damaged, or lacks one of these.
    """
    with open_sealed(path, error) as file:
        lengths: dict[str | int, int] = {name: len(read_names(file, name, error)) for name in names}
        for name, (axes, dtypes) in {**arrays, **EVERY_SLICE}.items():
            named = ("row", *axes)
            shape = (axis if isinstance(axis, int) else lengths.get(axis) for axis in named)
            data = column(file, name, tuple(shape), dtypes, error)
            lengths |= dict(zip(named, data.shape, strict=True))
        yield file


def _check_whole(path: Path, error: type[Exception]) -> None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as reason:
        raise error(f"{path}: no such file. Start the workflow again to build it") from reason
    if not stat.S_ISREG(found.st_mode):
        raise error(f"{path} is no file, but a folder, a pipe or a device. {REBUILD}")
    state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if state in _whole:
        return
    with open(path, "rb") as raw:
        block = raw.read(BLOCK)
        if not block.startswith(MAGIC):
            raise error(
                f"{path} has no checksum: another program or an older version wrote it, or its "
                f"beginning is damaged. {REBUILD}"
            )
        if block != _block(*_checksum(raw)):
            raise error(
                f"{path} is damaged: its bytes do not have the checksum that it was written with. "
                f"{REBUILD}"
            )
    # Within the same tick of the clock a file can change and keep its time.
    if time.time() - max(found.st_mtime, found.st_ctime) > SETTLED:
        _whole.add(state)


def _checksum(raw: Any) -> tuple[int, int]:
    """Return the CRC-32 and the number of the bytes behind the user block."""
    raw.seek(0, os.SEEK_END)
    size = max(0, raw.tell() - BLOCK)
    raw.seek(BLOCK)
    piece = memoryview(bytearray(PIECE))
    value = 0
    while count := raw.readinto(piece):
        value = crc32(piece[:count], value)
    return value, size


def _block(checksum: int, size: int) -> bytes:
    return (MAGIC + b"crc32 %08x of %d bytes\n" % (checksum, size)).ljust(BLOCK, b"\0")


def column(
    file: h5py.File,
    name: str,
    shape: tuple[int | None, ...],
    dtypes: tuple[Any, ...],
    error: type[Exception],
) -> h5py.Dataset:
    """Return a data set that is in the file itself, of the shape and type that it should have.

    Parameters
    ----------
    file : h5py.File
        Of `open_sealed`.
    name : str
        Of the data set.
    shape : tuple of int or None
        Expected; None where any length will do.
    dtypes : tuple
        Types that will do; ``str`` for text.
    error : type of Exception
        What to raise, with a message.

    Returns
    -------
    h5py.Dataset
        Nothing of it is read yet.

    Raises
    ------
    Exception
        Of the given type: it is not there, is a link, lies in another file, or is another array.
    """

    def refuse(found: str) -> Exception:
        kinds = " or ".join("text" if kind is str else np.dtype(kind).name for kind in dtypes)
        sizes = ", ".join("any" if length is None else str(length) for length in shape)
        return error(
            f"{file.filename}: {name!r} is {found}; expected {kinds} of shape ({sizes}). {REBUILD}"
        )

    # The kind of link is looked at first: asking for an object follows it into other files.
    if not file.id.links.exists(name.encode()):
        raise refuse("not there")
    if file.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise refuse("a link")
    data = file[name]
    if not isinstance(data, h5py.Dataset):
        raise refuse("no array")
    if data.external or data.is_virtual:
        raise refuse("kept in another file")
    kind = str if h5py.check_string_dtype(data.dtype) else data.dtype
    if data.shape is None or len(data.shape) != len(shape) or kind not in dtypes:
        raise refuse(f"{'text' if kind is str else kind} of shape {data.shape}")
    if any(length not in (None, own) for length, own in zip(shape, data.shape, strict=True)):
        raise refuse(f"of shape {data.shape}")
    if data.nbytes > EXPANSION * Path(file.filename).stat().st_size:
        raise refuse(f"{data.nbytes} bytes, more than the file can hold")
    return data


def read_text(file: h5py.File, name: str, error: type[Exception]) -> str:
    """Read an attribute that is text.

    Parameters
    ----------
    file : h5py.File
        Of `open_sealed`.
    name : str
        Of the attribute.
    error : type of Exception
        What to raise, with a message.

    Returns
    -------
    str
        Its value.

    Raises
    ------
    Exception
        Of the given type: there is no such text.
    """
    value = file.attrs.get(name)
    if not isinstance(value, str):
        raise error(f"{file.filename} does not say its {name}; found {value!r}. {REBUILD}")
    return value


def read_names(file: h5py.File, name: str, error: type[Exception]) -> list[str]:
    """Read an attribute that is a list of names, as JSON; see `read_text`.

    Returns
    -------
    list of str
        One name at least.
    """
    text = read_text(file, name, error)
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not (names and isinstance(names, list) and all(isinstance(each, str) for each in names)):
        raise error(f"{file.filename}: {name} are {text!r}; expected names. {REBUILD}")
    return names
