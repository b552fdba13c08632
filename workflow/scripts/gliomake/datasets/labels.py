"""From the labels of a mask to a page's classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gliomake.boxes import bounding_box
from gliomake.datasets.base import CaseError


def split_classes(
    case: str,
    path: Path,
    labels: np.ndarray,
    classes: Mapping[str, Sequence[int]],
    ignored: Sequence[int] = (),
    names: Mapping[int, str] | None = None,
) -> tuple[np.ndarray, dict[str, int]]:
    """Turn labels into one mask a class.

    Parameters
    ----------
    case, path
        Whose mask it is, for the error.
    labels : ndarray, shape (slice, height, width)
        0 is background.
    classes : mapping of str to sequence of int
        The labels of each class; a label may be of several. A single class without labels has all
        but 0 and those ignored.
    ignored : sequence of int
        Labels that are background.
    names : mapping of int to str, optional
        What the data set itself calls its labels, for the error.

    Returns
    -------
    ndarray of uint8, shape (slice, class, height, width)
        0 or 1.
    dict of str to int
        How many voxels have each label.

    Raises
    ------
    CaseError
        There is a label that no class has.
    """
    any_label = len(classes) == 1 and not next(iter(classes.values()))
    taken = {label for group in classes.values() for label in group}
    known = {0, *taken, *ignored}
    mask = np.zeros((len(labels), len(classes), *labels.shape[1:]), np.uint8)
    room = bounding_box(labels != 0)  # a small part of a volume
    there, inside = labels[room], mask.transpose(0, 2, 3, 1)[room]
    counted: dict[float, int] = {0: labels.size - int(np.count_nonzero(there))}
    for label in sorted(known - {0}):
        here = there == label
        counted[label] = int(np.count_nonzero(here))
        for index, group in enumerate(classes.values()):
            if label in group and counted[label]:
                inside[..., index] |= here
    values, counts = _values(labels, counted)
    whole = bool(np.all(values == np.rint(values)))
    bad = {
        float(value): int(count)
        for value, count in zip(values, counts, strict=True)
        if value not in known and not (any_label and whole)
    }
    if bad:
        raise _unknown(case, path, bad, classes, ignored, names or {}, whole)
    if any_label:
        inside[..., 0] = ~np.isin(there, [0, *ignored])
    return mask, {f"{value:g}": int(n) for value, n in zip(values, counts, strict=True)}


def _values(labels: np.ndarray, counted: Mapping[float, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the values that there are and how often; all are sorted where some are not known."""
    if sum(counted.values()) < labels.size:
        return np.unique(labels, return_counts=True)
    found = {value: count for value, count in sorted(counted.items()) if count}
    return np.array(list(found)), np.array(list(found.values()))


def _unknown(
    case: str,
    path: Path,
    bad: Mapping[float, int],
    classes: Mapping[str, Sequence[int]],
    ignored: Sequence[int],
    names: Mapping[int, str],
    whole: bool,
) -> CaseError:
    shown = ", ".join(
        f"{value:g}{_called(value, names)} ({count} voxels)"
        for value, count in list(bad.items())[:5]
    )
    expected = "; ".join(
        f"{', '.join(map(str, group)) or 'any'}: {name}" for name, group in classes.items()
    )
    listed = f"; ignored: {', '.join(map(str, ignored))}" if ignored else ""
    labels = ", ".join(f"{value:g}" for value in bad)
    advice = (
        f"give {labels} to a class on the data set's page, or list it under ignore_labels if it is "
        "background"
        if whole
        else "check whether the mask was resampled; restore the original"
    )
    kind = "labels" if whole else "labels that are no whole numbers,"
    return CaseError(case, path, f"{kind} {shown}", f"0: background; {expected}{listed}", advice)


def _called(value: float, names: Mapping[int, str]) -> str:
    name = names.get(int(value))
    return f" {name!r}" if name else ""
