"""Predictions: what is written, read back, and put behind a gate."""

import json

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from gliomake.files.predictions import (
    PredictionError,
    apply_gate,
    write_predictions,
)
from gliomake.training.predict import predict_run
from gliomake.training.tensors import SliceSet
from stored_predictions import load_predictions

ATTRIBUTES = {
    "study": "s",
    "model": "unet",
    "run": "patient-f0-s0",
    "classes": ["tumour"],
    "threshold": 0.5,
}


def slices(count: int, dtype=torch.uint8) -> SliceSet:
    image = torch.arange(count * 2 * 4 * 4).reshape(count, 2, 4, 4) % 251
    return SliceSet(
        image.to(dtype),
        torch.zeros(count, 1, 4, 4, dtype=torch.uint8),
        [f"P{index // 3}" for index in range(count)],
        list(range(10, 10 + count)),
        np.tile(np.float32([1, 2, 3]), (count, 1)),
    )


def subsets(count: int) -> list[str]:
    return ["test"] * (count - 2) + ["val"] * 2


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16])
def test_probabilities_are_the_networks(tmp_path, dtype):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Dropout(0.5), nn.BatchNorm2d(3))
    data = slices(7, dtype)
    attributes = {**ATTRIBUTES, "classes": ["NEC", "ED", "ET"]}
    predict_run(
        model,
        data,
        subsets(7),
        tmp_path / "p.h5",
        attributes=attributes,
        batch_size=3,
        precision="float32",
        device="cpu",
    )
    image = data.image.float() / (255 if dtype == torch.uint8 else 1)
    with torch.no_grad():
        expected = model.eval()(image).sigmoid().half().numpy()
    found = load_predictions(tmp_path / "p.h5")
    np.testing.assert_allclose(found.probability, expected, atol=1e-3)
    assert found.probability.dtype == np.float16
    assert found.patient == data.patient and found.slice == data.slice
    assert found.subset == subsets(7)
    assert found.classes == ["NEC", "ED", "ET"]
    assert found.attributes["run"] == "patient-f0-s0" and found.attributes["threshold"] == 0.5
    np.testing.assert_array_equal(found.spacing, data.spacing)


def test_the_file_is_as_agreed(tmp_path):
    model = nn.Conv2d(2, 1, 1)
    path = tmp_path / "p.h5"
    predict_run(model, slices(5), subsets(5), path, attributes=ATTRIBUTES, device="cpu")
    with h5py.File(path) as file:
        data = file["probability"]
        assert data.chunks == (1, 1, 4, 4) and data.compression == "lzf" and data.shuffle
        assert file["slice"].dtype == np.int32
        assert json.loads(file.attrs["classes"]) == ["tumour"]


def test_a_classifier_gives_the_probability_of_tumour(tmp_path):
    class Classifier(nn.Module):
        def forward(self, image):
            level = image.mean((1, 2, 3))
            return torch.stack([torch.zeros_like(level), level], 1)

    data = slices(4)
    predict_run(
        Classifier(),
        data,
        subsets(4),
        tmp_path / "p.h5",
        attributes=ATTRIBUTES,
        task="classification",
        precision="float32",
        device="cpu",
    )
    found = load_predictions(tmp_path / "p.h5").probability
    level = (data.image.double() / 255).mean((1, 2, 3)).numpy()
    assert found.shape == (4, 1, 1, 1)
    np.testing.assert_allclose(found.ravel(), 1 / (1 + np.exp(-level)), atol=1e-3)


def write(path, probability, model="unet", **changes):
    count = len(probability)
    keys = {
        "patient": [f"P{index // 2}" for index in range(count)],
        "slice": list(range(count)),
        "subset": subsets(count),
        "spacing": np.full((count, 3), np.nan),
        **{key: value for key, value in changes.items() if key not in ATTRIBUTES},
    }
    own = {key: value for key, value in changes.items() if key in ATTRIBUTES}
    write_predictions(
        path,
        np.array_split(np.float16(probability), 2),
        **keys,
        attributes={**ATTRIBUTES, "model": model, **own},
    )


def test_batches_are_one_array(tmp_path):
    values = np.linspace(0, 1, 6 * 4).reshape(6, 1, 2, 2)
    write(tmp_path / "p.h5", values)
    np.testing.assert_array_equal(
        load_predictions(tmp_path / "p.h5").probability, np.float16(values)
    )


