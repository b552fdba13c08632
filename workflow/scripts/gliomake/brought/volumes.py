"""Predictions in volumes: a label map a case, probabilities a class, all in 4D, or in .npz."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd

from gliomake.brought.arrays import read_npz
from gliomake.brought.four import is_4d, read_4d
from gliomake.brought.source import (
    Case,
    Found,
    check_cases,
    label_masks,
    offered,
    share_error,
)
from gliomake.datasets import patterns
from gliomake.datasets.base import CaseError, Dataset
from gliomake.datasets.brats_geometry import geometry_errors
from gliomake.datasets.brats_scale import whole_labels
from gliomake.datasets.nifti import NiftiHeader, read_header, read_slices
from gliomake.datasets.root import DataRoot
from gliomake.study.forms import ARRAYS

SUM = 1e-3
"""How far the probabilities of a voxel, background among them, may add up to something but 1."""


@dataclass(frozen=True)
class _Place:
    """Where a volume of four dimensions lies."""

    shape: tuple[int, int, int]
    affine: np.ndarray
    spacing: tuple[float, ...]


class VolumeSource:
    """NIfTI files of predictions.

    Parameters
    ----------
    disk : DataRoot
        Their folder.
    pattern, classes, labels, dataset, cases
        As in `gliomake.brought.open_source`.
    """

    def __init__(
        self,
        disk: DataRoot,
        pattern: str,
        classes: Sequence[str],
        labels: Mapping[str, Sequence[int]],
        dataset: Dataset,
        cases: pd.DataFrame,
    ):
        self._disk, self._pattern, self._dataset = disk, pattern, dataset
        self._classes, self._labels, self._known = tuple(classes), labels, list(cases["case"])
        self._each = "{class}" in pattern
        names = {name: name for name in classes} if self._each else {}
        form = pattern.replace("{class}", "{channel}")
        self._files = patterns.find_cases(disk, disk.path, form, None, names)

    def cases(self) -> set[str]:
        """Name the cases for which there is a prediction."""
        found = {case: files.images for case, files in self._files.items()}
        return check_cases(self._disk, self._pattern, found, self._known)

    def read(self, case: Case) -> Found:
        """Read the prediction of a case, see `gliomake.brought.Source`."""
        if case.case not in self._files:
            empty = np.zeros((len(case.numbers), len(self._classes), *case.size), np.uint8)
            return Found(empty, (), len(case.numbers))
        paths = [self._file(case.case, name) for name in (self._classes if self._each else ("",))]
        if self._each:
            values = np.concatenate([self._volume(case, path)[0] for path in paths], axis=1)
            return self._shares(case, paths, values)
        path = paths[0]
        if path.suffix == ARRAYS:
            values = read_npz(self._disk, path, case.case)
            self._check_place(case, path, _grid(values))
            laid = self._laid(case, path, values)
            return self._shares(case, paths, self._channels(case, path, laid))
        if is_4d(self._disk, path, case.case):
            values, affine, spacing = read_4d(self._disk, path, case.case)
            self._check_place(case, path, _Place(_grid(values), affine, spacing))
            laid = self._laid(case, path, values)
            return self._shares(case, paths, self._channels(case, path, laid))
        values, header = self._volume(case, path)
        if header.dtype.kind == "f" and len(self._classes) == 1 and _is_share(values):
            return self._shares(case, paths, values)
        whole, kinds = whole_labels(case.case, path, values[:, 0], header)
        masks = label_masks(self._dataset, case.case, path, whole, self._classes, self._labels)
        return Found(masks, (path.name,), note="; ".join(kinds.values()))

    def _file(self, case: str, name: str) -> Path:
        images = self._files[case].images
        paths = images.get((name, 0), [])
        if len(paths) > 1:
            raise patterns.several(case, paths, name or "one case")
        if not paths:
            there = next(iter(images.values()))[0]
            found = f"no file of class {name} beside it"
            expected = f"one of each of {', '.join(self._classes)}"
            raise CaseError(case, there, found, expected, "add the file, empty where nothing is")
        self._disk.check(paths[0], case)
        return paths[0]

    def _volume(self, case: Case, path: Path) -> tuple[np.ndarray, NiftiHeader]:
        """Read a volume as (slice, 1, height, width) as the truth lies."""
        header = read_header(path, self._disk, case.case)
        self._check_place(case, path, header)
        values = read_slices(path, header, self._disk, case.case)
        return self._laid(case, path, values[:, None]), header

    def _laid(self, case: Case, path: Path, values: np.ndarray) -> np.ndarray:
        """Turn (z, channel, x, y) as the truth is turned."""
        lay = offered(self._dataset, "lay")
        if lay is not None:
            values = lay(case.case, values)
        shape = (len(values), *values.shape[2:])
        if shape != case.shape:
            found = f"{shape} slices, height and width"
            advice = "write it on the grid of the scan; nothing is resampled here"
            expected = f"{case.shape}, as the truth has"
            raise CaseError(case.case, path, found, expected, advice)
        return values

    def _check_place(
        self, case: Case, path: Path, header: NiftiHeader | _Place | tuple[int, int, int]
    ) -> None:
        """Refuse a volume that does not lie where the truth does; a size alone has no place."""
        place = offered(self._dataset, "mask_place")
        found = place(case.case) if place else None
        if found is None:  # masks without a place in space: sizes are compared
            return
        truth, expected = found
        if isinstance(header, tuple):
            header = replace(expected, shape=header)
        elif isinstance(header, _Place):
            codes = nibabel.aff2axcodes(header.affine)
            header = replace(
                expected,
                shape=header.shape,
                affine=header.affine,
                spacing=header.spacing,
                orientation="".join(code or "?" for code in codes),
            )
        geometry = getattr(self._dataset, "_geometry", "strict")
        # Twice, so that the truth is what most agree with.
        headers = {"truth": expected, "seg": expected, "prediction": header}
        files = {"truth": truth, "seg": truth, "prediction": path}
        for error in geometry_errors(case.case, files, headers, geometry):
            raise error

    def _channels(self, case: Case, path: Path, values: np.ndarray) -> np.ndarray:
        """Take the classes out of 4D probabilities, with or without the background."""
        count, classes = values.shape[1], len(self._classes)
        if count == classes:
            return values
        if count != classes + 1:
            found = f"{count} probabilities a voxel"
            expected = f"{classes}, of {', '.join(self._classes)}, or the background before them"
            raise CaseError(case.case, path, found, expected, "write one of the two")
        total = values.sum(axis=1)
        off = np.abs(total - 1) > SUM
        if off.any():
            found = (
                f"probabilities that add up to {total.min():g} to {total.max():g}, in "
                f"{int(off.sum())} voxels not to 1"
            )
            advice = "write them after the softmax"
            raise CaseError(case.case, path, found, "1 in each voxel, with the background", advice)
        return values[:, 1:]

    def _shares(self, case: Case, paths: Sequence[Path], values: np.ndarray) -> Found:
        if error := share_error(case.case, paths[0], values):
            raise error
        note = ""
        if values.shape[1] > 1 and (most := float(values.sum(axis=1).max())) > 1 + SUM:
            note = f"the probabilities of a voxel add up to {most:.3g} at most: classes overlap"
        names = tuple(path.name for path in paths)
        return Found(np.asarray(values, np.float32), names, note=note)


def _grid(values: np.ndarray) -> tuple[int, int, int]:
    """Return x, y and z of an array (z, class, x, y)."""
    depth, _, height, width = values.shape
    return height, width, depth


def _is_share(values: np.ndarray) -> bool:
    """Tell probabilities from labels that were stored as floats: between 0 and 1, some neither."""
    inside = values.min() >= 0 and values.max() <= 1
    return bool(inside and ((values > SUM) & (values < 1 - SUM)).any())
