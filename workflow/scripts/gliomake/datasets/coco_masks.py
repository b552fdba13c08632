"""COCO segmentations: drawn as masks, and told apart into outlines and boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask


class SegmentationError(ValueError):
    """A segmentation that cannot be drawn.

    Parameters
    ----------
    found, expected : str
        What it holds and what it should hold.
    """

    def __init__(self, found: str, expected: str):
        super().__init__(f"{found}; expected {expected}")
        self.found = found
        self.expected = expected


def draw(segmentation: Any, size: tuple[int, ...]) -> np.ndarray:
    """Draw polygons or a run-length code.

    Parameters
    ----------
    segmentation : list of lists, or dict
        Polygons ``[x, y, x, y, ...]`` in pixels, or ``{"counts", "size"}`` with the counts as a
        list (uncompressed) or a string (compressed).
    size : tuple of int
        Height and width of the image.

    Returns
    -------
    ndarray, (height, width) uint8
        0 or 1; polygons are clipped to the image.

    Raises
    ------
    SegmentationError
        If it is neither, or does not fit the image.
    """
    height, width = size
    if isinstance(segmentation, dict):
        return coco_mask.decode(_run_lengths(segmentation, height, width))
    polygons = _polygons(segmentation)
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, height, width)))


def is_box(segmentation: Any, size: tuple[int, ...]) -> bool:
    """Tell whether a segmentation is made of axis-aligned rectangles only.

    Parameters
    ----------
    segmentation, size
        As for `draw`; a run-length code is a box if its pixels fill their bounding box.
    """
    if isinstance(segmentation, dict):
        mask = draw(segmentation, size)
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return False
        return bool(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all())
    return all(_is_rectangle(np.reshape(polygon, (-1, 2))) for polygon in _polygons(segmentation))


def box_share(annotations: Sequence[dict[str, Any]], size: tuple[int, ...]) -> tuple[int, int]:
    """Count the annotations that are boxes, and all of them."""
    boxes = sum(is_box(annotation["segmentation"], size) for annotation in annotations)
    return boxes, len(annotations)


def _polygons(segmentation: Any) -> list[list[float]]:
    expected = "polygons [x, y, x, y, x, y, ...] or a run-length code"
    if not isinstance(segmentation, list) or not segmentation:
        raise SegmentationError(f"no segmentation ({segmentation!r})", expected)
    for polygon in segmentation:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise SegmentationError(f"a polygon {str(polygon)[:80]}", expected)
        if not all(isinstance(value, int | float) and np.isfinite(value) for value in polygon):
            raise SegmentationError(f"a polygon {str(polygon)[:80]}", "finite numbers")
    # With four numbers pycocotools takes the list itself for a bounding box.
    return segmentation


def _run_lengths(code: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    counts, size = code.get("counts"), code.get("size")
    if size != [height, width]:
        raise SegmentationError(
            f"a run-length code of size {size}", f"{[height, width]}, the image's"
        )
    if isinstance(counts, list):
        runs_ok = all(type(run) is int and run >= 0 for run in counts)
        if not runs_ok or sum(counts) != height * width:
            raise SegmentationError(
                f"run lengths that add up to {sum(counts) if runs_ok else counts[:8]}",
                f"{height * width}, the image's pixels",
            )
        return coco_mask.frPyObjects(code, height, width)
    if not isinstance(counts, str):
        raise SegmentationError(f"counts of type {type(counts).__name__}", "a list or a string")
    _check_compressed(counts, height * width)
    return {"size": size, "counts": counts.encode()}


def _check_compressed(counts: str, pixels: int) -> None:
    """Decode the lengths of a compressed code: pycocotools writes past its array on a bad one.

    The code is that of ``rleFrString`` in pycocotools: base 32 with a continuation bit, offset by
    48, and from the third run on the difference to the run two before.
    """
    runs: list[int] = []
    place = value = 0
    for character in counts:
        digit = ord(character) - 48
        if not 0 <= digit < 64:
            raise SegmentationError(f"a run-length code with the character {character!r}", "COCO's")
        value |= (digit & 31) << place
        place += 5
        if not digit & 32:
            if digit & 16:
                value -= 1 << place
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            place = value = 0
    if place or any(run < 0 for run in runs) or sum(runs) != pixels:
        raise SegmentationError(
            f"a run-length code for {sum(runs)} pixels", f"{pixels}, the image's"
        )


def _is_rectangle(points: np.ndarray) -> bool:
    """Tell whether (x, y) points walk round an axis-aligned rectangle and nothing else."""
    corners = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
    steps = np.roll(corners, -1, axis=0) - corners
    if len(corners) < 4 or np.any((steps != 0).all(axis=1)):
        return False
    x, y = corners.T
    on_edge = (x == x.min()) | (x == x.max()) | (y == y.min()) | (y == y.max())
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    # Points along an edge do no harm; walking the full box is what counts.
    return bool(on_edge.all() and area > 0 and np.isclose(area, np.ptp(x) * np.ptp(y)))
