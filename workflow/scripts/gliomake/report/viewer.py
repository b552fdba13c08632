"""The slice viewer: some slices of the judged subset, shrunk, with truth and every model's mask."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from gliomake.datasets.spec import class_colour
from gliomake.figures.images import to_grey, upright
from gliomake.files.mask_shards import NO_IMAGE
from gliomake.files.predictions import open_predictions, to_mask
from gliomake.files.shards import load_arrays
from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import StudyInputs
from gliomake.report.keys import SliceKey
from gliomake.report.numbers import NumberBook
from gliomake.report.run_files import RunFiles
from gliomake.scoring.averaging import element_scores
from gliomake.study.model import BASELINES

SLICES = 60
PIXELS = 128
WORST = 5
"""Patients of each model that can be gone to at once."""
# No class has these: white, red, magenta and green as no palette of the figures has them.
ERRORS = {
    "hit": ("#FFFFFF", "right (outline)"),
    "missed": ("#FF0030", "missed"),
    "extra": ("#FF00FF", "spurious"),
    "confused": ("#00FF00", "another class"),
}
"""Colour and words of each kind of pixel in the viewer's picture of errors."""
COUNTS = ["tp", "fp", "fn", "tn"]
Key = tuple[str, int]


def viewer_data(inputs: StudyInputs, book: NumberBook, limit: int = SLICES) -> dict[str, Any]:
    """Gather what the viewer shows.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the Dice of every slice shown is entered.
    limit : int
        At most so many slices.

    Returns
    -------
    dict
        ``run, subset, models, classes, colours, errors, patients, total, slices`` and more for the
        page's script; empty where no run has both masks and shards.
    """
    runs = _shown_runs(inputs)
    if not runs or not inputs.shards:
        return {}
    subset = inputs.subset
    dice = {files.model: _slice_dice(files, subset, inputs.study.classes) for files in runs}
    means = pd.DataFrame({model: table.mean(axis=1) for model, table in dice.items()})
    trained = [model for model in means if model not in BASELINES]
    worst = {files.model: worst_patients(files, subset, dice[files.model]) for files in runs}
    keys = choose_slices(means[trained or list(means)], limit)
    keys = sorted({*keys, *(key for found in worst.values() for key in found)})
    frame = pd.DataFrame(keys, columns=["patient", "slice"])
    loaded = load_arrays(inputs.shards, frame)
    masks = {files.model: _masks(files, subset, keys, inputs.study.threshold) for files in runs}
    data = inputs.study.data
    turned = data.transposed
    channel = shown_channel(inputs)
    slices = []
    for row, key in enumerate(keys):
        for files in runs:
            _enter_dice(inputs, book, files, key, dice[files.model].loc[[key]].iloc[0])
        slices.append(
            {
                "patient": key[0],
                "slice": int(key[1]),
                "image": image_url(upright(loaded.image[row, channel], turned)),
                "truth": [run_lengths(upright(mask, turned)) for mask in loaded.mask[row]],
                "masks": {
                    model: [run_lengths(upright(mask, turned)) for mask in found[row]]
                    for model, found in masks.items()
                },
            }
        )
    return {
        "run": inputs.main_run,
        "subset": subset,
        "models": [files.model for files in runs],
        "classes": inputs.study.classes,
        "colours": [class_colour(data, name) for name in inputs.study.classes],
        "errors": {
            kind: list(each)
            for kind, each in ERRORS.items()
            if kind != "confused" or len(inputs.study.classes) > 1
        },
        "patients": sorted({patient for patient, _ in keys if patient}),
        "channel": _channels(inputs)[channel],
        "pixels": min(PIXELS, loaded.image.shape[-1]),
        "total": len(means),
        "worst": {
            model: [[patient, keys.index((patient, number))] for patient, number in found]
            for model, found in worst.items()
        }
        if any(worst.values())
        else {},
        "slices": slices,
    }


def shown_channel(inputs: StudyInputs) -> int:
    """Return the position in the shards of the channel that readers see."""
    channels, chosen = _channels(inputs), inputs.study.data.channel
    return channels.index(chosen) if chosen in channels else 0


def _channels(inputs: StudyInputs) -> tuple[str, ...]:
    return tuple(inputs.study.preprocess.channels) or (NO_IMAGE,)


def _shown_runs(inputs: StudyInputs) -> list[RunFiles]:
    """List the main split's runs that have masks; those of all background show nothing."""
    main = [files for files in inputs.runs if files.run == inputs.main_run]
    return [files for files in main if files.model != "all-background" and _has_masks(files)]


def worst_patients(files: RunFiles, subset: str, dice: pd.DataFrame) -> list[Key]:
    """Find the patients whose masks are worst, and the worst slice of each.

    Parameters
    ----------
    files : RunFiles
        A run.
    subset : str
        Which subset.
    dice : DataFrame
        The Dice of its slices, indexed by patient and slice, one column a class.

    Returns
    -------
    list of (str, int)
        Patient and slice, the worst patient first, `WORST` at most; empty without patients.
    """
    counts = read_tsv(files.counts)
    counts = counts[(counts["subset"] == subset) & ~counts["postprocess"].astype(bool)]
    sums = counts[counts["patient"] != ""].groupby(["patient", "class"])[COUNTS].sum()
    if sums.empty:
        return []
    of_class = pd.Series(element_scores(sums.to_numpy(), "dice"), index=sums.index)
    ranked = of_class.groupby("patient").mean().dropna().sort_values(kind="stable")
    slices = dice.mean(axis=1).dropna()
    return [(patient, slices[patient].idxmin()) for patient in ranked.index[:WORST].tolist()]


