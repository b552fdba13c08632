"""What a leak adds to a score, and how much of a difference is fold, seed or model.

The size of a leak is measured in pairs: the runs ``leak<p>`` and ``leak0`` of one fold and seed
are tested on the same slices and trained on as many, of which p % of what the test patients have
besides are among the former. Their difference has an interval over patients and seeds.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from gliomake.scoring.bootstrap import RESAMPLES, percentile_interval, replicate, widening
from gliomake.scoring.scores import count_sums
from gliomake.scoring.sums import ScoreSums
from gliomake.study.run import Run, leak_percent

CLEAN = "leak0"
LEAK_COLUMNS = [
    *("model", "metric", "convention", "subset", "class", "postprocess", "leak"),
    *("difference", "ci_low", "ci_high", "folds", "seeds", "patients"),
]
SPREAD_COLUMNS = [
    *(
        "metric",
        "convention",
        "subset",
        "class",
        "postprocess",
        "source",
        "sd",
        "degrees_of_freedom",
    ),
    *("mean", "models", "folds", "seeds"),
]
Cell = tuple[str, bool]


class LeakageError(ValueError):
    """Runs that do not make up the pairs or the grid that a measurement needs."""


def leak_effects(
    counts: Mapping[str, pd.DataFrame],
    model: str,
    subset: str = "test",
    metrics: Sequence[str] | None = None,
    conventions: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute what each leak adds to each score of a model.

    Patients of different folds are different units. Seeds are averaged within a patient: its
    counts, and the scores of its slices, are means over seeds.

    Parameters
    ----------
    counts : mapping of str to DataFrame
        Run name to its counts.tsv; every ``leak<p>`` run with its ``leak0`` of the same fold and
        seed. Other runs are not looked at.
    model : str
        The model's name, for the table.
    subset : str
        Where the leak is measured; only the test slices are the same in both.
    metrics, conventions : sequence of str, optional
        By default all that apply, see `scores.count_sums`.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Columns `LEAK_COLUMNS`, one row a score and a leak (percent): leaky minus clean, with a
        95 % interval over patients and, where there is more than one, seeds; NaN where undefined.

    Raises
    ------
    LeakageError
        A run without its partner, or partners that were not tested on the same slices and masks.

    Notes
    -----
    The interval is that of the bootstrap over patients, widened by `seed_errors`: two trainings
    that differ in nothing but the seed differ in their scores, and by more than the patients tell.
    With one seed there is nothing to learn this from, and the interval holds for that seed alone.
    """
    runs = {Run.parse(name): table for name, table in counts.items()}
    pairs: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        leak = leak_percent(run.split)
        if leak:
            pairs[leak].append(run)
    rows: list[dict] = []
    for leak, leaky in sorted(pairs.items()):
        arms = _reduce_pairs(runs, leaky, model, subset, metrics, conventions)
        for (name, postprocess), sums in arms.items():
            shared: dict[str, Any] = {
                "model": model,
                "subset": name,
                "postprocess": postprocess,
                "leak": leak,
            }
            shared["folds"] = len({run.fold for run in sums})
            shared["seeds"] = len({run.seed for run in sums})
            rows += [shared | row for row in _difference(sums, resamples, seed)]
    return pd.DataFrame(rows, columns=LEAK_COLUMNS)


def _reduce_pairs(
    runs: Mapping[Run, pd.DataFrame],
    leaky: Sequence[Run],
    model: str,
    subset: str,
    metrics: Sequence[str] | None,
    conventions: Sequence[str] | None,
) -> dict[Cell, dict[Run, tuple[ScoreSums, ScoreSums]]]:
    """Return the sums of each leaky run and of its clean partner, by post-processing."""
    arms: dict[Cell, dict[Run, tuple[ScoreSums, ScoreSums]]] = defaultdict(dict)
    for run in sorted(leaky, key=str):
        partner = Run(CLEAN, run.fold, run.seed)
        if partner not in runs:
            raise LeakageError(f"{model}: run {run} has no partner {partner}; train it, too")
        both = [_chosen(runs[each], subset) for each in (run, partner)]
        _check_pair(both[0], both[1], f"{model}: runs {run} and {partner}")
        reduced = [_sums_of(table, metrics, conventions) for table in both]
        for cell, one in reduced[0].items():
            arms[cell][run] = (one, reduced[1][cell])
    return arms


def _chosen(counts: pd.DataFrame, subset: str) -> pd.DataFrame:
    return counts[counts["subset"] == subset]


def _sums_of(
    counts: pd.DataFrame, metrics: Sequence[str] | None, conventions: Sequence[str] | None
) -> dict[Cell, ScoreSums]:
    return {
        (subset, postprocess): one
        for subset, postprocess, one in count_sums(counts, metrics, conventions)
    }


