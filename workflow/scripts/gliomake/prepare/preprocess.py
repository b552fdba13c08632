"""From a case's arrays to the slices that a network sees, by a recipe.

A recipe has the keys ``channels``, ``image_size``, ``intensity``, ``slices`` and ``classes``
(one class of a name that the data set does not have: any of its classes).
"""

import numpy as np
from skimage.transform import resize

from gliomake.datasets.base import Volume
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
    image = volume.image[:, [channels.index(name) for name in recipe["channels"]]]
    mask = volume.mask
    if classes is not None and set(recipe["classes"]) <= set(classes):
        mask = mask[:, [classes.index(name) for name in recipe["classes"]]]
    elif len(recipe["classes"]) == 1:
        mask = mask.max(axis=1, keepdims=True)
    # By any class, as the split has it.
    tumour = volume.mask.any(axis=(1, 2, 3))
    kept = tumour if recipe["slices"] == "tumour" else np.ones(len(mask), bool)
    size = recipe["image_size"]
    height, width = image.shape[2:]
    prepared = [normalise(slice_image, recipe["intensity"], size) for slice_image in image[kept]]
    dtype = np.uint8 if recipe["intensity"] == "unit" else np.float16
    empty = np.empty((0, image.shape[1], size, size), dtype)
    spacing = volume.spacing
    if spacing is not None:
        # Arrays are (x, y) = (height, width) in NIfTI slices; a resized pixel covers more tissue.
        spacing = (spacing[0] * height / size, spacing[1] * width / size, spacing[2])
    return Volume(
        case=volume.case,
        patient=volume.patient,
        slices=volume.slices[kept],
        image=np.stack(prepared) if prepared else empty,
        mask=resize_mask(mask[kept], size),
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
        return np.rint(_resize(image.astype(np.float32), size)).clip(0, 255).astype(np.uint8)
    scaled = np.zeros(image.shape, np.float32)
    for channel, values in enumerate(image.astype(np.float32)):
        if intensity == "zscore":
            tissue = values != 0
            spread = values[tissue].std() if tissue.any() else 0.0
            if spread > 0:
                scaled[channel][tissue] = (values[tissue] - values[tissue].mean()) / spread
        elif intensity == "minmax":
            low, high = values.min(), values.max()
            if high > low:
                scaled[channel] = (values - low) / (high - low)
        else:
            raise ValueError(f"intensity {intensity!r}: expected one of {', '.join(INTENSITIES)}")
    return _resize(scaled, size).astype(np.float16)


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    """Bilinear; smoothed first where it shrinks, so that thin structures do not alias."""
    if image.shape[1:] == (size, size):
        return image
    shape = (len(image), size, size)
    return resize(image, shape, order=1, mode="edge", anti_aliasing=True, preserve_range=True)


def resize_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """Resize masks by nearest neighbour.

    Parameters
    ----------
    mask : ndarray (slice, class, height, width) uint8
        0 or 1.
    size : int
        Height and width of the result, pixels.

    Returns
    -------
    ndarray (slice, class, size, size) uint8
        The pixel whose centre lies nearest.
    """
    height, width = mask.shape[2:]
    rows = ((np.arange(size) + 0.5) * height / size).astype(int)
    columns = ((np.arange(size) + 0.5) * width / size).astype(int)
    return np.ascontiguousarray(mask[:, :, rows][:, :, :, columns])
