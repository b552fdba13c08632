"""Sentences about numbers that outside documents print, each worked out by hand."""

import pytest
from claims_made_up import claim, findings, only, reported
from hypothesis import given
from hypothesis import strategies as st

from gliomake.claims.checks import run_checks
from gliomake.claims.findings import SLICE_MEAN, Context
from gliomake.scoring.averaging import element_scores


@pytest.mark.parametrize(
    ("dice", "iou"),
    [
        ("0.1641", "0.9745"),
        ("0.662", "0.708"),
        ("0.6549053192138672", "0.6620140075683594"),
        ("0.5185587406158447", "0.5766701102256775"),
    ],
)
def test_an_iou_above_its_dice_is_of_other_elements_or_classes(dice, iou):
    found = only(reported(dice=dice, iou=iou), "dice-against-iou")
    assert found.level == "inconsistent"
    assert found.sentence == (
        "No one way of scoring, over the same elements and classes, gives a Dice of "
        f"{dice} and an IoU of {iou}: there an IoU is never above its Dice."
    )


@pytest.mark.parametrize(
    ("dice", "iou", "says"),
    [
        # (curve - D) / (curve - J) with curve = 2 J / (1 + J): 0.75 for 0.60, 0.7097 for 0.55.
        ("0.74", "0.60", "as if 7% of them were hit or missed whole and the others alike"),
        ("0.70", "0.55", "as if 6% of them"),
        ("0.9827", "0.9745", "as if 35% of them"),
        ("0.860", "0.817", "as if 48% of them"),
        ("0.849", "0.809", "of which most are hit or missed whole"),
        ("0.824", "0.787", "of which most are hit or missed whole"),
        ("0.9776", "0.9736", "of which most are hit or missed whole"),
        ("0.699", "0.692", "of which most are hit or missed whole"),
        ("0.713", "0.705", "of which most are hit or missed whole"),
    ],
)
def test_how_many_images_are_hit_or_missed_whole_is_counted(dice, iou, says):
    found = only(reported(dice=dice, iou=iou), "dice-against-iou")
    assert found.level == "inconsistent"
    assert f"means over images {says}" in found.sentence


def test_the_share_hit_or_missed_whole_gives_that_dice():
    # A quarter of the images hit or missed whole, with an IoU of 0.6 on average, the others all at
    # 0.6: IoU 0.6, Dice 0.25 x 0.6 + 0.75 x 0.75 = 0.7125.
    found = only(reported(dice="0.7125", iou="0.6000"), "dice-against-iou")
    assert found.numbers["share hit or missed whole"] == pytest.approx(0.25)


def test_dice_and_f1_are_one_formula():
    found = only(reported(dice="0.1641", f1="0.9827"), "contradictory-values")
    assert (found.level, found.claims) == ("inconsistent", ("dice=0.1641", "f1=0.9827"))
    assert "one formula under two names" in found.sentence
    for other in ("0.164", "0.16", "0.1641"):
        assert not findings(reported(dice="0.1641", f1=other), "contradictory-values")
    found = only(reported(accuracy="0.97", pixel_accuracy="0.95"), "contradictory-values")
    assert found.level == "inconsistent"


def test_empty_slices_can_be_the_cause_of_a_dice_above_its_parts():
    trio = reported(dice="0.9776", precision="0.9514", recall="0.9342")
    found = only(trio, "dice-against-precision-recall")
    assert found.level == "inconsistent"
    assert "the Dice can be inflated by empty slices counted as 1" in found.sentence


def test_no_mean_has_a_dice_below_precision_plus_recall_minus_1():
    trio = reported(dice="0.1641", precision="0.9823", recall="0.9833")
    found = only(trio, "dice-against-precision-recall")
    assert found.level == "inconsistent"
    # 0.98225 + 0.98325 - 1
    assert found.numbers["lowest mean"] == pytest.approx(0.9655)
    assert "nor means over the same elements and classes" in found.sentence
    assert found.implies == {}
    # Three images at P = R = 1 and one at P = 1, R = 0: Dice 0.75 = P + R - 1 is such a mean.
    trio = reported(dice="0.750", precision="1.000", recall="0.750")
    found = only(trio, "dice-against-precision-recall")
    assert "means over slices can be so" in found.sentence


