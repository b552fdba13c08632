"""Phantoms as BraTS is on disk: 2020 as NIfTI or slice files, 2021, and the names of 2023.

Folders, names, types and headers are those of the widespread downloads, whose NIfTI files of 2020
and 2021 were written by AFNI: an extension stands between header and voxels.
"""

import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import nibabel
import numpy as np
from nibabel.nifti1 import Nifti1Extension

from gliomake.phantom.head import CONTRASTS, Head, make_head

try:  # libdeflate: several times as fast as the standard library
    import deflate
except ImportError:
    deflate = None  # type: ignore[assignment]

SHAPE = (155, 240, 240)
"""Slices, height and width of every BraTS volume."""

LAYOUTS = ("nifti", "slices")


@dataclass(frozen=True)
class _Release:
    """How a release writes its NIfTI files.

    Attributes
    ----------
    folder : str
        Where the download has its cases.
    case : str
        Pattern of a case's name.
    separator : str
        Between case and modality.
    suffixes : tuple of str
        Names of `CONTRASTS`.
    enhancing : int
        Label of the enhancing tumour.
    mask_type : type
        Of the mask's voxels; images are int16.
    offsets : tuple of int
        Bytes before the voxels of an image and of a mask: 352 and what AFNI's extension takes.
    slope : int
        ``scl_slope``; 0 and 1 both mean that values are as stored.
    packed : bool
        Whether the files are ``.nii.gz``.
    """

    folder: str
    case: str
    separator: str
    suffixes: tuple[str, ...]
    enhancing: int
    mask_type: type
    offsets: tuple[int, int]
    slope: int
    packed: bool


_PLAIN = ("t1", "t1ce", "t2", "flair")
_BARE, _AFNI = (352, 352), (2880, 3888)
RELEASES = {
    "2020": _Release(
        "BraTS2020_TrainingData/MICCAI_BraTS2020_TrainingData",
        "BraTS20_Training_{:03d}", "_", _PLAIN, 4, np.uint8, _AFNI, 0, False,
    ),
    "2021": _Release(
        "RSNA_ASNR_MICCAI_BraTS2021_TrainingData_16July2021",
        "BraTS2021_{:05d}", "_", _PLAIN, 4, np.uint8, _AFNI, 1, True,
    ),
    "2023": _Release(
        "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData",
        "BraTS-GLI-{:05d}-000", "-", ("t1n", "t1c", "t2w", "t2f"), 3, np.float32, _BARE, 1, True,
    ),
}  # fmt: skip
_SLICES = "BraTS2020_training_data/content/data"

_AFNI_CODE = 4
_AFNI_TEXT = b"<?xml version='1.0' ?>\n<AFNI_attributes ni_form=\"ni_group\" />"
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
    compress: bool | None = None,
    texture: float = 0.0,
    wrapped: bool = True,
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
    compress : bool, optional
        Whether to write ``.nii.gz`` and packed slice files; by default as the downloads are, where
        slice files are packed and NIfTI files are not.
    texture : float
        Strength of the patients' texture, see `make_head`.
    wrapped : bool
        Whether to write into the folders that a download unpacks to, or straight into `root`.

    Raises
    ------
    ValueError
        If the layout is not known or there is no patient to write.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}")
    if layout == "nifti":
        folder = _write_cases(root, patients, seed, shape, compress, texture, wrapped, "2020")
    else:
        folder = _make_root(root, patients, _SLICES if wrapped else "")
        rows: list[tuple[str, int, int, int]] = []
        for index in range(patients):
            head = make_head(index, seed, _shape(shape), texture)
            images = _images(head, index, seed)
            rows += _write_slices(folder, index + 1, images, head.tumour, compress is not False)
        _write_csv(folder / "meta_data.csv", ("slice_path", "target", "volume", "slice"), rows)
    _write_clinical(folder, patients, seed)


