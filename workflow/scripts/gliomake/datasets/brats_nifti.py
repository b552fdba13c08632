"""BraTS as NIfTI volumes: a folder a case, a file a modality, under the names of three years."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError, Problem
from gliomake.datasets.brats_geometry import (
    GEOMETRIES,
    geometry_errors,
    geometry_notes,
    reference_of,
)
from gliomake.datasets.brats_layout import CHANNELS, CLASSES, Reading
from gliomake.datasets.brats_scale import whole_labels
from gliomake.datasets.nifti import NiftiHeader, read_header, read_slices
from gliomake.datasets.root import AccessError, DataRoot

FOLLOW_UP = 1000
"""Slice numbers of a patient's n-th later scan start at n times this."""


@dataclass(frozen=True)
class Naming:
    """How one release names its cases and files.

    Attributes
    ----------
    title : str
        The release.
    case : Pattern
        Matches a case's folder; group 1 is the patient, group 2, if any, the number of the scan.
    separator : str
        Between case and modality.
    suffixes : tuple of str
        The release's names for `CHANNELS`.
    enhancing : int
        The label of the enhancing tumour.
    """

    title: str
    case: re.Pattern[str]
    separator: str
    suffixes: tuple[str, ...]
    enhancing: int

    @property
    def labels(self) -> tuple[int, int, int]:
        """Labels of `CLASSES`."""
        return 1, 2, self.enhancing


_PLAIN = ("t1", "t1ce", "t2", "flair")
NAMINGS = (
    Naming("BraTS 2020", re.compile(r"(BraTS20_Training_\d{3})"), "_", _PLAIN, 4),
    Naming("BraTS 2021", re.compile(r"(BraTS2021_\d{5})"), "_", _PLAIN, 4),
    Naming(
        "BraTS 2023",
        re.compile(r"(BraTS-GLI-\d{5})-(\d{3})"),
        "-",
        ("t1n", "t1c", "t2w", "t2f"),
        3,
    ),
)

# Patient 355 of BraTS 2020 has W39_1998.09.19_Segm.nii where its _seg.nii should be.
_MISNAMED_MASK = re.compile(r".+_segm\.nii(\.gz)?", re.IGNORECASE)


def naming_of(case: str) -> Naming | None:
    """Give the naming that a folder's name follows, None where it follows none."""
    return next((naming for naming in NAMINGS if naming.case.fullmatch(case)), None)