def choose_slices(dice: pd.DataFrame, limit: int) -> list[Key]:
    """Choose the slices to show: half are the worst of each model, half spread over all others.

    Parameters
    ----------
    dice : DataFrame
        Indexed by patient and slice, one column a model; NaN where truth and mask are empty.
    limit : int
        How many slices at most.

    Returns
    -------
    list of (str, int)
        Patient and slice, sorted; slices on which all models and the truth are empty come only
        where there is room.
    """
    order = dice.mean(axis=1).sort_values(kind="stable", na_position="last")
    ranked = list(order.index)
    if len(ranked) <= limit:
        return sorted(ranked)
    worst: dict[Key, None] = {}
    columns = [dice[model].dropna().sort_values(kind="stable").index for model in dice]
    for rank in range(max((len(column) for column in columns), default=0)):
        for column in columns:
            if rank < len(column) and len(worst) < limit // 2:
                worst[column[rank]] = None
    rest = [key for key in ranked if key not in worst and not np.isnan(order[key])]
    picked = np.unique(np.linspace(0, len(rest) - 1, min(limit - len(worst), len(rest))).round())
    return sorted([*worst, *(rest[int(index)] for index in picked)])


def run_lengths(mask: np.ndarray) -> list[int]:
    """Code a mask as lengths of runs, row by row, the first of background.

    Parameters
    ----------
    mask : ndarray (height, width) of 0 and 1
        Shrunk to `PIXELS` by its nearest pixels where it is larger.

    Returns
    -------
    list of int
        Lengths of runs, background and mask in turn; they add up to all pixels.
    """
    image = Image.fromarray(np.asarray(mask, np.uint8))
    if max(image.size) > PIXELS:
        image = image.resize((PIXELS, PIXELS), Image.Resampling.NEAREST)
    flat = np.asarray(image).ravel() > 0
    bounds = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *bounds, flat.size]).tolist()
    return [0, *lengths] if flat[0] else lengths


def image_url(pixels: np.ndarray) -> str:
    """Shrink one channel of a slice and write it into a ``data:`` address.

    Parameters
    ----------
    pixels : ndarray (height, width), uint8 or float
        Floats are stretched as in the figures, with a black background.

    Returns
    -------
    str
        A JPEG of at most `PIXELS` pixels a side.
    """
    if pixels.dtype != np.uint8:
        pixels = (255 * to_grey(pixels)).astype(np.uint8)
    image = Image.fromarray(pixels)
    if max(image.size) > PIXELS:
        image = image.resize((PIXELS, PIXELS), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def slice_dice(counts: pd.DataFrame, subset: str) -> pd.Series:
    """Give the Dice of each slice before any clean-up.

    Parameters
    ----------
    counts : DataFrame
        A counts file's rows.
    subset : str
        Which subset.

    Returns
    -------
    Series
        By patient, slice and class; NaN where truth and mask are both empty.
    """
    table = counts[(counts["subset"] == subset) & ~counts["postprocess"].astype(bool)]
    index = pd.MultiIndex.from_frame(table[["patient", "slice", "class"]])
    return pd.Series(element_scores(table[COUNTS].to_numpy(), "dice"), index=index)


def _slice_dice(files: RunFiles, subset: str, classes: Sequence[str]) -> pd.DataFrame:
    """Dice of each slice, one column a class."""
    return slice_dice(read_tsv(files.counts), subset).unstack("class")[list(classes)]


def _has_masks(files: RunFiles) -> bool:
    if files.predictions is None:
        return False
    with open_predictions(files.predictions) as file:
        return bool(min(file["probability"].shape[2:]) > 1)


def _masks(files: RunFiles, subset: str, keys: Sequence[Key], threshold: float) -> np.ndarray:
    """Masks (slice, class, height, width) of the given slices."""
    with open_predictions(str(files.predictions)) as file:
        rows = {
            (patient, int(number)): row
            for row, (patient, number, of) in enumerate(
                zip(
                    file["patient"].asstr()[:],
                    file["slice"][:],
                    file["subset"].asstr()[:],
                    strict=True,
                )
            )
            if of == subset
        }
        return np.stack([to_mask(file["probability"][rows[key]], threshold) for key in keys])


def _enter_dice(
    inputs: StudyInputs, book: NumberBook, files: RunFiles, key: Key, dice: pd.Series
) -> None:
    for class_, value in dice.items():
        book.enter(
            SliceKey(files.model, files.run, inputs.subset, str(class_), key[0], int(key[1])),
            study=inputs.id,
            value=value,
            n=1,
            files=[files.counts],
        )
