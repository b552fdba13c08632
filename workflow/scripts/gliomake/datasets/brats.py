"""BraTS: 2020 as NIfTI or slice files, 2021, and the other releases since 2017."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
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
from gliomake.datasets.brats_decathlon import DecathlonLayout
from gliomake.datasets.brats_findings import findings_across, findings_of_release
from gliomake.datasets.brats_geometry import note_findings
from gliomake.datasets.brats_labels import split_labels
from gliomake.datasets.brats_layout import CHANNELS, CLASSES, Layout
from gliomake.datasets.brats_nifti import NiftiLayout, find_mask
from gliomake.datasets.brats_releases import (
    EXPECTED,
    GRADED,
    choose_release,
    known_release,
    releases_of,
)
from gliomake.datasets.brats_search import Found, choose_layout, no_masks, search, split_unmasked
from gliomake.datasets.brats_slices import SliceLayout
from gliomake.datasets.brats_tables import GRADES, ClinicalTables
from gliomake.datasets.nifti import NiftiHeader
from gliomake.datasets.root import DataRoot, Limits

LAYOUTS = ("auto", "nifti", "slices")


class BratsDataset:
    """A BraTS data set on disk, whichever of its layouts it has.

    A slice is ``array[:, :, k]`` of the NIfTI volume, as it stands: height runs along x, width
    along y. The slice files hold the same.

    Parameters
    ----------
    root : path-like
        The folder of the cases or of the slice files, or one around it.
    name : str, optional
        What the workflow calls the data set; by default ``brats2020`` for releases up to 2020 and
        ``brats2021`` for later ones.
    channel_order : sequence of str
        What the last axis of the slice files' images holds.
    layout : {"auto", "nifti", "slices"}
        Which layout to read where both lie under the root.
    release : str or int
        The release to read, a key of `RELEASES`; ``auto``: by the names of the cases, which must
        not be those of the other data set.
    geometry : {"strict", "grid"}
        Whether the files of a case must have one affine or one voxel grid.
    links, limits
        See `DataRoot`.

    Raises
    ------
    CaseError
        If the root holds no BraTS cases, those of another release or of several, cases without
        masks, or both layouts and `layout` does not choose.
    AccessError
        If the root or a table could not be read.
    ValueError
        If an option is none of those that there are.
    """

    channels: tuple[str, ...] = CHANNELS
    classes: tuple[str, ...] = CLASSES

    def __init__(
        self,
        root: str | Path | DataRoot,
        name: str | None = None,
        channel_order: Sequence[str] = CHANNELS,
        layout: str = "auto",
        release: str | int = "auto",
        geometry: str = "strict",
        links: str = "inside",
        limits: Limits | dict[str, int] | None = None,
    ):
        if layout not in LAYOUTS:
            raise ValueError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}")
        wanted = known_release(release)
        self._data_root = DataRoot.open(root, limits, links)
        self.root = self._data_root.path
        found = search(self._data_root)
        self._layout: Layout
        if choose_layout(self._data_root, layout, found) == "slices":
            self._layout = SliceLayout(found.slices, self._data_root, channel_order)
            choose_release({("2020",): len(self.cases())}, wanted, name, self.root)
        else:
            self._layout = self._open_nifti(found, wanted, name, geometry)
        if not self._layout.has_masks():
            raise no_masks(self.root, len(self.cases()), self._layout.release)
        of_2020 = self._layout.release.id <= "2020"
        self.name = name or ("brats2020" if of_2020 else "brats2021")
        self._expected = EXPECTED.get(name or "")
        self._found = found
        self._tables = ClinicalTables(
            self._table_folders(), self._data_root, self._layout.release.id
        )

    def _open_nifti(self, found: Found, wanted: str, name: str | None, geometry: str) -> Layout:
        present = Counter(releases_of(case) for case in {path.name for path in found.folders})
        decathlon = [
            DecathlonLayout(folder, self._data_root, geometry) for folder in found.decathlon
        ]
        if decathlon:
            present[("decathlon",)] = sum(len(part.cases()) for part in decathlon)
        release = choose_release(present, wanted, name, self.root)
        found.left_out = {ids: count for ids, count in present.items() if release.id not in ids}
        if release.id == "decathlon":
            if len(decathlon) > 1:
                raise CaseError(
                    "",
                    found.decathlon[1],
                    f"a second copy (the first is {found.decathlon[0]})",
                    "one",
                    "point the data set's root at one of them",
                )
            return decathlon[0]
        folders = [path for path in found.folders if release.id in releases_of(path.name)]
        folders, unmasked = split_unmasked(self._data_root, folders)
        found.without_masks += unmasked
        return NiftiLayout(folders, self._data_root, geometry, release)

    def _table_folders(self) -> list[Path]:
        """Where tables may lie: at the root, beside the cases, and around their grades' folders."""
        beside = self._layout.folders
        around = [folder.parent for folder in beside if folder != self.root]
        return list(dict.fromkeys([self.root, *beside, *around]))

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
        report.facts["zeros"] = {
            name: 1 - np.count_nonzero(volume.image[:, index]) / volume.image[:, index].size
            for index, name in enumerate(wanted)
        }
        return report

    def check_root(self) -> list[Problem]:
        """Check the listing and the clinical tables."""
        return self._layout.check_root() + self._tables.problems

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Describe each case: stratum (the grade), folder, and the clinical columns.

        See `ClinicalTables` for the columns; a cell that is not known is the empty string. Where
        the table has no grade it is that of the folder: ``HGG`` or ``LGG``.
        """
        described = {}
        for case in self.cases():
            folder = self._layout.folder(case)
            row = self._tables.row(case)
            row = row | {"grade": row["grade"] or self._grade_of(case)}
            described[case] = {
                "stratum": row["grade"],
                "folder": folder.relative_to(self.root).as_posix(),
                **row,
            }
        return described

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find what only shows across cases, and what of the data set is not as asked for."""
        return [
            *findings_of_release(self._layout.release, self._expected, self._found),
            *self._passed_over(),
            *self._tables_of_others(),
            *self._grades(reports),
            *findings_across(reports),
            *note_findings(reports),
        ]

    def _passed_over(self) -> list[Finding]:
        folders = tuple(self._data_root.passed_over)
        message = f"could not be opened, and were passed over: {', '.join(folders[:5])}"
        return [Finding("passed-over", message, files=folders)] if folders else []

    def _tables_of_others(self) -> list[Finding]:
        """Say so where there are tables, and no case is in them."""
        if not self._tables.rows or any(case in self._tables.rows for case in self.cases()):
            return []
        message = "the tables with grade, age and survival name none of the cases"
        return [Finding("tables", message)]

    def _grades(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Find cases whose folder and table name two grades."""
        cases = tuple(
            report.case
            for report in reports
            if (grade := self._grade_of(report.case))
            and self._tables.row(report.case)["grade"] not in ("", grade)
        )
        message = "the folder (HGG or LGG) is another grade than the table has, which counts"
        return [Finding("grade", message, cases)] if cases else []

    def _grade_of(self, case: str) -> str:
        """Give the grade whose folder a case lies in; 2017 to 2019 have one each."""
        folder = self._layout.folder(case).parent
        grade = (folder.parent if folder.name == case else folder).name.upper()
        return grade if grade in GRADES and self._layout.release.id in GRADED else ""

    def _load(self, case: str, channels: Sequence[str]) -> tuple[Volume, dict[str, Any]]:
        reading = self._layout.read(case, channels)
        patient = self._layout.patient(case)
        volume = Volume(case, patient, reading.slices, reading.image, reading.mask, reading.spacing)
        return volume, reading.facts


def class_masks(dataset: BratsDataset, case: str, path: Path, labels: np.ndarray) -> np.ndarray:
    """Turn a label map of the data set's release into the three classes."""
    return split_labels(case, path, labels, dataset._layout.release)[0]


def mask_place(dataset: BratsDataset, case: str) -> tuple[Path, NiftiHeader] | None:
    """Return the file of a case's mask, and its header: where its voxels lie.

    None where the masks are no NIfTI files of their own.
    """
    layout = dataset._layout
    return find_mask(layout, case) if isinstance(layout, NiftiLayout) else None


# One reader of two data sets: which of them is meant is compared with what is there.
brats2020 = partial(BratsDataset, name="brats2020")
brats2021 = partial(BratsDataset, name="brats2021")


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
