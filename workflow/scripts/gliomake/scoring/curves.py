"""ROC, precision-recall and reliability from the counts of `gliomake.scoring.calibration`.

ROC and its area: Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006;
the area is the share of pairs of an image with and one without tumour that are ranked rightly, ties
counting one half (Hanley and McNeil, Radiology 143, 1982). Precision-recall and average precision
without interpolation: Davis and Goadrich, ICML 2006; Manning et al., Introduction to Information
Retrieval, ch. 8.4. Reliability and expected calibration error: Naeini et al., AAAI 2015; Guo et
al., ICML 2017.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from gliomake.scoring.bootstrap import FEWEST_UNITS, replicate, t_interval
from gliomake.scoring.calibration import bin_of

# Numbers in memory at a time where a bootstrap weighs images.
_AT_A_TIME = 4_000_000


class Area(NamedTuple):
    """An area with the ends of its 95 % interval; None where undefined."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Areas(NamedTuple):
    """The areas under both curves.

    Attributes
    ----------
    auroc, average_precision : Area
        Of a classifier.
    units : int
        Patients, or images where there are no patients.
    """

    auroc: Area
    average_precision: Area
    units: int


def has_probabilities(rows: pd.DataFrame) -> bool:
    """Return whether anything but 0 and 1 is predicted; label maps have no probabilities."""
    return bool(((rows["probability"] > 0) & (rows["probability"] < 1)).any())


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Add up the images of each probability, the highest first.

    Parameters
    ----------
    rows : DataFrame
        Of one subset of a classifier's counts.

    Returns
    -------
    DataFrame
        Columns ``probability negative positive``.
    """
    sums = rows.groupby("probability")[["negative", "positive"]].sum()
    return sums.sort_index(ascending=False).reset_index()


def roc(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Compute the ROC curve: a point a threshold, from (0, 0) to (1, 1).

    Parameters
    ----------
    rows : DataFrame
        Of one subset of a classifier's counts.

    Returns
    -------
    false_positive_rate, recall : ndarray of float64
        NaN where no image is negative, or none positive.
    """
    sums = ranked(rows)
    with np.errstate(invalid="ignore"):
        negative, positive = (
            np.concatenate([[0], sums[name].cumsum()]) / sums[name].sum()
            for name in ("negative", "positive")
        )
    return negative, positive