def write_brats2021(
    root: str | Path,
    patients: int,
    seed: int = 0,
    shape: Sequence[int] = SHAPE,
    compress: bool | None = None,
    texture: float = 0.0,
    release: str = "2021",
    wrapped: bool = True,
) -> None:
    """Write phantoms as BraTS 2021 has its patients on disk.

    Parameters
    ----------
    root : path-like
        Folder to write to.
    patients : int
        How many; they are numbered from 0.
    seed, shape, texture, wrapped
        As in `write_brats2020`.
    compress : bool, optional
        Whether to write ``.nii.gz``, as the downloads are.
    release : {"2021", "2023"}
        Whose names, labels and mask type.

    Raises
    ------
    ValueError
        If the release is not known or there is no patient to write.
    """
    known = [name for name in RELEASES if name != "2020"]
    if release not in known:
        raise ValueError(f"release {release!r}: expected one of {', '.join(known)}")
    _write_cases(root, patients, seed, shape, compress, texture, wrapped, release)


def _write_cases(
    root: str | Path,
    patients: int,
    seed: int,
    shape: Sequence[int],
    compress: bool | None,
    texture: float,
    wrapped: bool,
    release: str,
) -> Path:
    """Write the cases of a release and give the folder that holds them."""
    style = RELEASES[release]
    folder = _make_root(root, patients, style.folder if wrapped else "")
    packed = style.packed if compress is None else compress
    for index in range(patients):
        number = index + (release == "2020")
        head = make_head(index, seed, _shape(shape), texture)
        images = _images(head, index, seed)
        labels: np.ndarray = _volume(head.tumour).astype(style.mask_type)
        labels[labels == 4] = style.enhancing
        case = style.case.format(number)
        stem = f"{case}{style.separator}"
        mask = "W39_1998.09.19_Segm" if (release, number) == ("2020", 355) else f"{stem}seg"
        (folder / case).mkdir(exist_ok=True)
        for name, suffix in zip(CONTRASTS, style.suffixes, strict=True):
            raw = _nifti(images[name], style.offsets[0], style.slope)
            _write_volume(folder / case / f"{stem}{suffix}", raw, packed)
        raw = _nifti(labels, style.offsets[1], style.slope)
        _write_volume(folder / case / mask, raw, packed)
    return folder


def _make_root(root: str | Path, patients: int, folder: str) -> Path:
    if patients < 1:
        raise ValueError(f"patients {patients}: expected at least 1")
    path = Path(root) / folder
    path.mkdir(parents=True, exist_ok=True)
    return path


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


def _nifti(volume: np.ndarray, offset: int, slope: int) -> bytes:
    """Give a volume (x, y, z) as a NIfTI file whose voxels begin at byte `offset`.

    As in BraTS x runs to the patient's left, y to the back and z up, 1 mm a voxel, and the zeros of
    the affine are negative ones.
    """
    header = nibabel.Nifti1Header()
    header.set_data_dtype(volume.dtype)
    header.set_data_shape(volume.shape)
    header.set_xyzt_units("mm")
    header["pixdim"] = (1, 1, 1, 1, 0, 0, 0, 0)
    header["vox_offset"] = offset
    header["scl_slope"], header["scl_inter"] = slope, 0
    back = volume.shape[1] - 1
    header["qform_code"] = header["sform_code"] = 1
    header["quatern_d"] = 1
    header["qoffset_x"], header["qoffset_y"] = -0.0, back
    header["srow_x"] = (-1, -0.0, -0.0, -0.0)
    header["srow_y"] = (-0.0, -1, -0.0, back)
    header["srow_z"] = (0, 0, 1, 0)
    space = offset - header.single_vox_offset
    if space:
        # Length and code of the extension take 8 bytes.
        text = _AFNI_TEXT.ljust(space - 8, b"\0")
        header.extensions.append(Nifti1Extension(_AFNI_CODE, text))
    file = io.BytesIO()
    header.write_to(file)
    return file.getvalue() + volume.tobytes(order="F")


def _write_volume(stem: Path, raw: bytes, packed: bool) -> None:
    path = stem.with_name(f"{stem.name}.nii.gz" if packed else f"{stem.name}.nii")
    path.write_bytes(_pack(raw) if packed else raw)


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
        # Where the public copy was made, and so in its table.
        rows.append((f"/content/data/{name}", int(mask.any()), number, index))
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
