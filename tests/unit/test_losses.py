"""Losses by hand, against each other, and against segmentation-models-pytorch."""

import math

import pytest
import torch

from gliomake.study.losses import LOSSES
from gliomake.training.losses import create_loss, soft_tversky_index

SEGMENTATION = [
    {"name": "dice"},
    {"name": "bce"},
    {"name": "bce-dice"},
    {"name": "tversky"},
    {"name": "focal-tversky"},
]
NAMES = [spec["name"] for spec in SEGMENTATION]


def logits_of(probabilities) -> torch.Tensor:
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64))


def random_batch(seed=0, shape=(3, 2, 8, 8), dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator, dtype=dtype)
    return logits, (torch.rand(shape, generator=generator) < 0.3).to(dtype)


# Two slices of 1x2 pixels, two classes. Class 0: p = .8 .4 | .2 .6, g = 1 0 | 0 1, so TP = 1.4,
# FP = 0.6, FN = 0.6. Class 1: p = .5 .5 | .1 .9, g = 1 1 | 0 0, so TP = 1.0, FP = 1.0, FN = 1.0.
P = logits_of([[[[0.8, 0.4]], [[0.5, 0.5]]], [[[0.2, 0.6]], [[0.1, 0.9]]]])
G = torch.tensor([[[[1.0, 0.0]], [[1.0, 1.0]]], [[[0.0, 1.0]], [[0.0, 0.0]]]], dtype=torch.float64)
TI = (1.4 + 0.5) / (1.4 + 0.3 * 0.6 + 0.7 * 0.6 + 0.5), (1 + 0.5) / (1 + 0.3 + 0.7 + 0.5)
BCE = -sum(math.log(x) for x in (0.8, 0.6, 0.8, 0.6, 0.5, 0.5, 0.9, 0.1)) / 8
DICE = 1 - ((2.8 + 2) / (2.8 + 1.2 + 2) + (2 + 2) / (2 + 2 + 2)) / 2


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"name": "dice"}, DICE),
        ({"name": "dice", "smooth": 0.5}, 1 - (3.8 / 5.0 + 3 / 5) / 2),
        ({"name": "bce"}, BCE),
        ({"name": "bce-dice"}, BCE + DICE),
        ({"name": "tversky", "smooth": 0.5}, 1 - sum(TI) / 2),
        ({"name": "tversky", "alpha": 1, "beta": 0.5}, 1 - (2.4 / 3.3 + 2 / 3.5) / 2),
        (
            {"name": "focal-tversky", "smooth": 0.5},
            ((1 - TI[0]) ** 0.75 + (1 - TI[1]) ** 0.75) / 2,
        ),
        (
            {"name": "focal-tversky", "smooth": 0.5, "gamma": 2},
            ((1 - TI[0]) ** 2 + (1 - TI[1]) ** 2) / 2,
        ),
    ],
)
def test_losses_by_hand(spec, expected):
    assert create_loss(spec)(P, G).item() == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(3)], [math.log(4), 0.0]])  # P(tumour) = 3/4, 1/5
    loss = create_loss({"name": "cross-entropy"})(logits, torch.tensor([1, 1]))
    assert loss.item() == pytest.approx(-(math.log(3 / 4) + math.log(1 / 5)) / 2, rel=1e-6)


def test_the_tables_cover_the_registry():
    assert set(NAMES) | {"cross-entropy"} == set(LOSSES)


def test_alpha_weighs_false_positives_and_beta_false_negatives():
    target = torch.zeros(1, 1, 4, 4)
    target[..., :2] = 1
    everything, nothing = torch.full_like(target, 20.0), torch.full_like(target, -20.0)
    loss = create_loss({"name": "tversky", "alpha": 0.3, "beta": 0.7})
    # TP, FP, FN = 8, 8, 0 and 0, 0, 8
    assert loss(everything, target).item() == pytest.approx(1 - 9 / (8 + 0.3 * 8 + 1))
    assert loss(nothing, target).item() == pytest.approx(1 - 1 / (0.7 * 8 + 1), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_dice_is_tversky_of_equal_weights(seed):
    logits, target = random_batch(seed)
    dice = create_loss({"name": "dice"})(logits, target)
    tversky = create_loss({"name": "tversky", "alpha": 0.5, "beta": 0.5})(logits, target)
    focal = create_loss({"name": "focal-tversky", "alpha": 0.5, "beta": 0.5, "gamma": 1})
    assert dice == tversky
    torch.testing.assert_close(focal(logits, target), dice)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(3, 2, 8, 8), (1, 1, 4, 6)])
def test_against_segmentation_models_pytorch(seed, shape):
    from segmentation_models_pytorch import losses as oracle

    logits, target = random_batch(seed, shape)
    for ours, theirs in [
        ({"name": "dice"}, oracle.DiceLoss("multilabel", smooth=0.7)),
        (
            {"name": "tversky", "alpha": 0.2, "beta": 0.9},
            oracle.TverskyLoss("multilabel", smooth=0.7, alpha=0.2, beta=0.9),
        ),
    ]:
        loss = create_loss({**ours, "smooth": 0.7})(logits, target)
        torch.testing.assert_close(loss, theirs(logits, target))


