"""Learning curves: what a training wrote down after each epoch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gliomake.figures import style
from gliomake.files.tsv import read_tsv
from gliomake.scoring.registry import METRICS
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
            axes.set_ylim(0, 1)
        if len(panels) > 1:
            style.panel_label(axes, letter)
    figure.suptitle(model, fontsize=8)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw_panel(
    axes: Axes, history: pd.DataFrame, columns: dict[str, str], best: int | None
) -> None:
    marker = "o" if len(history) <= 15 else None
    looks = {"train": (style.TRAIN, (0, (4, 1.5))), "val": (style.VALIDATION, "solid")}
    for subset, column in columns.items():
        colour, line = looks[subset]
        axes.plot(history["epoch"], history[column], color=colour, linestyle=line, marker=marker,
                  markersize=2.5, label=style.SUBSETS[subset], clip_on=False, zorder=3)  # fmt: skip
    if best is not None:
        axes.axvline(
            best,
            color=style.GREY,
            linewidth=0.7,
            linestyle=":",
            zorder=1,
            label=f"weights kept (epoch {best})",
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=2))
    last = int(history["epoch"].max())
    axes.set_xlim(1 if last > 1 else 0.5, last if last > 1 else 1.5)


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
