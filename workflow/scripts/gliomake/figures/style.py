"""One look for all figures: colours, type, sizes, and how a figure becomes a file."""

from math import isnan
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import Bbox

from gliomake.files.atomic import atomic_path

SINGLE = 3.5
# Of a note: letters an inch that fit for certain, and the height of a line in inches.
LETTERS, LINE = 20, 0.11
DOUBLE = 7.2
# Of the PNG; the layout is measured at it, because hinted text is up to a tenth wider than at 100.
DOTS_PER_INCH = 200

# Okabe and Ito's palette: told apart with every form of colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, SHADE, FAINT = "#6B6B6B", "#9E9E9E", "#D9D9D9"

TRUTH, PREDICTION = SKY, ORANGE
TRAIN, VALIDATION, KEPT = BLUE, VERMILION, GREEN
TIMES = "\u00d7"
SUBSETS = {"train": "training", "val": "validation", "test": "test"}

# Any: matplotlib types the keys as literals, all of them.
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "figure.titlesize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlepad": 4,
    "axes.labelpad": 3,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "patch.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "image.cmap": "gray",
    "image.origin": "upper",
    # Text stays text that can be searched; the same data give the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "gliomake",
}


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure that lays itself out.

    Parameters
    ----------
    width, height : float
        Size in inches; `SINGLE` and `DOUBLE` are the columns of a journal.

    Returns
    -------
    Figure
        With constrained layout.
    """
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.03, wspace=0.02, hspace=0.03)  # type: ignore[union-attr, call-arg]
    return figure


def percent(share: float, digits: int = 0) -> str:
    """Write a share in percent, as everywhere in the report.

    Parameters
    ----------
    share : float
        0 to 1; NaN is undefined.
    digits : int
        After the point.

    Returns
    -------
    str
        With a space before the sign.

    Examples
    --------
    >>> percent(0.312), percent(0.887, 1), percent(float("nan"))
    ('31 %', '88.7 %', 'undefined')
    """
    return "undefined" if isnan(share) else f"{100 * share:.{digits}f} %"


def contrast(one: Any, other: Any) -> float:
    """Compute the contrast of two colours, as WCAG 2 defines it.

    Parameters
    ----------
    one, other : colour
        Anything that matplotlib takes.

    Returns
    -------
    float
        1 (the same lightness) to 21 (black on white); text wants 4.5.

    Examples
    --------
    >>> contrast("white", "black")
    21.0
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def text_colour(background: Any) -> str:
    """Choose black or white for text, whichever is read more easily.

    Parameters
    ----------
    background : colour
        What the text stands on.

    Returns
    -------
    str
        ``black`` or ``white``; the contrast is at least 4.5 on any colour.
    """
    return max(("black", "white"), key=lambda colour: contrast(colour, background))


def _luminance(colour: Any) -> float:
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in to_rgb(colour)
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def panel_label(axes: Axes, letter: str) -> None:
    """Put a bold letter at the upper left of a panel, above the axes.

    Parameters
    ----------
    axes : Axes
        The panel; its own title stays centred.
    letter : str
        ``a``, ``b``, ...
    """
    axes.set_title(letter, loc="left", fontweight="bold", fontsize=9)


def row_label(axes: Axes, text: str) -> None:
    """Write a row's name beside its first panel.

    Parameters
    ----------
    axes : Axes
        The first panel of the row; its ticks are taken away.
    text : str
        One or more short lines.
    """
    axes.set_ylabel(text, rotation=0, ha="right", va="center", labelpad=4, fontsize=7.5)


def save_figure(figure: Figure, svg: str | Path, png: str | Path, note: str = "") -> None:
    """Write a figure as SVG and as PNG.

    Parameters
    ----------
    figure : Figure
        The figure.
    svg, png : str or Path
        Where to; each appears whole or not at all.
    note : str
        Written small and grey below the lower right corner, in as many lines as it takes.
    """
    width, height = figure.get_size_inches()
    # The note stands on a strip below the figure, so that it cannot meet what is drawn.
    lines = [part for line in note.splitlines() for part in wrap(line, int(width * LETTERS))]
    strip = 0.16 + LINE * (len(lines) - 1) if note else 0.0
    if note:
        figure.text(
            0.995,
            -0.03 / height,
            "\n".join(lines),
            ha="right",
            va="top",
            fontsize=6.5,
            color=GREY,
            in_layout=False,
        )
    # Its title goes with the file, for the page that shows it and for whoever takes it elsewhere.
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    title = ", ".join(next(filter(None, titles), "").splitlines())
    page = Bbox.from_bounds(0, -strip, width, height + strip)
    images: list[AxesImage] = figure.findobj(AxesImage)
    with matplotlib.rc_context(STYLE):
        figure.draw_without_rendering()
        _freeze_layout(figure)
        for legend in figure.legends:
            # Laid out by now; else it would slip onto the strip.
            legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)
        # Pixels go into the SVG as they are, and are resampled once for the PNG.
        for suffix, path, interpolation in ((".svg", svg, "none"), (".png", png, "antialiased")):
            for image in images:
                image.set_interpolation(interpolation)
            absent = "Date" if suffix == ".svg" else "Software"
            metadata = {absent: None, **({"Title": title} if title else {})}
            with atomic_path(path) as temporary:
                figure.savefig(
                    temporary,
                    format=suffix[1:],
                    dpi=DOTS_PER_INCH,
                    metadata=metadata,
                    bbox_inches=page,
                )


def _freeze_layout(figure: Figure) -> None:
    """Keep the layout as it is, rounded: the solver's last digits change from run to run."""
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, wide, tall = axes.get_position(original=True).bounds
        axes.set_position((round(left, 5), round(bottom, 5), round(wide, 5), round(tall, 5)))
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((round(float(x), 5), round(float(y), 5)))
