"""Checks of reported numbers against each other: arithmetic that needs no run.

A check takes claims and a context and returns what it found. It knows quantities, never studies:
claims meet where they are about the same model, subset, class, epoch and elements of one document.
A check is added by a function, a line in `CHECKS` and its heading in `TOPICS`.
"""

from collections.abc import Callable, Sequence

from gliomake.claims.checks.joint import (
    fold_means,
    one_count,
    prevalence_by_precision,
    whole_numbers,
)
from gliomake.claims.checks.overlap import (
    accuracy_and_prevalence,
    all_background_accuracy,
    dice_against_iou,
    dice_against_precision_recall,
    score_ranges,
)
from gliomake.claims.checks.sizes import (
    confusion_matrix,
    slices_per_patient,
    split_fractions,
    split_sizes,
)
from gliomake.claims.checks.statements import (
    best_against_last,
    contradictory_values,
    loss_against_score,
    mean_of_classes,
    one_value_two_names,
    ranking,
)
from gliomake.claims.findings import LEVELS, ClaimFinding, Context
from gliomake.claims.table import Claim

Check = Callable[[Sequence[Claim], Context], list[ClaimFinding]]

# In this order: a verdict cites the first that has something to say, so those about a claim itself
# stand before those about tables and documents.
CHECKS: dict[str, Check] = {
    "score-range": score_ranges,
    "dice-against-iou": dice_against_iou,
    "dice-against-precision-recall": dice_against_precision_recall,
    "accuracy-and-prevalence": accuracy_and_prevalence,
    "all-background-accuracy": all_background_accuracy,
    "confusion-matrix": confusion_matrix,
    "split-sizes": split_sizes,
    "split-fractions": split_fractions,
    "slices-per-patient": slices_per_patient,
    "best-against-last": best_against_last,
    "contradictory-values": contradictory_values,
    "one-value-two-names": one_value_two_names,
    "mean-of-classes": mean_of_classes,
    "loss-against-score": loss_against_score,
    "ranking": ranking,
    "prevalence-by-precision": prevalence_by_precision,
    "one-count": one_count,
    "whole-numbers": whole_numbers,
    "fold-means": fold_means,
}

# What a check is about, in the order in which a reader should hear of it.
TOPICS: dict[str, str] = {
    "split-sizes": "How the slices were split",
    "score-range": "A score outside its range",
    "dice-against-iou": "Dice against IoU",
    "dice-against-precision-recall": "Dice against precision and recall",
    "contradictory-values": "One quantity, two values",
    "one-value-two-names": "One value, two names",
    "best-against-last": "Which epoch is reported",
    "all-background-accuracy": "Baseline: empty mask",
    "accuracy-and-prevalence": "How much of the image is tumour",
    "prevalence-by-precision": "How much of the image is tumour, by the precision",
    "confusion-matrix": "The confusion matrix",
    "one-count": "All scores at once",
    "whole-numbers": "Scores and whole numbers",
    "fold-means": "Means over folds",
    "loss-against-score": "Loss against score",
    "ranking": "How the models are ranked",
    "slices-per-patient": "Slices a patient",
    "mean-of-classes": "The mean over classes",
    "split-fractions": "The shares of the split",
}


def run_checks(claims: Sequence[Claim], context: Context | None = None) -> list[ClaimFinding]:
    """Apply every check.

    Parameters
    ----------
    claims : sequence of Claim
        Of any number of studies. Give them all: sizes of a data set that one document states
        serve to check another.
    context : Context, optional
        What is known beside them.

    Returns
    -------
    list of ClaimFinding
        In the order of `CHECKS`; what contradicts itself first within a check.
    """
    context = context or Context()
    found = []
    for function in CHECKS.values():
        found += sorted(function(claims, context), key=lambda each: LEVELS.index(each.level))
    return found
