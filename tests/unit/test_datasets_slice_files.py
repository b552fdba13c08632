"""HDF5 files of one slice each, as any page can describe them."""

import h5py
import numpy as np
import pytest

from gliomake.datasets import open_dataset


def write(path, seed, channels=2, classes=3, size=(6, 5), mask=None) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(seed).normal(0, 1, (*size, channels))
    if mask is None:
        mask = np.zeros((*size, classes), np.uint8)
        for index in range(classes):
            mask[index, 1, index] = 1
    with h5py.File(path, "w") as file:
        file["image"], file["mask"] = image, mask
    return image


def opened(root, **more):
    options = {
        "channels": {"t2": "t2", "adc": "adc"},
        "classes": {"a": [], "b": [], "c": []},
        "files": "{case}_s{slice}.h5",
    }
    return open_dataset("mine", root, reader="slices-h5", **options | more)


def refused(root) -> str:
    (problem,) = opened(root).inspect("p1").problems
    return problem.message


def test_slices_are_put_together_in_the_order_of_their_numbers(tmp_path):
    images = {number: write(tmp_path / f"p1_s{number}.h5", number) for number in (10, 9)}
    dataset = opened(tmp_path)
    loaded = dataset.load("p1", ["adc"])
    assert loaded.slices.tolist() == [9, 10]
    np.testing.assert_allclose(loaded.image[0, 0], images[9][..., 1], rtol=1e-6)
    assert loaded.mask.sum(axis=(0, 2, 3)).tolist() == [2, 2, 2]
    assert dataset.inspect("p1").slices[0]["c"] == 1


def test_other_numbers_of_channels_and_classes_are_refused(tmp_path):
    write(tmp_path / "p1_s1.h5", 0, channels=3)
    assert "an image of shape (6, 5, 3), expected (height, width, 2)" in refused(tmp_path)
    write(tmp_path / "p1_s1.h5", 0, classes=1)
    assert "a mask of shape (6, 5, 1), expected (height, width, 3)" in refused(tmp_path)


@pytest.mark.parametrize(
    ("second", "more", "words"),
    [
        ("p1_s01.h5", {}, "p1_s01.h5 and p1_s1.h5 for slice 1"),
        ("p1_s2.h5", {"size": (4, 5)}, "a slice of (4, 5) pixels"),
    ],
)
def test_slices_that_do_not_fit_together_are_refused(tmp_path, second, more, words):
    write(tmp_path / "p1_s1.h5", 0)
    write(tmp_path / second, 1, **more)
    assert words in refused(tmp_path)
