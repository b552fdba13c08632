"""Slices on paper: grey images, masks laid over them, and nothing else."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gliomake.figures import style


# NIfTI arrays run left-right first and front-back second; on paper the rows run front to back.
def upright(plane: np.ndarray, transposed: bool) -> np.ndarray:
    """Turn an axial slice so that the forehead is up and the patient's left on the right.

    Parameters
    ----------
    plane : ndarray (..., height, width)
        Slice or mask as the data set's reader gives it.
    transposed : bool
        Whether its height runs from left to right, as in slices of volumes; ``transposed`` of a
        study's ``data``.

    Returns
    -------
    ndarray (..., row, column)
        A view.
    """
    return np.swapaxes(plane, -1, -2) if transposed else plane


def background(image: np.ndarray) -> float:
    """Tell up to which intensity a pixel is background.

    Parameters
    ----------
    image : ndarray (...)
        Any unit.

    Returns
    -------
    float
        5 % of the maximum for bytes, which carry noise there; 0 for others.
    """
    return 0.05 * float(image.max(initial=0)) if image.dtype == np.uint8 else 0.0


def grey_limits(image: np.ndarray) -> tuple[float, float]:
    """Find the intensities to show as darkest tissue and as white.

    Parameters
    ----------
    image : ndarray (...)
        One channel, any unit.

    Returns
    -------
    tuple of float
        The 0.5th and 99.5th percentile of what is not background; for bytes from 0.
    """
    tissue = image[np.abs(image) > background(image)].astype(np.float64)
    if not tissue.size:
        return 0.0, 1.0
    low, high = np.percentile(tissue, [0.5, 99.5])
    if image.dtype == np.uint8:
        low = 0.0
    return (float(low), float(high)) if high > low else (float(low) - 1, float(low))


def to_grey(image: np.ndarray, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Map intensities to grey, black for the background.

    Parameters
    ----------
    image : ndarray (height, width)
        One channel, any unit.
    limits : tuple of float, optional
        See `grey_limits`, from which they come if not given.

    Returns
    -------
    ndarray (height, width) of float
        0 to 1. Where intensities may be negative the darkest tissue is not quite black.
    """
    low, high = limits or grey_limits(image)
    grey = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    if low < 0:
        grey = 0.08 + 0.92 * grey
    return np.where(image != 0, grey, 0.0)


