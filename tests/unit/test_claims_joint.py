"""Many scores at once: one table of counts, whole numbers, folds, confusion matrices, sizes."""

import pytest
from claims_made_up import claim, findings, only, reported
from hypothesis import given
from hypothesis import strategies as st

from gliomake.claims.cells import score
from gliomake.claims.feasible import even_folds, fold_counts_exist, share_counts_exist, whole_counts
from gliomake.claims.findings import Context
from gliomake.claims.interval import Interval

NAMES = ("dice", "iou", "precision", "recall", "specificity", "npv", "accuracy")
WHOLE = (*NAMES, "balanced_accuracy", "kappa", "mcc")


def around(value, reach=0.0005):
    return Interval(value - reach, value + reach)


@given(st.tuples(*[st.integers(1, 10**6)] * 4))
def test_scores_of_one_count_are_always_possible(counts):
    assert share_counts_exist({name: around(score(name, counts), 5e-5) for name in NAMES})


@pytest.mark.parametrize(
    "scores",
    [
        # Dice = 2 P R / (P + R) and IoU = D / (2 - D): 0.8 and 0.8 give 0.8 and 0.667.
        {"iou": 0.70, "precision": 0.80, "recall": 0.80},
        # A Dice is at most 2 P / (1 + P).
        {"dice": 0.90, "precision": 0.70},
        # An IoU is at most the recall.
        {"iou": 0.75, "recall": 0.70},
        # P 0.9, R 0.8, S 0.99 put 10 % of the pixels in the class: NPV (0.9 x 0.99) / (... + 0.02).
        {"precision": 0.90, "recall": 0.80, "specificity": 0.99, "npv": 0.90},
    ],
)
def test_scores_of_no_count(scores):
    assert not share_counts_exist({name: around(value) for name, value in scores.items()})


def test_the_fewest_scores_that_contradict_each_other_are_named():
    claims = reported(
        iou="0.700", precision="0.800", recall="0.800", specificity="0.990", accuracy="0.980"
    )
    found = only(claims, "one-count")
    assert found.level == "inconsistent"
    assert found.claims == ("iou=0.700", "precision=0.800", "recall=0.800")
    assert "no one count gives IoU 0.700, precision 0.800 and recall 0.800" in found.sentence
    # What another check contradicts is not said twice.
    assert not findings(reported(dice="0.53", iou="0.50", recall="0.60"), "one-count")


def test_four_scores_of_one_count_are_said_to_be():
    # tp 80, fp 20, fn 20, tn 880
    claims = reported(dice="0.80", iou="0.67", recall="0.80", specificity="0.98", accuracy="0.96")
    assert only(claims, "one-count").level == "consistent"


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.lists(st.sampled_from(WHOLE), min_size=1, max_size=4, unique=True),
    st.data(),
)
def test_whole_counts_are_those_that_a_search_finds(positives, negatives, names, data):
    reaches = {name: around(data.draw(st.floats(-0.1, 1)), 0.05) for name in names}

    def fits(counts):
        values = {name: score(name, counts) for name in names}
        return all(v is not None and v in reaches[name] for name, v in values.items())

    tables = [
        (tp, negatives - tn, positives - tp, tn)
        for tp in range(positives + 1)
        for tn in range(negatives + 1)
    ]
    found = whole_counts(reaches, positives, negatives)
    assert found.n == sum(map(fits, tables))
    assert not found.n or fits(found.example)


def sizes(positives, negatives, subset="test"):
    return [
        claim(name, value, f"{name} {subset}", model="", class_="", subset=subset)
        for name, value in (("positives", positives), ("negatives", negatives))
    ]


def test_whole_numbers_behind_scores():
    # tp 193, fp 52, fn 13, tn 330: accuracy 0.8895, recall 0.9369, specificity 0.8639.
    scores = reported(accuracy="0.8895", recall="0.9369", specificity="0.8639")
    found = only([*scores, *sizes("206", "382")], "whole-numbers")
    assert found.level == "consistent"
    assert "tp 193, fp 52, fn 13, tn 330 is the only table with them" in found.sentence
    # 0.8893 x 588 = 522.9: 522, 523 and 524 hits print as 0.8878, 0.8895 and 0.8912.
    found = only([*reported(accuracy="0.8893"), *sizes("206", "382")], "whole-numbers")
    assert found.level == "inconsistent"
    assert "no whole counts give them" in found.sentence


