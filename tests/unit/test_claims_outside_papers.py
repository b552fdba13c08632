"""Findings in tables that outside papers and project pages print, each worked out by hand.

Bounds are written with the arithmetic of one table of counts, IoU = D / (2 - D) and
D = 2 P R / (P + R), at the printed numbers; all stand farther off than rounding reaches.
"""

import pytest
from claims_examples import EXAMPLES, example_findings
from test_claims_outside_pages import EXPECTED

from gliomake.claims.checks import run_checks
from gliomake.claims.outside import read_outside


def _found(name, check):
    """Give the level by claim ids of a check's findings."""
    return {
        _named(ids): level for (of, *ids), level in example_findings(name).items() if of == check
    }


# Source, first ids of the pairs whose Dice and IoU cannot be of one count.
PAIRS = {
    # D 0.80 gives IoU 0.667; 0.795 to 0.805 give 0.660 to 0.674, and 0.675 to 0.685 prints 0.68.
    "readme-brats-unet": [(1, 2)],
    # IoU gives Dice 0.840, (0.847), 0.875, 0.841, 0.895, 0.897, 0.897, 0.899 against the printed
    # 0.746, 0.721, 0.782, 0.769, 0.823, 0.813, 0.853, 0.860.
    "readme-lgg-segmentation": [(n, n + 1) for n in range(1, 16, 2)],
    # IoU gives Dice 0.98472, 0.94609, 0.97167, 0.96185 against 0.9842, 0.9398, 0.9708, 0.9607.
    "pmc11888921": [(n, n + 1) for n in (1, 6, 11, 16)],
    # IoU gives Dice 0.8735, 0.8755, 0.8825, 0.8862 above 0.8577, 0.8617, 0.8798, 0.8859, and
    # 0.8937 below 0.9016.
    "s41598-025-33136-x": [(n, n + 1) for n in (4, 9, 14, 19, 24)],
    "hindawi-4801077": [],
    # 0.7609 / 1.2391 = 0.6141, and an IoU is never above its Dice.
    "readme-brats2020-segmentation": [(1, 2)],
    # 0.735 to 0.745 give 0.5810 to 0.5936; 0.595 to 0.605 prints 0.60.
    "ijam-1778": [(1, 2)],
    # 0.75 gives 0.6, and 0.85 is printed.
    "openalex-2025-009489": [(5, 1)],
    # 0.1641 / 1.8359 = 0.0894 and 0.9827 / 1.0173 = 0.96599, and 0.9745 is printed.
    "readme-nnunet-predictions": [(1, 2), (6, 2)],
}
# Dice, precision, recall: contradiction or not.
TRIPLES = {
    # 2 x 0.82 x 0.78 / 1.60 = 0.7995, which prints 0.80.
    "readme-brats-unet": {(1, 4, 3): "consistent"},
    "readme-lgg-segmentation": {},
    # 0.98384, 0.94984, 0.97087, 0.96088 against 0.9842, 0.9398, 0.9708, 0.9607. The third is
    # 0.97082 to 0.97092 with rounding, and 0.97075 to 0.97085 prints 0.9708: they meet.
    "pmc11888921": {
        (1, 4, 3): "inconsistent",
        (6, 9, 8): "inconsistent",
        (11, 14, 13): "consistent",
        (16, 19, 18): "inconsistent",
    },
    # 0.8762, 0.8800, 0.8890, 0.9002, 0.9145 against 0.8577, 0.8617, 0.8798, 0.8859, 0.9016.
    "s41598-025-33136-x": {(n, n - 2, n - 1): "inconsistent" for n in (4, 9, 14, 19, 24)},
    # 0.8165, 0.8289, 0.7580 against 0.7992, 0.7844, 0.7020 and so on, each 0.004 off or more. The
    # means over regions (every fourth row) are no one count: a note.
    "hindawi-4801077": {
        (n, n + 1, n + 2): "note" if n % 12 == 10 else "inconsistent" for n in range(1, 47, 3)
    },
    # 2 x 0.9943 x 0.9942 / 1.9885 = 0.99425 against 0.7609.
    "readme-brats2020-segmentation": {(1, 3, 4): "inconsistent"},
    "ijam-1778": {},
    "openalex-2025-009489": {},
    # 2 x 0.9823 x 0.9833 / 1.9656 = 0.98280 against 0.1641; with rounding 0.98275, where 0.9827
    # ends.
    "readme-nnunet-predictions": {(1, 3, 4): "inconsistent", (6, 3, 4): "consistent"},
}


def _named(ids):
    return frozenset(map(str, ids))


@pytest.mark.parametrize("name", PAIRS)
def test_dice_against_iou(name):
    expected = {_named(pair): "inconsistent" for pair in PAIRS[name]}
    assert _found(name, "dice-against-iou") == expected


