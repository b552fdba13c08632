"""Slices on paper: grey images, masks laid over them, and nothing else."""

import numpy as np
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
    fills: list[tuple[np.ndarray, str]] | None = None,
    outlines: list[tuple[np.ndarray, str]] | None = None,
    opacity: float = 0.45,
    aspect: float = 1.0,
    limits: tuple[float, float] | None = None,
) -> None:
    """Show a slice without ticks or frame, with masks filled or outlined.

    Parameters
    ----------
    axes : Axes
        The panel.
    image : ndarray (height, width)
        Intensities; see `to_grey`.
    fills, outlines : list of (ndarray (height, width), colour), optional
        Masks.
    opacity : float
        Of the fills.
    aspect : float
        Height of a pixel over its width.
    limits : tuple of float, optional
        See `grey_limits`.
    """
    picture = blend(to_grey(image, limits), fills or [], opacity)
    axes.imshow(picture, aspect=aspect)
    for mask, colour in outlines or []:
        if mask.any():
            axes.contour(mask.astype(float), levels=[0.5], colors=[colour], linewidths=0.9)
    bare(axes)


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
        ``fill`` or ``line``.
    """
    handles = [
        Line2D([], [], color=colour, linewidth=1.4, label=text)
        if look == "line"
        else Patch(facecolor=colour, edgecolor="none", label=text)
        for text, colour, look in entries
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        handlelength=1.2,
        columnspacing=1.4,
    )


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