@pytest.mark.parametrize(
    "change",
    [
        {"approximate": True},
        {"subset": "val"},
        {"model": "other"},
        {"aggregation": "tumour slices"},
    ],
)
def test_sizes_that_are_not_these_are_not_taken(change):
    given_ = {"model": "", "class_": ""} | change
    margins = [claim("positives", "206", **given_), claim("negatives", "382", **given_)]
    assert not findings([*reported(accuracy="0.8893"), *margins], "whole-numbers")


def test_many_positives_are_left_to_shares():
    assert whole_counts({"dice": around(0.9)}, 10**8, 10**9) is None


def test_means_over_folds_of_known_sizes():
    folds = [(2, 3), (3, 2)]
    # Recalls of halves and thirds: a mean of (0 + 1/3) / 2 = 0.167 can be, 0.2 cannot.
    assert fold_counts_exist({"recall": around(0.167)}, folds)
    assert not fold_counts_exist({"recall": around(0.2)}, folds)
    claims = [
        *sizes("2", "3", "fold 1"),
        *sizes("3", "2", "fold 2"),
        claim("recall", "0.200", subset="cv", aggregation="mean over folds"),
    ]
    found = only(claims, "fold-means")
    assert found.level == "inconsistent"
    assert "means over 2 folds: no whole counts of the folds give them" in found.sentence
    claims[-1] = claim("recall", "0.167", subset="cv", aggregation="mean over folds")
    assert only(claims, "fold-means").level == "consistent"
    # Accuracy and both others must have the same counts: A = (0.4 + 0.6) / 2 needs 2 + 3 hits.
    both = {"accuracy": around(0.5), "recall": around(1.0), "specificity": around(1.0)}
    assert not fold_counts_exist(both, folds)


def test_stratified_folds_share_evenly():
    # 5 positives and 4 negatives of 3 folds: 2, 2, 1 and one of three ways to deal 2, 1, 1.
    ways = even_folds(5, 4, 3)
    assert sorted(ways) == [
        [(2, 1), (2, 1), (1, 2)],
        [(2, 1), (2, 2), (1, 1)],
        [(2, 2), (2, 1), (1, 1)],
    ]


def test_means_over_stratified_folds():
    number = claim("folds", "2", model="", class_="", subset="cv")
    margins = [*sizes("5", "5", "cv"), number]
    for recall, level in (("0.167", "consistent"), ("0.200", "inconsistent")):
        score_ = claim("recall", recall, subset="cv", aggregation="mean over folds")
        found = only([*margins, score_], "fold-means")
        assert found.level == level
        assert "2 stratified folds" in found.sentence
        # One count has a recall of 1/5; a mean over folds is not held against it.
        assert not findings([*margins, score_], "whole-numbers")
    assert not findings([*margins[:2], score_], "fold-means")


def matrix(tp, fp, fn, tn, **kwargs):
    suffix = "-".join(str(each) for each in kwargs.values())
    cells = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    return [claim(name, value, f"{name} {suffix}", **kwargs) for name, value in cells.items()]


@pytest.mark.parametrize("by", ["class_", "epoch", "subset", "model", "aggregation"])
def test_two_confusion_matrices_stay_apart(by):
    one, two = ("1", "2") if by == "epoch" else ("val", "test") if by == "subset" else ("NEC", "ED")
    claims = [
        *matrix("100", "20", "30", "850", **{by: one}),
        *matrix("25", "10", "75", "890", **{by: two}),
        claim("recall", "0.77", "first", **{by: one}),  # 100 / 130
        claim("recall", "0.25", "second", **{by: two}),
        claim("dice", "0.80", "third", **{by: one}),  # 200 / 250
    ]
    found = findings(claims, "confusion-matrix")
    assert {(each.claims[0], each.level) for each in found} == {
        (name, "consistent") for name in ("first", "second", "third")
    }


def test_a_matrix_of_another_place_is_held_against_the_score_that_it_gives():
    claims = [
        *matrix("100", "20", "30", "850", where="table 1"),
        *matrix("25", "10", "75", "890", where="table 2"),
        claim("recall", "0.77", "text", where="text"),
        claim("recall", "0.77", "beside", where="table 2"),
    ]
    found = {each.claims[0]: each.level for each in findings(claims, "confusion-matrix")}
    assert found == {"text": "consistent", "beside": "inconsistent"}


@pytest.mark.parametrize(
    ("scope", "compared"), [("image level", 1), ("pooled", 1), ("tumour slices", 0)]
)
def test_cells_of_all_elements_are_behind_a_pooled_score(scope, compared):
    claims = [*matrix("100", "20", "30", "850"), claim("recall", "0.77", aggregation=scope)]
    assert len(findings(claims, "confusion-matrix")) == compared


