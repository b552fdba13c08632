"""The trivial models."""

import json

import numpy as np
import pandas as pd
import pytest

from gliomake.datasets.base import Volume
from gliomake.files.shards import write_shard
from gliomake.scoring.averaging import score
from gliomake.scoring.baselines import (
    IntensityThreshold,
    fit_from_shards,
    fit_threshold,
    predict_baseline,
)
from gliomake.scoring.counts import count_pixels
from stored_predictions import load_predictions


def pooled_dice(predicted, mask):
    return score(count_pixels(predicted, mask), "dice", "pooled")[0]


def bright_lesions(dtype, n=5, side=12, seed=0):
    """Noise with a brighter lesion in two classes, the second inside the first."""
    generator = np.random.default_rng(seed)
    mask = np.zeros((n, 2, side, side), np.uint8)
    mask[:, 0, 2:8, 2:8] = 1
    mask[:, 1, 3:6, 3:6] = 1
    image = generator.normal(80, 20, (n, side, side)) + 50 * mask.sum(axis=1)
    if dtype == np.uint8:
        return image.clip(0, 255).astype(np.uint8), mask
    return ((image - 80) / 30).astype(np.float16), mask


def test_threshold_by_hand():
    image = np.array([[[10, 20, 30, 40]]], np.uint8)
    mask = np.array([[[[0, 0, 1, 1]], [[0, 1, 1, 0]]]], np.uint8)
    fitted = fit_threshold([(image, mask)], "flair", ["ED", "ET"])
    # ET: from 20 on two of three are right, Dice 0.8; from 40 on none
    assert fitted.thresholds == {"ED": 30, "ET": 20}
    assert fitted.dice == {"ED": 1, "ET": 0.8}
    assert fitted.slices == 1
    assert fitted.predict(image).tolist() == [[[[0, 0, 1, 1]], [[0, 1, 1, 1]]]]


@pytest.mark.parametrize("dtype", [np.uint8, np.float16])
def test_no_other_threshold_is_better(dtype):
    image, mask = bright_lesions(dtype)
    fitted = fit_threshold([(image[:2], mask[:2]), (image[2:], mask[2:])], "flair", ["ED", "ET"])
    predicted = fitted.predict(image)
    for index, name in enumerate(["ED", "ET"]):
        reached = pooled_dice(predicted[:, index] > 0, mask[:, index])
        assert fitted.dice[name] == pytest.approx(reached)
        others = [pooled_dice(image >= value, mask[:, index]) for value in np.unique(image)]
        assert reached == max(others)
        assert 0.6 < reached < 1


def test_both_zeros_are_one_intensity():
    image = np.array([[[-0.0, 0.0, -1.0]]], np.float16)
    mask = np.array([[[[1, 1, 0]]]], np.uint8)
    fitted = fit_threshold([(image, mask)], "flair", ["tumour"])
    assert fitted.thresholds == {"tumour": 0.0}
    assert fitted.dice == {"tumour": 1.0}


def test_of_equal_thresholds_the_highest():
    image = np.array([[[1, 2, 3, 4]]], np.uint8)
    mask = np.array([[[[0, 1, 0, 1]]]], np.uint8)
    # from 4 on: 1 right, 1 missed, 2/3; from 2 on: 2 right, 1 made up, 4/5; from 1 on: 4/6
    assert fit_threshold([(image, mask)], "flair", ["t"]).thresholds == {"t": 2}
    mask = np.array([[[[1, 0, 0, 1]]]], np.uint8)
    # from 4 on 2/3, from 1 on 4/6
    assert fit_threshold([(image, mask)], "flair", ["t"]).thresholds == {"t": 4}


def test_absent_class_is_never_predicted(tmp_path):
    image, mask = bright_lesions(np.uint8)
    mask[:, 1] = 0
    fitted = fit_threshold([(image, mask)], "flair", ["ED", "ET"])
    assert fitted.thresholds["ET"] is fitted.dice["ET"] is None
    assert not fitted.predict(image)[:, 1].any()
    fitted.save(tmp_path / "threshold.json")
    saved = json.loads((tmp_path / "threshold.json").read_text())
    assert IntensityThreshold(**saved) == fitted


def test_bad_input():
    image, mask = bright_lesions(np.float16)
    with pytest.raises(ValueError, match="no training slice to fit the threshold of flair"):
        fit_threshold([], "flair", ["ED", "ET"])
    with pytest.raises(ValueError, match="of 1 classes"):
        fit_threshold([(image, mask)], "flair", ["ED"])
    image[0, 0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        fit_threshold([(image, mask)], "flair", ["ED", "ET"])


@pytest.fixture
def shards(tmp_path):
    recipe = {
        "image_size": 12,
        "channels": ["t1ce", "flair"],
        "classes": ["ED", "ET"],
        "intensity": "unit",
    }
    paths = []
    for index, patient in enumerate("abc"):
        image, mask = bright_lesions(np.uint8, seed=index)
        both = np.stack([np.full_like(image, 99), image], axis=1)
        spacing = (1.0, 1.0, 2.0 + index)
        volume = Volume(patient, patient, np.arange(5), both, mask, spacing)
        paths.append(tmp_path / f"{index:03d}.h5")
        write_shard(paths[-1], [volume], dataset="made-up", recipe=recipe)
    return paths


SPLIT = pd.DataFrame(
    {
        "patient": np.repeat(["c", "b", "a"], 5),
        "slice": np.tile(np.arange(5)[::-1], 3),
        "subset": np.repeat(["test", "train", "val"], 5),
    }
)
ATTRIBUTES = {
    "study": "s",
    "model": "flair-threshold",
    "run": "patient-f0-s0",
    "classes": ["ED", "ET"],
    "threshold": 0.5,
}


def test_threshold_sees_the_training_set_alone(shards):
    fitted = fit_from_shards(shards, SPLIT, "flair")
    image, mask = bright_lesions(np.uint8, seed=1)
    assert fitted == fit_threshold([(image, mask)], "flair", ["ED", "ET"])
    assert fitted.slices == 5


def test_predictions_of_baselines(shards, tmp_path, monkeypatch):
    monkeypatch.setattr("gliomake.scoring.baselines.BATCH", 3)
    fitted = fit_from_shards(shards, SPLIT, "flair")
    for thresholds in (fitted, None):
        out = tmp_path / "predictions.h5"
        predict_baseline(thresholds, shards, SPLIT, out, attributes=ATTRIBUTES)
        found = load_predictions(out)
        assert found.patient == ["c"] * 5 + ["a"] * 5
        assert found.subset == ["test"] * 5 + ["val"] * 5
        assert found.slice == [*range(5), *range(5)]
        assert found.spacing[[0, 5]].tolist() == [[1, 1, 4], [1, 1, 2]]
        assert found.probability.shape == (10, 2, 12, 12)
        if thresholds is None:
            assert not found.probability.any()
        else:
            image, _ = bright_lesions(np.uint8, seed=2)
            np.testing.assert_array_equal(found.probability[:5], fitted.predict(image))


def test_baseline_of_other_classes_or_slices(shards, tmp_path):
    other = IntensityThreshold("flair", {"tumour": 100.0}, {"tumour": 0.5}, 5)
    with pytest.raises(ValueError, match="thresholds of tumour, but"):
        predict_baseline(other, shards, SPLIT, tmp_path / "p.h5", attributes=ATTRIBUTES)
    with pytest.raises(KeyError, match="5 of 10 slices are in none"):
        predict_baseline(None, shards[:2], SPLIT, tmp_path / "p.h5", attributes=ATTRIBUTES)
    assert not (tmp_path / "p.h5").exists()