@given(st.lists(st.tuples(*[st.integers(1, 99)] * 4), min_size=2, max_size=8))
def test_means_over_images_are_never_called_impossible(images):
    values = {
        name: f"{element_scores(images, name).mean():.3f}"
        for name in ("dice", "precision", "recall")
    }
    (found,) = findings(reported(**values), "dice-against-precision-recall")
    assert "nor means" not in found.sentence
    assert "inflated" not in found.sentence


def test_an_accuracy_outside_recall_and_specificity_can_be_a_mean():
    # Recall 45/50 and specificity 1 in one image, recall 1 and specificity 90/100 in another.
    images = [[45, 0, 5, 50], [1, 10, 0, 90]]
    names = ("accuracy", "recall", "specificity")
    accuracy, recall, specificity = (element_scores(images, name).mean() for name in names)
    assert (accuracy, recall, specificity) == pytest.approx((0.9255, 0.95, 0.95), abs=1e-4)
    trio = reported(accuracy="0.9255", recall="0.9500", specificity="0.9500")
    found = only(trio, "accuracy-and-prevalence")
    assert found.level == "inconsistent"
    assert found.sentence.startswith("No one count gives accuracy 0.9255")
    assert found.sentence.endswith("Means over images can lie outside.")
    assert set(found.implies.values()) == {SLICE_MEAN}


def test_scores_of_no_one_count_do_not_bound_the_background():
    scores = reported(accuracy="0.9723", specificity="0.9915", recall="0.9794", dice="0.87")
    found = only(scores, "all-background-accuracy")
    assert "not from one pooled count" in found.sentence


def test_pixels_are_not_called_images():
    counts = reported(tp="4753280", tn="11861087", fp="89561", fn="335432", accuracy="0.975")
    found = only(counts, "all-background-accuracy")
    assert "calling everything free of tumour: 0.701" in found.sentence
    images = [claim(each.quantity, each.value, aggregation="image level") for each in counts]
    assert "calling every image free" in only(images, "all-background-accuracy").sentence


def test_images_are_not_called_pixels():
    values = {"accuracy": "0.8895", "recall": "0.9369", "specificity": "0.8639"}
    trio = [claim(name, value, aggregation="image level") for name, value in values.items()]
    assert "of the images" in only(trio, "accuracy-and-prevalence").sentence
    values = {"precision": "0.7878", "recall": "0.9369", "specificity": "0.8639"}
    trio = [claim(name, value, aggregation="image level") for name, value in values.items()]
    found = only(trio, "prevalence-by-precision")
    assert "of the images" in found.sentence
    assert found.numbers["prevalence"] == pytest.approx(206 / 588, abs=1e-4)


def classes(mean, *parts, quantity="dice", **kwargs):
    named = [
        claim(quantity, value, f"c{n}", class_=f"c{n}", **kwargs) for n, value in enumerate(parts)
    ]
    return [claim(quantity, mean, "mean", class_="mean", **kwargs), *named]


def test_a_mean_with_the_background_that_is_not_listed():
    found = only(classes("0.7609", "0.6286", "0.7101", "0.7049"), "mean-of-classes")
    assert found.level == "inconsistent"
    # (0.6286 + 0.7101 + 0.7049 + 1) / 4 = 0.7609
    assert "of 4 classes if one more, such as the background, is 1.000" in found.sentence
    # 0.72 would take a fourth class at 0.8364, which is no background.
    found = only(classes("0.7200", "0.6286", "0.7101", "0.7049"), "mean-of-classes")
    assert found.level == "inconsistent"
    assert "background" not in found.sentence


def test_a_background_that_is_listed_may_be_left_out_of_the_mean():
    listed = [*classes("0.70", "0.60", "0.80"), claim("dice", "0.99", class_="background")]
    found = only(listed, "mean-of-classes")
    assert found.level == "consistent"
    assert "without the background" in found.sentence


