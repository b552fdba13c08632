"""The bootstrap over units: patients, or images where there are no patients.

A resample is a vector of weights, how often each unit was drawn. Every statistic here follows
from weighted sums over units, so all of them are computed for many resamples by one matrix
product, and all of them from the same resamples: differences between them are paired.

The percentiles of the replicates alone cover too little of what they say below about 50 patients
(docs/intervals.md measures it). So a score has the interval of the studentised bootstrap (Efron
and Tibshirani, An Introduction to the Bootstrap, ch. 12.5), which weighs each replicate by its own
standard error; a difference of two models, which is far less skew, has the percentiles widened by
Student's t.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 10_000
FEWEST_UNITS = 6
"""Of fewer units a score has no interval: it would reach from 0 to 1, or cover far too little."""
LEVEL = 0.95
# Resamples are drawn and evaluated in chunks of about so many weights (8 bytes each).
CHUNK_WEIGHTS = 500_000


def resample_weights(
    units: int, resamples: int = RESAMPLES, seed: int = 0, chunk: int | None = None
) -> Iterator[np.ndarray]:
    """Draw how often each unit is in each resample.

    Parameters
    ----------
    units : int
        Number of units; a resample draws as many, with replacement.
    resamples, seed : int
        How many resamples, from which seed. Equal arguments give equal weights.
    chunk : int, optional
        Resamples in one array; changes the memory taken and no weight.

    Yields
    ------
    ndarray (chunk, units) of float64
        Whole numbers; each row sums to `units`.

    Raises
    ------
    ValueError
        If there is no unit or no resample.

    Examples
    --------
    >>> [weights] = resample_weights(units=3, resamples=2)
    >>> weights.shape, weights.sum(axis=1).tolist()
    ((2, 3), [3.0, 3.0])
    """
    if units < 1 or resamples < 1:
        raise ValueError(f"cannot draw {resamples} resamples of {units} units: both must be > 0")
    generator = np.random.default_rng(seed)
    chunk = chunk or max(1, CHUNK_WEIGHTS // units)
    for first in range(0, resamples, chunk):
        rows = min(chunk, resamples - first)
        drawn = generator.integers(0, units, size=(rows, units))
        drawn += units * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * units)
        yield counts.reshape(rows, units).astype(np.float64)


def replicate(
    statistic: Callable[[np.ndarray], np.ndarray],
    units: int,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """Compute a statistic on every resample.

    Parameters
    ----------
    statistic : callable
        From weights (chunk, units) to values (chunk, cells); NaN where undefined.
    units, resamples, seed : int
        As in `resample_weights`.

    Returns
    -------
    ndarray (cells, resamples) of float64
        The replicates of each cell.
    """
    chunks = [statistic(weights).T for weights in resample_weights(units, resamples, seed)]
    return np.concatenate(chunks, axis=1)


def percentile_interval(
    replicates: np.ndarray, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the central interval of the replicates, percentiles interpolated linearly.

    Undefined replicates are left out. Where more than half of them are undefined there is no
    interval.

    Parameters
    ----------
    replicates : ndarray (cells, resamples) of float
        NaN where undefined.
    level : float
        Share of the replicates inside, 0.95 for the 2.5 and the 97.5 percentile.

    Returns
    -------
    low, high : ndarray (cells,) of float64
        NaN where there is no interval.

    Examples
    --------
    >>> low, high = percentile_interval(np.array([[4.0, 1.0, 2.0, 3.0, 0.0]]), level=0.5)
    >>> low.tolist(), high.tolist()
    ([1.0], [3.0])
    """
    ordered = np.sort(replicates, axis=1)  # NaN go last
    defined = np.count_nonzero(~np.isnan(ordered), axis=1)
    enough = 2 * defined >= ordered.shape[1]
    rows = np.arange(len(ordered))
    bounds = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        position = share * np.maximum(defined - 1, 0)
        below = np.floor(position).astype(int)
        above = np.minimum(below + 1, np.maximum(defined - 1, 0))
        low, high = ordered[rows, below], ordered[rows, above]
        bounds.append(np.where(enough, low + (position - below) * (high - low), np.nan))
    return bounds[0], bounds[1]


def t_interval(
    replicates: np.ndarray, values: np.ndarray, units: int, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the percentile interval, widened as Student's t is wider than the normal.

    Parameters
    ----------
    replicates : ndarray (cells, resamples) of float
        NaN where undefined.
    values : ndarray (cells,) of float
        What the replicates are replicates of.
    units : int
        Units that were resampled.
    level : float
        Share of samples whose interval covers the truth.

    Returns
    -------
    low, high : ndarray (cells,) of float64
        NaN where there is no interval, as for `percentile_interval`, and for fewer than two units.
    """
    if units < 2:
        nothing = np.full(len(replicates), np.nan)
        return nothing, nothing
    away = replicates - values[:, None]
    return percentile_interval(values[:, None] + widening(units, level) * away, level)


def widening(units: int, level: float = LEVEL) -> float:
    """Return by how much Student's interval of a mean is wider than the bootstrap's percentiles.

    Examples
    --------
    >>> round(widening(6), 2), round(widening(50), 2)
    (1.44, 1.04)
    """
    shares = (1 + level) / 2
    normal = stdtrit(1e9, shares)
    return float(stdtrit(units - 1, shares) / normal * np.sqrt(units / (units - 1)))


def studentised_interval(
    values: np.ndarray,
    errors: np.ndarray,
    replicates: np.ndarray,
    replicate_errors: np.ndarray,
    level: float = LEVEL,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the interval of the studentised bootstrap.

    Parameters
    ----------
    values, errors : ndarray (cells,) of float
        Each score and its standard error.
    replicates, replicate_errors : ndarray (cells, resamples) of float
        The same of each resample; NaN where undefined.
    level : float
        Share of samples whose interval covers the truth.

    Returns
    -------
    low, high : ndarray (cells,) of float64
        NaN where there is no interval, as for `percentile_interval`; infinite where too many
        resamples hold equal units only.

    Examples
    --------
    >>> low, high = studentised_interval(
    ...     np.array([0.5]), np.array([0.1]), np.array([[0.4, 0.5, 0.6]]), np.full((1, 3), 0.1), 0.5
    ... )
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.4], [0.6])
    """
    away = replicates - values[:, None]
    # Rounding leaves a little of what cancels.
    tiny = 1e-9 * np.maximum(1, np.abs(values[:, None]))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(replicate_errors > tiny, replicate_errors, 0)
        t = np.where(np.abs(away) <= tiny, 0.0, away / spread)
    t[np.isnan(replicates)] = np.nan
    ordered = np.sort(t, axis=1)  # NaN go last
    defined = np.count_nonzero(~np.isnan(ordered), axis=1)
    enough = 2 * defined >= ordered.shape[1]
    last = np.maximum(defined - 1, 0)
    rows = np.arange(len(ordered))
    # The order statistic outside of the share: none is made up between a number and infinity.
    lower = ordered[rows, np.floor((1 - level) / 2 * last).astype(int)]
    upper = ordered[rows, np.ceil((1 + level) / 2 * last).astype(int)]
    with np.errstate(invalid="ignore"):
        low, high = values - upper * errors, values - lower * errors
    # No spread at all: what is measured is the same in every unit.
    flat = errors <= tiny[:, 0]
    low, high = np.where(flat, values, low), np.where(flat, values, high)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)
