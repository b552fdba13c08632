"""What a data set's index says, and how often a classifier is right."""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gliomake.datasets.spec import class_colour
from gliomake.figures import style
from gliomake.files.tsv import read_tsv
from gliomake.prepare.split import tumour_columns
from gliomake.scoring.averaging import score
from gliomake.scoring.metrics import COUNT_COLUMNS
from gliomake.study.targets import TargetSpec

CELLS = (("true negatives", "false positives"), ("false negatives", "true positives"))


def slice_imbalance(spec: TargetSpec) -> Figure:
    """Show how many slices hold tumour, and at which height of the head.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``slices``.

    Returns
    -------
    Figure
        (a) slices without and with tumour, and with each class; (b) share of the patients with
        tumour, by slice number.
    """
    slices = read_tsv(spec.inputs["slices"])
    classes = tumour_columns(slices)
    any_class = (slices[classes] > 0).any(axis=1)
    figure = style.new_figure(style.DOUBLE, 2.3)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
    bars = [
        ("no tumour", int((~any_class).sum()), style.FAINT),
        ("tumour", int(any_class.sum()), style.BLUE),
    ]
    if len(classes) > 1:
        bars += [(f"with {name}", int((slices[name] > 0).sum()), style.SKY) for name in classes]
    names, counts, colours = zip(*bars, strict=True)
    left.barh(names, counts, color=colours, height=0.7)
    for number, count in enumerate(counts):
        left.text(
            count,
            number,
            f" {count:,} ({count / len(slices):.0%})".replace(",", "\u2009"),
            va="center",
            fontsize=7.5,
        )
    left.invert_yaxis()
    left.set_xlim(0, max(counts) * 1.45)
    left.set_xlabel("slices")
    left.tick_params(axis="y", length=0)
    share = any_class.groupby(slices["slice"]).mean() * 100
    right.fill_between(share.index, share, step="mid", color=style.BLUE, alpha=0.25, linewidth=0)
    right.step(share.index, share, where="mid", color=style.BLUE, linewidth=1)
    right.set_xlabel("axial slice number")
    right.set_ylabel("volumes with tumour (%)")
    right.set_ylim(0, 100)
    right.set_xlim(share.index.min(), share.index.max())
    style.panel_label(left, "a")
    style.panel_label(right, "b")
    return figure


def pixel_imbalance(spec: TargetSpec) -> Figure:
    """Show how small a part of a slice each class is.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``slices``.

    Returns
    -------
    Figure
        (a) share of all pixels, on a logarithmic axis; (b) distribution of the share within the
        slices that hold the class, with its median.
    """
    slices = read_tsv(spec.inputs["slices"])
    classes = tumour_columns(slices)
    area = slices["height"] * slices["width"]
    total = {name: slices[name].sum() / area.sum() * 100 for name in classes}
    background = 100 - sum(total.values())
    figure = style.new_figure(style.DOUBLE, 2.3)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.4))
    names = ["background", *classes]
    shares = [background, *total.values()]
    colours = [style.FAINT, *(class_colour(spec.study.data, name) for name in classes)]
    left.barh(names, shares, color=colours, height=0.7, edgecolor=style.GREY, linewidth=0.4)
    left.set_xscale("log")
    left.set_xlim(min(max(min(shares), 1e-3) / 3, 0.1), 2500)
    left.set_xticks(
        [tick for tick in (0.01, 0.1, 1, 10, 100) if tick >= left.get_xlim()[0]],
        [f"{tick:g}" for tick in (0.01, 0.1, 1, 10, 100) if tick >= left.get_xlim()[0]],
    )
    for number, share in enumerate(shares):
        left.text(share, number, f" {share:.3g} %", va="center", fontsize=7.5)
    left.invert_yaxis()
    left.tick_params(axis="y", length=0)
    left.set_xlabel("share of all pixels (%)")
    shares_of = {name: slices[name] / area * 100 for name in classes}
    _share_distribution(right, shares_of, dict(zip(classes, colours[1:], strict=True)))
    style.panel_label(left, "a")
    style.panel_label(right, "b")
    return figure


def _share_distribution(axes: Axes, shares: dict[str, pd.Series], colours: dict[str, str]) -> None:
    found = {name: share[share > 0] for name, share in shares.items() if (share > 0).any()}
    low = min((share.min() for share in found.values()), default=0.01)
    bins = np.geomspace(max(low, 1e-3) * 0.9, 100, 36)
    dashes = ("solid", (0, (4, 1.5)), (0, (1, 1)))
    for (name, share), dash in zip(found.items(), cycle(dashes), strict=False):
        heights = np.histogram(share.clip(lower=bins[0]), bins)[0] / len(share) * 100
        colour = colours[name]
        # Yellow lines need a darker stand-in on white.
        colour = style.ORANGE if colour == style.YELLOW else colour
        label = f"{name} ({len(share)} slices, median {share.median():.2g} %)"
        axes.stairs(heights, bins, color=colour, linewidth=1.2, linestyle=dash, label=label)
        axes.axvline(share.median(), ymax=0.55, color=colour, linewidth=0.6, linestyle=dash)
    axes.set_xscale("log")
    ticks = [tick for tick in (0.001, 0.01, 0.1, 1, 10, 100) if tick >= bins[0]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlim(bins[0], 100)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.75)
    axes.set_xlabel("share of the slice, where the class is there (%)")
    axes.set_ylabel("slices (%)")
    axes.legend(loc="upper left")


