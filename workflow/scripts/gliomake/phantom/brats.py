"""Phantoms in the layouts of BraTS: 2020 as NIfTI or slice files, 2021, and the names of 2023."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import h5py
import nibabel
import numpy as np

from gliomake.phantom.head import CONTRASTS, Head, make_head

try:  # libdeflate: several times as fast as the standard library
    import deflate
except ImportError:
    deflate = None  # type: ignore[assignment]

SHAPE = (155, 240, 240)
"""Slices, height and width of every BraTS volume."""

LAYOUTS = ("nifti", "slices")
RELEASES = {
    "2021": ("BraTS2021_{:05d}", "_", ("t1", "t1ce", "t2", "flair"), 4, np.int16),
    "2023": ("BraTS-GLI-{:05d}-000", "-", ("t1n", "t1c", "t2w", "t2f"), 3, np.float32),
}
"""Case, separator, modalities, label of the enhancing tumour, type of the mask."""

_MAPPING_COLUMNS = (
    "Grade",
    "BraTS_2017_subject_ID",
    "BraTS_2018_subject_ID",
    "TCGA_TCIA_subject_ID",
    "BraTS_2019_subject_ID",
    "BraTS_2020_subject_ID",
)
_SURVIVAL_COLUMNS = ("Brats20ID", "Age", "Survival_days", "Extent_of_Resection")
_FAST = 1  # compression level: the noise of an image hardly packs any better at a higher one


def write_brats2020(
    root: str | Path,
    patients: int,
    seed: int = 0,
    shape: Sequence[int] = SHAPE,
    layout: str = "nifti",
    compress: bool = True,
    texture: float = 0.0,
) -> None:
    """Write phantoms as BraTS 2020 has its patients on disk, tables included.

    Patient 355, where there are so many, has its mask under the name that the widespread copy has.

    Parameters
    ----------
    root : path-like
        Folder to write to.
    patients : int
        How many; they are numbered from 1.
    seed : int
        Seed of the phantom set.
    shape : sequence of int
        Slices, height and width of the volumes in voxels of 1 mm.
    layout : {"nifti", "slices"}
        NIfTI volumes, or slice files with ``meta_data.csv``.
    compress : bool
        Whether to write ``.nii.gz`` and packed slice files.
    texture : float
        Strength of the patients' texture, see `make_head`.

    Raises
    ------
    ValueError
        If the layout is not known or there is no patient to write.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}")
    root = _make_root(root, patients)
    slices: list[tuple[str, int, int, int]] = []
    for index in range(patients):
        number = index + 1
        head = make_head(index, seed, _shape(shape), texture)
        images = _images(head, index, seed)
        if layout == "slices":
            slices += _write_slices(root, number, images, head.tumour, compress)
            continue
        case = f"BraTS20_Training_{number:03d}"
        mask = "W39_1998.09.19_Segm" if number == 355 else f"{case}_seg"
        _write_volumes(
            root / case,
            {f"{case}_{name}": image for name, image in images.items()}
            | {mask: _volume(head.tumour).astype(np.int16)},
            compress,
        )
    if layout == "slices":
        _write_csv(root / "meta_data.csv", ("slice_path", "target", "volume", "slice"), slices)
    _write_clinical(root, patients, seed)


def write_brats2021(
    root: str | Path,
    patients: int,
    seed: int = 0,
    shape: Sequence[int] = SHAPE,
    compress: bool = True,
    texture: float = 0.0,
    release: str = "2021",
) -> None:
    """Write phantoms as BraTS 2021 has its patients on disk.

    Parameters
    ----------
    root : path-like
        Folder to write to.
    patients : int
        How many; they are numbered from 0.
    seed, shape, compress, texture
        As in `write_brats2020`.
    release : {"2021", "2023"}
        Whose names, labels and mask type.

    Raises
    ------
    ValueError
        If the release is not known or there is no patient to write.
    """
    if release not in RELEASES:
        raise ValueError(f"release {release!r}: expected one of {', '.join(RELEASES)}")
    pattern, separator, suffixes, enhancing, mask_type = RELEASES[release]
    root = _make_root(root, patients)
    for index in range(patients):
        head = make_head(index, seed, _shape(shape), texture)
        images = _images(head, index, seed)
        labels = _volume(head.tumour).astype(mask_type)
        labels[labels == 4] = enhancing
        case = pattern.format(index)
        _write_volumes(
            root / case,
            {
                f"{case}{separator}{suffix}": images[name]
                for name, suffix in zip(CONTRASTS, suffixes, strict=True)
            }
            | {f"{case}{separator}seg": labels},
            compress,
        )


