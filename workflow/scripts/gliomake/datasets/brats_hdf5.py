"""One slice file: an HDF5 file from which nothing but its own bytes is read."""

import io
import itertools
import math
import zlib
from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.datasets.brats_layout import CHANNELS, CLASSES
from gliomake.datasets.root import DataRoot

CHUNKS = 10_000
"""More chunks than any writer makes of a slice; each takes its time."""

_BROKEN = (KeyError, OSError, RuntimeError, TypeError, ValueError, OverflowError)
"""What h5py raises for a damaged file, by the place of the damage."""

_KINDS = "buif"
_FILTERS = (
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_LZF,
)
_INFLATED = (
    [h5py.h5z.FILTER_DEFLATE],
    [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE],
)
"""Filters that are undone here."""


def read_slice(
    root: DataRoot,
    path: Path,
    case: str,
    channels: int = len(CHANNELS),
    classes: int = len(CLASSES),
) -> tuple[np.ndarray, np.ndarray, str]:
    """Read a slice file.

    The file is opened from memory, and whatever HDF5 could follow out of it (links, external
    storage, virtual data sets) is refused, so that nothing outside the data set is read.

    Parameters
    ----------
    root : DataRoot
        The data set's root.
    path : Path
        The file.
    case : str
        The case it belongs to.
    channels, classes : int
        How many of each the file holds.

    Returns
    -------
    image : ndarray of float32, shape (height, width, channel)
        Intensities.
    mask : ndarray of uint8, shape (height, width, class)
        0 or 1; no pixel belongs to two classes.
    str
        The type in which the image is stored.

    Raises
    ------
    CaseError
        The file is damaged, too large, or not such a file.
    AccessError
        The machine could not read it.
    """
    raw = root.read_bytes(path, case)
    reader = _Reader(root, path, case)
    try:
        # Each chunk is read once: no cache.
        with h5py.File(io.BytesIO(raw), rdcc_nbytes=0) as file:
            image = reader.dataset(file, "image", channels)
            mask = reader.dataset(file, "mask", classes)
            if mask.shape[:2] != image.shape[:2]:
                reader.refuse(
                    f"a mask of shape {mask.shape}",
                    f"{(*image.shape[:2], classes)}, as the image",
                )
            stored = str(image.dtype)
            # Beyond float32 becomes infinite, and is found as such.
            with np.errstate(over="ignore"):
                pixels = reader.values(image, "image").astype(np.float32, copy=False)
            parts = reader.values(mask, "mask")
    except CaseError:
        raise
    except _BROKEN as error:
        reader.refuse(f"a truncated or damaged file ({_first_line(error)})", "an HDF5 file")
    reader.check_finite(pixels)
    return pixels, reader.check_mask(parts), stored