def _check_pair(leaky: pd.DataFrame, clean: pd.DataFrame, where: str) -> None:
    """Refuse partners whose slices or truth differ: their difference would be no leak."""
    keys = ["patient", "slice", "class", "postprocess"]
    one, other = (
        table.assign(truth=table["tp"] + table["fn"], pixels=table[["fp", "tn"]].sum(axis=1))
        .set_index(keys)[["truth", "pixels"]]
        .sort_index()
        for table in (leaky, clean)
    )
    if one.empty or not one.equals(other):
        raise LeakageError(
            f"{where}: {len(one)} and {len(other)} rows of counts that are not of the same test "
            "slices with the same masks; rebuild both from one data set"
        )


def _difference(
    pairs: Mapping[Run, tuple[ScoreSums, ScoreSums]], resamples: int, seed: int
) -> Iterator[dict]:
    """Compute leaky minus clean in every cell, with its interval."""
    leaky = gather({run: pair[0] for run, pair in pairs.items()})
    clean = gather({run: pair[1] for run, pair in pairs.items()})

    def statistic(weights: np.ndarray) -> np.ndarray:
        return leaky.scores(weights) - clean.scores(weights)

    patients = len(leaky.units)
    values = statistic(np.ones((1, patients)))[0]
    low = high = np.full(len(values), np.nan)
    if patients > 1:
        replicates = replicate(statistic, patients, resamples, seed)
        replicates = values[:, None] + widening(patients) * (replicates - values[:, None])
        runs = {run: pair[0].values() - pair[1].values() for run, pair in pairs.items()}
        bounds = percentile_interval(replicates + seed_errors(runs, resamples, seed))
        # Student's t of few seeds reaches beyond what two scores from 0 to 1 can differ by.
        low, high = np.clip(bounds, -1, 1)
    for index, (class_, metric, convention) in enumerate(leaky.cells):
        defined = not np.isnan(values[index])
        yield {
            "class": class_,
            "metric": metric,
            "convention": convention,
            "difference": values[index],
            "ci_low": low[index] if defined else np.nan,
            "ci_high": high[index] if defined else np.nan,
            "patients": patients,
        }


def seed_errors(differences: Mapping[Run, np.ndarray], resamples: int, seed: int = 0) -> np.ndarray:
    """Draw how far a mean over seeds may lie from that over all seeds there could be.

    Parameters
    ----------
    differences : mapping of Run to ndarray (cell,) of float64
        Leaky minus clean, a run each.
    resamples, seed : int
        How many draws, from which seed.

    Returns
    -------
    ndarray (cell, resamples) of float64
        Errors of the mean over folds and seeds; zeros where no fold has two seeds.

    Notes
    -----
    Of a normal spread that is known from n runs in F folds only, the error of the mean follows
    Student's t with n - F degrees of freedom times sqrt(pooled variance / n). The few patients
    that a run was tested on make part of that variance, so the interval errs to the wide side.
    """
    folds: dict[int, list[np.ndarray]] = defaultdict(list)
    for run, values in differences.items():
        folds[run.fold].append(values)
    degrees = len(differences) - len(folds)
    cells = len(next(iter(differences.values())))
    if not degrees:
        return np.zeros((cells, resamples))
    squares = sum(np.var(runs, axis=0) * len(runs) for runs in folds.values())
    error = np.sqrt(squares / degrees / len(differences))
    # Another stream than that of the patients, drawn from the same seed.
    return error[:, None] * np.random.default_rng([seed, 1]).standard_t(degrees, resamples)


def gather(sums: Mapping[Run, ScoreSums]) -> ScoreSums:
    """Put folds side by side and average seeds within each unit.

    Parameters
    ----------
    sums : mapping of Run to ScoreSums
        Of one model and split, subset and post-processing.

    Returns
    -------
    ScoreSums
        Units are (fold, patient) pairs; the sums of a unit are means over the fold's seeds.

    Raises
    ------
    LeakageError
        Seeds of one fold that were not tested on the same patients.
    """
    folds: dict[int, list[ScoreSums]] = defaultdict(list)
    for run, one in sums.items():
        folds[run.fold].append(one)
    first = next(iter(sums.values()))
    units: list[tuple] = []
    parts: dict[str, list[np.ndarray]] = {"totals": [], "sums": [], "sizes": []}
    for fold, seeds in sorted(folds.items()):
        if len({one.units for one in seeds}) > 1:
            raise LeakageError(f"fold {fold}: the seeds were not tested on the same patients")
        units += [(fold, unit) for unit in seeds[0].units]
        for name, arrays in parts.items():
            arrays.append(np.mean([getattr(one, name) for one in seeds], axis=0))
    merged: dict[str, Any] = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    slices = sum(seeds[0].slices for seeds in folds.values())
    return replace(first, units=tuple(units), slices=slices, **merged)