def test_classes_beside_a_matrix_of_none_are_not_guessed():
    cells = matrix("100", "20", "30", "850", class_="")
    several = [claim("recall", "0.77", class_="NEC"), claim("recall", "0.50", class_="ED")]
    assert not findings([*cells, *several], "confusion-matrix")
    mean = claim("recall", "0.50", class_="mean")
    assert not findings([*cells, mean], "confusion-matrix")
    assert only([*cells, several[0]], "confusion-matrix").level == "consistent"


@pytest.mark.parametrize(
    ("quantity", "value"),
    # tp 100, fp 20, fn 30, tn 850
    [
        ("dice", "0.800"),  # 200 / 250
        ("f1", "0.800"),
        ("iou", "0.667"),  # 100 / 150
        ("pixel_accuracy", "0.950"),  # 950 / 1000
        ("npv", "0.966"),  # 850 / 880
        ("balanced_accuracy", "0.873"),  # (100 / 130 + 850 / 870) / 2
        ("kappa", "0.771"),  # (0.95 - 0.7812) / (1 - 0.7812)
        ("mcc", "0.772"),  # (85000 - 600) / sqrt(120 x 130 x 870 x 880)
    ],
)
def test_every_score_of_counts_is_recomputed(quantity, value):
    cells = matrix("100", "20", "30", "850")
    right = only([*cells, claim(quantity, value, "s")], "confusion-matrix")
    wrong = only([*cells, claim(quantity, "0.700", "s")], "confusion-matrix")
    assert (right.level, wrong.level) == ("consistent", "inconsistent")


def test_rounded_cells_reach_as_far_as_their_rounding():
    cells = {"tp": "4.8e6", "fp": "9e4", "fn": "3.4e5", "tn": "1.19e7"}
    claims = [claim(name, value, name) for name, value in cells.items()]
    # 4.75 / 5.095 to 4.85 / 5.185: 0.932 to 0.935.
    for recall, level in (("0.934", "consistent"), ("0.940", "inconsistent")):
        assert only([*claims, claim("recall", recall)], "confusion-matrix").level == level


def test_pixels_are_not_counted_as_slices():
    known = [claim("slices", "3929", subset="all", model="", class_="")]
    counts = matrix("100000", "20", "30", "850")
    assert not findings([*known, *counts], "confusion-matrix", context=Context())


def part(quantity, value, subset, **kwargs):
    return claim(
        quantity, value, f"{quantity} {subset}", subset=subset, model="", class_="", **kwargs
    )


@pytest.mark.parametrize(
    ("quantity", "parts", "whole", "level", "says"),
    [
        ("patients", "77/16/17", "110", "consistent", "sum to 110, as the 110 patients"),
        ("patients", "77/16/18", "110", "inconsistent", "some stand in several subsets"),
        ("patients", "77/16/16", "110", "inconsistent", "sum to 109, not the 110 patients"),
        ("patients", "88//22", "110", "consistent", "train and test sum to 110"),
        ("patients", "88//23", "110", "inconsistent", "some stand in several subsets"),
        ("patients", "77//17", "110", "note", "the other 16 are in no subset"),
        ("slices", "3143//786", "3929", "consistent", "as the 3929 slices"),
        ("slices", "3143//787", "3929", "inconsistent", "not the 3929 slices"),
        ("slices", "3143/786/", "3929", "consistent", "train and val sum to 3929"),
    ],
)
def test_parts_are_summed(quantity, parts, whole, level, says):
    named = zip(("train", "val", "test"), parts.split("/"), strict=True)
    claims = [part(quantity, value, subset) for subset, value in named if value]
    claims.append(part(quantity, whole, "all"))
    found = [each for each in findings(claims, "split-sizes") if each.claims[-1].endswith("all")]
    assert [each.level for each in found] == [level]
    assert says in found[0].sentence


def test_an_approximate_whole_reaches_as_far_as_it_says():
    claims = [part("slices", "3143", "train"), part("slices", "786", "test")]
    whole = claim("slices", "4e3", "all", subset="all", model="", class_="", approximate=True)
    assert only([*claims, whole], "split-sizes").level == "consistent"


@pytest.mark.parametrize(
    ("shares", "level"),
    [("0.80/0.20", "consistent"), ("0.80/0.15", "note"), ("0.80/0.30", "inconsistent")],
)
def test_two_shares_of_patients_are_summed(shares, level):
    train, test = shares.split("/")
    claims = [part("patient_fraction", train, "train"), part("patient_fraction", test, "test")]
    assert only(claims, "split-fractions").level == level
