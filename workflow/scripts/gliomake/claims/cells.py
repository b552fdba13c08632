"""Confusion matrices among reported numbers, and the scores that follow from one."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from gliomake.claims.groups import by_quantity, together
from gliomake.claims.interval import Interval
from gliomake.claims.quantities import CELLS, is_of
from gliomake.claims.table import Claim

Counts = tuple[float, float, float, float]
# Numerator and denominator of each score as weights of tp, fp, fn and tn.
FRACTIONS: dict[str, tuple[Counts, Counts]] = {
    **dict.fromkeys(("dice", "f1"), ((2.0, 0.0, 0.0, 0.0), (2.0, 1.0, 1.0, 0.0))),
    "iou": ((1.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 0.0)),
    "precision": ((1.0, 0.0, 0.0, 0.0), (1.0, 1.0, 0.0, 0.0)),
    "recall": ((1.0, 0.0, 0.0, 0.0), (1.0, 0.0, 1.0, 0.0)),
    "specificity": ((0.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0)),
    "npv": ((0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0)),
    **dict.fromkeys(("accuracy", "pixel_accuracy"), ((1.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0))),
}


def fraction(quantity: str, counts: Counts) -> tuple[float, float] | None:
    """Give numerator and denominator of a score; None where it is no fraction of counts."""
    if quantity not in FRACTIONS:
        return None
    top, bottom = (
        sum(weight * count for weight, count in zip(weights, counts, strict=True))
        for weights in FRACTIONS[quantity]
    )
    return top, bottom


def score(quantity: str, counts: Counts) -> float | None:
    """Compute a score from tp, fp, fn and tn; None where it is 0/0 or does not follow from them."""
    parts = fraction(quantity, counts)
    if parts is not None:
        return parts[0] / parts[1] if parts[1] else None
    tp, fp, fn, tn = counts
    if quantity == "balanced_accuracy" and tp + fn and tn + fp:
        return (tp / (tp + fn) + tn / (tn + fp)) / 2
    if quantity == "mcc":
        root = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        return (tp * tn - fp * fn) / root if root else None
    if quantity == "kappa":
        # Cohen 1960: (agreement - chance) / (1 - chance), by the four margins.
        margins = (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)
        return 2 * (tp * tn - fp * fn) / margins if margins else None
    return None


@dataclass(frozen=True)
class Matrix:
    """A whole confusion matrix.

    Attributes
    ----------
    tp, fp, fn, tn : Claim
        Its cells, all of one model, subset, class, epoch and kind of elements.
    """

    tp: Claim
    fp: Claim
    fn: Claim
    tn: Claim

    @property
    def cells(self) -> tuple[Claim, Claim, Claim, Claim]:
        """The four claims, as arithmetic takes them."""
        return self.tp, self.fp, self.fn, self.tn

    @property
    def claims(self) -> list[Claim]:
        """The four claims in the order of their ids."""
        return sorted(self.cells, key=lambda cell: cell.claim)

    @property
    def counts_images(self) -> bool:
        """Whether the cells are stated to count images, not pixels."""
        return "image" in self.tp.scope

    def counts(self, mirrored: bool = False) -> Counts:
        """Give tp, fp, fn, tn; `mirrored` takes the other class for the positive one."""
        tp, fp, fn, tn = (cell.number for cell in self.cells)
        return (tn, fn, fp, tp) if mirrored else (tp, fp, fn, tn)

    def score_interval(self, quantity: str, mirrored: bool = False) -> Interval | None:
        """Give the values of a score that the printed cells allow; None where it is 0/0."""
        ends = []
        for cell in self.cells:
            exact = cell.step <= 1 and not cell.approximate
            reach = Interval(cell.number, cell.number) if exact else cell.interval
            ends.append(sorted({max(reach.low, 0.0), reach.high}))
        values = []
        for tp, fp, fn, tn in product(*ends):
            counts = (tn, fn, fp, tp) if mirrored else (tp, fp, fn, tn)
            values.append(score(quantity, counts))
        known = [value for value in values if value is not None]
        return Interval(min(known), max(known)) if len(known) == len(values) else None


@dataclass(frozen=True)
class Table:
    """A confusion matrix, and the scores that can be of it.

    Attributes
    ----------
    matrix : Matrix
    scores : list of (Claim, bool)
        Each with whether its class is the matrix's other side.
    """

    matrix: Matrix
    scores: list[tuple[Claim, bool]]


def confusion_tables(claims: Sequence[Claim]) -> list[Table]:
    """Find whole confusion matrices, each with the scores of its masks.

    A score beside several matrices of its class is held against that of its place in the document,
    else against the one that it agrees with, else against the first.
    """
    families: dict[tuple[str, ...], list[Matrix]] = defaultdict(list)
    for group in by_quantity(claims):
        for cells in together(group, *CELLS):
            families[_family(cells[0])].append(Matrix(*cells))
    scores: dict[tuple[str, ...], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.is_score and claim.is_possible and claim.class_ != "mean":
            scores[_family(claim)].append(claim)
    tables: list[Table] = []
    for family, matrices in families.items():
        beside: list[list[tuple[Claim, bool]]] = [[] for _ in matrices]
        for claim in scores[family]:
            sides = [_side(claim, matrix, matrices, scores[family]) for matrix in matrices]
            fitting = [n for n, side in enumerate(sides) if side is not None]
            fitting = [n for n in fitting if matrices[n].tp.where == claim.where] or fitting
            if fitting:
                chosen = next(
                    (n for n in fitting if _agree(claim, matrices[n], sides[n])), fitting[0]
                )
                beside[chosen].append((claim, bool(sides[chosen])))
        tables += map(Table, matrices, beside)
    return tables


def _family(claim: Claim) -> tuple[str, ...]:
    """Name what a score and a matrix must share; a result without an epoch is final."""
    epoch = "" if claim.epoch == "final" else claim.epoch
    return (claim.study, claim.model, claim.subset, epoch)


def _side(
    claim: Claim, matrix: Matrix, matrices: Sequence[Matrix], scores: Sequence[Claim]
) -> bool | None:
    """Check whether a score is of the matrix's other side; None where it is not of the matrix."""
    own, theirs = claim.class_, matrix.tp.class_
    if not is_of(claim.scope, matrix.tp.scope):
        return None
    scores = [each for each in scores if is_of(each.scope, matrix.tp.scope)]
    if own == theirs:
        return False
    if theirs in _opposites(own) or own in _opposites(theirs):
        return True
    named = {each.class_ for each in scores if each.class_ and not _opposites(each.class_)}
    if not theirs and len(named) <= 1:
        # One class beside a matrix without a name: they are of the same.
        return bool(_opposites(own))
    if not own and len({each.tp.class_ for each in matrices}) == 1:
        return False
    return None


def _opposites(class_: str) -> tuple[str, ...]:
    """Name the class that a class like ``no-tumour`` is the other side of; else nothing."""
    match = re.fullmatch(r"(?:no|non|not)[\s_-]+(.+)", class_, re.IGNORECASE)
    return (match[1],) if match else ()


def _agree(claim: Claim, matrix: Matrix, mirrored: bool | None) -> bool:
    reach = matrix.score_interval(claim.quantity, bool(mirrored))
    return reach is not None and reach.overlaps(claim.interval)
