"""Which slice is for training, which for validation, which for the test: the split is a file.

Four methods, named by the split's name:

``patient``
    All slices of a patient in one subset, stratified. Fold *f* tests the *f*-th block of patients,
    so the test sets of the folds do not meet.
``slice``
    Slices drawn without regard to patients, as some documents do. Leaks; for comparison only.
``leak<p>``
    The paired measurement of a leak: every second slice of the fold's test patients is the test
    set, the same for all *p*; *p* % of their other slices go into training in exchange for as many
    slices of training patients, so that the training sets are equally large.
``predefined``
    The folders that the data set itself comes in.
"""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

from gliomake.files.contracts import FileError, check_column
from gliomake.files.tsv import CONTROL, read_tsv, write_tsv
from gliomake.prepare.other_splits import by_folder, leak_slices

COLUMNS = ["patient", "slice", "subset"]
SUBSETS = ("train", "val", "test")
LAST_SLICE = 2**31 - 1
"""The greatest number that a shard can hold."""
ODD = re.compile(f"{CONTROL.pattern}|[\\t\\n\\r]")


class SplitOverlapError(ValueError):
    """A patient, or a slice, is in two subsets that must not share it."""


def make_split(
    slices: pd.DataFrame,
    cases: pd.DataFrame,
    *,
    method: str,
    fold: int = 0,
    test: float,
    val: float,
    seed: int,
    max_patients: int | None = None,
) -> pd.DataFrame:
    """Divide slices into train, val and test.

    Parameters
    ----------
    slices : DataFrame
        The data set's ``slices.tsv``, limited to the slices that the study uses.
    cases : DataFrame
        The data set's ``cases.tsv``: ``patient``, ``stratum`` and ``folder`` are used.
    method : str
        ``patient``, ``slice``, ``leak<p>`` or ``predefined``.
    fold : int
        Which block of patients (or slices) is tested.
    test, val : float
        Share of all that is tested, and share of the rest that validates; both are rounded up.
    seed : int
        Seed of the draw. It is the split's own: the seed of a training does not move it.
    max_patients : int, optional
        Use that many patients at most, the draw spread over the strata.

    Returns
    -------
    DataFrame
        ``patient slice subset``, sorted by patient and slice.

    Raises
    ------
    ValueError
        An unknown method, a fold beyond the data, or too few patients.
    """
    slices = slices.sort_values(["patient", "slice"], ignore_index=True)
    if method == "predefined":
        assigned = by_folder(slices, cases, max_patients, seed)
    elif method == "slice":
        slices = _limit_patients(slices, cases, max_patients, seed)
        order = np.random.default_rng(seed).permutation(len(slices))
        assigned = slices.assign(subset=_blocks(order, fold, test, val, "slices"))
    elif method == "patient":
        slices = _limit_patients(slices, cases, max_patients, seed)
        assigned = slices.assign(subset=_by_patient(slices, cases, fold, test, val, seed))
    elif leak := re.fullmatch(r"leak(\d+)", method):
        slices = _limit_patients(slices, cases, max_patients, seed)
        subset = _by_patient(slices, cases, fold, test, val, seed)
        assigned = leak_slices(slices.assign(subset=subset), int(leak[1]) / 100, seed + fold)
    else:
        raise ValueError(
            f"split method {method!r}: expected patient, slice, leak<percent> or predefined"
        )
    return assigned[["patient", "slice", "subset"]].reset_index(drop=True)


def select_slices(slices: pd.DataFrame, which: str) -> pd.DataFrame:
    """Return those of a data set's slices that a recipe keeps.

    Parameters
    ----------
    slices : DataFrame
        A ``slices.tsv``.
    which : str
        ``all``, or ``tumour`` for slices with a pixel of any class.

    Returns
    -------
    DataFrame
        The rows kept.
    """
    if which == "tumour":
        return slices[slices[tumour_columns(slices)].gt(0).any(axis=1)].reset_index(drop=True)
    return slices


def training_fraction(split: pd.DataFrame, fraction: float) -> pd.DataFrame:
    """Keep a share of the training patients, evenly drawn from the list of them.

    Parameters
    ----------
    split : DataFrame
        ``patient slice subset``.
    fraction : float
        Share of the training patients, rounded up; where there are no patients, of the slices.

    Returns
    -------
    DataFrame
        The split with fewer training rows; validation and test are as they were.
    """
    train = split["subset"] == "train"
    unit = "patient" if (split["patient"] != "").any() else "slice"
    units = np.sort(split.loc[train, unit].unique())
    count = math.ceil(round(fraction * len(units), 9))
    kept = units[np.floor(np.arange(count) * len(units) / count).astype(int)]
    return split[~train | split[unit].isin(kept)].reset_index(drop=True)


