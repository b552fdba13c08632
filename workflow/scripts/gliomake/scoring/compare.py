"""Two models on the same patients: the difference of a score, and how sure it is.

Both models are scored on the same resamples of the same patients, so what the patients contribute
to both cancels out of the difference.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from gliomake.scoring.bootstrap import RESAMPLES, replicate, t_interval, widening
from gliomake.scoring.metrics import DISTANCE_METRICS
from gliomake.scoring.patient_metrics import LESION_METRICS
from gliomake.scoring.scores import count_sums, measured_sums
from gliomake.scoring.sums import ScoreSums

KEYS = ["subset", "postprocess", "patient", "slice", "class"]
COLUMNS = [
    "model_a",
    "model_b",
    "run",
    "subset",
    "class",
    "metric",
    "convention",
    "postprocess",
    "difference",
    "ci_low",
    "ci_high",
    "n",
    "patients_to_settle",
]
# A two-sided sign test on n patients gives no p-value below 2 ** (1 - n): with fewer than six even
# patients who all agree cannot reach 5 %. From six on the interval excludes a true zero in 5 to 8 %
# of samples (benchmarks/coverage.py).
FEWEST_PATIENTS = 6
# What no study can have: a difference that is zero but for rounding would ask for it.
_MOST_PATIENTS = 1_000_000
# Quantiles of the normal distribution: a two-sided test at 5 %, and a chance of 80 % to pass it.
_LEVEL, _POWER = 1.96, 0.84


class _Scored(NamedTuple):
    sums: ScoreSums
    values: np.ndarray
    replicates: np.ndarray


def patients_to_settle(difference: float, standard_error: float, n: int) -> int | None:
    """Compute how many patients would tell an open difference from none, four times in five.

    The standard error shrinks with the root of the number of patients: a difference as large as the
    one measured comes out with an interval that excludes zero in 80 % of all samples of
    n ((1.96 + 0.84) se / d)^2 patients (the normal approximation; Chow, Shao and Wang, Sample Size
    Calculations in Clinical Research, ch. 3).

    Parameters
    ----------
    difference, standard_error : float
        Measured on `n` patients, in one unit.
    n : int
        Number of patients (of images, where there are no patients), who did not tell.

    Returns
    -------
    int or None
        More than `n`, and at least `FEWEST_PATIENTS`; None where it would take over a million, as
        for a difference of zero, and where either number is undefined.

    Examples
    --------
    >>> patients_to_settle(difference=0.02, standard_error=0.02, n=50)
    392
    """
    if difference == 0 or not math.isfinite(difference) or not math.isfinite(standard_error):
        return None
    needed = n * ((_LEVEL + _POWER) * standard_error / abs(difference)) ** 2
    return max(n + 1, FEWEST_PATIENTS, math.ceil(needed)) if needed <= _MOST_PATIENTS else None


def likely_size(difference: float, standard_error: float, bound: float = _LEVEL) -> float:
    """Estimate how large a difference is that a comparison left open.

    Of comparisons that stay open those with a small measured difference are more than their share,
    and the number of patients goes with its square. So the size is taken for which the measured one
    would be the median of all that stay open: a median-unbiased estimate given that it is open.

    Parameters
    ----------
    difference, standard_error : float
        As measured.
    bound : float
        From how many standard errors on a comparison is not open.

    Returns
    -------
    float
        0 where the measured one is smaller than half of those are that no difference gives; NaN
        where either is undefined.

    Examples
    --------
    >>> likely_size(0.2, 1.0), round(likely_size(1.5, 1.0), 2)
    (0.0, 2.71)
    """
    if not (math.isfinite(difference) and math.isfinite(standard_error)):
        return math.nan
    measured = abs(difference)
    if standard_error == 0 or measured >= bound * standard_error:
        return measured
    measured /= standard_error

    def share_below(size: float) -> float:
        """Return how many open comparisons of a true size measure less."""
        whole = _within(bound, size)
        return _within(measured, size) / whole if whole > 0 else 0.0

    if share_below(0.0) <= 0.5:  # it falls as the size grows
        return 0.0
    low, high = 0.0, bound + 6
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share_below(middle) > 0.5 else (low, middle)
    return low * standard_error


def _within(reach: float, size: float) -> float:
    """Return the chance that a normal about a size lies within a reach of zero."""
    root = math.sqrt(2)
    return 0.5 * (math.erf((reach - size) / root) + math.erf((reach + size) / root))


def compare_models(
    counts: Mapping[str, pd.DataFrame],
    metrics: Sequence[str] | None = None,
    conventions: Sequence[str] | None = None,
    *,
    run: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
    distances: Mapping[str, pd.DataFrame] | None = None,
    lesions: Mapping[str, pd.DataFrame] | None = None,
    averaged: bool = True,
) -> pd.DataFrame:
    """Compare every pair of models by every score.

    Parameters
    ----------
    counts : mapping from str to DataFrame
        Model name to its counts.tsv; all of the same slices.
    metrics, conventions : sequence of str, optional
        By default all that apply, see `scores.count_sums`.
    run : str
        Name of the run, for the table.
    resamples, seed : int
        Of the bootstrap.
    distances, lesions : mapping from str to DataFrame, optional
        Model name to its measured patients, see `scores.score_table`.
    averaged : bool
        Whether there is a mean over several classes.

    Returns
    -------
    DataFrame
        One row a pair and cell with the columns `COLUMNS`, sorted as the models are given, then as
        metrics.json is. ``difference`` is model_a minus model_b, ``n`` the number of patients (of
        images where there are no patients). ``patients_to_settle`` is missing where these settle
        it: the interval excludes zero, and it is of `FEWEST_PATIENTS` or more.

    Raises
    ------
    ValueError
        If the models were not scored on the same slices with the same truth.
    """
    _check_same_slices(counts)
    streams = [
        count_sums(table, metrics, conventions, averaged=averaged) for table in counts.values()
    ]
    frames = []
    for groups in zip(*streams, strict=True):
        subset, postprocess, first = groups[0]
        parts = [[sums for _, _, sums in groups]]
        for tables, names in ((distances, DISTANCE_METRICS), (lesions, LESION_METRICS)):
            found = [
                measured_sums([(table, tuple(names))], subset, postprocess, first.units, averaged)
                for table in ([tables[model] for model in counts] if tables else ())
            ]
            # Only where all of them have some.
            if found and all(found):
                parts.append([sums for (sums,) in found])
        for compared in parts:
            for table in _pairs(list(counts), compared, resamples, seed):
                frames.append(table.assign(run=run, subset=subset, postprocess=postprocess))
    if not frames:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(frames, ignore_index=True)
    order = {model: position for position, model in enumerate(counts)}
    return table.sort_values(
        ["model_a", "model_b", "subset", "class", "metric", "convention", "postprocess"],
        key=lambda column: column.map(order) if column.name in ("model_a", "model_b") else column,
        ignore_index=True,
    )[COLUMNS]


def _pairs(
    models: Sequence[str], compared: Sequence[ScoreSums], resamples: int, seed: int
) -> list[pd.DataFrame]:
    """Compare the models' cells, pair by pair."""
    cells = compared[0].cells
    units = len(compared[0].units)
    scored = []
    for sums in compared:
        if sums.cells != cells:
            raise ValueError(f"{models[0]} and another model were not scored on the same classes")
        replicates = (
            replicate(sums.scores, units, resamples, seed)
            if units > 1
            else np.full((len(cells), 1), np.nan)
        )
        scored.append(_Scored(sums, sums.values(), replicates))
    frames = []
    for (model_a, a), (model_b, b) in combinations(zip(models, scored, strict=True), 2):
        difference = a.values - b.values
        replicates = a.replicates - b.replicates
        low, high = t_interval(replicates, difference, units)
        error = _standard_error(replicates)
        bound = _LEVEL * widening(units) if units > 1 else _LEVEL
        defined = ~np.isnan(difference)
        is_open = ((low <= 0) & (high >= 0)) | (units < FEWEST_PATIENTS)
        settle = [
            patients_to_settle(likely_size(d, e, bound), e, units) if each else None
            for d, e, each in zip(difference, error, is_open, strict=True)
        ]
        frame = pd.DataFrame(cells, columns=["class", "metric", "convention"])
        frames.append(
            frame.assign(
                model_a=model_a,
                model_b=model_b,
                difference=difference,
                ci_low=np.where(defined, low, np.nan),
                ci_high=np.where(defined, high, np.nan),
                n=units,
                patients_to_settle=pd.array(settle, dtype="Int64"),
            )
        )
    return frames


