"""Reader of the LGG set (``kaggle_3m``): a folder a patient, a TIFF a slice, a TIFF a mask."""

import filecmp
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

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
from gliomake.datasets.lgg_table import read_table

CASE = re.compile(r"TCGA_[A-Z0-9]+_[A-Z0-9]+_\d{8}")
# What tifffile and the decoders behind it raise on a damaged file.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    struct.error,
    zlib.error,
    tifffile.TiffFileError,
)


@dataclass(frozen=True)
class _Listing:
    """A case's files by slice number, and those that are neither slice nor mask."""

    images: dict[int, Path]
    masks: dict[int, Path]
    strays: list[Path]
    ignored: list[Path]


class LGGDataset:
    """The LGG set on disk.

    Parameters
    ----------
    root : path-like
        ``kaggle_3m`` itself, or a folder above it. Where the set lies there twice, as in the
        widespread download, one of the copies is read.
    size : int
        Height and width of every slice in pixels.

    Raises
    ------
    CaseError
        If no such set is there, or several that differ.
    """

    name = "lgg"
    channels = ("pre-contrast", "flair", "post-contrast")
    classes = ("tumour",)

    def __init__(self, root: str | Path, size: int = 256) -> None:
        copies = _find_copies(Path(root))
        self.root, self._copies = copies[0], copies[1:]
        self.size = size

    def cases(self) -> list[str]:
        """List the case ids (the folder names), sorted."""
        return self._folders[0]

    @cached_property
    def _folders(self) -> tuple[list[str], list[str]]:
        """The folders that are cases, and those that are not."""
        names = sorted(path.name for path in self.root.iterdir() if path.is_dir())
        cases = [name for name in names if CASE.fullmatch(name)]
        return cases, [name for name in names if not CASE.fullmatch(name)]

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
        """
        picked = channel_indices(self.channels, channels)
        volume, errors = self._read(case)
        if errors:
            raise errors[0]
        image = np.ascontiguousarray(volume.image[:, picked])
        return Volume(case, case, volume.slices, image, volume.mask, None)

    def inspect(self, case: str, channels: Sequence[str] | None = None) -> CaseReport:
        """Load and check a case, all of its channels; every defect found becomes a problem."""
        volume, errors = self._read(case)
        report = CaseReport(case, case, problems=[error.problem for error in errors])
        if errors:
            return report
        report.slices = slice_rows(volume, self.classes)
        numbers = set(volume.slices.tolist())
        report.facts = {
            "intensity": intensity_facts(volume.image, self.channels),
            "missing_sequences": missing_sequences(volume.image),
            "missing_slices": sorted(set(range(1, max(numbers) + 1)) - numbers),
            "ignored_files": [path.name for path in self._list(case).ignored],
            "image_sha256": pixel_hash(volume.image),
            "slice_sha256": slice_hashes(volume.image),
        }
        return report

    def check_root(self) -> list[Problem]:
        """Check that there are cases, that no slice lies astray, and that data.csv can be read."""
        problems = []
        if not self.cases():
            advice = "point the data set's root at the unpacked kaggle_3m folder"
            expected = "folders named TCGA_<institution>_<patient>_<date>"
            problems.append(CaseError("", self.root, "none", expected, advice).problem)
        for name in self._folders[1]:
            slices = sum(1 for _ in (self.root / name).glob("*.tif"))
            if slices:
                found = f"{slices} .tif files in a folder of another name"
                expected = "them in folders named TCGA_<institution>_<patient>_<date>"
                advice = "rename the folder or take it away"
                problems.append(CaseError("", self.root / name, found, expected, advice).problem)
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
        return read_table(path) if path.is_file() else {}

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
            Finding("ignored-folder", f"{name} is no case folder and is not read", files=(name,))
            for name in self._folders[1]
        ]
        findings += self._compare_table()
        for report in reports:
            facts = report.facts
            if missing := facts.get("missing_sequences"):
                message = f"{' and '.join(missing)} missing: filled with FLAIR on every slice"
                findings.append(Finding("missing-sequence", message, (report.case,)))
            if gap := facts.get("missing_slices"):
                message = f"slice numbers {', '.join(map(str, gap))} are not there"
                findings.append(Finding("slice-gap", message, (report.case,)))
            if ignored := facts.get("ignored_files"):
                message = "files that are no slices and are not read"
                findings.append(Finding("ignored-files", message, (report.case,), tuple(ignored)))
        return findings + duplicate_slices(reports)

    def _compare_table(self) -> list[Finding]:
        """Report what folders and data.csv do not share; check_root says if it is unreadable."""
        try:
            table = self.table()
        except CaseError:
            return []
        if not table:
            return [Finding("no-table", f"{self.root / 'data.csv'} is missing")]
        findings = []
        if unlisted := tuple(case for case in self.cases() if _patient(case) not in table):
            message = f"{len(unlisted)} patients have a folder but no row in data.csv"
            findings.append(Finding("not-in-table", message, unlisted))
        if absent := sorted(table.keys() - {_patient(case) for case in self.cases()}):
            message = f"{len(absent)} patients have a row in data.csv but no folder"
            findings.append(Finding("not-in-folder", message, tuple(absent)))
        return findings

    def _list(self, case: str) -> _Listing:
        """Sort a case's files into slices, masks, other TIFFs and files of other kinds."""
        listing = _Listing({}, {}, [], [])
        name = re.compile(rf"{re.escape(case)}_([1-9]\d*)(_mask)?\.tif")
        for path in sorted((self.root / case).iterdir()):
            if match := name.fullmatch(path.name):
                (listing.masks if match[2] else listing.images)[int(match[1])] = path
            elif path.suffix.lower() in (".tif", ".tiff"):
                listing.strays.append(path)
            else:
                listing.ignored.append(path)
        return listing

    def _read(self, case: str) -> tuple[Volume, list[CaseError]]:
        """Read a case; the volume holds sound pixels only where there are no errors."""
        folder = self.root / case
        if CASE.fullmatch(case) and folder.is_dir():
            listing = self._list(case)
            errors = _pairing_errors(case, folder, listing)
        else:
            listing = _Listing({}, {}, [], [])
            advice = "name a case that `cases()` lists"
            errors = [CaseError(case, folder, "no such case", "a case folder", advice)]
        numbers = sorted(listing.images.keys() & listing.masks.keys())
        image = np.zeros((len(numbers), 3, self.size, self.size), np.uint8)
        mask = np.zeros((len(numbers), 1, self.size, self.size), np.uint8)
        for index, number in enumerate(numbers):
            try:
                pixels = self._read_tif(case, listing.images[number], (self.size, self.size, 3))
                image[index] = np.moveaxis(pixels, -1, 0)
            except CaseError as error:
                errors.append(error)
            try:
                mask[index, 0] = self._read_mask(case, listing.masks[number])
            except CaseError as error:
                errors.append(error)
        return Volume(case, case, np.array(numbers, int), image, mask, None), errors

    def _read_mask(self, case: str, path: Path) -> np.ndarray:
        """Read a mask as 0 and 1."""
        stored = self._read_tif(case, path, (self.size, self.size))
        odd = sorted(set(np.unique(stored).tolist()) - {0, 255})
        if odd:
            values = ", ".join(map(str, odd[:5])) + (" ..." if len(odd) > 5 else "")
            advice = "restore the mask from the download: resaving or resizing it blurred its edge"
            raise CaseError(case, path, f"mask values {values}", "only 0 and 255", advice)
        return (stored == 255).astype(np.uint8)

    def _read_tif(self, case: str, path: Path, shape: tuple[int, ...]) -> np.ndarray:
        """Read a TIFF of exactly this shape, uint8."""
        try:
            pixels = tifffile.imread(path)
        except _UNREADABLE as error:
            found = f"an unreadable file ({type(error).__name__}: {error})"
            advice = "it is damaged: restore it from the download"
            raise CaseError(case, path, found, "a TIFF", advice) from error
        if pixels.shape != shape or pixels.dtype != np.uint8:
            advice = "restore it from the download, or leave the case out"
            raise CaseError(
                case, path, _describe(pixels.shape, pixels.dtype), _describe(shape, "uint8"), advice
            )
        return pixels


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


