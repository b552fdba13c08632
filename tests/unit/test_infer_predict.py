"""Predictions on new scans: the workflow's own bits, the gate, flips, and what is refused."""

import json

import numpy as np
import pytest
import torch
from infer_models import RUN, make_model, slice_image
from PIL import Image

from gliomake.datasets.base import CaseError
from gliomake.files.predictions import apply_gate
from gliomake.infer.describe import ModelError, read_description
from gliomake.infer.inputs import read_scans
from gliomake.infer.model import load_model
from gliomake.infer.predict import binary_entropy, predict_scans
from gliomake.prepare.preprocess import normalise
from gliomake.training.predict import predict_run
from gliomake.training.tensors import SliceSet
from stored_predictions import load_predictions


def pictures(folder, count, size=(64, 64)):
    folder.mkdir(exist_ok=True)
    paths = [folder / f"a_{number}.png" for number in range(1, count + 1)]
    for number, path in enumerate(paths):
        Image.fromarray(slice_image(size, seed=number)).save(path)
    return paths


def as_the_workflow(model, paths, out):
    """Predict as the rule does: all slices of the run, 32 at a time."""
    about = model.about
    images = [np.moveaxis(np.asarray(Image.open(path)), -1, 0) for path in paths]
    image = np.stack([normalise(each, about.recipe["intensity"], about.image_size)
                      for each in images])  # fmt: skip
    count = len(paths)
    slices = SliceSet(
        torch.from_numpy(image), torch.zeros(count, 1, 0, 0), ["a"] * count, list(range(count)),
        np.full((count, 3), np.nan, np.float32),
    )  # fmt: skip
    predict_run(
        model.network, slices, ["test"] * count, out, task=about.task, device="cpu",
        precision="float32",
        attributes={"study": "s", "model": about.model, "run": RUN, "classes": about.classes,
                    "threshold": about.threshold},
    )  # fmt: skip
    return load_predictions(out).probability


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    gate = {"classifier": "classifier", "threshold": 0.5}
    make_model(folder, "unet", gate=gate)
    # So that the gate closes on some of the slices and lets others through.
    make_model(folder, "classifier", task="classification", architecture="resnet50-classifier",
               options={"width": 0.0625}, seed=5)  # fmt: skip
    return folder


@pytest.mark.parametrize("name", ["unet", "classifier"])
def test_one_slice_has_the_bits_that_the_workflow_writes(results, tmp_path, name):
    model = load_model(results / "s" / name / RUN)
    paths = pictures(tmp_path / "in", 20)
    expected = as_the_workflow(model, paths, tmp_path / "p.h5")
    for row in (0, 7, 19):
        (found,) = predict_scans(model, read_scans([paths[row]], model.about))
        np.testing.assert_array_equal(found.probability[0], expected[row])
    together = list(predict_scans(model, read_scans([tmp_path / "in"], model.about)))
    np.testing.assert_array_equal(np.concatenate([p.probability for p in together]), expected)
    assert [p.scan.name for p in together[:3]] == ["a_1", "a_2", "a_3"], "2 comes before 10"


def test_the_gate_closes_where_the_workflows_does(results, tmp_path):
    paths = pictures(tmp_path / "in", 20)
    model = load_model(results / "s" / "unet" / RUN, gate=True)
    as_the_workflow(model, paths, tmp_path / "s.h5")
    tumour = as_the_workflow(model.gate, paths, tmp_path / "c.h5").ravel().astype(float)
    # An untrained classifier is nearly sure of nothing: put the threshold amid its answers.
    threshold = 1 - float(np.median(tumour))
    object.__setattr__(model.about.gate, "threshold", threshold)
    apply_gate(tmp_path / "s.h5", tmp_path / "c.h5", threshold, tmp_path / "g.h5")
    expected = load_predictions(tmp_path / "g.h5").probability
    found = list(predict_scans(model, read_scans(paths, model.about)))
    np.testing.assert_array_equal(np.concatenate([p.probability for p in found]), expected)
    closed = np.concatenate([p.closed for p in found])
    assert closed.any() and not closed.all()
    assert not any(p.mask.any() for p in found if p.closed.all())
    np.testing.assert_array_equal([p.tumour_probability()[0] for p in found], tumour)


def test_flips_are_averaged_and_their_entropy_is_that_of_the_mean(results, tmp_path):
    (path,) = pictures(tmp_path / "in", 1, (32, 32))
    model = load_model(results / "s" / "unet" / RUN)
    scans = read_scans([path], model.about)
    image = scans[0].image
    expected = np.mean([
        model.predict(image), model.predict(image[..., ::-1].copy())[..., ::-1],
        model.predict(image[:, :, ::-1].copy())[:, :, ::-1],
        model.predict(image[:, :, ::-1, ::-1].copy())[:, :, ::-1, ::-1],
    ], axis=0, dtype=np.float32)  # fmt: skip
    (found,) = predict_scans(model, scans, flips=True)
    np.testing.assert_array_equal(found.probability, expected.astype(np.float16))
    np.testing.assert_allclose(found.entropy, binary_entropy(expected))
    (plain,) = predict_scans(model, scans, uncertainty=True)
    np.testing.assert_array_equal(plain.probability, model.predict(image))
    np.testing.assert_array_equal(plain.entropy, found.entropy)
    assert (plain.averaged, found.averaged) == (False, True)


