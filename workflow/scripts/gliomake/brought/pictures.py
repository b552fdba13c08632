"""Predicted masks as pictures: a label map a slice, or a mask a class."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gliomake.brought.source import Case, Found, check_cases, label_masks
from gliomake.datasets import patterns
from gliomake.datasets.base import CaseError, Dataset
from gliomake.datasets.pictures import PictureError, decode_labels
from gliomake.datasets.root import DataRoot


class PictureSource:
    """PNG, TIFF, BMP or GIF files of predicted masks.

    With ``{class}`` in the pattern, what is not 0 in the file of a class is that class.

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
        self._classes, self._labels = tuple(classes), labels
        # A COCO set's cases are <folder>/<file name with its suffix>.
        self._names = {_stem(case): case for case in cases["case"]}
        self._each = "{class}" in pattern
        names = {name: name for name in classes} if self._each else {}
        form = pattern.replace("{class}", "{channel}")
        found = patterns.find_cases(disk, disk.path, form, None, names)
        self._files = {self._names.get(case, case): files for case, files in found.items()}
        self._known = list(cases["case"])
        patients = cases["patient"].value_counts()
        self._several = set(patients[patients > 1].index) - {""}

    def cases(self) -> set[str]:
        """Name the cases for which there is a prediction."""
        found = {case: files.images for case, files in self._files.items()}
        return check_cases(self._disk, self._pattern, found, self._known)

    def read(self, case: Case) -> Found:
        """Read the prediction of a case, see `gliomake.brought.Source`."""
        masks = np.zeros((len(case.numbers), len(self._classes), *case.size), np.uint8)
        files = self._files.get(case.case)
        read: list[str] = []
        missing = 0
        left = {number for _, number in files.images} if files else set()
        for row, number in enumerate(case.numbers):
            stored = self._stored(case, int(number), left)
            left.discard(stored)
            paths = [
                path
                for name in (self._classes if self._each else ("",))
                if (path := self._file(case.case, name, stored)) is not None
            ]
            missing += not paths
            if self._each and paths and len(paths) < len(self._classes):
                found = f"files of {len(paths)} classes in slice {stored}"
                expected = f"one of each of {', '.join(self._classes)}"
                raise CaseError(case.case, paths[0], found, expected, "add the others")
            for index, path in enumerate(paths):
                labels = self._picture(case, path)
                if self._each:
                    masks[row, index] = labels > 0
                else:
                    masks[row] = label_masks(
                        self._dataset, case.case, path, labels[None], self._classes, self._labels
                    )[0]
                read.append(path.relative_to(self._disk.path).as_posix())
        if left:
            there = next(iter(next(iter(files.images.values()))))  # type: ignore[union-attr]
            found = f"slices {', '.join(map(str, sorted(left)[:5]))}, which the truth does not have"
            expected = f"slices {case.numbers[0]} to {case.numbers[-1]}"
            raise CaseError(case.case, there, found, expected, "take them away, or correct {slice}")
        return Found(masks, tuple(read), missing)

    def _stored(self, case: Case, number: int, there: set[int]) -> int:
        """Give the number in a file's name: a patient's further scans count from 1000 on."""
        if "{slice}" not in self._pattern:
            return 0
        if number not in there and case.patient in self._several:
            return number % patterns.STRIDE
        return number

    def _file(self, case: str, name: str, number: int) -> Path | None:
        files = self._files.get(case)
        paths = files.images.get((name, number), []) if files else []
        if len(paths) > 1:
            raise patterns.several(case, paths, name or "one slice")
        return paths[0] if paths else None

    def _picture(self, case: Case, path: Path) -> np.ndarray:
        try:
            labels = decode_labels(self._disk.read_bytes(path, case.case), self._disk.limits)
        except PictureError as error:
            raise CaseError(case.case, path, error.found, error.expected, error.advice) from error
        if labels.shape != case.size:
            found = f"a picture of {labels.shape} pixels"
            advice = "write it on the grid of the image; nothing is resampled here"
            expected = f"{case.size}, as the truth has"
            raise CaseError(case.case, path, found, expected, advice)
        return labels


def _stem(case: str) -> str:
    """Return a case's name as a pattern can hold it: without a folder and a picture's suffix."""
    name = case.rsplit("/", 1)[-1]
    stem, dot, end = name.rpartition(".")
    return stem if dot and end.lower() in ("png", "jpg", "jpeg", "tif", "tiff", "bmp") else name
