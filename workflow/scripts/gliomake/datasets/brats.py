"""BraTS: 2020 as NIfTI or slice files, 2021, and the names and labels of 2023."""

import os
from collections import defaultdict
from collections.abc import Sequence
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
    pixel_hash,
    slice_rows,
)
from gliomake.datasets.brats_geometry import note_findings
from gliomake.datasets.brats_layout import CHANNELS, CLASSES, Layout
from gliomake.datasets.brats_nifti import NAMINGS, NiftiLayout, naming_of
from gliomake.datasets.brats_slices import SLICE_FILE, SliceLayout
from gliomake.datasets.brats_tables import ClinicalTables
from gliomake.datasets.root import DataRoot, Limits

LAYOUTS = ("auto", "nifti", "slices")
DEPTH = 4
"""How many folders below the root are searched: downloads wrap the cases in two or three."""


class BratsDataset:
    """A BraTS data set on disk, whichever of its layouts it has.

    A slice is ``array[:, :, k]`` of the NIfTI volume, as it stands: height runs along x, width
    along y. The slice files hold the same.

    Parameters
    ----------
    root : path-like
        The folder of the cases or of the slice files, or one around it.
    name : str, optional
        What the workflow calls the data set; by default ``brats2020`` or ``brats2021``, by the
        names of the cases.
    channel_order : sequence of str
        What the last axis of the slice files' images holds.
    layout : {"auto", "nifti", "slices"}
        Which layout to read where both lie under the root.
    geometry : {"strict", "grid"}
        Whether the NIfTI files of a case must have one affine, or one voxel grid will do.
    limits, links
        See `DataRoot`.

    Raises
    ------
    CaseError
        If the root holds no BraTS cases, or both layouts and `layout` does not choose.
    """

    channels: tuple[str, ...] = CHANNELS
    classes: tuple[str, ...] = CLASSES

    def __init__(
        self,
        root: str | Path,
        name: str | None = None,
        channel_order: Sequence[str] = CHANNELS,
        layout: str = "auto",
        geometry: str = "strict",
        limits: Limits | dict[str, int] | None = None,
        links: str = "inside",
    ):
        if layout not in LAYOUTS:
            raise ValueError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}")
        self.root = Path(root)
        folders, files = _search(self.root)
        self._layout: Layout
        if _choose(self.root, layout, bool(folders), bool(files)) == "nifti":
            files_root = DataRoot.open(self.root, limits, links)
            self._layout = NiftiLayout(folders, files_root, geometry)
        else:
            self._layout = SliceLayout(files, channel_order)
        of_2020 = self.cases()[0].startswith("BraTS20_")
        self.name = name or ("brats2020" if of_2020 else "brats2021")
        self._tables = ClinicalTables([self.root, *self._layout.folders])

    def cases(self) -> list[str]:
        """List the case ids, sorted, without reading a voxel."""
        return self._layout.cases()

    def load(self, case: str, channels: Sequence[str] | None = None) -> Volume:
        """Load a case; of NIfTI files only the mask and the wanted channels are opened.

        Raises
        ------
        CaseError
            If a file is missing, doubled or damaged, does not fit the others, or holds values
            that it should not.
        """
        wanted = [CHANNELS[index] for index in channel_indices(CHANNELS, channels)]
        return self._load(case, wanted)[0]

    def inspect(self, case: str, channels: Sequence[str] | None = None) -> CaseReport:
        """Load and check a case; what is wrong with it becomes its ``problems``.

        Parameters
        ----------
        case : str
            The case.
        channels : sequence of str, optional
            Whose voxels to read. Of the others only the headers are checked.
        """
        report = CaseReport(case, self._layout.patient(case))
        report.problems = [error.problem for error in self._layout.check(case, CHANNELS)]
        if report.problems:
            return report
        wanted = [CHANNELS[index] for index in channel_indices(CHANNELS, channels)]
        try:
            volume, facts = self._load(case, wanted)
        except CaseError as error:
            report.problems.append(error.problem)
            return report
        report.slices = slice_rows(volume, CLASSES)
        report.facts = facts | {
            "spacing": list(volume.spacing or ()),
            "shape": [*volume.image.shape[2:], len(volume.image)],
            "intensity": {
                name: _intensity(volume.image[:, index]) for index, name in enumerate(wanted)
            },
            "sha256": {
                name: pixel_hash(volume.image[:, index]) for index, name in enumerate(wanted)
            },
        }
        report.facts["missing_sequences"] = _repeated(report.facts)
        return report

    def check_root(self) -> list[Problem]:
        """Check the listing and the clinical tables."""
        return self._layout.check_root() + self._tables.problems

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Describe each case: stratum (the grade), folder, and the clinical columns.

        See `ClinicalTables` for the columns; a cell that is not known is the empty string.
        """
        described = {}
        for case in self.cases():
            row = self._tables.row(case)
            folder = self._layout.folder(case)
            described[case] = {
                "stratum": row["grade"],
                "folder": folder.relative_to(self.root).as_posix(),
                **row,
            }
        return described

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find volumes that are there twice, cases without tumour, and differing geometry."""
        return [
            *_duplicates(reports),
            *_empty_masks(reports),
            *_geometries(reports),
            *note_findings(reports),
        ]

    def _load(self, case: str, channels: Sequence[str]) -> tuple[Volume, dict[str, Any]]:
        reading = self._layout.read(case, channels)
        patient = self._layout.patient(case)
        volume = Volume(case, patient, reading.slices, reading.image, reading.mask, reading.spacing)
        return volume, reading.facts


