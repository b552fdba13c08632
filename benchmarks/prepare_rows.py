"""Rows on preprocessing: scans to shards, and shards to the arrays that a training takes."""

import gzip
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pandas as pd
import tifffile
from PIL import Image
from pycocotools.coco import COCO
from row import Row, in_turns
from skimage.transform import resize

from gliomake.datasets import open_dataset
from gliomake.datasets.base import Dataset, Volume
from gliomake.datasets.volumes import NiftiDataset
from gliomake.files import sealed
from gliomake.files.shards import load_arrays, write_shard
from gliomake.phantom import write_phantom
from gliomake.prepare.preprocess import preprocess
from gliomake.study.blocks import Recipe

try:
    from deflate import gzip_decompress
except ImportError:
    gzip_decompress = gzip.decompress

MODALITIES = ("t1", "t1ce", "t2", "flair")
LABELS = {"NEC": [1], "ED": [2], "ET": [4]}
PATIENTS = 2
RESIZED = {"order": 1, "mode": "edge", "anti_aliasing": True, "preserve_range": True}
NEAREST = {"order": 0, "mode": "edge", "anti_aliasing": False, "preserve_range": True}


def rows(scratch: Path) -> Iterator[Row]:
    """Measure preprocessing and reading on made-up data; give each row as it is measured."""
    folder = _brats(scratch)
    for size in (128, 240):
        yield _nifti(folder, scratch, size)
    yield _lgg(scratch)
    yield _coco(scratch)
    yield _reading(scratch)


def _ours(dataset: Dataset, recipe: Recipe, path: Path) -> Callable[[], None]:
    def work() -> None:
        channels = tuple(recipe["channels"])
        volumes = (
            preprocess(dataset.load(case, channels), channels, recipe, tuple(dataset.classes))
            for case in dataset.cases()
        )
        write_shard(path, volumes, dataset="made up", recipe=recipe)

    return work


def _recipe(channels: tuple[str, ...], size: int, intensity: str, classes: list[str]) -> Recipe:
    return {
        "channels": list(channels),
        "image_size": size,
        "intensity": intensity,
        "slices": "all",
        "classes": classes,
    }


def _brats(scratch: Path) -> Path:
    """Write made-up patients of 240x240x155, packed as BraTS is."""
    write_phantom("brats2020", scratch / "raw", PATIENTS, 0)
    folder = scratch / "brats"
    for path in sorted((scratch / "raw").rglob("*.nii")):
        packed = folder / path.parent.name / f"{path.name}.gz"
        packed.parent.mkdir(parents=True, exist_ok=True)
        packed.write_bytes(gzip.compress(path.read_bytes(), 6))
    shutil.rmtree(scratch / "raw")
    return folder


def _nifti(folder: Path, scratch: Path, size: int) -> Row:
    dataset = NiftiDataset(folder, {name: name for name in MODALITIES}, LABELS)
    recipe = _recipe(MODALITIES, size, "zscore", list(LABELS))
    files = [
        [_file(folder, case, name) for name in (*MODALITIES, "seg")] for case in dataset.cases()
    ]

    def plain() -> None:
        # As most scripts do it: float64, slice by slice, gzip in HDF5.
        with h5py.File(scratch / "plain.h5", "w") as out:
            for number, paths in enumerate(files):
                *volumes, seg = (nibabel.load(path).get_fdata() for path in paths)
                image = np.zeros((seg.shape[2], len(MODALITIES), size, size), np.float16)
                mask = np.zeros((seg.shape[2], len(LABELS), size, size), np.uint8)
                for k in range(seg.shape[2]):
                    for channel, volume in enumerate(volumes):
                        image[k, channel] = _plain_slice(volume[:, :, k], size)
                    for index, (label,) in enumerate(LABELS.values()):
                        here = seg[:, :, k] == label
                        mask[k, index] = here if here.shape == (size, size) else resize(
                            here, (size, size), **NEAREST
                        )  # fmt: skip
                for name, values in (("image", image), ("mask", mask)):
                    out.create_dataset(
                        f"{number}/{name}", data=values, chunks=(1, *values.shape[1:]),
                        compression="gzip", compression_opts=4,
                    )  # fmt: skip

    def floor() -> None:
        # What nobody gets around: unpack, look at every voxel once, write the bytes.
        with open(scratch / "floor.raw", "wb") as out:
            for paths in files:
                for path in paths:
                    raw = gzip_decompress(path.read_bytes())
                    kind = np.uint8 if path is paths[-1] else np.int16
                    np.frombuffer(raw, kind, offset=352).astype(np.float32)
                out.write(np.zeros((155, len(MODALITIES), size, size), np.float16).data)
                out.write(np.zeros((155, len(LABELS), size, size), np.uint8).data)

    ours = _ours(dataset, recipe, scratch / "ours.h5")
    seconds = in_turns({"ours": ours, "plain": plain, "floor": floor})
    return Row(
        f"BraTS patient to shards, {size}x{size}",
        "s",
        *(seconds[name] / PATIENTS for name in ("ours", "plain", "floor")),
        least=3,
        share=0.6,
        note="four modalities and mask, z-score; resizing takes as long as unpacking; "
        "plain: nibabel, float64, scikit-image, gzip-4 "
        "HDF5; floor: unpacking, one pass, writing. "
        + _apart(scratch / "ours.h5", scratch / "plain.h5"),
    )


def _file(folder: Path, case: str, name: str) -> Path:
    return folder / case / f"{case}_{name}.nii.gz"


