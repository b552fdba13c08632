"""The words of the report: how it names averaging rules, metrics, columns and models' kinds."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gliomake.scoring.metrics import count_metric
from gliomake.scoring.registry import METRICS


class Rule(NamedTuple):
    """An averaging rule: its name for readers, and what it does."""

    title: str
    meaning: str


# By their names in files.
RULES: dict[str, Rule] = {
    "pooled": Rule("Pooled pixels", "all pixels of the subset in one count"),
    "patient": Rule("Mean per patient", "a patient's slices in one count, then the mean"),
    "slice-empty1": Rule(
        "Mean per slice, empty = 1", "a slice that is empty in truth and mask counts 1"
    ),
    "slice-empty0": Rule(
        "Mean per slice, empty = 0", "a slice that is empty in truth and mask counts 0"
    ),
    "slice-skip": Rule(
        "Mean per slice, empty excluded", "slices that are empty in truth and mask are left out"
    ),
    "slice-tumour": Rule(
        "Mean per slice, tumour only", "slices without tumour in the truth are left out"
    ),
    "image": Rule("Per image", "classification: all images in one count"),
}
COLUMNS = {
    "patients_elsewhere": "Patients also in another subset",
    "slice_share": "Share of slices",
    "patient_share": "Share of patients",
    "tumour_slice_share": "Share with tumour",
    "tp": "TP",
    "fp": "FP",
    "fn": "FN",
    "tn": "TN",
    "prec": "Precision",
    "document": "Report",
    "convention": "Averaging rule",
    "postprocess": "Masks post-processed",
    "before": "Before post-processing",
    "after": "After post-processing",
    "val_loss": "Validation loss",
    "train_loss": "Training loss",
    "seconds": "Duration",
    "peak_memory_mib": "Peak memory, MiB",
    "patients_to_settle": "Patients for 80 % power",
    "n": "n",
}
SUBSETS = {"train": "training", "val": "validation", "test": "test", "all": "all"}
# Of these, the ones that stand within other names, too.
ABBREVIATED = frozenset({"tp", "fp", "fn", "tn", "prec"})


def rule_title(name: str) -> str:
    """Name an averaging rule for readers; any other text stays as it is.

    >>> rule_title("slice-empty1"), rule_title("one slice")
    ('Mean per slice, empty = 1', 'one slice')
    """
    return RULES[name].title if name in RULES else name


def rule_help(name: str) -> str:
    """Say what an averaging rule does, with its name in files."""
    return f"{RULES[name].meaning}; {name} in files"


def metric_title(name: str) -> str:
    """Name a metric for readers; what is none stays as it is, without underscores.

    >>> metric_title("dice"), metric_title("recall"), metric_title("tversky-a0.3-b0.7")
    ('Dice', 'Recall', 'Tversky score (α 0.3, β 0.7)')
    >>> metric_title("pixel_accuracy"), metric_title("tn")
    ('Pixel accuracy', 'TN')
    """
    if name in METRICS:
        return _capital(METRICS[name].title)
    if name.startswith("tversky-a"):
        return count_metric(name).title
    return _words(name)


def column_title(name: str) -> str:
    """Name a column of a file for readers.

    >>> column_title("patients_elsewhere"), column_title("final_iou"), column_title("dice_NEC/NET")
    ('Patients also in another subset', 'Final IoU', 'Dice NEC/NET')
    """
    if name in COLUMNS:
        return COLUMNS[name]
    return metric_title(name) if name in METRICS else _words(name)


def _words(name: str) -> str:
    """Write a name as words: ``rank_speed`` as ``Rank speed``."""
    words = [_word(each) for each in name.replace("_", " ").split()]
    return _capital(" ".join(words))


def _word(name: str) -> str:
    if name in METRICS:
        return METRICS[name].title
    return COLUMNS[name] if name in ABBREVIATED else name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def counted(number: int, one: str, several: str = "") -> str:
    """Write a number with its noun.

    >>> counted(1, "patient"), counted(1200, "slice"), counted(2, "study", "studies")
    ('1 patient', '1,200 slices', '2 studies')
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def merged_rules(rules: Sequence[str]) -> str:
    """Name the column of rules that give the same numbers.

    >>> merged_rules(["slice-empty1", "slice-skip"])
    'Mean per slice'
    >>> merged_rules(["pooled", "patient"])
    'Pooled pixels = mean per patient'
    """
    titles = [rule_title(name) for name in rules]
    heads = {title.partition(",")[0] for title in titles}
    if len(titles) > 1 and len(heads) == 1:
        return heads.pop()
    return " = ".join([titles[0], *(title[0].lower() + title[1:] for title in titles[1:])])


def agreement(groups: Sequence[Sequence[str]]) -> str:
    """Say which rules give the same numbers; empty where all differ."""
    merged = [group for group in groups if len(group) > 1]
    if not merged:
        return ""
    named = "; ".join(_alike(group) for group in merged)
    why = ""
    if any({"slice-empty1", "slice-empty0"} <= set(group) for group in merged):
        why = ", as no slice here is empty in truth and mask"
    return f"{named} give the same in every row{why}."


def _alike(rules: Sequence[str]) -> str:
    """Name rules that agree: what they share once."""
    titles = [rule_title(name).partition(", ") for name in rules]
    if len({head for head, _, _ in titles}) == 1:
        return f"{titles[0][0]}: {listed([tail for _, _, tail in titles])}"
    return listed([rule_title(name) for name in rules])


def tight(text: str) -> str:
    """Keep the sides of an equals sign on one line."""
    return text.replace(" = ", "\u00a0=\u00a0")


RULE_MEANINGS: Mapping[str, str] = {rule.title: rule_help(name) for name, rule in RULES.items()}
