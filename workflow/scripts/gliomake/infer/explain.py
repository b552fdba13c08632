"""What a network looked at: Grad-CAM (Selvaraju et al. 2017), computed by captum."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from gliomake.files.tsv import atomic_path
from gliomake.infer.model import Model
from gliomake.infer.outputs import grey_picture, shown_slice, turn
from gliomake.infer.predict import Prediction, prepare, to_grid
from gliomake.training.tensors import to_float

FINE_ENOUGH = 8
"""Height and width from which a map says where: one of 2x2 pixels, as of small images, does not."""

SHARE = 0.5
"""Of the picture that the map may cover."""


def attention(model: Model, image: np.ndarray, target: np.ndarray | None = None) -> np.ndarray:
    """Compute which places speak for tumour.

    Parameters
    ----------
    model : Model
        With its network.
    image : ndarray (n, channel, size, size), uint8 or float16
        Prepared slices.
    target : ndarray (n, class, size, size) of bool, optional
        The pixels whose logits are explained; by default those that are predicted, and all where
        there are none. A classifier explains its logit of tumour.

    Returns
    -------
    ndarray (n, size, size), float32
        0 to 1 a slice: how much the features there raise the logits, those of the coarsest
        convolution that have any part in it.

    Raises
    ------
    ValueError
        The model was loaded without torch.
    """
    from captum.attr import LayerGradCam

    network = model.network
    if network is None:
        raise ValueError("what a network looked at needs runtime torch")
    values = to_float(torch.from_numpy(image))
    wanted = None if target is None else torch.from_numpy(target)

    def score(batch: torch.Tensor) -> torch.Tensor:
        logits = network(batch)
        if logits.ndim == 2:
            return logits[:, 1]
        chosen = logits >= 0 if wanted is None else wanted
        none = ~chosen.flatten(1).any(1)
        chosen = chosen | none.reshape(-1, 1, 1, 1)
        return (logits * chosen).flatten(1).sum(1)

    maps = np.zeros((len(image), 1, 1))
    for layer in by_coarseness(network, values):
        with torch.enable_grad():
            found: Any = LayerGradCam(score, layer).attribute(values, relu_attributions=True)
        maps = found.detach().float().numpy()[:, 0]
        # A U-Net's skips may leave its bottom without a say: then the next finer features have it.
        if maps.any():
            break
    most = maps.reshape(len(maps), -1).max(axis=1).reshape(-1, 1, 1)
    maps = (maps / np.where(most > 0, most, 1)).astype(np.float32)
    return np.concatenate([to_grid(each[None], image.shape[2:]) for each in maps])


@torch.inference_mode()
def by_coarseness(network: nn.Module, values: torch.Tensor) -> list[nn.Module]:
    """List the convolutions whose features are looked at: the last of each size, coarsest first.

    Those too coarse to say where come last.

    Parameters
    ----------
    network : Module
        Any of `gliomake.models`.
    values : Tensor (n, channel, size, size), float32
        What it sees.

    Returns
    -------
    list of Module
        Parts of it.
    """
    last: dict[int, nn.Module] = {}

    def note(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        last[output.shape[-1]] = module

    hooks = [
        module.register_forward_hook(note)
        for module in network.modules()
        # Not the projection of a short cut, which sees no more than one pixel.
        if isinstance(module, nn.Conv2d) and max(module.kernel_size) > 1
    ]
    try:
        network(values[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return [last[size] for size in sorted(last, key=lambda size: (size < FINE_ENOUGH, size))]


def attention_picture(prediction: Prediction, model: Model, row: int) -> np.ndarray:
    """Draw what the network looked at over one slice.

    Parameters
    ----------
    prediction : Prediction
        Of the model.
    model : Model
        With its network.
    row : int
        The slice.

    Returns
    -------
    ndarray (height, width, 3), uint8
        The image, and over it from blue by green to red where the map is high.
    """
    one = _one_slice(prediction, model, row)
    heat = to_grid(attention(model, one), prediction.scan.size)[0]
    grey = np.repeat(grey_picture(prediction.scan.shown()[row])[..., None], 3, axis=2)
    colours = np.stack([heat, 1 - np.abs(2 * heat - 1), 1 - heat], axis=2) * 255
    weight = (SHARE * heat)[..., None]
    picture = ((1 - weight) * grey + weight * colours).round().clip(0, 255).astype(np.uint8)
    return turn(picture, prediction)


def _one_slice(prediction: Prediction, model: Model, row: int) -> np.ndarray:
    scan = prediction.scan
    return prepare(replace(scan, image=scan.image[row : row + 1]), model)


def write_attention(prediction: Prediction, model: Model, path: Path) -> Path:
    """Write `attention_picture` of the slice that the overlay shows.

    Returns
    -------
    Path
        The file.
    """
    row = shown_slice(prediction)
    with atomic_path(path) as temporary:
        Image.fromarray(attention_picture(prediction, model, row)).save(temporary)
    return path
