"""What the models drew: image, truth and prediction side by side."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gliomake.datasets.spec import class_colour
from gliomake.figures import images, style
from gliomake.figures.choose import QUALITIES, by_quantile, sizes_and_worst, slice_scores
from gliomake.files.predictions import open_predictions, to_mask
from gliomake.files.shards import load_arrays
from gliomake.files.tsv import read_tsv
from gliomake.scoring.averaging import element_scores
from gliomake.scoring.metrics import COUNT_COLUMNS
from gliomake.scoring.postprocess import clean_masks
from gliomake.study.model import Study
from gliomake.study.names import display_name
from gliomake.study.targets import TargetSpec

HEADINGS = {
    "image": "image",
    "truth": "truth",
    "prediction": "prediction",
    "overlay": "truth and prediction",
    "probability": "probability",
}


@dataclass
class Case:
    """One slice with all that is drawn of it, cut to the head and upright.

    Attributes
    ----------
    row : Series
        The slice's row of `slice_scores`.
    image : ndarray (channel, height, width)
        Preprocessed intensities.
    truth : ndarray (class, height, width) of uint8
        0 or 1.
    probability : dict of str to ndarray (class, height, width)
        By model.
    mask : dict of str to ndarray (class, height, width) of uint8
        By model: thresholded, and cleaned up where the study does so.
    """

    row: pd.Series
    image: np.ndarray
    truth: np.ndarray
    probability: dict[str, np.ndarray]
    mask: dict[str, np.ndarray]

    @property
    def name(self) -> str:
        """Patient and slice, for a label."""
        return images.slice_name(self.row["patient"], int(self.row["slice"]))


def masks(spec: TargetSpec) -> Figure:
    """Draw models on the same slices: large, median and small tumours, and the worst cases.

    The option ``columns`` lists ``image``, ``truth``, ``prediction`` (the mask alone) and
    ``overlay`` (prediction and truth outlined on the image); the last two stand for one column a
    model. Which slices, says `gliomake.figures.choose.sizes_and_worst`.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``shards``, and ``predictions`` and ``counts`` of each model.

    Returns
    -------
    Figure
        One row a slice.
    """
    scores = _scores(spec)
    chosen = sizes_and_worst(scores, spec.options.get("count", 5))
    cases = _load_cases(spec, chosen)
    listed = spec.options.get("columns", ["image", "truth", "overlay"])
    columns = [
        (kind, model)
        for kind in listed
        for model in (spec.models if kind in ("prediction", "overlay") else [""])
    ]
    width = style.DOUBLE if len(columns) > 3 else 5.2
    figure = images.grid(width, len(cases), len(columns))
    grid = figure.subplots(len(cases), len(columns), squeeze=False)
    channel = _channel(spec)
    for row, (kind_of_case, case) in zip(grid, cases.items(), strict=True):
        for axes, (kind, model) in zip(row, columns, strict=True):
            _draw_cell(axes, kind, case, model, channel)
            if kind == ("overlay" if "overlay" in listed else "prediction"):
                _score_tag(axes, case.row[f"dice {model}"], case.mask[model])
        style.row_label(row[0], f"{kind_of_case}\n{case.name}")
    for axes, (kind, model) in zip(grid[0], columns, strict=True):
        several = model and len(spec.models) > 1
        axes.set_title(_short(display_name(model)) if several else HEADINGS[kind])
    _title(figure, spec, scores)
    images.mask_legend(figure, _legend([kind for kind, _ in columns]))
    return figure


def predictions(spec: TargetSpec) -> Figure:
    """Draw image, truth, probability and mask where the Dice is high, median and low.

    The slices are those nearest to the 90th, 50th and 10th percentile of the Dice of the slices
    with tumour, each of another patient where there are enough.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``shards``, and ``predictions`` and ``counts`` of one model of one class.

    Returns
    -------
    Figure
        One row a case, and a colour bar of the probability.
    """
    model = spec.models[0]
    scores = _scores(spec)
    per_quality = spec.options.get("count", 1)
    wanted = tuple(
        (name if not extra else f"{name} {extra + 1}", quantile)
        for name, quantile in QUALITIES
        for extra in range(per_quality)
    )
    cases = _load_cases(spec, by_quantile(scores, "dice", wanted))
    columns = ["image", "truth", "probability", "prediction", "overlay"]
    figure = images.grid(style.DOUBLE, len(cases), len(columns), label=1.2)
    grid = figure.subplots(len(cases), len(columns), squeeze=False)
    for row, (quality, case) in zip(grid, cases.items(), strict=True):
        for axes, kind in zip(row, columns, strict=True):
            _draw_cell(axes, kind, case, model, _channel(spec))
        _score_tag(row[-1], case.row["dice"], case.mask[model])
        style.row_label(row[0], f"{quality}\n{case.name}")
    for axes, kind in zip(grid[0], columns, strict=True):
        axes.set_title(HEADINGS[kind])
    _title(figure, spec, scores)
    _probability_bar(figure, grid[:, 2], "bottom")
    images.mask_legend(figure, _legend(columns))
    return figure


def class_predictions(spec: TargetSpec) -> Figure:
    """Draw truth, probability and prediction of each class on one slice.

    The slice is the one whose Dice over all classes is nearest to the median among those that hold
    every class (among all slices with tumour where none does). A colour is a class; in the last
    row the truth is dashed in white.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``shards``, and ``predictions`` and ``counts`` of one model.

    Returns
    -------
    Figure
        A column of all classes and one a class; rows truth, probability, prediction.
    """
    [model] = spec.models
    scores = _scores(spec)
    complete = scores[_holds_every_class(spec, scores)]
    pool = complete if len(complete) else scores
    [case] = _load_cases(spec, by_quantile(pool, "dice", (("median", 0.5),))).values()
    classes = spec.study.classes
    dice = _class_dice(spec, case.row)
    figure = images.grid(style.DOUBLE, 3, len(classes) + 1, label=1.2, extra=0.95)
    grid = figure.subplots(3, len(classes) + 1, squeeze=False)
    grey = case.image[_channel(spec)]
    colours = [class_colour(spec.study.data, name) for name in classes]
    titles = ("all classes", *("NEC/NET" if name == "NEC" else name for name in classes))
    for number, (column, title) in enumerate(zip(grid.T, titles, strict=True)):
        shown = slice(None) if number == 0 else slice(number - 1, number)
        truth, mask = case.truth[shown], case.mask[model][shown]
        images.show(column[0], grey, outlines=list(zip(truth, colours[shown], strict=True)))
        _show_probability(column[1], case.probability[model][shown].max(axis=0))
        images.show(column[2], grey, outlines=list(zip(mask, colours[shown], strict=True)))
        images.outline(column[2], truth.max(axis=0), "white", dashed=True)
        value = case.row["dice"] if number == 0 else dice[classes[number - 1]]
        _score_tag(column[2], value, mask)
        column[0].set_title(title)
    for axes, text in zip(grid[:, 0], ("truth", "probability", "prediction"), strict=True):
        style.row_label(axes, text)
    _probability_bar(figure, grid[1], "right")
    subset = style.SUBSETS[case.row["subset"]]
    which = "with every class" if len(complete) else "with tumour"
    figure.suptitle(
        f"{display_name(model)}, {subset} set: {case.name.replace(chr(10), ' ')}, "
        f"the median Dice of {len(pool)} slices {which}",
        fontsize=8,
    )
    entries = [(name, class_colour(spec.study.data, name), "line") for name in classes]
    images.mask_legend(figure, [*entries, ("truth, in the row of the prediction", "white", "dash")])
    return figure


def _class_dice(spec: TargetSpec, row: pd.Series) -> dict[str, float]:
    """Read the Dice of each class on one slice; NaN where truth and prediction are empty."""
    [path] = spec.inputs["counts"].values()
    table = read_tsv(path)
    wanted = bool(spec.study.postprocess) and table["postprocess"].any()
    here = (table[["subset", "patient", "slice"]] == row[["subset", "patient", "slice"]]).all(
        axis=1
    )
    found = table[here & (table["postprocess"] == wanted)].set_index("class")
    scores = element_scores(found[COUNT_COLUMNS].to_numpy(), "dice")
    return dict(zip(found.index, map(float, scores), strict=True))


def _holds_every_class(spec: TargetSpec, scores: pd.DataFrame) -> np.ndarray:
    truth = load_arrays(spec.inputs["shards"], scores).mask
    return truth.max(axis=(2, 3)).min(axis=1) > 0


def _scores(spec: TargetSpec) -> pd.DataFrame:
    cleaned = bool(spec.study.postprocess)
    return slice_scores(spec.inputs["counts"], spec.options.get("subset"), cleaned)


def _channel(spec: TargetSpec) -> int:
    """Pick the channel shown: the data set's own choice, unless the option says."""
    channels = spec.study.preprocess.channels
    wanted = spec.options.get("channel") or spec.study.data.channel
    return channels.index(wanted)


