"""Images that are there twice, exactly or nearly: copies, and neighbouring slices of one head."""

import base64
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

from gliomake.datasets.base import CaseReport, Finding

SIDE = 32
"""Height and width of a thumbnail, pixels."""

MIN_CORRELATION = 0.75
"""Edge correlation from which two images count as near duplicates.

Tried on 429 images of the public brain-tumour set, where file numbers run on within a patient: of
60 pairs above it, 55 have numbers at most 12 apart, and the other five show one head to the eye.
Plain grey values tell worse, because all heads are bright ovals on black.
"""

_SHOWN = 5
_ROWS = 512  # of the correlation matrix at once


def thumbnail(grey: np.ndarray) -> str:
    """Shrink an image to `SIDE` x `SIDE` bytes.

    Parameters
    ----------
    grey : ndarray, (height, width) uint8
        The image.

    Returns
    -------
    str
        The bytes, row by row, in base64.
    """
    small = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BOX)
    return base64.b64encode(small.tobytes()).decode()


def edge_vectors(thumbnails: Sequence[str]) -> np.ndarray:
    """Give the edges of thumbnails as unit vectors, whose products are correlations.

    Parameters
    ----------
    thumbnails : sequence of str
        As `thumbnail` gives them.

    Returns
    -------
    ndarray, (image, edge) float32
        Horizontal and vertical differences, centred and of length 1; 0 for a flat image.
    """
    raw = b"".join(base64.b64decode(text) for text in thumbnails)
    grey = np.frombuffer(raw, np.uint8).reshape(-1, SIDE, SIDE).astype(np.float32)
    edges = np.stack(
        [np.diff(grey, axis=2)[:, :-1], np.diff(grey, axis=1)[:, :, :-1]], axis=1
    ).reshape(len(grey), 2 * (SIDE - 1) ** 2)
    edges -= edges.mean(axis=1, keepdims=True)
    length = np.linalg.norm(edges, axis=1, keepdims=True)
    return np.divide(edges, length, out=np.zeros_like(edges), where=length > 0)


def near_pairs(thumbnails: Sequence[str]) -> list[tuple[float, int, int]]:
    """Find the pairs of images whose edges correlate, the strongest first.

    Returns
    -------
    list of (float, int, int)
        Correlation and the two indices, the lower one first.
    """
    vectors = edge_vectors(thumbnails)
    pairs = []
    for start in range(0, len(vectors), _ROWS):
        r = vectors[start : start + _ROWS] @ vectors.T
        for row, column in np.argwhere(r >= MIN_CORRELATION):
            if start + row < column:
                pairs.append((float(r[row, column]), int(start + row), int(column)))
    return sorted(pairs, key=lambda pair: (-round(pair[0], 6), pair[1:]))


def image_duplicates(reports: Sequence[CaseReport]) -> list[Finding]:
    """Find images that are there twice, and say whether the copies lie in different folders.

    Parameters
    ----------
    reports : sequence of CaseReport
        With the facts ``folder``, ``sha256`` (of the pixels) and ``thumbnail``.

    Returns
    -------
    list of Finding
        At most one of each kind: ``exact-duplicates`` and ``near-duplicates`` within a folder,
        the same with ``-across-folders`` where a copy leaks from one subset into another.
    """
    reports = [report for report in reports if "thumbnail" in report.facts]
    groups: dict[str, list[CaseReport]] = defaultdict(list)
    for report in reports:
        groups[report.facts["sha256"]].append(report)
    exact = [(1.0, group[0], other) for group in groups.values() for other in group[1:]]
    # One image stands for its exact copies: they would only repeat its pairs.
    single = [group[0] for group in groups.values()]
    near = [
        (r, single[first], single[second])
        for r, first, second in near_pairs([report.facts["thumbnail"] for report in single])
    ]
    return [
        *_findings("exact-duplicates", "with identical pixels", exact),
        *_findings("near-duplicates", "that look alike (copies, or slices of one head)", near),
    ]


def _findings(
    kind: str, what: str, pairs: list[tuple[float, CaseReport, CaseReport]]
) -> list[Finding]:
    """Gather pairs into a finding across folders and one within them."""
    findings = []
    for across in (True, False):
        chosen = [
            (r, first, second)
            for r, first, second in pairs
            if (first.facts["folder"] != second.facts["folder"]) == across
        ]
        if not chosen:
            continue
        cases = sorted({report.case for _, *pair in chosen for report in pair})
        shown = "; ".join(f"{a.case} and {b.case} (r = {r:.3f})" for r, a, b in chosen[:_SHOWN])
        more = f"; and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else ""
        where = "in different folders, a leak between subsets" if across else "in one folder"
        findings.append(
            Finding(
                kind + ("-across-folders" if across else ""),
                f"{len(chosen)} pairs of images {what} {where}: {shown}{more}",
                tuple(cases),
            )
        )
    return findings
