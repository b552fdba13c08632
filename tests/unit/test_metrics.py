"""Scores: tables worked by hand, scikit-learn and MONAI as oracles, properties."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from gliomake.scoring.averaging import (
    CONVENTIONS,
    ONE_COUNT,
    SEGMENTATION_CONVENTIONS,
    convention_scores,
    element_scores,
    score,
)
from gliomake.scoring.metrics import COUNT_METRICS, SEGMENTATION_METRICS, tversky_name

NAN = float("nan")
# Slices of 100 pixels (tp, fp, fn, tn): found in part, nothing there and nothing found, made up,
# missed. Patients: p has the first two, q the third, r the fourth, s one more empty one.
FOUND, EMPTY, MADE_UP, MISSED = (8, 2, 2, 88), (0, 0, 0, 100), (0, 5, 0, 95), (0, 0, 5, 95)
SLICES = np.array([FOUND, EMPTY, MADE_UP, MISSED, EMPTY])
PATIENT = ["p", "p", "q", "r", "s"]

BY_HAND = {
    # pooled counts 8, 7, 7, 478; slice scores 0.8, -, 0, 0, -
    ("dice", "pooled"): (16 / 30, 5),
    ("dice", "patient"): (0.8 / 3, 3),
    ("dice", "slice-empty1"): (2.8 / 5, 5),
    ("dice", "slice-empty0"): (0.8 / 5, 5),
    ("dice", "slice-skip"): (0.8 / 3, 3),
    ("dice", "slice-tumour"): (0.8 / 2, 2),
    ("f1", "slice-skip"): (0.8 / 3, 3),
    ("iou", "pooled"): (8 / 22, 5),
    ("iou", "patient"): (8 / 12 / 3, 3),
    ("iou", "slice-empty1"): ((8 / 12 + 2) / 5, 5),
    # nothing predicted in the fourth slice: 0/0 counts 0
    ("precision", "pooled"): (8 / 15, 5),
    ("precision", "slice-skip"): (0.8 / 3, 3),
    ("precision", "slice-tumour"): (0.8 / 2, 2),
    # nothing there in the third slice: 0/0 counts 0
    ("recall", "pooled"): (8 / 15, 5),
    ("recall", "patient"): (0.8 / 3, 3),
    ("recall", "slice-empty0"): (0.8 / 5, 5),
    # accuracy and specificity of an empty slice are no 0/0
    ("specificity", "pooled"): (478 / 485, 5),
    ("specificity", "slice-empty0"): ((88 / 90 + 1 + 0.95 + 1 + 1) / 5, 5),
    ("specificity", "slice-skip"): ((88 / 90 + 0.95 + 1) / 3, 3),
    ("accuracy", "pooled"): (486 / 500, 5),
    ("accuracy", "slice-empty1"): ((0.96 + 1 + 0.95 + 0.95 + 1) / 5, 5),
    ("accuracy", "slice-empty0"): ((0.96 + 1 + 0.95 + 0.95 + 1) / 5, 5),
    ("accuracy", "patient"): ((1.96 / 2 + 0.95 + 0.95) / 3, 3),
    ("tversky-a0.3-b0.7", "pooled"): (8 / 15, 5),
    ("tversky-a0.25-b2", "pooled"): (8 / (8 + 1.75 + 14), 5),
    ("tversky-a0.3-b0.7", "slice-skip"): (0.8 / 3, 3),
}


@pytest.mark.parametrize("name", BY_HAND, ids=" ".join)
def test_score_by_hand(name):
    expected = BY_HAND[name]
    value, n = score(SLICES, *name, patient=PATIENT)
    assert value == pytest.approx(expected[0], abs=1e-12)
    assert n == expected[1]


EDGES = {
    "all empty": (
        [EMPTY, EMPTY],
        {
            "pooled": NAN,
            "patient": NAN,
            "slice-empty1": 1,
            "slice-empty0": 0,
            "slice-skip": NAN,
            "slice-tumour": NAN,
        },
    ),
    "all full": ([(100, 0, 0, 0)] * 2, dict.fromkeys(SEGMENTATION_CONVENTIONS, 1)),
    "all missed": ([(0, 0, 100, 0)] * 2, dict.fromkeys(SEGMENTATION_CONVENTIONS, 0)),
    "all made up": (
        [(0, 100, 0, 0)] * 2,
        dict.fromkeys(SEGMENTATION_CONVENTIONS, 0) | {"slice-tumour": NAN},
    ),
    "one pixel": ([(1, 0, 0, 0)], dict.fromkeys(SEGMENTATION_CONVENTIONS, 1)),
    "one wrong pixel": (
        [(0, 1, 0, 0)],
        dict.fromkeys(SEGMENTATION_CONVENTIONS, 0) | {"slice-tumour": NAN},
    ),
    "no slice": (np.zeros((0, 4), int), dict.fromkeys(SEGMENTATION_CONVENTIONS, NAN)),
}


@pytest.mark.parametrize("metric", ["dice", "iou", "f1", "tversky-a0.3-b0.7"])
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("convention", SEGMENTATION_CONVENTIONS)
def test_overlap_at_the_edges(metric, edge, convention):
    slices, expected = EDGES[edge]
    value, n = score(np.array(slices), metric, convention, patient=["p"] * len(slices))
    np.testing.assert_equal(value, expected[convention])
    assert n <= len(slices)
    if np.isnan(value) and convention not in ONE_COUNT:
        assert n == 0


def test_no_background_leaves_specificity_undefined():
    full = np.array([(100, 0, 0, 0), (60, 0, 40, 0)])
    assert np.isnan(element_scores(full, "specificity")).all()
    assert score(full, "specificity", "slice-empty0") == (pytest.approx(NAN, nan_ok=True), 0)
    assert score(np.vstack([full, FOUND]), "specificity", "slice-empty0") == (88 / 90, 1)


def test_images_of_a_classifier():
    # 330 and 193 right of 588, 52 healthy called ill, 13 ill called healthy
    images = np.repeat(np.eye(4, dtype=int), [193, 52, 13, 330], axis=0)
    assert score(images, "accuracy", "image") == (pytest.approx(523 / 588), 588)
    assert score(images, "precision", "image")[0] == pytest.approx(193 / 245)
    assert score(images, "recall", "image")[0] == pytest.approx(193 / 206)
    assert np.isnan(score(np.eye(4, dtype=int)[[3]], "recall", "image")[0])


def masks(seed, n=7, side=6):
    """Random masks: empty ones, full ones and one pixel among them."""
    generator = np.random.default_rng(seed)
    stack = generator.random((n, side, side)) < generator.choice([0, 0.2, 0.7, 1], (n, 1, 1))
    stack[0] = False
    stack[0, 0, 0] = generator.random() < 0.5
    return stack


def counts_of(predicted, truth):
    axes = (1, 2)
    return np.stack(
        [
            (predicted & truth).sum(axes),
            (predicted & ~truth).sum(axes),
            (~predicted & truth).sum(axes),
            (~predicted & ~truth).sum(axes),
        ],
        axis=-1,
    )


ORACLES = {
    "dice": sklearn.metrics.f1_score,
    "f1": sklearn.metrics.f1_score,
    "iou": sklearn.metrics.jaccard_score,
    "precision": sklearn.metrics.precision_score,
    "recall": sklearn.metrics.recall_score,
    "accuracy": lambda truth, predicted, **_: sklearn.metrics.accuracy_score(truth, predicted),
    "specificity": lambda truth, predicted, **rest: sklearn.metrics.recall_score(
        ~truth, ~predicted, **rest
    ),
}


@pytest.mark.parametrize("metric", COUNT_METRICS)
@pytest.mark.parametrize("seed", range(5))
def test_pooled_equals_scikit_learn(metric, seed):
    predicted, truth = masks(seed), masks(seed + 100)
    expected = ORACLES[metric](truth.ravel(), predicted.ravel(), zero_division=0)
    assert score(counts_of(predicted, truth), metric, "pooled")[0] == pytest.approx(expected)


@pytest.mark.parametrize("metric", COUNT_METRICS)
@pytest.mark.parametrize("value", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=str)
def test_constant_masks_equal_scikit_learn(metric, value):
    predicted, truth = (np.full((2, 3, 3), bit, bool) for bit in value)
    flat = truth.ravel(), predicted.ravel()
    low, high = (ORACLES[metric](*flat, zero_division=stand_in) for stand_in in (0, 1))
    # what scikit-learn's stand-in decides is undefined
    expected = float(low) if low == high else NAN
    np.testing.assert_equal(score(counts_of(predicted, truth), metric, "pooled")[0], expected)


@pytest.mark.slow  # importing MONAI takes ten seconds
@pytest.mark.parametrize("seed", range(5))
def test_slices_equal_monai(seed):
    import torch
    from monai.metrics import DiceMetric

    predicted, truth = masks(seed), masks(seed + 100)
    counts = counts_of(predicted, truth)
    tensors = [torch.from_numpy(stack[:, None].astype(np.float32)) for stack in (predicted, truth)]
    for ignore_empty, convention in ((False, "slice-empty1"), (True, "slice-tumour")):
        oracle = DiceMetric(include_background=True, ignore_empty=ignore_empty, reduction="mean")
        oracle(*tensors)
        expected = oracle.aggregate().item()
        assert score(counts, "dice", convention)[0] == pytest.approx(expected, abs=1e-6)


elements = st.lists(
    st.tuples(*[st.integers(0, 50) | st.just(0)] * 3, st.integers(0, 1000)), min_size=1, max_size=12
).map(np.array)


@given(elements)
def test_dice_and_iou_say_the_same(counts):
    dice, iou = element_scores(counts, "dice"), element_scores(counts, "iou")
    np.testing.assert_allclose(dice, 2 * iou / (1 + iou), atol=1e-12)
    np.testing.assert_array_equal(element_scores(counts, "f1"), dice)
    np.testing.assert_allclose(element_scores(counts, tversky_name(0.5, 0.5)), dice, atol=1e-12)
    np.testing.assert_allclose(element_scores(counts, tversky_name(1, 1)), iou, atol=1e-12)


@given(elements, st.sampled_from(SEGMENTATION_METRICS), st.sampled_from(SEGMENTATION_CONVENTIONS))
def test_order_changes_nothing_and_scores_are_shares(counts, metric, convention):
    patient = [f"p{index % 3}" for index in range(len(counts))]
    value, n = score(counts, metric, convention, patient)
    back, same = score(counts[::-1], metric, convention, patient[::-1])
    assert n == same
    np.testing.assert_allclose(back, value, atol=1e-12)
    assert np.isnan(value) or 0 <= value <= 1


@given(elements)
def test_slice_conventions_are_ordered(counts):
    low, _ = score(counts, "dice", "slice-empty0")
    high, _ = score(counts, "dice", "slice-empty1")
    skip, n = score(counts, "dice", "slice-skip")
    assert low <= high
    empty = len(counts) - n
    assert high - low == pytest.approx(empty / len(counts))
    if n:
        assert low - 1e-12 <= skip <= high + 1e-12
        assert skip * n == pytest.approx(low * len(counts))


@given(elements)
def test_one_patient_is_pooled(counts):
    for metric in ("dice", "iou"):
        pooled = score(counts, metric, "pooled")[0]
        np.testing.assert_equal(score(counts, metric, "patient", ["p"] * len(counts))[0], pooled)


def test_all_background_is_accurate():
    assert score(np.array([(0, 0, 273, 9727)]), "accuracy", "pooled")[0] == 0.9727


@pytest.mark.parametrize("metric", ["Dice", "tversky", "tversky-a0.3", "tversky-a0.3-b-1"])
def test_unknown_metric(metric):
    with pytest.raises(ValueError, match="unknown metric"):
        score(SLICES, metric, "pooled")


def test_unknown_convention():
    with pytest.raises(ValueError, match="'slices' is no mean over elements"):
        score(SLICES, "dice", "slices")
    with pytest.raises(ValueError, match="no mean over elements"):
        convention_scores(SLICES, "dice", "image")


@pytest.mark.parametrize(
    ("patient", "match"),
    [(None, "got none"), (["p"], "got 1"), (["p", "", "q", "q", "r"], "some slices name none")],
)
def test_patients_are_needed(patient, match):
    with pytest.raises(ValueError, match=match):
        score(SLICES, "dice", "patient", patient)


@pytest.mark.parametrize(
    ("counts", "match"), [([[1, 2, 3]], r"shape \(1, 3\)"), ([[1, 2, 3, -4]], "hold -4")]
)
def test_what_are_no_counts(counts, match):
    with pytest.raises(ValueError, match=match):
        element_scores(np.array(counts), "dice")


def test_conventions_are_the_contract():
    assert CONVENTIONS == (
        "pooled",
        "patient",
        "slice-empty1",
        "slice-empty0",
        "slice-skip",
        "slice-tumour",
        "image",
    )
