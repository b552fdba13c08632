"""The checks of reported numbers: the five documents item by item, and made-up claims."""

from pathlib import Path

import pytest
from claims_made_up import claim, findings
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gliomake.claims.checks import run_checks
from gliomake.claims.checks.sizes import flat_signature, nested_signature
from gliomake.claims.findings import Context
from gliomake.claims.interval import Interval, balance

CLAIMS = Path(__file__).parents[2] / "config" / "claims.tsv"


COUNTS = st.tuples(*[st.integers(0, 10**6)] * 4).filter(lambda c: c[0] and c[0] + c[2] and c[3])


def scores(tp, fp, fn, tn):
    return {
        "dice": 2 * tp / (2 * tp + fp + fn),
        "iou": tp / (tp + fp + fn),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
    }


def printed(value, decimals):
    return f"{value:.{decimals}f}"


@given(COUNTS, st.integers(1, 5))
@example((999_999, 0, 0, 1), 2)
@example((1, 0, 0, 10**6), 4)
def test_scores_of_one_table_of_counts_never_contradict_each_other(counts, decimals):
    claims = [claim(name, printed(value, decimals)) for name, value in scores(*counts).items()]
    assert [f.sentence for f in run_checks(claims) if f.level == "inconsistent"] == []


@given(COUNTS, st.integers(2, 4), st.sampled_from([-1, 1]))
def test_a_dice_moved_beyond_rounding_contradicts_iou(counts, decimals, sign):
    exact = scores(*counts)
    # What prints as the IoU reaches a unit from the exact one, and moves the Dice by up to twice
    # that; what prints as the Dice reaches another unit.
    moved = exact["dice"] + sign * 3.5 * 10**-decimals
    assume(0 <= moved <= 1)
    pair = [
        claim("dice", printed(moved, decimals)),
        claim("iou", printed(exact["iou"], decimals)),
    ]
    assert findings(pair, "dice-against-iou", "inconsistent")


@given(COUNTS, st.sampled_from([-1, 1]))
def test_a_dice_moved_beyond_rounding_contradicts_precision_and_recall(counts, sign):
    exact = scores(*counts)
    moved = exact["dice"] + sign * 0.005
    assume(0 <= moved <= 1)
    trio = [
        claim("dice", printed(moved, 4)),
        claim("precision", printed(exact["precision"], 4)),
        claim("recall", printed(exact["recall"], 4)),
    ]
    assert findings(trio, "dice-against-precision-recall", "inconsistent")


@given(st.floats(0.3, 0.95), st.floats(0.9, 0.99), st.floats(0.05, 0.5), st.sampled_from([-1, 1]))
def test_a_dice_moved_beyond_rounding_contradicts_accuracy(recall, specificity, prevalence, sign):
    accuracy = prevalence * recall + (1 - prevalence) * specificity
    dice = 2 * prevalence * recall / (2 * prevalence * recall + 1 - accuracy)
    values = {
        "accuracy": accuracy,
        "recall": recall,
        "specificity": specificity,
        "dice": dice + sign * 0.02,
    }
    assume(0 <= values["dice"] <= 1 and specificity - recall > 0.02)
    claims = [claim(name, printed(value, 6)) for name, value in values.items()]
    assert findings(claims, "accuracy-and-prevalence", "inconsistent")


@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(0, 99), st.integers(0, 99), st.integers(1, 99)),
        min_size=2,
        max_size=8,
    )
)
def test_means_over_slices_are_never_called_impossible(slices):
    each = [scores(*counts) for counts in slices]
    mean = {name: sum(s[name] for s in each) / len(each) for name in ("dice", "iou")}
    pair = [claim(name, printed(value, 3)) for name, value in mean.items()]
    for found in findings(pair, "dice-against-iou"):
        assert "No one way of scoring" not in found.sentence


@pytest.mark.parametrize(("dice", "iou"), [("0.655", "0.662"), ("0.80", "0.50")])
def test_an_iou_above_its_dice_and_a_dice_above_the_curve_are_impossible(dice, iou):
    (found,) = findings([claim("dice", dice), claim("iou", iou)], "dice-against-iou")
    assert found.level == "inconsistent"
    assert "No one way of scoring, over the same elements and classes" in found.sentence
    assert found.implies == {}


def test_an_accuracy_outside_recall_and_specificity_is_impossible():
    trio = [claim("accuracy", "0.99"), claim("recall", "0.80"), claim("specificity", "0.95")]
    (found,) = findings(trio, "accuracy-and-prevalence")
    assert found.level == "inconsistent"


def test_equal_recall_and_specificity_leave_every_prevalence():
    whole = balance(Interval(0.895, 0.905), Interval(0.895, 0.905), Interval(0.895, 0.905))
    assert whole is not None
    assert whole.prevalence == Interval(0, 1)


def test_scores_of_different_models_subsets_or_epochs_are_not_compared():
    dice = claim("dice", "0.53")
    for other in ({"model": "resunet"}, {"subset": "val"}, {"epoch": "3"}, {"class_": "ED"}):
        assert not findings([dice, claim("iou", "0.50", **other)], "dice-against-iou")


