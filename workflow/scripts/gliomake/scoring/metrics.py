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

import re
from collections.abc import Callable, Sequence

import numpy as np

METRICS = ("dice", "iou", "precision", "recall", "specificity", "accuracy", "f1")
CONVENTIONS = (
    "pooled",
    "patient",
    "slice-empty1",
    "slice-empty0",
    "slice-skip",
    "slice-tumour",
    "image",
)
SEGMENTATION_METRICS = (*METRICS, "tversky-a0.3-b0.7")
SEGMENTATION_CONVENTIONS = CONVENTIONS[:-1]
CLASSIFICATION_METRICS = ("accuracy", "precision", "recall", "specificity", "f1")
# Classification tells these for tumour and for no tumour, the others for the image as a whole.
PER_CLASS_METRICS = ("precision", "recall")
DISTANCE_METRICS = ("hd95", "nsd")
COUNT_COLUMNS = ["tp", "fp", "fn", "tn"]
# These pool all pixels; the others are means over elements.
ONE_COUNT = ("pooled", "image")
_TVERSKY = re.compile(r"tversky-a(\d+(?:\.\d+)?)-b(\d+(?:\.\d+)?)")


def tversky_name(alpha: float, beta: float) -> str:
    """Name the Tversky metric whose false positives weigh `alpha` and false negatives `beta`."""
    return f"tversky-a{alpha}-b{beta}"


Fraction = tuple[np.ndarray, np.ndarray]

# Numerator and denominator from tp, fp, fn, tn.
FRACTIONS: dict[str, Callable[..., Fraction]] = {
    "dice": lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn),
    "iou": lambda tp, fp, fn, tn: (tp, tp + fp + fn),
    "precision": lambda tp, fp, fn, tn: (tp, tp + fp),
    "recall": lambda tp, fp, fn, tn: (tp, tp + fn),
    "specificity": lambda tp, fp, fn, tn: (tn, tn + fp),
    "accuracy": lambda tp, fp, fn, tn: (tp + tn, tp + fp + fn + tn),
    "f1": lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn),
}


def _fraction(counts: np.ndarray, metric: str) -> Fraction:
    """Give numerator and denominator of a metric."""
    tp, fp, fn, tn = (counts[..., column] for column in range(4))
    if metric in FRACTIONS:
        return FRACTIONS[metric](tp, fp, fn, tn)
    weights = _TVERSKY.fullmatch(metric)
    if weights is None:
        raise ValueError(
            f"unknown metric {metric!r}: expected one of {', '.join(METRICS)} or "
            "tversky-a<alpha>-b<beta>, for example tversky-a0.3-b0.7"
        )
    alpha, beta = (float(weight) for weight in weights.groups())
    return tp, tp + alpha * fp + beta * fn


def _check_counts(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts)
    if counts.ndim < 1 or counts.shape[-1] != 4:
        raise ValueError(f"counts have shape {counts.shape}: expected (..., 4) for tp, fp, fn, tn")
    if counts.size and counts.min() < 0:
        raise ValueError(f"counts hold {counts.min()}: expected numbers of pixels, 0 or more")
    return counts


def element_scores(counts: np.ndarray, metric: str) -> np.ndarray:
    """Score each element by itself, with no rule for 0/0.

    Parameters
    ----------
    counts : ndarray (..., 4) of int
        Pixels: tp, fp, fn, tn.
    metric : str
        One of `METRICS`, or ``tversky-a<alpha>-b<beta>`` (Salehi et al. 2017, alpha on false
        positives).

    Returns
    -------
    ndarray (...) of float64
        NaN where the score is 0/0.

    Raises
    ------
    ValueError
        If the metric is unknown or the counts are not such counts.
    """
    numerator, denominator = _fraction(_check_counts(counts), metric)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.true_divide(numerator, denominator))


def convention_scores(counts: np.ndarray, metric: str, convention: str) -> np.ndarray:
    """Score the elements that a convention averages.

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
    """
    if convention not in CONVENTIONS or convention in ONE_COUNT:
        raise ValueError(
            f"{convention!r} is no mean over elements: expected one of "
            + ", ".join(name for name in CONVENTIONS if name not in ONE_COUNT)
        )
    values = element_scores(counts, metric)
    counts = np.asarray(counts)
    tp, fp, fn = counts[..., 0], counts[..., 1], counts[..., 2]
    truth, predicted = tp + fn > 0, tp + fp > 0
    values = np.where(
        np.isnan(values) & (truth != predicted) & (metric != "specificity"), 0, values
    )
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
    """Score the slices of one class and subset under one convention.

    Parameters
    ----------
    counts : ndarray (n, 4) of int
        Pixels of each slice: tp, fp, fn, tn.
    metric, convention : str
        What to compute, by the names in `METRICS` and `CONVENTIONS`.
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
            f"the patient convention needs a patient for each of {len(counts)} slices, got {found}"
        )
    names, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    if "" in names:
        raise ValueError("the patient convention needs patients, and some slices name none")
    sums = np.zeros((len(names), 4), counts.dtype)
    np.add.at(sums, code, counts)
    return sums