def _describe(shape: tuple[int, ...], dtype: object) -> str:
    """Say a raster's size and mode."""
    return f"{'x'.join(map(str, shape))} {dtype}"


def _pairing_errors(case: str, folder: Path, listing: _Listing) -> list[CaseError]:
    """List what a case's file names alone tell to be wrong."""
    errors = []
    for path in listing.strays:
        expected = f"{case}_<number>.tif or {case}_<number>_mask.tif, numbers from 1, not padded"
        errors.append(CaseError(case, path, "an unexpected name", expected, "rename or remove it"))
    again = "restore the other file from the download, or take this one away"
    for number in sorted(listing.images.keys() - listing.masks.keys()):
        found = "an image without a mask"
        expected = f"{case}_{number}_mask.tif beside it"
        errors.append(CaseError(case, listing.images[number], found, expected, again))
    for number in sorted(listing.masks.keys() - listing.images.keys()):
        found, expected = "a mask without an image", f"{case}_{number}.tif beside it"
        errors.append(CaseError(case, listing.masks[number], found, expected, again))
    if not listing.images and not errors:
        advice = "restore the folder from the download, or take it away"
        errors.append(CaseError(case, folder, "no slices", "at least one", advice))
    return errors


def _find_copies(root: Path) -> list[Path]:
    """Find the folders at or under a root that hold case folders; the same set each time.

    Raises
    ------
    CaseError
        If there is none, or if they differ.
    """
    advice = "point the data set's root at the unpacked kaggle_3m folder"
    if not root.is_dir():
        raise CaseError("", root, "no such folder", "the LGG data set", advice)
    copies = _case_roots(root, depth=3)
    if not copies:
        expected = "folders named TCGA_<institution>_<patient>_<date>"
        raise CaseError("", root, "no case folder here or in its subfolders", expected, advice)
    for copy in copies[1:]:
        if difference := _difference(copies[0], copy):
            found = f"two sets that differ, {copies[0]} and {copy} ({difference})"
            raise CaseError("", root, found, "one set, or copies of one", advice)
    return copies


