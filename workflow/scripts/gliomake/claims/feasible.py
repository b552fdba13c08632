"""Whether some table of counts has all of several scores: as shares, and in whole numbers.

The approach is that of Kovacs and Fazekas 2024 (mlscorecheck): a score printed as s is a pair of
linear inequalities in the counts, numerator >= low x denominator and numerator <= high x
denominator. Scores contradict each other where no counts satisfy all pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from gliomake.claims.cells import FRACTIONS, Counts, score
from gliomake.claims.interval import SLACK, Interval

# The least denominator of a score, in sizes of the class; the solver's precision sets it.
_LEAST = 1e-8
_SOLVER = {"primal_feasibility_tolerance": 1e-10}
_INFEASIBLE = 2
# More than these take seconds, and whole numbers then say no more than shares.
MOST_POSITIVES = 5_000_000
_MOST_TABLES = 100_000
NONE: Counts = (-1.0, -1.0, -1.0, -1.0)
# Of k folds of known sizes, the means of these are linear in the counts.
LINEAR_OVER_FOLDS = ("accuracy", "pixel_accuracy", "recall", "specificity", "balanced_accuracy")


def share_counts_exist(scores: Mapping[str, Interval]) -> bool:
    """Check whether some table of counts has these scores, in shares of the true positives' class.

    Parameters
    ----------
    scores : mapping of str to Interval
        By quantity; those that are no fraction of counts are passed over.
    """
    # tp + fn = 1: the unknowns are tp, fp and tn.
    rows, limits = [], []
    known = {name: each for name, each in scores.items() if name in FRACTIONS}
    for name, reach in known.items():
        top, bottom = (np.array(weights) for weights in FRACTIONS[name])
        for sign, end in ((-1.0, reach.low - SLACK), (1.0, reach.high + SLACK)):
            tp, fp, fn, tn = sign * (top - end * bottom)
            rows.append([tp - fn, fp, tn])
            limits.append(-fn)
    # What stands below a fraction is not 0.
    for name, row, limit in (
        ("specificity", [0.0, -1.0, -1.0], -_LEAST),
        ("precision", [-1.0, -1.0, 0.0], -_LEAST),
        ("npv", [1.0, 0.0, -1.0], 1 - _LEAST),
    ):
        if name in known:
            rows.append(row)
            limits.append(limit)
    bounds = [(0, 1), (0, None), (0, None)]
    answer = linprog([0, 0, 0], rows, limits, bounds=bounds, options=_SOLVER)
    return bool(answer.status != _INFEASIBLE)


@dataclass(frozen=True)
class WholeCounts:
    """Whole tables of counts that have all of several scores.

    Attributes
    ----------
    n : int
        How many there are.
    example : tuple of float
        tp, fp, fn and tn of one; `NONE` where there is none.
    """

    n: int
    example: Counts = NONE


def whole_counts(
    scores: Mapping[str, Interval], positives: int, negatives: int
) -> WholeCounts | None:
    """Find the whole tables of counts of known margins that have these scores.

    Parameters
    ----------
    scores : mapping of str to Interval
        By quantity: those of `FRACTIONS`, balanced accuracy, Cohen's kappa and MCC.
    positives, negatives : int
        tp + fn and fp + tn.

    Returns
    -------
    WholeCounts or None
        None where there are too many positives to try.
    """
    if positives > MOST_POSITIVES:
        return None
    tp = np.arange(positives + 1, dtype=float)
    low, high = np.zeros_like(tp), np.full_like(tp, negatives)
    for name, reach in scores.items():
        if name == "mcc":
            continue
        for constant, by_tp, by_tn in _inequalities(name, reach, positives, negatives):
            rest = constant + by_tp * tp
            if abs(by_tn) < 1e-15:
                high[rest < -_slack(rest)] = -1
            elif by_tn > 0:
                low = np.maximum(low, -rest / by_tn)
            else:
                high = np.minimum(high, -rest / by_tn)
    if "precision" in scores:  # 0/0 with nothing predicted
        high = np.minimum(high, negatives + tp - 1)
    if "npv" in scores:
        low = np.maximum(low, tp - positives + 1)
    low, high = np.ceil(low - _slack(low)), np.floor(high + _slack(high))
    n = np.maximum(high - low + 1, 0).astype(int)
    if "mcc" in scores:
        return _with_mcc(scores["mcc"], tp, low, n, positives, negatives)
    if not n.any():
        return WholeCounts(0)
    first = int(np.flatnonzero(n)[0])
    return WholeCounts(int(n.sum()), _table(tp[first], low[first], positives, negatives))


def _slack(values: np.ndarray) -> np.ndarray:
    return SLACK * np.maximum(np.abs(values), 1)


def _table(tp: float, tn: float, positives: int, negatives: int) -> Counts:
    return float(tp), float(negatives - tn), float(positives - tp), float(tn)


def _inequalities(name: str, reach: Interval, p: int, n: int) -> list[tuple[float, float, float]]:
    """Write a score as constant + a tp + b tn >= 0, once for each end."""
    # Each as constant, weight of tp and weight of tn.
    if name in FRACTIONS:
        top, bottom = (
            np.array([fp * n + fn * p, tp - fn, tn - fp]) for tp, fp, fn, tn in FRACTIONS[name]
        )
    elif name == "balanced_accuracy":
        top, bottom = np.array([0.0, n, p]), np.array([2.0 * n * p, 0, 0])
    elif name == "kappa":
        top = np.array([-2.0 * n * p, 2 * n, 2 * p])
        bottom = np.array([float(n * n + p * p), n - p, p - n])
    else:
        return []
    ends = (top - (reach.low - SLACK) * bottom, (reach.high + SLACK) * bottom - top)
    return [(float(c), float(a), float(b)) for c, a, b in ends]


def _with_mcc(
    reach: Interval, tp: np.ndarray, low: np.ndarray, n: np.ndarray, positives: int, negatives: int
) -> WholeCounts | None:
    """Try each table that is left; MCC is no linear function of the counts."""
    if n.sum() > _MOST_TABLES:
        return None
    found, example = 0, NONE
    for one, start, count in zip(tp[n > 0], low[n > 0], n[n > 0], strict=True):
        for tn in range(int(start), int(start) + int(count)):
            counts = _table(one, tn, positives, negatives)
            value = score("mcc", counts)
            if value is not None and value in reach:
                found, example = found + 1, counts if example == NONE else example
    return WholeCounts(found, example)


def fold_counts_exist(scores: Mapping[str, Interval], folds: Sequence[tuple[int, int]]) -> bool:
    """Check whether whole counts of each fold have these means over folds.

    Parameters
    ----------
    scores : mapping of str to Interval
        Means over the folds; those not in `LINEAR_OVER_FOLDS` are passed over.
    folds : sequence of (int, int)
        Positives and negatives of each fold.
    """
    p, n = (np.array(each, dtype=float) for each in zip(*folds, strict=True))
    k = len(folds)
    weights = {
        **dict.fromkeys(("accuracy", "pixel_accuracy"), (1 / (p + n), 1 / (p + n))),
        "recall": (1 / np.maximum(p, 1), 0 * n),
        "specificity": (0 * p, 1 / np.maximum(n, 1)),
        "balanced_accuracy": (0.5 / np.maximum(p, 1), 0.5 / np.maximum(n, 1)),
    }
    rows = [np.concatenate(weights[name]) / k for name in scores if name in weights]
    reaches = [reach for name, reach in scores.items() if name in weights]
    if not rows:
        return True
    constraint = LinearConstraint(
        np.array(rows), [r.low - SLACK for r in reaches], [r.high + SLACK for r in reaches]
    )
    answer = milp(
        np.zeros(2 * k),
        integrality=np.ones(2 * k),
        bounds=Bounds(0, np.concatenate([p, n])),
        constraints=constraint,
        options={"time_limit": 10},
    )
    return bool(answer.status != _INFEASIBLE)


def even_folds(positives: int, negatives: int, k: int) -> list[list[tuple[int, int]]]:
    """List how k folds can share positives and negatives as evenly as they can be shared.

    Parameters
    ----------
    positives, negatives : int
        Of all folds.
    k : int
        Number of folds.

    Returns
    -------
    list of list of (int, int)
        Positives and negatives of each fold. The folds with one more positive and those with one
        more negative each follow one another, as scikit-learn's StratifiedKFold deals them out.
    """
    p, n = ([total // k + (i < total % k) for i in range(k)] for total in (positives, negatives))
    shifts = {tuple(n[-shift:] + n[:-shift]) for shift in range(k)}
    return [list(zip(p, each, strict=True)) for each in sorted(shifts)]
