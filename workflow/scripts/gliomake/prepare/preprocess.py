"""From a case's arrays to the slices that a network sees, by a recipe.

A recipe has the keys ``channels``, ``image_size``, ``intensity``, ``slices`` and ``classes``
(one class of a name that the data set does not have: any of its classes).
"""

from collections.abc import Callable

import numpy as np

from gliomake.datasets.base import Volume
from gliomake.prepare.resize import resize_images
from gliomake.study.blocks import Recipe

INTENSITIES = ("unit", "zscore", "minmax")


def preprocess(
    volume: Volume,
    channels: tuple[str, ...],
    recipe: Recipe,
    classes: tuple[str, ...] | None = None,
) -> Volume:
    """Apply a recipe to one case.

    Parameters
    ----------
    volume : Volume
        The case; ``image`` (slice, channel, height, width) in the data set's own dtype, ``mask``
        (slice, class, height, width) uint8.
    channels : tuple of str
        Names of the volume's channels.
    recipe : Recipe
        See the module.
    classes : tuple of str, optional
        Names of the classes of the volume's masks; by default those of the recipe, in its order.

    Returns
    -------
    Volume
        ``image`` as uint8, 0 to 255, for the intensity ``unit``, else as float16; ``mask`` as
        uint8, 0 or 1; spacing scaled along with the pixels.

    Raises
    ------
    ValueError
        Unknown intensity, or ``unit`` for data that are not bytes.
    """
    image, mask = volume.image, volume.mask
    if tuple(recipe["channels"]) != channels:
        image = image[:, [channels.index(name) for name in recipe["channels"]]]
    wanted = tuple(recipe["classes"])
    if classes is not None and set(wanted) <= set(classes) and wanted != classes:
        mask = mask[:, [classes.index(name) for name in wanted]]
    elif len(wanted) == 1 and (classes is None or wanted != classes):
        mask = mask.max(axis=1, keepdims=True)
    # By any class, as the split has it.
    tumour = volume.mask.any(axis=(1, 2, 3))
    kept = np.flatnonzero(tumour) if recipe["slices"] == "tumour" else np.arange(len(mask))
    size = recipe["image_size"]
    height, width = image.shape[2:]
    dtype = np.uint8 if recipe["intensity"] == "unit" else np.float16
    prepared = np.empty((len(kept), image.shape[1], size, size), dtype)
    for row, number in enumerate(kept):
        prepared[row] = normalise(image[number], recipe["intensity"], size)
    spacing = volume.spacing
    if spacing is not None:
        # Arrays are (x, y) = (height, width) in NIfTI slices; a resized pixel covers more tissue.
        spacing = (spacing[0] * height / size, spacing[1] * width / size, spacing[2])
    return Volume(
        case=volume.case,
        patient=volume.patient,
        slices=volume.slices[kept],
        image=prepared,
        mask=resize_mask(mask, size, kept),
        spacing=spacing,
    )


def resized_spacing(volume: Volume, size: int) -> tuple[float, float, float] | None:
    """Return the spacing of a volume's slices at another size, mm; None where it is not known.

    Parameters
    ----------
    volume : Volume
        A case as its reader gives it.
    size : int
        Height and width after resizing, pixels.

    Returns
    -------
    tuple of float or None
        Along x, y, z: a resized pixel covers more tissue.
    """
    if volume.spacing is None:
        return None
    height, width = volume.mask.shape[2:]
    x, y, z = volume.spacing
    return x * height / size, y * width / size, z


def normalise(image: np.ndarray, intensity: str, size: int) -> np.ndarray:
    """Scale the intensities of one slice and resize it.

    Parameters
    ----------
    image : ndarray (channel, height, width)
        One slice.
    intensity : str
        ``unit``: bytes stay bytes and are divided by 255 when they are loaded. ``zscore``: each
        channel by the mean and standard deviation of its non-zero pixels, background left at 0; a
        blank channel stays 0. ``minmax``: each channel to [0, 1] by its own range.
    size : int
        Height and width of the result, pixels.

    Returns
    -------
    ndarray (channel, size, size)
        uint8 for ``unit``, else float16.

    Raises
    ------
    ValueError
        Unknown intensity, or ``unit`` for data that are not bytes.
    """
    if intensity == "unit":
        if image.dtype != np.uint8:
            raise ValueError(f"intensity unit needs 8-bit images; found {image.dtype}")
        return np.rint(_resized(image, size)).clip(0, 255).astype(np.uint8)
    if intensity not in INTENSITIES:
        raise ValueError(f"intensity {intensity!r}: expected one of {', '.join(INTENSITIES)}")
    # A weighted sum of pixels may be scaled after it is taken as well as before: there are fewer.
    adapt = _centre if intensity == "zscore" else _span
    return to_half(_resized(image, size, adapt))


