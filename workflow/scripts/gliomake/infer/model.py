"""A trained model, ready to predict: its description, its network, and what computes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from gliomake.files.provenance import file_sha256
from gliomake.infer.describe import (
    FACTS_FILE,
    WEIGHTS_FILE,
    Description,
    ModelError,
    model_folder,
    read_description,
)
from gliomake.models import create_model
from gliomake.training.checkpoint import load_weights
from gliomake.training.hardware import Hardware, choose_hardware, reproducible
from gliomake.training.predict import predict_slices
from gliomake.training.tensors import SliceSet

BATCH = 32
"""Slices at a time, as the workflow predicts."""

# On one thread torch takes another convolution, with other last bits, for batches of fewer than 16
# slices and at most 20480 values (use_mkldnn in ATen/native/Convolution.cpp). The workflow predicts
# 32 slices at a time, so fewer are filled up.
ENOUGH_SLICES, ENOUGH_VALUES = 16, 20480
FLIPS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
"""Axes of (n, channel, height, width) that test-time flips turn."""

Predictor = Callable[[np.ndarray], np.ndarray]


@dataclass
class Model:
    """A trained model.

    Attributes
    ----------
    folder : Path
        ``results/<study>/<model>/<run>``.
    about : Description
        Its ``model.json``.
    predictor : callable
        From prepared slices (n, channel, size, size) to probabilities (n, class, size, size) or
        (n, 1, 1, 1), float16.
    runtime : str
        ``torch`` or ``onnx``.
    network : Module or None
        None for another runtime than torch.
    gate : Model or None
        The classifier before it, once `with_gate` has loaded it.
    """

    folder: Path
    about: Description
    predictor: Predictor
    runtime: str = "torch"
    network: torch.nn.Module | None = None
    gate: "Model | None" = field(default=None)

    def predict(self, image: np.ndarray) -> np.ndarray:
        """Return the probabilities of prepared slices.

        Parameters
        ----------
        image : ndarray (n, channel, size, size), uint8 or float16
            Of `gliomake.prepare.preprocess.normalise`.

        Returns
        -------
        ndarray (n, class, size, size), float16
            (n, 1, 1, 1) from a classifier. With torch on one thread of a CPU the same bits that
            the workflow writes for these slices.
        """
        return self.predictor(image)

    def predict_flips(self, image: np.ndarray) -> np.ndarray:
        """Return the probabilities under each of `FLIPS`, flipped back.

        Returns
        -------
        ndarray (4, n, class, size, size), float32
            The first without a flip.
        """
        parts = [
            np.flip(self.predict(np.ascontiguousarray(np.flip(image, axes))), axes)
            if axes
            else self.predict(image)
            for axes in FLIPS
        ]
        return np.stack(parts).astype(np.float32)


def load_model(
    folder: str | Path,
    *,
    runtime: str = "torch",
    device: str = "cpu",
    threads: int = 1,
    gate: bool = False,
) -> Model:
    """Load a trained model.

    Parameters
    ----------
    folder : str or Path
        ``results/<study>/<model>/<run>``.
    runtime : str
        ``torch``, or ``onnx`` for the ``model.onnx`` beside the weights.
    device : str
        As in `gliomake.training.hardware.choose_hardware`.
    threads : int
        Threads of the CPU.
    gate : bool
        Whether to load the study's classifier as well.

    Returns
    -------
    Model
        Ready to predict.

    Raises
    ------
    ModelError
        A file is missing, is of another training, does not fit, or there is no gate.
    """
    folder = model_folder(folder)
    about = read_description(folder)
    if runtime == "onnx":
        from gliomake.infer.onnx_file import onnx_predictor

        model = Model(folder, about, onnx_predictor(folder, about, threads), "onnx")
    elif runtime == "torch":
        network = _network(folder, about)
        hardware = choose_hardware(device, about.precision, threads)
        # Not left to the prediction: tensors made in its inference mode have no gradients.
        hardware.adopt(network)
        predictor = _torch_predictor(network, about, hardware)
        model = Model(folder, about, predictor, "torch", network)
    else:
        raise ModelError(f"runtime {runtime!r}: expected torch or onnx")
    if gate:
        if about.gate is None:
            raise ModelError(
                f"{about.name} has no gate: its study has no classifier of this run; leave --gate "
                "out, or take a model that stands behind one"
            )
        beside = folder.parent.parent / about.gate.classifier / about.run
        model.gate = load_model(beside, runtime=runtime, device=device, threads=threads)
        if model.gate.about.task != "classification":
            raise ModelError(f"{beside} is no classifier; a gate needs one. Build both again")
    return model


def _network(folder: Path, about: Description) -> torch.nn.Module:
    """Build the network and fill it with the weights that belong to the description."""
    for name, expected in (
        (WEIGHTS_FILE, about.weights_sha256),
        (FACTS_FILE, about.train_sha256),
    ):
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{path}: no such file; a model's folder holds {name}. Train it again")
        if file_sha256(path) != expected:
            raise ModelError(
                f"{path} is not the file that {folder.name}/model.json was written for: one of the "
                "two was changed or is of another training. Start the same snakemake command again"
            )
    try:
        # The weights replace what is drawn here; the caller's random state must not notice.
        with torch.random.fork_rng(devices=[]):
            network = create_model(
                about.architecture, len(about.channels), len(about.classes), **about.options
            )
        load_weights(network, folder / WEIGHTS_FILE)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{folder}: {error}") from error
    return network.eval()


def _torch_predictor(network: torch.nn.Module, about: Description, hardware: Hardware) -> Predictor:
    least = _least_batch(network, about) if hardware.device.type == "cpu" else 1

    def predict(image: np.ndarray) -> np.ndarray:
        count = len(image)
        if count < least:
            fill = np.broadcast_to(image[:1], (least - count, *image.shape[1:]))
            image = np.concatenate([image, fill])
        with reproducible(hardware):
            parts = predict_slices(network, _slices(image), about.task, BATCH, hardware)
            return np.concatenate(list(parts))[:count]

    return predict


def _slices(image: np.ndarray) -> SliceSet:
    """Wrap prepared slices; of a new scan neither patient nor mask is known."""
    count = len(image)
    none = torch.empty((count, 0, 0, 0), dtype=torch.uint8)
    unknown = np.full((count, 3), np.nan, np.float32)
    return SliceSet(torch.from_numpy(image), none, [""] * count, list(range(count)), unknown)


@torch.inference_mode()
def _least_batch(network: torch.nn.Module, about: Description) -> int:
    """Return the fewest slices for which torch convolves as it does for a whole batch."""
    fewest = ENOUGH_VALUES

    def look(_: torch.nn.Module, inputs: Sequence[torch.Tensor], __: torch.Tensor) -> None:
        nonlocal fewest
        fewest = min(fewest, inputs[0][0].numel())

    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    hooks = [
        module.register_forward_hook(look)
        for module in network.modules()
        if isinstance(module, kinds)
    ]
    size = about.image_size
    try:
        network(torch.zeros(1, len(about.channels), size, size))
    finally:
        for hook in hooks:
            hook.remove()
    return min(ENOUGH_SLICES, ENOUGH_VALUES // max(fewest, 1) + 1)
