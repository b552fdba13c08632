"""What every source of predictions offers, and which form is read by which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from gliomake.datasets.base import CaseError, Dataset
from gliomake.datasets.labels import split_classes
from gliomake.datasets.root import DataRoot
from gliomake.study.forms import PICTURES, RESULTS, STORED, suffix

SHOWN = 5
"""How many files or cases a message names."""


class SourceError(ValueError):
    """Predictions that are not those of this data set; the message says which and what to do."""


@dataclass(frozen=True)
class Case:
    """A case of the data set, as the index has it.

    Attributes
    ----------
    case, patient : str
        Ids.
    numbers : ndarray of int, shape (slice,)
        Its slice numbers, ascending.
    size : tuple of int
        Height and width of a slice, pixels.
    """

    case: str
    patient: str
    numbers: np.ndarray
    size: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, height and width."""
        return len(self.numbers), *self.size


@dataclass(frozen=True)
class Found:
    """The prediction of one case.

    Attributes
    ----------
    probability : ndarray, shape (slice, class, height, width)
        Of tumour: uint8 0 or 1 of label maps, else float32 from 0 to 1.
    files : tuple of str
        What was read.
    missing : int
        Slices for which there was nothing, and which are empty.
    note : str
        What a reader must know of it; else empty.
    """

    probability: np.ndarray
    files: tuple[str, ...]
    missing: int = 0
    note: str = ""


class Source(Protocol):
    """Predictions in one form."""

    def cases(self) -> set[str]:
        """Name the cases of the data set for which there is a prediction.

        Raises
        ------
        SourceError
            There is none, or one of a case that the data set does not have.
        """

    def read(self, case: Case) -> Found:
        """Read the prediction of a case on the grid of its truth; nothing there is empty.

        Raises
        ------
        CaseError
            A file is damaged, of another grid, or holds values that it should not.
        AccessError
            The machine could not read it.
        """


SOURCES: dict[str, tuple[str, str]] = {
    "nifti": ("gliomake.brought.volumes", "VolumeSource"),
    "pictures": ("gliomake.brought.pictures", "PictureSource"),
    "results": ("gliomake.brought.coco", "ResultsSource"),
    "stored": ("gliomake.brought.stored", "StoredSource"),
}
"""Imported when asked for: each form has its own libraries."""

OFFERED: dict[str, tuple[str, str]] = {
    "NiftiDataset.class_masks": ("gliomake.datasets.volumes", "class_masks"),
    "NiftiDataset.mask_place": ("gliomake.datasets.volumes", "mask_place"),
    "NiftiDataset.lay": ("gliomake.datasets.volumes", "lay"),
    "ImagesDataset.class_masks": ("gliomake.datasets.slices", "class_masks"),
    "BratsDataset.class_masks": ("gliomake.datasets.brats", "class_masks"),
    "BratsDataset.mask_place": ("gliomake.datasets.brats", "mask_place"),
}
"""What a reader's module offers to the readers of predictions, see `offered`."""


def form_of(pattern: str) -> str:
    """Return the key of `SOURCES` that reads what a pattern stands for.

    Examples
    --------
    >>> form_of("{case}.nii.gz"), form_of("{case}_{slice}.png"), form_of("predictions.h5")
    ('nifti', 'pictures', 'stored')
    """
    end = suffix(pattern)
    named = {RESULTS: "results", STORED: "stored"} | dict.fromkeys(PICTURES, "pictures")
    return named.get(end, "nifti")


def open_source(
    root: str | Path,
    pattern: str,
    *,
    classes: Sequence[str],
    labels: Mapping[str, Sequence[int]],
    dataset: Dataset,
    cases: pd.DataFrame,
) -> Source:
    """Open predictions.

    Parameters
    ----------
    root : path-like
        The folder that holds them.
    pattern : str
        Where they lie in it. Label maps and probabilities in NIfTI and pictures: a path with
        ``{case}``, ``{patient}``, ``{slice}`` and, for a file a class, ``{class}``. A COCO results
        file, which may have ``{folder}``. A ``predictions.h5`` of this workflow.
    classes : sequence of str
        The study's classes.
    labels : mapping of str to sequence of int
        Values of a label map that belong to each class; empty: those of the truth.
    dataset : Dataset
        The opened data set, which knows how its files lie.
    cases : DataFrame
        Its ``cases.tsv``.

    Returns
    -------
    Source
        The predictions.

    Raises
    ------
    SourceError, CaseError
        They are not there, or not of this data set.
    AccessError
        The machine could not read them.
    """
    module, name = SOURCES[form_of(pattern)]
    disk = DataRoot.open(root, None, "anywhere")
    source: Source = getattr(import_module(module), name)(
        disk, pattern, classes, labels, dataset, cases
    )
    return source