def _make_root(root: str | Path, patients: int) -> Path:
    if patients < 1:
        raise ValueError(f"patients {patients}: expected at least 1")
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    return root


def _shape(shape: Sequence[int]) -> tuple[int, int, int]:
    slices, height, width = shape
    return slices, height, width


def _volume(array: np.ndarray) -> np.ndarray:
    """Turn a head's (slice, row, column) into BraTS' (x, y, z): to the left, back, up."""
    return array.transpose(2, 1, 0)


def _images(head: Head, index: int, seed: int) -> dict[str, np.ndarray]:
    """Give the contrasts (x, y, z) int16, each in a unit of its own as scanners have it."""
    stream = np.random.Generator(np.random.PCG64([seed, index, len(CONTRASTS)]))
    images = {}
    for name in CONTRASTS:
        gain = np.float32(stream.uniform(300, 1500))
        images[name] = np.rint(_volume(getattr(head, name)) * gain).astype(np.int16)
    return images


def _write_volumes(folder: Path, volumes: dict[str, np.ndarray], compress: bool) -> None:
    folder.mkdir(exist_ok=True)
    for name, volume in volumes.items():
        # As in BraTS: x runs to the patient's left, y to the back, z up, 1 mm a voxel.
        affine = np.diag([-1.0, -1.0, 1.0, 1.0])
        affine[1, 3] = volume.shape[1] - 1
        raw = nibabel.Nifti1Image(volume, affine).to_bytes()
        if compress:
            (folder / f"{name}.nii.gz").write_bytes(_pack(raw))
        else:
            (folder / f"{name}.nii").write_bytes(raw)


def _pack(raw: bytes) -> bytes:
    """Compress with neither a file's name nor a time in it: the same volume, the same bytes."""
    if deflate:
        return bytes(deflate.gzip_compress(raw, _FAST))
    return gzip.compress(raw, _FAST, mtime=0)


def _write_slices(
    root: Path, number: int, images: dict[str, np.ndarray], tumour: np.ndarray, compress: bool
) -> list[tuple[str, int, int, int]]:
    """Write a patient's slice files and give their rows of ``meta_data.csv``."""
    labels = _volume(tumour)
    rows = []
    options = {"compression": "gzip", "compression_opts": _FAST} if compress else {}
    for index in range(labels.shape[2]):
        name = f"volume_{number}_slice_{index}.h5"
        image = np.stack([images[channel][:, :, index] for channel in CONTRASTS], axis=-1)
        mask = np.stack([labels[:, :, index] == label for label in (1, 2, 4)], axis=-1)
        with h5py.File(root / name, "w") as file:
            file.create_dataset("image", data=image.astype(np.float64), **options)
            file.create_dataset("mask", data=mask.astype(np.uint8), **options)
        rows.append((name, int(mask.any()), number, index))
    return rows


def _write_clinical(root: Path, patients: int, seed: int) -> None:
    """Write ``name_mapping.csv`` and ``survival_info.csv``, made up as everything here.

    As in the real tables, survival is known for some of the HGG patients only, and one of them was
    alive when last seen.
    """
    stream = np.random.Generator(np.random.PCG64([seed, 2020]))
    mapping, known = [], []
    for number in range(1, patients + 1):
        case = f"BraTS20_Training_{number:03d}"
        low_grade = stream.uniform() < 0.2
        age, days = stream.uniform(25, 85), int(stream.integers(20, 1500))
        resection = ("GTR", "NA", "STR")[int(stream.integers(3))]
        mapping.append(("LGG" if low_grade else "HGG", *["NA"] * 4, case))
        if not low_grade and number < patients:
            known.append((case, f"{age:.3f}", str(days), resection))
    alive = len(known) // 2
    survival = [
        (case, age, f"ALIVE ({days} days later)" if row == alive else days, resection)
        for row, (case, age, days, resection) in enumerate(known)
    ]
    _write_csv(root / "name_mapping.csv", _MAPPING_COLUMNS, mapping)
    _write_csv(root / "survival_info.csv", _SURVIVAL_COLUMNS, survival)


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