def _plain_slice(values: np.ndarray, size: int) -> np.ndarray:
    tissue, scaled = values != 0, np.zeros_like(values)
    if tissue.any() and values[tissue].std() > 0:
        scaled[tissue] = (values[tissue] - values[tissue].mean()) / values[tissue].std()
    return scaled if scaled.shape == (size, size) else resize(scaled, (size, size), **RESIZED)


def _apart(ours: Path, plain: Path) -> str:
    """Say how far our bytes are from those of the plain way."""
    with h5py.File(ours) as one, h5py.File(plain) as other:
        image = np.concatenate([other[f"{number}/image"][:] for number in range(PATIENTS)])
        mask = np.concatenate([other[f"{number}/mask"][:] for number in range(PATIENTS)])
        found, masks = one["image"][:], one["mask"][:]
    differ = found != image
    steps = np.abs(found[differ].astype(float) - image[differ].astype(float))
    steps /= np.maximum(np.spacing(np.abs(image[differ])).astype(float), 1e-7)
    most = f", by up to {steps.max():.0f} in the last place" if differ.any() else ""
    return f"Pixels that differ: {differ.mean():.1e}{most}; masks: {(masks != mask).sum()}"


def _lgg(scratch: Path) -> Row:
    write_phantom("lgg", scratch / "lgg", 12, 0)
    masks = sorted((scratch / "lgg").rglob("*_mask.tif"))

    def slices() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for path in masks:
            yield tifffile.imread(str(path).replace("_mask", "")), tifffile.imread(path) > 0

    return _pictures("LGG slices", "lgg", slices, "tifffile", scratch)


def _coco(scratch: Path) -> Row:
    write_phantom("coco", scratch / "coco", 60, 0)
    indexes = sorted((scratch / "coco").rglob("*.json"))

    def images() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for index in indexes:
            coco = COCO(index)
            for number, entry in coco.imgs.items():
                image = np.asarray(Image.open(index.parent / entry["file_name"]).convert("L"))
                mask = np.zeros(image.shape, bool)
                for annotation in coco.imgToAnns[number]:
                    mask |= coco.annToMask(annotation) > 0
                yield image[..., None], mask

    return _pictures("COCO images", "coco", images, "Pillow, pycocotools", scratch)


def _pictures(
    what: str,
    name: str,
    read: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]],
    libraries: str,
    scratch: Path,
) -> Row:
    """Compare shards of a data set of pictures with what a plain loop over its files writes."""
    dataset = open_dataset(name, scratch / name)
    recipe = _recipe(tuple(dataset.channels), 128, "unit", list(dataset.classes))
    count = 0

    def plain() -> None:
        nonlocal count
        with h5py.File(scratch / "plain.h5", "w") as out:
            for count, (image, mask) in enumerate(read(), start=1):
                shrunk = resize(image / 255.0, (128, 128, image.shape[2]), **RESIZED)
                arrays = shrunk.astype(np.float32), resize(mask, (128, 128), **NEAREST)
                for kind, values in zip(("image", "mask"), arrays, strict=True):
                    out.create_dataset(
                        f"{count}/{kind}", data=values, compression="gzip", compression_opts=4
                    )

    seconds = in_turns({"ours": _ours(dataset, recipe, scratch / "ours.h5"), "plain": plain})
    return Row(
        f"{what} to shards, 128x128",
        "slices/s",
        *(count / seconds[way] for way in ("ours", "plain")),
        least=3,
        note=f"decoded by the same library; plain: {libraries}, float64, scikit-image, gzip-4 HDF5",
    )


def _reading(scratch: Path) -> Row:
    patients, slices, size = 24, 155, 128
    recipe = _recipe(MODALITIES, size, "zscore", list(LABELS))
    rng = np.random.default_rng(0)
    image = rng.normal(size=(slices, len(MODALITIES), size, size)).astype(np.float16)
    mask = np.zeros((slices, len(LABELS), size, size), np.uint8)
    mask[40:90, :, 30:60, 40:80] = 1
    numbers = np.arange(slices)
    volumes = (
        Volume(f"{each}", f"{each}", numbers, image, mask, (1.0, 1.0, 1.0))
        for each in range(patients)
    )
    shard, raw = scratch / "reading.h5", scratch / "reading.raw"
    write_shard(shard, volumes, dataset="made up", recipe=recipe)
    keys = pd.DataFrame(
        [(f"{patient}", k) for patient in range(patients) for k in range(slices)],
        columns=["patient", "slice"],
    )
    shape = (patients * slices, *image.shape[1:])
    with open(raw, "wb") as out:
        for _ in range(patients):
            out.write(image.data)

    def ours() -> None:
        sealed._whole.clear()  # as a job that has not read it before
        load_arrays([shard], keys)

    def one_by_one() -> None:
        with h5py.File(shard) as file:
            np.stack([file["image"][row] for row in range(shape[0])])
            np.stack([file["mask"][row] for row in range(shape[0])])

    def mapped() -> None:
        np.array(np.memmap(raw, np.float16, "r", shape=shape))

    seconds = in_turns({"ours": ours, "plain": one_by_one, "floor": mapped})
    size_gb = np.prod(shape) * 2 / 1e9
    for path in (shard, raw):
        path.unlink()
    return Row(
        f"reading a shard of {size_gb:.1f} GB",
        "s",
        seconds["ours"],
        seconds["plain"],
        seconds["floor"],
        share=0.7,
        note="with masks and checksum, from the page cache; plain: h5py, slice by slice; floor: "
        "the images alone through a memory map, without a checksum",
    )
