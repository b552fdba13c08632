"""What a data set's index says."""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from gliomake.datasets.spec import class_colour
from gliomake.figures import style
from gliomake.files.tsv import read_tsv
from gliomake.prepare.split import tumour_columns
from gliomake.study.targets import TargetSpec


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
            f" {count:,} ({style.percent(count / len(slices))})".replace(",", "\u2009"),
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
    heads = slices["patient"].nunique()
    figure.suptitle(
        f"{len(slices):,} slices of {heads} patients".replace(",", "\u2009"), fontsize=8
    )
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
        (a) share of all pixels: dots, as a length has no meaning on a logarithmic axis; (b)
        distribution of the share within the slices that hold the class, with its median.
    """
    slices = read_tsv(spec.inputs["slices"])
    classes = tumour_columns(slices)
    area = slices["height"] * slices["width"]
    total = {name: slices[name].sum() / area.sum() * 100 for name in classes}
    colours = {name: class_colour(spec.study.data, name) for name in classes}
    figure = style.new_figure(style.DOUBLE, 2.5)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    shares = {"background": 100 - sum(total.values()), **total}
    low = min(0.01, 10 ** np.floor(np.log10(max(min(shares.values()), 1e-6))))
    for number, (name, share) in enumerate(shares.items()):
        left.axhline(number, color=style.FAINT, linewidth=0.6, zorder=0)
        colour = colours.get(name, style.FAINT)
        left.plot(max(share, low), number, "o", color=colour, markersize=6,
                  markeredgecolor=style.GREY, markeredgewidth=0.6, clip_on=False)  # fmt: skip
        above = share > 10
        left.annotate(f"{share:.3g} %", (max(share, low), number), xytext=(-6 if above else 6, 3),
                      textcoords="offset points", ha="right" if above else "left",
                      fontsize=7.5)  # fmt: skip
    _log_axis(left, low)
    left.set_yticks(range(len(shares)), list(shares))
    left.set_ylim(len(shares) - 0.4, -0.6)
    left.tick_params(axis="y", length=0)
    left.set_xlabel("share of all pixels (%)")
    _share_distribution(right, {name: slices[name] / area * 100 for name in classes}, colours)
    style.panel_label(left, "a")
    style.panel_label(right, "b")
    figure.suptitle(f"{len(slices):,} slices".replace(",", "\u2009"), fontsize=8)
    return figure


def _log_axis(axes: Axes, low: float) -> None:
    """Make an axis of percentages logarithmic, from a power of ten to 100."""
    axes.set_xscale("log")
    ticks = [tick for tick in (1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 1, 10, 100) if tick >= low]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlim(low, 100)


def _share_distribution(axes: Axes, shares: dict[str, pd.Series], colours: dict[str, str]) -> None:
    found = {name: share[share > 0] for name, share in shares.items() if (share > 0).any()}
    low = min((share.min() for share in found.values()), default=0.01)
    bins = np.geomspace(max(low, 1e-3) * 0.9, 100, 25)
    dashes = ("solid", (0, (4, 1.5)), (0, (1, 1)))
    # A class has its colour here too; the edge lets a light one be seen on paper.
    edge = [withStroke(linewidth=2.4, foreground=style.GREY)]
    for (name, share), dash in zip(found.items(), cycle(dashes), strict=False):
        heights = np.histogram(share.clip(lower=bins[0]), bins)[0] / len(share) * 100
        label = f"{name} ({len(share)} slices, median {share.median():.2g} %)"
        look: Any = {"color": colours[name], "linestyle": dash}
        if style.contrast(colours[name], "white") < 1.6:
            look["path_effects"] = edge
        axes.stairs(heights, bins, linewidth=1.3, label=label, **look)
        axes.axvline(share.median(), ymax=0.55, linewidth=0.8, **look)
    _log_axis(axes, bins[0])
    axes.set_ylim(0, axes.get_ylim()[1] * 1.75)
    axes.set_xlabel("share of the slice, where the class is there (%)")
    axes.set_ylabel("slices (%)")
    axes.legend(loc="upper left")


def histogram(spec: TargetSpec) -> Figure:
    """Show the distribution of one number of each patient, such as the age.

    Options: ``column`` of ``cases.tsv``, ``label``, ``unit``, and ``bin`` (width, in the unit).
    Where the data set came without these numbers the panel says so.

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
        return not_available(figure, axes, options["label"])
    width = options["bin"]
    first = np.floor(numbers.min() / width)
    bins = np.arange(first, max(np.ceil(numbers.max() / width), first + 1) + 0.5) * width
    axes.hist(numbers, bins=list(bins), color=style.BLUE, edgecolor="white", linewidth=1)
    median = numbers.median()
    axes.axvline(median, color=style.VERMILION, linewidth=0.9)
    # On the side of the line with more room.
    left = 2 * median > sum(axes.get_xlim())
    axes.annotate(
        f"median {median:.0f}",
        (median, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, 0),
        textcoords="offset points",
        fontsize=7.5,
        ha="right" if left else "left",
        va="top",
        color=style.VERMILION,
    )
    axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
    axes.set_xlabel(f"{options['label']} ({options['unit']})")
    axes.set_ylabel("patients")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.suptitle(count_words(len(numbers), len(cases)), fontsize=8)
    return figure


def count_words(known: int, cases: int) -> str:
    """Say of how many patients a number is known, and of how many not.

    Parameters
    ----------
    known, cases : int
        Patients with the number, and all.

    Returns
    -------
    str
        For a title.
    """
    return f"n = {known}" + (f", {cases - known} not recorded" if cases > known else "")


def not_available(figure: Figure, axes: Axes, label: str) -> Figure:
    """Say in an empty panel that the data set came without a number.

    Parameters
    ----------
    figure, axes : Figure, Axes
        The figure and its panel.
    label : str
        What is missing.

    Returns
    -------
    Figure
        The figure.
    """
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
