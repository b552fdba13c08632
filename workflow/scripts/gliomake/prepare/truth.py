"""What a data set's masks say of themselves when all cases are seen together."""

from collections.abc import Sequence

import numpy as np

from gliomake.datasets.base import CaseReport, Finding

LARGE = 0.5
"""Share of a case's pixels above which its tumour is doubted."""


def pixels_of(report: CaseReport, classes: Sequence[str]) -> np.ndarray:
    """Return tumour pixels of each slice and class.

    Parameters
    ----------
    report : CaseReport
        An accepted case.
    classes : sequence of str
        The data set's classes.

    Returns
    -------
    ndarray (slice, class) of int
    """
    counts = [[int(row[name]) for name in classes] for row in report.slices]
    return np.array(counts, dtype=np.int64).reshape(-1, len(classes))


def has_tumour(reports: Sequence[CaseReport], classes: Sequence[str]) -> bool:
    """Return whether any slice of any case has a pixel of any class."""
    return any(pixels_of(report, classes).any() for report in reports)


def truth_findings(reports: Sequence[CaseReport], classes: Sequence[str]) -> list[Finding]:
    """Find masks that are mostly tumour or all alike, and classes that never occur.

    Parameters
    ----------
    reports : sequence of CaseReport
        The accepted cases.
    classes : sequence of str
        The data set's classes.

    Returns
    -------
    list of Finding
        Of the kinds ``mostly-tumour``, ``no-tumour``, ``equal-truths`` and ``unused-class``.
    """
    counts = {report.case: pixels_of(report, classes) for report in reports}
    findings = []
    if large := tuple(report.case for report in reports if _share(report, counts) > LARGE):
        message = (
            f"{len(large)} of {len(reports)} cases have tumour in more than half of their pixels: "
            "a mask may be inverted, or mark the brain"
        )
        findings.append(Finding("mostly-tumour", message, large))
    if empty := tuple(case for case, pixels in counts.items() if not pixels.any()):
        message = f"{len(empty)} of {len(reports)} cases have no tumour in any slice"
        findings.append(Finding("no-tumour", message, empty))
    first = next(iter(counts.values()), np.zeros(0))
    if len(reports) > 2 and first.any() and all(np.array_equal(first, c) for c in counts.values()):
        message = (
            f"all {len(reports)} cases have the same number of tumour pixels in every slice: one "
            "mask may stand for all"
        )
        findings.append(Finding("equal-truths", message, tuple(counts)))
    total = sum((pixels.sum(axis=0) for pixels in counts.values()), np.zeros(len(classes), int))
    unused = [name for name, pixels in zip(classes, total, strict=True) if not pixels]
    if unused and total.any():
        message = f"no case has a pixel of {', '.join(unused)}"
        findings.append(Finding("unused-class", message))
    return findings


def _share(report: CaseReport, counts: dict[str, np.ndarray]) -> float:
    pixels = sum(int(row["height"]) * int(row["width"]) for row in report.slices)
    return int(counts[report.case].sum()) / pixels if pixels else 0.0
