"""How far a scan is from what a model was trained on: refused, warned about, or neither."""

import re

import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.infer.describe import Description
from gliomake.infer.scan import Scan

SMALLEST = 16
"""Height and width of the smallest image that is taken, pixels."""

FAR = 4.0
"""By how much a mean may differ from that of the training data, as a factor."""

REACH = 3.0
"""How far a range may lie outside that of the training data, in lengths of it."""

STRETCH = 1.25
"""By how much height and width may differ where training images are square."""


def check_scan(scan: Scan, about: Description) -> list[str]:
    """Compare a scan with the data that a model was trained on.

    Parameters
    ----------
    scan : Scan
        What was given.
    about : Description
        The model; its fingerprint holds the training data's intensities and sizes.

    Returns
    -------
    list of str
        What a reader must know before they believe the result.

    Raises
    ------
    CaseError
        The model cannot see such a scan at all: of another type, or tiny.
    """
    if about.recipe["intensity"] == "unit" and scan.image.dtype != np.uint8:
        raise _refused(
            scan,
            f"values of the type {scan.image.dtype}",
            f"bytes from 0 to 255: {about.name} was trained on 8-bit images",
            "convert the scan to 8 bits by the same windowing as the training data",
        )
    height, width = scan.size
    if min(height, width) < SMALLEST:
        raise _refused(
            scan,
            f"slices of {height}x{width} pixels",
            f"at least {SMALLEST}x{SMALLEST}",
            "give the scan at its full size",
        )
    return [*_size_warnings(scan, about), *_intensity_warnings(scan, about)]


def _refused(scan: Scan, found: str, expected: str, advice: str) -> CaseError:
    return CaseError(scan.name, scan.name, found, expected, advice)


def _ranges(scan: Scan) -> list[tuple[str, float, float]]:
    return [
        (name, float(scan.image[:, index].min()), float(scan.image[:, index].max()))
        for index, name in enumerate(scan.channels)
    ]


def _size_warnings(scan: Scan, about: Description) -> list[str]:
    height, width = scan.size
    known = [
        (int(match[1]), int(match[2]))
        for size in about.fingerprint.get("sizes", {})
        if (match := re.fullmatch(r"(\d+)x(\d+)", size))
    ]
    if not known:
        return []
    text = ", ".join(f"{h}x{w}" for h, w in known[:3]) + (" and others" if len(known) > 3 else "")
    shape = np.log(height / width)
    if min(abs(shape - np.log(h / w)) for h, w in known) > np.log(STRETCH):
        return [
            f"slices of {height}x{width} pixels, where the training data have {text}: they are "
            f"stretched to {about.image_size}x{about.image_size}, and shapes with them"
        ]
    if all(max(height, width) * 2 < max(each) for each in known):
        return [f"slices of {height}x{width} pixels, where the training data have {text}"]
    return []


def _intensity_warnings(scan: Scan, about: Description) -> list[str]:
    """Compare range and mean of each channel with those of the training data."""
    warnings = []
    trained = about.fingerprint.get("intensity", {})
    for index, (name, low, high) in enumerate(_ranges(scan)):
        if name not in trained and low != high:
            continue
        if low == high:
            warnings.append(f"{name}: blank, {low:g} throughout")
            continue
        facts = trained[name]
        least, most = facts["min"], facts["max"]
        length = max(most - least, 1e-9)
        if low < least - 0.1 * length or high > most + REACH * length:
            warnings.append(
                f"{name}: values from {low:g} to {high:g}, where the training data lie between "
                f"{least:g} and {most:g}: another scanner unit, or no such MRI"
            )
            continue
        # Of a volume the mean is over all slices, as in training; one slice may well be dark.
        mean = float(scan.image[:, index].mean(dtype=np.float64))
        expected = facts["mean"]
        absolute = about.recipe["intensity"] == "unit"
        if absolute and mean > FAR * expected > 0:
            warnings.append(
                f"{name}: mean {mean:.3g}, where the training data have {expected:.3g}: far "
                "brighter than any brain on a black background; perhaps no such MRI, or inverted"
            )
        elif high - least < 0.02 * length:
            warnings.append(
                f"{name}: values up to {high:g}, where the training data reach {most:g}: nearly "
                "blank, or another unit"
            )
    return warnings
