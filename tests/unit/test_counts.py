"""From predictions and truth to integer counts."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from gliomake.datasets.base import Volume
from gliomake.files.predictions import PredictionError, write_predictions
from gliomake.files.sealed import create_sealed
from gliomake.files.shards import write_shard
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.counts import (
    COLUMNS,
    count_pixels,
    count_predictions,
    read_predictions,
)
from gliomake.scoring.measure import measure_run
from gliomake.scoring.metrics import COUNT_COLUMNS

CLASSES = ["NEC", "ED"]


def example(n=6, classes=2, side=8, seed=0):
    generator = np.random.default_rng(seed)
    probability = generator.random((n, classes, side, side)).astype(np.float16)
    truth = (generator.random((n, classes, side, side)) < 0.3).astype(np.uint8)
    return probability, truth


def names(n=6):
    return {
        "patient": [f"p{index // 3}" for index in range(n)][::-1],
        "number": [index % 3 for index in range(n)],
        "subset": ["test"] * n,
    }


def test_counts_by_hand():
    predicted = np.array([[True, True, False], [False, False, False]])
    truth = np.array([[True, False, True], [True, False, False]])
    assert count_pixels(predicted, truth).tolist() == [1, 1, 2, 2]


@given(arrays(bool, (2, 3, 4, 5)), arrays(bool, (2, 3, 4, 5)))
def test_every_pixel_is_counted_once(predicted, truth):
    counts = count_pixels(predicted, truth)
    assert counts.shape == (2, 3, 4)
    assert (counts.sum(axis=-1) == 20).all()
    np.testing.assert_array_equal(counts[..., 0] + counts[..., 2], truth.sum(axis=(2, 3)))
    np.testing.assert_array_equal(counts[..., 0] + counts[..., 1], predicted.sum(axis=(2, 3)))
    np.testing.assert_array_equal(count_pixels(truth, predicted), counts[..., [0, 2, 1, 3]])


def test_table_has_the_contract_columns_sorted():
    probability, truth = example()
    table = count_predictions(probability, truth, 0.5, **names(), classes=CLASSES)
    assert list(table.columns) == COLUMNS
    assert (table.dtypes[COUNT_COLUMNS] == np.int64).all()
    assert table.equals(table.sort_values(COLUMNS[:5], ignore_index=True))
    assert len(table) == 6 * 2
    keys = names()
    for index in range(6):
        for position, name in enumerate(CLASSES):
            row = table[
                (table["patient"] == keys["patient"][index])
                & (table["slice"] == keys["number"][index])
                & (table["class"] == name)
            ]
            mask = probability[index, position] >= 0.5
            expected = count_pixels(mask, truth[index, position])
            assert row[COUNT_COLUMNS].to_numpy().tolist() == [expected.tolist()]


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_the_threshold_itself_is_tumour(threshold):
    value = np.float16(threshold)
    below = np.nextafter(value, np.float16(0))
    while np.float32(below) >= np.float32(threshold):
        below = np.nextafter(below, np.float16(0))
    above = value if np.float32(value) >= np.float32(threshold) else np.nextafter(value, value * 2)
    probability = np.array([below, above], np.float16).reshape(1, 1, 1, 2)
    table = count_predictions(
        probability,
        np.ones((1, 1, 1, 2), np.uint8),
        threshold,
        patient=["p"],
        number=[0],
        subset=["val"],
        classes=["tumour"],
    )
    assert table[COUNT_COLUMNS].to_numpy().tolist() == [[1, 0, 1, 0]]


def test_chunks_change_nothing(monkeypatch):
    probability, truth = example()
    whole = count_predictions(probability, truth, 0.5, **names(), classes=CLASSES)
    monkeypatch.setattr("gliomake.scoring.counts.CHUNK", 4)
    parts = count_predictions(probability, truth, 0.5, **names(), classes=CLASSES)
    pd.testing.assert_frame_equal(whole, parts)


def test_postprocessing_adds_its_rows():
    probability, truth = np.zeros((1, 1, 10, 10), np.float16), np.zeros((1, 1, 10, 10), np.uint8)
    probability[0, 0, 1:4, 1:4] = probability[0, 0, 8, 8] = 1
    probability[0, 0, 2, 2] = 0
    truth[0, 0, 1:4, 1:4] = 1
    table = count_predictions(
        probability,
        truth,
        0.5,
        patient=["p"],
        number=[3],
        subset=["test"],
        classes=["tumour"],
        postprocess={"min_area": 0.02, "fill_holes": True},
    )
    assert table["postprocess"].tolist() == [False, True]
    assert table[COUNT_COLUMNS].to_numpy().tolist() == [[8, 1, 1, 90], [9, 0, 0, 91]]


def test_classifier_counts_images():
    probability = np.array([0.9, 0.8, 0.1, 0.2], np.float16).reshape(4, 1, 1, 1)
    truth = np.zeros((4, 2, 5, 5), np.uint8)
    truth[0, 1, 2, 2] = truth[2, 0, 0, 0] = 1
    keys = {"patient": ["p"] * 4, "number": range(4), "subset": ["test"] * 4}
    table = count_predictions(probability, truth, 0.5, **keys, classes=["tumour"])
    assert table[COUNT_COLUMNS].to_numpy().tolist() == np.eye(4, dtype=int).tolist()


def test_table_survives_its_file(tmp_path):
    probability, truth = example()
    table = count_predictions(
        probability, truth, 0.5, **names(), classes=CLASSES, postprocess={"min_area": 0.1}
    )
    write_tsv(table, tmp_path / "counts.tsv")
    assert "\ttrue\t" in (tmp_path / "counts.tsv").read_text()
    back = read_tsv(tmp_path / "counts.tsv")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    assert back["postprocess"].dtype == bool


def test_bad_input():
    probability, truth = example()
    with pytest.raises(ValueError, match=r"6 slices are predicted, but there are \{'truth': 5\}"):
        count_predictions(probability, truth[:5], 0.5, **names(), classes=CLASSES)
    with pytest.raises(ValueError, match="expected 1 classes"):
        count_predictions(probability, truth, 0.5, **names(), classes=["tumour"])
    with pytest.raises(ValueError, match=r"\(2, 8, 8\), its truth \(2, 8, 7\)"):
        count_predictions(probability, truth[..., :7], 0.5, **names(), classes=CLASSES)
    with pytest.raises(ValueError, match="predicted masks"):
        count_pixels(np.zeros((2, 2)), np.zeros((2, 3)))
    probability[4, 1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="patient 'p0' slice 1 has probabilities that are no"):
        count_predictions(probability, truth, 0.5, **names(), classes=CLASSES)


def write_run(folder, patients=("a", "b", "c"), slices=4, named=True):
    """Write shards of some patients, and predictions that equal the truth of every second slice."""
    volumes, side = [], 6
    generator = np.random.default_rng(1)
    for index, patient in enumerate(patients):
        mask = (generator.random((slices, 1, side, side)) < 0.4).astype(np.uint8)
        number = np.arange(slices) + (0 if named else index * slices)
        image = np.zeros((slices, 1, side, side), np.uint8)
        volumes.append(
            Volume(patient, patient if named else "", number, image, mask, (2.0, 3.0, 4.0))
        )
    recipe = {"image_size": side, "channels": ["flair"], "classes": ["tumour"], "intensity": "unit"}
    shards = [folder / "000.h5", folder / "001.h5"]
    write_shard(shards[0], volumes[:1], dataset="made-up", recipe=recipe)
    write_shard(shards[1], volumes[1:], dataset="made-up", recipe=recipe)
    n = len(patients) * slices
    truth = np.concatenate([volume.mask for volume in volumes])
    probability = truth.astype(np.float16)
    probability[1::2] = 0
    write_predictions(
        folder / "predictions.h5",
        [probability],
        patient=[volume.patient for volume in volumes for _ in range(slices)],
        slice=np.concatenate([volume.slices for volume in volumes]).tolist(),
        subset=["test"] * n,
        spacing=np.tile(np.float32([2, 3, 4]), (n, 1)),
        attributes={"classes": ["tumour"], "threshold": 0.5},
    )
    return folder / "predictions.h5", shards, truth


def test_run_is_counted_from_its_files(tmp_path):
    predictions, shards, truth = write_run(tmp_path)
    table = measure_run(predictions, shards).counts
    assert table["patient"].tolist() == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    size = truth.sum(axis=(1, 2, 3))
    found = np.where(np.arange(12) % 2, 0, size)
    np.testing.assert_array_equal(table["tp"], found)
    np.testing.assert_array_equal(table["fn"], size - found)
    assert (table["fp"] == 0).all()


@pytest.mark.parametrize(
    ("named", "batch", "expected"),
    [(True, 1, [4, 4, 4]), (True, 5, [8, 4]), (True, 99, [12]), (False, 5, [5, 5, 2])],
)
def test_batches_part_no_patient(tmp_path, named, batch, expected):
    predictions, shards, _ = write_run(tmp_path, named=named)
    parts = list(read_predictions(predictions, shards, batch))
    assert [len(part.number) for part in parts] == expected


def test_run_without_slices(tmp_path):
    predictions, shards, _ = write_run(tmp_path)
    with create_sealed(predictions) as file:
        for name in ("patient", "subset"):
            file.create_dataset(name, (0,), h5py.string_dtype())
        file["slice"] = np.zeros(0, np.int32)
        file["spacing"] = np.zeros((0, 3), np.float32)
        file["probability"] = np.zeros((0, 1, 6, 6), np.float16)
        file.attrs.update({"classes": json.dumps(["tumour"]), "threshold": 0.5})
    with pytest.raises(PredictionError, match="holds no slice"):
        measure_run(predictions, shards)
