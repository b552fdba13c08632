"""The table of scores: every class, metric and convention of a subset, with intervals.

The slices are reduced once to sums over each patient (over each image where there are no
patients). Every score then follows from a weighted sum of a few columns, for the subset itself
(all weights 1) as for each resample of the bootstrap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gliomake.scoring.averaging import ONE_COUNT, SEGMENTATION_CONVENTIONS, convention_scores
from gliomake.scoring.bootstrap import (
    FEWEST_UNITS,
    RESAMPLES,
    replicate,
    studentised_interval,
)
from gliomake.scoring.coverage import METHOD, measured_coverage
from gliomake.scoring.metrics import (
    CLASSIFICATION_METRICS,
    COUNT_COLUMNS,
    DISTANCE_METRICS,
    SEGMENTATION_METRICS,
)
from gliomake.scoring.patient_metrics import LESION_METRICS
from gliomake.scoring.registry import is_share
from gliomake.scoring.sums import ScoreSums
from gliomake.study.architectures import CLASSIFICATION, SEGMENTATION


def count_sums(
    counts: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    conventions: Sequence[str] | None = None,
    task: str = SEGMENTATION,
    averaged: bool = True,
) -> Iterator[tuple[str, bool, ScoreSums]]:
    """Compute from a table of counts the sums of each subset and post-processing.

    Parameters
    ----------
    counts : DataFrame
        Columns ``patient slice subset class postprocess tp fp fn tn``.
    metrics, conventions : sequence of str, optional
        By default all of the task. The ``patient`` convention is left out where there are no
        patients.
    task : str
        ``segmentation``, or ``classification``: then every image is one pixel.
    averaged : bool
        Whether there is a mean over several classes.

    Yields
    ------
    subset : str
    postprocess : bool
    sums : ScoreSums

    Raises
    ------
    ValueError
        If there is no slice, one is there twice or lacks a class, only some name a patient, or
        images and conventions do not fit the task.
    """
    if counts.empty:
        raise ValueError("counts hold no rows: expected the slices of val and test")
    if not counts["postprocess"].isin([True, False]).all():
        found = ", ".join(map(repr, counts["postprocess"].unique()[:3]))
        raise ValueError(f"postprocess holds {found}: expected booleans, as read_tsv gives them")
    classification = task == CLASSIFICATION
    if metrics is None:
        metrics = CLASSIFICATION_METRICS if classification else SEGMENTATION_METRICS
    if conventions is None:
        conventions = ("image",) if classification else SEGMENTATION_CONVENTIONS
    _check_task(counts, conventions, task)
    nameless = counts["patient"].to_numpy() == ""
    if nameless.any() and not nameless.all():
        raise ValueError(
            f"{nameless.sum()} of {len(counts)} rows of counts name no patient: "
            "expected all of them or none"
        )
    if nameless.all():
        conventions = [name for name in conventions if name != "patient"]
    for (subset, postprocess), rows in counts.groupby(["subset", "postprocess"], sort=True):
        sums = _reduce(rows, tuple(metrics), tuple(conventions))
        yield str(subset), bool(postprocess), replace(sums, averaged=averaged)


def _check_task(counts: pd.DataFrame, conventions: Sequence[str], task: str) -> None:
    """Refuse counts and conventions that are not of the task."""
    classification = task == CLASSIFICATION
    pixels = counts[COUNT_COLUMNS].sum(axis=1)
    if classification and (pixels != 1).any():
        raise ValueError(
            f"counts of {pixels.max()} pixels an image: expected one pixel an image, as of a "
            "classifier"
        )
    if "image" in conventions and not (classification and tuple(conventions) == ("image",)):
        raise ValueError(
            f"averaging rules {', '.join(conventions)}: image is for counts of one pixel an image, "
            "and then the only one"
        )


def _reduce(
    rows: pd.DataFrame, metrics: tuple[str, ...], conventions: tuple[str, ...]
) -> ScoreSums:
    """Compute the sums of one subset over its units."""
    classes, units, starts, counts = _slices_by_unit(rows)
    if "image" in conventions and classes == ("tumour",):
        classes = ("tumour", "no-tumour")
        counts = np.concatenate([counts, counts[..., [3, 2, 1, 0]]], axis=1)
    totals = np.add.reduceat(counts, starts, axis=0)
    averaging = [name for name in conventions if name not in ONE_COUNT]
    sums = np.zeros((len(units), len(classes), len(metrics), len(averaging)))
    sizes = np.zeros_like(sums)
    for index, convention in enumerate(averaging):
        for position, metric in enumerate(metrics):
            elements = totals if convention == "patient" else counts
            values = convention_scores(elements, metric, convention)
            kept = ~np.isnan(values)
            values = np.where(kept, values, 0)
            if convention != "patient":
                values = np.add.reduceat(values, starts, axis=0)
                kept = np.add.reduceat(kept, starts, axis=0, dtype=np.int64)
            sums[:, :, position, index] = values
            sizes[:, :, position, index] = kept
    return ScoreSums(classes, metrics, conventions, units, totals, sums, sizes, len(counts))


def _slices_by_unit(
    rows: pd.DataFrame,
) -> tuple[tuple[str, ...], tuple, np.ndarray, np.ndarray]:
    """Return counts as (slice, class, 4), and where each unit's slices start."""
    patient, patients = pd.factorize(rows["patient"], sort=True)
    code, classes = pd.factorize(rows["class"], sort=True)
    number = rows["slice"].to_numpy()
    order = np.lexsort((code, number, patient))
    k = len(classes)
    slices = {"patient": patient[order][::k], "number": number[order][::k]}
    changes = {name: np.diff(column) != 0 for name, column in slices.items()}
    complete = (
        len(rows) % k == 0
        and np.array_equal(code[order], np.tile(np.arange(k), len(rows) // k))
        and np.array_equal(patient[order], np.repeat(slices["patient"], k))
        and np.array_equal(number[order], np.repeat(slices["number"], k))
        and bool((changes["patient"] | changes["number"]).all())
    )
    if not complete:
        where = f"subset {rows['subset'].iloc[0]}, postprocess {rows['postprocess'].iloc[0]}"
        raise ValueError(
            f"counts of {where}: expected each slice once for each of the classes "
            f"{', '.join(classes)}; some are there twice or lack a class"
        )
    counts = rows[COUNT_COLUMNS].to_numpy(np.int64)[order].reshape(-1, k, 4)
    if patients[0] == "":
        return tuple(classes), tuple(slices["number"].tolist()), np.arange(len(counts)), counts
    starts = np.concatenate([[0], np.flatnonzero(changes["patient"]) + 1])
    return tuple(classes), tuple(patients), starts, counts


def patient_sums(
    distances: pd.DataFrame,
    units: Sequence[str],
    metrics: Sequence[str] = tuple(DISTANCE_METRICS),
    averaged: bool = True,
) -> ScoreSums:
    """Return what was measured of each patient by the units of the counts.

    Parameters
    ----------
    distances : DataFrame
        Columns ``patient class`` and the metrics, of one subset and post-processing; NaN where
        there is nothing to measure.
    units : sequence of str
        The patients of the subset's counts; one without a row counts in no mean.
    metrics : sequence of str
        Columns to take, by default the distances.
    averaged : bool
        Whether there is a mean over several classes.

    Returns
    -------
    ScoreSums
        The metrics, convention ``patient``.

    Raises
    ------
    ValueError
        If a patient has no counts, or a patient and class are there twice.
    """
    strange = set(distances["patient"]) - set(units)
    if strange:
        raise ValueError(
            f"distances of patients that have no counts: {', '.join(sorted(strange)[:3])}; "
            "both belong to one run: rebuild both"
        )
    classes = tuple(sorted(distances["class"].unique()))
    values = np.full((len(units), len(classes), len(metrics)), np.nan)
    row = pd.Index(units).get_indexer(pd.Index(distances["patient"]))
    column = pd.Index(classes).get_indexer(pd.Index(distances["class"]))
    if len(set(zip(row, column, strict=True))) < len(distances):
        raise ValueError("distances hold a patient and class twice; expected each once")
    values[row, column] = distances[list(metrics)].to_numpy(float)
    kept = ~np.isnan(values)[..., None]
    sums = np.where(kept, values[..., None], 0)
    totals = np.zeros((len(units), len(classes), 4), np.int64)
    return ScoreSums(
        classes,
        tuple(metrics),
        ("patient",),
        tuple(units),
        totals,
        sums,
        kept.astype(float),
        0,
        averaged,
    )


def measured_sums(
    tables: Sequence[tuple[pd.DataFrame | None, Sequence[str]]],
    subset: str,
    postprocess: bool,
    units: Sequence[str],
    averaged: bool = True,
) -> list[ScoreSums]:
    """Return the sums of what was measured of a subset's patients, table by table.

    Parameters
    ----------
    tables : sequence of (DataFrame or None, sequence of str)
        Tables with columns ``patient subset class postprocess``, and which columns of them are
        metrics.
    subset, postprocess
        Which rows.
    units, averaged
        As in `patient_sums`.

    Returns
    -------
    list of ScoreSums
        Of the tables with any rows of it.
    """
    found = []
    for table, metrics in tables:
        if table is not None and metrics:
            rows = table[(table["subset"] == subset) & (table["postprocess"] == postprocess)]
            if len(rows):
                found.append(patient_sums(rows, units, metrics, averaged))
    return found


_KEY = ("subset", "class", "metric", "convention", "postprocess")


def score_table(
    counts: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    conventions: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    distances: pd.DataFrame | None = None,
    task: str = SEGMENTATION,
    lesions: pd.DataFrame | None = None,
    averaged: bool = True,
) -> list[dict]:
    """Compute every score, with 95 % bootstrap intervals over patients.

    Parameters
    ----------
    counts : DataFrame
        Columns ``patient slice subset class postprocess tp fp fn tn``.
    metrics, conventions, task
        As in `count_sums`.
    resamples, seed : int
        The bootstrap's; the same resamples serve every cell of a subset.
    distances : DataFrame, optional
        Columns ``patient subset class postprocess`` and `DISTANCE_METRICS`.
    lesions : DataFrame, optional
        Columns ``patient subset class postprocess`` and `LESION_METRICS`.
    averaged : bool
        Whether there is a mean over several classes.

    Returns
    -------
    list of dict
        Keys ``subset class metric convention postprocess value ci_low ci_high n ci_method ci_units
        ci_coverage``, sorted: `n` elements were averaged or pooled, `ci_units` patients (images)
        drawn; how often such intervals held the truth is `measured_coverage`. None stands for
        what is undefined, and for an interval that `score_intervals` does not give.

    Raises
    ------
    ValueError
        If the counts are incomplete, see `count_sums`.
    """
    rows = []
    measured = [(distances, tuple(DISTANCE_METRICS)), (lesions, tuple(LESION_METRICS))]
    for subset, postprocess, sums in count_sums(counts, metrics, conventions, task, averaged):
        parts = [sums, *measured_sums(measured, subset, postprocess, sums.units, averaged)]
        for part in parts:
            low, high = score_intervals(part, resamples, seed)
            cells = zip(part.cells, part.values(), low, high, part.elements(), strict=True)
            for (class_, metric, convention), value, ci_low, ci_high, n in cells:
                rows.append(
                    {
                        "subset": subset,
                        "class": class_,
                        "metric": metric,
                        "convention": convention,
                        "postprocess": postprocess,
                        "value": _none_if_nan(value),
                        "ci_low": _none_if_nan(ci_low),
                        "ci_high": _none_if_nan(ci_high),
                        "n": int(n),
                        **_interval_facts(metric, convention, ci_low, len(part.units)),
                    }
                )
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in _KEY))