@pytest.mark.parametrize("name", TRIPLES)
def test_dice_against_precision_and_recall(name):
    expected = {_named(ids): level for ids, level in TRIPLES[name].items()}
    assert _found(name, "dice-against-precision-recall") == expected


def test_a_mean_of_regions_with_exchanged_digits():
    # (0.8002 + 0.7946 + 0.7553) / 3 = 2.3501 / 3 = 0.78337, and 0.7837 is printed. The other
    # eleven agree, such as (0.8899 + 0.9078 + 0.8335) / 3 = 0.87707, printed 0.8771.
    found = _found("hindawi-4801077", "mean-of-classes")
    assert len(found) == 12
    wrong = [ids for ids, level in found.items() if level != "consistent"]
    assert wrong == [_named((2, 5, 8, 11))]
    assert found[wrong[0]] == "inconsistent"


def test_scores_of_four_classes_with_the_background_among_them():
    # P (1 - S) / (R (1 - P) + P (1 - S)) = 0.0018892 / (0.0056669 + 0.0018892) = 0.2500: a class
    # of a quarter of all pixels, as micro means over four one-hot classes have it.
    found = _found("readme-brats2020-segmentation", "prevalence-by-precision")
    assert found == {_named((3, 4, 5)): "note"}


def test_one_value_under_two_names():
    # 0.9833 is the recall and the accuracy, as in means weighted by how often a label is.
    found = _found("readme-nnunet-predictions", "one-value-two-names")
    assert found == {_named((4, 5)): "note"}


def test_one_formula_under_two_names():
    # Dice and F1 are 2 TP / (2 TP + FP + FN) both.
    found = _found("readme-nnunet-predictions", "contradictory-values")
    assert found == {_named((1, 6)): "inconsistent"}


def test_a_sentence_of_a_table_without_places_and_models(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text("quantity,value\ndice,0.1641\nf1,0.9827\nprecision,0.9823\nrecall,0.9833\n")
    sentences = {f.check: f.sentence for f in reversed(run_checks(read_outside(path)))}
    assert sentences["contradictory-values"].startswith("Dice 0.1641 and F1 0.9827 are one")
    assert sentences["dice-against-precision-recall"].startswith("Precision 0.9823 and recall")


# What else is found: check and ids by level. No accuracy here has a share of background to stand
# beside: none of the tables prints a count, and where Dice, IoU, precision and recall are of no
# one count (above) they bound none.
EMPTY, RANKING, MEAN = "all-background-accuracy", "ranking", "mean-of-classes"
OTHERS = {
    "readme-brats-unet": {},
    # Eight models, each with a Dice and an IoU.
    "readme-lgg-segmentation": {(RANKING, *range(1, 17)): "consistent"},
    # Two models with the same five scores, in training and in validation.
    "pmc11888921": {
        **{(EMPTY, n): "note" for n in (5, 10, 15, 20)},
        (RANKING, *range(1, 6), *range(11, 16)): "consistent",
        (RANKING, *range(6, 11), *range(16, 21)): "consistent",
    },
    # Five models with the same five scores.
    "s41598-025-33136-x": {
        **{(EMPTY, n): "note" for n in (1, 6, 11, 16, 21)},
        (RANKING, *range(1, 26)): "consistent",
    },
    # Sums over three regions: Dice 2.2856, 2.3893, 2.4632, 2.5247; precision 2.3501, 2.4521,
    # 2.5091, 2.5981; recall 2.4607, 2.5681, 2.5780, 2.6312. A third of each prints the mean, but
    # for 2.3501 / 3 = 0.78337 against 0.7837.
    "hindawi-4801077": {
        **{
            (MEAN, n, n + 3, n + 6, n + 9): "inconsistent" if n == 2 else "consistent"
            for model in range(1, 48, 12)
            for n in range(model, model + 3)
        },
        (RANKING, *range(1, 49)): "consistent",
    },
    "readme-brats2020-segmentation": {("prevalence-by-precision", 3, 4, 5): "note"},
    "ijam-1778": {(EMPTY, 3): "note"},
    # (s - a) / (s - r) with all three between 0.985 and 0.995: nothing over nothing.
    "openalex-2025-009489": {
        ("accuracy-and-prevalence", 2, 3, 4): "note",
        (EMPTY, 4): "note",
    },
    "readme-nnunet-predictions": {
        (EMPTY, 5): "note",
        ("one-value-two-names", 4, 5): "note",
        ("contradictory-values", 1, 6): "inconsistent",
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_found(name):
    known = ("dice-against-iou", "dice-against-precision-recall")
    others = {key: level for key, level in example_findings(name).items() if key[0] not in known}
    assert others == OTHERS[name]


def test_every_example_is_worked_out():
    assert set(PAIRS) == set(TRIPLES) == set(OTHERS)
    assert {path.stem for path in EXAMPLES.glob("*.csv")} == set(PAIRS) | set(EXPECTED)
