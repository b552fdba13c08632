"""The metrics: what is computed of one count, or of the distances between two surfaces.

A new metric is one entry, in `COUNT_METRICS` or, where it is a distance between surfaces, in
`DISTANCE_METRICS`. Files, tables, figures, pages and the checks of a study's file follow from it.
Over what they are averaged, and what 0/0 means, stands in `gliomake.scoring.averaging`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

COUNT_COLUMNS = ["tp", "fp", "fn", "tn"]
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
