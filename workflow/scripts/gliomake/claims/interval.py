"""Rounding as interval arithmetic: what scores can be, given how others were printed.

Every function takes what is known as intervals and returns the interval of what follows. All
identities are those of one table of pixel counts (tp, fp, fn, tn).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

# Ends come from decimal texts and a few floating-point operations.
SLACK = 1e-9


@dataclass(frozen=True)
class Interval:
    """A closed interval of numbers."""

    low: float
    high: float

    def overlaps(self, other: "Interval") -> bool:
        """Check whether some number lies in both."""
        return self.low <= other.high + SLACK and other.low <= self.high + SLACK

    def clip(self, low: float = 0.0, high: float = 1.0) -> "Interval":
        """Cut off what lies outside `low` to `high`."""
        return Interval(min(max(self.low, low), high), min(max(self.high, low), high))

    def __contains__(self, value: float) -> bool:
        """Check whether a number lies in it."""
        return self.low - SLACK <= value <= self.high + SLACK


def over_ends(function: Callable[..., float], *intervals: Interval) -> Interval:
    """Give the range of a function that is monotone in each of its arguments."""
    values = [
        function(*corner) for corner in product(*((each.low, each.high) for each in intervals))
    ]
    return Interval(min(values), max(values))


def iou_from_dice(dice: Interval) -> Interval:
    """IoU = D / (2 - D)."""
    return over_ends(lambda d: d / (2 - d), dice.clip())


def dice_from_iou(iou: Interval) -> Interval:
    """Dice = 2 J / (1 + J)."""
    return over_ends(lambda j: 2 * j / (1 + j), iou.clip())


def dice_from_precision_recall(precision: Interval, recall: Interval) -> Interval:
    """Dice = 2 P R / (P + R), the harmonic mean; 0 where both are 0."""
    return over_ends(
        lambda p, r: 2 * p * r / (p + r) if p + r else 0.0, precision.clip(), recall.clip()
    )


def precision_from_dice_recall(dice: Interval, recall: Interval) -> Interval | None:
    """P = D R / (2 R - D); None where rounding leaves 2 R = D possible."""
    dice, recall = dice.clip(), recall.clip()
    if 2 * recall.low - dice.high <= SLACK:
        return None
    return over_ends(lambda d, r: d * r / (2 * r - d), dice, recall).clip()


@dataclass(frozen=True)
class Balance:
    """What accuracy, recall and specificity say together."""

    prevalence: Interval
    precision: Interval
    dice: Interval


def balance(accuracy: Interval, recall: Interval, specificity: Interval) -> Balance | None:
    """Solve accuracy = prevalence x recall + (1 - prevalence) x specificity.

    Returns
    -------
    Balance or None
        None where no prevalence gives these three, that is where the accuracy lies neither
        between recall and specificity nor within rounding of them.

    Notes
    -----
    Per pixel, with x = prevalence x recall: precision = x / (x + (1 - prevalence)(1 - specificity))
    and Dice = 2 x / (2 x + 1 - accuracy). Both are monotone in each argument where the accuracy
    lies between the other two, and on the edges of that region: their extremes are at the
    intervals' ends or where one end meets another interval.
    """
    given = [each.clip() for each in (accuracy, recall, specificity)]
    ends = sorted({end for each in given for end in (each.low, each.high)})
    feasible = [
        corner
        for corner in product(*([end for end in ends if end in each] for each in given))
        if min(corner[1:]) - SLACK <= corner[0] <= max(corner[1:]) + SLACK
    ]
    if not feasible:
        return None
    if given[1].overlaps(given[2]):
        # Recall and specificity may be equal, and then every prevalence gives their accuracy.
        whole = Interval(0.0, 1.0)
        return Balance(whole, whole, whole)
    prevalences, precisions, dices = [], [], []
    for a, r, s in feasible:
        prevalence = min(max((s - a) / (s - r), 0.0), 1.0)
        hit, false_alarm = prevalence * r, (1 - prevalence) * (1 - s)
        prevalences.append(prevalence)
        # 0/0, nothing predicted or nothing there and nothing missed, excludes no value.
        precisions += _ratio(hit, hit + false_alarm)
        dices += _ratio(2 * hit, 2 * hit + 1 - a)
    return Balance(*(Interval(min(v), max(v)) for v in (prevalences, precisions, dices)))


def _ratio(top: float, bottom: float) -> list[float]:
    return [top / bottom] if bottom > SLACK**2 else [0.0, 1.0]


def background_share(accuracy: Interval, **overlap: Interval) -> Interval:
    """Bound the share of background pixels by an accuracy and one overlap score.

    With error e = 1 - accuracy = (fp + fn) / n, a Dice D leaves tp / n = D e / (2 (1 - D)) and
    an IoU J leaves tp / n = J e / (1 - J); the truth holds between tp and tp + fp + fn pixels.

    Parameters
    ----------
    **overlap : Interval
        One of `dice` and `iou`.
    """
    (name, score), accuracy = next(iter(overlap.items())), accuracy.clip()
    iou = iou_from_dice(score) if name == "dice" else score.clip(0.0, 1 - 1e-6)

    def hit(a: float, j: float) -> float:
        return min(j * (1 - a) / (1 - j), 1.0) if j < 1 else 1.0

    hits = over_ends(hit, accuracy, iou)
    truth = over_ends(lambda a, j: min(hit(a, j) + 1 - a, 1.0), accuracy, iou)
    return Interval(1 - truth.high, 1 - hits.low)
