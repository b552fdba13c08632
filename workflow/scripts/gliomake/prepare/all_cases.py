"""The split of predictions that are brought along: every slice is tested."""

import pandas as pd


def all_tested(slices: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """Put all slices into the test set.

    Parameters
    ----------
    slices : DataFrame
        The slices that the study uses.
    limit : int or None
        Patients at most, the first by their names.

    Returns
    -------
    DataFrame
        ``patient slice subset``, sorted by patient and slice.
    """
    kept = slices
    if limit is not None:
        kept = slices[slices["patient"].isin(sorted(slices["patient"].unique())[:limit])]
    table = kept.sort_values(["patient", "slice"], ignore_index=True).assign(subset="test")
    return table[["patient", "slice", "subset"]]