def precision_recall(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Compute recall and precision at each threshold, the highest first.

    Parameters
    ----------
    rows : DataFrame
        Of one subset of a classifier's counts.

    Returns
    -------
    recall, precision : ndarray of float64
        Recall is NaN where no image is positive.
    """
    sums = ranked(rows)
    hit = sums["positive"].cumsum().to_numpy()
    called = hit + sums["negative"].cumsum().to_numpy()
    with np.errstate(invalid="ignore"):
        return hit / sums["positive"].to_numpy().sum(), hit / called


def areas(rows: pd.DataFrame, bootstrap: Mapping[str, int]) -> Areas:
    """Compute AUROC and average precision with 95 % intervals over patients.

    Parameters
    ----------
    rows : DataFrame
        Of one subset of a classifier's counts.
    bootstrap : mapping of str to int
        ``resamples`` and ``seed``. Percentiles are widened by Student's t, and cut at 0 and 1.

    Returns
    -------
    Areas
        Undefined where all images are of one class. No interval for fewer than `FEWEST_UNITS`
        patients (images, where there are no patients).
    """
    unit, negative, positive, starts = _by_unit(rows)
    units = int(unit.max()) + 1 if len(unit) else 0
    if not negative.sum() or not positive.sum():
        return Areas(Area(), Area(), units)

    def statistic(weights: np.ndarray) -> np.ndarray:
        parts = max(1, -(-len(weights) * len(unit) // _AT_A_TIME))
        found = [
            _areas(some[:, unit] * negative, some[:, unit] * positive, starts)
            for some in np.array_split(weights, parts)
        ]
        return np.concatenate(found)

    values = statistic(np.ones((1, units)))[0]
    low = high = np.full(2, np.nan)
    if units >= FEWEST_UNITS:
        low, high = t_interval(replicate(statistic, units, **bootstrap), values, units)
    auroc, average = (Area(*map(_share, ends)) for ends in zip(values, low, high, strict=True))
    return Areas(auroc, average, units)


def _share(value: float) -> float | None:
    """Keep an end of an interval from 0 to 1; None for NaN."""
    return None if np.isnan(value) else float(np.clip(value, 0, 1))


def _by_unit(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Order the counts, the highest probability first: unit, counts, where each one begins."""
    rows = rows[rows["negative"] + rows["positive"] > 0]
    if len(rows) and (rows["patient"] == "").all():  # each image is a unit
        times = (rows["negative"] + rows["positive"]).to_numpy()
        image = np.arange(times.sum()) - np.repeat(times.cumsum() - times, times)
        rows = rows.loc[rows.index.repeat(times)]
        tumour = (image < rows["positive"].to_numpy()).astype(np.int64)
        rows = rows.assign(positive=tumour, negative=1 - tumour, patient=np.arange(len(rows)))
    rows = rows.sort_values("probability", ascending=False, kind="stable")
    probability = rows["probability"].to_numpy()
    starts = np.flatnonzero(np.diff(probability, prepend=np.inf) != 0)
    unit = pd.factorize(rows["patient"], sort=True)[0]
    return unit, rows["negative"].to_numpy(), rows["positive"].to_numpy(), starts


def _areas(negative: np.ndarray, positive: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Compute both areas of weighted images (resample, row): ndarray (resample, 2)."""
    negative, positive = (np.add.reduceat(each, starts, axis=1) for each in (negative, positive))
    hit, called = positive.cumsum(axis=1), (positive + negative).cumsum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # A negative is ranked rightly below all positives before it, and half so beside its own.
        pairs = (negative * (hit - positive / 2)).sum(axis=1)
        auroc = pairs / (hit[:, -1] * negative.sum(axis=1))
        precision = np.where(called > 0, hit / called, 0)
        average = (positive * precision).sum(axis=1) / hit[:, -1]
    average[np.isnan(auroc)] = np.nan
    return np.stack([auroc, average], axis=1)


def reliability(rows: pd.DataFrame) -> pd.DataFrame:
    """Put counts into bins: how large the predicted probability is, how often it came true.

    Parameters
    ----------
    rows : DataFrame
        Of one subset and class.

    Returns
    -------
    DataFrame
        One row a bin that is not empty: ``bin`` (its number), ``n``, ``predicted`` (mean
        probability), ``observed`` (share of positives).
    """
    n = rows["negative"] + rows["positive"]
    table = pd.DataFrame(
        {
            "bin": bin_of(rows["probability"].to_numpy()),
            "n": n,
            "predicted": rows["probability"] * n,
            "observed": rows["positive"],
        }
    )
    sums = table[n > 0].groupby("bin", as_index=False).sum()
    return sums.assign(
        predicted=sums["predicted"] / sums["n"], observed=sums["observed"] / sums["n"]
    )


def calibration_error(bins: pd.DataFrame) -> float:
    """Compute the expected calibration error: mean distance of both shares, weighted by n.

    Parameters
    ----------
    bins : DataFrame
        Of `reliability`.

    Returns
    -------
    float
        0 to 1; NaN without any bin.

    Examples
    --------
    >>> bins = pd.DataFrame({"n": [3, 1], "predicted": [0.1, 0.9], "observed": [0.2, 0.5]})
    >>> round(calibration_error(bins), 3)
    0.175
    """
    if bins.empty:
        return float("nan")
    away = (bins["predicted"] - bins["observed"]).abs()
    return float((away * bins["n"]).sum() / bins["n"].sum())