def tissue_box(images: np.ndarray, margin: int = 3) -> tuple[slice, slice]:
    """Find the square that holds all that is not background.

    Parameters
    ----------
    images : ndarray (..., height, width)
        Slices that are cut alike.
    margin : int
        Pixels left around.

    Returns
    -------
    tuple of slice
        Rows and columns; the whole image where there is nothing.
    """
    height, width = images.shape[-2:]
    seen = (np.abs(images) > background(images)).reshape(-1, height, width).any(axis=0)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return slice(0, height), slice(0, width)
    side = min(max(np.ptp(rows), np.ptp(columns)) + 1 + 2 * margin, height, width)

    def centred(found: np.ndarray, limit: int) -> slice:
        start = int(np.clip((found[0] + found[-1] + 1 - side) // 2, 0, limit - side))
        return slice(start, start + int(side))

    return centred(rows, height), centred(columns, width)


def tissue_cuboid(volume: np.ndarray, margin: int = 2) -> tuple[slice, slice, slice]:
    """Find the cuboid that holds all that is not background.

    Parameters
    ----------
    volume : ndarray (depth, row, column)
        One channel.
    margin : int
        Voxels left around.

    Returns
    -------
    tuple of slice
        One an axis; the whole volume where there is nothing.
    """
    seen = np.abs(volume) > background(volume)
    found = []
    for axis in range(volume.ndim):
        others = tuple(other for other in range(volume.ndim) if other != axis)
        at = np.flatnonzero(seen.any(axis=others))
        if not at.size:
            return tuple(slice(0, size) for size in volume.shape)  # type: ignore[return-value]
        found.append(slice(max(at[0] - margin, 0), at[-1] + 1 + margin))
    return tuple(found)  # type: ignore[return-value]


def blend(grey: np.ndarray, masks: list[tuple[np.ndarray, str]], opacity: float) -> np.ndarray:
    """Lay masks over a grey image.

    Parameters
    ----------
    grey : ndarray (height, width)
        0 to 1.
    masks : list of (ndarray (height, width), colour)
        Laid on in this order.
    opacity : float
        Of the masks, 0 to 1.

    Returns
    -------
    ndarray (height, width, 3) of uint8
        One picture, so that an SVG holds it once; 64 greys, which halves it there.
    """
    picture = np.repeat(np.rint(grey * 63)[..., None] / 63, 3, axis=-1)
    for mask, colour in masks:
        inside = mask.astype(bool)
        picture[inside] = (1 - opacity) * picture[inside] + opacity * np.array(to_rgb(colour))
    return np.rint(picture * 255).astype(np.uint8)


def show(
    axes: Axes,
    image: np.ndarray,
    outlines: list[tuple[np.ndarray, str]] | None = None,
    aspect: float = 1.0,
    limits: tuple[float, float] | None = None,
) -> None:
    """Show a slice without ticks or frame, masks outlined, as a fill hides what it should show.

    Parameters
    ----------
    axes : Axes
        The panel.
    image : ndarray (height, width)
        Intensities; see `to_grey`.
    outlines : list of (ndarray (height, width), colour), optional
        Masks.
    aspect : float
        Height of a pixel over its width.
    limits : tuple of float, optional
        See `grey_limits`.
    """
    picture = blend(to_grey(image, limits), [], 1.0)
    axes.imshow(picture, aspect=aspect)
    for mask, colour in outlines or []:
        outline(axes, mask, colour)
    bare(axes)


def outline(
    axes: Axes, mask: np.ndarray, colour: str, *, dashed: bool = False, width: float = 0.9
) -> None:
    """Draw the edge of a mask on a picture.

    Parameters
    ----------
    axes : Axes
        The panel, with the picture.
    mask : ndarray (height, width)
        0 or 1; an empty one has no edge.
    colour : str
        Of the line.
    dashed : bool
        Whether the line is dashed.
    width : float
        Of the line, points.
    """
    if not mask.any():
        return
    # A rim of background, so that the edge closes where a mask ends with the picture.
    rows, columns = mask.shape
    axes.contour(
        np.arange(-1, columns + 1),
        np.arange(-1, rows + 1),
        np.pad(mask.astype(float), 1),
        levels=[0.5],
        colors=[colour],
        linewidths=width,
        linestyles=[(0, (2, 1.5))] if dashed else "solid",
    )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)


def compare(
    axes: Axes, image: np.ndarray, truth: np.ndarray, mask: np.ndarray, colours: tuple[str, str]
) -> None:
    """Show a slice with the edges of truth and prediction; where they agree both are seen.

    Parameters
    ----------
    axes : Axes
        The panel.
    image : ndarray (height, width)
        Intensities; see `to_grey`.
    truth, mask : ndarray (height, width)
        0 or 1.
    colours : tuple of str
        Of truth and prediction.
    """
    show(axes, image)
    outline(axes, truth, colours[0], width=1.6)
    outline(axes, mask, colours[1], width=0.8)


def show_mask(axes: Axes, mask: np.ndarray, colour: str, aspect: float = 1.0) -> None:
    """Show a mask alone, coloured on black.

    Parameters
    ----------
    axes : Axes
        The panel.
    mask : ndarray (height, width)
        0 or 1.
    colour : str
        Of the pixels that are 1.
    aspect : float
        Height of a pixel over its width.
    """
    axes.imshow(blend(np.zeros(mask.shape), [(mask, colour)], 1.0), aspect=aspect)
    bare(axes)


def bare(axes: Axes) -> None:
    """Take ticks and frame from a panel, not its labels.

    Parameters
    ----------
    axes : Axes
        The panel.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def mask_legend(figure: Figure, entries: list[tuple[str, str, str]]) -> None:
    """Explain the colours of masks below a figure.

    Parameters
    ----------
    figure : Figure
        The figure.
    entries : list of (text, colour, look)
        ``fill``, ``line``, or ``dash``, which is shown on black, as on a picture.
    """
    handles = [_handle(colour, look) for _, colour, look in entries]
    figure.legend(
        handles,
        [text for text, _, _ in entries],
        loc="outside lower center",
        ncols=len(handles),
        handlelength=1.2,
        columnspacing=1.4,
    )


def _handle(colour: str, look: str) -> Any:
    if look == "fill":
        return Patch(facecolor=colour, edgecolor="none")
    if look == "line":
        line = Line2D([], [], color=colour, linewidth=1.4)
        # What shines on a dark picture is lost on paper, without an edge.
        faint = style.contrast(colour, "white") < 1.6
        return (Line2D([], [], color=style.GREY, linewidth=2.4), line) if faint else line
    dashed = Line2D([], [], color=colour, linewidth=1.2, linestyle=(0, (2, 1.5)))
    return Line2D([], [], color="black", linewidth=4.5), dashed


def slice_name(patient: str, number: int) -> str:
    """Name a slice for a label, on two lines where it has a patient.

    Parameters
    ----------
    patient : str
        Empty in a data set without patients.
    number : int
        The slice, or the image where there are no patients.

    Returns
    -------
    str
        The name; a TCGA folder loses the parts that all share.
    """
    if not patient:
        return f"image {number}"
    parts = patient.split("_")
    short = "_".join(parts[1:3]) if parts[0] == "TCGA" and len(parts) > 2 else patient
    return f"{short}\nslice {number}"


def amount(slices: pd.DataFrame, patients: bool) -> str:
    """Say of how many slices with tumour, and of how many patients, a figure shows some.

    Parameters
    ----------
    slices : DataFrame
        A row a slice with tumour; ``patient``.
    patients : bool
        Whether the data set says whose its slices are; else they are images.

    Returns
    -------
    str
        For a title.
    """
    if not patients:
        return f"{len(slices)} image{'s' * (len(slices) != 1)} with tumour"
    people = slices["patient"].nunique()
    return (
        f"{len(slices)} slice{'s' * (len(slices) != 1)} with tumour "
        f"of {people} patient{'s' * (people != 1)}"
    )


def grid(
    figure_width: float, rows: int, columns: int, *, extra: float = 0.55, label: float = 0.8
) -> Figure:
    """Make a figure for a grid of square pictures.

    Parameters
    ----------
    figure_width : float
        Inches.
    rows, columns : int
        Size of the grid.
    extra : float
        Height left for titles and legend, inches.
    label : float
        Width left for labels of rows, inches.

    Returns
    -------
    Figure
        Without axes yet; as high as the pictures need.
    """
    side = (figure_width - label) / columns
    return style.new_figure(figure_width, rows * (side + 0.02) + extra)
