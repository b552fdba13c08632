"""Resizing and rounding against the libraries that define them."""

import numpy as np
import pytest
from skimage.transform import resize

from gliomake.prepare.preprocess import normalise, to_half
from gliomake.prepare.resize import resize_images


def slices(seed, shape=(3, 60, 52)):
    """Tissue in the middle of a slice, as in a scan."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape, np.int16)
    image[:, 7:41, 9:50] = rng.integers(-20, 900, (shape[0], 34, 41))
    image[0, 20:24] = 0
    return image


def plain(image, size):
    options = {"order": 1, "mode": "edge", "anti_aliasing": True, "preserve_range": True}
    return np.stack([resize(each, (size, size), **options) for each in image])


@pytest.mark.parametrize("size", [16, 31, 52, 60, 97])
@pytest.mark.parametrize("filled", [True, False])
def test_equals_scikit_image(size, filled):
    image = slices(size).astype(np.float32)
    image += 5 if filled else 0
    expected = plain(image, size)
    np.testing.assert_allclose(resize_images(image, size), expected, atol=1e-6 * expected.max())


def test_a_part_is_resized_as_the_whole_is():
    image = slices(1).astype(np.float32)
    part = resize_images(image[:, 7:41, 9:50], 24, (60, 52), (7, 9))
    np.testing.assert_array_equal(part, resize_images(image, 24))
    assert not resize_images(image[:, :0, :0], 24, (60, 52)).any()


@pytest.mark.parametrize("intensity", ["zscore", "minmax"])
@pytest.mark.parametrize("size", [24, 60])
def test_slices_equal_the_plain_way_to_the_last_bit_but_one(intensity, size):
    image = slices(2, (3, 60, 60))
    image[2] = 0
    scaled = np.zeros(image.shape)
    for channel, values in enumerate(image.astype(float)):
        tissue = values != 0
        if intensity == "zscore" and tissue.any():
            scaled[channel][tissue] = (values[tissue] - values[tissue].mean()) / values[
                tissue
            ].std()
        elif tissue.any():
            scaled[channel] = (values - values.min()) / (values.max() - values.min())
    expected = plain(scaled, size).astype(np.float16)
    found = normalise(image, intensity, size)
    assert (found != expected).mean() < 0.01
    # Neighbours among the float16 numbers; beside 0 those of float32's rounding.
    apart = np.abs(found.astype(float) - expected.astype(float))
    assert (apart <= np.maximum(np.spacing(np.abs(expected)), 2e-6)).all()


def test_half_floats_are_those_of_astype():
    every = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    middle = (every[1:] + every[:-1]) / 2
    values = np.concatenate([every, middle, np.nextafter(middle, 0), np.nextafter(middle, 7e4)])
    values = np.concatenate([values, -values, [65519.99, 65520, 1e30]]).astype(np.float32)
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16)
    np.testing.assert_array_equal(to_half(values).view(np.uint16), expected.view(np.uint16))
