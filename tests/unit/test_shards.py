"""Preprocessing and shards: intensities, masks, order, memory layout."""

import numpy as np
import pandas as pd
import pytest
import torch

from gliomake.datasets.base import Volume
from gliomake.files.shards import load_arrays, write_shard
from gliomake.prepare.preprocess import normalise, preprocess, resize_mask
from gliomake.training.tensors import load_slices, to_float

RECIPE = {
    "channels": ["flair"],
    "image_size": 8,
    "intensity": "unit",
    "slices": "all",
    "classes": ["tumour"],
}


def make_volume(case="A", slices=5, size=16, dtype=np.uint8, classes=1, seed=0):
    rng = np.random.default_rng(seed)
    mask = np.zeros((slices, classes, size, size), np.uint8)
    mask[2:, :, 4:10, 4:12] = 1
    return Volume(
        case=case,
        patient=case,
        slices=np.arange(1, slices + 1),
        image=rng.integers(0, 255, (slices, 2, size, size)).astype(dtype),
        mask=mask,
        spacing=(1.0, 1.0, 3.0),
    )


def test_bytes_stay_bytes_and_channels_are_picked():
    volume = make_volume()
    done = preprocess(volume, ("t1", "flair"), {**RECIPE, "image_size": 16})
    assert done.image.dtype == np.uint8
    np.testing.assert_array_equal(done.image, volume.image[:, 1:])


def test_spacing_follows_the_resize():
    done = preprocess(make_volume(), ("t1", "flair"), RECIPE)
    assert done.spacing == (2.0, 2.0, 3.0)
    assert done.image.shape == (5, 1, 8, 8)


def test_one_class_means_any_label():
    volume = make_volume(classes=3)
    volume.mask[:, 0] = 0
    volume.mask[:, 1, :, :8] = 0
    done = preprocess(volume, ("t1", "flair"), {**RECIPE, "image_size": 16})
    np.testing.assert_array_equal(done.mask[:, 0], volume.mask.max(axis=1))


def test_tumour_slices_only():
    done = preprocess(make_volume(), ("t1", "flair"), {**RECIPE, "slices": "tumour"})
    assert done.slices.tolist() == [3, 4, 5]


def test_zscore_leaves_the_background_at_zero():
    image = np.zeros((2, 4, 4), np.int16)
    image[0, 1:3, 1:3] = [[10, 20], [30, 40]]
    done = normalise(image, "zscore", 4).astype(float)
    tissue = done[0, 1:3, 1:3]
    # Mean 25, population standard deviation sqrt(125) = 11.18
    np.testing.assert_allclose(tissue.ravel(), [-1.3416, -0.4472, 0.4472, 1.3416], atol=1e-3)
    assert (done[0][image[0] == 0] == 0).all()
    assert (done[1] == 0).all(), "a blank channel stays blank"


def test_minmax_spans_zero_to_one():
    image = np.array([[[-5, 0], [5, 15]]], np.int16)
    np.testing.assert_allclose(normalise(image, "minmax", 2)[0], [[0, 0.25], [0.5, 1]])


def test_unit_needs_bytes():
    with pytest.raises(ValueError, match="8-bit images; found int16"):
        normalise(np.zeros((1, 4, 4), np.int16), "unit", 4)


def test_unknown_intensity():
    with pytest.raises(ValueError, match="expected one of unit, zscore, minmax"):
        normalise(np.zeros((1, 4, 4)), "rank", 4)


def test_masks_stay_binary_and_keep_their_place():
    mask = np.zeros((1, 1, 12, 12), np.uint8)
    mask[:, :, 3:9, 6:12] = 1
    small = resize_mask(mask, 4)
    np.testing.assert_array_equal(
        small[0, 0], [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]
    )


@pytest.fixture
def shards(tmp_path):
    paths = []
    for number, cases in enumerate((["A", "C"], ["B"], [])):
        path = tmp_path / f"{number:03}.h5"
        volumes = [
            preprocess(make_volume(case, seed=ord(case)), ("t1", "flair"), RECIPE) for case in cases
        ]
        assert write_shard(path, iter(volumes), dataset="lgg", recipe=RECIPE) == 5 * len(cases)
        paths.append(path)
    return paths


def test_slices_come_back_in_the_order_asked_for(shards):
    keys = pd.DataFrame({"patient": ["B", "A", "C", "A"], "slice": [4, 2, 1, 5]})
    loaded = load_arrays(shards, keys)
    for row, (patient, number) in enumerate(keys.to_numpy()):
        expected = preprocess(make_volume(patient, seed=ord(patient)), ("t1", "flair"), RECIPE)
        np.testing.assert_array_equal(loaded.image[row], expected.image[number - 1])
        np.testing.assert_array_equal(loaded.mask[row], expected.mask[number - 1])
    assert loaded.patient == ["B", "A", "C", "A"]
    np.testing.assert_array_equal(loaded.spacing[0], [2, 2, 3])


def test_tensors_hold_the_same(shards):
    keys = pd.DataFrame({"patient": ["A", "B"], "slice": [1, 2]})
    arrays, tensors = load_arrays(shards, keys), load_slices(shards, keys)
    np.testing.assert_array_equal(arrays.image, tensors.image.numpy())
    assert tensors.image.dtype == torch.uint8
    assert to_float(tensors.image).max() <= 1
    assert to_float(torch.ones(2, dtype=torch.float16)).dtype == torch.float32


def test_missing_slice_and_channel_are_errors(shards):
    keys = pd.DataFrame({"patient": ["A", "Z"], "slice": [1, 9]})
    with pytest.raises(KeyError, match=r"1 of 2 slices .*Z slice 9"):
        load_arrays(shards, keys)
    with pytest.raises(KeyError, match="not \\['t2'\\]"):
        load_arrays(shards, keys.head(1), channels=["t2"])


def test_a_broken_write_leaves_no_shard(tmp_path):
    def volumes():
        yield preprocess(make_volume(), ("t1", "flair"), RECIPE)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_shard(tmp_path / "000.h5", volumes(), dataset="lgg", recipe=RECIPE)
    assert list(tmp_path.iterdir()) == []


def test_a_shards_bytes_depend_on_its_content_alone(tmp_path):
    for name in ("a.h5", "b.h5"):
        volume = preprocess(make_volume(), ("t1", "flair"), RECIPE)
        write_shard(tmp_path / name, [volume], dataset="lgg", recipe=RECIPE)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
