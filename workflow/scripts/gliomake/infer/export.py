"""Export to ONNX, and how far the exported network is from the trained one."""

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from gliomake.files.json_file import write_json
from gliomake.files.shards import load_arrays
from gliomake.files.tsv import atomic_path
from gliomake.infer.describe import Description
from gliomake.infer.model import load_model
from gliomake.infer.onnx_file import INPUT, ONNX_FILE, onnx_predictor
from gliomake.prepare.split import evaluated_slices, read_split

OPSET = 18
LARGEST = 0.01
"""Largest difference of a probability that passes; float16 alone makes half a thousandth."""

CHECKED = 64
"""Test slices that are compared at most."""


class ExportError(RuntimeError):
    """An exported network that does not compute what the trained one does."""


def export_model(
    folder: str | Path, split: str | Path, shards: Sequence[str | Path], out: str | Path
) -> dict[str, Any]:
    """Write a model as ONNX and compare both on test slices.

    Parameters
    ----------
    folder : str or Path
        The model's folder.
    split : str or Path
        The split of its run.
    shards : sequence of path
        The preprocessed slices.
    out : str or Path
        The ``.onnx`` file to write; it takes float32 images (n, channel, size, size), bytes
        divided by 255, and gives logits.

    Returns
    -------
    dict
        For ``onnx.json``: largest differences on how many slices, opset, hash of the weights.

    Raises
    ------
    ExportError
        A probability differs by more than `LARGEST`.
    """
    model = load_model(folder)
    keys = evaluated_slices(read_split(split))
    keys = keys[keys["subset"] == "test"] if (keys["subset"] == "test").any() else keys
    picked = keys.iloc[np.linspace(0, len(keys) - 1, min(CHECKED, len(keys))).astype(int)]
    image = load_arrays(shards, picked, model.about.channels).image
    with tempfile.TemporaryDirectory(dir=Path(out).parent) as scratch:
        write_onnx(model.network, model.about, Path(scratch) / ONNX_FILE)  # type: ignore[arg-type]
        exported = onnx_predictor(Path(scratch), model.about)
        difference = np.abs(
            model.predict(image).astype(np.float64) - exported(image).astype(np.float64)
        )
        largest = float(difference.max())
        found = {
            "slices": len(image),
            "largest_difference": largest,
            "mean_difference": float(difference.mean()),
            "opset": OPSET,
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "weights_sha256": model.about.weights_sha256,
        }
        if not largest <= LARGEST:
            raise ExportError(
                f"{out}: a probability differs by {largest:.2g} from torch's "
                f"on {len(image)} test slices, expected at most {LARGEST}: not written. Report "
                "the versions of torch and onnx"
            )
        with atomic_path(out) as temporary:
            temporary.write_bytes((Path(scratch) / ONNX_FILE).read_bytes())
    return found


def write_onnx(network: torch.nn.Module, about: Description, path: Path) -> None:
    """Write a network as ONNX, for any number of slices.

    Parameters
    ----------
    network : Module
        With its weights.
    about : Description
        Its ``model.json``; study, model, run and the weights' hash go into the file.
    path : Path
        Where to.
    """
    size = about.image_size
    example = torch.zeros(2, len(about.channels), size, size)
    network = network.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            None,
            input_names=[INPUT],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("slices")},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    proto = program.model_proto
    facts = {"weights_sha256": about.weights_sha256, "model": about.name, "intensity":
             about.recipe["intensity"], "channels": ",".join(about.channels),
             "classes": ",".join(about.classes)}  # fmt: skip
    onnx.helper.set_model_props(proto, facts)
    onnx.save(proto, path)


def write_export(
    folder: str | Path,
    split: str | Path,
    shards: Sequence[str | Path],
    out: str | Path,
    check: str | Path,
) -> None:
    """Write ``model.onnx`` and ``onnx.json``; see `export_model`."""
    write_json(export_model(folder, split, shards, out), check)
