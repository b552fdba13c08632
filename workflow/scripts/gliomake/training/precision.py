"""Which precision a CPU trains a network in faster: measured, as no list of processors tells it."""

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from gliomake.training.checkpoint import Snapshot
from gliomake.training.data import DeviceSlices, ground_truth
from gliomake.training.hardware import Hardware
from gliomake.training.losses import create_loss

TIMED = 3
"""Steps timed in each precision, after one that is not."""
WORTH = 1.1
"""bf16 has fewer digits; it is chosen where it is at least so many times as fast."""
CHOICES = ("float32", "bf16")


def settle_precision(
    hardware: Hardware,
    model: torch.nn.Module,
    slices: DeviceSlices,
    config: Any,
    task: str,
    snapshot: Snapshot | None,
) -> tuple[Hardware, dict[str, float]]:
    """Choose the precision of a training that leaves it open, on a CPU that computes in bf16.

    Parameters
    ----------
    hardware : Hardware
        With the precision that the processor suggests; it stays on a GPU, and if it is float32.
    model : Module
        The network, in the hardware's layout; a copy of it is trained.
    slices : DeviceSlices
        Of which one batch is used.
    config : Training
        The model's ``training`` block.
    task : str
        ``segmentation`` or ``classification``.
    snapshot : Snapshot or None
        The state of an earlier process, whose precision is kept: the weights are then the same.

    Returns
    -------
    Hardware
        The choice.
    dict of str to float
        Slices a second in each precision; empty where nothing was measured.
    """
    if hardware.device.type != "cpu" or hardware.precision != "bf16":
        return hardware, {}
    if snapshot is not None and snapshot.values["sessions"]:
        before: Sequence[dict[str, Any]] = snapshot.values["sessions"]
        measured = before[-1].get("slices_per_second", {})
        return replace(hardware, precision=before[-1]["precision"]), measured
    rates = measure_precisions(hardware, model, slices, config, task)
    faster = rates["bf16"] >= WORTH * rates["float32"]
    return replace(hardware, precision="bf16" if faster else "float32"), rates


def measure_precisions(
    hardware: Hardware, model: torch.nn.Module, slices: DeviceSlices, config: Any, task: str
) -> dict[str, float]:
    """Time steps of training in each precision, in turns.

    Parameters
    ----------
    hardware, model, slices, config, task
        As in `settle_precision`.

    Returns
    -------
    dict of str to float
        Slices a second, by the fastest of the steps.
    """
    rows = torch.arange(min(config["batch_size"], len(slices)))
    image, mask = slices.batch(rows)
    image = image.contiguous(memory_format=hardware.memory_format)
    target, loss = ground_truth(mask, task), create_loss(config["loss"])
    network = copy.deepcopy(model).train()
    seconds: dict[str, list[float]] = {name: [] for name in CHOICES}
    for _ in range(1 + TIMED):
        for name, times in seconds.items():
            start = time.perf_counter()
            with replace(hardware, precision=name).autocast():
                logits = network(image)
            loss(logits.float(), target).backward()
            times.append(time.perf_counter() - start)
            network.zero_grad(set_to_none=True)
    return {name: round(len(rows) / min(times[1:]), 1) for name, times in seconds.items()}
