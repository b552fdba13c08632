"""What a step of training or prediction sees: slices on the device, their order, their counts."""

import hashlib
from dataclasses import dataclass

import torch

from gliomake.training.hardware import MIB, Hardware
from gliomake.training.tensors import SliceSet, to_float

TASKS = ("segmentation", "classification")
# The rest is for the network, its gradients and its optimiser.
SHARE_FOR_DATA = 0.5


@dataclass
class DeviceSlices:
    """A set of slices on the device, or in host memory where it does not fit there.

    Attributes
    ----------
    image, mask : Tensor
        As in `SliceSet`; bytes stay bytes.
    device : torch.device
        Where batches are wanted.
    """

    image: torch.Tensor
    mask: torch.Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.image)

    def batch(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return some slices for a network.

        Parameters
        ----------
        rows : Tensor (n,), int64
            Which, on the CPU.

        Returns
        -------
        image : Tensor (n, channel, height, width), float32
        mask : Tensor (n, class, height, width), float32
            Both on the device.
        """
        rows = rows.to(self.image.device)
        image, mask = self.image[rows].to(self.device), self.mask[rows].to(self.device)
        return to_float(image), mask.float()


def place(
    slices: SliceSet, hardware: Hardware, memory_limit: float | None = None
) -> tuple[DeviceSlices, str]:
    """Move a set of slices to the device if there is room.

    Parameters
    ----------
    slices : SliceSet
        In host memory.
    hardware : Hardware
        Where to.
    memory_limit : float, optional
        Memory of the device to reckon with, MiB; by default what is free on a GPU. Half of it is
        for slices.

    Returns
    -------
    placed : DeviceSlices
        On the device, or still in host memory, from where each batch is then moved.
    where : str
        Which of the two, in words for the log.

    Raises
    ------
    ValueError
        There is no slice.
    """
    if not len(slices):
        raise ValueError("a set of slices is empty; the split must give train and val some")
    size = slices.image.nbytes + slices.mask.nbytes
    free = hardware.free_memory() if memory_limit is None else int(memory_limit * MIB)
    fits = free is None or size <= SHARE_FOR_DATA * free
    if hardware.device.type == "cpu" or not fits:
        placed = DeviceSlices(slices.image, slices.mask, hardware.device)
    else:
        image, mask = slices.image.to(hardware.device), slices.mask.to(hardware.device)
        placed = DeviceSlices(image, mask, hardware.device)
    return placed, _where(placed, size, None if fits else free)


def _where(placed: DeviceSlices, size: int, free: int | None) -> str:
    words = f"{len(placed)} slices ({size / MIB:.0f} MiB)"
    if placed.device.type == "cpu":
        return f"{words} in memory"
    if free is not None:
        return f"{words} in host memory, moved by batch: {free / MIB:.0f} MiB are free"
    return f"{words} on {placed.device}"


def stream_seed(*key: int | str) -> int:
    """Compute a seed of a key: equal keys give equal seeds, others unrelated ones.

    Parameters
    ----------
    *key : int or str
        For example run seed, epoch, step.

    Returns
    -------
    int
        63 bits.
    """
    digest = hashlib.sha256(repr(key).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def epoch_order(seed: int, epoch: int, slices: int) -> torch.Tensor:
    """Shuffle the slices of an epoch.

    Parameters
    ----------
    seed, epoch : int
        The key of the shuffle.
    slices : int
        How many.

    Returns
    -------
    Tensor (slice,), int64
        Each slice once, on the CPU.

    Examples
    --------
    >>> sorted(epoch_order(seed=0, epoch=1, slices=4).tolist())
    [0, 1, 2, 3]
    >>> bool((epoch_order(0, 1, 4) == epoch_order(0, 1, 4)).all())
    True
    """
    generator = torch.Generator().manual_seed(stream_seed("order", seed, epoch))
    return torch.randperm(slices, generator=generator)


def ground_truth(mask: torch.Tensor, task: str) -> torch.Tensor:
    """Return what the network should answer.

    Parameters
    ----------
    mask : Tensor (n, class, height, width), float32
        0 or 1.
    task : str
        One of `TASKS`.

    Returns
    -------
    Tensor
        The mask itself; for classification (n,) int64, 1 where there is any tumour.

    Examples
    --------
    >>> mask = torch.tensor([[[[0, 1], [0, 0]]], [[[0, 0], [0, 0]]]], dtype=torch.uint8)
    >>> ground_truth(mask, "classification")
    tensor([1, 0])
    """
    return mask.flatten(1).any(1).long() if task == "classification" else mask


def probabilities(logits: torch.Tensor, task: str) -> torch.Tensor:
    """Compute from logits the probabilities of tumour.

    Parameters
    ----------
    logits : Tensor (n, class, height, width), or (n, 2) for classification
        Of any precision.
    task : str
        One of `TASKS`.

    Returns
    -------
    Tensor (n, class, height, width), float32
        One pixel an image for classification.
    """
    if task == "classification":
        return logits.float().softmax(1)[:, 1].reshape(-1, 1, 1, 1)
    return logits.float().sigmoid()


def batch_counts(logits: torch.Tensor, target: torch.Tensor, task: str) -> torch.Tensor:
    """Count the pixels of each slice, tumour being what has a probability of at least 0.5.

    Parameters
    ----------
    logits : Tensor (n, class, height, width), or (n, 2) for classification
        Of any precision.
    target : Tensor
        Of `ground_truth`.
    task : str
        One of `TASKS`.

    Returns
    -------
    Tensor (n, class, 4), int64
        True positives, false positives, false negatives, true negatives.
    """
    if task == "classification":
        found = (logits[:, 1] >= logits[:, 0]).reshape(-1, 1, 1)
        truth = (target == 1).reshape(-1, 1, 1)
    else:
        found, truth = (logits >= 0).flatten(2), (target > 0.5).flatten(2)
    both, predicted, actual = (found & truth).sum(2), found.sum(2), truth.sum(2)
    fp, fn = predicted - both, actual - both
    return torch.stack([both, fp, fn, found.shape[2] - both - fp - fn], dim=2)