def test_means_over_classes_are_not_taken_for_one_table():
    # Two classes with IoU 0.9 and 0.3 have Dice 0.947 and 0.462: means 0.60 and 0.704.
    pair = [claim("dice", "0.704", class_="mean"), claim("iou", "0.600", class_="mean")]
    found = only(pair, "dice-against-iou")
    assert (found.level, found.implies) == ("note", {})
    assert "means over the same classes" in found.sentence
    pair = [claim("dice", "0.750", class_="mean"), claim("iou", "0.600", class_="mean")]
    assert only(pair, "dice-against-iou").implies == {}
    # What bounds means binds them, too.
    pair = [claim("dice", "0.7609", class_="mean"), claim("iou", "0.8153", class_="mean")]
    assert only(pair, "dice-against-iou").level == "inconsistent"
    # Accuracies of classes lie wherever their prevalences put them.
    values = {"accuracy": "0.9255", "recall": "0.95", "specificity": "0.95"}
    trio = [claim(name, value, class_="mean") for name, value in values.items()]
    assert not findings(trio, "accuracy-and-prevalence")
    assert not findings(trio, "one-count")


def test_precision_and_recall_of_a_mean_over_classes():
    # Classes with P = R = 0.9 and P = 0.1, R = 0.5: Dice 0.9 and 0.167, means 0.533, 0.5, 0.7.
    values = {"dice": "0.533", "precision": "0.500", "recall": "0.700"}
    found = only(
        [claim(name, value, class_="mean") for name, value in values.items()],
        "dice-against-precision-recall",
    )
    assert (found.level, found.implies) == ("note", {})


@pytest.mark.parametrize("epoch", ["", "final", "7"])
def test_scores_over_other_elements_are_other_numbers(epoch):
    claims = [
        claim("dice", "0.68", aggregation="all slices", epoch=epoch),
        claim("dice", "0.86", aggregation="tumour slices", epoch=epoch),
        claim("iou", "0.90", aggregation="tumour slices", epoch=epoch),
    ]
    found = [each for each in run_checks(claims) if each.level == "inconsistent"]
    assert [each.claims for each in found] == [("dice=0.86", "iou=0.90")]
    again = [*claims, claim("dice", "0.70", aggregation="All slices", epoch=epoch)]
    assert only(again, "contradictory-values").claims == ("dice=0.68", "dice=0.70")


def test_not_stated_is_no_kind_of_elements():
    pair = [claim("dice", "0.68", aggregation="not stated"), claim("dice", "0.86")]
    assert only(pair, "contradictory-values").level == "inconsistent"


def test_models_are_ranked_over_the_same_elements():
    claims = [
        claim("dice", "0.68", aggregation="all slices"),
        claim("dice", "0.86", aggregation="tumour slices", model="resunet"),
    ]
    assert "cannot be ranked" in only(claims, "ranking").sentence


def test_background_of_the_data_stands_beside_the_prevalence():
    trio = reported(precision="0.9000", recall="0.8000", specificity="0.9900")
    # P (1 - S) / (P (1 - S) + R (1 - P)) = 0.009 / (0.009 + 0.08)
    found = only(trio, "prevalence-by-precision")
    assert found.level == "note"
    assert found.numbers["prevalence"] == pytest.approx(0.009 / 0.089)
    context = Context(background={("a", "test"): 0.98})
    assert "in the data it is 2.00%" in only(trio, found.check, context=context).sentence
    # Of several classes the background of each is not known.
    other = claim("dice", "0.50", class_="ED")
    assert "in the data" not in only([*trio, other], found.check, context=context).sentence
    # 0.1011 x 0.8 + 0.8989 x 0.99 = 0.9708
    for accuracy, level in (("0.971", "consistent"), ("0.985", "inconsistent")):
        assert only([*trio, *reported(accuracy=accuracy)], found.check).level == level


def test_micro_means_over_one_hot_classes_are_known_by_their_prevalence():
    values = {"precision": "0.9943", "recall": "0.9942", "specificity": "0.9981"}
    trio = [claim(name, value, class_="mean") for name, value in values.items()]
    found = only(trio, "prevalence-by-precision")
    assert found.numbers["prevalence"] == pytest.approx(0.25, abs=5e-4)
    assert "1/4 is what micro means over 4 one-hot classes would give" in found.sentence
    # Of other means nothing is said.
    trio[2] = claim("specificity", "0.9990", class_="mean")
    assert not findings(trio, "prevalence-by-precision")


def test_equal_ends_leave_the_prevalence_open():
    trio = reported(precision="1.00", recall="0.90", specificity="1.00")
    assert not findings(trio, "prevalence-by-precision")
