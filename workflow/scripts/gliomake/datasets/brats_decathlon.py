"""BraTS as the Medical Decathlon has it: ``Task01_BrainTumour``, four modalities in one 4D file."""

import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from gliomake.datasets.base import CaseError, Problem
from gliomake.datasets.brats_labels import split_labels
from gliomake.datasets.brats_layout import CHANNELS, Reading, move_background
from gliomake.datasets.brats_releases import RELEASES
from gliomake.datasets.root import AccessError, DataRoot, Limits

TOLERANCE = 1e-3
"""By how much the affines (mm) of image and mask may differ: float32 noise."""

HEADER_BYTES = 352

MOST_MM = 1e3
"""No voxel of a head is longer."""

_FILE = re.compile(r"(BRATS_\d{3})\.nii(\.gz)?", re.IGNORECASE)
_MODALITIES = {"flair": "flair", "t1w": "t1", "t1gd": "t1ce", "t2w": "t2"}
_LABELS = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumor"}
_BROKEN = (
    EOFError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    zlib.error,
    HeaderDataError,
    WrapStructError,
    ImageFileError,
)
"""What a damaged gzip or NIfTI file raises, by the place of the damage."""


class DecathlonLayout:
    """``imagesTr``, ``labelsTr`` and ``dataset.json``.

    Parameters
    ----------
    folder : Path
        The folder that holds them.
    root : DataRoot
        The data set's root.
    geometry : {"strict", "grid"}
        Whether image and mask must have one affine or one voxel grid.

    Raises
    ------
    CaseError
        There is no case, or ``dataset.json`` does not say what the published one says.
    """

    release = RELEASES["decathlon"]

    def __init__(self, folder: Path, root: DataRoot, geometry: str = "strict"):
        self.root = root
        self.geometry = geometry
        self.folders = [folder]
        self._order = _channel_order(root, folder / "dataset.json")
        self._images = _listing(root, folder / "imagesTr")
        self._labels = _listing(root, folder / "labelsTr")
        if not self._images:
            inside = ", ".join(path.name for path in root.entries(folder / "imagesTr")[:4])
            raise CaseError(
                "",
                folder / "imagesTr",
                f"no case (it holds {inside or 'nothing'})",
                "files named as BRATS_001.nii.gz",
                "unpack the download again, or point the data set's root at it",
            )

    def cases(self) -> list[str]:
        """List the case ids, sorted."""
        return sorted(self._images)

    def patient(self, case: str) -> str:
        """Give the patient of a case."""
        return case

    def folder(self, case: str) -> Path:
        """Give the folder that holds a case's image."""
        return self._images[case][0].parent

    def has_masks(self) -> bool:
        """Return whether any case has a mask."""
        return any(case in self._labels for case in self._images)

    def check_root(self) -> list[Problem]:
        """Find nothing: what can be wrong here is wrong with a case."""
        return []

    def check(self, case: str, channels: Sequence[str]) -> list[CaseError]:
        """Find files that are missing or there twice."""
        errors = []
        for what, listing in (("image", self._images), ("mask", self._labels)):
            paths = listing.get(case, [])
            folder = self.folders[0] / ("imagesTr" if what == "image" else "labelsTr")
            if len(paths) > 1:
                names = " and ".join(path.name for path in paths)
                advice = "remove all but the right one"
                errors.append(CaseError(case, folder, f"{names} for {what}", "one file", advice))
            elif not paths:
                advice = "complete the download, or leave the case out"
                file = folder / f"{case}.nii.gz"
                errors.append(CaseError(case, file, f"no file for {what}", "the file", advice))
        return errors

    def read(self, case: str, channels: Sequence[str]) -> Reading:
        """Read the mask and these channels.

        Raises
        ------
        CaseError
            A file is missing, doubled or damaged, does not fit the other, or holds values that it
            should not.
        AccessError
            The machine could not read a file, or has too little memory for it.
        """
        for error in self.check(case, channels):
            raise error
        image_path, mask_path = self._images[case][0], self._labels[case][0]
        try:
            image = _load(self.root, image_path, case, len(CHANNELS))
            mask = _load(self.root, mask_path, case, None)
            self._compare(case, mask_path, mask, image)
            labels = _slices(mask, None, case, mask_path)
            columns = [self._order.index(name) for name in channels]
            pixels = np.empty((len(labels), len(columns), *labels.shape[1:]), np.float32)
            for index, column in enumerate(columns):
                pixels[:, index] = _slices(image, column, case, image_path)
        except MemoryError as error:
            raise AccessError(image_path, "not enough memory") from error
        pixels, shifts = move_background(pixels, channels)
        parts, found = split_labels(case, mask_path, labels, self.release)
        facts: dict[str, Any] = {
            "layout": "nifti",
            "naming": self.release.naming,
            "release": self.release.id,
            "orientation": "".join(code or "?" for code in nibabel.aff2axcodes(image.affine)),
            "dtype": {"image": str(image.get_data_dtype()), "seg": str(mask.get_data_dtype())},
            "channel_order": self._order,
            "labels": found,
            "mask_file": mask_path.name,
        }
        if shifts:
            facts["background_shifted_to_0"] = shifts
        x, y, z = (round(float(edge), 6) for edge in image.header.get_zooms()[:3])
        return Reading(np.arange(len(labels)), pixels, parts, (x, y, z), facts)

    def _compare(
        self, case: str, path: Path, mask: nibabel.Nifti1Image, image: nibabel.Nifti1Image
    ) -> None:
        if mask.shape != image.shape[:3]:
            found, expected = f"shape {mask.shape}", f"shape {image.shape[:3]}"
        elif not np.allclose(mask.affine, image.affine, rtol=0, atol=TOLERANCE) and (
            self.geometry == "strict"
        ):
            found, expected = (f"affine {np.round(f.affine, 4).tolist()}" for f in (mask, image))
        else:
            return
        raise CaseError(
            case,
            path,
            found,
            f"{expected}, as in the image",
            "restore both files from the download, or leave the case out",
        )


