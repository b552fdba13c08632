"""COCO segmentations: drawn as masks by pycocotools, which is given only what it can bear.

Its code in C counts the points of an outline in an ``int`` and does not check its arrays, so that a
far coordinate or a spoilt run-length code ends the process. Everything is checked before.
"""

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from gliomake.datasets.root import Limits

EXPORT = "correct the JSON or export it again, or leave the image out"

PIXELS_A_POINT = 20
"""Length that an outline may have, pixels for each point of ``limits.polygon_points``.

pycocotools walks an outline in fifths of a pixel and keeps 16 bytes a step.
"""

_LONGEST_RUN = 6  # characters; pycocotools shifts an int by 5 bits for each


class SegmentationError(ValueError):
    """A segmentation that cannot be drawn.

    Parameters
    ----------
    found, expected, advice : str
        What it holds, what it should hold, what the user can do.
    """

    def __init__(self, found: str, expected: str, advice: str = EXPORT):
        super().__init__(f"{found}; expected {expected}")
        self.found = found
        self.expected = expected
        self.advice = advice


def encode(
    segmentation: Any, size: tuple[int, ...], limits: Limits | None = None
) -> dict[str, Any]:
    """Turn polygons or a run-length code into the run-length code of pycocotools.

    Parameters
    ----------
    segmentation : list of lists, or dict
        Polygons ``[x, y, x, y, ...]`` in pixels, or ``{"counts", "size"}`` with the counts as a
        list (uncompressed) or a string (compressed).
    size : tuple of int
        Height and width of the image.
    limits : Limits, optional
        Its ``polygon_points`` bounds the points of a polygon and the length of its outline.

    Returns
    -------
    dict
        ``size`` and ``counts``; polygons are united and clipped to the image.

    Raises
    ------
    SegmentationError
        If it is neither, does not fit the image, or is larger than the limits.
    """
    height, width = size
    if isinstance(segmentation, dict):
        runs = _run_lengths(segmentation, height, width)
        code: dict[str, Any] = coco_mask.frPyObjects(
            {"size": [height, width], "counts": runs}, height, width
        )
        return code
    polygons = _polygons(segmentation, size, limits or Limits())
    return unite(coco_mask.frPyObjects(polygons, height, width))


