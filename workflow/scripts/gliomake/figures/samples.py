"""Slices of the data, as they are and as training sees them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gliomake.figures import images, style
from gliomake.figures.choose import spread_over_patients
from gliomake.files.shards import load_arrays
from gliomake.files.tsv import read_tsv
from gliomake.prepare.split import read_split, tumour_columns
from gliomake.study.targets import TargetSpec

DRAWS = 16
UNITS = {"rotate": " rad", "shift": " of width"}


def samples(spec: TargetSpec) -> Figure:
    """Show slices of the data with their true masks.

    The mask is an outline on the image, so that what it encloses can be seen. The option ``view``
    is ``overlay`` (nothing else) or ``beside`` (the mask alone, too). Patients are spread evenly
    over the list of all, and of each the slice with the largest tumour is shown.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``slices``, ``split`` and ``shards``.

    Returns
    -------
    Figure
        A grid of ``count`` (default 12) slices.
    """
    sizes = _slice_sizes(spec)
    chosen = spread_over_patients(sizes, spec.options.get("count", 12))
    arrays = load_arrays(spec.inputs["shards"], chosen)
    beside = spec.options.get("view", "overlay") == "beside"
    across = 3 if beside else 6
    rows = -(-len(chosen) // across)
    panels = 2 * across if beside else across
    figure = images.grid(
        style.DOUBLE, rows, panels, extra=0.5 + (0.17 if beside else 0.29) * rows, label=0.1
    )
    grid = figure.subplots(rows, panels, squeeze=False)
    channel = _channel(spec)
    for axes in grid.flat:
        axes.axis("off")
    for number in range(len(chosen)):
        box = images.tissue_box(arrays.image[number])
        turned = spec.study.data.transposed
        grey = images.upright(arrays.image[number, channel][box], turned)
        mask = images.upright(arrays.mask[number].any(axis=0)[box], turned)
        row, column = divmod(number, across)
        axes = grid[row][2 * column if beside else column]
        name = images.slice_name(arrays.patient[number], arrays.slice[number])
        axes.axis("on")
        images.show(axes, grey, outlines=[(mask, style.TRUTH)])
        if beside:
            axes.set_title(name.replace("\n", ", "), fontsize=7, loc="left")
            grid[row][2 * column + 1].axis("on")
            images.show_mask(grid[row][2 * column + 1], mask, style.TRUTH)
        else:
            axes.set_title(name, fontsize=7)
    known = images.amount(sizes, spec.study.data.patients)
    figure.suptitle(f"{len(chosen)} of {known}", fontsize=8)
    images.mask_legend(figure, [("tumour (truth)", style.TRUTH, "line")])
    return figure


def augmentation(spec: TargetSpec) -> Figure:
    """Show one training slice under each augmentation alone, and under all of them together.

    Of each kind the strongest of 16 draws is shown, as many would be close to the original. Image
    and mask are moved together: the outline is the mask's.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``slices``, ``split`` and ``shards``, and one model whose training says how.

    Returns
    -------
    Figure
        ``count`` (default 12) panels: the original, one a kind, then all together.
    """
    config = spec.study.models[spec.models[0]].training["augment"] or {}
    training = _slice_sizes(spec).query("subset == 'train'")
    typical = float(training["pixels"].quantile(0.75))
    row = training.loc[[(training["pixels"] - typical).abs().idxmin()]]
    arrays = load_arrays(spec.inputs["shards"], row, spec.study.models[spec.models[0]].channels)
    image, mask = _as_float(arrays.image[0]), arrays.mask[0].astype(np.float32)
    panels: list[tuple[str, np.ndarray, np.ndarray]] = [("original", image, mask)]
    for name, part in _parts(config, spec.study.data.transposed):
        panels.append((name, *_strongest(image, mask, part)))
    rest = max(spec.options.get("count", 12) - len(panels), 0)
    drawn = [_augment(image, mask, config, draw) for draw in range(rest)] if config else []
    panels += [(f"all, draw {draw}", *pair) for draw, pair in enumerate(drawn, start=1)]
    across = 6
    rows = -(-len(panels) // across)
    figure = images.grid(style.DOUBLE, rows, across, extra=0.45 + 0.17 * rows, label=0.1)
    grid = figure.subplots(rows, across, squeeze=False)
    names = spec.study.models[spec.models[0]].channels
    channel = names.index(spec.study.preprocess.channels[_channel(spec)])
    # One grey scale for all panels, so that a change of brightness shows.
    limits = images.grey_limits(image[channel])
    for axes in grid.flat:
        axes.axis("off")
    for axes, (name, picture, outline) in zip(grid.flat, panels, strict=False):
        turned = spec.study.data.transposed
        axes.axis("on")
        outline = images.upright(np.asarray(outline).max(axis=0), turned)
        picture = images.upright(picture[channel], turned)
        images.show(axes, picture, outlines=[(outline, style.TRUTH)], limits=limits)
        axes.set_title(name, fontsize=7.5)
    where = images.slice_name(arrays.patient[0], arrays.slice[0]).replace("\n", ", ")
    figure.suptitle(f"training slice: {where}", fontsize=8)
    images.mask_legend(figure, [("mask", style.TRUTH, "line")])
    return figure


def _slice_sizes(spec: TargetSpec) -> pd.DataFrame:
    """List the study's slices that have tumour: subset and ``pixels``, any class."""
    slices = read_tsv(spec.inputs["slices"])
    slices["pixels"] = slices[tumour_columns(slices)].sum(axis=1)
    split = read_split(spec.inputs["split"])
    sizes = split.merge(slices[["patient", "slice", "pixels"]], on=["patient", "slice"])
    if len(sizes) != len(split):
        raise ValueError(
            f"{spec.inputs['split']}: {len(split) - len(sizes)} slices are not in "
            f"{spec.inputs['slices']}; delete the split to have it made again"
        )
    return sizes[sizes["pixels"] > 0].sort_values(["patient", "slice"], ignore_index=True)


