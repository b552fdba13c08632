"""Measure what the checksum costs: reading a shard of a gigabyte, with it and without.

Compared are the images read through a memory map, the shard read slice by slice without the
checksum, and `load_arrays` with it; all from the page cache, where the checksum weighs most.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from gliomake.datasets.base import Volume
from gliomake.files import sealed
from gliomake.files.shards import load_arrays, write_shard

PATIENTS, SLICES, SIZE = 48, 155, 128
RECIPE = {
    "image_size": SIZE,
    "channels": ["t1", "t1ce", "t2", "flair"],
    "classes": ["NEC", "ED", "ET"],
    "intensity": "zscore",
}
REPEATS = 4


def volumes():
    image = np.random.default_rng(0).normal(size=(SLICES, 4, SIZE, SIZE)).astype(np.float16)
    mask = np.zeros((SLICES, 3, SIZE, SIZE), np.uint8)
    mask[40:90, :, 30:60, 40:80] = 1
    for number in range(PATIENTS):
        yield Volume(f"{number}", f"{number}", np.arange(SLICES), image, mask, (1.0, 1.0, 1.0))


def seconds(action):
    """Time the fastest of some tries."""
    times = []
    for _ in range(REPEATS):
        sealed._whole.clear()
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    with tempfile.TemporaryDirectory() as folder:
        shard, raw = Path(folder) / "000.h5", Path(folder) / "raw"
        write_shard(shard, volumes(), dataset="made up", recipe=RECIPE)
        keys = pd.DataFrame(
            [(f"{p}", s) for p in range(PATIENTS) for s in range(SLICES)],
            columns=["patient", "slice"],
        )
        image = load_arrays([shard], keys).image
        image.tofile(raw)
        shape, dtype = image.shape, image.dtype
        del image

        def checksum():
            with open(shard, "rb") as file:
                sealed._checksum(file)

        mapped = seconds(lambda: np.array(np.memmap(raw, dtype, "r", shape=shape)))
        alone = seconds(checksum)
        whole = seconds(lambda: load_arrays([shard], keys))
        size = shard.stat().st_size / 1e9
        print(f"shard of {size:.2f} GB, fastest of {REPEATS}")
        print(f"images through a memory map   {mapped:.2f} s")
        print(f"checksum alone                {alone:.2f} s, {size / alone:.1f} GB/s")
        print(f"load_arrays, with its masks   {whole:.2f} s, of it {alone / whole:.0%} checksum")
        print(f"images with checksum          {mapped / (mapped + alone):.0%} of the memory map")


if __name__ == "__main__":
    main()
