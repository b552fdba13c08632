"""Shards: preprocessed slices in HDF5, one file for a group of cases.

A shard holds, one row a slice, ``image`` (channel, height, width) as uint8 or float16, ``mask``
(class, height, width) as uint8, ``patient``, ``slice`` and ``spacing`` (x, y, z in mm, NaN where
unknown), and as attributes the data set, the recipe, the channels and the classes. Images are
stored raw: reading them is then as fast as the disk. Masks are mostly empty and are compressed.
A checksum stands before all of it, see `gliomake.files.sealed`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import h5py
import numpy as np
import pandas as pd

from gliomake.datasets.base import Volume
from gliomake.files.contracts import REBUILD
from gliomake.files.sealed import create_sealed, open_slices, read_names
from gliomake.study.blocks import Recipe

TEXT = h5py.string_dtype()
TOGETHER = 64
"""Slices that are written at a time, give or take a case."""
_BYTES = np.dtype(np.uint8)
_ARRAYS = {
    "image": (("channels", "height", "width"), (_BYTES, np.dtype(np.float16))),
    "mask": (("classes", "height", "width"), (_BYTES,)),
}


class ShardError(KeyError):
    """Slices that the shards do not give: missing, or in a file that is damaged.

    A `KeyError`, because a slice is looked up in its shards by patient and number.
    """

    def __str__(self) -> str:
        # KeyError would quote its message.
        return str(self.args[0])


Array = TypeVar("Array")


@dataclass
class Slices(Generic[Array]):
    """Slices in memory, as arrays or as tensors.

    Attributes
    ----------
    image : Array (slice, channel, height, width), uint8 or float16
        Bytes stand for 0 to 1.
    mask : Array (slice, class, height, width), uint8
        0 or 1.
    patient : list of str
        Of each slice; empty strings in a data set without patients.
    slice : list of int
        Number of each slice.
    spacing : ndarray (slice, 3) float32
        Pixel spacing x, y and slice distance z, mm; NaN where unknown.
    """

    image: Array
    mask: Array
    patient: list[str]
    slice: list[int]
    spacing: np.ndarray

    def __len__(self) -> int:
        return len(self.slice)


SliceArrays = Slices[np.ndarray]


def write_shard(
    path: str | Path, volumes: Iterable[Volume], *, dataset: str, recipe: Recipe
) -> int:
    """Write preprocessed cases one after the other, so that memory does not grow with them.

    Parameters
    ----------
    path : str or Path
        The shard; it appears when it is complete.
    volumes : iterable of Volume
        Preprocessed cases.
    dataset : str
        Name of the data set.
    recipe : Recipe
        How they were preprocessed.

    Returns
    -------
    int
        Slices written.
    """
    size = recipe["image_size"]
    channels, classes = len(recipe["channels"]), len(recipe["classes"])
    dtype = np.uint8 if recipe["intensity"] == "unit" else np.float16
    with create_sealed(path) as file:
        _column(file, "image", (channels, size, size), dtype)
        _column(file, "mask", (classes, size, size), np.uint8, compression="lzf")
        _column(file, "patient", (), TEXT)
        _column(file, "slice", (), np.int32)
        _column(file, "spacing", (3,), np.float32)
        file.attrs["dataset"] = dataset
        file.attrs["recipe"] = json.dumps(recipe, sort_keys=True)
        file.attrs["channels"] = json.dumps(recipe["channels"])
        file.attrs["classes"] = json.dumps(recipe["classes"])
        columns = {name: file[name] for name in ("image", "mask", "patient", "slice", "spacing")}
        total = 0
        for rows in _rows_of(volumes):
            count = len(rows["slice"])
            for name, values in rows.items():
                columns[name].resize(total + count, axis=0)
                if name != "mask":
                    columns[name][total:] = values
            # What is not written is 0, takes no room, and is read in no time.
            for first, last in _stretches(np.flatnonzero(rows["mask"].any(axis=(1, 2, 3)))):
                columns["mask"][total + first : total + last] = rows["mask"][first:last]
            total += count
    return total


def _rows_of(volumes: Iterable[Volume]) -> Iterator[dict[str, np.ndarray]]:
    """Put cases together until there are `TOGETHER` slices: each write costs as much as ten."""
    parts: list[dict[str, np.ndarray]] = []
    for volume in volumes:
        count = len(volume.slices)
        if not count:
            continue
        spacing = np.array(volume.spacing or (np.nan,) * 3, np.float32)
        part = {
            "image": volume.image,
            "mask": volume.mask,
            "patient": np.array([volume.patient] * count, dtype=object),
            "slice": volume.slices,
            "spacing": np.tile(spacing, (count, 1)),
        }
        parts.append(part)
        if sum(len(each["slice"]) for each in parts) >= TOGETHER:
            yield _joined(parts)
            parts = []
    if parts:
        yield _joined(parts)


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _column(file: h5py.File, name: str, shape: tuple[int, ...], dtype: Any, **options: Any) -> None:
    chunk = (1, *shape) if shape else (1024,)
    file.create_dataset(
        name,
        (0, *shape),
        maxshape=(None, *shape),
        chunks=chunk,
        dtype=dtype,
        track_times=False,
        **options,
    )


def load_arrays(
    shards: Sequence[str | Path],
    keys: pd.DataFrame,
    channels: Sequence[str] | None = None,
) -> SliceArrays:
    """Read the named slices from a recipe's shards.

    Parameters
    ----------
    shards : sequence of path
        All shards of the recipe.
    keys : DataFrame
        Columns ``patient`` and ``slice``; the result has the same order.
    channels : sequence of str, optional
        Which channels, and in which order; all by default.

    Returns
    -------
    SliceArrays
        The slices.

    Raises
    ------
    ShardError
        A shard is damaged, a slice is in none of them, or a channel is not in them.
    """
    wanted = {key: row for row, key in enumerate(zip(keys["patient"], keys["slice"], strict=True))}
    image = mask = None
    spacing = np.full((len(wanted), 3), np.nan, np.float32)
    found = np.zeros(len(wanted), bool)
    for path in shards:
        with open_shard(path) as file:
            source, target = _rows(file, wanted)
            names = read_names(file, "channels", ShardError)
            picked = _channel_indices(names, channels, path)
            shape, dtype = file["image"].shape, file["image"].dtype
            if image is None or mask is None:
                image = np.empty((len(wanted), len(picked), *shape[2:]), dtype)
                mask = np.empty((len(wanted), *file["mask"].shape[1:]), np.uint8)
            elif (shape[2:], dtype) != (image.shape[2:], image.dtype):
                raise ShardError(
                    f"{path} holds {dtype} of {shape[2:]} pixels, the shards before it "
                    f"{image.dtype} of {image.shape[2:]}: they are of different recipes. {REBUILD}"
                )
            every = picked == list(range(len(names)))
            images, masks, spacings = (file[name] for name in ("image", "mask", "spacing"))
            for rows, into in _blocks(source, target):
                if every and isinstance(into, slice):
                    images.read_direct(image, rows, into)
                    masks.read_direct(mask, rows, into)
                else:
                    image[into] = images[rows][:, picked]
                    mask[into] = masks[rows]
                spacing[into] = spacings[rows]
            found[target] = True
    missing = [key for key, row in wanted.items() if not found[row]]
    if missing or image is None or mask is None:
        example = ", ".join(f"{patient} slice {number}" for patient, number in missing[:3])
        raise ShardError(
            f"{len(missing)} of {len(wanted)} slices are in none of the {len(shards)} shards "
            f"({example}); split and shards belong to different data: rebuild both"
        )
    return SliceArrays(
        image=image,
        mask=mask,
        patient=[str(patient) for patient in keys["patient"]],
        slice=[int(number) for number in keys["slice"]],
        spacing=spacing,
    )


@contextmanager
def open_shard(path: str | Path) -> Iterator[h5py.File]:
    """Read a shard, once it is found whole and what it should be.

    Parameters
    ----------
    path : str or Path
        A file of `write_shard`.

    Yields
    ------
    h5py.File
        To read from.

    Raises
    ------
    ShardError
        It is damaged, or no shard.
    """
    with open_slices(path, ShardError, _ARRAYS, ("classes", "channels")) as file:
        yield file


def _rows(file: h5py.File, wanted: dict[tuple[str, int], int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the shard that are wanted, and their rows in the result."""
    patients = file["patient"].asstr()[:]
    numbers = file["slice"][:].tolist()
    pairs = [
        (row, wanted[key])
        for row, key in enumerate(zip(patients, numbers, strict=True))
        if key in wanted
    ]
    source, target = np.array(pairs, dtype=int).reshape(-1, 2).T
    return source, target


def _channel_indices(
    names: list[str], channels: Sequence[str] | None, path: str | Path
) -> list[int]:
    absent = set(channels or ()) - set(names)
    if absent:
        raise ShardError(f"{path} has the channels {names}; not {sorted(absent)}")
    return [names.index(name) for name in (channels or names)]


def _stretches(rows: np.ndarray, longest: int = 64) -> Iterator[tuple[int, int]]:
    """Yield first row and the one after the last of runs of neighbours; memory is bounded."""
    first = 0
    for last in range(1, len(rows) + 1):
        if last == len(rows) or rows[last] != rows[last - 1] + 1 or last - first >= longest:
            yield int(rows[first]), int(rows[last - 1]) + 1
            first = last


def _blocks(source: np.ndarray, target: np.ndarray) -> Iterator[tuple[slice, slice | np.ndarray]]:
    """Yield runs of neighbouring rows, and where in the result they go: a slice if in order."""
    done = 0
    for start, stop in _stretches(source):
        into = target[done : done + stop - start]
        done += stop - start
        in_order = bool((np.diff(into) == 1).all())
        where = slice(int(into[0]), int(into[-1]) + 1) if in_order else into
        yield slice(start, stop), where
