"""What every data-set reader offers, and the vocabulary of its findings."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A reason to refuse a case, or the whole data set where ``case`` is empty."""

    case: str
    file: str
    message: str


@dataclass(frozen=True)
class Finding:
    """A fact about the data that refuses nothing but that a reader must know."""

    kind: str
    message: str
    cases: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class CaseError(ValueError):
    """A case that cannot be used.

    Parameters
    ----------
    case : str
        The case; empty where the whole data set is meant.
    file : path-like
        The file or folder at fault.
    found, expected : str
        What was found and what was expected in its place.
    advice : str
        What the user can do.
    """

    def __init__(self, case: str, file: object, found: str, expected: str, advice: str) -> None:
        self.case = case
        self.file = str(file)
        self.found = found
        self.expected = expected
        self.advice = advice
        super().__init__(f"{self.file}: found {found}, expected {expected}; {advice}")

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would rebuild the error from its message alone, and so fail to cross a
        # process pool.
        return type(self), (self.case, self.file, self.found, self.expected, self.advice)

    @property
    def problem(self) -> Problem:
        """The error as an entry of the integrity report."""
        return Problem(self.case, self.file, str(self))


@dataclass(frozen=True)
class Volume:
    """One case in memory.

    Attributes
    ----------
    case, patient : str
        Ids; ``patient`` is empty in a data set that has none.
    slices : ndarray of int, shape (slice,)
        Slice numbers as the data set counts them, ascending.
    image : ndarray, shape (slice, channel, height, width)
        Intensities in the data set's own type and unit.
    mask : ndarray of uint8, shape (slice, class, height, width)
        0 or 1.
    spacing : tuple of float or None
        Voxel size along x, y, z in mm; None where the data set does not say.
    """

    case: str
    patient: str
    slices: np.ndarray
    image: np.ndarray
    mask: np.ndarray
    spacing: tuple[float, float, float] | None


@dataclass
class CaseReport:
    """What one look at a case found.

    Attributes
    ----------
    slices : list of dict
        One a slice: ``slice``, ``height``, ``width`` (pixels) and a tumour-pixel count a class.
    problems : list of Problem
        Reasons to refuse the case; empty where it is sound.
    facts : dict
        What can be said of the case in JSON, for the fingerprint and for `Dataset.compare`.
    """

    case: str
    patient: str
    slices: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class Dataset(Protocol):
    """A data set on disk: list its cases, load one, check one, check them together."""

    name: str
    channels: tuple[str, ...]
    classes: tuple[str, ...]

    def cases(self) -> list[str]:
        """List the case ids, sorted, without reading a pixel."""

    def load(self, case: str, channels: Sequence[str] | None = None) -> Volume:
        """Load a case; raises `CaseError` where it cannot be used."""

    def inspect(self, case: str, channels: Sequence[str] | None = None) -> CaseReport:
        """Load and check a case; what is wrong with it becomes its ``problems``.

        Where each channel is a file of its own, only the voxels of those named are read.
        """

    def check_root(self) -> list[Problem]:
        """Check what belongs to no single case, from listings alone."""

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Describe each case: ``stratum``, ``folder`` and the columns of the set's own tables."""

    def compare(self, reports: Sequence[CaseReport]) -> list[Finding]:
        """Say what only shows when the cases are seen together."""


def channel_indices(available: Sequence[str], wanted: Sequence[str] | None) -> list[int]:
    """Give the positions of the wanted channels, all of them in order for None.

    Raises
    ------
    ValueError
        If a wanted channel is not there.
    """
    if wanted is None:
        return list(range(len(available)))
    unknown = [name for name in wanted if name not in available]
    if unknown:
        raise ValueError(
            f"unknown channels {', '.join(unknown)}: this data set has {', '.join(available)}; "
            "correct `preprocess.channels` in the study's file"
        )
    return [list(available).index(name) for name in wanted]


def slice_rows(volume: Volume, classes: Sequence[str]) -> list[dict[str, Any]]:
    """List size and tumour pixels of each slice, as `CaseReport.slices` wants them."""
    height, width = volume.mask.shape[-2:]
    pixels = volume.mask.sum(axis=(2, 3), dtype=np.int64)
    return [
        {"slice": int(number), "height": height, "width": width}
        | {name: int(count) for name, count in zip(classes, counts, strict=True)}
        for number, counts in zip(volume.slices, pixels, strict=True)
    ]


def intensity_facts(image: np.ndarray, channels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Summarise the intensities of each channel.

    Parameters
    ----------
    image : ndarray, shape (slice, channel, height, width)
        Intensities in any type.
    channels : sequence of str
        The channels' names.

    Returns
    -------
    dict
        ``{channel: {"min", "max", "mean"}}`` in the image's unit.
    """
    return {
        name: {
            "min": float(image[:, index].min()),
            "max": float(image[:, index].max()),
            "mean": float(image[:, index].mean(dtype=np.float64)),
        }
        for index, name in enumerate(channels)
    }


def pixel_hash(pixels: np.ndarray) -> str:
    """Hash pixel values together with their shape and type (sha256, hexadecimal)."""
    digest = hashlib.sha256(f"{pixels.dtype.str} {pixels.shape}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def slice_hashes(image: np.ndarray) -> list[str]:
    """Hash each slice of an image; a blank slice (one value throughout) gets an empty string.

    Parameters
    ----------
    image : ndarray, shape (slice, channel, height, width)
        Intensities in any type.
    """
    return [
        "" if pixels.size == 0 or pixels.min() == pixels.max() else pixel_hash(pixels)
        for pixels in image
    ]


def duplicate_slices(reports: Sequence[CaseReport]) -> list[Finding]:
    """Find slices with the same pixels, within a case and across cases.

    Reads ``facts["slice_sha256"]`` (see `slice_hashes`) in step with ``slices``; blank slices
    are left out.
    """
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for report in reports:
        hashes = report.facts.get("slice_sha256", [])
        if hashes:
            for row, value in zip(report.slices, hashes, strict=True):
                if value:
                    places[value].append((report.case, int(row["slice"])))
    groups: dict[tuple[str, ...], list[list[tuple[str, int]]]] = defaultdict(list)
    for found in places.values():
        if len(found) > 1:
            groups[tuple(sorted({case for case, _ in found}))].append(found)
    findings = []
    for cases, repeats in sorted(groups.items()):
        where = "; ".join(
            " = ".join(f"{case} slice {number}" for case, number in found) for found in repeats[:3]
        )
        more = f" and {len(repeats) - 3} more" if len(repeats) > 3 else ""
        kind = "duplicate-slices" if len(cases) == 1 else "duplicate-slices-across-cases"
        findings.append(Finding(kind, f"identical pixels: {where}{more}", cases))
    return findings
