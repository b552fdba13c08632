"""Every finding in the later tables of `examples/claims/`, each worked out by hand.

As in `test_claims_outside_papers.py`: IoU = D / (2 - D) and D = 2 P R / (P + R) at the printed
numbers. A table that states counts is recomputed from them. The findings are complete.
"""

import pytest
from claims_examples import example_findings, example_sentence

IOU, HARMONIC = "dice-against-iou", "dice-against-precision-recall"
MATRIX, EMPTY, NAMES = "confusion-matrix", "all-background-accuracy", "one-value-two-names"
MEAN, BALANCE, BY_PRECISION = (
    "mean-of-classes",
    "accuracy-and-prevalence",
    "prevalence-by-precision",
)
NOT, NOTE, YES = "inconsistent", "note", "consistent"


def _ranked(last, first=1):
    """All rows of a table have scores by which its models are ranked."""
    return {("ranking", *range(first, last + 1)): YES}


EXPECTED = {
    # Of 9216 pixels 123 are tumour. Accuracy (123 + 970) / 9216 = 0.11860, precision
    # 123 / 8246 = 0.01492, recall 123 / 123, F1 246 / (246 + 8123) = 0.02939; all as printed.
    # An empty mask has an accuracy of 9093 / 9216 = 0.98665.
    "gist-dl4j-segmentation": {
        **{(MATRIX, 1, 2, 3, 4, n): YES for n in (5, 6, 7, 8)},
        (HARMONIC, 6, 7, 8): YES,
        (EMPTY, 5): NOTE,
        ("one-count", 5, 6, 7, 8): YES,
    },
    # Accuracy 9207 / 9216 = 0.99902, precision 123 / 132 = 0.93182, F1 246 / 255 = 0.96471.
    "gist-dl4j-segmentation-trained": {
        **{(MATRIX, 1, 2, 3, 4, n): YES for n in (5, 6, 7, 8)},
        (HARMONIC, 6, 7, 8): YES,
        (EMPTY, 5): NOTE,
        ("one-count", 5, 6, 7, 8): YES,
    },
    # 8673 + 1858 + 1860 = 12391; 0.7 x 12391 = 8673.7 and 0.15 x 12391 = 1858.65, both cut off.
    # Without the background 5.1451 / 7 = 0.73501 and 5.1707 / 7 = 0.73867; with it, 6.1369 / 8
    # = 0.7671 and 6.1624 / 8 = 0.7703.
    "wiki-eight-classes": {
        ("split-sizes", 1, 2, 3): NOTE,
        ("split-sizes", 1, 2, 3, 4): YES,
        (MEAN, *range(5, 14)): YES,
        (MEAN, *range(14, 23)): YES,
    },
    # 0.917 of equal parts against 0.908; 1.7094 / 1.849 = 0.92450 (0.924 with rounding) against
    # 0.922; 1.49933 / 1.732 = 0.86567 against 0.852: all below, as means over cases are.
    "card-medtrace-segresnet": {
        **{(HARMONIC, n, n + 1, n + 2): NOT for n in (1, 4, 7)},
        (NAMES, 2, 3): NOTE,
    },
    # (0.8559 + 0.9026 + 0.7905) / 3 = 2.5490 / 3 = 0.84967, and 0.8518 is printed. Were the third
    # in 89.5 % of the cases only, (1.7585 + 0.895 x 0.7905) / 2.895 = 2.46600 / 2.895 = 0.85181.
    "card-monai-brats": {(MEAN, 1, 2, 3, 4): NOT},
    # WT: 1.97607 / 1.988 = 0.99400, printed 0.994. ET: 1.93887 / 1.9692 = 0.98460, and 0.9829 is
    # printed; TC: 1.93258 / 1.966 = 0.98300, and 0.9846 is printed: the two stand exchanged.
    # One count for WT: TP 9939, FN 61, FP 59, TN 9941, with an accuracy of 19880 / 20000.
    "doaj-462c8b91": {
        (HARMONIC, 2, 3, 4): YES,
        (HARMONIC, 6, 7, 8): NOT,
        (HARMONIC, 10, 11, 12): NOT,
        **{(EMPTY, n): NOTE for n in (1, 5, 9)},
        (NAMES, 1, 3): NOTE,
        ("one-count", 1, 2, 3, 4): YES,
    },
    # An IoU of 0.8061 is above its Dice of 0.5741. 1.96792 / 1.9839 = 0.99195, and means cannot
    # be below 0.9937 + 0.9902 - 1 = 0.9839. Accuracy: (0.9978 - 0.9924) / (0.9978 - 0.9902) =
    # 0.7105 of tumour, so a precision of 0.70356 / (0.70356 + 0.00064) = 0.9991, not 0.9937; the
    # Dice would leave 0.56847 / 1.4063 = 0.4042. By the precision the class has
    # 0.0021861 / (0.0062383 + 0.0021861) = 0.2595, a quarter as of four one-hot classes, and an
    # accuracy of 0.25696 + 0.73887 = 0.9958, not 0.9924.
    "readme-brats-four-classes": {
        (IOU, 2, 3): NOT,
        (HARMONIC, 3, 4, 5): NOT,
        (BALANCE, 1, 3, 5, 6): NOT,
        (BALANCE, 1, 4, 5, 6): NOT,
        (EMPTY, 1): NOTE,
        (BY_PRECISION, 1, 4, 5, 6): NOT,
    },
    # 0.6439 is above 0.6294. 1.96813 / 1.984 = 0.99200; 0.9840 at least. 0.0052 / 0.0066 = 0.7879,
    # a precision of 0.78081 / (0.78081 + 0.00051) = 0.9993, not 0.9930; the Dice leaves
    # 0.62374 / 1.3526 = 0.4611. 0.0023832 / (0.006937 + 0.0023832) = 0.2557 by the precision,
    # and an accuracy of 0.25340 + 0.74251 = 0.9959, not 0.9924.
    "readme-standard-unet3d": {
        (IOU, 2, 6): NOT,
        (HARMONIC, 2, 7, 8): NOT,
        (BALANCE, 1, 2, 8, 9): NOT,
        (BALANCE, 1, 7, 8, 9): NOT,
        (EMPTY, 1): NOTE,
        (BY_PRECISION, 1, 7, 8, 9): NOT,
    },
    # IoU gives Dice 0.571, 0.529, 0.496, 0.438, 0.387 against 0.48, 0.47, 0.44, 0.39, 0.33.
    # Precision and recall give 0.408 against 0.329, and then 0.524, 0.514, 0.486, 0.475, 0.408
    # against the same five: all below, as means over slices are.
    "readme-patient-level-unet": {
        **{(IOU, n, n + 1): NOT for n in range(4, 21, 4)},
        (HARMONIC, 1, 2, 3): NOT,
        **{(HARMONIC, n, n + 2, n + 3): NOT for n in range(4, 21, 4)},
        **_ranked(23, first=4),
    },
    # 1.37445 / 1.658 = 0.82898 against 0.810, 1.18730 / 1.543 = 0.76948 against 0.744 and
    # 1.49616 / 1.73 = 0.86483 against 0.849. The others agree: 0.8699 of 0.86 and 0.88 is 0.8649
    # with rounding, and 0.865 prints 0.86 or 0.87; 0.8747 prints 0.87, 0.8850 (0.88497) 0.88,
    # 0.8782 0.88, 0.8727 0.87 and 0.88497 again 0.88.
    "hindawi-9512370": {
        **{(HARMONIC, n, n + 1, n + 2): NOT if n in (1, 4, 19) else YES for n in range(1, 26, 3)},
        **_ranked(27),
    },
    # IoU gives Dice 0.9029, 0.9230, 0.9328, 0.9136, 0.9259, 0.9276, 0.9373, 0.9201, 0.9446
    # against 0.885, 0.902, 0.921, 0.893, 0.915, 0.918, 0.930, 0.905, 0.943. A rounded 0.89495
    # still gives 0.94455, where 0.94305 is the most that prints 94.30.
    "s41598-025-11574-x": {
        **{(IOU, n, n + 1): NOT for n in range(1, 18, 2)},
        **_ranked(18),
    },
    # 1.82 / 1.91 = 0.9529, which prints 0.95. 1.92727 / 1.9633 = 0.98165, and a recall of 0.985
    # that prints 0.98 gives 0.98415. One count: TP 9833, FP 167, FN 167, TN 21048, with an
    # accuracy of 30881 / 31215 = 0.98930. The two models have no score in common.
    "s41598-025-09833-y": {
        (IOU, 1, 2): YES,
        (HARMONIC, 4, 5, 6): YES,
        (EMPTY, 3): NOTE,
        (NAMES, 5, 6): NOTE,
        ("ranking", *range(1, 7)): NOTE,
        ("one-count", 3, 4, 5, 6): YES,
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_all_findings_of_a_table(name):
    assert example_findings(name) == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "check", "ids", "says"),
    [
        ("gist-dl4j-segmentation", EMPTY, (5,), "free of tumour: 0.987"),
        ("gist-dl4j-segmentation", MATRIX, (1, 2, 3, 4, 6), "123/8246 = 0.0149"),
        ("gist-dl4j-segmentation-trained", MATRIX, (1, 2, 3, 4, 5), "9207/9216 = 0.9990"),
        ("wiki-eight-classes", "split-sizes", (1, 2, 3), "floor(0.7 x 12391) = 8673 for train"),
        ("wiki-eight-classes", "split-sizes", (1, 2, 3), "floor(0.15 x 12391) = 1858 for val"),
        ("wiki-eight-classes", MEAN, tuple(range(5, 14)), "without the background"),
        ("card-medtrace-segresnet", HARMONIC, (7, 8, 9), "a Dice of 0.866, not 0.852"),
        ("card-monai-brats", MEAN, (1, 2, 3, 4), "(0.8497); weighted by the images that have"),
        ("doaj-462c8b91", HARMONIC, (6, 7, 8), "a Dice of 0.985, not 0.9829"),
        ("doaj-462c8b91", HARMONIC, (10, 11, 12), "a Dice of 0.983, not 0.9846"),
        ("readme-brats-four-classes", IOU, (2, 3), "an IoU is never above its Dice"),
        ("readme-brats-four-classes", HARMONIC, (3, 4, 5), "where it is 0.984 or more"),
        ("readme-brats-four-classes", BALANCE, (1, 3, 5, 6), "gives 0.4042"),
        ("readme-brats-four-classes", BALANCE, (1, 4, 5, 6), "71.05% of the pixels"),
        ("readme-brats-four-classes", BY_PRECISION, (1, 4, 5, 6), "25.95% of the pixels"),
        ("readme-standard-unet3d", BALANCE, (1, 2, 8, 9), "gives 0.4611"),
        ("readme-standard-unet3d", BALANCE, (1, 7, 8, 9), "a precision of 0.9993"),
        ("readme-standard-unet3d", BY_PRECISION, (1, 7, 8, 9), "an accuracy of 0.9959"),
        ("s41598-025-09833-y", IOU, (1, 2), "gives Dice 0.953"),
    ],
)
def test_numbers_in_the_sentences(name, check, ids, says):
    assert says in example_sentence(name, check, *ids)
