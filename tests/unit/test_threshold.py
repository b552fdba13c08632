"""One threshold for all: a stored 0.4 lies below a threshold of 0.4, wherever masks are made."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from gliomake.datasets.base import Volume
from gliomake.figures.masks import final_mask
from gliomake.files.predictions import apply_gate, to_mask, write_predictions
from gliomake.files.shards import write_shard
from gliomake.report import viewer
from gliomake.report.run_files import RunFiles
from gliomake.scoring.baselines import IntensityThreshold
from gliomake.scoring.measure import measure_run
from stored_predictions import load_predictions

THRESHOLD = 0.4
# 0.39990 and the next float16, 0.40015: as float16 both are at least 0.4.
BELOW = np.float16(0.4)
ABOVE = np.nextafter(BELOW, np.float16(1))
SIZE = 16


def write(path, probability, model="unet"):
    write_predictions(
        path,
        [probability],
        patient=["p"] * len(probability),
        slice=list(range(len(probability))),
        subset=["test"] * len(probability),
        spacing=np.ones((len(probability), 3), np.float32),
        attributes={
            "study": "s",
            "model": model,
            "run": "patient-f0-s0",
            "classes": ["tumour"],
            "threshold": THRESHOLD,
        },
    )
    return path


@pytest.fixture
def predicted(tmp_path):
    """Two slices just below the threshold, but for four pixels of the second just above it."""
    probability = np.full((2, 1, SIZE, SIZE), BELOW)
    probability[1, 0, 3:5, 3:5] = ABOVE
    return write(tmp_path / "predictions.h5", probability)


@pytest.fixture
def shard(tmp_path):
    mask = np.zeros((2, 1, SIZE, SIZE), np.uint8)
    mask[:, :, 3:5, 3:5] = 1
    volume = Volume("p", "p", np.arange(2), np.zeros((2, 1, SIZE, SIZE), np.uint8), mask, (1, 1, 1))
    recipe = {"image_size": SIZE, "intensity": "unit", "channels": ["flair"], "classes": ["tumour"]}
    write_shard(tmp_path / "shard.h5", [volume], dataset="lgg", recipe=recipe)
    return tmp_path / "shard.h5"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_probability_is_compared_by_its_value_not_by_its_type(dtype):
    assert to_mask(np.array([0, BELOW, ABOVE, 1], dtype), THRESHOLD).tolist() == [
        False,
        False,
        True,
        True,
    ]


def test_counts_distances_viewer_and_figures_see_the_same_masks(predicted, shard):
    measured = measure_run(predicted, [shard])
    counts = measured.counts
    assert counts[["tp", "fp", "fn"]].to_numpy().tolist() == [[0, 0, 4], [4, 0, 0]]
    [distance] = measured.distances.to_dict("records")
    assert not distance["missed"]
    run = RunFiles("unet", "patient-f0-s0", predicted, predictions=predicted)
    shown = viewer._masks(run, "test", [("p", 0), ("p", 1)], THRESHOLD)
    assert shown.sum(axis=(1, 2, 3)).tolist() == [0, 4]
    stored = load_predictions(predicted).probability
    study = SimpleNamespace(threshold=THRESHOLD, postprocess=None)
    assert [int(final_mask(each, study).sum()) for each in stored] == [0, 4]


def test_the_gate_closes_from_the_threshold_on(predicted, tmp_path):
    # The probability of no tumour is 0.39990 and 0.40039.
    tumour = np.array([0.6001, 0.5996], np.float16).reshape(2, 1, 1, 1)
    classifier = write(tmp_path / "classifier.h5", tumour, "resnet50-classifier")
    apply_gate(predicted, classifier, THRESHOLD, tmp_path / "gated.h5")
    with h5py.File(tmp_path / "gated.h5") as file:
        assert file["probability"][:].max(axis=(1, 2, 3)).tolist() == [BELOW, 0]


def test_the_baseline_predicts_from_the_threshold_on():
    fitted = IntensityThreshold("flair", {"tumour": THRESHOLD}, {"tumour": 1.0}, 1)
    image = np.array([[[BELOW, ABOVE]]])
    assert fitted.predict(image)[0, 0, 0].tolist() == [0, 1]