Adapt = Callable[[np.ndarray, bool], tuple[np.ndarray, np.ndarray]]


def _resized(image: np.ndarray, size: int, adapt: Adapt | None = None) -> np.ndarray:
    """Resize a slice, of which only the part that is not 0 is looked at.

    Parameters
    ----------
    image : ndarray (channel, height, width)
        The slice.
    size : int
        Height and width of the result.
    adapt : callable, optional
        Takes the part, as float32, which it may change, and whether there is background around it.
        Gives of each channel what to subtract after resizing, and what to multiply by.

    Returns
    -------
    ndarray (channel, size, size) of float32
        The slice.
    """
    shape = image.shape[1:]
    seen = (image != 0).any(axis=0)
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    top, left = (int(places[0]) if len(places) else 0 for places in (rows, columns))
    high, wide = (int(places[-1]) + 1 if len(places) else 0 for places in (rows, columns))
    part = np.array(image[:, top:high, left:wide], np.float32, order="C")
    if adapt is None or not part.size:
        return resize_images(part, size, shape, (top, left))
    less, factor = adapt(part, part.shape[1:] != shape)
    done = resize_images(part, size, shape, (top, left))
    if less.any():
        done -= less[:, None, None]
    return done * factor[:, None, None]


def _centre(values: np.ndarray, surrounded: bool) -> tuple[np.ndarray, np.ndarray]:
    """Subtract each channel's mean from its non-zero pixels; scale their spread to 1."""
    tissue = values != 0
    count = np.maximum(np.count_nonzero(tissue, axis=(1, 2)), 1).astype(np.float32)
    values -= (values.sum(axis=(1, 2)) / count)[:, None, None]
    values *= tissue
    spread = np.sqrt((values * values).sum(axis=(1, 2)) / count)
    return np.zeros_like(spread), _inverse(spread)


def _span(values: np.ndarray, surrounded: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scale each channel's range to that from 0 to 1."""
    low, high = values.min(axis=(1, 2)), values.max(axis=(1, 2))
    if surrounded:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    return low, _inverse(high - low)


def _inverse(values: np.ndarray) -> np.ndarray:
    return np.divide(1, values, out=np.zeros_like(values), where=values > 0)


def to_half(values: np.ndarray) -> np.ndarray:
    """Round to float16, as ``astype`` does in twice the time.

    Parameters
    ----------
    values : ndarray of float32
        Finite numbers.

    Returns
    -------
    ndarray of float16
        The nearest; of two equally near ones that whose last bit is 0.

    Examples
    --------
    >>> to_half(np.array([1 / 3, 1e-7, -70000], np.float32))
    array([3.333e-01, 1.192e-07,      -inf], dtype=float16)
    """
    bits = values.view(np.uint32)
    size = bits & 0x7FFFFFFF
    # Ten of 23 bits behind the point are kept, and an exponent counts from 15 and not from 127.
    short = (size + (((size >> 13) & 1) + 0xFFF)) >> 13
    half = (np.maximum(short, 112 << 10) - (112 << 10)).astype(np.uint16)
    half |= (bits >> 16).astype(np.uint16) & 0x8000
    done = half.view(np.float16)
    # The smallest numbers have fewer bits, and beyond the largest there is infinity.
    rare = ((size != 0) & (size < 113 << 23)) | (size >= 0x477FF000)
    if rare.any():
        with np.errstate(over="ignore"):
            done[rare] = values[rare].astype(np.float16)
    return done


def resize_mask(mask: np.ndarray, size: int, kept: np.ndarray | None = None) -> np.ndarray:
    """Resize masks by nearest neighbour.

    Parameters
    ----------
    mask : ndarray (slice, class, height, width) uint8
        0 or 1.
    size : int
        Height and width of the result, pixels.
    kept : ndarray of int, optional
        Which slices; all by default.

    Returns
    -------
    ndarray (slice, class, size, size) uint8
        The pixel whose centre lies nearest.
    """
    height, width = mask.shape[2:]
    if height == width == size:
        return np.ascontiguousarray(mask if kept is None or len(kept) == len(mask) else mask[kept])
    rows = ((np.arange(size) + 0.5) * height / size).astype(int)
    columns = ((np.arange(size) + 0.5) * width / size).astype(int)
    kept = np.arange(len(mask)) if kept is None else kept
    small = np.zeros((len(kept), mask.shape[1], size, size), np.uint8)
    for row, number in enumerate(kept):
        if mask[number].any():
            small[row] = mask[number][:, rows[:, None], columns]
    return small
