"""Which runs can exist: what can be known of a split before any file is read."""

import math

from gliomake.datasets.spec import DataFacts
from gliomake.prepare.split import block_sizes
from gliomake.study.model import Split
from gliomake.study.run import ALL, Run, leak_percent


def impossible(run: Run, dataset: str, split: Split, data: DataFacts) -> str:
    """Say why a run cannot exist, whatever the data hold.

    Parameters
    ----------
    run : Run
        The run.
    dataset : str
        The data set's name.
    split : Split
        How it is divided.
    data : DataFacts
        Of these, ``folders`` and ``patients`` are looked at.

    Returns
    -------
    str
        The reason, with what to do; empty where nothing speaks against the run.
    """
    if run.split == "predefined":
        if not data.folders:
            return f"data set {dataset} has no folders for train, valid and test; use patient"
        return "a predefined split has one fold, f0" if run.fold else ""
    if run.split == ALL:
        return "a split of all cases has one fold, f0" if run.fold else ""
    if not data.patients and run.split != "slice":
        return f"data set {dataset} names no patients; use predefined or slice"
    leak = leak_percent(run.split)
    if leak is not None:
        if leak > 100:
            return "a leak is a share of 0 to 100 percent"
        if split.test == 0:
            return "a leak is measured on a test set, and split.test is 0"
    key = "test" if split.test else "val"
    share = split.test or split.val
    folds = math.floor(1 / share + 1e-9) if share else 1
    if run.fold >= folds:
        which = "one fold, f0" if folds == 1 else f"{folds} folds, f0 to f{folds - 1}"
        return f"with split.{key} {share:g} there are {which}"
    return too_few(run, split, split.max_patients) if split.max_patients else ""


def too_few(run: Run, split: Split, patients: int) -> str:
    """Say why a run cannot exist with so many patients.

    Parameters
    ----------
    run : Run
        The run.
    split : Split
        How they are divided.
    patients : int
        As many as the data set has at most.

    Returns
    -------
    str
        The reason, with what to do; empty where the patients may do, and where the split is not
        one of patients.
    """
    if run.split in ("slice", "predefined", ALL):
        return ""
    most = min(patients, split.max_patients or patients)
    if any(_fits(run.fold, count, split) for count in range(1, most + 1)):
        return ""
    noun = "patient" if most == 1 else "patients"
    return (
        f"{most} {noun} cannot be divided so that fold {run.fold} has its own test set and "
        f"patients to train on (test {split.test:g}, val {split.val:g}); "
        "more patients or fewer folds are needed"
    )


def _fits(fold: int, patients: int, split: Split) -> bool:
    tested, validated = block_sizes(patients, split.test, split.val)
    walks = (fold + 1) * (tested or validated) <= patients
    return walks and patients - tested - validated >= 1
