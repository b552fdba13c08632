"""From the labels of a mask to the three tumour classes."""

from pathlib import Path

import numpy as np

from gliomake.datasets.base import CaseError
from gliomake.datasets.brats_layout import CLASSES
from gliomake.datasets.brats_releases import Release, label_advice


def split_labels(
    case: str, path: Path, labels: np.ndarray, release: Release
) -> tuple[np.ndarray, dict[str, int]]:
    """Turn labels (slice, height, width) into masks (slice, class, height, width) and counts.

    Raises
    ------
    CaseError
        There is a label that the release does not have.
    """
    values, counts = np.unique(labels, return_counts=True)
    allowed = (0, *release.labels)
    bad = {
        f"{value:g}": int(count)
        for value, count in zip(values, counts, strict=True)
        if value not in allowed
    }
    if bad:
        fractions = bool(np.any(values != np.rint(values)))
        kind = "labels that are no integers" if fractions else "labels"
        shown = ", ".join(f"{value} ({count} voxels)" for value, count in list(bad.items())[:5])
        raise CaseError(
            case,
            path,
            f"{kind} {shown}",
            f"{', '.join(map(str, allowed))} ({release.title}: {release.describe_labels()})",
            label_advice(release, [float(value) for value in bad]),
        )
    mask = np.zeros((len(labels), len(CLASSES), *labels.shape[1:]), np.uint8)
    for index, name in enumerate(CLASSES):
        same = [label for label, (_, part) in release.labels.items() if part == name]
        np.equal(labels, same[0], out=mask[:, index], casting="unsafe")
        for label in same[1:]:
            mask[:, index] |= labels == label
    return mask, {f"{value:g}": int(n) for value, n in zip(values, counts, strict=True)}
