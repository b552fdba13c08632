"""Diagrams of ideas: what a coefficient measures, how two stages work together."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

from gliomake.figures import style
from gliomake.scoring.averaging import element_scores
from gliomake.scoring.registry import METRICS
from gliomake.study.names import display_name
from gliomake.study.targets import TargetSpec

DRAWN = ("dice", "iou")
# Where truth and prediction agree.
BOTH = style.GREEN


def metric_definition(spec: TargetSpec) -> Figure:
    """Show what the Dice coefficient or the IoU measures, with a worked example.

    Parameters
    ----------
    spec : TargetSpec
        Option ``metric``: ``dice`` or ``iou``.

    Returns
    -------
    Figure
        (a) the formula in sets; (b) two masks on a pixel grid and their score; (c) how Dice and
        IoU go together, with the example marked.

    Raises
    ------
    ValueError
        Another metric.
    """
    metric = spec.options["metric"]
    if metric not in DRAWN:
        raise ValueError(f"metric-definition of {metric!r}: expected dice or iou")
    figure = style.new_figure(style.DOUBLE, 2.55)
    figure.get_layout_engine().set(wspace=0.05)  # type: ignore[union-attr, call-arg]
    sets, example, relation = figure.subplots(1, 3, width_ratios=(1.25, 1.2, 0.95))
    _draw_sets(sets, metric)
    counts = _draw_example(example, metric)
    _draw_relation(relation, metric, counts)
    for letter, axes in zip("abc", (sets, example, relation), strict=True):
        # At the top of their cells, so that the letters stand in a line.
        axes.set_anchor("N")
        style.panel_label(axes, letter)
    return figure


def _draw_sets(axes: Axes, metric: str) -> None:
    axes.set_xlim(0, 4)
    axes.set_ylim(0, 3.4)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.plot([1.05, 3.75], [1.7, 1.7], color="black", linewidth=0.9)
    axes.text(0.02, 1.7, f"{METRICS[metric].title} =", va="center", fontsize=9)
    if metric == "dice":
        axes.text(1.42, 2.6, f"2 {style.TIMES}", va="center", ha="right", fontsize=9)
    _venn(axes, 2.4, 2.6, fill="intersection")
    if metric == "dice":
        axes.add_patch(Circle((1.65, 0.95), 0.5, facecolor=style.TRUTH, edgecolor="none"))
        axes.text(2.4, 0.95, "+", ha="center", va="center", fontsize=10)
        axes.add_patch(Circle((3.15, 0.95), 0.5, facecolor=style.PREDICTION, edgecolor="none"))
        axes.text(1.65, 0.95, "truth", ha="center", va="center", fontsize=7)
        axes.text(3.15, 0.95, "predicted", ha="center", va="center", fontsize=7)
        below = "2 TP / (2 TP + FP + FN)"
    else:
        _venn(axes, 2.4, 0.95, fill="union")
        below = "TP / (TP + FP + FN)"
    axes.text(2.4, 0.12, below, ha="center", va="center", fontsize=8)


def _venn(axes: Axes, x: float, y: float, fill: str) -> None:
    """Two circles, their intersection or their union filled."""
    radius, half = 0.5, 0.26
    left, right = (x - half, y), (x + half, y)
    if fill == "union":
        for centre in (left, right):
            axes.add_patch(Circle(centre, radius, facecolor=BOTH, edgecolor="none"))
    else:
        angle = np.arccos(half / radius)
        arc = np.linspace(-angle, angle, 40)
        one = np.column_stack([left[0] + radius * np.cos(arc), y + radius * np.sin(arc)])
        other = np.column_stack([right[0] - radius * np.cos(arc), y - radius * np.sin(arc)])
        axes.add_patch(Polygon(np.vstack([one, other]), facecolor=BOTH, edgecolor="none"))
    axes.add_patch(Circle(left, radius, fill=False, edgecolor=style.TRUTH, linewidth=1.6))
    axes.add_patch(Circle(right, radius, fill=False, edgecolor=style.PREDICTION, linewidth=1.6))
    axes.text(x - half - radius - 0.06, y + 0.36, "truth", ha="right", fontsize=7)
    axes.text(x + half + radius + 0.06, y + 0.36, "predicted", ha="left", fontsize=7)


def example_masks() -> tuple[np.ndarray, np.ndarray]:
    """Give the truth and the prediction of the worked example.

    Returns
    -------
    truth, prediction : ndarray (8, 10) of bool
        20 and 18 pixels, 14 of them shared.
    """
    truth, prediction = np.zeros((2, 8, 10), bool)
    truth[2:6, 1:6] = True
    prediction[2:5, 1:6] = True
    prediction[2, 1] = False
    prediction[1, 3:7] = True
    return truth, prediction


def _draw_example(axes: Axes, metric: str) -> np.ndarray:
    truth, prediction = example_masks()
    tp, fp = int((truth & prediction).sum()), int((prediction & ~truth).sum())
    fn = int((truth & ~prediction).sum())
    counts = np.array([tp, fp, fn, truth.size - tp - fp - fn])
    for (row, column), inside in np.ndenumerate(truth):
        predicted = prediction[row, column]
        colour = {
            (True, True): BOTH,
            (True, False): style.TRUTH,
            (False, True): style.PREDICTION,
            (False, False): "#F5F5F5",
        }[(bool(inside), bool(predicted))]
        axes.add_patch(
            Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.6)
        )
    axes.set_xlim(0, 10)
    axes.set_ylim(11, 0)
    axes.set_aspect("equal")
    axes.axis("off")
    for x, text, colour in (
        (0.2, f"TP {tp}", BOTH),
        (3.6, f"FP {fp}", style.PREDICTION),
        (7.0, f"FN {fn}", style.TRUTH),
    ):
        axes.add_patch(Rectangle((x, 8.4), 0.8, 0.8, facecolor=colour))
        axes.text(x + 1.1, 8.8, text, va="center", fontsize=7.5)
    value = float(element_scores(counts, metric))
    formula = (
        f"2·{tp} / (2·{tp} + {fp} + {fn})" if metric == "dice" else f"{tp} / ({tp} + {fp} + {fn})"
    )
    axes.text(
        5, 10.4, f"{METRICS[metric].title} = {formula} = {value:.3f}", ha="center", va="center"
    )
    return counts


def _draw_relation(axes: Axes, metric: str, counts: np.ndarray) -> None:
    overlap = np.arange(0, 1001)
    rest = 1000 - overlap
    table = np.stack([overlap, rest, np.zeros_like(rest), np.zeros_like(rest)], axis=-1)
    dice, iou = element_scores(table, "dice"), element_scores(table, "iou")
    axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.8)
    axes.plot(iou, dice, color=style.BLACK)
    at = float(element_scores(counts, "iou")), float(element_scores(counts, "dice"))
    axes.plot(*at, marker="o", color=BOTH, markersize=5)
    axes.annotate(
        f"example:\nIoU {at[0]:.3f}\nDice {at[1]:.3f}",
        at,
        xytext=(6, -6),
        textcoords="offset points",
        va="top",
        fontsize=7,
    )
    axes.text(0.06, 0.97, "Dice = 2 IoU / (1 + IoU)", fontsize=7, va="top")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("IoU")
    axes.set_ylabel("Dice")


def system(spec: TargetSpec) -> Figure:
    """Draw the two-stage system: a classifier as the gate, then the segmenters.

    Parameters
    ----------
    spec : TargetSpec
        ``models`` are the segmenters; classifier and threshold come from the study's ``gate``.

    Returns
    -------
    Figure
        One diagram.
    """
    gate = spec.study.gate
    assert gate, "a target of this kind is rejected in a study without a classifier as gate"
    size = spec.study.preprocess.image_size
    count = len(spec.models)
    figure = style.new_figure(style.DOUBLE, 2.5)
    axes = figure.subplots()
    axes.set_xlim(0, 7.2)
    axes.set_ylim(0.1, 2.65)
    axes.axis("off")
    main, spare = 1.6, 0.4
    _box(axes, 0.62, main, f"MRI slice\n{size} {style.TIMES} {size}", 1.05)
    _box(axes, 2.12, main, f"{display_name(gate.classifier)}\nP(no tumour)", 1.35, fill="#E3EEF6")
    diamond = [(3.42, main), (3.97, main + 0.42), (4.52, main), (3.97, main - 0.42)]
    axes.add_patch(Polygon(diamond, facecolor="#FBEFD9", edgecolor="black", linewidth=0.7))
    axes.text(3.97, main, f"≥ {gate.threshold:g}?", ha="center", va="center")
    _box(axes, 3.97, spare, "skipped:\nempty mask", 1.15, fill="#EEEEEE")
    _arrow(axes, (1.15, main), (1.44, main))
    _arrow(axes, (2.8, main), (3.42, main))
    _arrow(axes, (3.97, main - 0.42), (3.97, spare + 0.24))
    axes.text(4.04, (main - 0.42 + spare + 0.24) / 2, "yes: no tumour", fontsize=7.5, va="center")
    axes.text(4.6, main + 0.06, "no", fontsize=7.5, va="bottom", ha="left")
    heights = np.linspace(2.1, 1.1, count) if count > 1 else np.array([main])
    tall = min(0.4, 0.8 * (heights[0] - heights[1])) if count > 1 else 0.4
    for model, height in zip(spec.models, heights, strict=True):
        _box(axes, 5.55, float(height), display_name(model), 1.0, tall=tall, fill="#DDF0E7")
    if count > 1:
        # Alternatives: one of them runs, and its mask is the mask.
        top, bottom = float(heights[0]) + tall / 2, float(heights[-1]) - tall / 2
        for x, inward in ((4.96, 1), (6.14, -1)):
            ends = [x + 0.06 * inward, x, x, x + 0.06 * inward]
            axes.plot(ends, [top, top, bottom, bottom], color="black", linewidth=0.8)
        axes.text(5.55, bottom - 0.06, "one of these", ha="center", va="top", fontsize=7.5)
    edge = (4.96, 6.14) if count > 1 else (5.05, 6.05)
    _arrow(axes, (4.52, main), (edge[0], main))
    _arrow(axes, (edge[1], main), (6.39, main))
    _box(axes, 6.75, main, "tumour\nmask", 0.72, fill="#DDF0E7")
    for x, text in ((2.7, "stage 1: is there a tumour?"), (5.75, "stage 2: where is it?")):
        axes.text(x, 2.62, text, ha="center", va="top", color=style.GREY, fontsize=7.5)
    return figure


def _box(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    wide: float,
    *,
    tall: float = 0.48,
    fill: str = "white",
) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - tall / 2),
            wide,
            tall,
            facecolor=fill,
            boxstyle="round,pad=0,rounding_size=0.06",
            edgecolor="black",
            linewidth=0.7,
        )
    )
    axes.text(x, y, text, ha="center", va="center", linespacing=1.15)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    look: dict[str, Any] = {
        "arrowstyle": "-|>,head_length=0.3,head_width=0.15",
        "color": "black",
        "linewidth": 0.8,
        "shrinkA": 0,
        "shrinkB": 1,
    }
    axes.annotate("", end, start, arrowprops=look)
