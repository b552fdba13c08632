"""One raw volume: its modalities, its planes, its mask channels."""

import re
from string import ascii_lowercase
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gliomake.datasets import Dataset, Volume
from gliomake.datasets.spec import class_colour
from gliomake.figures import images, style
from gliomake.files.tsv import read_tsv
from gliomake.prepare import inspection
from gliomake.study.targets import TargetSpec

MODALITIES = {"t1": "T1", "t1ce": "T1Gd", "t2": "T2", "flair": "T2-FLAIR"}


def modalities(spec: TargetSpec) -> Figure:
    """Show the channels of one slice.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``. Options ``case`` and ``slice``: the wanted numbers; the
        nearest there are otherwise (of the slices with at least half as much tissue as the fullest
        one), and the title says which.

    Returns
    -------
    Figure
        One panel a modality.
    """
    dataset, volume = load_case(spec)
    row = nearest_with_tissue(volume, spec.options.get("slice", 67))
    figure = images.grid(style.DOUBLE, 1, len(dataset.channels), label=0.1, extra=0.6)
    panels = figure.subplots(1, len(dataset.channels), squeeze=False)[0]
    box = images.tissue_box(volume.image[row])
    for letter, axes, name, image in zip(
        ascii_lowercase, panels, dataset.channels, volume.image[row], strict=False
    ):
        images.show(axes, images.upright(image[box], spec.study.data.transposed))
        axes.set_title(MODALITIES.get(name, name))
        style.panel_label(axes, letter)
    figure.suptitle(where(spec, volume, row), fontsize=8)
    return figure


def planes(spec: TargetSpec) -> Figure:
    """Show the axial, coronal and sagittal plane through the middle of the tumour.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``. Options ``case`` and ``channel`` (default: that of the data
        set's page).

    Returns
    -------
    Figure
        Three panels in millimetres, with a scale bar and the lines along which they cut.
    """
    dataset, volume = load_case(spec)
    channel = _channel(spec, dataset)
    image, mask = volume.image[:, channel], volume.mask.max(axis=1)
    if not spec.study.data.transposed:
        image, mask = np.swapaxes(image, 1, 2), np.swapaxes(mask, 1, 2)
    depth, row, column = _centre(mask)
    x, y, z = volume.spacing or (1.0, 1.0, 1.0)
    # Arrays are (z, x, y); pictures have the forehead or the crown at the top.
    cuts: list[tuple[str, Any, Any, float, float, int, int]] = [
        ("axial", image[depth].T, mask[depth].T, y, x, column, row),
        (
            "coronal",
            image[::-1, :, column],
            mask[::-1, :, column],
            z,
            x,
            len(image) - 1 - depth,
            row,
        ),
        ("sagittal", image[::-1, row, :], mask[::-1, row, :], z, y, len(image) - 1 - depth, column),
    ]
    heights = [cut[1].shape[0] * cut[3] for cut in cuts]
    widths = [cut[1].shape[1] * cut[4] for cut in cuts]
    scale = (style.DOUBLE - 0.3) / sum(widths)
    figure = style.new_figure(style.DOUBLE, max(heights) * scale + 0.75)
    panels = figure.subplots(1, 3, width_ratios=widths)
    limits = images.grey_limits(image)
    for letter, axes, cut in zip("abc", panels, cuts, strict=True):
        name, plane, tumour, tall, wide, line_row, line_column = cut
        images.show(
            axes, plane, outlines=[(tumour, style.TRUTH)], aspect=tall / wide, limits=limits
        )
        for draw, at in ((axes.axhline, line_row), (axes.axvline, line_column)):
            draw(at, color=style.YELLOW, linewidth=0.5, linestyle=(0, (4, 3)))
        axes.set_anchor("N")
        axes.set_title(f"{name} plane")
        style.panel_label(axes, letter)
        if volume.spacing is not None:
            _scale_bar(axes, plane.shape, wide)
    names = MODALITIES.get(dataset.channels[channel], dataset.channels[channel])
    figure.suptitle(f"{where(spec, volume)}, {names}", fontsize=8)
    images.mask_legend(
        figure, [("tumour", style.TRUTH, "line"), ("the other two planes", style.YELLOW, "line")]
    )
    return figure


def mask_channels(spec: TargetSpec) -> Figure:
    """Show the mask's channels and their overlay on the image.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``. Options ``case``, ``slice`` (default: see `most_classes`) and
        ``channel`` (default: that of the data set's page).

    Returns
    -------
    Figure
        The image, a panel a class, and the overlay.
    """
    dataset, volume = load_case(spec)
    classes, data = dataset.classes, spec.study.data
    wanted = spec.options.get("slice")
    row = most_classes(volume.mask) if wanted is None else nearest(volume.slices, wanted)
    channel = _channel(spec, dataset)
    box = images.tissue_box(volume.image[row])
    grey = images.upright(volume.image[row, channel][box], spec.study.data.transposed)
    masks = images.upright(volume.mask[row][:, box[0], box[1]], spec.study.data.transposed)
    figure = images.grid(style.DOUBLE, 1, len(classes) + 2, label=0.1, extra=0.8)
    panels = figure.subplots(1, len(classes) + 2)
    images.show(panels[0], grey)
    panels[0].set_title(MODALITIES.get(dataset.channels[channel], dataset.channels[channel]))
    for axes, name, mask in zip(panels[1:-1], classes, masks, strict=True):
        images.show_mask(axes, mask, class_colour(data, name))
        axes.set_title("NEC/NET" if name == "NEC" else name)
    colours = [class_colour(data, name) for name in classes]
    images.show(panels[-1], grey, list(zip(masks, colours, strict=True)), opacity=0.6)
    panels[-1].set_title("overlay")
    for letter, axes in zip(ascii_lowercase, panels, strict=False):
        style.panel_label(axes, letter)
    figure.suptitle(where(spec, volume, row), fontsize=8)
    images.mask_legend(
        figure, [(data.titles[name], class_colour(data, name), "fill") for name in classes]
    )
    return figure


