"""Which slices a figure shows: by rule and not by hand, so that nothing is picked to please."""

from pathlib import Path

import numpy as np
import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.scoring.averaging import element_scores
from gliomake.scoring.metrics import COUNT_COLUMNS

SIZES = (("large", 0.95), ("median", 0.5), ("small", 0.1))
QUALITIES = (("90th percentile", 0.9), ("median", 0.5), ("10th percentile", 0.1))
ORDINALS = ("", "", "2nd ", "3rd ")


def slice_scores(counts: dict[str, Path], subset: str | None, post: bool) -> pd.DataFrame:
    """Gather truth size and Dice of each slice over classes and models.

    Parameters
    ----------
    counts : dict of str to Path
        ``counts.tsv`` by model.
    subset : str or None
        ``val`` or ``test``; None for test where it was predicted, else val.
    post : bool
        Take the counts after post-processing where there are such.

    Returns
    -------
    DataFrame
        ``subset patient slice pixels dice`` and a column ``dice <model>`` a model, sorted by
        patient and slice, slices with tumour only. ``pixels`` and the Dice are over all classes
        together, ``dice`` is its mean over models.

    Raises
    ------
    ValueError
        No slice of the subset holds tumour.
    """
    scores = pd.DataFrame()
    for model, path in counts.items():
        table = read_tsv(path)
        subset = subset or ("test" if (table["subset"] == "test").any() else "val")
        wanted = post and table["postprocess"].any()
        table = table[(table["subset"] == subset) & (table["postprocess"] == wanted)]
        sums = table.groupby(["subset", "patient", "slice"])[COUNT_COLUMNS].sum()
        scores["pixels"] = sums["tp"] + sums["fn"]
        scores[f"dice {model}"] = element_scores(sums.to_numpy(), "dice")
    scores["dice"] = scores[[f"dice {model}" for model in counts]].mean(axis=1)
    scores = scores[scores["pixels"] > 0].reset_index()
    if scores.empty:
        names = ", ".join(str(path) for path in counts.values())
        raise ValueError(f"{names}: no slice of the subset {subset} has tumour in the truth")
    return scores


def by_quantile(
    scores: pd.DataFrame,
    column: str,
    wanted: tuple[tuple[str, float], ...],
    taken: pd.DataFrame | None = None,
) -> dict[str, pd.Series]:
    """Choose the slices nearest to quantiles of a column, from different patients if possible.

    Parameters
    ----------
    scores : DataFrame
        As of `slice_scores`.
    column : str
        What is ranked.
    wanted : tuple of (str, float)
        Name and quantile, in order of choice.
    taken : DataFrame, optional
        Rows of `scores` that are shown already: not chosen again, and their patients last.

    Returns
    -------
    dict of str to Series
        A row by name; fewer where there are fewer slices.
    """
    chosen: dict[str, pd.Series] = {}
    left = scores if taken is None else scores.drop(index=taken.index)
    shown = [] if taken is None else taken["patient"].tolist()
    for name, quantile in wanted:
        if left.empty:
            break
        other = left[~left["patient"].isin(shown)]
        pool = left if other.empty else other
        distance = (pool[column] - float(scores[column].quantile(quantile))).abs()
        row = pool.iloc[int(distance.to_numpy().argmin())]
        chosen[name] = row
        shown.append(row["patient"])
        left = left.drop(index=row.name)
    return chosen


def sizes_and_worst(scores: pd.DataFrame, count: int) -> dict[str, pd.Series]:
    """Choose a large, a median and a small tumour, and the worst predictions.

    The worst is the slice of lowest Dice of all; of several, as where tumours are missed
    altogether, the one with the largest tumour. The next ones are the worst of other patients:
    one patient would fill the page with neighbouring slices.

    Parameters
    ----------
    scores : DataFrame
        As of `slice_scores`.
    count : int
        How many slices; what is left beyond the three sizes goes to the worst.

    Returns
    -------
    dict of str to Series
        A row by name: large, median, small, worst, 2nd worst patient, ...
    """
    ranked = scores.sort_values(
        ["dice", "pixels", "patient", "slice"], ascending=[True, False, True, True]
    )
    patients = bool((scores["patient"] != "").any())
    if patients:
        ranked = ranked.drop_duplicates("patient")
    worst = ranked.head(max(count - len(SIZES), 0))
    chosen = by_quantile(scores, "pixels", SIZES[:count], worst)
    for number, (_, row) in enumerate(worst.iterrows(), start=1):
        place = ORDINALS[number] if number < len(ORDINALS) else f"{number}th "
        chosen[f"{place}worst{' patient' if patients and number > 1 else ''}"] = row
    return chosen


def spread_over_patients(slices: pd.DataFrame, count: int) -> pd.DataFrame:
    """Choose slices with tumour from patients spread evenly over the list of all.

    Of each patient the slice with the largest tumour, and further slices spread over the tumour
    where there are fewer patients than wanted; without patients, slices spread evenly.

    Parameters
    ----------
    slices : DataFrame
        ``patient slice pixels``.
    count : int
        How many.

    Returns
    -------
    DataFrame
        The rows; fewer where there are fewer patients or slices with tumour.
    """
    pool = slices[slices["pixels"] > 0].sort_values(["patient", "slice"])
    if (pool["patient"] != "").any():
        each = -(-count // pool["patient"].nunique())
        chosen = [_within_patient(part, each) for _, part in pool.groupby("patient")]
        pool = pd.concat(chosen)
    count = min(count, len(pool))
    rows = np.linspace(0, max(len(pool) - 1, 0), count).round().astype(int)
    return pool.iloc[rows].reset_index(drop=True)


def _within_patient(slices: pd.DataFrame, count: int) -> pd.DataFrame:
    """Take the slice with the largest tumour, or several spread over those with tumour."""
    if count == 1:
        return slices.sort_values(["pixels", "slice"], ascending=[False, True]).head(1)
    rows = np.linspace(0, len(slices) - 1, count + 2).round().astype(int)[1:-1]
    return slices.iloc[sorted(set(rows))]
