"""Small untrained models in folders as the workflow writes them, and scans for them."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import torch

from gliomake.files.tsv import write_tsv
from gliomake.infer.describe import write_description
from gliomake.models import create_model
from gliomake.training.checkpoint import save_weights

LGG = ["pre-contrast", "flair", "post-contrast"]
RUN = "patient-f0-s0"


def settings(model="unet", **changes) -> dict:
    """What a study says of a model."""
    channels = changes.pop("channels", LGG)
    classes = changes.pop("classes", ["tumour"])
    recipe = {"channels": channels, "image_size": 32, "intensity": "unit", "slices": "all",
              "classes": classes, **changes.pop("recipe", {})}  # fmt: skip
    return {
        "study": "s", "title": "A study", "model": model, "run": RUN, "dataset": "lgg",
        "data": "phantom", "scale": "demo", "task": "segmentation", "architecture": "unet",
        "options": {"base": 4, "depth": 2}, "channels": channels, "classes": classes,
        "recipe": recipe, "threshold": 0.5, "precision": "float32", "gate": None, "release": "lgg",
        "labels": changes.pop("labels", {name: [] for name in classes}),
        "colours": dict.fromkeys(classes, "#56B4E9"), **changes,
    }  # fmt: skip


def make_model(results: Path, model="unet", *, spacing=None, seed=0, bias=None, **changes) -> Path:
    """Write a run's folder; `bias` is what the last layer adds, and so where masks lie."""
    block = settings(model, **changes)
    folder = results / "s" / model / RUN
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    network = create_model(
        block["architecture"], len(block["channels"]), len(block["classes"]), **block["options"]
    )
    state = network.state_dict()
    if bias is not None:
        last = [name for name in state if name.endswith(".bias")][-1]
        state[last] = torch.full_like(state[last], 0) + torch.as_tensor(bias, dtype=torch.float32)
    save_weights(state, folder / "weights.safetensors")
    (folder / "train.json").write_text('{"seconds": 1}\n')
    data = results / "data" / block["dataset"]
    data.mkdir(parents=True, exist_ok=True)
    facts = {"min": 0.0, "max": 255.0, "mean": 40.0}
    integrity = {
        "dataset": block["dataset"], "refused": [], "findings": [],
        "fingerprint": {"intensity": dict.fromkeys(block["channels"], facts),
                        "sizes": {"64x64": 9}},
    }  # fmt: skip
    (data / "integrity.json").write_text(json.dumps(integrity))
    place = dict(zip(("spacing_x", "spacing_y", "spacing_z"), spacing or (None,) * 3, strict=True))
    write_tsv(pd.DataFrame([{"case": "a", "patient": "a", **place}]), data / "cases.tsv")
    write_description(
        block,
        weights=folder / "weights.safetensors",
        facts=folder / "train.json",
        integrity=data / "integrity.json",
        cases=data / "cases.tsv",
        out=folder / "model.json",
    )
    return folder


def slice_image(size=(64, 64), seed=0) -> np.ndarray:
    """A disc with a bright spot on black, (height, width, 3) uint8."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    head = np.hypot(rows / height - 0.5, columns / width - 0.5) < 0.4
    spot = np.hypot(rows / height - 0.4, columns / width - 0.6) < 0.1
    noise = np.random.default_rng(seed).integers(0, 30, (height, width, 3))
    return (head[..., None] * (60 + noise) + spot[..., None] * 120).clip(0, 255).astype(np.uint8)


AFFINES = {
    "LPS": np.diag([-1.0, -1.5, 2.0, 1.0]),
    "RAS": np.diag([1.0, 1.5, 2.0, 1.0]),
    # x of the file is the patient's z, and runs down.
    "ILP": np.array([[0, -1.0, 0, 7], [0, 0, -1.5, 9], [-2.0, 0, 0, 11], [0, 0, 0, 1]]),
}


def volume(shape=(48, 40, 5), seed=0) -> np.ndarray:
    """An LPS volume (x, y, z) int16 in which every axis and direction differs."""
    x, y, z = np.indices(shape)
    head = np.hypot(x / shape[0] - 0.5, y / shape[1] - 0.5) < 0.4
    noise = np.random.default_rng(seed).integers(0, 20, shape)
    return (head * (50 + 2 * x + y + 5 * z + noise)).astype(np.int16)


def stored_as(array: np.ndarray, orientation: str) -> np.ndarray:
    """The voxels of an LPS array as a file of another orientation has them."""
    if orientation == "LPS":
        return array
    if orientation == "RAS":
        return array[::-1, ::-1]
    return array[:, :, ::-1].transpose(2, 0, 1)


def save_volume(path: Path, array: np.ndarray, orientation="LPS") -> Path:
    image = nibabel.Nifti1Image(stored_as(array, orientation), AFFINES[orientation])
    image.header["descrip"] = b"a scan"
    nibabel.save(image, path)
    return path
