"""Which runs can exist: what can be known of a split before any file is read."""

import math
from collections.abc import Mapping
from typing import Any

from gliomake.prepare.split import block_sizes
from gliomake.study.run import Run


def impossible(run: Run, study: Mapping[str, Any]) -> str:
    """Say why a run cannot exist, whatever the data hold.

    Parameters
    ----------
    run : Run
        The run.
    study : mapping
        Its ``dataset``, ``split`` and, of its ``data``, ``folders`` and ``patients`` are looked at.

    Returns
    -------
    str
        The reason, with what to do; empty where nothing speaks against the run.
    """
    dataset, shares, data = study["dataset"], study["split"], study["data"]
    if run.split == "predefined":
        if not data["folders"]:
            return f"data set {dataset} has no folders for train, valid and test; use patient"
        return "a predefined split has one fold, f0" if run.fold else ""
    if not data["patients"] and run.split != "slice":
        return f"data set {dataset} names no patients; use predefined or slice"
    if run.split.startswith("leak"):
        if int(run.split.removeprefix("leak")) > 100:
            return "a leak is a share of 0 to 100 percent"
        if shares["test"] == 0:
            return "a leak is measured on a test set, and split.test is 0"
    key = "test" if shares["test"] else "val"
    folds = math.floor(1 / shares[key] + 1e-9) if shares[key] else 1
    if run.fold >= folds:
        which = "one fold, f0" if folds == 1 else f"{folds} folds, f0 to f{folds - 1}"
        return f"with split.{key} {shares[key]:g} there are {which}"
    limit = shares["max_patients"]
    return too_few(run, study, limit) if limit else ""


def too_few(run: Run, study: Mapping[str, Any], patients: int) -> str:
    """Say why a run cannot exist with so many patients.

    Parameters
    ----------
    run : Run
        The run.
    study : mapping
        Its ``split`` is looked at.
    patients : int
        As many as the data set has at most.

    Returns
    -------
    str
        The reason, with what to do; empty where the patients may do, and where the split is not
        one of patients.
    """
    if run.split in ("slice", "predefined"):
        return ""
    shares = study["split"]
    most = min(patients, shares["max_patients"] or patients)
    if any(_fits(run.fold, count, shares) for count in range(1, most + 1)):
        return ""
    noun = "patient" if most == 1 else "patients"
    return (
        f"{most} {noun} cannot be divided so that fold {run.fold} has its own test set and "
        f"patients to train on (test {shares['test']:g}, val {shares['val']:g}); "
        "more patients or fewer folds are needed"
    )


def _fits(fold: int, patients: int, shares: Mapping[str, Any]) -> bool:
    tested, validated = block_sizes(patients, shares["test"], shares["val"])
    walks = (fold + 1) * (tested or validated) <= patients
    return walks and patients - tested - validated >= 1