def test_a_score_outside_0_to_1_is_found():
    (found,) = findings([claim("dice", "1.2"), claim("iou", "1.00")], "score-range")
    assert found.claims == ("dice=1.2",)


@pytest.mark.parametrize(
    ("quantity", "value", "more", "level", "says"),
    [
        ("dice", "87.3", {}, "inconsistent", "if it is in percent, write % under unit"),
        ("dice", "1.2", {}, "inconsistent", "outside 0 to 1; if it is in percent"),
        ("dice", "-0.1", {}, "inconsistent", "outside 0 to 1."),
        ("dice", "150", {}, "inconsistent", "outside 0 to 1."),
        ("dice", "0.0087", {"percent": True}, "note", "if that is a share of 1"),
        ("kappa", "-0.2", {}, None, ""),
        ("mcc", "-1.2", {}, "inconsistent", "outside -1 to 1."),
        ("hd95", "12.4", {}, None, ""),
        ("hd95", "-2.0", {}, "inconsistent", "outside 0 and above"),
        ("nsd", "1.00", {}, None, ""),
        # Two images at 0 and 1 have a mean of 0.5 and a standard deviation of 0.707.
        ("dice", "0.50", {"sd": "0.707"}, None, ""),
        ("dice", "0.50", {"sd": "0.72"}, "inconsistent", "spread by 0.707 at most"),
        ("dice", "0.95", {"sd": "0.40"}, "inconsistent", "of this mean spread by"),
        ("hd95", "12.4", {"sd": "40"}, None, ""),
    ],
)
def test_values_that_cannot_be(quantity, value, more, level, says):
    found = findings([claim(quantity, value, **more)], "score-range")
    assert [each.level for each in found] == ([level] if level else [])
    assert all(says in each.sentence for each in found)


def test_nothing_is_computed_from_what_is_out_of_range():
    values = {"dice": "87.3", "iou": "77.5", "precision": "88.0", "recall": "86.6"}
    claims = [claim(name, value) for name, value in values.items()]
    cells = {"tp": "100", "fp": "20", "fn": "30", "tn": "850"}
    claims += [claim(name, value) for name, value in cells.items()]
    found = run_checks(claims)
    assert {each.check for each in found} == {"score-range"}
    assert [each.sentence.split(" of ")[0] for each in found] == [
        "A Dice",
        "An IoU",
        "A precision",
        "A recall",
    ]


def split_claims(train, val, test):
    sizes = {"train": train, "val": val, "test": test}
    return [
        claim("slices", str(size), subset=name, model="", class_="") for name, size in sizes.items()
    ]