def _load_cases(spec: TargetSpec, chosen: dict[str, pd.Series]) -> dict[str, Case]:
    keys = pd.DataFrame(list(chosen.values())).reset_index(drop=True)
    arrays = load_arrays(spec.inputs["shards"], keys)
    probability = {
        model: read_probability(path, keys) for model, path in spec.inputs["predictions"].items()
    }
    cases = {}
    for number, (name, row) in enumerate(chosen.items()):
        box = images.tissue_box(arrays.image[number])

        def cut(pixels: np.ndarray, box: Any = box) -> np.ndarray:
            return images.upright(pixels[..., box[0], box[1]], spec.study.data.transposed)

        given = {model: values[number] for model, values in probability.items()}
        cases[name] = Case(
            row=row,
            image=cut(arrays.image[number]),
            truth=cut(arrays.mask[number]),
            probability={model: cut(values) for model, values in given.items()},
            mask={model: cut(final_mask(values, spec.study)) for model, values in given.items()},
        )
    return cases


def read_probability(path: Any, keys: pd.DataFrame) -> np.ndarray:
    """Read the probabilities of some slices.

    Parameters
    ----------
    path : str or Path
        A ``predictions.h5``.
    keys : DataFrame
        ``subset patient slice``.

    Returns
    -------
    ndarray (slice, class, height, width) of float32
        In the order of the keys.

    Raises
    ------
    KeyError
        A slice was not predicted.
    """
    with open_predictions(path) as file:
        columns = (file["subset"].asstr()[:], file["patient"].asstr()[:], file["slice"][:].tolist())
        where = {key: row for row, key in enumerate(zip(*columns, strict=True))}
        wanted = list(zip(keys["subset"], keys["patient"], keys["slice"].astype(int), strict=True))
        if absent := [key for key in wanted if key not in where]:
            raise KeyError(
                f"{path} has no prediction for {absent[:3]}; it is older than the counts"
            )
        return np.stack([file["probability"][where[key]] for key in wanted]).astype(np.float32)


