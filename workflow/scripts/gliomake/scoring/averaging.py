"""Scores from integer counts, under a named convention. Nothing else computes a score.

The counts of an element (a slice, a patient, a whole subset) are its true positive, false
positive, false negative and true negative pixels, always in this order.

Conventions
-----------
``pooled``
    All pixels of the subset in one count.
``patient``
    A patient's slices in one count, then the mean over patients.
``slice-empty1``, ``slice-empty0``, ``slice-skip``
    The mean over slices; a slice that is empty in truth and prediction counts 1, counts 0, or
    is left out.
``slice-tumour``
    The mean over the slices that have tumour in the truth.
``image``
    Classification: an image is one pixel, all images in one count.

What 0/0 means
--------------
- In ``pooled`` and ``image`` a 0/0 is undefined: NaN here, ``null`` in files, never 0 or 1.
- An element that is empty in truth and prediction is left out of the mean by ``patient`` and
  ``slice-skip``. Its 0/0 counts 1 under ``slice-empty1`` and 0 under ``slice-empty0``; its accuracy
  and its specificity are no 0/0 but 1, and stay 1.
- An element that is empty in one of the two only counts 0 where its score is 0/0: precision with
  nothing predicted, recall with nothing there.
- The specificity of an element without any background is undefined, and left out of a mean.
- A mean over no elements is undefined, and so is a mean over classes if one of them is undefined.
"""

from collections.abc import Sequence

import numpy as np

from gliomake.scoring.metrics import COUNT_COLUMNS, count_metric

MEANS = ("patient", "slice-empty1", "slice-empty0", "slice-skip", "slice-tumour")
SEGMENTATION_CONVENTIONS = ("pooled", *MEANS)
CONVENTIONS = (*SEGMENTATION_CONVENTIONS, "image")
# These pool all pixels; the others are means over elements.
ONE_COUNT = ("pooled", "image")


def _check_counts(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts)
    if counts.ndim < 1 or counts.shape[-1] != 4:
        raise ValueError(f"counts have shape {counts.shape}: expected (..., 4) for tp, fp, fn, tn")
    if counts.size and counts.min() < 0:
        raise ValueError(f"counts hold {counts.min()}: expected numbers of pixels, 0 or more")
    return counts


def element_scores(counts: np.ndarray, metric: str) -> np.ndarray:
    """Compute the score of each element by itself, with no rule for 0/0.

    Parameters
    ----------
    counts : ndarray (..., 4) of int
        Pixels: tp, fp, fn, tn.
    metric : str
        As `count_metric` takes it.

    Returns
    -------
    ndarray (...) of float64
        NaN where the score is 0/0.

    Raises
    ------
    ValueError
        If the metric is unknown or the counts are not such counts.

    Examples
    --------
    >>> element_scores(np.array([[8, 1, 1, 90], [0, 0, 0, 100]]), "iou")
    array([0.8, nan])
    """
    counts = _check_counts(counts)
    cells = (counts[..., column] for column in range(len(COUNT_COLUMNS)))
    numerator, denominator = count_metric(metric).fraction(*cells)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.true_divide(numerator, denominator))


def convention_scores(counts: np.ndarray, metric: str, convention: str) -> np.ndarray:
    """Compute the scores of the elements that a convention averages.

    Parameters
    ----------
    counts : ndarray (..., 4) of int
        Pixels of each slice, or of each patient where the convention is ``patient``.
    metric, convention : str
        What to compute; ``pooled`` and ``image`` average nothing and are refused.

    Returns
    -------
    ndarray (...) of float64
        The score with the convention's rule for 0/0 applied; NaN where the element is left out.

    Raises
    ------
    ValueError
        If metric or convention is unknown.

    Examples
    --------
    A slice that is empty in truth and prediction, under two conventions:

    >>> counts = np.array([[8, 1, 1, 90], [0, 0, 0, 100]])
    >>> convention_scores(counts, "iou", "slice-empty1")
    array([0.8, 1. ])
    >>> convention_scores(counts, "iou", "slice-skip")
    array([0.8, nan])
    """
    if convention not in MEANS:
        raise ValueError(
            f"{convention!r} is no mean over elements: expected one of {', '.join(MEANS)}"
        )
    values = element_scores(counts, metric)
    counts = np.asarray(counts)
    tp, fp, fn = counts[..., 0], counts[..., 1], counts[..., 2]
    truth, predicted = tp + fn > 0, tp + fp > 0
    one_empty = (truth != predicted) & (not count_metric(metric).of_background)
    values = np.where(np.isnan(values) & one_empty, 0, values)
    both_empty = ~truth & ~predicted
    match convention:
        case "slice-empty1" | "slice-empty0":
            stand_in = 1.0 if convention == "slice-empty1" else 0.0
            return np.where(both_empty & np.isnan(values), stand_in, values)
        case "slice-tumour":
            return np.where(truth, values, np.nan)
        case _:
            return np.where(both_empty, np.nan, values)


def score(
    counts: np.ndarray, metric: str, convention: str, patient: Sequence[str] | None = None
) -> tuple[float, int]:
    """Compute the score of the slices of one class and subset under one convention.

    Parameters
    ----------
    counts : ndarray (n, 4) of int
        Pixels of each slice: tp, fp, fn, tn.
    metric, convention : str
        What to compute, by the names in `COUNT_METRICS` and `CONVENTIONS`.
    patient : sequence (n,) of str, optional
        The patient of each slice; the ``patient`` convention needs it.

    Returns
    -------
    value : float
        NaN where the score is undefined.
    n : int
        How many slices were pooled, or elements averaged.

    Raises
    ------
    ValueError
        If the ``patient`` convention has no patients, or a name is unknown.

    Examples
    --------
    >>> counts = np.array([[8, 1, 1, 90], [0, 0, 0, 100], [0, 2, 0, 98]])
    >>> score(counts, "dice", "slice-empty1")
    (0.6296296296296297, 3)
    >>> score(counts, "dice", "patient", patient=["a", "a", "b"])
    (0.4444444444444444, 2)
    """
    counts = _check_counts(counts)
    if convention in ONE_COUNT:
        return float(element_scores(counts.sum(axis=0), metric)), len(counts)
    if convention == "patient":
        counts = _sum_by_patient(counts, patient)
    values = convention_scores(counts, metric, convention)
    values = values[~np.isnan(values)]
    return (float(values.mean()) if len(values) else float("nan")), len(values)


def _sum_by_patient(counts: np.ndarray, patient: Sequence[str] | None) -> np.ndarray:
    if patient is None or len(patient) != len(counts):
        found = "none" if patient is None else len(patient)
        raise ValueError(
            "the averaging rule patient needs a patient for each of "
            f"{len(counts)} slices, got {found}"
        )
    names, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    if "" in names:
        raise ValueError("the averaging rule patient needs patients, and some slices name none")
    sums = np.zeros((len(names), 4), counts.dtype)
    np.add.at(sums, code, counts)
    return sums