class _Reader:
    """Opens data sets of one file, and refuses what is no plain array of numbers within it."""

    def __init__(self, root: DataRoot, path: Path, case: str):
        self.limits = root.limits
        self.path = path
        self.case = case

    def refuse(
        self, found: str, expected: str, advice: str = "download the file again"
    ) -> NoReturn:
        raise CaseError(self.case, self.path, found, expected, advice) from None

    def dataset(self, file: h5py.File, name: str, depth: int) -> h5py.Dataset:
        """Give a data set once it is sure what reading it costs and where its bytes come from."""
        link = file.get(name, getlink=True)
        if link is None:
            self.refuse(f"no dataset {name!r} in it", "datasets 'image' and 'mask'")
        if not isinstance(link, h5py.HardLink):
            kind = "another file" if isinstance(link, h5py.ExternalLink) else "another place"
            self.refuse(f"{name!r} as a link to {kind}", "the array itself")
        found = file[name]
        if not isinstance(found, h5py.Dataset):
            self.refuse(f"{name!r} as a {type(found).__name__.lower()}", "an array of numbers")
        if found.shape is None:
            self.refuse(f"{name!r} without any value", "an array of numbers")
        if found.dtype.kind not in _KINDS or found.dtype.itemsize > 8:
            self.refuse(
                f"{name!r} of type {found.dtype}", "whole or real numbers of 8 bytes or less"
            )
        if found.is_virtual:
            self.refuse(
                f"{name!r} as a virtual data set, which reads other files", "the array itself"
            )
        if found.external:
            self.refuse(f"{name!r} with its values in {found.external[0][0]!r}", "the array itself")
        if found.ndim != 3 or found.shape[2] != depth or 0 in found.shape:
            article = "an image" if name == "image" else f"a {name}"
            self.refuse(f"{article} of shape {found.shape}", f"(height, width, {depth})")
        self._check_size(found, name)
        self._check_storage(found, name)
        return found

    def check_finite(self, pixels: np.ndarray) -> None:
        bad = int(pixels.size - np.count_nonzero(np.isfinite(pixels)))
        if bad:
            found = f"{bad} values that are NaN, infinite or beyond float32"
            self.refuse(found, "finite numbers only")

    def check_mask(self, parts: np.ndarray) -> np.ndarray:
        """Give the mask as bytes once it holds 0 and 1 alone, and no pixel is of two classes."""
        ones = parts == 1
        if not (ones | (parts == 0)).all():
            self.refuse(f"mask values {np.unique(parts)[:8].tolist()}", "0 and 1")
        mask = ones.view(np.uint8)
        first, *others = np.moveaxis(mask, 2, 0)
        overlap = int(np.count_nonzero(sum(others, first) > 1))
        if overlap:
            found = f"{overlap} pixels in more than one class"
            self.refuse(found, "classes that do not overlap")
        return mask

    def values(self, found: h5py.Dataset, name: str) -> np.ndarray:
        """Read a data set whole; no chunk may become more than it should.

        HDF5 inflates a chunk to whatever it holds before it looks at the length, so that a small
        file may take any amount of memory.
        """
        filters = _filters(found)
        checked = filters[-1:] == [h5py.h5z.FILTER_FLETCHER32]  # gzip has a checksum of its own
        packing = filters[:-1] if checked else filters
        if h5py.h5z.FILTER_DEFLATE not in packing:
            return found[()]
        if packing not in _INFLATED or not h5py.h5t.py_create(found.dtype).equal(
            found.id.get_type()
        ):
            self.refuse(
                f"{name!r} packed by filters {filters} as {found.dtype}", "gzip, lzf or no packing"
            )
        # A byte that is neither 0 nor 1 is no boolean; numpy would not say so.
        dtype = np.dtype(np.uint8) if found.dtype.kind == "b" else found.dtype
        shape, chunks, stored = found.shape, found.chunks, found.id
        out = np.empty(shape, dtype)
        size = math.prod(chunks) * dtype.itemsize
        for place in itertools.product(*map(range, [0, 0, 0], shape, chunks)):
            skipped, packed = stored.read_direct_chunk(place)
            if skipped:
                self.refuse(f"a chunk of {name!r} that is not packed as the others", "one packing")
            raw = self._inflate(packed[:-4] if checked else packed, size, name)
            if packing[0] == h5py.h5z.FILTER_SHUFFLE:
                raw = np.frombuffer(raw, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
            chunk = np.frombuffer(raw, dtype).reshape(chunks)
            part = tuple(map(slice, place, np.add(place, chunks)))
            target = out[part]
            target[...] = chunk[tuple(map(slice, target.shape))]
        return out

    def _inflate(self, packed: bytes, size: int, name: str) -> bytes:
        stream = zlib.decompressobj()
        try:
            raw = stream.decompress(packed, size + 1)
        except zlib.error as error:
            self.refuse(f"a damaged chunk of {name!r} ({error})", "an HDF5 file")
        if len(raw) != size or not stream.eof:
            more = "more than " if len(raw) > size else ""
            self.refuse(
                f"a chunk of {name!r} of {more}{min(len(raw), size)} bytes", f"{size} bytes"
            )
        return raw

    def _check_size(self, found: h5py.Dataset, name: str) -> None:
        # A chunk is unpacked whole, and may be larger than the array that it is of.
        chunk = math.prod(found.chunks or (0,)) // found.shape[2]
        if max(math.prod(found.shape[:2]), chunk) > self.limits.slice_pixels:
            self.refuse(
                f"{name!r} of shape {found.shape}"
                + (f" in chunks of {found.chunks}" if found.chunks else ""),
                f"at most {self.limits.slice_pixels} pixels (limits.slice_pixels)",
                "check the file, or raise the limit for this data set",
            )

    def _check_storage(self, found: h5py.Dataset, name: str) -> None:
        for code in _filters(found):
            if code not in _FILTERS:
                self.refuse(
                    f"{name!r} packed by filter {code}",
                    "gzip, lzf or no packing",
                    "write the file again with gzip",
                )
        # HDF5 fills in what was never written, without a word.
        if found.chunks:
            grid = math.prod(-(-n // c) for n, c in zip(found.shape, found.chunks, strict=True))
            if grid > CHUNKS:
                self.refuse(
                    f"{name!r} in {grid} chunks of {found.chunks}",
                    f"at most {CHUNKS} chunks",
                    "write the file again with larger chunks",
                )
            written = found.id.get_num_chunks()
            if written != grid:
                self.refuse(f"{written} of {grid} chunks of {name!r}", "all of them written")
        elif found.id.get_storage_size() == 0:
            self.refuse(f"{name!r} without its values", "values that were written")


def _filters(found: h5py.Dataset) -> list[int]:
    plan = found.id.get_create_plist()
    return [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
