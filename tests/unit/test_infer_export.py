"""Export to ONNX, and what a network looked at."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from infer_models import LGG, RUN, make_model, slice_image
from PIL import Image
from torch import nn

from gliomake.cli import main
from gliomake.datasets.base import Volume
from gliomake.files.shards import write_shard
from gliomake.files.tsv import write_tsv
from gliomake.infer.describe import ModelError
from gliomake.infer.explain import attention, by_coarseness
from gliomake.infer.export import ExportError, write_export
from gliomake.infer.model import Model, load_model
from gliomake.infer.onnx_file import probabilities_of
from gliomake.training.data import probabilities


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A model, its split and its shard."""
    root = tmp_path_factory.mktemp("export")
    folder = make_model(root / "results", seed=3)
    image = np.stack([np.moveaxis(slice_image((32, 32), seed), -1, 0) for seed in range(6)])
    volume = Volume("a", "a", np.arange(6), image, np.zeros((6, 1, 32, 32), np.uint8), None)
    recipe = {"channels": LGG, "image_size": 32, "intensity": "unit", "slices": "all",
              "classes": ["tumour"]}  # fmt: skip
    write_shard(root / "000.h5", [volume], dataset="lgg", recipe=recipe)
    subsets = ["train", "val", *["test"] * 4]
    split = {"patient": ["b", "c", *["a"] * 4], "slice": range(6), "subset": subsets}
    write_tsv(pd.DataFrame(split), root / "patient-f0.tsv")
    write_export(
        folder, root / "patient-f0.tsv", [root / "000.h5"], folder / "model.onnx",
        folder / "onnx.json",
    )  # fmt: skip
    return root, folder


def test_the_exported_network_answers_as_the_trained_one(run):
    _, folder = run
    check = json.loads((folder / "onnx.json").read_text())
    assert check["slices"] == 4 and check["largest_difference"] < 1e-3
    model, exported = load_model(folder), load_model(folder, runtime="onnx")
    for count in (1, 3, 40):
        image = np.random.default_rng(count).integers(0, 256, (count, 3, 32, 32), np.uint8)
        difference = exported.predict(image).astype(float) - model.predict(image).astype(float)
        assert exported.predict(image).dtype == np.float16
        assert np.abs(difference).max() < 1e-3


def test_predict_runs_on_it(run, tmp_path):
    _, folder = run
    Image.fromarray(slice_image()).save(tmp_path / "a.png")
    for runtime in ("torch", "onnx"):
        out = tmp_path / runtime
        arguments = ["predict", str(folder), str(tmp_path / "a.png"), "--out", str(out)]
        assert main([*arguments, "--runtime", runtime]) == 0
    found = [json.loads((tmp_path / name / "a.json").read_text()) for name in ("torch", "onnx")]
    assert [each["runtime"] for each in found] == ["torch", "onnx"]
    assert abs(found[0]["tumour"]["pixels"] - found[1]["tumour"]["pixels"]) <= 2


def test_a_network_that_differs_is_not_written(run, tmp_path, monkeypatch):
    root, folder = run

    def other(self, image):
        return 1 - self.predictor(image)

    monkeypatch.setattr(Model, "predict", other)
    out = tmp_path / "model.onnx"
    with pytest.raises(ExportError, match=r"differs by .* on 4 test slices, expected at most"):
        write_export(
            folder, root / "patient-f0.tsv", [root / "000.h5"], out, tmp_path / "onnx.json"
        )
    assert list(tmp_path.iterdir()) == []


def test_an_export_of_other_weights_is_refused(run, tmp_path):
    _, folder = run
    other = make_model(tmp_path / "results", seed=9)
    with pytest.raises(ModelError, match=r"no such file. Export it first: snakemake .*/model.onnx"):
        load_model(other, runtime="onnx")
    (other / "model.onnx").write_bytes((folder / "model.onnx").read_bytes())
    with pytest.raises(ModelError, match="was exported from other weights"):
        load_model(other, runtime="onnx")
    (other / "model.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(other, runtime="onnx")


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 4, 4)])
def test_probabilities_are_those_of_the_workflow(shape):
    logits = np.random.default_rng(0).normal(0, 30, shape).astype(np.float32)
    task = "classification" if len(shape) == 2 else "segmentation"
    expected = probabilities(torch.from_numpy(logits), task).half().numpy()
    np.testing.assert_allclose(probabilities_of(logits, task), expected, atol=1e-6, rtol=1e-3)


def test_the_map_is_high_where_the_evidence_lies(run):
    """A network that adds up the second channel: only where that is bright is there evidence."""
    _, folder = run
    model = load_model(folder)
    first = nn.Conv2d(3, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        first.weight.zero_()
        first.weight[0, 1, 1, 1] = 1
    model.network = nn.Sequential(first, nn.Conv2d(1, 1, 1))
    with torch.no_grad():
        model.network[1].weight.fill_(5)
        model.network[1].bias.fill_(-1)
    image = np.zeros((1, 3, 32, 32), np.uint8)
    image[0, 1, 5:9, 20:26] = 200
    image[0, 0] = 255
    found = attention(model, image)[0]
    assert found.shape == (32, 32) and found.max() == 1
    np.testing.assert_array_equal(found > 0.5, image[0, 1] > 100)


@pytest.mark.parametrize(
    ("name", "architecture", "options"),
    [
        ("a", "unet", {"base": 4, "depth": 2}),
        ("b", "resunet", {"base": 4, "depth": 2}),
        ("c", "resnet50-classifier", {"width": 0.0625}),
    ],
)
def test_every_kind_of_network_can_be_looked_into(tmp_path, name, architecture, options):
    task = "classification" if "classifier" in architecture else "segmentation"
    folder = make_model(
        tmp_path / "results", name, architecture=architecture, options=options, task=task
    )
    model = load_model(folder)
    image = np.moveaxis(slice_image((32, 32)), -1, 0)[None]
    model.predict(image)
    found = attention(model, image)
    assert found.shape == (1, 32, 32) and found.min() >= 0 and found.max() <= 1
    layers = by_coarseness(model.network, torch.zeros(1, 3, 32, 32))
    assert len(layers) > 1 and all(isinstance(layer, nn.Conv2d) for layer in layers)


def test_attention_and_uncertainty_are_drawn_on_request(run, tmp_path):
    _, folder = run
    assert folder.name == RUN
    Image.fromarray(slice_image((64, 48))).save(tmp_path / "a.png")
    out = tmp_path / "out"
    arguments = ["predict", str(folder), str(tmp_path / "a.png"), "--out", str(out)]
    assert main([*arguments, "--attention", "--uncertainty"]) == 0
    for name in ("attention", "uncertainty"):
        assert Image.open(out / f"a_{name}.png").size == (48, 64)
    assert json.loads((out / "a.json").read_text())["uncertainty"]["mean"] > 0
    assert main([*arguments, "--attention", "--runtime", "onnx"]) == 1
