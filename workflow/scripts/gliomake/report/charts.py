"""Small charts of a page: marks that a template writes as inline SVG, and verification reads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple


class Mark(NamedTuple):
    """One shape or text of a chart.

    Attributes
    ----------
    tag : str
        ``line``, ``circle``, ``polyline`` or ``text`` of SVG.
    attributes : dict of str to str
        Its attributes; lengths are pixels from the top left corner.
    words : str
        What a text says; of a shape, what a pointer that rests on it is told.
    """

    tag: str
    attributes: dict[str, str]
    words: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart with its alternative text.

    Attributes
    ----------
    id : str
        Unique in the page.
    title : str
        What stands under it.
    words : str
        What it shows, in place of the picture.
    width, height : int
        Pixels.
    marks : tuple of Mark
        In the order of drawing.
    """

    id: str
    title: str
    words: str
    width: int
    height: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Scale:
    """A linear axis, from numbers to places.

    Attributes
    ----------
    low, high : float
        Numbers at its ends.
    start, end : float
        Their places, pixels; the end of a vertical axis lies above its start.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Place a number; what is beyond an end stands on it.

        >>> Scale(0, 2, 100, 0).at(0.5), Scale(0, 2, 100, 0).at(3)
        (75.0, 0.0)
        """
        span = (self.high - self.low) or 1.0
        inside = min(max(value, self.low), self.high)
        return round(self.start + (self.end - self.start) * (inside - self.low) / span, 1)


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "axis", words: str = "") -> Mark:
    """Draw a line; `kind` is a class of the style sheet."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return Mark("line", {**{name: f"{end:g}" for name, end in ends.items()}, "class": kind}, words)


def dot(x: float, y: float, radius: float = 3, kind: str = "", words: str = "") -> Mark:
    """Draw a dot."""
    place = {"cx": f"{x:g}", "cy": f"{y:g}", "r": f"{radius:g}"}
    return Mark("circle", place | ({"class": kind} if kind else {}), words)


def path(points: Iterable[tuple[float, float]], kind: str = "curve") -> Mark:
    """Draw a line through points; those on one place in a row are drawn once."""
    places = (place for place, _ in groupby(f"{x:g},{y:g}" for x, y in points))
    return Mark("polyline", {"points": " ".join(places), "class": kind})


def label(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> Mark:
    """Write a text; `anchor` is which end of it stands at `x`: ``start``, ``middle``, ``end``."""
    place = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor}
    return Mark("text", place | ({"class": kind} if kind else {}), words)


def reach(
    across: Scale,
    height: float,
    value: float,
    ends: tuple[float | None, float | None],
    kind: str = "",
    words: str = "",
) -> Iterator[Mark]:
    """Draw a number as a dot, on the ends of its interval where it has one."""
    low, high = ends
    if low is not None and high is not None:
        yield line(across.at(low), height, across.at(high), height, f"reach {kind}".strip(), words)
    yield dot(across.at(value), height, 4, kind, words)


SIDE, LEFT, TOP = 190, 30, 24
"""A square plot: pixels of a side, and left and above of it."""


def square(low: float = 0.0, high: float = 1.0) -> tuple[Scale, Scale]:
    """Give both axes of a square plot, from `low` to `high` along both."""
    return Scale(low, high, LEFT, LEFT + SIDE), Scale(low, high, TOP + SIDE, TOP)


def framed(
    id_: str,
    title: str,
    words: str,
    axes: tuple[str, str],
    ticks: Sequence[Mapping[float, str]],
    marks: Iterable[Mark],
) -> Chart:
    """Draw a square plot with its axes.

    Parameters
    ----------
    id_, title, words : str
        As of `Chart`.
    axes : (str, str)
        What stands across and what stands up.
    ticks : sequence of dict of float to str
        Words at places, pixels: of the axis across, then of the one up.
    marks : iterable of Mark
        What is drawn within.

    Returns
    -------
    Chart
        The plot.
    """
    floor, right = TOP + SIDE, LEFT + SIDE
    below, beside = ticks
    drawn = [line(LEFT, floor, right, floor), line(LEFT, TOP, LEFT, floor), *marks]
    drawn += [label(place, floor + 14, text, "middle") for place, text in below.items()]
    drawn += [label(LEFT - 6, place + 4, text, "end") for place, text in beside.items()]
    drawn += [label(LEFT, 12, axes[1]), label(right, floor + 30, axes[0], "end")]
    return Chart(id_, title, words, right + 20, floor + 42, tuple(drawn))
