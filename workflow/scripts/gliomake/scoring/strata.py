"""Scores of parts of a subset: by a column of the cases, by tumour size, by slice position.

A stratum is scored as a subset of its own: the same scores, conventions and intervals, of its
patients or slices alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gliomake.scoring.scores import score_table
from gliomake.scoring.stages import RunTables

SIZE, POSITION = "size", "position"
"""Strata that no column holds: thirds of the true tumour's size, and of each patient's slices."""

THIRDS = {
    SIZE: ("small", "medium", "large"),
    POSITION: ("first third", "middle third", "last third"),
}
METRICS = ("dice", "iou", "precision", "recall")
COLUMNS = [
    *("stratum", "value", "model", "run", "subset", "class", "metric", "convention"),
    *("score", "ci_low", "ci_high", "n"),
]


class StrataError(ValueError):
    """A stratum that the data set's cases do not have."""


def score_strata(
    models: Mapping[str, RunTables],
    cases: pd.DataFrame,
    strata: Sequence[str],
    *,
    run: str,
    bootstrap: Mapping[str, Any],
) -> pd.DataFrame:
    """Score the models of a study in each stratum.

    Parameters
    ----------
    models : mapping of str to RunTables
        What was measured of one run, by model.
    cases : DataFrame
        The data set's ``cases.tsv``.
    strata : sequence of str
        Columns of it, `SIZE` or `POSITION`.
    run : str
        The run's name.
    bootstrap : mapping of str to int
        ``resamples`` and ``seed`` of the intervals.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: masks as predicted; distances where a stratum is of whole patients.

    Raises
    ------
    StrataError
        The cases have no such column.
    """
    rows = []
    for model, tables in models.items():
        counts = tables.counts[~tables.counts["postprocess"].astype(bool)]
        for _, part in counts.groupby("subset"):
            for stratum in strata:
                values = stratify(part, cases, stratum)
                named = {"stratum": stratum, "model": model, "run": run}
                for value in _ordered(stratum, values):
                    scores = _scores(part[values == value], tables.distances, stratum, bootstrap)
                    rows += [{**named, "value": value, **row} for row in scores]
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = {name: place for place, name in enumerate(strata)}
    return table.sort_values("stratum", key=lambda names: names.map(order), kind="stable")


def _scores(
    counts: pd.DataFrame,
    distances: pd.DataFrame | None,
    stratum: str,
    bootstrap: Mapping[str, Any],
) -> list[dict[str, Any]]:
    if distances is not None and stratum != POSITION:
        kept = distances["patient"].isin(counts["patient"].unique())
        kept &= distances["subset"].isin(counts["subset"].unique())
        distances = distances[kept & ~distances["postprocess"].astype(bool)]
    else:
        distances = None
    found = score_table(counts, METRICS, distances=distances, **bootstrap)
    names = ("subset", "class", "metric", "convention", "ci_low", "ci_high", "n")
    return [{"score": row["value"], **{name: row[name] for name in names}} for row in found]


def stratify(counts: pd.DataFrame, cases: pd.DataFrame, stratum: str) -> pd.Series:
    """Say of each row of counts in which stratum it is.

    Parameters
    ----------
    counts : DataFrame
        Rows of ``counts.tsv``.
    cases : DataFrame
        The data set's ``cases.tsv``.
    stratum : str
        A column of it, `SIZE` or `POSITION`.

    Returns
    -------
    Series of str
        Empty where it is not known.

    Raises
    ------
    StrataError
        The cases have no such column.
    """
    if stratum == POSITION:
        return _positions(counts)
    if stratum == SIZE:
        return _sizes(counts)
    known = [name for name in cases.columns if name not in ("case", "patient", "first_slice")]
    if stratum not in known:
        raise StrataError(
            f"evaluation.strata: {stratum!r} is no column of cases.tsv; it has {', '.join(known)}, "
            f"and there are {SIZE} and {POSITION}"
        )
    if (counts["patient"] == "").all():  # an image is a case
        of = cases.drop_duplicates("first_slice").set_index("first_slice")[stratum]
        return counts["slice"].map(of).fillna("").astype(str)
    of = cases.drop_duplicates("patient").set_index("patient")[stratum]
    return counts["patient"].map(of).fillna("").astype(str)


def _sizes(counts: pd.DataFrame) -> pd.Series:
    """Return thirds of the patients, or of the images, by the true tumour of all classes."""
    unit = "slice" if (counts["patient"] == "").all() else "patient"
    true = (counts["tp"] + counts["fn"]).groupby(counts[unit]).sum()
    ranks = true.rank(method="first") - 1
    third = np.minimum(3 * ranks.to_numpy() // max(len(true), 1), 2).astype(int)
    named = pd.Series(np.array(THIRDS[SIZE])[third], index=true.index)
    return counts[unit].map(named)


def _positions(counts: pd.DataFrame) -> pd.Series:
    """Return thirds of each patient's slices, from the first to the last that is scored."""
    if (counts["patient"] == "").all():
        return pd.Series("", index=counts.index)
    first = counts.groupby("patient")["slice"].transform("min")
    last = counts.groupby("patient")["slice"].transform("max")
    place = (counts["slice"] - first) / (last - first + 1)
    return (3 * place).astype(int).map(dict(enumerate(THIRDS[POSITION])))


def _ordered(stratum: str, values: pd.Series) -> list[str]:
    present = set(values) - {""}
    return [each for each in THIRDS.get(stratum, sorted(present)) if each in present]
