"""ImageNet weights of the encoders: fetched once, checked, kept as safetensors."""

import hashlib
import urllib.request
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from gliomake.files.atomic import atomic_path


class EncoderWeights(NamedTuple):
    """Where torchvision publishes the weights of one network, and the file's sha256."""

    url: str
    sha256: str


_TORCHVISION = "https://download.pytorch.org/models"

ENCODER_WEIGHTS: dict[str, EncoderWeights] = {
    "resnet50": EncoderWeights(
        f"{_TORCHVISION}/resnet50-0676ba61.pth",
        "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
    ),
    "vgg16": EncoderWeights(
        f"{_TORCHVISION}/vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    ),
    "vgg19": EncoderWeights(
        f"{_TORCHVISION}/vgg19-dcbb9e9d.pth",
        "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
    ),
}

_HEADS = ("fc.", "classifier.")
_CHUNK = 1 << 20


class WeightsError(RuntimeError):
    """Pretrained weights cannot be had, or are not what they should be."""


def fetch_weights(name: str, destination: Path, source: Path | None = None) -> None:
    """Put an encoder's ImageNet weights at `destination` as safetensors.

    torchvision's file is downloaded once, next to the destination; put there by hand, or given
    as `source`, no network is needed. It is a pickle, which can run code when it is read. Two
    things make that safe: its sha256 is compared with the one in this module before it is
    opened, so that it is the file that torchvision published, and ``weights_only=True`` admits
    tensors and containers alone. What is kept is safetensors, which cannot hold code.

    The classifier head is dropped. Images are not normalised by ImageNet's mean and standard
    deviation afterwards: the documents divide by 255 and no more.

    Parameters
    ----------
    name : str
        A key of `ENCODER_WEIGHTS`.
    destination : Path
        The safetensors file to write; written atomically.
    source : Path, optional
        torchvision's file; by default the one of its name beside the destination.

    Raises
    ------
    WeightsError
        If the file cannot be had, or its checksum is not the expected one.
    """
    if name not in ENCODER_WEIGHTS:
        raise WeightsError(
            f"no ImageNet weights for {name!r}; there are {', '.join(ENCODER_WEIGHTS)}"
        )
    weights = ENCODER_WEIGHTS[name]
    destination = Path(destination)
    original = Path(source) if source else destination.parent / Path(weights.url).name
    if not original.exists():
        if source is not None:
            raise WeightsError(f"{original} is missing: it was named as the source of {name!r}")
        _download(weights, original)
    _check_sha256(original, weights)
    state = torch.load(original, map_location="cpu", weights_only=True)
    encoder = {
        key: value.detach().contiguous()
        for key, value in state.items()
        if not key.startswith(_HEADS)
    }
    # One key only: safetensors writes several in an order that changes from call to call, and
    # the file's own hash is in the trail.
    metadata = {"source": f"{weights.url} sha256:{weights.sha256}"}
    with atomic_path(destination) as temporary:
        save_file(encoder, temporary, metadata=metadata)


def load_encoder_weights(model: nn.Module, path: Path) -> None:
    """Fill ``model.encoder`` from a file of `fetch_weights`; every tensor must fit.

    Only the batch norms' step counters, which nothing reads, may be missing from the file.

    Parameters
    ----------
    model : nn.Module
        A model of `gliomake.models` with an encoder.
    path : Path
        The safetensors file.

    Raises
    ------
    WeightsError
        If the model has no encoder, or names or shapes differ; the message names them.
    """
    encoder = getattr(model, "encoder", None)
    if not isinstance(encoder, nn.Module):
        raise WeightsError(f"{type(model).__name__} has no encoder to fill from {path}")
    found = load_file(path)
    expected = encoder.state_dict()
    missing = {k for k in expected if not k.endswith("num_batches_tracked")} - set(found)
    problems = [f"missing {key}" for key in sorted(missing)]
    problems += [f"unexpected {key}" for key in sorted(set(found) - set(expected))]
    problems += [
        f"{key} is {tuple(found[key].shape)}, the model's is {tuple(expected[key].shape)}"
        for key in sorted(set(found) & set(expected))
        if found[key].shape != expected[key].shape
    ]
    if problems:
        raise WeightsError(
            f"{path} does not fit the encoder of {type(model).__name__}: "
            f"{'; '.join(problems[:10])}{' ...' if len(problems) > 10 else ''}. "
            "ImageNet weights need the same encoder, three channels and width 1"
        )
    with torch.no_grad():
        for key, value in found.items():
            expected[key].copy_(value)


def _check_sha256(path: Path, weights: EncoderWeights) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != weights.sha256:
        raise WeightsError(
            f"{path} has sha256 {found}, expected {weights.sha256}: it is damaged or another "
            f"file. Delete it and fetch {weights.url} again"
        )


def _download(weights: EncoderWeights, original: Path) -> None:
    """Download to `original` with a progress bar; whole and with the right checksum, or not."""
    from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    try:
        with (
            atomic_path(original) as part,
            urllib.request.urlopen(weights.url, timeout=60) as response,
            Progress(*columns) as progress,
        ):
            length = response.headers.get("Content-Length")
            task = progress.add_task(original.name, total=int(length) if length else None)
            with part.open("wb") as file:
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
                    progress.update(task, advance=len(chunk))
            _check_sha256(part, weights)
    except OSError as error:  # URLError and time-outs among them
        raise WeightsError(
            f"could not download {weights.url} ({error}). On a machine with network fetch that "
            f"file (sha256 {weights.sha256}) and put it at {original.resolve()}; the next run "
            "takes it from there. Or train from scratch: set `pretrained: none` in the config"
        ) from error