def test_the_gate_by_hand(tmp_path):
    # P(no tumour) of 0.5 and more closes the gate.
    tumour = np.array([0.0, 0.25, 0.5, 0.75, 1.0]).reshape(-1, 1, 1, 1)
    masks = np.full((5, 2, 2, 2), 0.875)
    masks[:, 1] = 0.125
    write(tmp_path / "s.h5", masks, classes=["NEC", "ED"])
    write(tmp_path / "c.h5", tumour, "classifier")
    apply_gate(tmp_path / "s.h5", tmp_path / "c.h5", 0.5, tmp_path / "g.h5")
    gated = load_predictions(tmp_path / "g.h5")
    np.testing.assert_array_equal(gated.probability[:3], 0)
    np.testing.assert_array_equal(gated.probability[3:], masks[3:])
    facts = gated.attributes
    assert facts["model"] == "unet-gated" and facts["gate_classifier"] == "classifier"
    assert facts["gate_segmenter"] == "unet" and facts["gate_threshold"] == 0.5
    assert facts["gate_closed"] == 3
    assert gated.classes == ["NEC", "ED"]
    apply_gate(tmp_path / "s.h5", tmp_path / "c.h5", 0.25, tmp_path / "strict.h5")
    assert load_predictions(tmp_path / "strict.h5").attributes["gate_closed"] == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slice": [0, 1, 2, 9]}, r"row 3 is \('val', 'P1', 3\) against \('val', 'P1', 9\)"),
        ({"subset": ["test"] * 4}, "row 2 is"),
        ({"run": "patient-f1-s0"}, "patient-f0-s0, .* of patient-f1-s0"),
        ({"study": "t"}, "needs both of one study"),
    ],
)
def test_a_gate_of_other_slices_is_refused(tmp_path, changes, message):
    write(tmp_path / "s.h5", np.ones((4, 1, 2, 2)))
    write(tmp_path / "c.h5", np.ones((4, 1, 1, 1)), "classifier", **changes)
    with pytest.raises(PredictionError, match=message):
        apply_gate(tmp_path / "s.h5", tmp_path / "c.h5", 0.5, tmp_path / "g.h5")
    assert not (tmp_path / "g.h5").exists()


def test_a_gate_needs_a_classifier_and_equal_lengths(tmp_path):
    write(tmp_path / "s.h5", np.ones((4, 1, 2, 2)))
    with pytest.raises(PredictionError, match="is not a classifier's"):
        apply_gate(tmp_path / "s.h5", tmp_path / "s.h5", 0.5, tmp_path / "g.h5")
    write(tmp_path / "c.h5", np.ones((5, 1, 1, 1)))
    with pytest.raises(PredictionError, match="4 slices against 5"):
        apply_gate(tmp_path / "s.h5", tmp_path / "c.h5", 0.5, tmp_path / "g.h5")


@pytest.mark.parametrize(
    ("probability", "changes", "message"),
    [
        (np.full((4, 1, 2, 2), np.nan), {}, "not a number from 0 to 1"),
        (np.full((4, 1, 2, 2), 1.5), {}, "not a number from 0 to 1"),
        (np.ones((4, 1, 2, 2)), {"patient": ["P"] * 3}, "3 patients, but"),
        (np.ones((0, 1, 2, 2)), {"subset": []}, "no slice to predict"),
    ],
)
def test_bad_predictions_leave_no_file(tmp_path, probability, changes, message):
    with pytest.raises(PredictionError, match=message):
        write(tmp_path / "p.h5", probability, **changes)
    assert list(tmp_path.iterdir()) == []


def test_predictions_must_add_up(tmp_path):
    keys = {
        "patient": ["P"] * 3,
        "slice": [0, 1, 2],
        "subset": ["val"] * 3,
        "spacing": np.ones((3, 3)),
        "attributes": ATTRIBUTES,
    }
    with pytest.raises(PredictionError, match="2 predictions for 3 slices"):
        write_predictions(tmp_path / "p.h5", [np.ones((2, 1, 2, 2))], **keys)
    with pytest.raises(PredictionError, match="more predictions than 3 slices"):
        write_predictions(tmp_path / "p.h5", [np.ones((2, 1, 2, 2))] * 2, **keys)
    assert list(tmp_path.iterdir()) == []