def check_training_tumour(split: pd.DataFrame, slices: pd.DataFrame, path: str | Path) -> None:
    """Refuse a split that leaves nothing to learn from.

    Parameters
    ----------
    split : DataFrame
        ``patient slice subset``.
    slices : DataFrame
        The data set's ``slices.tsv``.
    path : str or Path
        The split's file, for the message.

    Raises
    ------
    ValueError
        No slice of the training set has tumour.
    """
    columns = tumour_columns(slices)
    marked = slices[slices[columns].gt(0).any(axis=1)]
    train = split[split["subset"] == "train"]
    if len(train.merge(marked, on=["patient", "slice"])):
        return
    raise ValueError(
        f"{path}: none of the {len(train)} training slices has a pixel of {' or '.join(columns)}, "
        f"as have {len(marked)} of the data set's {len(slices)} slices: there is nothing to learn "
        "from. Lower `split.test` or `split.val`, raise `split.max_patients`, or change "
        "`split.seed` in the study's file"
    )


def evaluated_slices(split: pd.DataFrame) -> pd.DataFrame:
    """Return the slices of test and validation, which are predicted, in the predictions' order.

    Parameters
    ----------
    split : DataFrame
        ``patient slice subset``.

    Returns
    -------
    DataFrame
        Rows of ``test`` and ``val``, sorted by subset, patient and slice.
    """
    kept = split[split["subset"].isin(["test", "val"])]
    return kept.sort_values(["subset", "patient", "slice"], ignore_index=True)


def write_split(split: pd.DataFrame, path: str | Path) -> None:
    """Check a split and write it.

    Parameters
    ----------
    split : DataFrame
        ``patient slice subset``.
    path : str or Path
        Its name, ``<method>-f<fold>.tsv``, says which overlaps are errors.

    Raises
    ------
    SplitOverlapError
        See `check_split`.
    """
    check_split(split, path)
    write_tsv(split, path)


def read_split(path: str | Path) -> pd.DataFrame:
    """Read a split and check it.

    Parameters
    ----------
    path : str or Path
        A file of `write_split`.

    Returns
    -------
    DataFrame
        ``patient slice subset``.

    Raises
    ------
    FileError
        The file is cut or damaged, or has no rows.
    SplitOverlapError
        See `check_split`.
    """
    split = read_tsv(path)
    if list(split.columns) != COLUMNS or not len(split):
        found = f"{len(split)} rows of {', '.join(map(str, split.columns))}"
        raise FileError(path, found[:200], "slices under patient, slice and subset")
    check_column(split["slice"], path)
    if split["slice"].max() > LAST_SLICE:
        raise FileError(path, f"slice {split['slice'].max()}", f"at most {LAST_SLICE}")
    # A quotation mark too many joins rows into one cell.
    odd = split["patient"].str.contains(ODD, regex=True)
    if odd.any():
        raise FileError(path, f"the patient {split['patient'][odd].iloc[0][:40]!r}", "a name")
    check_split(split, path)
    return split


def check_split(split: pd.DataFrame, path: str | Path) -> None:
    """Refuse a slice in two subsets, and a patient in two subsets of a split by patient.

    Parameters
    ----------
    split : DataFrame
        ``patient slice subset``.
    path : str or Path
        The split's file; its name starts with the method.

    Raises
    ------
    SplitOverlapError
        With the file, and the first patients or slices concerned.
    FileError
        A subset of an unknown name.
    """
    unknown = set(split["subset"]) - set(SUBSETS)
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in sorted(map(str, unknown))[:3])
        raise FileError(path, f"{len(unknown)} unknown subsets ({shown})", ", ".join(SUBSETS))
    twice = split[split.duplicated(["patient", "slice"])]
    if len(twice):
        where = ", ".join(f"{p} slice {s}" for p, s in twice[["patient", "slice"]].values[:3])
        raise SplitOverlapError(
            f"{path}: {len(twice)} slices stand in more than one row ({where}); each slice may "
            "be in one subset only. Delete the file to have it made again."
        )
    if not re.match(r"(patient|leak0)-", Path(path).name):
        return
    subsets = split.groupby("patient")["subset"].nunique()
    shared = subsets[subsets > 1].index.tolist()
    if shared:
        raise SplitOverlapError(
            f"{path}: {len(shared)} patients are in more than one subset "
            f"({', '.join(map(str, shared[:3]))}); a split by patient keeps all slices of a "
            "patient together. Delete the file to have it made again."
        )