def test_classes_are_averaged_and_the_batch_is_pooled():
    logits, target = random_batch()
    loss = create_loss({"name": "tversky"})
    apart = [loss(logits[:, [k]], target[:, [k]]) for k in (0, 1)]
    torch.testing.assert_close(loss(logits, target), sum(apart) / 2)
    # pooling: the slices of a batch side by side in one slice give the same
    wide = [torch.cat(list(x), dim=-1)[None] for x in (logits, target)]
    torch.testing.assert_close(loss(*wide), loss(logits, target))


@pytest.mark.parametrize("spec", SEGMENTATION, ids=NAMES)
def test_gradients(spec):
    logits, target = random_batch(shape=(2, 2, 3, 2), dtype=torch.float64)
    loss = create_loss(spec)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), logits.requires_grad_())


@pytest.mark.parametrize("spec", SEGMENTATION, ids=NAMES)
@pytest.mark.parametrize("truth", [0.0, 1.0])
@pytest.mark.parametrize("level", [-1e4, -10.0, 0.0, 10.0, 1e4])
def test_empty_and_full_slices_give_finite_losses_and_gradients(spec, truth, level):
    logits = torch.full((2, 1, 8, 8), level, requires_grad=True)
    loss = create_loss(spec)(logits, torch.full((2, 1, 8, 8), truth))
    loss.backward()
    assert loss.isfinite() and loss >= 0
    assert logits.grad.isfinite().all()
    right = (level > 0) == (truth == 1)
    if abs(level) == 1e4:
        assert (loss < 1e-3) if right else (loss > 0.9)


def test_a_batch_without_tumour_still_teaches_to_predict_none():
    logits = torch.zeros(2, 1, 8, 8, requires_grad=True)
    create_loss({"name": "dice"})(logits, torch.zeros_like(logits)).backward()
    assert (logits.grad > 0).all()


@pytest.mark.parametrize("spec", SEGMENTATION, ids=NAMES)
def test_losses_are_float32_under_autocast(spec):
    logits, target = random_batch(shape=(4, 1, 64, 64))
    half = logits.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = create_loss(spec)(half, target)
    assert loss.dtype == torch.float32
    assert loss == create_loss(spec)(half.float(), target)


def test_cross_entropy_is_float32_under_autocast():
    logits = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)).bfloat16()
    labels = torch.tensor([0, 1, 1, 0, 1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = create_loss({"name": "cross-entropy"})(logits, labels)
    assert loss.dtype == torch.float32
    assert loss == torch.nn.functional.cross_entropy(logits.float(), labels)


def test_the_target_may_be_bytes():
    logits, target = random_batch()
    for spec in SEGMENTATION:
        loss = create_loss(spec)
        assert loss(logits, target.to(torch.uint8)) == loss(logits, target)


def test_the_index_is_per_class():
    index = soft_tversky_index(P, G, alpha=0.3, beta=0.7, smooth=0.5)
    assert index.tolist() == pytest.approx(TI)


def test_options_can_be_read_back():
    loss = create_loss({"name": "tversky", "beta": 0.8})
    assert (loss.alpha, loss.beta) == (0.3, 0.8)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "loss None is unknown; there are dice, bce"),
        ({"name": "jaccard"}, "loss 'jaccard' is unknown"),
        ({"name": "bce", "alpha": 1}, "loss 'bce' has no option 'alpha'; its options are none"),
        ({"name": "dice", "alpha": 1}, "loss 'dice' has no option 'alpha'; .* are smooth"),
        ({"name": "tversky", "alpha": 0}, "TverskyLoss: alpha must be above 0, got 0"),
        ({"name": "tversky", "beta": "0.7"}, "beta must be above 0, got '0.7'"),
        ({"name": "focal-tversky", "gamma": -1}, "gamma must be above 0, got -1"),
        ({"name": "focal-tversky", "gamma": float("nan")}, "gamma must be above 0, got nan"),
        ({"name": "bce-dice", "smooth": float("inf")}, "smooth must be above 0, got inf"),
    ],
)
def test_bad_descriptions(spec, message):
    with pytest.raises(ValueError, match=message):
        create_loss(spec)


@pytest.mark.parametrize("spec", SEGMENTATION, ids=NAMES)
def test_shapes_that_would_broadcast_are_refused(spec):
    with pytest.raises(ValueError, match=r"logits are \(2, 3, 4, 4\) and the target is \(2, 1, 4"):
        create_loss(spec)(torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4))


@pytest.mark.parametrize(
    ("logits", "target"),
    [
        (torch.zeros(3, 2), torch.zeros(3)),
        (torch.zeros(3, 2), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(3, 2, 4, 4), torch.zeros(3, dtype=torch.int64)),
    ],
)
def test_labels_that_do_not_fit_are_refused(logits, target):
    with pytest.raises(ValueError, match=r"expected logits \(n, classes\) and integer labels"):
        create_loss({"name": "cross-entropy"})(logits, target)