def final_mask(probability: np.ndarray, study: Study) -> np.ndarray:
    """Threshold a slice's probabilities as the study does, and clean up where it does.

    Parameters
    ----------
    probability : ndarray (class, height, width)
        0 to 1.
    study : Study
        Its ``threshold`` and ``postprocess`` are used.

    Returns
    -------
    ndarray (class, height, width) of uint8
        0 or 1.
    """
    mask = to_mask(probability, study.threshold)
    if study.postprocess:
        mask = clean_masks(mask, study.postprocess)
    return mask.astype(np.uint8)


def _draw_cell(axes: Axes, kind: str, case: Case, model: str, channel: int) -> None:
    grey = case.image[channel]
    if kind == "image":
        images.show(axes, grey)
    elif kind == "truth":
        images.show_mask(axes, case.truth[0], style.TRUTH)
    elif kind == "prediction":
        images.show_mask(axes, case.mask[model][0], style.PREDICTION)
    elif kind == "overlay":
        colours = style.TRUTH, style.PREDICTION
        images.compare(axes, grey, case.truth[0], case.mask[model][0], colours)
    elif kind == "probability":
        _show_probability(axes, case.probability[model][0])
    else:
        raise ValueError(f"column {kind!r}: expected one of {', '.join(HEADINGS)}")


def _show_probability(axes: Axes, probability: np.ndarray) -> None:
    axes.imshow(probability.astype(np.float32), cmap="cividis", vmin=0, vmax=1)
    images.bare(axes)


def _probability_bar(figure: Figure, panels: np.ndarray, location: str) -> None:
    bar = figure.colorbar(
        panels[0].images[0], ax=list(panels), location=location, shrink=0.9, aspect=18, pad=0.02
    )
    bar.set_ticks([0, 0.5, 1])
    bar.set_label("probability", fontsize=7)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7, length=2)


def _score_tag(axes: Axes, dice: float, mask: np.ndarray) -> None:
    words = f"Dice {dice:.2f}" if np.isfinite(dice) else "Dice undefined"
    axes.text(
        0.03,
        0.03,
        words if mask.any() else f"{words}\nnothing found",
        transform=axes.transAxes,
        color="white",
        fontsize=7,
        va="bottom",
        bbox={"facecolor": "black", "alpha": 0.7, "pad": 1, "edgecolor": "none"},
    )


def _short(model: str) -> str:
    """Break a model's name where it would be too long for its column."""
    head, space, tail = model.rpartition(" ")
    return f"{head}\n{tail}" if space and len(model) > 13 else model


def _title(figure: Figure, spec: TargetSpec, scores: pd.DataFrame) -> None:
    subset = style.SUBSETS[scores["subset"].iloc[0]]
    who = f"{display_name(spec.models[0])}, " if len(spec.models) == 1 else ""
    shown = images.amount(scores, spec.study.data.patients)
    figure.suptitle(f"{who}{subset} set: {shown}", fontsize=8)


def _legend(columns: list[str]) -> list[tuple[str, str, str]]:
    look = "line" if "overlay" in columns else "fill"
    return [("truth", style.TRUTH, look), ("prediction", style.PREDICTION, look)]
