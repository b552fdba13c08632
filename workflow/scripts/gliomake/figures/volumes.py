"""One raw volume: its modalities, its planes, its mask channels."""

from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gliomake.datasets import Dataset
from gliomake.datasets.spec import class_colour
from gliomake.figures import images, style
from gliomake.figures.cases import (
    MODALITIES,
    load_case,
    most_classes,
    nearest,
    nearest_with_tissue,
    number_of,
    where,
)
from gliomake.study.targets import TargetSpec

PLANES_HEIGHT = 3.4
"""Of the axial plane at most, inches."""


def modalities(spec: TargetSpec) -> Figure:
    """Show the channels of one slice.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root``, ``cases`` and ``slices``. Options ``case`` and ``slice``: the wanted
        numbers. Of the wanted case the nearest slice with at least half as much tissue as the
        fullest one is shown; of a case that stands in for it the slice with most classes, as a
        number means nothing there. The title says which.

    Returns
    -------
    Figure
        One panel a modality.
    """
    dataset, volume = load_case(spec)
    wanted = spec.options.get("slice")
    row = most_classes(volume.mask)
    if wanted is not None and number_of(volume.case) == spec.options.get("case"):
        row = nearest_with_tissue(volume, wanted)
    figure = images.grid(style.DOUBLE, 1, len(dataset.channels), label=0.1, extra=0.42)
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


class Cut(NamedTuple):
    """A plane through a volume, its rows from the forehead or from the crown down.

    Attributes
    ----------
    name : str
        ``axial``, ``coronal`` or ``sagittal``.
    plane, tumour : ndarray (row, column)
        Intensities, and 0 or 1.
    tall, wide : float
        Of a pixel, millimetres.
    row, column : int
        Where the other two planes cut it.
    """

    name: str
    plane: np.ndarray
    tumour: np.ndarray
    tall: float
    wide: float
    row: int
    column: int

    @property
    def shape(self) -> float:
        """Height over width."""
        return self.plane.shape[0] * self.tall / (self.plane.shape[1] * self.wide)


def planes(spec: TargetSpec) -> Figure:
    """Show the axial, coronal and sagittal plane through the middle of the tumour.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root``, ``cases`` and ``slices``. Options ``case`` and ``channel`` (default: that
        of the data set's page).

    Returns
    -------
    Figure
        Three panels, each with a scale bar and the lines along which the others cut: the axial
        one as high as the other two above each other.
    """
    dataset, volume = load_case(spec)
    channel = _channel(spec, dataset)
    image, mask = volume.image[:, channel], volume.mask.max(axis=1)
    if not spec.study.data.transposed:
        image, mask = np.swapaxes(image, 1, 2), np.swapaxes(mask, 1, 2)
    head = images.tissue_cuboid(image)
    cuts = three_cuts(image[head], mask[head], volume.spacing or (1.0, 1.0, 1.0))
    figure, panels = _beside_and_stacked([cut.shape for cut in cuts])
    limits = images.grey_limits(image)
    for letter, axes, cut in zip("abc", panels, cuts, strict=True):
        outlines, aspect = [(cut.tumour, style.TRUTH)], cut.tall / cut.wide
        images.show(axes, cut.plane, outlines=outlines, aspect=aspect, limits=limits)
        for draw, at in ((axes.axhline, cut.row), (axes.axvline, cut.column)):
            draw(at, color=style.YELLOW, linewidth=0.5, linestyle=(0, (4, 3)))
        axes.set_anchor("N")
        axes.set_title(f"{cut.name} plane")
        style.panel_label(axes, letter)
        if volume.spacing is not None:
            _scale_bar(axes, cut.plane.shape, cut.wide)
    names = MODALITIES.get(dataset.channels[channel], dataset.channels[channel])
    figure.suptitle(f"{where(spec, volume)}, {names}", fontsize=8)
    images.mask_legend(
        figure, [("tumour", style.TRUTH, "line"), ("the other two planes", style.YELLOW, "line")]
    )
    return figure


def three_cuts(
    image: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float]
) -> list[Cut]:
    """Cut a volume through the tumour voxel nearest to the tumour's centre.

    Parameters
    ----------
    image, mask : ndarray (z, x, y)
        Intensities, and 0 or 1.
    spacing : tuple of float
        Of x, y and z, millimetres.

    Returns
    -------
    list of Cut
        Axial, coronal, sagittal; pictures have the forehead or the crown at the top.
    """
    depth, x, y = _centre(mask)
    wide, deep, tall = spacing
    down = len(image) - 1 - depth
    return [
        Cut("axial", image[depth].T, mask[depth].T, deep, wide, y, x),
        Cut("coronal", image[::-1, :, y], mask[::-1, :, y], tall, wide, down, x),
        Cut("sagittal", image[::-1, x, :], mask[::-1, x, :], tall, deep, down, y),
    ]


def _beside_and_stacked(shapes: list[float]) -> tuple[Figure, list[Axes]]:
    """Make a tall panel, and beside it two above each other that are together as high."""
    tall, upper, lower = shapes
    stacked, between, margin = upper + lower, 0.25, 0.3
    left = (style.DOUBLE - margin + between / stacked) / (1 + tall / stacked)
    left = min(left, PLANES_HEIGHT / tall)
    height = left * tall
    right = (height - between) / stacked
    figure = style.new_figure(left + right + margin, height + 0.75)
    cells = figure.add_gridspec(2, 2, width_ratios=(left, right), height_ratios=(upper, lower))
    return figure, [figure.add_subplot(cell) for cell in (cells[:, 0], cells[0, 1], cells[1, 1])]


def mask_channels(spec: TargetSpec) -> Figure:
    """Show the mask's channels, and their edges on the image.

    Parameters
    ----------
    spec : TargetSpec
        Needs ``root``, ``cases`` and ``slices``. Options ``case``, ``slice`` (default: see
        `most_classes`) and ``channel`` (default: that of the data set's page).

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
    figure = images.grid(style.DOUBLE, 1, len(classes) + 2, label=0.1, extra=0.7)
    panels = figure.subplots(1, len(classes) + 2)
    images.show(panels[0], grey)
    panels[0].set_title(MODALITIES.get(dataset.channels[channel], dataset.channels[channel]))
    for axes, name, mask in zip(panels[1:-1], classes, masks, strict=True):
        images.show_mask(axes, mask, class_colour(data, name))
        axes.set_title("NEC/NET" if name == "NEC" else name)
    colours = [class_colour(data, name) for name in classes]
    images.show(panels[-1], grey, outlines=list(zip(masks, colours, strict=True)))
    panels[-1].set_title("overlay")
    for letter, axes in zip(ascii_lowercase, panels, strict=False):
        style.panel_label(axes, letter)
    figure.suptitle(where(spec, volume, row), fontsize=8)
    images.mask_legend(
        figure, [(data.titles[name], class_colour(data, name), "fill") for name in classes]
    )
    return figure


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
