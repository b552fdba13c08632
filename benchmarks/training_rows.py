"""Rows on training: a step with its data, bf16 against float32, prediction, and the GPU's."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from row import Row
from torch.utils.data import DataLoader, Dataset

from gliomake.files.predictions import write_predictions
from gliomake.models import create_model
from gliomake.training.augment import augment_batch
from gliomake.training.checkpoint import StateFolder
from gliomake.training.data import place
from gliomake.training.fit import train_one_epoch
from gliomake.training.hardware import Hardware, choose_hardware, reproducible
from gliomake.training.precision import measure_precisions
from gliomake.training.predict import predict_slices
from gliomake.training.progress import Reporter
from gliomake.training.session import Session
from gliomake.training.tensors import SliceSet

SIZES = (("U-Net, base 64, 96x96", 64, 96, 6000), ("U-Net, base 32, 256x256", 32, 256, 4000))
"""What, base, size, and the bar of slices/s on an H200."""
AUGMENT = {"rotate": 0.2, "shift": 0.05, "zoom": 0.05, "flip": ["horizontal"]}
TRAINING: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e-4,
    "accumulate": 1,
    "clip_norm": None,
    "loss": {"name": "dice"},
    "schedule": None,
    "early_stopping": None,
    "best": {"monitor": "val_loss", "mode": "min"},
    "augment": AUGMENT,
    "train_fraction": 1.0,
    "checkpoint_steps": 10**9,
}
THREADS = 2
ROUNDS = 2


def rows(scratch: Path) -> Iterator[Row]:
    """Measure training and prediction on the device here; give rows as they are measured."""
    hardware = choose_hardware("auto", "auto", THREADS)
    gpu = hardware.device.type == "cuda"
    for title, base, size, bar in SIZES:
        # On a CPU a slice of 256x256 takes a second or two.
        steps, batch = (40, 64) if gpu else (2, 8 if size < 128 else 4)
        slices = made_up_slices(steps * batch, size)
        yield _resident(title, base, slices, hardware, batch)
        yield _loader(title, base, slices, hardware, batch, scratch)
        yield _bf16(title, base, slices, batch, None if gpu else hardware)
        yield _gpu(title, base, slices, batch, bar, hardware if gpu else None)
        yield _prediction(title, base, slices, hardware, batch)
    yield _writing(scratch)


def made_up_slices(count: int, size: int) -> SliceSet:
    """Noise with a square tumour in every second slice, in one channel."""
    rng = np.random.default_rng(0)
    mask = np.zeros((count, 1, size, size), np.uint8)
    mask[::2, :, size // 4 : size // 2, size // 4 : size // 2] = 1
    image = rng.integers(0, 256, (count, 1, size, size), dtype=np.uint8)
    names, numbers = ["P"] * count, list(range(count))
    spacing = np.full((count, 3), np.nan, np.float32)
    return SliceSet(torch.from_numpy(image), torch.from_numpy(mask), names, numbers, spacing)


class _Bench:
    """A training, an epoch of which can be timed again and again."""

    def __init__(self, base: int, slices: SliceSet, hardware: Hardware, batch: int):
        torch.manual_seed(0)
        self.model = create_model("unet", 1, 1, base=base)
        hardware.adopt(self.model)
        self.placed, _ = place(slices, hardware)
        self.folder = tempfile.TemporaryDirectory()
        self.session = Session(
            model=self.model,
            network=self.model,
            config={**TRAINING, "batch_size": batch},
            classes=["tumour"],
            task="segmentation",
            seed=0,
            hardware=hardware,
            train=self.placed,
            val=self.placed,
            folder=StateFolder(Path(self.folder.name) / "state", "benchmark"),
            interrupted=lambda: False,
        )
        self.reporter = Reporter(1, len(slices))

    def epoch(self) -> None:
        """Train with everything that a study's training does in an epoch, but validation."""
        self.session.state.begin_epoch()
        train_one_epoch(self.session, self.reporter)
        self.session.losses()

    def resident(self) -> None:
        """Take as many steps on one batch that is there already, and nothing else."""
        session, batch = self.session, self.session.batch_size
        image, mask = self.placed.batch(torch.arange(batch))
        image = image.contiguous(memory_format=session.hardware.memory_format)
        self.model.train()
        for _ in range(len(self.placed) // batch):
            session.optimizer.zero_grad(set_to_none=True)
            with session.hardware.autocast():
                logits = self.model(image)
            loss = session.loss(logits.float(), mask)
            loss.backward()
            session.optimizer.step()
        loss.item()


def _rates(count: int, hardware: Hardware, **actions: Callable[[], object]) -> dict[str, float]:
    """Return slices a second of each, timed in turns; the first round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    with reproducible(hardware):
        for _ in range(ROUNDS + 1):
            for name, action in actions.items():
                start = time.perf_counter()
                action()
                if hardware.device.type == "cuda":
                    torch.cuda.synchronize()
                seconds[name].append(time.perf_counter() - start)
    return {name: count / statistics.median(times[1:]) for name, times in seconds.items()}


def _resident(title: str, base: int, slices: SliceSet, hardware: Hardware, batch: int) -> Row:
    bench = _Bench(base, slices, hardware, batch)
    rates = _rates(len(slices), hardware, ours=bench.epoch, floor=bench.resident)
    return Row(
        f"training, {title}, {hardware.precision}",
        "slices/s",
        rates["ours"],
        floor=rates["floor"],
        share=1 / 1.05,
        note=f"with data, augmentation and counts; floor: the same steps on one resident batch; "
        f"{hardware.device.type}, {hardware.threads} threads, batches of {batch}",
    )


class _Slices(Dataset):
    """The usual data set: a slice is read from HDF5 and augmented when it is asked for."""

    def __init__(self, path: Path):
        self.path, self.file = path, None
        with h5py.File(path) as file:
            self.count = len(file["image"])

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.file = self.file or h5py.File(self.path)
        image = torch.from_numpy(self.file["image"][row])[None].float() / 255
        mask = torch.from_numpy(self.file["mask"][row])[None].float()
        image, mask = augment_batch(image, mask, AUGMENT, 0, 1, torch.tensor([row]))
        return image[0], mask[0]


def _loader(
    title: str, base: int, slices: SliceSet, hardware: Hardware, batch: int, scratch: Path
) -> Row:
    path = scratch / "slices.h5"
    with h5py.File(path, "w") as file:
        for name, values in (("image", slices.image), ("mask", slices.mask)):
            chunks, packed = (1, *values.shape[1:]), {"compression": "gzip", "compression_opts": 4}
            file.create_dataset(name, data=values.numpy(), chunks=chunks, **packed)
    bench, model = _Bench(base, slices, hardware, batch), create_model("unet", 1, 1, base=base)
    model.to(hardware.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def plain() -> None:
        loader = DataLoader(_Slices(path), batch, shuffle=True, num_workers=2)
        model.train()
        for image, mask in loader:
            optimizer.zero_grad()
            logits = model(image.to(hardware.device))
            loss = bench.session.loss(logits, mask.to(hardware.device))
            loss.backward()
            optimizer.step()
            loss.item()

    rates = _rates(len(slices), hardware, ours=bench.epoch, plain=plain)
    return Row(
        f"training against a DataLoader, {title}",
        "slices/s",
        rates["ours"],
        rates["plain"],
        least=3 if hardware.device.type == "cuda" else 1.3,
        note=f"ours in {hardware.precision}; plain: float32, a slice at a time from gzip HDF5 by "
        "two workers, augmented on the CPU, loss read every step",
    )


def _bf16(title: str, base: int, slices: SliceSet, batch: int, hardware: Hardware | None) -> Row:
    what = f"bf16 on a CPU against float32, {title}"
    if hardware is None or hardware.precision != "bf16":
        why = "on a GPU" if hardware is None else "this processor does not compute in bf16"
        return Row(what, "slices/s", None, least=2, note=why)
    fast = _Bench(base, slices, hardware, batch)
    slow = _Bench(base, slices, replace(hardware, precision="float32"), batch)
    slow.model.to(memory_format=torch.contiguous_format)

    def eager() -> None:
        # Channels first, as torch does by default.
        image, mask = slow.placed.batch(torch.arange(batch))
        for _ in range(len(slices) // batch):
            slow.session.optimizer.zero_grad(set_to_none=True)
            slow.session.loss(slow.model(image), mask).backward()
            slow.session.optimizer.step()

    rates = _rates(len(slices), hardware, ours=fast.resident, plain=eager)
    with reproducible(hardware):
        config = {**TRAINING, "batch_size": batch}
        found = measure_precisions(hardware, fast.model, fast.placed, config, "segmentation")
    chosen = "bf16" if found["bf16"] >= 1.1 * found["float32"] else "float32"
    return Row(
        what,
        "slices/s",
        rates["ours"],
        rates["plain"],
        least=2,
        note=f"plain: float32, channels first; the measurement at a training's start took {chosen} "
        f"({found['bf16']:g} against {found['float32']:g} with channels last in both)",
    )


def _gpu(
    title: str, base: int, slices: SliceSet, batch: int, bar: float, hardware: Hardware | None
) -> Row:
    what = f"training on a GPU, {title}"
    if hardware is None:
        return Row(what, "slices/s", None, bar=bar, note="no GPU here; the bar is an H200's")
    bench = _Bench(base, slices, hardware, batch)
    bench.session.network = torch.compile(bench.model, dynamic=False)
    rates = _rates(len(slices), hardware, ours=bench.epoch)
    with torch.inference_mode(), torch.utils.flop_counter.FlopCounterMode(display=False) as flops:
        image = torch.zeros(1, *slices.image.shape[1:], device=hardware.device)
        bench.model(image)
    # A backward pass costs twice a forward one.
    done = 3 * flops.get_total_flops() * rates["ours"]
    share = done / _peak_of(hardware)
    return Row(
        what,
        "slices/s",
        rates["ours"],
        bar=bar,
        note=f"{hardware.name}, {hardware.precision}, compiled, batches of {batch}; "
        f"{done / 1e12:.0f} TFLOP/s, {share:.0%} of the peak of large matrices measured beside it",
    )


def _peak_of(hardware: Hardware) -> float:
    """Measure the FLOP/s of a large product of matrices."""
    side, times = 8192, []
    one = torch.randn(side, side, device=hardware.device, dtype=torch.bfloat16)
    for _ in range(6):
        torch.cuda.synchronize()
        start = time.perf_counter()
        one @ one
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times)


def _prediction(title: str, base: int, slices: SliceSet, hardware: Hardware, batch: int) -> Row:
    bench = _Bench(base, slices, hardware, batch)

    def predict() -> None:
        for _ in predict_slices(bench.model, slices, "segmentation", 32, hardware):
            pass

    rates = _rates(len(slices), hardware, ours=predict, plain=bench.epoch)
    return Row(
        f"prediction against training, {title}",
        "slices/s",
        rates["ours"],
        rates["plain"],
        least=2.5,
        note=f"{hardware.precision}; in place of plain: the rate of training",
    )


def _writing(scratch: Path) -> Row:
    """Compare writing predictions with their bytes' way to the disk."""
    count, size = 1024, 96
    rng = np.random.default_rng(0)
    values = np.zeros((count, 1, size, size), np.float16)
    values[:, :, 20:60, 20:60] = rng.random((count, 1, 40, 40))
    ends = range(0, count, 32)

    def ours() -> None:
        write_predictions(
            scratch / "predictions.h5",
            (values[at : at + 32] for at in ends),
            patient=["P"] * count,
            slice=list(range(count)),
            subset=["test"] * count,
            spacing=np.full((count, 3), np.nan, np.float32),
            attributes={"classes": ["tumour"], "threshold": 0.5},
        )

    def plain() -> None:
        with h5py.File(scratch / "plain.h5", "w") as out:
            shape = values.astype(np.float32)
            out.create_dataset(
                "p",
                data=shape,
                chunks=(1, *shape.shape[1:]),
                compression="gzip",
                compression_opts=4,
            )

    rates = _rates(count, Hardware(torch.device("cpu"), "float32"), ours=ours, plain=plain)
    return Row(
        "writing predictions, 96x96",
        "slices/s",
        rates["ours"],
        rates["plain"],
        note="half floats, LZF, checked and sealed; plain: float32, gzip-4; compare it with the "
        "rates of prediction",
    )