def _channel(spec: TargetSpec) -> int:
    channels = spec.study.preprocess.channels
    wanted = spec.options.get("channel") or spec.study.data.channel
    return channels.index(wanted)


def _parts(config: Mapping[str, Any], transposed: bool) -> list[tuple[str, dict[str, Any]]]:
    """Take the augmentation apart: a name and a config for each operation.

    A flip is named by what is seen on paper, where transposed slices stand upright.
    """
    seen = {"horizontal": "vertical", "vertical": "horizontal"} if transposed else {}
    parts: list[tuple[str, dict[str, Any]]] = []
    for key, value in config.items():
        if key == "flip":
            parts += [(f"{seen.get(way, way)} flip", {"flip": [way]}) for way in value]
        elif value:
            amount = "" if value is True else f" ±{value:g}{UNITS.get(key, '')}"
            parts.append((key.replace("_", " ").removesuffix("s") + amount, {key: value}))
    return parts


def _strongest(
    image: np.ndarray, mask: np.ndarray, config: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    draws = [_augment(image, mask, config, draw) for draw in range(DRAWS)]
    return max(draws, key=lambda pair: float(np.abs(pair[0] - image).mean()))


def _augment(
    image: np.ndarray, mask: np.ndarray, config: Mapping[str, Any], draw: int
) -> tuple[np.ndarray, np.ndarray]:
    import torch

    from gliomake.training.augment import augment_batch

    slice_ids = torch.zeros(1, dtype=torch.int64)
    batch = torch.from_numpy(image)[None], torch.from_numpy(mask)[None]
    moved = augment_batch(*batch, config, seed=0, epoch=draw, slice_ids=slice_ids)
    return moved[0][0].numpy(), moved[1][0].numpy()


def _as_float(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / (255 if image.dtype == np.uint8 else 1)
