"""NIfTI volumes as any data set may have them: a page says which file is what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from gliomake.datasets import patterns
from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Finding,
    Volume,
    intensity_facts,
    pixel_hash,
    slice_rows,
)
from gliomake.datasets.brats_findings import findings_of_volumes
from gliomake.datasets.brats_geometry import (
    geometry_errors,
    geometry_notes,
    note_findings,
    reference_of,
)
from gliomake.datasets.brats_layout import move_background
from gliomake.datasets.brats_scale import whole_labels
from gliomake.datasets.labels import split_classes
from gliomake.datasets.nifti import NiftiHeader, read_header, read_slices
from gliomake.datasets.nnunet import FILES, MASK, find_nnunet, read_nnunet
from gliomake.datasets.paged import PagedDataset
from gliomake.datasets.root import DataRoot, Limits

AXIAL = "LPS"
FOLDERS = "{case}/{case}_{channel}.nii*", "{case}/{case}_seg.nii*"
"""The layout that is understood without patterns, besides nnU-Net's."""


class NiftiDataset(PagedDataset):
    """Volumes in NIfTI files, a file a channel and a mask a case.

    A slice is ``array[:, :, k]`` of the volume: height runs along x, width along y.

    Parameters
    ----------
    root : path-like
        The folder at which the patterns start.
    channels : mapping of str to str
        Name to what stands in file names; none where there are masks alone.
    classes : mapping of str to sequence of int
        Name to labels, see `split_classes`.
    files, mask : str, optional
        Patterns, see `gliomake.datasets.patterns`. Without them nnU-Net's raw layout is read, or a
        folder a case with ``<case>_<channel>.nii.gz`` and ``<case>_seg.nii.gz``.
    patient : str, optional
        A regular expression on the case's id, whose first group is the patient.
    strata : str or mapping, optional
        By what splits are balanced, see `Strata`.
    orientation : {"LPS", "stored"}
        ``LPS``: volumes are turned so that x, y and z run to the left, the back and the head,
        nothing is resampled; one that does not say how it lies is taken as stored.
    geometry : {"strict", "grid"}
        Whether the files of a case must have one affine or one voxel grid.
    ignore_labels : sequence of int
        Labels that are background.
    links, limits
        See `DataRoot`.

    Raises
    ------
    CaseError
        No file fits, or ``dataset.json`` and the page contradict each other.
    AccessError
        The root could not be read.
    """

    name = "nifti"

    def __init__(
        self,
        root: str | Path | DataRoot,
        channels: Mapping[str, str],
        classes: Mapping[str, Sequence[int]],
        files: str | None = None,
        mask: str | None = None,
        patient: str | None = None,
        strata: str | Mapping[str, str] | None = None,
        orientation: str = AXIAL,
        geometry: str = "strict",
        ignore_labels: Sequence[int] = (),
        links: str = "inside",
        limits: Limits | dict[str, int] | None = None,
    ):
        super().__init__(root, channels, classes, patient, strata, links, limits)
        self._labels: Mapping[str, Sequence[int]] = classes
        self._ignored, self._names = tuple(ignore_labels), dict[int, str]()
        self._orientation, self._geometry = orientation, geometry
        folder = self.root
        if mask is None or (files is None and channels):
            files, mask = FOLDERS
            if nnunet := find_nnunet(self._disk):
                found = read_nnunet(self._disk, nnunet, channels, classes)
                files, mask, folder, channels = FILES, MASK, nnunet, found.channels
                self._labels, self._names = found.classes, found.names
        self._find(folder, files, mask, channels)
        without = [name for name, labels in self._labels.items() if not labels]
        if without and len(self.classes) > 1:
            raise CaseError(
                "",
                self.root,
                f"no labels for {', '.join(without)}",
                "the values of the mask that belong to each class",
                f"give them on the data set's page, such as {without[0]}: {{labels: [1]}}",
            )

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find duplicates, differing geometries, and what is unusual in headers."""
        return [*super().compare(reports), *findings_of_volumes(reports), *note_findings(reports)]

    def _check(self, case: str) -> list[CaseError]:
        return [*super()._check(case), *self._survey(case, self.channels)[2]]

    def _describe(
        self, report: CaseReport, volume: Volume, facts: dict[str, Any], channels: Sequence[str]
    ) -> None:
        report.slices = slice_rows(volume, self.classes)
        planes = {name: volume.image[:, index] for index, name in enumerate(channels)}
        report.facts = facts | {
            "spacing": list(volume.spacing or ()),
            "shape": [*volume.image.shape[2:], len(volume.image)],
            "intensity": intensity_facts(volume.image, channels),
            "sha256": {name: pixel_hash(plane) for name, plane in planes.items()},
            "zeros": {
                name: 1 - np.count_nonzero(plane) / plane.size for name, plane in planes.items()
            },
            "missing_sequences": [
                name for name, plane in planes.items() if plane.min() == plane.max()
            ],
        }

    def _turn(self, header: NiftiHeader) -> np.ndarray | None:
        """Say how volumes of a header are turned; None where they stay as they are stored."""
        known = self._orientation == AXIAL and "?" not in header.orientation
        return turn_to(header.orientation) if known else None

    def _file(self, case: str, channel: str | None) -> Path:
        """Find the file of a channel, or of the mask for None."""
        found = self._cases[case]
        if channel is None:
            paths, what = found.masks.get(0, []), "mask"
        else:
            paths = found.images.get((channel, 0), []) or found.images.get(("", 0), [])
            what = f"channel {channel}"
        if len(paths) > 1:
            raise patterns.several(case, paths, what)
        if paths:
            self._disk.check(paths[0], case)
            return paths[0]
        there = [
            path for group in (*found.images.values(), *found.masks.values()) for path in group
        ]
        names = ", ".join(path.name for path in there[:6])
        if not found.images and self.channels:
            advice = "add the images, or take the mask away"
            raise CaseError(case, there[0], "a mask without images", "one file a channel", advice)
        raise CaseError(
            case,
            there[0].parent,
            f"no file for {what} (the case has {names})",
            "one file a channel, and one mask",
            "complete the case, or leave it out",
        )

    def _survey(
        self, case: str, channels: Sequence[str]
    ) -> tuple[dict[str, Path], dict[str, NiftiHeader], list[CaseError]]:
        """Give the files of a case and their headers, and what is wrong with them."""
        paths: dict[str, Path] = {}
        headers: dict[str, NiftiHeader] = {}
        errors: list[CaseError] = []
        there = self._cases[case].images or not self.channels
        names = (*channels, None) if there else (None, *channels[:1])
        for name in names:
            key = "seg" if name is None else name
            try:
                paths[key] = self._file(case, name)
                headers[key] = read_header(paths[key], self._disk, case)
            except CaseError as error:
                errors.append(error)
        return paths, headers, errors + geometry_errors(case, paths, headers, self._geometry)

    def _read(self, case: str, channels: Sequence[str]) -> tuple[Volume, dict[str, Any]]:
        paths, headers, errors = self._survey(case, channels)
        if errors:
            raise errors[0]
        header = headers[reference_of(headers)]
        arrays = [read_slices(paths[name], headers[name], self._disk, case) for name in channels]
        labels = read_slices(paths["seg"], headers["seg"], self._disk, case)
        labels, kinds = whole_labels(case, paths["seg"], labels, headers["seg"])
        notes = geometry_notes(paths, headers)
        for kind, text in kinds.items():
            notes[kind] = {paths["seg"].name: text}
        parts, found = split_classes(
            case, paths["seg"], labels, self._labels, self._ignored, self._names
        )
        depth, height, width = labels.shape
        stacked = np.stack(arrays, axis=1) if arrays else np.empty((depth, 0, height, width))
        image, shifts = move_background(stacked, channels)
        spacing, turn = headers["seg"].spacing, self._turn(header)
        if turn is not None:
            image, parts = turned(image, turn), turned(parts, turn)
            edges = [spacing[int(row)] for row in np.argsort(turn[:, 0])]
            spacing = (edges[0], edges[1], edges[2])
        numbers = np.array(self._numbered(case, range(len(image)), paths["seg"]))
        facts: dict[str, Any] = {
            "layout": "nifti",
            "orientation": header.orientation,
            "dtype": {name: str(each.dtype) for name, each in headers.items()},
            "labels": found,
            "notes": notes,
        }
        if shifts:
            facts["background_shifted_to_0"] = shifts
        return Volume(case, self._patients[case], numbers, image, parts, spacing), facts


def class_masks(dataset: NiftiDataset, case: str, path: Path, labels: np.ndarray) -> np.ndarray:
    """Turn a label map into the classes of a data set, see `split_classes`."""
    return split_classes(case, path, labels, dataset._labels, dataset._ignored, dataset._names)[0]


def mask_place(dataset: NiftiDataset, case: str) -> tuple[Path, NiftiHeader]:
    """Return the file of a case's mask, and its header: where its voxels lie."""
    path = dataset._file(case, None)
    return path, read_header(path, dataset._disk, case)


