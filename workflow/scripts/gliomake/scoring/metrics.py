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

A new metric is one entry, in `COUNT_METRICS` or, where it is a distance between surfaces, in
`DISTANCE_METRICS`. Files, tables, figures, pages and the checks of a study's file follow from it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

MEANS = ("patient", "slice-empty1", "slice-empty0", "slice-skip", "slice-tumour")
SEGMENTATION_CONVENTIONS = ("pooled", *MEANS)
CONVENTIONS = (*SEGMENTATION_CONVENTIONS, "image")
COUNT_COLUMNS = ["tp", "fp", "fn", "tn"]
# These pool all pixels; the others are means over elements.
ONE_COUNT = ("pooled", "image")
TOLERANCE = 1.0
"""Of the normalised surface Dice, mm."""

Fraction = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A score, and how it is shown.

    Attributes
    ----------
    title : str
        Its name in figures, tables and pages.
    unit : str
        ``mm``, or empty for a share from 0 to 1.
    better : str
        ``higher`` or ``lower``.
    decimals : int
        Digits behind the point, where it is printed.
    help : str
        What it measures; a page explains distances by it.
    """

    title: str
    unit: str = ""
    better: str = "higher"
    decimals: int = 3
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class CountMetric(Metric):
    """A score that is a fraction of counts.

    Attributes
    ----------
    fraction : callable
        Numerator and denominator from tp, fp, fn, tn.
    images : str
        What it scores of a classifier: ``all`` images, ``classes`` (tumour and no tumour each), or
        empty where it is for masks only.
    history : mapping of str to int
        Its place among the scores that a training writes down after each epoch, for
        ``segmentation`` and ``classification``; where it has none it is left out.
    of_background : bool
        Whether its denominator counts background only: where there is none it is undefined, not 0.
    """

    fraction: Callable[..., Fraction]
    images: str = ""
    history: Mapping[str, int] = field(default_factory=dict)
    of_background: bool = False


@dataclass(frozen=True, kw_only=True)
class DistanceMetric(Metric):
    """A score from the distances between two surfaces.

    One in mm counts the diagonal of the volume where a lesion is missed or made up, others 0.

    Attributes
    ----------
    measure : callable
        From the distances of each surface's voxels to the other surface (two ndarrays, mm), and the
        tolerance, mm.
    """

    measure: Callable[[Sequence[np.ndarray], float], float]


def _nearest_95(directed: Sequence[np.ndarray], tolerance: float) -> float:
    return max(float(np.percentile(distances, 95)) for distances in directed)


def _union_95(directed: Sequence[np.ndarray], tolerance: float) -> float:
    return float(np.percentile(np.concatenate(directed), 95))


def _share_within(directed: Sequence[np.ndarray], tolerance: float) -> float:
    # Spacings are stored as float32: five steps of 0.2 mm are not quite 1 mm.
    reach = tolerance * (1 + 1e-6)
    near = sum(int(np.count_nonzero(distances <= reach)) for distances in directed)
    return near / sum(len(distances) for distances in directed)


COUNT_METRICS: dict[str, CountMetric] = {
    "dice": CountMetric(
        title="Dice",
        fraction=lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn),
        history={"segmentation": 1},
    ),
    "iou": CountMetric(
        title="IoU",
        fraction=lambda tp, fp, fn, tn: (tp, tp + fp + fn),
        history={"segmentation": 2},
    ),
    "precision": CountMetric(
        title="precision",
        fraction=lambda tp, fp, fn, tn: (tp, tp + fp),
        images="classes",
        history={"segmentation": 3, "classification": 2},
    ),
    "recall": CountMetric(
        title="recall",
        fraction=lambda tp, fp, fn, tn: (tp, tp + fn),
        images="classes",
        history={"segmentation": 4, "classification": 3},
    ),
    "specificity": CountMetric(
        title="specificity",
        fraction=lambda tp, fp, fn, tn: (tn, tn + fp),
        images="all",
        of_background=True,
    ),
    "accuracy": CountMetric(
        title="accuracy",
        fraction=lambda tp, fp, fn, tn: (tp + tn, tp + fp + fn + tn),
        images="all",
        history={"segmentation": 5, "classification": 1},
    ),
    "f1": CountMetric(
        title="F1", fraction=lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn), images="all"
    ),
}
"""Scores from counts, by their names in files."""
DISTANCE_METRICS: dict[str, DistanceMetric] = {
    "hd95": DistanceMetric(
        title="HD95",
        measure=_nearest_95,
        unit="mm",
        better="lower",
        decimals=1,
        help="95 % of one surface lies within so many mm of the other, truth and prediction in 3D; "
        "the larger of both directions (as MONAI has it), then the mean over patients. Smaller is "
        "better. It is measured where the spacing of the slices is known.",
    ),
    "nsd": DistanceMetric(
        title="NSD",
        measure=_share_within,
        help=f"Normalised surface Dice: the share of both surfaces that lies within {TOLERANCE:g} "
        "mm of the other, by counted voxels, then the mean over patients.",
    ),
    "hd95-union": DistanceMetric(
        title="HD95 (union)",
        measure=_union_95,
        unit="mm",
        better="lower",
        decimals=1,
        help="HD95 by its other definition: 95 % of both surfaces together lie within so many mm "
        "of the other, as medpy, panoptica and the BraTS evaluation count it. Never above hd95.",
    ),
}
"""Scores from surface distances, a patient each, by their names in files."""
SEGMENTATION_METRICS = (*COUNT_METRICS, "tversky-a0.3-b0.7")
CLASSIFICATION_METRICS = tuple(name for name, metric in COUNT_METRICS.items() if metric.images)
# Of tumour and of no tumour there are these; the others are of the images as a whole.
PER_CLASS_METRICS = tuple(
    name for name, metric in COUNT_METRICS.items() if metric.images == "classes"
)
_TVERSKY = re.compile(r"tversky-a(\d+(?:\.\d+)?)-b(\d+(?:\.\d+)?)")


def tversky_name(alpha: float, beta: float) -> str:
    """Return the name of the Tversky metric; `alpha` weighs false positives, `beta` negatives.

    >>> tversky_name(0.3, 0.7)
    'tversky-a0.3-b0.7'
    """
    return f"tversky-a{alpha}-b{beta}"


def count_metric(name: str) -> CountMetric:
    """Return a metric of counts by its name.

    Parameters
    ----------
    name : str
        One of `COUNT_METRICS`, or ``tversky-a<alpha>-b<beta>`` (Salehi et al. 2017, alpha on false
        positives).

    Returns
    -------
    CountMetric
        The metric.

    Raises
    ------
    ValueError
        There is no such metric.

    Examples
    --------
    >>> count_metric("iou").fraction(8, 1, 1, 90)
    (8, 10)
    """
    if name in COUNT_METRICS:
        return COUNT_METRICS[name]
    weights = _TVERSKY.fullmatch(name)
    if weights is None:
        raise ValueError(
            f"unknown metric {name!r}: expected one of {', '.join(COUNT_METRICS)} or "
            "tversky-a<alpha>-b<beta>, for example tversky-a0.3-b0.7"
        )
    alpha, beta = (float(weight) for weight in weights.groups())
    return CountMetric(
        title=f"Tversky score (\u03b1 {weights[1]}, \u03b2 {weights[2]})",
        fraction=lambda tp, fp, fn, tn: (tp, tp + alpha * fp + beta * fn),
    )


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
            f"the patient convention needs a patient for each of {len(counts)} slices, got {found}"
        )
    names, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    if "" in names:
        raise ValueError("the patient convention needs patients, and some slices name none")
    sums = np.zeros((len(names), 4), counts.dtype)
    np.add.at(sums, code, counts)
    return sums
