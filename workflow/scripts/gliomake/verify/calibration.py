"""Probabilities beside the truth, compared with what the counts of the same slices say."""

import pandas as pd

from gliomake.files.predictions import to_mask
from gliomake.scoring.calibration import BINS

KEY = ["subset", "class"]
SUMS = ["negative", "positive"]


def totals_of_counts(counts: pd.DataFrame) -> pd.DataFrame:
    """Add up what counts say of truth and prediction.

    Parameters
    ----------
    counts : DataFrame
        Rows of ``counts.tsv``.

    Returns
    -------
    DataFrame
        Columns ``subset class negative positive called``: pixels, or images, that are not and are
        of the class, and those that are predicted to be; masks as predicted.
    """
    raw = counts[~counts["postprocess"].astype(bool)]
    sums = raw.assign(
        negative=raw["fp"] + raw["tn"],
        positive=raw["tp"] + raw["fn"],
        called=raw["tp"] + raw["fp"],
    )
    return sums.groupby(KEY, as_index=False)[[*SUMS, "called"]].sum()


def totals_of_probabilities(rows: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Add up what probabilities say of the same.

    Parameters
    ----------
    rows : DataFrame
        Rows of ``calibration.tsv``.
    threshold : float
        Lowest probability that counts as tumour. It must not part a bin, see `parts_a_bin`.

    Returns
    -------
    DataFrame
        As of `totals_of_counts`.
    """
    n = rows["negative"] + rows["positive"]
    called = to_mask(rows["probability"].to_numpy(), threshold)
    sums = rows.assign(called=n.where(called, 0))
    return sums.groupby(KEY, as_index=False)[[*SUMS, "called"]].sum()


def parts_a_bin(threshold: float) -> bool:
    """Return whether some pixels of a bin are predicted and others are not.

    >>> parts_a_bin(0.5), parts_a_bin(0.3), parts_a_bin(0.45)
    (False, False, True)
    """
    return abs(threshold * BINS - round(threshold * BINS)) > 1e-9