def spread(
    counts: Mapping[tuple[str, str], pd.DataFrame],
    subset: str = "test",
    split: str = "patient",
    metrics: Sequence[str] | None = None,
    conventions: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Compute how the variance of a score splits into what model, fold and seed contribute.

    A crossed design: score = mean + model + fold + model x fold + seed within them, all random.
    Components follow from the mean squares (analysis of variance, method of moments); one that
    comes out negative is zero. Seed is what a training repeated on the same data moves; fold, what
    other patients move; model x fold, how far the order of models depends on the patients.

    Parameters
    ----------
    counts : mapping of (model, run) to DataFrame
        Counts of every model in every fold with every seed. Runs of other splits are not looked
        at.
    subset, split : str
        Which slices of which split.
    metrics, conventions : sequence of str, optional
        By default all that apply, see `scores.count_sums`.

    Returns
    -------
    DataFrame
        Columns `SPREAD_COLUMNS`; one row a score and a source with at least one degree of freedom:
        the standard deviation (in units of the score) that the source adds, NaN where a score is
        undefined.

    Raises
    ------
    LeakageError
        The grid of models, folds and seeds has holes.
    """
    cells: dict[Cell, dict[tuple[str, int, int], ScoreSums]] = defaultdict(dict)
    for (model, name), table in counts.items():
        run = Run.parse(name)
        if run.split == split:
            reduced = _sums_of(_chosen(table, subset), metrics, conventions)
            for cell, one in reduced.items():
                cells[cell][model, run.fold, run.seed] = one
    rows: list[dict] = []
    for (name, postprocess), sums in cells.items():
        for row in _spread_rows(sums, split):
            rows.append({"subset": name, "postprocess": postprocess} | row)
    return pd.DataFrame(rows, columns=SPREAD_COLUMNS)


def _spread_rows(
    sums: Mapping[tuple[str, int, int], ScoreSums], split: str
) -> Iterator[dict[str, Any]]:
    """Compute how the variance of every cell splits over the grid of models, folds and seeds."""
    models = sorted({model for model, _, _ in sums})
    folds = sorted({fold for _, fold, _ in sums})
    seeds = sorted({seed for _, _, seed in sums})
    grid = list(product(models, folds, seeds))
    missing = [f"{m}/{Run(split, f, s)}" for m, f, s in grid if (m, f, s) not in sums]
    if missing:
        raise LeakageError(f"no counts of {', '.join(missing)}; every model needs every run")
    sizes = {"models": len(models), "folds": len(folds), "seeds": len(seeds)}
    cells = next(iter(sums.values())).cells
    values = np.array([sums[key].values() for key in grid])
    values = values.reshape(*sizes.values(), len(cells))
    for index, (class_, metric, convention) in enumerate(cells):
        cell = {"class": class_, "metric": metric, "convention": convention}
        mean = values[..., index].mean()
        for source, (sd, degrees) in variance_components(values[..., index]).items():
            part = {"source": source, "sd": sd, "degrees_of_freedom": degrees, "mean": mean}
            yield cell | sizes | part


def variance_components(scores: np.ndarray) -> dict[str, tuple[float, int]]:
    """Compute the standard deviation that each source adds to a score.

    Parameters
    ----------
    scores : ndarray (model, fold, seed) of float
        Seeds are repeats: seed 0 of two models has nothing in common.

    Returns
    -------
    dict of str to (float, int)
        ``model``, ``fold``, ``model x fold`` and ``seed``: standard deviation and degrees of
        freedom. A source without degrees of freedom is left out. Without repeats ``model x fold``
        holds the seeds' part as well.

    Notes
    -----
    Expected mean squares of the two-way random model with n repeats (Searle, Casella and
    McCulloch, Variance Components, 1992, ch. 4): E(MS_model) = s2 + n s2_mf + n F s2_model, and
    so on.
    """
    models, folds, seeds = scores.shape
    mean = scores.mean()
    by_model, by_fold = scores.mean(axis=(1, 2)), scores.mean(axis=(0, 2))
    by_both = scores.mean(axis=2)
    interaction = by_both - by_model[:, None] - by_fold[None, :] + mean
    squares = {
        "model": (folds * seeds * ((by_model - mean) ** 2).sum(), models - 1),
        "fold": (models * seeds * ((by_fold - mean) ** 2).sum(), folds - 1),
        "model x fold": (seeds * (interaction**2).sum(), (models - 1) * (folds - 1)),
        "seed": (((scores - by_both[..., None]) ** 2).sum(), models * folds * (seeds - 1)),
    }
    mean_squares = {name: total / degrees for name, (total, degrees) in squares.items() if degrees}
    repeats = mean_squares.get("seed", 0.0)
    # What a main effect's mean square holds besides the effect itself.
    error = mean_squares.get("model x fold", repeats)
    parts = {
        "model": (error, folds * seeds),
        "fold": (error, models * seeds),
        "model x fold": (repeats, seeds),
        "seed": (0.0, 1),
    }
    return {
        name: (
            float(np.sqrt(np.maximum(value - parts[name][0], 0) / parts[name][1])),
            squares[name][1],
        )
        for name, value in mean_squares.items()
    }
