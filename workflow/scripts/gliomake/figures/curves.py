"""Learning curves: what a training wrote down after each epoch."""

from math import floor

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gliomake.figures import style
from gliomake.files.tsv import read_tsv
from gliomake.scoring.registry import METRICS
from gliomake.study.names import display_name
from gliomake.study.targets import TargetSpec
from gliomake.tables.curve import best_epoch, panel_columns

LOSSES = {
    "dice": "Dice loss",
    "bce": "binary cross-entropy",
    "bce-dice": "BCE + Dice loss",
    "tversky": "Tversky loss",
    "focal-tversky": "focal Tversky loss",
    "cross-entropy": "cross-entropy",
}


def curves(spec: TargetSpec) -> Figure:
    """Draw quantities by epoch, training and validation, one panel each.

    The option ``panels`` lists ``loss`` or metrics; ``tversky`` stands for the training's own
    Tversky score. ``convention`` (default ``pooled``; a classifier's scores are by ``image``)
    picks the columns. The epoch whose weights were kept is marked.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``history`` of one model.

    Returns
    -------
    Figure
        As many panels as the option lists.

    Raises
    ------
    KeyError
        The history has no such column.
    """
    model = spec.models[0]
    history = read_tsv(spec.inputs["history"][model])
    training = spec.study.models[model].training
    panels = spec.options["panels"]
    width = style.SINGLE if len(panels) == 1 else style.DOUBLE
    figure = style.new_figure(width, 2.3)
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr, call-arg]
    best = best_epoch(history, training.get("best"))
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for letter, axes, panel in zip("abcdef", all_axes, panels, strict=False):
        columns = panel_columns(history, panel, spec.options.get("convention", "pooled"))
        _draw_panel(axes, history, columns, best)
        axes.set_ylabel(_axis_label(panel, columns, training["loss"]["name"]))
        if panel == "loss":
            axes.set_ylim(bottom=0)
        else:
            axes.set_ylim(_lowest(history, panel, columns), 1)
        if len(panels) > 1:
            style.panel_label(axes, letter)
    epochs = f"{len(history)} epoch{'s' * (len(history) > 1)}"
    figure.suptitle(f"{display_name(model)}, {epochs}", fontsize=8)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw_panel(
    axes: Axes, history: pd.DataFrame, columns: dict[str, str], best: int | None
) -> None:
    looks = {"train": (style.TRAIN, (0, (4, 1.5))), "val": (style.VALIDATION, "solid")}
    # A marker an epoch, smaller where there are many: nothing is smoothed.
    size = min(2.5, 75 / len(history))
    for subset, column in columns.items():
        colour, line = looks[subset]
        axes.plot(history["epoch"], history[column], color=colour, linestyle=line, marker="o",
                  markersize=size, label=style.SUBSETS[subset], clip_on=False,
                  zorder=3)  # fmt: skip
    if best is not None:
        axes.axvline(best, color=style.KEPT, linewidth=0.8, linestyle=":", zorder=1)
        kept = history.loc[history["epoch"] == best, columns["val"]]
        axes.plot([best] * len(kept), kept, color=style.KEPT, linestyle=":", linewidth=0.8,
                  marker="o", markersize=4.5, markeredgecolor="black", markeredgewidth=0.5,
                  clip_on=False, zorder=4, label=f"best checkpoint (epoch {best})")  # fmt: skip
    axes.set_xlabel("epoch")
    last = int(history["epoch"].max())
    axes.set_xticks(epoch_ticks(last))
    axes.set_xlim(0.5, last + 0.5)


def epoch_ticks(last: int, most: int = 7) -> list[int]:
    """Choose the epochs that an axis names: the first, and then round numbers.

    Parameters
    ----------
    last : int
        The last epoch; the first is 1.
    most : int
        How many ticks at most.

    Returns
    -------
    list of int
        Rising.

    Examples
    --------
    >>> epoch_ticks(10), epoch_ticks(16), epoch_ticks(120)
    ([1, 3, 5, 7, 9], [1, 4, 7, 10, 13, 16], [1, 20, 40, 60, 80, 100, 120])
    """
    for step in (1, 2, 3, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000):
        # Small steps start at the first epoch, large ones are multiples.
        ticks = [*range(1, last + 1, step)] if step < 5 else [1, *range(step, last + 1, step)]
        if len(ticks) <= most:
            return ticks
    return [1, last]


def _lowest(history: pd.DataFrame, panel: str, columns: dict[str, str]) -> float:
    """Where a score's axis begins: 0, but for accuracies that lie together near 1."""
    least = float(history[list(columns.values())].min().min())
    near = panel == "accuracy" and least > 0.6
    return floor(10 * least) / 10 if near else 0.0


def _axis_label(panel: str, columns: dict[str, str], loss: str) -> str:
    if panel == "loss":
        return LOSSES.get(loss, loss)
    metric, rest = columns["val"].removeprefix("val_").split("_", 1)
    name, convention = rest.split("@")
    if metric.startswith("tversky-a"):
        alpha, beta = metric.removeprefix("tversky-a").split("-b")
        return f"Tversky score\n(\u03b1 {alpha}, \u03b2 {beta}, {convention})"
    label = METRICS[metric].title
    kind = {"image": "of images"}.get(convention, convention)
    return f"{label}, mean of classes ({kind})" if name == "mean" else f"{label} ({kind})"
