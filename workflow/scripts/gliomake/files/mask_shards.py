"""Shards of masks alone, for data sets without images."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gliomake.datasets.base import Volume
from gliomake.files.sealed import create_sealed
from gliomake.files.shards import TEXT
from gliomake.study.blocks import Recipe

NO_IMAGE = "no image"
"""The one channel of such a shard: blank ground."""


def write_mask_shard(
    path: str | Path, volumes: Iterable[Volume], *, dataset: str, recipe: Recipe
) -> int:
    """Write the masks of cases that have no images; it is read as any shard, on blank ground.

    Parameters
    ----------
    path : str or Path
        The shard; it appears when it is complete.
    volumes : iterable of Volume
        Cases with masks of the recipe's size.
    dataset : str
        Name of the data set.
    recipe : Recipe
        How they were preprocessed; without channels.

    Returns
    -------
    int
        Slices written.
    """
    size, classes = recipe["image_size"], len(recipe["classes"])
    with create_sealed(path) as file:
        options: dict[str, Any] = {"track_times": False}
        mask = (classes, size, size)
        file.create_dataset("mask", (0, *mask), np.uint8, maxshape=(None, *mask), chunks=(1, *mask),
                            compression="lzf", **options)  # fmt: skip
        for name, shape, dtype in (
            ("patient", (), TEXT), ("slice", (), np.int32), ("spacing", (3,), np.float32)
        ):  # fmt: skip
            file.create_dataset(name, (0, *shape), dtype, maxshape=(None, *shape),
                                chunks=(1024, *shape), **options)  # fmt: skip
        file.attrs["dataset"] = dataset
        file.attrs["recipe"] = json.dumps(recipe, sort_keys=True)
        file.attrs["channels"] = json.dumps([NO_IMAGE])
        file.attrs["classes"] = json.dumps(recipe["classes"])
        total = 0
        for volume in volumes:
            count = len(volume.slices)
            spacing = np.array(volume.spacing or (np.nan,) * 3, np.float32)
            rows = {
                "mask": volume.mask,
                "patient": np.array([volume.patient] * count, dtype=object),
                "slice": volume.slices,
                "spacing": np.tile(spacing, (count, 1)),
            }
            for name, values in rows.items():
                file[name].resize(total + count, axis=0)
                if count:
                    file[name][total:] = values
            total += count
        # Never written, so it takes no room, and reads as 0.
        blank = (1, size, size)
        file.create_dataset("image", (total, *blank), np.uint8, chunks=(1, *blank), **options)
    return total
