"""Whether the files of a case lie on one grid at one place, and what of it a reader must know."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError, CaseReport, Finding
from gliomake.datasets.nifti import NiftiHeader

GEOMETRIES = ("strict", "grid")
TOLERANCE = 1e-3
"""By how much affines (mm) and voxel edges (mm) of one case may differ: float32 noise."""

_SAID = {
    "mask-geometry": "masks with another affine than their images, taken as their voxels lie "
    "(geometry: grid)",
    "modality-geometry": "images with another affine than the others of their case, taken as their "
    "voxels lie (geometry: grid)",
    "name-and-content": "files whose name does not fit their content, by which they were read",
    "no-orientation": "files that do not say where left and right, front and back are",
    "sform-and-qform": "files whose sform and qform differ",
    "scaled-mask": "masks with a scale factor, which was applied",
    "rounded-labels": "masks with labels that are whole but for rounding, and were rounded",
}


def reference_of(headers: Mapping[str, NiftiHeader]) -> str:
    """Name the file that most others agree with, the first of several."""

    def agreeing(name: str) -> int:
        return sum(_alike(header, headers[name]) for header in headers.values())

    first = next(iter(headers))
    return first if agreeing(first) == len(headers) else max(headers, key=agreeing)


def geometry_errors(
    case: str, files: Mapping[str, Path], headers: Mapping[str, NiftiHeader], geometry: str
) -> list[CaseError]:
    """Find the files whose grid or place is not that of most files of the case.

    Parameters
    ----------
    case : str
        The case.
    files, headers : mapping
        By channel, and the mask by ``seg``.
    geometry : {"strict", "grid"}
        Whether another affine is an error where number and edges of the voxels are the same.
    """
    if not headers:
        return []
    reference = reference_of(headers)
    errors = []
    for name, header in headers.items():
        difference = _difference(header, headers[reference], files[reference].name, geometry)
        if difference:
            errors.append(CaseError(case, files[name], *difference))
    return errors


def geometry_notes(
    files: Mapping[str, Path], headers: Mapping[str, NiftiHeader]
) -> dict[str, dict[str, str]]:
    """Say what is unusual in the headers of a case that is taken: a kind, a file, a sentence."""
    notes: dict[str, dict[str, str]] = defaultdict(dict)
    reference = reference_of(headers)
    for name, header in headers.items():
        for kind, text in header.notes.items():
            notes[kind][files[name].name] = text
        if not _same_place(header, headers[reference]):
            kind = "mask-geometry" if name == "seg" else "modality-geometry"
            found, expected = (_shown(h.affine) for h in (header, headers[reference]))
            text = f"affine {found}, where {files[reference].name} has {expected}"
            notes[kind][files[name].name] = text
    return dict(notes)


def note_findings(reports: Sequence[CaseReport]) -> list[Finding]:
    """Gather the notes of all cases (``facts["notes"]``), a finding a kind."""
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for report in reports:
        for kind, files in report.facts.get("notes", {}).items():
            found[kind] += [(report.case, file, text) for file, text in files.items()]
    findings = []
    for kind, entries in sorted(found.items()):
        (_, file, text), count = entries[0], len(entries)
        cases = tuple(sorted({case for case, _, _ in entries}))
        findings.append(
            Finding(
                kind,
                f"{_SAID.get(kind, 'files')}: {count}; the first is {file}: {text}",
                cases,
                tuple(file for _, file, _ in entries),
            )
        )
    return findings


def _alike(a: NiftiHeader, b: NiftiHeader) -> bool:
    return a is b or (_same_grid(a, b) and _same_place(a, b))


def _same_grid(a: NiftiHeader, b: NiftiHeader) -> bool:
    apart = max(abs(x - y) for x, y in zip(a.spacing, b.spacing, strict=True))
    return a.shape == b.shape and apart <= TOLERANCE


def _same_place(a: NiftiHeader, b: NiftiHeader) -> bool:
    return bool(np.abs(a.affine - b.affine).max() <= TOLERANCE)


def _shown(affine: np.ndarray) -> str:
    return str((affine[:3].round(4) + 0.0).tolist())  # + 0.0: no negative zeros


def _difference(
    header: NiftiHeader, first: NiftiHeader, name: str, geometry: str
) -> tuple[str, str, str] | None:
    """Say in what two headers of one case differ: found, expected, advice."""
    resample = "resample the file to that grid (a mask by nearest neighbour), or leave the case out"
    rewrite = f"write the header of {name} into the file"
    if header.shape != first.shape:
        return f"shape {header.shape}", f"shape {first.shape}, as in {name}", resample
    if not _same_grid(header, first):
        return (
            f"spacing {header.spacing} mm",
            f"spacing {first.spacing} mm, as in {name}",
            f"if its voxels are those of {name} and only its header is another, {rewrite}; if not, "
            f"{resample}",
        )
    if _same_place(header, first):
        return None
    found, expected = (_shown(h.affine) for h in (header, first))
    if _reordered(header, first):
        return (
            f"affine {found}: the same place with its axes in another order or direction "
            f"({header.orientation})",
            f"affine {expected} ({first.orientation}), as in {name}",
            "reorient the file to these axes (nibabel: as_reoriented; nothing is resampled), or, "
            f"if its voxels have that order already, {rewrite}",
        )
    if geometry == "grid":
        return None
    return (
        f"affine {found} ({header.orientation}) on the same grid",
        f"affine {expected} ({first.orientation}), as in {name}",
        "usually the file was saved with another affine and its voxels fit: look at both without "
        f"their headers, and if they fit, {rewrite} (nibabel: Nifti1Image(voxels, image.affine)), "
        "or set `geometry: grid` for this data set to take such files as they lie; resample only "
        "if they do not fit",
    )


def _reordered(header: NiftiHeader, first: NiftiHeader) -> bool:
    """Tell whether two volumes fill the same voxels in space, counted in another order."""
    between = np.linalg.inv(first.affine) @ header.affine
    turn = between[:3, :3].round()
    if not np.array_equal(np.abs(turn) @ np.ones(3), np.ones(3)) or (turn == np.eye(3)).all():
        return False
    last = np.array(header.shape) - 1
    # An axis that runs backwards begins where the other ends.
    start = np.where(turn.sum(axis=1) < 0, np.array(first.shape) - 1, 0)
    same_size = np.array_equal(np.abs(turn) @ last, np.array(first.shape) - 1)
    fits = np.allclose(between[:3], np.column_stack([turn, start]), atol=0.01)
    return same_size and bool(fits)