def _listing(root: DataRoot, folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in root.entries(folder):
        if match := _FILE.fullmatch(path.name):
            found.setdefault(match[1], []).append(path)
    return found


def _channel_order(root: DataRoot, path: Path) -> list[str]:
    """Give the channels of the images' last axis, as ``dataset.json`` has them."""
    advice = "restore dataset.json from the download: nothing else says what the channels are"
    try:
        described = json.loads(root.read_bytes(path, "").decode("utf-8-sig"))
        modalities, labels = described["modality"], described["labels"]
        order = [_MODALITIES.get(str(modalities[f"{n}"]).strip().lower(), "") for n in range(4)]
        names = {
            key: str(name).strip().lower().replace("tumour", "tumor")
            for key, name in labels.items()
        }
    except CaseError as error:
        raise CaseError("", path, error.found, "the description of the images", advice) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        found = f"unreadable JSON, or no modality and labels in it ({type(error).__name__})"
        raise CaseError("", path, found, "the description of the images", advice) from error
    if len(modalities) != len(CHANNELS) or sorted(order) != sorted(CHANNELS):
        found = f"modalities {str(modalities)[:200]}"
        raise CaseError("", path, found, "FLAIR, T1w, t1gd and T2w, each once", advice)
    if names != _LABELS:
        raise CaseError("", path, f"labels {str(labels)[:200]}", str(_LABELS), advice)
    return order


def _load(root: DataRoot, path: Path, case: str, channels: int | None) -> nibabel.Nifti1Image:
    """Open an image of so many channels, or of three dimensions, once its header is checked."""

    def fail(found: str, expected: str, advice: str = "download the file again") -> CaseError:
        return CaseError(case, path, found, expected, advice)

    raw = root.read_bytes(path, case)
    file = gzip.GzipFile(fileobj=io.BytesIO(raw)) if raw[:2] == b"\x1f\x8b" else io.BytesIO(raw)
    try:
        with file:
            start = file.read(HEADER_BYTES)
            size = _announced_size(start, channels, root.limits, fail)
            content = start + file.read(size + 1 - len(start))
        if len(content) != size:
            found = str(len(content)) if len(content) < size else f"more than {size}"
            found = f"a truncated or damaged file ({found} bytes where the header announces {size})"
            raise fail(found, "a complete NIfTI file")
        image = nibabel.Nifti1Image.from_bytes(content)
    except CaseError:
        raise
    except _BROKEN as error:
        found = f"a truncated or damaged file ({str(error)[:200]})"
        raise fail(found, "a complete NIfTI file") from error
    if not np.isfinite(image.affine).all():
        raise fail("an affine with values that are NaN or infinite", "finite numbers")
    return image


def _announced_size(
    start: bytes, channels: int | None, limits: Limits, fail: Callable[..., CaseError]
) -> int:
    """Check a header; give the bytes of the whole file, unpacked."""
    # Unchecked: nibabel would put right what it finds, without a word.
    header = nibabel.Nifti1Header(start[:348], check=False)
    shape = tuple(int(n) for n in header.get_data_shape())
    dtype = header.get_data_dtype()
    offset, slope, intercept = (
        float(header[key]) for key in ("vox_offset", "scl_slope", "scl_inter")
    )
    edges = header["pixdim"][1:4].astype(np.float64)
    if int(header["sizeof_hdr"]) != 348 or header["magic"].tobytes()[:3] != b"n+1":
        raise fail("no NIfTI-1 header", "a NIfTI-1 file")
    wanted = "(x, y, z)" if channels is None else f"(x, y, z, {channels})"
    if len(shape) != wanted.count(",") + 1 or min(shape) < 1 or shape[3:] not in ((), (channels,)):
        raise fail(f"an image of shape {shape}", wanted)
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or not HEADER_BYTES <= offset < 1e6:
        raise fail(f"voxels of type {dtype} from byte {offset:g}", "numbers, from byte 352 on")
    if not ((edges > 0).all() and (edges < MOST_MM).all()):
        raise fail(f"voxel edges of {edges.tolist()} mm", f"edges from 0 to {MOST_MM:g} mm")
    if np.isinf(slope) or np.isinf(intercept):
        raise fail(f"a scale factor of {slope:g}, {intercept:g}", "finite numbers")
    size = int(offset) + math.prod(shape) * dtype.itemsize
    for found, limit, name in (
        (math.prod(shape[:3]), limits.volume_voxels, "volume_voxels"),
        (size, limits.file_bytes, "file_bytes"),
    ):
        if found > limit:
            raise fail(
                f"a header that announces {found} {name.split('_')[1]}",
                f"at most {limit} (limits.{name})",
                "check the file, or raise the limit for this data set",
            )
    return size


def _slices(image: nibabel.Nifti1Image, channel: int | None, case: str, path: Path) -> np.ndarray:
    """Give a channel, or a mask's labels, as slices (z, x, y); images as float32."""
    values = np.asanyarray(image.dataobj if channel is None else image.dataobj[..., channel])
    if channel is not None:
        with np.errstate(over="ignore"):  # beyond float32 becomes infinite, and is found as such
            values = values.astype(np.float32, copy=False)
    bad = int(values.size - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise CaseError(
            case,
            path,
            f"{bad} values that are NaN or infinite",
            "finite numbers only",
            "download the file again, or leave the case out",
        )
    return values.transpose(2, 0, 1)
