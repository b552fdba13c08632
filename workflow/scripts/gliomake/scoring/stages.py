"""The stages of scoring, each from tables to a table: what rules, verification and tests call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from gliomake.scoring.compare import compare_models
from gliomake.scoring.leakage import CLEAN, leak_effects, spread
from gliomake.scoring.scores import score_table
from gliomake.study.architectures import CLASSIFICATION, SEGMENTATION
from gliomake.study.model import Study
from gliomake.study.run import is_leak

Tables = Mapping[str, pd.DataFrame]


class Leaks(NamedTuple):
    """What `measure_leaks` gives: the contents of ``leakage.tsv`` and ``spread.tsv``."""

    effects: pd.DataFrame
    spread: pd.DataFrame


@dataclass(frozen=True)
class RunTables:
    """What was measured of a run: the tables of `gliomake.scoring.measure.Measured`.

    Attributes
    ----------
    counts : DataFrame
        Rows of ``counts.tsv``.
    distances, regions, patients : DataFrame or None
        Rows of the files of these names; None where they are not there.
    """

    counts: pd.DataFrame
    distances: pd.DataFrame | None = None
    regions: pd.DataFrame | None = None
    patients: pd.DataFrame | None = None

    @property
    def lesions(self) -> pd.DataFrame | None:
        """The patients' rows with scores of lesions; None without any."""
        if self.patients is None or self.patients["lesions"].isna().all():
            return None
        return self.patients

    def of_classes(self, of_regions: bool) -> "RunTables":
        """Choose the tables of the regions, or those of the classes."""
        if of_regions and self.regions is not None:
            return RunTables(self.regions, self._of(self.patients, self.regions), None,
                             self._of(self.lesions, self.regions))  # fmt: skip
        return RunTables(self.counts, self.distances, None, self._of(self.lesions, self.counts))

    @staticmethod
    def _of(table: pd.DataFrame | None, counts: pd.DataFrame) -> pd.DataFrame | None:
        return None if table is None else table[table["class"].isin(counts["class"].unique())]


def score_model(
    runs: Mapping[str, RunTables],
    *,
    task: str,
    metrics: Sequence[str],
    bootstrap: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Score all runs of a model: classes and their mean, then regions.

    Parameters
    ----------
    runs : mapping of str to RunTables
        What was measured, by run.
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
    for run, tables in runs.items():
        for of_regions in (False, True) if _has_regions(tables) else (False,):
            chosen = tables.of_classes(of_regions)
            scores = score_table(
                chosen.counts,
                metrics=None if task == CLASSIFICATION else metrics,
                task=task,
                distances=chosen.distances,
                lesions=chosen.patients,
                averaged=not of_regions,
                **bootstrap,
            )
            rows += [{"run": run, **row} for row in scores]
    return rows


def _has_regions(tables: RunTables) -> bool:
    return tables.regions is not None and len(tables.regions) > 0


def compare_study(
    models: Mapping[str, RunTables],
    *,
    run: str,
    metrics: Sequence[str],
    bootstrap: Mapping[str, Any],
) -> pd.DataFrame:
    """Compare a study's models pair by pair on the same patients.

    Parameters
    ----------
    models : mapping of str to RunTables
        What was measured of one run, by model.
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
    found = []
    regions = all(_has_regions(tables) for tables in models.values())
    for of_regions in (False, True) if regions else (False,):
        chosen = {model: tables.of_classes(of_regions) for model, tables in models.items()}
        distances = {m: t.distances for m, t in chosen.items() if t.distances is not None}
        lesions = {m: t.patients for m, t in chosen.items() if t.patients is not None}
        found.append(
            compare_models(
                {model: tables.counts for model, tables in chosen.items()},
                metrics=metrics,
                run=run,
                distances=distances if len(distances) == len(chosen) else None,
                lesions=lesions if len(lesions) == len(chosen) else None,
                averaged=not of_regions,
                **bootstrap,
            )
        )
    return pd.concat(found, ignore_index=True) if len(found) > 1 else found[0]


def score_grids(
    resized: Mapping[str, RunTables],
    native: Mapping[str, RunTables],
    *,
    run: str,
    metrics: Sequence[str],
    bootstrap: Mapping[str, Any],
) -> pd.DataFrame:
    """Set scores on resized slices beside those on the scans' own grid.

    Parameters
    ----------
    resized, native : mapping of str to RunTables
        What was measured of one run on either grid, by model.
    run, metrics, bootstrap
        As in `compare_study`.

    Returns
    -------
    DataFrame
        The rows of ``grids.tsv``: model and score, then value, interval and n on either grid.
    """
    keys = ["subset", "class", "metric", "convention", "postprocess"]
    values = ["value", "ci_low", "ci_high", "n"]
    given: dict[str, Any] = {"task": SEGMENTATION, "metrics": metrics, "bootstrap": bootstrap}
    frames = []
    for model in resized:
        one, other = (
            pd.DataFrame(score_model({run: tables[model]}, **given)).drop(columns="run")
            for tables in (resized, native)
        )
        both = one.merge(other, on=keys, suffixes=("_resized", "_native"), validate="one_to_one")
        frames.append(both.assign(model=model, run=run))
    ends = [f"{name}_{grid}" for grid in ("resized", "native") for name in values]
    return pd.concat(frames, ignore_index=True)[["model", "run", *keys, *ends]]


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
