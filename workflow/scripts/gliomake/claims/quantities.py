"""What a reported number can be of: names, other spellings, ranges and units."""

import re

OVERLAPS = frozenset({"dice", "iou", "f1", "tversky"})
# Correlations: they reach from -1 to 1.
SIGNED = frozenset({"mcc", "kappa"})
SCORES = (
    OVERLAPS
    | SIGNED
    | {"precision", "recall", "specificity", "npv", "accuracy", "pixel_accuracy"}
    | {"balanced_accuracy", "auc", "nsd"}
)
DISTANCES = frozenset({"hd95", "hd", "assd"})
CELLS = ("tp", "fp", "fn", "tn")
COUNTS = frozenset(
    {*CELLS, "positives", "negatives", "folds", "slices", "patients", "parameters"}
) | {*("epochs", "batch_size", "image_size", "rank", "plateau_epoch")}
SHARES = frozenset({"patient_fraction"})
OTHERS = frozenset({"loss", "learning_rate", "gradient_clip_norm"}) | {
    *("converges_before", "runtime_hours_max")
}
QUANTITIES = SCORES | DISTANCES | COUNTS | SHARES | OTHERS

_SPELLINGS = {
    "dice": ("dsc", "dice_similarity", "sorensen_dice", "dice_sorensen"),
    "iou": ("jaccard", "jaccard_similarity", "jsc", "intersection_over_union"),
    "f1": ("f_measure", "f_1"),
    "precision": ("ppv", "positive_predictive_value"),
    "recall": ("sensitivity", "tpr", "true_positive_rate", "hit_rate"),
    "specificity": ("tnr", "true_negative_rate", "selectivity"),
    "npv": ("negative_predictive_value",),
    "accuracy": ("acc", "overall_accuracy"),
    "balanced_accuracy": ("bacc", "balanced_acc"),
    "auc": ("auroc", "roc_auc", "auc_roc", "area_under_the_curve"),
    "mcc": ("matthews", "matthews_correlation"),
    "kappa": ("cohen_kappa", "cohens_kappa"),
    "hd95": ("hd_95", "95hd", "hd95%", "hausdorff95", "hausdorff_95", "hausdorff_distance_95"),
    "hd": ("hausdorff", "hausdorff_distance"),
    "assd": ("average_symmetric_surface_distance",),
    "nsd": (
        "surface_dice",
        "normalised_surface_dice",
        "normalized_surface_dice",
        "normalised_surface_distance",
        "normalized_surface_distance",
    ),
}
ALIASES = {other: name for name, others in _SPELLINGS.items() for other in others}
# By custom these are means over classes; a "mean Dice" may as well be one over patients.
_OVER_CLASSES = {
    "miou": "iou",
    "mean_iou": "iou",
    "mjaccard": "iou",
    "mdice": "dice",
    "mdsc": "dice",
}
# Two names for one formula.
SYNONYMS = (("dice", "f1"), ("accuracy", "pixel_accuracy"))
NAMES = {"dice": "Dice", "iou": "IoU", "f1": "F1", "tversky": "Tversky score"} | {
    **{name: name.upper() for name in ("npv", "auc", "mcc", "hd95", "hd", "assd", "nsd")},
    "kappa": "Cohen's kappa",
}
MEANS = frozenset({"mean", "average", "avg", "macro", "macro_average", "macro_avg"}) | {
    *("mean_of_classes", "mean_over_classes", "class_mean", "all_classes")
}
SUBSETS = {
    "train": ("training", "train_set", "training_set"),
    "val": ("valid", "validation", "val_set", "validation_set", "dev"),
    "test": ("testing", "test_set", "testing_set"),
    "all": ("whole", "total", "overall", "full"),
}


def _key(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().casefold().replace("'", "")).strip("_")


def quantity_name(text: str) -> tuple[str, bool]:
    """Read the name of a quantity in any of its spellings.

    Returns
    -------
    name : str
        One of `QUANTITIES`; the text itself where it is none.
    is_mean : bool
        Whether the spelling says that it is a mean over classes, as mIoU does.
    """
    key = _key(text)
    if key in _OVER_CLASSES:
        return _OVER_CLASSES[key], True
    for name in (key, re.sub(r"_(score|coefficient|coeff|index|rate)$", "", key)):
        found = ALIASES.get(name, name)
        if found in QUANTITIES:
            return found, False
    return text, False


def subset_name(text: str) -> str:
    """Read the name of a subset; others than those of `SUBSETS` are taken as they are."""
    key = _key(text)
    for name, others in SUBSETS.items():
        if key == name or key in others:
            return name
    return text.strip()


def class_name(text: str) -> str:
    """Read the name of a class; ``mean`` for a mean over classes in any of its spellings."""
    return "mean" if _key(text) in MEANS else text.strip()


def scope(aggregation: str) -> str:
    """Name the elements that a score is over, as far as an aggregation states them.

    Scores of different elements, such as all slices and slices with tumour, are different numbers.
    Empty where nothing is stated, and where the text says what the class ``mean`` says, too.
    """
    key = _key(aggregation)
    over_classes = r"(macro_)?(mean|average)_(of|over|across)(_the)?(_\w+)?_classes"
    is_blank = key in ("", "not_stated", "unknown", "none") or re.fullmatch(over_classes, key)
    return "" if is_blank else key


def is_of(score: str, counts: str) -> bool:
    """Check whether a score of one scope can be of counts of another.

    Counts of which nothing is stated are all of them; so are those behind a pooled score, or one of
    images.
    """
    return score == counts or (not counts and bool(re.search("pool|image", score)))


def score_range(quantity: str) -> tuple[float, float]:
    """Give the lowest and the highest value of a score or distance."""
    if quantity in SIGNED:
        return -1.0, 1.0
    return 0.0, float("inf") if quantity in DISTANCES else 1.0
