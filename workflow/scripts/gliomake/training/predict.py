"""Prediction: a trained network's probabilities for slices, written as they are computed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gliomake.files.predictions import write_predictions
from gliomake.training.data import probabilities
from gliomake.training.hardware import Hardware, choose_hardware, reproducible
from gliomake.training.tensors import SliceSet, to_float


def predict_run(
    model: torch.nn.Module,
    slices: SliceSet,
    subsets: Sequence[str],
    out: str | Path,
    *,
    attributes: Mapping[str, Any],
    task: str = "segmentation",
    batch_size: int = 32,
    device: str = "auto",
    precision: str = "auto",
    deterministic: bool = False,
    threads: int = 1,
) -> None:
    """Predict the slices of a run and write ``predictions.h5``.

    Parameters
    ----------
    model : Module
        With its trained weights.
    slices : SliceSet
        In the order of the file to write.
    subsets : sequence (slice,) of str
        ``val`` or ``test``, of each slice.
    out : str or Path
        The file; it appears when it is complete.
    attributes : mapping
        ``study``, ``model``, ``run``, ``classes`` and ``threshold``.
    task : str
        ``segmentation`` or ``classification``.
    batch_size : int
        Slices at a time.
    device, precision : str
        As in `choose_hardware`.
    deterministic : bool
        float32, and an error where an operation cannot be repeated bit for bit.
    threads : int
        Threads of the CPU.
    """
    hardware = choose_hardware(device, precision, threads, deterministic)
    with reproducible(hardware, deterministic):
        write_predictions(
            out,
            predict_slices(model, slices, task, batch_size, hardware),
            patient=slices.patient,
            slice=slices.slice,
            subset=subsets,
            spacing=slices.spacing,
            attributes={"task": task, "precision": hardware.precision, **attributes},
        )


@torch.inference_mode()
def predict_slices(
    model: torch.nn.Module,
    slices: SliceSet,
    task: str,
    batch_size: int,
    hardware: Hardware,
) -> Iterator[np.ndarray]:
    """Predict batch by batch.

    Parameters
    ----------
    model : Module
        Moved to the device and put into evaluation mode.
    slices : SliceSet
        In any memory.
    task : str
        ``segmentation`` or ``classification``.
    batch_size : int
        Slices at a time.
    hardware : Hardware
        What computes.

    Yields
    ------
    ndarray (n, class, height, width), float16
        Probabilities; (n, 1, 1, 1) from a classifier.
    """
    hardware.adopt(model)
    model.eval()
    for image in slices.image.split(batch_size):
        image = to_float(image.to(hardware.device))
        with hardware.autocast():
            logits = model(image.contiguous(memory_format=hardware.memory_format))
        yield probabilities(logits, task).half().cpu().numpy()
