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
from gliomake.scoring.postprocess import clean_masks
from gliomake.study.model import Study
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
    ``overlay`` (prediction filled and truth outlined on the image); the last two stand for one
    column a model.

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
                _score_tag(axes, case.row[f"dice {model}"])
        style.row_label(row[0], f"{kind_of_case}\n{case.name}")
    for axes, (kind, model) in zip(grid[0], columns, strict=True):
        axes.set_title(_short(model) if model and len(spec.models) > 1 else HEADINGS[kind])
    _title(figure, spec, scores)
    images.mask_legend(figure, _legend([kind for kind, _ in columns]))
    return figure


def predictions(spec: TargetSpec) -> Figure:
    """Draw image, truth, probability and mask for good, median and bad cases.

    Good, median and bad are the slices nearest to the 95th, 50th and 5th percentile of the Dice
    of the slices with tumour.

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
        _score_tag(row[-1], case.row["dice"])
        style.row_label(row[0], f"{quality}\n{case.name}")
    for axes, kind in zip(grid[0], columns, strict=True):
        axes.set_title("mask" if kind == "prediction" else HEADINGS[kind])
    _title(figure, spec, scores)
    _probability_bar(figure, grid[:, 2], "bottom")
    images.mask_legend(figure, _legend(columns))
    return figure


def class_predictions(spec: TargetSpec) -> Figure:
    """Draw truth, probability and prediction of each class on one slice.

    The slice is the one whose Dice over all classes is nearest to the median among those that hold
    every class (among all slices with tumour where none does).

    Parameters
    ----------
    spec : TargetSpec
        Needs ``shards``, and ``predictions`` and ``counts`` of one model.

    Returns
    -------
    Figure
        A column of images and one a class; rows truth, probability, prediction.
    """
    model = spec.models[0]
    scores = _scores(spec)
    complete = scores[_holds_every_class(spec, scores)]
    pool = complete if len(complete) else scores
    [case] = _load_cases(spec, by_quantile(pool, "dice", (("median", 0.5),))).values()
    classes = spec.study.classes
    figure = images.grid(style.DOUBLE, 3, len(classes) + 1, label=1.2, extra=0.95)
    grid = figure.subplots(3, len(classes) + 1, squeeze=False)
    grey = case.image[_channel(spec)]
    colours = [class_colour(spec.study.data, name) for name in classes]
    images.show(grid[0][0], grey, list(zip(case.truth, colours, strict=True)), opacity=0.55)
    images.show(grid[1][0], grey)
    images.show(grid[2][0], grey, list(zip(case.mask[model], colours, strict=True)), opacity=0.55)
    for axes, text in zip(grid[:, 0], ("truth", "probability", "prediction"), strict=True):
        style.row_label(axes, text)
    grid[0][0].set_title("all classes")
    grid[1][0].set_title("image alone")
    for number, name in enumerate(classes):
        truth, mask = case.truth[number], case.mask[model][number]
        images.show(grid[0][number + 1], grey, [(truth, style.TRUTH)], opacity=0.55)
        _show_probability(grid[1][number + 1], case.probability[model][number])
        images.show(
            grid[2][number + 1],
            grey,
            [(mask, style.PREDICTION)],
            [(truth, style.TRUTH)],
            opacity=0.55,
        )
        grid[0][number + 1].set_title("NEC/NET" if name == "NEC" else name)
    _probability_bar(figure, grid[1, 1:], "right")
    subset = style.SUBSETS[case.row["subset"]]
    figure.suptitle(f"{model}, {subset} set: {case.name.replace(chr(10), ' ')}", fontsize=8)
    entries = [(name, class_colour(spec.study.data, name), "fill") for name in classes]
    images.mask_legend(figure, [*entries, *_legend(["overlay"])])
    return figure


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
        images.show(
            axes, grey, [(case.mask[model][0], style.PREDICTION)], [(case.truth[0], style.TRUTH)]
        )
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
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7, length=2)


def _score_tag(axes: Axes, dice: float) -> None:
    axes.text(
        0.03,
        0.03,
        f"Dice {dice:.2f}",
        transform=axes.transAxes,
        color="white",
        fontsize=7,
        va="bottom",
        bbox={"facecolor": "black", "alpha": 0.55, "pad": 1, "edgecolor": "none"},
    )


def _short(model: str) -> str:
    """Break a model's name where it would be too long for its column."""
    head, dash, tail = model.rpartition("-")
    return f"{head}{dash}\n{tail}" if len(model) > 15 else model


def _title(figure: Figure, spec: TargetSpec, scores: pd.DataFrame) -> None:
    subset = style.SUBSETS[scores["subset"].iloc[0]]
    who = f"{spec.models[0]}, " if len(spec.models) == 1 else ""
    figure.suptitle(f"{who}{subset} set, slices with tumour", fontsize=8)


def _legend(columns: list[str]) -> list[tuple[str, str, str]]:
    overlaid = "overlay" in columns
    alone = "truth" in columns
    entries = [("truth", style.TRUTH, "fill")] if alone and not overlaid else []
    if overlaid:
        entries.append(("truth", style.TRUTH, "line"))
    return [*entries, ("prediction", style.PREDICTION, "fill")]
