"""What a training reports after each epoch: one row, and the grammar of its columns.

A score's column is ``<subset>_<metric>_<class>@<convention>``, for example
``val_dice_NEC@pooled``; with several classes ``mean`` stands for the mean over them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gliomake.files.atomic import durable_path
from gliomake.scoring.averaging import score
from gliomake.scoring.metrics import COUNT_METRICS, tversky_name
from gliomake.study.blocks import Loss

FIRST_COLUMNS = ("epoch", "learning_rate", "seconds", "train_loss", "val_loss")
SEGMENTATION = {"train": ("pooled",), "val": ("pooled", "slice-empty1", "slice-empty0")}
CLASSIFICATION = {"train": ("image",), "val": ("image",)}


def score_metrics(task: str, loss: Loss) -> tuple[str, ...]:
    """Return the metrics of a training's history.

    Parameters
    ----------
    task : str
        ``segmentation`` or ``classification``.
    loss : Loss
        The ``loss`` block; a Tversky loss adds the Tversky index of its alpha and beta.

    Returns
    -------
    tuple of str
        Names as in `gliomake.scoring.metrics`.

    Examples
    --------
    >>> score_metrics("classification", {"name": "cross-entropy"})
    ('accuracy', 'precision', 'recall')
    >>> score_metrics("segmentation", {"name": "tversky", "alpha": 0.3, "beta": 0.7})[-1]
    'tversky-a0.3-b0.7'
    """
    places = {name: m.history[task] for name, m in COUNT_METRICS.items() if task in m.history}
    tversky = [tversky_name(loss["alpha"], loss["beta"])] if "tversky" in loss["name"] else []
    return (*sorted(places, key=places.__getitem__), *tversky)


def history_columns(classes: Sequence[str], task: str, loss: Loss) -> list[str]:
    """Return the columns of a training's history, in order.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes.
    task : str
        ``segmentation`` or ``classification``.
    loss : Loss
        The ``loss`` block.

    Returns
    -------
    list of str
        The header of ``history.tsv``; what `best`, `schedule` and `early_stopping` can watch.

    Examples
    --------
    >>> history_columns(["tumour"], "classification", {"name": "cross-entropy"})[:6]
    ['epoch', 'learning_rate', 'seconds', 'train_loss', 'val_loss', 'train_accuracy_tumour@image']
    """
    names = [*classes, *(["mean"] if len(classes) > 1 else [])]
    conventions = CLASSIFICATION if task == "classification" else SEGMENTATION
    scores = [
        f"{subset}_{metric}_{name}@{convention}"
        for subset in ("train", "val")
        for metric in score_metrics(task, loss)
        for convention in conventions[subset]
        for name in names
    ]
    return [*FIRST_COLUMNS, *scores]


def epoch_scores(
    subset: str, counts: np.ndarray, classes: Sequence[str], task: str, loss: Loss
) -> dict[str, float]:
    """Compute the scores of one epoch.

    Parameters
    ----------
    subset : str
        ``train`` or ``val``.
    counts : ndarray (slice, class, 4), int
        True positives, false positives, false negatives, true negatives; one row of sums
        will do for `train`, which is scored pooled only.
    classes : sequence of str
        Names of the classes.
    task : str
        ``segmentation`` or ``classification``.
    loss : Loss
        The ``loss`` block.

    Returns
    -------
    dict of str to float
        By column; NaN where a score is not defined.
    """
    conventions = (CLASSIFICATION if task == "classification" else SEGMENTATION)[subset]
    scores: dict[str, float] = {}
    for metric in score_metrics(task, loss):
        for convention in conventions:
            values = {
                name: score(counts[:, index], metric, convention)[0]
                for index, name in enumerate(classes)
            }
            if len(values) > 1:
                values["mean"] = float(np.mean(list(values.values())))
            for name, value in values.items():
                scores[f"{subset}_{metric}_{name}@{convention}"] = float(value)
    return scores


def write_history(rows: Sequence[Mapping[str, float]], path: str | Path) -> None:
    """Write the history anew, so that a reader finds it whole at any moment.

    Parameters
    ----------
    rows : sequence of mapping
        One an epoch, all with the same columns.
    path : str or Path
        ``history.tsv``. An undefined score is an empty cell.
    """
    lines = ["\t".join(rows[0])] if rows else []
    lines += ["\t".join(_cell(value) for value in row.values()) for row in rows]
    with durable_path(path) as partial:
        partial.write_text("".join(f"{line}\n" for line in lines))


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.10g}"