def _case_roots(folder: Path, depth: int) -> list[Path]:
    """List the folders that hold case folders, this one first; the download nests them twice."""
    subfolders = sorted(path for path in folder.iterdir() if path.is_dir())
    others = [path for path in subfolders if not CASE.fullmatch(path.name)]
    roots = [folder] if len(others) < len(subfolders) else []
    if depth:
        roots += [root for path in others for root in _case_roots(path, depth - 1)]
    return roots


def _difference(first: Path, second: Path) -> str:
    """Name a file in which two copies of the set differ; empty if they are the same.

    Names and sizes are compared for every file, bytes for data.csv and the first file of each
    case: whole copies would be gigabytes to read.
    """
    sizes = [
        {path.relative_to(copy): path.stat().st_size for path in _files(copy)}
        for copy in (first, second)
    ]
    differing = sorted(
        name
        for name in sizes[0].keys() | sizes[1].keys()
        if sizes[0].get(name) != sizes[1].get(name)
    )
    if differing:
        return str(differing[0])
    sample = {name.parent: name for name in sorted(sizes[0], reverse=True)}
    for name in sorted(sample.values()):
        if not filecmp.cmp(first / name, second / name, shallow=False):
            return str(name)
    return ""


def _files(copy: Path) -> list[Path]:
    """List data.csv and the files of the case folders."""
    table = [path for path in (copy / "data.csv",) if path.is_file()]
    folders = (path for path in copy.iterdir() if CASE.fullmatch(path.name) and path.is_dir())
    return table + [path for folder in folders for path in folder.iterdir() if path.is_file()]
