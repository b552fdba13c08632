"""Reader of the LGG set (``kaggle_3m``): a folder a patient, a TIFF a slice, a TIFF a mask."""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gliomake.datasets.base import (
    CaseError,
    CaseReport,
    Finding,
    Problem,
    Volume,
    channel_indices,
    duplicate_slices,
    intensity_facts,
    pixel_hash,
    slice_hashes,
    slice_rows,
)
from gliomake.datasets.lgg_layout import (
    CASE,
    SPELLING,
    Listing,
    case_folders,
    find_copies,
    gather,
    list_case,
    pairing_errors,
    pictures_in,
)
from gliomake.datasets.lgg_table import read_table
from gliomake.datasets.lgg_truth import doubtful_slices, truth_findings
from gliomake.datasets.root import DataRoot, Limits
from gliomake.datasets.spans import gaps, written
from gliomake.datasets.tiff import SAVE_AGAIN, TiffError, read_tiff

# Bytes of a file for each byte of its slice: room for any directory, not for a million pages.
_MOST_BYTES = 256


class LGGDataset:
    """The LGG set on disk.

    Parameters
    ----------
    root : path-like
        ``kaggle_3m`` itself, or a folder above it. Where the set lies there twice, as in the
        widespread download, one of the copies is read.
    size : int
        Height and width of every slice in pixels.
    links : {"inside", "anywhere"}
        Whether links that lead out of the root are followed.
    limits : Limits or dict, optional
        What one file may hold at most.

    Raises
    ------
    CaseError
        If no such set is there, or several that differ.
    AccessError
        If the machine could not read the folders.
    """

    name = "lgg"
    channels = ("pre-contrast", "flair", "post-contrast")
    classes = ("tumour",)

    def __init__(
        self,
        root: str | Path,
        size: int = 256,
        links: str = "inside",
        limits: Limits | dict[str, int] | None = None,
    ) -> None:
        self._disk = DataRoot.open(root, limits, links)
        copies = find_copies(self._disk)
        self.root, self._copies = copies[0], copies[1:]
        self.size = size

    def cases(self) -> list[str]:
        """List the case ids (the folder names), sorted."""
        return self._cases

    @cached_property
    def _cases(self) -> list[str]:
        return [path.name for path in case_folders(self._disk, self.root)]

    @cached_property
    def _others(self) -> list[Path]:
        """The folders that are no cases."""
        entries = self._disk.entries(self.root)
        return [path for path in entries if path.is_dir() and not CASE.fullmatch(path.name)]

    def load(self, case: str, channels: Sequence[str] | None = None) -> Volume:
        """Load a case.

        Parameters
        ----------
        case : str
            A case id as listed by `cases`.
        channels : sequence of str, optional
            The channels wanted, in the order wanted; all of them by default.

        Returns
        -------
        Volume
            Image as stored, uint8 of 0 to 255; no spacing, which the set does not tell.

        Raises
        ------
        CaseError
            If the case cannot be used.
        AccessError
            If the machine could not read a file; this says nothing about the case.
        """
        picked = channel_indices(self.channels, channels)
        volume, errors, _ = self._read(case)
        if errors:
            raise errors[0]
        image = np.ascontiguousarray(volume.image[:, picked])
        return Volume(case, case, volume.slices, image, volume.mask, None)

    def inspect(self, case: str, channels: Sequence[str] | None = None) -> CaseReport:
        """Load and check a case, all of its channels; every defect found becomes a problem."""
        volume, errors, listing = self._read(case)
        report = CaseReport(case, case, problems=[error.problem for error in errors])
        if errors:
            return report
        report.slices = slice_rows(volume, self.classes)
        report.facts = {
            "intensity": intensity_facts(volume.image, self.channels),
            "missing_sequences": missing_sequences(volume.image),
            "missing_slices": gaps(volume.slices.tolist()),
            "doubtful_slices": doubtful_slices(volume),
            "ignored_files": [path.name for path in listing.ignored],
            "image_sha256": pixel_hash(volume.image),
            "slice_sha256": slice_hashes(volume.image),
        }
        return report

    def check_root(self) -> list[Problem]:
        """Check that no slice lies astray and that data.csv can be read."""
        problems = []
        for folder in self._others:
            if pictures := pictures_in(self._disk, folder):
                kinds = "/".join(sorted({path.suffix for path in pictures}))
                found = f"{len(pictures)} {kinds} files in a folder of another name"
                advice = "rename the folder or take it away"
                problems.append(CaseError("", folder, found, SPELLING, advice).problem)
        try:
            self.table()
        except CaseError as error:
            problems.append(error.problem)
        return problems

    def table(self) -> dict[str, dict[str, str | None]]:
        """Read ``data.csv``: patient (without the date) to column to value, None where blank.

        Empty where the file is missing.

        Raises
        ------
        CaseError
            If the file is there but is not such a table.
        """
        path = self.root / "data.csv"
        return read_table(path, self._disk) if path in self._disk.entries(self.root) else {}

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Describe each case: institution as ``stratum``, ``folder``, data.csv's columns if any."""
        try:
            table = self.table()
        except CaseError:
            table = {}
        blank = dict.fromkeys(next(iter(table.values()), {}))
        return {
            case: {"stratum": case.split("_")[1], "folder": case} | table.get(_patient(case), blank)
            for case in self.cases()
        }

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Report doubled folders, gaps, missing sequences, duplicates and what data.csv lacks."""
        findings = [
            Finding(
                "doubled-folder",
                f"{copy} holds the same set again; only {self.root} is read",
                files=(str(self.root), str(copy)),
            )
            for copy in self._copies
        ]
        findings += [
            Finding(
                "ignored-folder",
                f"{path.name} is no case folder and is not read",
                files=(path.name,),
            )
            for path in self._others
        ]
        findings += [
            Finding("passed-over", f"{name} could not be opened and is not read", files=(name,))
            for name in self._disk.passed_over
        ]
        findings += self._compare_table()
        for report in reports:
            facts = report.facts
            if missing := facts.get("missing_sequences"):
                message = f"{' and '.join(missing)} missing: filled with FLAIR on every slice"
                findings.append(Finding("missing-sequence", message, (report.case,)))
            if gap := facts.get("missing_slices"):
                count = sum(last - first + 1 for first, last in gap)
                message = f"slice numbers {written(gap)} are not there ({count} in all)"
                findings.append(Finding("slice-gap", message, (report.case,)))
            if ignored := facts.get("ignored_files"):
                message = "files that are no slices and are not read"
                findings.append(Finding("ignored-files", message, (report.case,), tuple(ignored)))
        return findings + truth_findings(reports) + duplicate_slices(reports)

    def _compare_table(self) -> list[Finding]:
        """Report what folders and data.csv do not share; check_root says if it is unreadable."""
        try:
            table = self.table()
        except CaseError:
            return []
        if not table:
            others = [p.name for p in self._disk.entries(self.root) if p.suffix.lower() == ".csv"]
            message = f"{self.root / 'data.csv'} is missing or empty"
            message += f"; not read: {', '.join(others)}" if others else ""
            return [Finding("no-table", message)]
        findings = []
        if unlisted := tuple(case for case in self.cases() if _patient(case) not in table):
            message = f"{len(unlisted)} patients have a folder but no row in data.csv"
            if len(unlisted) == len(self.cases()):
                message += f": not one row of {self.root / 'data.csv'} fits a folder"
            findings.append(Finding("not-in-table", message, unlisted))
        if absent := sorted(table.keys() - {_patient(case) for case in self.cases()}):
            message = f"{len(absent)} patients have a row in data.csv but no folder"
            findings.append(Finding("not-in-folder", message, tuple(absent)))
        return findings

    def _read(self, case: str) -> tuple[Volume, list[CaseError], Listing]:
        """Read a case; the volume holds sound pixels only where there are no errors."""
        folder = self.root / case
        listing = Listing()
        if case in self._cases:
            try:
                self._disk.check_inside(folder, case)
                listing = list_case(self._disk, folder)
                errors = pairing_errors(folder, listing)
            except CaseError as error:
                errors = [error]
        else:
            advice = "name a case that `cases()` lists"
            errors = [CaseError(case, folder, "no such case", "a case folder", advice)]
        numbers = sorted(listing.images.keys() & listing.masks.keys())
        image = np.zeros((len(numbers), 3, self.size, self.size), np.uint8)
        mask = np.zeros((len(numbers), 1, self.size, self.size), np.uint8)
        for index, number in enumerate(numbers):
            pixels = None
            try:
                pixels = self._read_tif(case, listing.images[number], (self.size, self.size, 3))
                image[index] = np.moveaxis(pixels, -1, 0)
            except CaseError as error:
                errors.append(error)
            try:
                mask[index, 0] = self._read_mask(case, listing.masks[number], pixels)
            except CaseError as error:
                errors.append(error)
        volume = Volume(case, case, np.array(numbers, int), image, mask, None)
        return volume, gather(errors), listing

    def _read_mask(self, case: str, path: Path, image: np.ndarray | None) -> np.ndarray:
        """Read a mask as 0 and 1."""
        stored = self._read_tif(case, path, (self.size, self.size))
        counts = np.bincount(stored.ravel(), minlength=256)
        odd = np.flatnonzero(counts[1:255]) + 1
        if len(odd):
            found = f"mask values {', '.join(map(str, odd[:5]))}" + " ..." * (len(odd) > 5)
            advice = (
                "write 255 where the tumour is and 0 elsewhere, or restore it from the download"
            )
            if counts[255]:
                advice = "restore it from the download: resaving or resizing blurred its edge"
            if image is not None and (image == stored[..., None]).all(axis=(0, 1)).any():
                found, advice = "a channel of the image as mask", "restore it from the download"
            raise CaseError(case, path, found, "only 0 and 255", advice)
        return (stored == 255).astype(np.uint8)

    def _read_tif(self, case: str, path: Path, shape: tuple[int, ...]) -> np.ndarray:
        """Read a TIFF of exactly this shape, uint8."""
        size, most = self._disk.check(path, case).st_size, _MOST_BYTES * math.prod(shape)
        if size > most:
            found, expected = f"{size} bytes", f"at most {most} for a slice of this size"
            raise CaseError(case, path, found, expected, SAVE_AGAIN)
        data = self._disk.read_bytes(path, case)
        try:
            return read_tiff(data, shape, self._disk.limits.slice_pixels)
        except TiffError as error:
            raise CaseError(case, path, error.found, error.expected, error.advice) from error


def missing_sequences(image: np.ndarray) -> list[str]:
    """Name the sequences that FLAIR stands in for: equal to it on every slice.

    Parameters
    ----------
    image : ndarray of uint8, shape (slice, 3, height, width)
        Pre-contrast, FLAIR, post-contrast.
    """
    flair = image[:, 1]
    if not flair.any():
        return []
    return [
        name
        for index, name in ((0, "pre-contrast"), (2, "post-contrast"))
        if np.array_equal(image[:, index], flair)
    ]


def _patient(case: str) -> str:
    """Give the id that data.csv knows a case by."""
    return case.rpartition("_")[0]
