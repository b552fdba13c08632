"""BraTS as NIfTI volumes: a folder a case, a file a modality, under the names of each release."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError, Problem
from gliomake.datasets.brats_files import CaseFile, MissingFileError, find_file
from gliomake.datasets.brats_geometry import (
    GEOMETRIES,
    geometry_errors,
    geometry_notes,
    reference_of,
)
from gliomake.datasets.brats_labels import split_labels
from gliomake.datasets.brats_layout import Reading, move_background
from gliomake.datasets.brats_releases import RELEASES, Release, releases_of
from gliomake.datasets.brats_scale import whole_labels
from gliomake.datasets.nifti import NiftiHeader, read_header, read_slices
from gliomake.datasets.root import AccessError, DataRoot

FOLLOW_UP = 1000
"""Slice numbers of a patient's n-th later scan start at n times this."""


class NiftiLayout:
    """Folders of NIfTI files.

    Parameters
    ----------
    folders : sequence of Path
        Case folders of one release, as found.
    root : DataRoot
        The data set's root.
    geometry : {"strict", "grid"}
        Whether the files of a case must have one affine or one voxel grid.
    release : Release, optional
        Whose names and labels they have; by default the first that has such names.

    Raises
    ------
    ValueError
        If `geometry` is neither.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        root: DataRoot,
        geometry: str = "strict",
        release: Release | None = None,
    ):
        if geometry not in GEOMETRIES:
            raise ValueError(f"geometry {geometry!r}: expected one of {', '.join(GEOMETRIES)}")
        self.root = root
        self.geometry = geometry
        self.release = release or RELEASES[releases_of(folders[0].name)[0]]
        self._cases: dict[str, list[Path]] = {}
        for folder in sorted(folders):
            self._cases.setdefault(folder.name, []).append(folder)
        self.folders = sorted({folder.parent for folder in folders})

    def cases(self) -> list[str]:
        """List the case ids, sorted."""
        return sorted(self._cases)

    def patient(self, case: str) -> str:
        """Give the patient of a case: later scans of BraTS 2023 belong to the same one."""
        return self._match(case)[1]

    def folder(self, case: str) -> Path:
        """Give the folder that holds a case."""
        return self._cases[case][0]

    def has_masks(self) -> bool:
        """Return whether any case has a mask, reading no more than it takes to know."""
        return any(self._has_mask(case) for case in self.cases())

    def _has_mask(self, case: str) -> bool:
        try:
            self._file(case, "seg")
        except MissingFileError:
            return False
        except CaseError:
            return True  # what is wrong with it, `check` says
        return True

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
    ) -> tuple[dict[str, CaseFile], dict[str, NiftiHeader], list[CaseError]]:
        """Give the files of a case and their headers, and what is wrong with them."""
        files, headers, errors = {}, {}, []
        for name in (*channels, "seg"):
            try:
                files[name] = self._find(case, name)
                headers[name] = read_header(files[name].path, self.root, case)
            except CaseError as error:
                errors.append(error)
        paths = {name: file.path for name, file in files.items()}
        return files, headers, errors + geometry_errors(case, paths, headers, self.geometry)

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
        found_files, headers, errors = self._survey(case, channels)
        if errors:
            raise errors[0]
        match = self._match(case)
        files = {name: file.path for name, file in found_files.items()}
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
        image, shifts = move_background(image, channels)
        mask, found = split_labels(case, files["seg"], labels, self.release)
        start = FOLLOW_UP * int(match[2]) if match.re.groups > 1 else 0
        facts = {
            "layout": "nifti",
            "naming": self.release.naming,
            "release": self.release.id,
            "orientation": headers[reference_of(headers)].orientation,
            "dtype": {name: str(headers[name].dtype) for name in files},
            "labels": found,
            "mask_file": files["seg"].name,
            "notes": notes,
        }
        if shifts:
            facts["background_shifted_to_0"] = shifts
        if others := {name: file.name for name, file in found_files.items() if file.name}:
            facts["other_names"] = others
        return Reading(np.arange(depth) + start, image, mask, headers["seg"].spacing, facts)

    def _match(self, case: str) -> re.Match[str]:
        match = self.release.case.fullmatch(case)
        if match is None or case not in self._cases:
            raise ValueError(f"no case {case!r} of {self.release.title}")
        return match

    def _find(self, case: str, name: str) -> CaseFile:
        return find_file(self.root, self.folder(case), case, self.release, name)

    def _file(self, case: str, name: str) -> Path:
        """Find the file of a channel, or of the mask for ``seg``."""
        return self._find(case, name).path


def _slice_shape(header: NiftiHeader) -> tuple[int, int, int]:
    x, y, z = header.shape
    return z, x, y


def _array_type(header: NiftiHeader) -> np.dtype:
    """Give the type of the array that `read_slices` gives."""
    if header.scaled or header.dtype.kind == "f":
        return np.dtype(np.float32)
    return header.dtype.newbyteorder("=")


def find_mask(layout: NiftiLayout, case: str) -> tuple[Path, NiftiHeader]:
    """Return the file of a case's mask, and its header.

    Raises
    ------
    CaseError
        There is none, or it is damaged.
    """
    path = layout._find(case, "seg").path
    return path, read_header(path, layout.root, case)