def _search(root: Path) -> tuple[list[Path], list[Path]]:
    """Find case folders and slice files below a root."""
    if not root.is_dir():
        raise CaseError("", root, "no such folder", "the data set's root", "correct its path")
    folders: list[Path] = []
    files: list[Path] = []
    for place, names, file_names in os.walk(root, followlinks=True):
        here = Path(place)
        folders += [here / name for name in names if naming_of(name)]
        files += [here / name for name in file_names if SLICE_FILE.fullmatch(name)]
        deep = len(here.relative_to(root).parts) >= DEPTH
        names[:] = [] if deep else sorted(n for n in names if not naming_of(n) and n[0] != ".")
    return folders, files


def _choose(root: Path, layout: str, folders: bool, files: bool) -> str:
    present = [name for name, there in (("nifti", folders), ("slices", files)) if there]
    if layout in present:
        return layout
    if layout == "auto" and len(present) == 1:
        return present[0]
    if layout == "auto" and present:
        raise CaseError(
            "",
            root,
            "case folders and slice files",
            "one of the two",
            "point the data set's root at the folder of one of them",
        )
    expected = {
        "nifti": "folders named " + " or ".join(naming.case.pattern for naming in NAMINGS),
        "slices": f"files named {SLICE_FILE.pattern}",
    }
    kinds = list(expected) if layout == "auto" else [layout]
    raise CaseError(
        "",
        root,
        "no BraTS case",
        ", or ".join(expected[kind] for kind in kinds),
        "point the data set's root at the unpacked download",
    )


def _intensity(image: np.ndarray) -> dict[str, float]:
    """Summarise one channel: its range and mean, and two percentiles of its non-zero values."""
    low, high = np.percentile(image[image != 0], (1, 99)) if image.any() else (0.0, 0.0)
    return {
        "min": float(image.min()),
        "max": float(image.max()),
        "mean": float(image.mean(dtype=np.float64)),
        "p1": float(low),
        "p99": float(high),
    }


def _repeated(facts: dict[str, Any]) -> list[str]:
    """Name the channels that repeat an earlier one or are blank: a sequence was filled in."""
    seen: set[str] = set()
    repeated = []
    for name, digest in facts["sha256"].items():
        if digest in seen or facts["intensity"][name]["min"] == facts["intensity"][name]["max"]:
            repeated.append(name)
        seen.add(digest)
    return repeated


def _duplicates(reports: Sequence[CaseReport]) -> list[Finding]:
    groups: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        for digest in set(report.facts.get("sha256", {}).values()):
            groups[digest].append(report.case)
    repeats = sorted({tuple(cases) for cases in groups.values() if len(cases) > 1})
    return [
        Finding("duplicate-cases", f"the same volume in {' and '.join(cases)}", cases)
        for cases in repeats
    ]


def _empty_masks(reports: Sequence[CaseReport]) -> list[Finding]:
    empty = tuple(
        report.case
        for report in reports
        if report.slices and not any(row[name] for row in report.slices for name in CLASSES)
    )
    message = f"{len(empty)} of {len(reports)} cases have no tumour in any slice"
    return [Finding("no-tumour", message, empty)] if empty else []


def _geometries(reports: Sequence[CaseReport]) -> list[Finding]:
    """Say where shape, spacing or orientation is not that of most cases."""
    findings = []
    for fact in ("shape", "spacing", "orientation"):
        groups: dict[str, list[str]] = defaultdict(list)
        for report in reports:
            if fact in report.facts:
                groups[str(report.facts[fact])].append(report.case)
        common = max(groups, key=lambda value: len(groups[value]), default="")
        findings += [
            Finding(f"differing-{fact}", f"{fact} {value} where most have {common}", tuple(cases))
            for value, cases in sorted(groups.items())
            if value != common
        ]
    return findings
