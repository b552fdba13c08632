"""Charts of predicted probabilities: ROC, precision-recall, reliability."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gliomake.report.charts import LEFT, SIDE, TOP, Chart, Mark, dot, framed, line, path, square
from gliomake.report.inputs import records
from gliomake.scoring.calibration import BINS
from gliomake.scoring.curves import precision_recall, roc

FEW = 20
"""Of fewer pixels or images the dot of a bin is grey."""
ACROSS, UP = square()


def roc_chart(model: str, rows: pd.DataFrame, told: str) -> Chart:
    """Draw a classifier's ROC curve.

    Parameters
    ----------
    model : str
        The model.
    rows : DataFrame
        Of one subset of its counts, of both classes.
    told : str
        The area, as the table prints it.

    Returns
    -------
    Chart
        The curve, and the diagonal of a model that knows nothing.
    """
    marks = [_diagonal("no better than chance"), path(_placed(*roc(rows)))]
    title = f"{model}: ROC curve, area {told}"
    return _chart(f"roc-{model}", title, "1 - specificity", "recall", marks)


def precision_recall_chart(model: str, rows: pd.DataFrame, told: str) -> Chart:
    """Draw a classifier's precision-recall curve, in steps: nothing lies between two thresholds.

    Parameters
    ----------
    model : str
        The model.
    rows : DataFrame
        Of one subset of its counts, of both classes.
    told : str
        The average precision, as the table prints it.

    Returns
    -------
    Chart
        The curve, and the precision of a model that calls every image.
    """
    recall, precision = precision_recall(rows)
    share = UP.at(rows["positive"].sum() / (rows["negative"] + rows["positive"]).sum())
    steps = path(_placed(np.append(0, np.repeat(recall, 2)[:-1]), np.repeat(precision, 2)))
    marks = [line(LEFT, share, LEFT + SIDE, share, "zero", "share of images with tumour"), steps]
    title = f"{model}: precision and recall, average precision {told}"
    return _chart(f"precision-{model}", title, "recall", "precision", marks)


def reliability_chart(model: str, name: str, what: str, bins: pd.DataFrame, told: str) -> Chart:
    """Draw how often what was predicted came true.

    Parameters
    ----------
    model, name : str
        The model and the class.
    what : str
        What was counted: ``pixels`` or ``images``.
    bins : DataFrame
        Of `gliomake.scoring.curves.reliability`.
    told : str
        The calibration error, as the table prints it.

    Returns
    -------
    Chart
        A dot a bin, grey where it holds fewer than `FEW`, and the diagonal of right probabilities.
    """
    dots, places = [], []
    for row in records(bins):
        words = f"{bin_words(row['bin'])}: {row['n']:,} {what}, predicted {row['predicted']:.3f}"
        places.append((ACROSS.at(row["predicted"]), UP.at(row["observed"])))
        faint = "faint" if row["n"] < FEW else ""
        dots.append(dot(*places[-1], 3, faint, f"{words}, observed {row['observed']:.3f}"))
    marks = [_diagonal("probabilities that are right"), path(places), *dots]
    title = f"{model}, {name}: reliability, expected calibration error {told}"
    up = f"share of {what} with {name}"
    return _chart(f"reliability-{model}-{name}", title, "mean predicted probability", up, marks)


def bin_words(number: int) -> str:
    """Name a bin by its edges.

    >>> bin_words(3)
    '0.3 to 0.4'
    """
    return f"{number / BINS:.1f} to {(number + 1) / BINS:.1f}"


def _placed(x: np.ndarray, y: np.ndarray) -> Iterable[tuple[float, float]]:
    """Place points; half pixels are enough, and keep a curve of 15 000 thresholds small."""
    for one, other in zip(x, y, strict=True):
        yield round(2 * ACROSS.at(one)) / 2, round(2 * UP.at(other)) / 2


def _diagonal(words: str) -> Mark:
    return line(LEFT, TOP + SIDE, LEFT + SIDE, TOP, "zero", words)


def _chart(id_: str, title: str, x: str, y: str, marks: list[Mark]) -> Chart:
    ticks = [{axis.at(tick): f"{tick:g}" for tick in (0, 0.5, 1)} for axis in (ACROSS, UP)]
    words = f"{title}. Across: {x}; up: {y}."
    return framed(id_, title, words, (x, y), ticks, marks)