def _interval_facts(metric: str, convention: str, end: float, units: int) -> dict[str, Any]:
    """Say how an interval was made and how far it can be trusted."""
    given = not np.isnan(end)
    return {
        "ci_method": METHOD if given else None,
        "ci_units": units,
        "ci_coverage": measured_coverage(metric, units, convention) if given else None,
    }


def score_intervals(
    sums: ScoreSums, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the 95 % interval of each score over units.

    Parameters
    ----------
    sums : ScoreSums
        The scores.
    resamples, seed : int
        The bootstrap's.

    Returns
    -------
    low, high : ndarray (cell,) of float64
        NaN for fewer than `FEWEST_UNITS` units, where more than half of the resamples are
        undefined, and where nothing bounds a distance. Within what the score can be.
    """
    values, units = sums.values(), len(sums.units)
    if units < FEWEST_UNITS:
        nothing = np.full(len(values), np.nan)
        return nothing, nothing

    def both(weights: np.ndarray) -> np.ndarray:
        return np.concatenate([sums.scores(weights), sums.errors(weights)], axis=1)

    replicates = replicate(both, units, resamples, seed)
    errors, cells = sums.errors(np.ones((1, units)))[0], len(values)
    low, high = studentised_interval(values, errors, replicates[:cells], replicates[cells:])
    shares = np.array([is_share(metric) for _, metric, _ in sums.cells])
    low = np.maximum(low, 0)
    high = np.where(shares, np.minimum(high, 1), high)
    unknown = np.isnan(values) | ~np.isfinite(low) | ~np.isfinite(high)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
