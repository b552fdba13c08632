"""Our verdicts beside those of mlscorecheck, where that can express a claim."""

import logging

import numpy as np
import pytest
from mlscorecheck.check.binary import check_1_dataset_known_folds_mos, check_1_testset_no_kfold

from gliomake.claims.cells import score
from gliomake.claims.feasible import fold_counts_exist, whole_counts
from gliomake.claims.interval import Interval

logging.getLogger("mlscorecheck").setLevel(logging.ERROR)
NAMES = {
    "accuracy": "acc", "recall": "sens", "specificity": "spec", "precision": "ppv", "npv": "npv",
    "dice": "f1", "iou": "ji", "balanced_accuracy": "bacc",
}  # fmt: skip
PLACES = 3
REACH = 0.5 * 10**-PLACES


def printed(counts, names, rng, spoilt):
    """Scores of a table of counts as a paper prints them; one of them may be another's."""
    scores = {name: round(score(name, counts), PLACES) for name in names}
    if spoilt:
        name = str(rng.choice(list(names)))
        scores[name] = round(
            float(np.clip(scores[name] + rng.choice([-1, 1]) * 0.02, 0, 1)), PLACES
        )
    return scores


def around(scores):
    return {name: Interval(value - REACH, value + REACH) for name, value in scores.items()}


@pytest.mark.parametrize("seed", range(60))
def test_whole_numbers_behind_the_scores_of_a_test_set(seed):
    rng = np.random.default_rng(seed)
    p, n = (int(each) for each in rng.integers(15, 400, 2))
    tp, tn = int(rng.integers(1, p)), int(rng.integers(1, n))
    names = [str(each) for each in rng.choice(list(NAMES), int(rng.integers(2, 5)), replace=False)]
    scores = printed((tp, n - tn, p - tp, tn), names, rng, spoilt=seed % 2 == 1)
    told = check_1_testset_no_kfold(
        testset={"p": p, "n": n},
        scores={NAMES[name]: value for name, value in scores.items()},
        eps=REACH,
    )
    found = whole_counts(around(scores), p, n)
    assert found is not None
    assert (found.n == 0) == told["inconsistency"], (p, n, scores)


@pytest.mark.parametrize("chance", ["kappa", "mcc"])
@pytest.mark.parametrize("accuracy", [0.655, 0.635])
def test_scores_corrected_for_chance_are_held_against_every_table_of_counts(chance, accuracy):
    # mlscorecheck does not look at them; both are of 48 and 189 hits, and one accuracy is not.
    p, n = 76, 286
    scores = {
        "accuracy": accuracy,
        chance: round(score(chance, (48, n - 189, p - 48, 189)), PLACES),
    }
    fits = [
        (tp, tn)
        for tp in range(p + 1)
        for tn in range(n + 1)
        if _fits((tp, n - tn, p - tp, tn), scores)
    ]
    assert whole_counts(around(scores), p, n).n == len(fits)
    assert bool(fits) == (accuracy == 0.655)


def _fits(counts, scores):
    values = {name: score(name, counts) for name in scores}
    return all(
        values[name] is not None and abs(values[name] - value) <= REACH + 1e-9
        for name, value in scores.items()
    )


@pytest.mark.parametrize("seed", range(20))
def test_whole_numbers_behind_means_over_folds(seed):
    rng = np.random.default_rng(seed)
    folds = [(int(p), int(n)) for p, n in rng.integers(5, 40, (4, 2))]
    hits = [(int(rng.integers(0, p + 1)), int(rng.integers(0, n + 1))) for p, n in folds]
    per_fold = [
        {"accuracy": (tp + tn) / (p + n), "recall": tp / p, "specificity": tn / n}
        for (p, n), (tp, tn) in zip(folds, hits, strict=True)
    ]
    scores = {
        name: round(float(np.mean([fold[name] for fold in per_fold])), PLACES)
        for name in per_fold[0]
    }
    if seed % 2:
        scores["accuracy"] = round(min(scores["accuracy"] + 0.05, 1), PLACES)
    told = check_1_dataset_known_folds_mos(
        dataset={"p": sum(p for p, _ in folds), "n": sum(n for _, n in folds)},
        folding={"folds": [{"p": p, "n": n} for p, n in folds]},
        scores={NAMES[name]: value for name, value in scores.items()},
        eps=REACH,
    )
    assert fold_counts_exist(around(scores), folds) != told["inconsistency"]