def load_case(spec: TargetSpec, channels: list[str] | None = None) -> tuple[Dataset, Volume]:
    """Load the raw case of the option ``case``: the one of that number, or the nearest.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``.
    channels : list of str, optional
        Which channels; all by default.

    Returns
    -------
    Dataset, Volume
        The opened data set and the case.
    """
    dataset, cases = open_cases(spec)
    case = nearest_case(cases, spec.options.get("case", 1))
    return dataset, inspection.load_case(dataset, case, channels)


def open_cases(spec: TargetSpec) -> tuple[Dataset, list[str]]:
    """Open the raw data and list the cases that may be shown.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root`` and ``cases``.

    Returns
    -------
    Dataset, list of str
        The opened data set, and its cases without those that the index refused.
    """
    dataset = inspection.open_data(spec.study.dataset, spec.inputs["root"], spec.dataset_options)
    return dataset, read_tsv(spec.inputs["cases"])["case"].tolist()


def nearest_case(cases: list[str], wanted: int) -> str:
    """Find the case whose number is nearest to the wanted one.

    Parameters
    ----------
    cases : list of str
        Names that end in a number, such as ``BraTS20_Training_238``.
    wanted : int
        The number.

    Returns
    -------
    str
        The case; the lower one of two that are equally near.
    """

    def distance(case: str) -> tuple[int, str]:
        numbers = re.findall(r"\d+", case)
        return abs(int(numbers[-1]) - wanted) if numbers else 10**9, case

    return min(cases, key=distance)


def nearest(slices: np.ndarray, wanted: int) -> int:
    """Find the row of the slice whose number is nearest to the wanted one.

    Parameters
    ----------
    slices : ndarray (slice,) of int
        Slice numbers.
    wanted : int
        The number.

    Returns
    -------
    int
        A row.
    """
    return int(np.abs(np.asarray(slices) - wanted).argmin())


def nearest_with_tissue(volume: Volume, wanted: int) -> int:
    """Find the row of the slice nearest to the wanted one that is well within the head.

    Parameters
    ----------
    volume : Volume
        Background 0.
    wanted : int
        The slice's number.

    Returns
    -------
    int
        A row of a slice with at least half as many tissue pixels as the fullest one.
    """
    tissue = (volume.image != 0).all(axis=1).sum(axis=(1, 2))
    inside = np.flatnonzero(2 * tissue >= tissue.max())
    return int(inside[nearest(volume.slices[inside], wanted)])


def most_classes(mask: np.ndarray) -> int:
    """Find the slice with the most classes; of several the one whose smallest class is largest.

    Parameters
    ----------
    mask : ndarray (slice, class, height, width)
        0 or 1.

    Returns
    -------
    int
        A row; the middle one without tumour.
    """
    areas = mask.sum(axis=(2, 3), dtype=int)
    present = np.count_nonzero(areas, axis=1)
    if not present.any():
        return len(mask) // 2
    rows = np.flatnonzero(present == present.max())
    return int(rows[np.where(areas > 0, areas, np.inf)[rows].min(axis=1).argmax()])


def where(spec: TargetSpec, volume: Volume, row: int | None = None) -> str:
    """Say which volume and slice is shown, and which was wanted if it is another.

    Parameters
    ----------
    spec : TargetSpec
        With the options ``case`` and ``slice``.
    volume : Volume
        What is shown.
    row : int, optional
        The slice's row.

    Returns
    -------
    str
        For a title.
    """
    text = volume.case
    wanted = []
    case = spec.options.get("case")
    numbers = re.findall(r"\d+", volume.case)
    if case is not None and (not numbers or int(numbers[-1]) != case):
        wanted.append(f"volume {case}")
    if row is not None:
        number = int(volume.slices[row])
        text += f", slice {number}"
        if spec.options.get("slice", number) != number:
            wanted.append(f"slice {spec.options['slice']}")
    return f"{text} (nearest there is to {', '.join(wanted)})" if wanted else text


def _channel(spec: TargetSpec, dataset: Dataset) -> int:
    """Pick the channel shown: the data set's own choice, unless the option says."""
    return dataset.channels.index(spec.options.get("channel") or spec.study.data.display)


def _centre(mask: np.ndarray) -> tuple[int, int, int]:
    """Find the tumour voxel nearest to its centre; the volume's middle without tumour."""
    voxels = np.argwhere(mask)
    if not len(voxels):
        depth, row, column = (size // 2 for size in mask.shape)
        return depth, row, column
    nearest_voxel = voxels[np.abs(voxels - voxels.mean(axis=0)).sum(axis=1).argmin()]
    return tuple(int(index) for index in nearest_voxel)  # type: ignore[return-value]


def _scale_bar(axes: Axes, shape: tuple[int, ...], pixel: float) -> None:
    length = 50.0 if shape[1] * pixel > 120 else 20.0
    left, bottom = 0.05 * shape[1], 0.94 * shape[0]
    axes.plot(
        [left, left + length / pixel],
        [bottom, bottom],
        color="white",
        linewidth=1.5,
        solid_capstyle="butt",
    )
    axes.text(left, 0.925 * shape[0], f"{length:g} mm", color="white", fontsize=6.5, va="bottom")
