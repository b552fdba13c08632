"""The stages of scoring, each from tables to a table: what rules, verification and tests call."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from gliomake.scoring.compare import compare_models
from gliomake.scoring.leakage import CLEAN, leak_effects, spread
from gliomake.scoring.scores import score_table
from gliomake.study.architectures import CLASSIFICATION
from gliomake.study.model import Study
from gliomake.study.run import is_leak

Tables = Mapping[str, pd.DataFrame]


class Leaks(NamedTuple):
    """What `measure_leaks` gives: the contents of ``leakage.tsv`` and ``spread.tsv``."""

    effects: pd.DataFrame
    spread: pd.DataFrame


def score_model(
    counts: Tables,
    distances: Mapping[str, pd.DataFrame | None],
    *,
    task: str,
    metrics: Sequence[str],
    bootstrap: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Score all runs of a model.

    Parameters
    ----------
    counts : mapping of str to DataFrame
        Rows of ``counts.tsv`` by run.
    distances : mapping of str to DataFrame or None
        Rows of ``distances.tsv`` by run; None where none were measured.
    task : str
        ``segmentation``, or ``classification``: of images, all metrics of which apply.
    metrics : sequence of str
        Of a segmentation, see `gliomake.study.products.study_metrics`.
    bootstrap : mapping of str to int
        ``resamples`` and ``seed`` of the intervals.

    Returns
    -------
    list of dict
        The entries of ``metrics.json``, run by run.

    Raises
    ------
    ValueError
        The counts of a run are incomplete.
    """
    rows = []
    for run, table in counts.items():
        scores = score_table(
            table,
            metrics=None if task == CLASSIFICATION else metrics,
            task=task,
            distances=distances[run],
            **bootstrap,
        )
        rows += [{"run": run, **row} for row in scores]
    return rows


def compare_study(
    counts: Tables,
    distances: Mapping[str, pd.DataFrame | None],
    *,
    run: str,
    metrics: Sequence[str],
    bootstrap: Mapping[str, Any],
) -> pd.DataFrame:
    """Compare a study's models pair by pair on the same patients.

    Parameters
    ----------
    counts : mapping of str to DataFrame
        Rows of ``counts.tsv`` by model, of one run.
    distances : mapping of str to DataFrame or None
        Rows of ``distances.tsv`` by model; None where none were measured.
    run : str
        The run's name.
    metrics : sequence of str
        See `gliomake.study.products.study_metrics`.
    bootstrap : mapping of str to int
        ``resamples`` and ``seed`` of the intervals.

    Returns
    -------
    DataFrame
        The rows of ``comparisons.tsv``.

    Raises
    ------
    ValueError
        The models were not scored on the same slices with the same truth.
    """
    measured = {model: table for model, table in distances.items() if table is not None}
    return compare_models(counts, metrics=metrics, run=run, distances=measured, **bootstrap)


def paired_runs(study: Study) -> list[tuple[str, str]]:
    """List the runs, with their models, from which the effect of leakage is measured.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    list of (str, str)
        Model and run, model by model.
    """
    return [
        (model, run) for model in study.models for run in study.leakage.runs(model) if is_leak(run)
    ]


def measure_leaks(
    counts: Mapping[tuple[str, str], pd.DataFrame], *, bootstrap: Mapping[str, Any]
) -> Leaks:
    """Measure what leakage adds to each score, and what model, fold and seed move.

    Parameters
    ----------
    counts : mapping of (str, str) to DataFrame
        Rows of ``counts.tsv`` by model and run, of `paired_runs`.
    bootstrap : mapping of str to int
        ``resamples`` and ``seed`` of the intervals.

    Returns
    -------
    Leaks
        The rows of ``leakage.tsv`` and of ``spread.tsv``.

    Raises
    ------
    LeakageError
        A run lacks its partner, or was tested on other slices than it.
    """
    runs: dict[str, dict[str, pd.DataFrame]] = {}
    for (model, run), table in counts.items():
        runs.setdefault(model, {})[run] = table
    effects = [leak_effects(own, model, **bootstrap) for model, own in runs.items()]
    # The clean partners of the leaks are a full grid of folds and seeds.
    return Leaks(pd.concat(effects, ignore_index=True), spread(counts, split=CLEAN))