def _standard_error(replicates: np.ndarray) -> np.ndarray:
    """Compute the spread of each cell's replicates: ndarray (cell,); NaN with fewer than two."""
    kept = ~np.isnan(replicates)
    n = kept.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(kept, replicates, 0).sum(axis=1) / n
        squares = np.where(kept, (replicates - mean[:, None]) ** 2, 0).sum(axis=1)
        return np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)


def _check_same_slices(counts: Mapping[str, pd.DataFrame]) -> None:
    """Refuse models whose counts are not of the same slices, classes and truth."""
    reference: pd.DataFrame | None = None
    name = ""
    for model, table in counts.items():
        keyed = table.sort_values(KEYS, ignore_index=True)
        truth = keyed[KEYS].assign(truth=keyed["tp"] + keyed["fn"])
        if reference is None:
            reference, name = truth, model
            continue
        same = len(truth) == len(reference) and bool(
            (truth[KEYS].to_numpy() == reference[KEYS].to_numpy()).all()
        )
        if not same:
            raise ValueError(
                f"{name} and {model} were not scored on the same patients, slices and classes "
                f"({len(reference)} and {len(truth)} rows of counts): only models of one split "
                "can be compared"
            )
        different = np.flatnonzero(truth["truth"].to_numpy() != reference["truth"].to_numpy())
        if len(different):
            row = truth.iloc[different[0]]
            raise ValueError(
                f"{name} and {model} were scored against different truth, first in patient "
                f"{row['patient']!r} slice {row['slice']} class {row['class']}: rebuild both"
            )