def check_cases(
    disk: DataRoot, pattern: str, found: Mapping[str, Any], known: Sequence[str]
) -> set:
    """Check that predictions are of a data set's cases.

    Parameters
    ----------
    disk : DataRoot
        Their folder.
    pattern : str
        By which they were found.
    found : mapping
        By case, what was found: a path, or a list of paths.
    known : sequence of str
        The data set's cases.

    Returns
    -------
    set of str
        The cases.

    Raises
    ------
    SourceError
        Some are of no such case, or none is there.
    """
    extra = sorted(set(found) - set(known))
    common = set(found) & set(known)
    if common and not extra:
        return common
    shown = ", ".join(f"{case} ({_first(found[case])})" for case in extra[:SHOWN])
    more = f" and {len(extra) - SHOWN} more" if len(extra) > SHOWN else ""
    few = ", ".join(sorted(known)[:SHOWN]) + (", ..." if len(known) > SHOWN else "")
    what = f"predictions of {len(extra)} cases that the data set does not have: {shown}{more}"
    if not found:
        what = f"no file that fits {pattern!r}"
    elif not common:
        what = f"no prediction of any of its cases, but {what}"
    raise SourceError(
        f"{disk.path}: found {what}; expected predictions of the data set's {len(known)} cases "
        f"({few}). Take away what is not meant, or correct `predictions.pattern` so that {{case}} "
        "stands for a case's name"
    )


def _first(found: Any) -> str:
    while isinstance(found, Mapping | list | tuple):
        found = next(iter(found.values() if isinstance(found, Mapping) else found), "")
    return getattr(found, "name", str(found))


def offered(dataset: Dataset, name: str) -> Callable[..., Any] | None:
    """Give what the module of a reader offers to the readers of predictions.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    name : str
        ``class_masks(case, path, labels)``: the classes of a label map. ``mask_place(case)``: file
        and header of a mask in NIfTI. ``lay(case, array)``: a stored volume as it is read. They
        stand beside the reader's class, not in it: data do not hang on them.

    Returns
    -------
    callable or None
        Bound to the data set; None where the module has none.
    """
    entry = OFFERED.get(f"{type(dataset).__name__}.{name}")
    return partial(getattr(import_module(entry[0]), entry[1]), dataset) if entry else None


def label_masks(
    dataset: Dataset,
    case: str,
    path: Path,
    values: np.ndarray,
    classes: Sequence[str],
    labels: Mapping[str, Sequence[int]],
) -> np.ndarray:
    """Turn a label map into one mask for each of a study's classes.

    Parameters
    ----------
    dataset : Dataset
        The data set, by which the labels are understood where `labels` is empty.
    case, path
        Whose label map it is, for the error.
    values : ndarray, shape (slice, height, width)
        The label map.
    classes : sequence of str
        The study's classes.
    labels : mapping of str to sequence of int
        The values of each class, or nothing.

    Returns
    -------
    ndarray of uint8, shape (slice, class, height, width)
        0 or 1.

    Raises
    ------
    CaseError
        There is a label that no class has.
    SourceError
        Nobody says which label is which class.
    """
    own = offered(dataset, "class_masks")
    try:
        if labels:
            return split_classes(case, path, values, {name: labels[name] for name in classes})[0]
        if own is not None:
            return study_masks(own(case, path, values), dataset.classes, classes)
    except CaseError as error:
        raise _unknown_values(error, values, classes) from None
    if len(classes) > 1:
        raise SourceError(
            f"{path}: found a label map, and data set {dataset.name} does not say which of its "
            f"values is which of {', '.join(classes)}; say it in `predictions.labels`, such as "
            f"{{{classes[0]}: [1]}}"
        )
    return split_classes(case, path, values, {classes[0]: ()})[0]


def _unknown_values(error: CaseError, values: np.ndarray, classes: Sequence[str]) -> CaseError:
    """Word for predictions what was found wrong with a label map."""
    low, high = float(values.min()), float(values.max())
    if low < 0 or np.any(values != np.rint(values)):
        found, expected = f"values from {low:g} to {high:g}", f"labels ({error.expected})"
        if len(classes) == 1:
            expected += ", or probabilities from 0 to 1"
        advice = (
            "resample label maps by nearest neighbour; write probabilities, not logits or "
            "percentages"
        )
        return CaseError(error.case, error.file, found, expected, advice)
    advice = (
        f"say what the values mean in `predictions.labels` of the study's page, such as "
        f"{{{classes[0]}: [1]}}; for `gliomake score` it is --prediction-labels 1={classes[0]}"
    )
    return CaseError(error.case, error.file, error.found, error.expected, advice)


def study_masks(masks: np.ndarray, known: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Choose a study's classes among a data set's, as its preprocessed slices have them.

    Parameters
    ----------
    masks : ndarray, shape (slice, class, height, width)
        Of the data set's classes.
    known, classes : sequence of str
        The data set's classes and the study's. A single one of another name is any of them.

    Returns
    -------
    ndarray, shape (slice, class, height, width)
        Of the study's classes.
    """
    if tuple(classes) == tuple(known):
        return masks
    if set(classes) <= set(known):
        return masks[:, [list(known).index(name) for name in classes]]
    return masks.max(axis=1, keepdims=True)


def share_error(case: str, path: object, values: np.ndarray) -> CaseError | None:
    """Refuse probabilities that are no numbers from 0 to 1."""
    low, high = float(np.min(values)), float(np.max(values))
    if low >= 0 and high <= 1:
        return None
    found = f"values from {low:g} to {high:g}"
    advice = "write probabilities, not logits or percentages"
    return CaseError(case, path, found, "probabilities from 0 to 1", advice)
