"""How often a classifier is right."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from gliomake.figures import style
from gliomake.files.tsv import read_tsv
from gliomake.scoring.averaging import score
from gliomake.scoring.metrics import COUNT_COLUMNS
from gliomake.study.names import display_name
from gliomake.study.targets import TargetSpec

CELLS = (("true negatives", "false positives"), ("false negatives", "true positives"))
NAMES = ("no tumour", "tumour")
# Of a class: what its row and its column are called. Without tumour the recall is the specificity.
ROWS = ("specificity", "recall\n(sensitivity)")
COLUMNS = ("negative\npredictive value", "precision")
SHADES = colormaps["Blues"]
FULL = 1.25
"""The share that would have the darkest shade; 1 is lighter."""


def confusion(spec: TargetSpec) -> Figure:
    """Show a classifier's confusion matrix with what follows from its rows and columns.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``counts`` of one classifier.

    Returns
    -------
    Figure
        The 2x2 matrix; beside its rows their totals, specificity and recall; below its columns
        negative predictive value and precision; accuracy in the corner.
    """
    [model] = spec.models
    counts = read_tsv(spec.inputs["counts"][model])
    subset = spec.options.get("subset") or ("test" if "test" in set(counts["subset"]) else "val")
    chosen = counts[(counts["subset"] == subset) & ~counts["postprocess"].astype(bool)]
    tp, fp, fn, tn = (int(chosen[name].sum()) for name in COUNT_COLUMNS)
    tumour = np.array([[tp, fp, fn, tn]])
    healthy = np.array([[tn, fn, fp, tp]])
    matrix = np.array([[tn, fp], [fn, tp]])
    figure = style.new_figure(4.2, 3.5)
    axes = figure.subplots()
    _draw_matrix(axes, matrix)
    for number, one in enumerate((healthy, tumour)):
        _beside(axes, 1.6, number, f"{ROWS[number]}\n{_percent(one, 'recall')}", "left", "center")
        below = f"{COLUMNS[number]}\n{_percent(one, 'precision')}"
        _beside(axes, number, 1.6, below, "center", "top")
    corner = _beside(axes, 1.6, 1.6, f"accuracy\n{_percent(tumour, 'accuracy')}", "left", "top")
    corner.set_fontweight("bold")
    axes.set_xticks([0, 1], NAMES)
    rows = [f"{name}\n(n = {n})" for name, n in zip(NAMES, matrix.sum(axis=1), strict=True)]
    axes.set_yticks([0, 1], rows, rotation=90, va="center", multialignment="center")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    where = f"{style.SUBSETS[subset]} set: {len(chosen)} images"
    figure.suptitle(f"{display_name(model)}, {where}", fontsize=8)
    return figure


def _draw_matrix(axes: Axes, matrix: np.ndarray) -> None:
    """Draw the four counts, shaded by their share of the row."""
    rows = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(rows, cmap=SHADES, vmin=0, vmax=FULL)
    for (row, column), share in np.ndenumerate(rows):
        colour = style.text_colour(SHADES(share / FULL))
        for down, text, size in ((0, f"{matrix[row, column]}", 13), (0.25, CELLS[row][column], 7)):
            axes.text(column, row + down, text, ha="center", va="center", fontsize=size,
                      color=colour)  # fmt: skip


def _beside(axes: Axes, x: float, y: float, text: str, ha: str, va: str) -> Text:
    return axes.text(x, y, text, ha=ha, va=va, linespacing=1.15)


def _percent(counts: np.ndarray, metric: str) -> str:
    return style.percent(score(counts, metric, "image")[0], 1)