def histogram(spec: TargetSpec) -> Figure:
    """Show the distribution of one number of each patient, such as age or survival.

    Options: ``column`` of ``cases.tsv``, ``label``, ``unit``, ``bin`` (width, in the unit), and
    ``censored`` (a column that is 1 where the number is only a lower bound). Where the data set
    came without these numbers the panel says so.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``cases``.

    Returns
    -------
    Figure
        One panel.
    """
    options = spec.options
    cases = read_tsv(spec.inputs["cases"])
    figure = style.new_figure(style.SINGLE, 2.3)
    axes = figure.subplots()
    column = cases.get(options["column"], pd.Series(dtype=float))
    numbers = pd.to_numeric(column, errors="coerce").dropna()
    if numbers.empty:
        return _not_available(figure, axes, options["label"])
    width = options["bin"]
    bins = np.arange(np.floor(numbers.min() / width), np.ceil(numbers.max() / width) + 1.5) * width
    censored = pd.Series(False, index=numbers.index)
    if options.get("censored") in cases:
        flags = pd.to_numeric(cases[options["censored"]], errors="coerce")
        censored = flags.loc[numbers.index].fillna(0) > 0
    groups = [numbers[~censored], numbers[censored]]
    bars: Any = axes.hist(
        groups,
        bins=list(bins),
        stacked=True,
        color=[style.BLUE, "white"],
        edgecolor=style.BLUE,
        linewidth=0.6,
    )[2]
    if censored.any():
        for bar in bars[1]:
            bar.set_hatch("//////")
        labels = ["died", f"alive when last seen ({int(censored.sum())})"]
        figure.legend(bars, labels, loc="outside lower center", ncols=2)
    median = numbers[~censored].median()
    axes.axvline(median, color=style.VERMILION, linewidth=0.9)
    # On the side of the line with more room.
    left = 2 * median > sum(axes.get_xlim())
    whose = "\nof those who died" if censored.any() else ""
    axes.annotate(
        f"median {median:.0f}{whose}",
        (median, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, 0),
        textcoords="offset points",
        fontsize=7.5,
        ha="right" if left else "left",
        va="top",
        color=style.VERMILION,
    )
    axes.set_ylim(0, axes.get_ylim()[1] * 1.35)
    axes.set_xlabel(f"{options['label']} ({options['unit']})")
    axes.set_ylabel("patients")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    missing = len(cases) - len(numbers)
    rest = f", {missing} not recorded" if missing else ""
    axes.set_title(f"n = {len(numbers)}{rest}")
    return figure


def _not_available(figure: Figure, axes: Axes, label: str) -> Figure:
    axes.text(
        0.5,
        0.5,
        f"{label}: not available\n(survival_info.csv is not with this data set)",
        ha="center",
        va="center",
        transform=axes.transAxes,
        color=style.GREY,
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(style.FAINT)
    return figure


def confusion(spec: TargetSpec) -> Figure:
    """Show a classifier's confusion matrix with precision and recall of each class.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``counts`` of one classifier.

    Returns
    -------
    Figure
        The 2x2 matrix; recall beside its rows, precision below its columns, accuracy in the corner.
    """
    [model] = spec.models
    counts = read_tsv(spec.inputs["counts"][model])
    subset = spec.options.get("subset") or ("test" if "test" in set(counts["subset"]) else "val")
    chosen = counts[(counts["subset"] == subset) & ~counts["postprocess"].astype(bool)]
    tp, fp, fn, tn = (int(chosen[name].sum()) for name in COUNT_COLUMNS)
    tumour = np.array([[tp, fp, fn, tn]])
    healthy = np.array([[tn, fn, fp, tp]])
    matrix = np.array([[tn, fp], [fn, tp]])
    figure = style.new_figure(style.SINGLE, 3.3)
    axes = figure.subplots()
    _draw_matrix(axes, matrix)
    names = ("no tumour", "tumour")
    for number, one in enumerate((healthy, tumour)):
        axes.text(
            1.58,
            number,
            f"recall\n{_percent(score(one, 'recall', 'image')[0])}",
            va="center",
            ha="left",
        )
        axes.text(
            number,
            1.62,
            f"precision\n{_percent(score(one, 'precision', 'image')[0])}",
            va="top",
            ha="center",
        )
    axes.text(
        1.58,
        1.62,
        f"accuracy\n{_percent(score(tumour, 'accuracy', 'image')[0])}",
        va="top",
        ha="left",
        fontweight="bold",
    )
    axes.set_xticks([0, 1], names)
    axes.set_yticks([0, 1], names, rotation=90, va="center")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.suptitle(f"{model}, {style.SUBSETS[subset]} set: {len(chosen)} images", fontsize=8)
    return figure


def _draw_matrix(axes: Axes, matrix: np.ndarray) -> None:
    """Draw the four counts, shaded by their share of the row."""
    rows = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(rows, cmap="Blues", vmin=0, vmax=1.25)
    for row in range(2):
        for column in range(2):
            dark = rows[row, column] > 0.75
            axes.text(
                column,
                row,
                f"{matrix[row, column]}",
                ha="center",
                va="center",
                fontsize=13,
                color="white" if dark else "black",
            )
            axes.text(
                column,
                row + 0.24,
                CELLS[row][column],
                ha="center",
                va="center",
                fontsize=7,
                color="white" if dark else style.GREY,
            )


def _percent(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{value:.1%}"
