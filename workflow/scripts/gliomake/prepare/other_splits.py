"""Splits that are not by patient alone: the data set's own folders, and measured leaks."""

import numpy as np
import pandas as pd

FOLDERS = {"train": "train", "valid": "val", "val": "val", "test": "test"}
"""The subset that a folder of this name is."""


def by_folder(
    slices: pd.DataFrame, cases: pd.DataFrame, limit: int | None, seed: int
) -> pd.DataFrame:
    """Keep the data set's own folders, `limit` images a folder at most.

    Parameters
    ----------
    slices : DataFrame
        ``patient slice`` and more.
    cases : DataFrame
        ``patient first_slice folder``, one image a case.
    limit : int or None
        Images a folder at most, drawn by `seed`.
    seed : int
        Of the draw.

    Returns
    -------
    DataFrame
        The slices kept, with their ``folder`` and ``subset``.

    Raises
    ------
    ValueError
        A slice lies in no folder, or in one of another name than those of `FOLDERS`.
    """
    keyed = cases.assign(slice=cases["first_slice"])[["patient", "slice", "folder"]]
    assigned = slices.merge(keyed, on=["patient", "slice"], how="left", validate="one_to_one")
    unknown = assigned[~assigned["folder"].isin(list(FOLDERS))]
    if len(unknown):
        if not any(unknown["folder"].astype(str)):
            raise ValueError(
                "a predefined split takes the data set's own folders "
                f"({', '.join(FOLDERS)}), and this data set has none; use the split patient"
            )
        raise ValueError(
            f"{len(unknown)} slices lie in folders {sorted(set(unknown['folder'].astype(str)))}; "
            f"a predefined split needs {', '.join(FOLDERS)}"
        )
    assigned["subset"] = assigned["folder"].map(FOLDERS)
    if limit is not None:
        rng = np.random.default_rng(seed)
        chosen = [
            np.sort(rng.permutation(part.index)[:limit]) for _, part in assigned.groupby("folder")
        ]
        assigned = assigned.loc[np.sort(np.concatenate(chosen))]
    return assigned


def leak_slices(assigned: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Exchange `share` of the test patients' other slices for slices of training patients.

    Parameters
    ----------
    assigned : DataFrame
        A split by patient: ``patient subset`` and more, sorted by patient and slice.
    share : float
        Of the slices of test patients that are not tested, 0 to 1.
    seed : int
        Of the draw.

    Returns
    -------
    DataFrame
        The rows that are used, with their new ``subset``: as many training slices for each share.

    Raises
    ------
    ValueError
        There are fewer training slices than are to be exchanged.
    """
    tested = assigned[assigned["subset"] == "test"]
    rank = tested.groupby("patient").cumcount()
    evaluated = tested.index[rank % 2 == 0]
    others = tested.index[rank % 2 == 1].to_numpy()
    train = assigned.index[assigned["subset"] == "train"].to_numpy()
    if len(train) < len(others):
        raise ValueError(
            f"{len(train)} training slices cannot be exchanged for {len(others)} slices of test "
            "patients; lower the test share"
        )
    # One order for all shares: what 25 % leaks is part of what 50 % leaks.
    rng = np.random.default_rng(seed)
    others, given_up = rng.permutation(others), rng.permutation(train)
    count = round(share * len(others))
    subset = pd.Series(index=assigned.index, dtype=object)
    subset[assigned.index[assigned["subset"] == "val"]] = "val"
    subset[evaluated] = "test"
    subset[given_up[count:]] = "train"
    subset[others[:count]] = "train"
    return assigned.assign(subset=subset).dropna(subset=["subset"])