class NiftiLayout:
    """Folders of NIfTI files.

    Parameters
    ----------
    folders : sequence of Path
        Case folders, as found.
    root : DataRoot, optional
        The data set's folder; by default each file's own, with the default limits.
    geometry : {"strict", "grid"}
        Whether the files of a case must have one affine, or one grid will do.

    Raises
    ------
    ValueError
        If `geometry` is neither.
    """

    def __init__(
        self, folders: Sequence[Path], root: DataRoot | None = None, geometry: str = "strict"
    ):
        if geometry not in GEOMETRIES:
            raise ValueError(f"geometry {geometry!r}: expected one of {', '.join(GEOMETRIES)}")
        self.root = root
        self.geometry = geometry
        self._cases: dict[str, list[Path]] = {}
        for folder in sorted(folders):
            self._cases.setdefault(folder.name, []).append(folder)
        self.folders = sorted({folder.parent for folder in folders})

    def cases(self) -> list[str]:
        """List the case ids, sorted."""
        return sorted(self._cases)

    def patient(self, case: str) -> str:
        """Give the patient of a case: later scans of BraTS 2023 belong to the same one."""
        return self._named(case)[1][1]

    def folder(self, case: str) -> Path:
        """Give the folder that holds a case."""
        return self._cases[case][0]

    def check_root(self) -> list[Problem]:
        """Find cases that are there twice."""
        return [
            CaseError(
                case,
                folders[1],
                f"a second folder of the case (the first is {folders[0]})",
                "one folder a case",
                "remove one of the two, or point the data set's root at one copy",
            ).problem
            for case, folders in sorted(self._cases.items())
            if len(folders) > 1
        ]

    def check(self, case: str, channels: Sequence[str]) -> list[CaseError]:
        """Find missing and doubled files, and files whose geometry differs, from headers alone."""
        return self._survey(case, channels)[2]

    def _survey(
        self, case: str, channels: Sequence[str]
    ) -> tuple[dict[str, Path], dict[str, NiftiHeader], list[CaseError]]:
        """Give the files of a case and their headers, and what is wrong with them."""
        files, headers, errors = {}, {}, []
        for name in (*channels, "seg"):
            try:
                files[name] = self._file(case, name)
                headers[name] = read_header(files[name], self.root, case)
            except CaseError as error:
                errors.append(error)
        return files, headers, errors + geometry_errors(case, files, headers, self.geometry)

    def read(self, case: str, channels: Sequence[str]) -> Reading:
        """Read the mask and these channels and nothing else.

        Raises
        ------
        CaseError
            If a file is missing, doubled or damaged, does not fit the others, or holds values
            that it should not.
        AccessError
            If the machine could not read them, or has too little memory for them.
        """
        try:
            return self._read(case, channels)
        except MemoryError as error:
            raise AccessError(self.folder(case), "not enough memory") from error

    def _read(self, case: str, channels: Sequence[str]) -> Reading:
        files, headers, errors = self._survey(case, channels)
        if errors:
            raise errors[0]
        naming, match = self._named(case)
        depth, height, width = _slice_shape(headers["seg"])
        types = [_array_type(headers[name]) for name in channels]
        image = np.empty(
            (depth, len(channels), height, width), np.result_type(*types) if types else np.int16
        )
        for index, name in enumerate(channels):
            image[:, index] = read_slices(files[name], headers[name], self.root, case)
        labels = read_slices(files["seg"], headers["seg"], self.root, case)
        notes = geometry_notes(files, headers)
        labels, kinds = whole_labels(case, files["seg"], labels, headers["seg"])
        for kind, text in kinds.items():
            notes[kind] = {files["seg"].name: text}
        mask, found = _split_labels(case, files["seg"], labels, naming)
        start = FOLLOW_UP * int(match[2]) if match.re.groups > 1 else 0
        facts = {
            "layout": "nifti",
            "naming": naming.title,
            "orientation": headers[reference_of(headers)].orientation,
            "dtype": {name: str(headers[name].dtype) for name in files},
            "labels": found,
            "mask_file": files["seg"].name,
            "notes": notes,
        }
        return Reading(np.arange(depth) + start, image, mask, headers["seg"].spacing, facts)

    def _named(self, case: str) -> tuple[Naming, re.Match[str]]:
        naming = naming_of(case)
        match = naming.case.fullmatch(case) if naming else None
        if naming is None or match is None:
            raise ValueError(f"no BraTS case has the name {case!r}")
        return naming, match

    def _file(self, case: str, name: str) -> Path:
        """Find the file of a channel, or of the mask for ``seg``."""
        naming, _ = self._named(case)
        folder = self.folder(case)
        suffix = "seg" if name == "seg" else naming.suffixes[CHANNELS.index(name)]
        stem = f"{case}{naming.separator}{suffix}"
        found = [path for end in (".nii", ".nii.gz") if (path := folder / f"{stem}{end}").is_file()]
        if name == "seg":
            found += sorted(p for p in folder.iterdir() if _MISNAMED_MASK.fullmatch(p.name))
        if len(found) == 1:
            return found[0]
        what = "mask" if name == "seg" else f"modality {name}"
        if found:
            names = " and ".join(path.name for path in found)
            raise CaseError(
                case, folder, f"{names} for {what}", "one file", "remove all but the right one"
            )
        raise CaseError(
            case,
            folder / f"{stem}.nii.gz",
            f"no file for {what}",
            f"{stem}.nii or {stem}.nii.gz",
            "complete the download, or leave the case out",
        )


def _slice_shape(header: NiftiHeader) -> tuple[int, int, int]:
    x, y, z = header.shape
    return z, x, y


def _array_type(header: NiftiHeader) -> np.dtype:
    """Give the type of the array that `read_slices` gives."""
    if header.scaled or header.dtype.kind == "f":
        return np.dtype(np.float32)
    return header.dtype.newbyteorder("=")


def _split_labels(
    case: str, path: Path, labels: np.ndarray, naming: Naming
) -> tuple[np.ndarray, dict[str, int]]:
    """Turn labels (slice, height, width) into masks (slice, class, height, width) and counts."""
    values, counts = np.unique(labels, return_counts=True)
    allowed = (0, *naming.labels)
    bad = {
        f"{value:g}": int(count)
        for value, count in zip(values, counts, strict=True)
        if value not in allowed
    }
    if bad:
        kind = "labels that are no integers" if np.any(values != np.rint(values)) else "labels"
        shown = ", ".join(f"{value} ({count} voxels)" for value, count in list(bad.items())[:5])
        raise CaseError(
            case,
            path,
            f"{kind} {shown}",
            f"{', '.join(map(str, allowed))} ({naming.title})",
            "check whether the mask was resampled or is of another release; restore the original",
        )
    mask = np.empty((len(labels), len(CLASSES), *labels.shape[1:]), np.uint8)
    for index, label in enumerate(naming.labels):
        np.equal(labels, label, out=mask[:, index], casting="unsafe")
    return mask, {f"{value:g}": int(n) for value, n in zip(values, counts, strict=True)}
