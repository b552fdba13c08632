"""Tables of what happened during training."""

from typing import Any

import numpy as np
import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.study.model import Study
from gliomake.study.targets import Target, TargetSpec
from gliomake.tables.curve import best_epoch, panel_columns

PRINTED = {"NEC": "NEC/NET"}


def epochs(spec: TargetSpec) -> pd.DataFrame:
    """Give the per-epoch table of the BraTS 2020 document in its own columns.

    Every ``every``-th epoch (default 5: 1, 6, 11, ...) and the last one. The document does not say
    how it averages; the options ``dice_convention`` (default ``slice-empty1``) and
    ``precision_convention`` (default ``slice-empty0``, for recall as well) are those under which
    its Dice can be so far above what its precision and recall give.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``history`` of one model.

    Returns
    -------
    DataFrame
        ``epoch train_loss val_loss mean_dice dice_NEC/NET ... recall_ET``.
    """
    history = read_tsv(spec.inputs["history"][spec.models[0]])
    every = spec.options.get("every", 5)
    epoch = history["epoch"]
    rows = history[((epoch - 1) % every == 0) | (epoch == epoch.max())]
    columns = {"epoch": "epoch", "train_loss": "train_loss", "val_loss": "val_loss"}
    for name, (metric, class_, rule) in _scores(spec.study, spec.options).items():
        columns[name] = f"val_{metric}_{class_}@{rule}"
    if absent := [name for name in columns.values() if name not in history]:
        raise KeyError(f"{spec.inputs['history'][spec.models[0]]} has no {', '.join(absent)}")
    return pd.DataFrame({name: rows[source] for name, source in columns.items()}).reset_index(
        drop=True
    )


def column_rules(study: Study, target: Target) -> dict[str, tuple[str, str]]:
    """Name metric and averaging rule of each score in a table of `epochs`.

    Parameters
    ----------
    study : Study
        The study.
    target : Target
        The table.

    Returns
    -------
    dict of str to (str, str)
        By column.
    """
    scores = _scores(study, target.options)
    return {name: (metric, rule) for name, (metric, _, rule) in scores.items()}


def _scores(study: Study, options: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Give metric, class and averaging rule of each column of scores."""
    dice = options.get("dice_convention", "slice-empty1")
    precision = options.get("precision_convention", "slice-empty0")
    found = {"mean_dice": ("dice", "mean", dice)}
    for short, metric, rule in (
        ("dice", "dice", dice),
        ("prec", "precision", precision),
        ("recall", "recall", precision),
    ):
        for name in study.classes:
            found[f"{short}_{PRINTED.get(name, name)}"] = (metric, name, rule)
    return found


def convergence(spec: TargetSpec) -> pd.DataFrame:
    """Say how fast each model converged and how much its validation curve oscillates.

    The validation curve is that of the pooled IoU (option ``metric``) by epoch. *Final* is its
    value at the last epoch. *Epochs to 90 %* is the first epoch at which it reaches 90 % of that
    (option ``share``). *Oscillation* is the mean absolute change from one epoch to the next over
    the second half of the epochs.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``history`` of each model.

    Returns
    -------
    DataFrame
        ``run model epochs final_iou best_iou best_epoch epochs_to_90 oscillation`` and the ranks
        ``rank_speed`` and ``rank_steadiness`` (1 the fastest, the steadiest), in the target's
        order.
    """
    metric, share = spec.options.get("metric", "iou"), spec.options.get("share", 0.9)
    rows = []
    for model, path in spec.inputs["history"].items():
        history = read_tsv(path)
        column = panel_columns(history, metric)["val"]
        rows.append(
            {
                "run": spec.run,
                "model": model,
                "epochs": len(history),
                **convergence_facts(history, column, metric, share),
            }
        )
    table = pd.DataFrame(rows)
    for rank, column in (
        ("rank_speed", f"epochs_to_{share * 100:g}"),
        ("rank_steadiness", "oscillation"),
    ):
        values = pd.to_numeric(table[column])
        table[column] = values
        table[rank] = values.rank(method="min").astype("Int64")
    return table


def convergence_facts(
    history: pd.DataFrame, column: str, metric: str, share: float
) -> dict[str, float | int | None]:
    """Measure one validation curve; see `convergence`.

    Parameters
    ----------
    history : DataFrame
        A ``history.tsv``.
    column : str
        The curve.
    metric : str
        Its name in the result.
    share : float
        Of the final value that counts as converged.

    Returns
    -------
    dict
        ``final_<metric> best_<metric> best_epoch epochs_to_<percent> oscillation``; None where
        the curve is too short or undefined.
    """
    curve = history[column].to_numpy(dtype=float)
    final = curve[-1]
    reached = np.flatnonzero(curve >= share * final)
    first = int(history["epoch"].iloc[reached[0]]) if len(reached) else None
    steps = np.abs(np.diff(curve[len(curve) // 2 :]))
    best = best_epoch(history, {"monitor": column, "mode": "max"})
    return {
        f"final_{metric}": final,
        f"best_{metric}": float(np.nanmax(curve)) if best is not None else None,
        "best_epoch": best,
        f"epochs_to_{share * 100:g}": first,
        "oscillation": float(steps.mean()) if len(steps) else None,
    }
