"""Slices in HDF5 as any data set may have them: ``image`` and ``mask`` in one file a slice."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gliomake.datasets import patterns
from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Finding,
    Volume,
    duplicate_slices,
    intensity_facts,
    slice_hashes,
    slice_rows,
)
from gliomake.datasets.brats_hdf5 import read_slice
from gliomake.datasets.paged import PagedDataset
from gliomake.datasets.root import DataRoot, Limits


class SliceFilesDataset(PagedDataset):
    """HDF5 files of one slice each: ``image`` (height, width, channel), ``mask`` (..., class).

    Channels and classes lie in the page's order; masks are 0 and 1, and classes do not overlap.

    Parameters
    ----------
    root : path-like
        The folder at which the pattern starts.
    channels, classes : mapping
        The page's, in the order of the files' last axes.
    files : str
        A pattern with ``{slice}``, see `gliomake.datasets.patterns`.
    patient, strata, links, limits
        See `PagedDataset`.
    orientation : {"upright", "transposed"}
        How figures show the slices; pixels stay as they are stored.

    Raises
    ------
    CaseError
        No file fits.
    AccessError
        The root could not be read.
    """

    name = "slices-h5"

    def __init__(
        self,
        root: str | Path | DataRoot,
        channels: Mapping[str, str],
        classes: Mapping[str, Sequence[int]],
        files: str,
        patient: str | None = None,
        strata: str | Mapping[str, str] | None = None,
        orientation: str = "upright",
        links: str = "inside",
        limits: Limits | dict[str, int] | None = None,
    ):
        super().__init__(root, channels, classes, patient, strata, links, limits)
        self._find(self.root, files, None, channels)

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find slices with the same pixels."""
        return [*super().compare(reports), *duplicate_slices(reports)]

    def _check(self, case: str) -> list[CaseError]:
        """Find slices that are there twice."""
        return super()._check(case) + [
            patterns.several(case, paths, f"slice {number}")
            for (_, number), paths in sorted(self._cases[case].images.items())
            if len(paths) > 1
        ]

    def _read(self, case: str, channels: Sequence[str]) -> tuple[Volume, dict[str, Any]]:
        for error in self._check(case):
            raise error
        files = {number: paths[0] for (_, number), paths in self._cases[case].images.items()}
        numbers = sorted(files)
        columns = [self.channels.index(name) for name in channels]
        images, masks, types = [], [], set()
        for number in numbers:
            pixels, parts, stored = read_slice(
                self._disk, files[number], case, len(self.channels), len(self.classes)
            )
            images.append(pixels[..., columns].transpose(2, 0, 1))
            masks.append(parts.transpose(2, 0, 1))
            types.add(stored)
            if images[-1].shape != images[0].shape:
                found = f"a slice of {pixels.shape[:2]} pixels"
                expected = f"{images[0].shape[1:]}, as in the case's first slice"
                advice = "restore the original file, or leave the case out"
                raise CaseError(case, files[number], found, expected, advice)
        slices = np.array(self._numbered(case, numbers, files[numbers[0]]))
        volume = Volume(case, self._patients[case], slices, np.stack(images), np.stack(masks), None)
        return volume, {"layout": "slices-h5", "dtype": sorted(types)}

    def _describe(
        self, report: CaseReport, volume: Volume, facts: dict[str, Any], channels: Sequence[str]
    ) -> None:
        report.slices = slice_rows(volume, self.classes)
        report.facts = facts | {
            "spacing": None,
            "intensity": intensity_facts(volume.image, channels),
            "slice_sha256": slice_hashes(volume.image),
        }