def test_entropy_by_hand():
    found = binary_entropy(np.array([0, 0.25, 0.5, 0.75, 1]))
    np.testing.assert_allclose(found, [0, 0.8112781, 1, 0.8112781, 0], rtol=1e-6)


def test_the_mask_lies_where_the_probability_does(results, tmp_path):
    """Of twice the size: each pixel of the network covers four of the scan."""
    (path,) = pictures(tmp_path / "in", 1)
    model = load_model(results / "s" / "unet" / RUN)
    block = np.zeros((1, 1, 32, 32), np.float16)
    block[0, 0, 4:10, 20:30] = 1
    model.predictor = lambda image: np.repeat(block, len(image), 0)
    (found,) = predict_scans(model, read_scans([path], model.about))
    rows, columns = np.nonzero(found.mask[0, 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 19, 40, 59)


def test_a_folder_that_cannot_be_used_says_what_to_do(results, tmp_path):
    with pytest.raises(ModelError, match="no such folder; expected results/<study>/<model>/<run>"):
        load_model(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(ModelError, match=r"holds no model.json. Make it again: snakemake"):
        load_model(tmp_path / "bare")
    (tmp_path / "unet-gated" / RUN).mkdir(parents=True)
    with pytest.raises(ModelError, match="give the folder of unet and the option --gate"):
        load_model(tmp_path / "unet-gated" / RUN)
    assert load_model(results / "s" / "unet").about.model == "unet", "a model of one run"


def spoilt(tmp_path, **changes):
    folder = make_model(tmp_path / "results")
    values = json.loads((folder / "model.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, "found format 1; expected 2"),
        ({"extra": 1}, "keys missing or unknown: extra"),
        (
            {"gate": {"classifier": "../../elsewhere", "threshold": 0.5}},
            "gate is .*expected the na",
        ),
        ({"threshold": 2}, "threshold is 2, expected a number from 0 to 1"),
        ({"channels": []}, "channels is"),
        ({"spacing": [1, 0, 1]}, "spacing is"),
        ({"task": "regression"}, "task is 'regression'"),
    ],
)
def test_a_description_that_is_none_is_refused(tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        read_description(spoilt(tmp_path, **changes))


def test_weights_of_another_training_are_refused(tmp_path):
    folder = make_model(tmp_path / "results")
    other = make_model(tmp_path / "other", seed=1)
    (folder / "weights.safetensors").write_bytes((other / "weights.safetensors").read_bytes())
    with pytest.raises(ModelError, match=r"is not the file that .*model.json was written for"):
        load_model(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match="no such file; a model's folder holds weights"):
        load_model(folder)


def test_weights_that_do_not_fit_the_description_are_refused(tmp_path):
    with pytest.raises(ModelError, match="does not hold the weights of this UNet"):
        load_model(spoilt(tmp_path, options={"base": 8, "depth": 2}))


def test_a_gate_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match="has no gate"):
        load_model(make_model(tmp_path / "results"), gate=True)


def test_a_scan_of_another_kind_is_refused(results, tmp_path):
    model = load_model(results / "s" / "unet" / RUN)
    Image.fromarray(slice_image((12, 40))).save(tmp_path / "tiny.png")
    with pytest.raises(CaseError, match=r"slices of 12x40 pixels, expected at least 16x16"):
        list(predict_scans(model, read_scans([tmp_path / "tiny.png"], model.about)))


def test_a_scan_far_from_the_training_data_is_warned_about(results, tmp_path):
    model = load_model(results / "s" / "unet" / RUN)

    def warnings(pixels):
        Image.fromarray(pixels).save(tmp_path / "x.png")
        (found,) = predict_scans(model, read_scans([tmp_path / "x.png"], model.about))
        return " ".join(found.warnings)

    assert warnings(slice_image()) == ""
    assert "far brighter than any brain" in warnings(255 - slice_image() // 3)
    assert "stretched to 32x32" in warnings(slice_image((64, 160)))
    assert "slices of 24x24 pixels, where the training data have 64x64" in warnings(
        slice_image((24, 24))
    )
    assert "nearly blank" in warnings(slice_image() // 64)
    blank = slice_image()
    blank[..., 1] = 0
    assert warnings(blank) == "flair: blank, 0 throughout"