def block_sizes(count: int, test: float, val: float) -> tuple[int, int]:
    """Compute how many elements test and validate.

    ``ceil(test * n)`` and then ``ceil(val * rest)``, as two nested calls of scikit-learn's
    ``train_test_split`` give.

    Parameters
    ----------
    count : int
        Number of patients or slices.
    test, val : float
        Share of all that is tested, and share of the rest that validates.

    Returns
    -------
    tested, validated : int
        Both rounded up.

    Examples
    --------
    >>> block_sizes(110, test=0.1, val=0.2)
    (11, 20)
    """
    tested = math.ceil(round(test * count, 9))
    return tested, math.ceil(round(val * (count - tested), 9))


def _blocks(order: np.ndarray, fold: int, test: float, val: float, what: str) -> np.ndarray:
    """Return the subset of each element: block `fold` of `order` tests, the next ones validate."""
    count = len(order)
    tested, validated = block_sizes(count, test, val)
    # Without a test set the folds walk over the validation blocks.
    step = tested or validated
    # What walks must not come round, or two folds would share it; what follows it may.
    if count - tested - validated < 1 or (fold + 1) * step > count:
        raise ValueError(
            f"fold {fold} of {count} {what} with test {test} and val {val} leaves no training "
            "set or goes beyond the data; lower the shares or the number of folds"
        )
    turned = np.roll(order, -fold * step)
    subset = np.full(count, "train", dtype=object)
    subset[turned[:tested]] = "test"
    subset[turned[tested : tested + validated]] = "val"
    return subset


def _by_patient(
    slices: pd.DataFrame, cases: pd.DataFrame, fold: int, test: float, val: float, seed: int
) -> pd.Series:
    order = _stratified_order(slices, cases, seed)
    subset = dict(
        zip(order, _blocks(np.arange(len(order)), fold, test, val, "patients"), strict=True)
    )
    return slices["patient"].map(subset)


def _stratified_order(slices: pd.DataFrame, cases: pd.DataFrame, seed: int) -> list[str]:
    """Return the patients in an order of which every stretch holds all strata and tumour loads.

    Within a stratum (institution, grade) the patients are ranked by tumour load, cut into stretches
    of about four of similar load, and dealt in rounds: one of each stretch a round. Then the strata
    are interleaved in proportion to their sizes.
    """
    classes = tumour_columns(slices)
    load = slices.groupby("patient")[classes].sum().sum(axis=1)
    strata = cases.drop_duplicates("patient").set_index("patient")["stratum"]
    rng = np.random.default_rng(seed)
    placed: list[tuple[float, float, str]] = []
    for _, members in load.groupby(load.index.map(strata.to_dict()).fillna("")):
        ranked = sorted(members.index, key=lambda patient: (members[patient], patient))
        stretches = np.array_split(np.array(ranked, dtype=object), max(1, round(len(ranked) / 4)))
        rounds = [list(rng.permutation(stretch)) for stretch in stretches]
        dealt: list[str] = []
        while any(rounds):
            dealt += [rounds[n].pop() for n in rng.permutation(len(rounds)) if rounds[n]]
        start = rng.random()
        placed += [
            ((place + start) / len(dealt), rng.random(), patient)
            for place, patient in enumerate(dealt)
        ]
    return [patient for _, _, patient in sorted(placed)]


def tumour_columns(slices: pd.DataFrame) -> list[str]:
    """Return the class columns of a ``slices.tsv``.

    Parameters
    ----------
    slices : DataFrame
        ``dataset patient slice height width`` and one column a class.

    Returns
    -------
    list of str
        The classes, in the file's order.

    Examples
    --------
    >>> columns = ["dataset", "patient", "slice", "height", "width", "NEC", "ED"]
    >>> tumour_columns(pd.DataFrame(columns=columns))
    ['NEC', 'ED']
    """
    fixed = {"dataset", "patient", "slice", "height", "width"}
    return [name for name in slices.columns if name not in fixed]


def _limit_patients(
    slices: pd.DataFrame, cases: pd.DataFrame, limit: int | None, seed: int
) -> pd.DataFrame:
    if limit is None or slices["patient"].nunique() <= limit:
        return slices
    kept = set(_stratified_order(slices, cases, seed)[:limit])
    return slices[slices["patient"].isin(kept)].reset_index(drop=True)