def lay(dataset: NiftiDataset, case: str, array: np.ndarray) -> np.ndarray:
    """Turn a volume that is stored as the mask of a case is, (z, channel, x, y), as it is read.

    Raises
    ------
    CaseError
        The mask's header cannot be read.
    """
    turn = dataset._turn(mask_place(dataset, case)[1])
    return array if turn is None else turned(array, turn)


def turn_to(orientation: str, wanted: str = AXIAL) -> np.ndarray:
    """Say how axes are exchanged and flipped between two orientations.

    Parameters
    ----------
    orientation, wanted : str
        Such as ``RAS``: where x, y and z run to.

    Returns
    -------
    ndarray, shape (3, 2)
        By axis of the stored volume: which axis it becomes, and 1 or -1 for its direction.
    """
    codes = nibabel.orientations.axcodes2ornt
    return np.asarray(nibabel.orientations.ornt_transform(codes(orientation), codes(wanted)))


def turned(array: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Turn a volume; nothing is resampled.

    Parameters
    ----------
    array : ndarray, shape (z, channel, x, y)
        As it is stored.
    turn : ndarray, shape (3, 2)
        Of `turn_to`.

    Returns
    -------
    ndarray, shape (z, channel, x, y)
        Of the other orientation.
    """
    if np.array_equal(turn, [[0, 1], [1, 1], [2, 1]]):
        return array
    volume = array.transpose(2, 3, 0, 1)  # x, y, z, channel
    volume = nibabel.orientations.apply_orientation(volume, turn)
    return np.ascontiguousarray(volume.transpose(2, 3, 0, 1))