def unite(codes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the union of run-length codes of one size, at least one of them."""
    # A few at a time: the work grows with the codes' length, not with its square.
    while len(codes) > 1:
        codes = [coco_mask.merge(list(codes[at : at + 8])) for at in range(0, len(codes), 8)]
    return codes[0]


def draw(segmentation: Any, size: tuple[int, ...], limits: Limits | None = None) -> np.ndarray:
    """Draw polygons or a run-length code; for parameters and errors see `encode`.

    Returns
    -------
    ndarray, (height, width) uint8
        0 or 1; polygons are clipped to the image.
    """
    mask: np.ndarray = coco_mask.decode(encode(segmentation, size, limits))
    return mask


def outline_length(segmentation: Any) -> float:
    """Return the length of polygons that `encode` takes, in pixels of its larger direction."""
    if isinstance(segmentation, dict):
        return 0.0
    total = 0.0
    for polygon in segmentation:
        points = np.reshape(np.asarray(polygon, float), (-1, 2))
        total += float(np.abs(points - np.roll(points, 1, axis=0)).max(axis=1).sum())
    return total


def is_box(segmentation: Any, size: tuple[int, ...]) -> bool:
    """Return whether a segmentation is made of axis-aligned rectangles only.

    Parameters
    ----------
    segmentation, size
        As for `encode`, which takes it; a run-length code is a box if its pixels fill their
        bounding box.
    """
    if isinstance(segmentation, dict):
        code = encode(segmentation, size)
        width, height = coco_mask.toBbox(code)[2:]
        return bool(0 < int(coco_mask.area(code)) == width * height)
    return all(_is_rectangle(np.reshape(polygon, (-1, 2))) for polygon in segmentation)


def box_share(annotations: Sequence[dict[str, Any]], size: tuple[int, ...]) -> tuple[int, int]:
    """Count the annotations that are boxes, and all of them."""
    boxes = sum(is_box(annotation["segmentation"], size) for annotation in annotations)
    return boxes, len(annotations)


def _polygons(segmentation: Any, size: tuple[int, ...], limits: Limits) -> list[list[float]]:
    expected = "polygons [x, y, x, y, x, y, ...] or a run-length code"
    if not isinstance(segmentation, list) or not segmentation:
        raise SegmentationError(f"no segmentation ({reprlib.repr(segmentation)})", expected)
    if type(segmentation[0]) in (int, float):
        raise SegmentationError(f"one flat list {reprlib.repr(segmentation)}", expected)
    lowest, highest = np.inf, -np.inf
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise SegmentationError(f"a polygon {reprlib.repr(polygon)}", expected)
        if len(polygon) > 2 * limits.polygon_points:
            raise SegmentationError(
                f"a polygon of {len(polygon) // 2} points",
                f"at most {limits.polygon_points} (limits.polygon_points)",
                "check the outline, or raise the limit for this data set",
            )
        points = _points(polygon)
        _check_inside(points, size)
        lowest, highest = min(lowest, points.min()), max(highest, points.max())
    if lowest >= 0 and highest <= 1 and min(size) > 2:
        raise SegmentationError(
            "coordinates that all lie between 0 and 1, as shares of the image do",
            "pixels",
            "multiply them by the image's width and height, or export in pixels",
        )
    if outline_length(segmentation) > PIXELS_A_POINT * limits.polygon_points:
        raise SegmentationError(
            f"outlines of {outline_length(segmentation):.0f} pixels' length",
            f"at most {PIXELS_A_POINT} for each of {limits.polygon_points} (limits.polygon_points)",
            "check the outlines, or raise the limit for this data set",
        )
    # With four numbers pycocotools takes the list itself for a bounding box.
    return segmentation


def _points(polygon: list[Any]) -> np.ndarray:
    """Return a polygon's points, (point, 2) float64."""
    # A boolean is a whole number to Python.
    if not all(type(value) in (int, float) for value in polygon):
        raise SegmentationError(f"a polygon {reprlib.repr(polygon)}", "finite numbers")
    try:
        points = np.array(polygon, float)
    except OverflowError:
        points = np.array([np.inf])
    if not np.isfinite(points).all():
        raise SegmentationError(f"a polygon {reprlib.repr(polygon)}", "finite numbers")
    return points.reshape(-1, 2)


def _check_inside(points: np.ndarray, size: tuple[int, ...]) -> None:
    """Refuse points that lie further outside than the image is large; nearer ones are clipped."""
    extent = np.array([size[1], size[0]], float)
    beyond = np.maximum(-points, points - extent) / extent
    if beyond.max() > 1:
        axis = int(beyond.max(axis=0).argmax())
        value = points[int(beyond[:, axis].argmax()), axis]
        raise SegmentationError(
            f"a coordinate {'xy'[axis]} = {value:g} far outside the image",
            f"0 to {extent[axis]:g}, or a little beyond",
            "correct the JSON, or export it again for images of this size",
        )


def _run_lengths(code: dict[str, Any], height: int, width: int) -> list[int]:
    """Return the lengths of a code's runs, of 0 and 1 in turn, those of nothing taken out."""
    counts, size = code.get("counts"), code.get("size")
    pixels = height * width
    whole = isinstance(size, list) and all(type(value) is int for value in size)
    if not whole or size != [height, width]:
        raise SegmentationError(
            f"a run-length code of size {reprlib.repr(size)}", f"{[height, width]}, the image's"
        )
    if not isinstance(counts, list | str):
        raise SegmentationError(f"counts of type {type(counts).__name__}", "a list or a string")
    if len(counts) > (pixels + 2) * (1 if isinstance(counts, list) else _LONGEST_RUN):
        raise SegmentationError(
            f"a run-length code of {len(counts)} counts", f"no more than {pixels} pixels need"
        )
    if isinstance(counts, str):
        runs = _decompress(counts, pixels)
    elif not all(type(run) is int and run >= 0 for run in counts):
        raise SegmentationError(
            f"run lengths that add up to {reprlib.repr(counts)}", f"{pixels}, the image's pixels"
        )
    elif (total := sum(counts)) != pixels:
        raise SegmentationError(
            f"run lengths that add up to {total}", f"{pixels}, the image's pixels"
        )
    else:
        runs = np.array(counts, np.int64)
    # Two ends at one place cancel: pycocotools stops at a run of nothing when it unites.
    ends, repeats = np.unique(np.cumsum(runs)[:-1], return_counts=True)
    kept = ends[(repeats % 2 == 1) & (ends < pixels)]
    lengths: list[int] = np.diff(np.concatenate([[0], kept, [pixels]])).tolist()
    return lengths


def _decompress(counts: str, pixels: int) -> np.ndarray:
    """Decode a compressed code's lengths: pycocotools writes past its array on a bad one.

    The code is that of ``rleFrString`` in pycocotools: base 32 with a continuation bit, offset by
    48, and from the fourth run on the difference to the run two before.
    """
    codes = np.frombuffer(counts.encode("utf-32-le", "surrogatepass"), np.uint32)
    digits = codes.astype(np.int64) - 48
    if odd := [counts[at] for at in np.flatnonzero((digits < 0) | (digits >= 64))[:1]]:
        raise SegmentationError(f"a run-length code with the character {odd[0]!r}", "COCO's")
    last = np.flatnonzero(digits & 32 == 0)
    starts = np.concatenate([[0], last[:-1] + 1]) if len(last) else np.zeros(0, np.int64)
    lengths = last - starts + 1
    whole = len(last) > 0 and last[-1] == len(digits) - 1
    if not whole or lengths.max() > _LONGEST_RUN:
        raise SegmentationError(
            "a run-length code that is cut or spoilt", f"one of {pixels} pixels"
        )
    place = 5 * (np.arange(len(digits)) - np.repeat(starts, lengths))
    values = np.add.reduceat((digits & 31) << place, starts)
    values -= np.where(digits[last] & 16, np.int64(1) << (5 * lengths), 0)
    runs = values.copy()
    runs[1::2], runs[2::2] = np.cumsum(values[1::2]), np.cumsum(values[2::2])
    if np.any(runs < 0) or runs.sum() != pixels:
        raise SegmentationError(
            f"a run-length code for {runs.sum()} pixels", f"{pixels}, the image's"
        )
    return runs


def _is_rectangle(points: np.ndarray) -> bool:
    """Return whether (x, y) points walk round an axis-aligned rectangle and nothing else."""
    corners = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
    steps = np.roll(corners, -1, axis=0) - corners
    if len(corners) < 4 or np.any((steps != 0).all(axis=1)):
        return False
    x, y = corners.T
    on_edge = (x == x.min()) | (x == x.max()) | (y == y.min()) | (y == y.max())
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    # Points along an edge do no harm; walking the full box is what counts.
    return bool(on_edge.all() and area > 0 and np.isclose(area, np.ptp(x) * np.ptp(y)))
