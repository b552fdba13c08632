"""How long patients lived."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from gliomake.figures import style
from gliomake.figures.statistics import count_words, not_available
from gliomake.files.tsv import read_tsv
from gliomake.study.targets import TargetSpec


def survival(spec: TargetSpec) -> Figure:
    """Show the share of patients who are alive, by time: Kaplan and Meier's estimate.

    Options: ``column`` of ``cases.tsv``, ``label``, ``unit``, and ``censored`` (a column that is 1
    where the number is only a lower bound). Where the data set came without these numbers the
    panel says so.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``cases``.

    Returns
    -------
    Figure
        The curve with its pointwise 95 % interval, ticks where a patient was last seen alive, the
        median, and below the axis how many patients are still observed.
    """
    options = spec.options
    cases = read_tsv(spec.inputs["cases"])
    figure = style.new_figure(style.SINGLE, 2.6)
    axes = figure.subplots()
    column = cases.get(options["column"], pd.Series(dtype=float))
    times = pd.to_numeric(column, errors="coerce").dropna()
    if times.empty:
        return not_available(figure, axes, options["label"])
    flags = pd.to_numeric(cases.get(options["censored"], times * 0), errors="coerce")
    alive = flags.loc[times.index].fillna(0) > 0
    last = _draw_curve(axes, times.to_numpy(float), alive.to_numpy())
    _name_axes(axes, times.to_numpy(float), last, options)
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(count_words(len(times), len(cases)), fontsize=8)
    return figure


def median_survival(times: np.ndarray, alive: np.ndarray) -> float:
    """Find the time at which half of the patients are alive, as Kaplan and Meier estimate.

    Parameters
    ----------
    times : ndarray (patient,)
        Until death, or until last seen alive.
    alive : ndarray (patient,) of bool
        Whether last seen alive.

    Returns
    -------
    float
        The first time with a share of at most one half; NaN where it is never so low.

    Examples
    --------
    >>> median_survival(np.array([1.0, 2, 3, 4]), np.array([False, False, False, False]))
    2.0
    """
    curve = _curve(times, alive)
    low = curve.quantiles[curve.probabilities <= 0.5 + 1e-12]
    return float(low[0]) if len(low) else float("nan")


def _curve(times: np.ndarray, alive: np.ndarray) -> Any:
    return stats.ecdf(stats.CensoredData.right_censored(times, alive)).sf


def _draw_curve(axes: Axes, times: np.ndarray, alive: np.ndarray) -> float:
    """Draw curve, interval, ticks and median; return where the axis ends."""
    curve = _curve(times, alive)
    last = float(times.max())

    def steps(function: Any) -> tuple[np.ndarray, np.ndarray]:
        x = np.r_[0, function.quantiles, last]
        return x, 100 * np.r_[1, function.probabilities, function.probabilities[-1]]

    x, share = steps(curve)
    with warnings.catch_warnings():
        # There is none where all or nobody is alive.
        warnings.filterwarnings("ignore", "The confidence interval is undefined")
        interval = curve.confidence_interval(0.95, method="log-log")
    low, high = (steps(each)[1] for each in (interval.low, interval.high))
    known = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(known, low, share), np.where(known, high, share)
    axes.fill_between(x, low, high, step="post", color=style.BLUE, alpha=0.18, linewidth=0,
                      label="95 % interval")  # fmt: skip
    axes.step(x, share, where="post", color=style.BLUE)
    if alive.any():
        axes.plot(times[alive], 100 * curve.evaluate(times[alive]), "|", color=style.BLUE,
                  markersize=6, label="alive when last seen")  # fmt: skip
    median = median_survival(times, alive)
    if np.isfinite(median):
        axes.plot([0, median, median], [50, 50, 0], color=style.VERMILION, linewidth=0.8,
                  linestyle=(0, (3, 2)))  # fmt: skip
        axes.annotate(f"median {median:.0f}", (median, 50), xytext=(4, 3), fontsize=7.5,
                      textcoords="offset points", color=style.VERMILION)  # fmt: skip
    return last


def _name_axes(axes: Axes, times: np.ndarray, last: float, options: dict[str, Any]) -> None:
    axes.set_xlim(0, last * 1.04)
    axes.set_ylim(0, 104)
    axes.set_yticks([0, 50, 100])
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= last * 1.04]
    axes.set_xticks(ticks, [f"{tick:g}\n{int((times >= tick).sum())}" for tick in ticks])
    axes.set_xlabel(f"{options['label']} ({options['unit']}); below: patients still observed")
    axes.set_ylabel("patients alive (%)")