@given(st.integers(500, 60_000), st.integers(1, 10), st.integers(1, 10))
def test_nested_shares_of_slices_are_recognised(total, outer, inner):
    test = -(-total * outer // 20)
    val = -(-(total - test) * inner // 20)
    signature = nested_signature({"train": total - test - val, "val": val, "test": test})
    assert signature is not None
    assert signature[0] == "ceil"
    (found,) = findings(split_claims(total - test - val, val, test), "split-sizes")
    assert "two nested splits" in found.sentence


@given(st.integers(500, 60_000), st.integers(8, 17), st.integers(1, 2))
def test_shares_of_all_slices_are_recognised(total, train, val):
    train, val = total * train // 20, total * val // 20
    sizes = {"train": train, "val": val, "test": total - train - val}
    assert flat_signature(sizes) is not None
    (found,) = findings(split_claims(*sizes.values()), "split-sizes")
    assert found.implies == dict.fromkeys(found.claims, "slice")


def test_cut_off_shares_of_all_slices_are_told_in_full():
    # 0.7 x 12391 = 8673.7 and 0.15 x 12391 = 1858.65; ten slices less are no such shares.
    (found,) = findings(split_claims(8673, 1858, 1860), "split-sizes")
    assert "floor(0.7 x 12391) = 8673 for train and floor(0.15 x 12391) = 1858" in found.sentence
    assert flat_signature({"train": 8663, "val": 1868, "test": 1860}) is None


def test_a_mean_of_classes_outside_them_has_no_weights():
    classes = {"WT": "0.90", "TC": "0.80", "ET": "0.70"}
    claims = [claim("dice", value, class_=name) for name, value in classes.items()]
    for mean, says in (("0.83", "weighted by the images"), ("0.65", "nor of any weights")):
        (found,) = findings([*claims, claim("dice", mean, class_="mean")], "mean-of-classes")
        assert found.level == "inconsistent"
        assert says in found.sentence


@pytest.mark.parametrize("sizes", [(2811, 701, 417), (2830, 706, 393), (2828, 709, 392)])
def test_sizes_that_are_no_shares_are_not_taken_for_any(sizes):
    assert nested_signature(dict(zip(("train", "val", "test"), sizes, strict=True))) is None
    (found,) = findings(split_claims(*sizes), "split-sizes")
    assert "no round shares" in found.sentence


def test_splits_that_do_not_add_up():
    whole = claim("slices", "3930", subset="all", model="", class_="")
    (found,) = findings([*split_claims(2828, 708, 393), whole], "split-sizes", "inconsistent")
    assert "sum to 3929" in found.sentence
    shares = {"train": "0.7", "val": "0.2", "test": "0.15"}
    claims = [claim("patient_fraction", value, subset=name) for name, value in shares.items()]
    # Printed with one decimal, 0.7 and 0.2 may be 0.68 and 0.17.
    assert findings(claims, "split-fractions", "consistent")
    finer = [claim("patient_fraction", f"{v}0", subset=s) for s, v in shares.items()]
    assert findings(finer, "split-fractions", "inconsistent")


def confusion(tp, fp, fn, tn, **scores_):
    cells = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    claims = [claim(name, str(value), class_="") for name, value in cells.items()]
    return claims + [claim(name, value, class_="") for name, value in scores_.items()]


@given(*[st.integers(1, 500)] * 4, st.integers(1, 4))
def test_scores_of_a_confusion_matrix_agree_with_it(tp, fp, fn, tn, decimals):
    exact = scores(tp, fp, fn, tn)
    given_ = {
        name: printed(exact[name], decimals)
        for name in ("accuracy", "precision", "recall", "specificity")
    }
    found = findings(confusion(tp, fp, fn, tn, **given_), "confusion-matrix")
    assert [each.level for each in found] == ["consistent"] * 4


def test_a_confusion_matrix_that_agrees_with_nothing_is_itself_in_question():
    claims = confusion(193, 52, 13, 330, accuracy="0.9500")
    (found,) = findings(claims, "confusion-matrix", "inconsistent")
    assert len(found.claims) == 5


def epochs(*values, final):
    rows = [claim("dice", value, f"e{n}", epoch=str(n)) for n, value in enumerate(values, start=1)]
    return [*rows, claim("dice", final, "final", epoch="final", where="text")]


@pytest.mark.parametrize(
    ("values", "final", "level", "says"),
    [
        (("0.50", "0.70", "0.60"), "0.60", "note", "last epoch, 3"),
        (("0.50", "0.60", "0.70"), "0.70", "consistent", "also the best"),
        (("0.50", "0.70", "0.60"), "0.70", "note", "epoch 2, not the last"),
        (("0.50", "0.70", "0.60"), "0.80", "inconsistent", "no epoch printed"),
        (("0.504", "0.705", "0.701"), "0.70", "note", "best epoch printed is 2"),
    ],
)
def test_final_scores_are_traced_to_their_epoch(values, final, level, says):
    (found,) = findings(epochs(*values, final=final), "best-against-last")
    assert (found.level, says in found.sentence) == (level, True)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("0.58", "0.581", "consistent"),
        ("0.71", "0.715", "consistent"),
        ("0.8571", "0.86", "consistent"),
        ("0.8571", "0.85", "note"),
        ("0.8571", "0.84", "inconsistent"),
    ],
)
def test_repeated_values(one, other, level):
    pair = [claim("dice", one), claim("dice", other, where="text")]
    assert [f.level for f in findings(pair, "contradictory-values")] == [level]


def test_one_figure_under_two_names():
    same = [claim("dice", "0.9147"), claim("f1", "0.9147")]
    assert findings(same, "one-value-two-names", "consistent")
    chance = [claim("recall", "0.9147"), claim("precision", "0.9147", where="text")]
    assert findings(chance, "one-value-two-names", "note")
    coarse = [claim("recall", "0.91"), claim("precision", "0.91")]
    assert not findings(coarse, "one-value-two-names")


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5), st.integers(1, 4))
def test_a_mean_of_classes_is_consistent_until_it_is_moved(values, decimals):
    parts = [
        claim("dice", printed(value, decimals), f"c{n}", class_=f"c{n}")
        for n, value in enumerate(values)
    ]
    exact = sum(values) / len(values)
    mean = claim("dice", printed(exact, decimals), "mean", class_="mean")
    assert findings([mean, *parts], "mean-of-classes", "consistent")
    moved = claim("dice", printed(exact + 2.5 * 10**-decimals, decimals), "mean", class_="mean")
    assert findings([moved, *parts], "mean-of-classes", "inconsistent")


def test_models_with_a_metric_in_common_can_be_ranked():
    claims = [claim("dice", "0.80"), claim("dice", "0.82", model="resunet")]
    assert [f.level for f in findings(claims, "ranking")] == ["consistent"]


def test_a_focal_loss_is_turned_into_the_score_that_it_leaves():
    losses = {("a", "unet"): {"name": "focal-tversky", "gamma": 0.75}}
    claims = [claim("loss", "0.1778"), claim("tversky", "0.900"), claim("tversky", "0.950")]
    (found,) = findings(claims, "loss-against-score", context=Context(losses=losses))
    assert found.numbers["score left"] == pytest.approx(0.9, abs=1e-3)
    assert found.numbers["reported"] == 0.9
    assert not findings(claims, "loss-against-score")
