"""Masks of the LGG set that contradict what a tumour mask is."""

from collections.abc import Sequence

import numpy as np

from gliomake.datasets.base import CaseReport, Finding, Volume
from gliomake.datasets.spans import runs, written

# Of 24 published patients, the largest tumour covers 12 % of a slice and 29 % of the head there.
_MOST_OF = 0.5
# Of 255; what is as dark in all three sequences is background. At most 1 % of a tumour is.
_DARK = 10
_OUTSIDE = 0.25
# Two equal masks may be chance in a tumour of two slices.
_REPEATED = 3

_MESSAGES = {
    "mostly-tumour": "the mask covers more than half of the slice or of the head: it may be "
    "inverted, or be the head's outline",
    "tumour-outside-head": "the mask lies on the dark background: it may belong to another slice "
    "or be turned",
    "mask-is-image": "the mask equals a channel of its image",
    "repeated-mask": "the same mask on every slice with tumour",
}


def doubtful_slices(volume: Volume) -> dict[str, list[int]]:
    """Return the numbers of the slices whose mask contradicts the image or itself.

    Parameters
    ----------
    volume : Volume
        Image uint8 of shape (slice, 3, height, width), mask (slice, 1, height, width).

    Returns
    -------
    dict
        Kind of finding to slice numbers; without the kinds that were not found.
    """
    mask = volume.mask[:, 0].astype(bool)
    area = mask.sum(axis=(1, 2))
    tumour = area > 0
    head = volume.image.max(axis=1) > _DARK
    outside = (mask & ~head).sum(axis=(1, 2))
    # On a dark slice there is no head to be compared with.
    smaller = np.where(
        head.any(axis=(1, 2)), head.sum(axis=(1, 2)), mask[0].size if len(mask) else 0
    )
    equal = (volume.image == 255 * volume.mask).all(axis=(2, 3)).any(axis=1)
    masks = {slice_.tobytes() for slice_ in mask[tumour]}
    found = {
        "mostly-tumour": area > _MOST_OF * smaller,
        "tumour-outside-head": tumour & (outside > _OUTSIDE * area),
        "mask-is-image": tumour & equal,
        "repeated-mask": tumour & (len(masks) == 1 and tumour.sum() >= _REPEATED),
    }
    return {kind: volume.slices[where].tolist() for kind, where in found.items() if where.any()}


def truth_findings(reports: Sequence[CaseReport]) -> list[Finding]:
    """Return one finding a kind of doubt, with the slices (see `doubtful_slices`)."""
    findings = []
    for kind, message in _MESSAGES.items():
        places = {
            report.case: numbers
            for report in reports
            if (numbers := report.facts.get("doubtful_slices", {}).get(kind))
        }
        if places:
            named = "; ".join(
                f"{case} slice{'s' * (len(numbers) > 1)} {written(runs(numbers))}"
                for case, numbers in list(places.items())[:3]
            )
            more = f"; and {len(places) - 3} more cases" if len(places) > 3 else ""
            findings.append(Finding(kind, f"{message}: {named}{more}", tuple(places)))
    return findings
