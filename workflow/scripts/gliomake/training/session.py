"""One training under way: its parts, its state, and when it must stop."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gliomake.training.checkpoint import Snapshot, StateFolder
from gliomake.training.data import DeviceSlices
from gliomake.training.hardware import Hardware
from gliomake.training.losses import create_loss
from gliomake.training.optimisation import Monitor, create_optimizer, create_schedule
from gliomake.training.state import State, pack, unpack


class TrainingInterrupted(SystemExit):
    """A signal ended the training and its state is saved; ends the process with code 1."""


class NonFiniteError(FloatingPointError):
    """The loss or the weights are infinite or not a number; the last sound state is kept."""


@dataclass
class Session:
    """One training: what stays the same while it runs, and its `state`.

    Attributes
    ----------
    model : Module
        The network; its weights are those that are saved.
    network : callable
        The same, perhaps compiled.
    config : mapping
        The model's ``training`` block.
    classes : sequence of str
        Names of the classes.
    task : str
        ``segmentation`` or ``classification``.
    seed : int
        Key of all that is random.
    hardware : Hardware
        What computes.
    train, val : DeviceSlices
        The data.
    folder : StateFolder
        Where the state is saved.
    interrupted : callable
        Tells whether a signal asks for the end.
    """

    model: torch.nn.Module
    network: Callable[[torch.Tensor], torch.Tensor]
    config: Mapping[str, Any]
    classes: Sequence[str]
    task: str
    seed: int
    hardware: Hardware
    train: DeviceSlices
    val: DeviceSlices
    folder: StateFolder
    interrupted: Callable[[], bool]

    def __post_init__(self) -> None:
        self.loss = create_loss(self.config["loss"])
        self.optimizer = create_optimizer(self.model, self.config["learning_rate"])
        self.schedule = create_schedule(self.optimizer, self.config["schedule"])
        self.batch_size = self.config["batch_size"]
        self.step_size = self.batch_size * self.config["accumulate"]
        self.clock = time.monotonic()
        device = self.hardware.device
        watch = self.config["early_stopping"]
        self.state = State(
            best=Monitor(self.config["best"]["monitor"], self.config["best"]["mode"]),
            stopping=Monitor(watch["monitor"], watch["mode"]) if watch else None,
            losses=torch.zeros(math.ceil(len(self.train) / self.batch_size), device=device),
            counts=torch.zeros(len(self.classes), 4, dtype=torch.int64, device=device),
        )

    @property
    def finished(self) -> bool:
        """Return whether all epochs are done."""
        return self.state.stopped_early or self.state.epoch > self.config["epochs"]

    @property
    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""
        return self.optimizer.param_groups[0]["lr"]

    @property
    def slices_done(self) -> int:
        """Return the training slices seen in the epoch under way."""
        return min(self.state.step * self.step_size, len(self.train))

    def losses(self) -> list[float]:
        """Return the loss of each batch so far in the epoch.

        Raises
        ------
        NonFiniteError
            One is infinite or not a number.
        """
        losses = self.state.losses[: math.ceil(self.slices_done / self.batch_size)].tolist()
        for batch, loss in enumerate(losses):
            if not math.isfinite(loss):
                step = batch // self.config["accumulate"] + 1
                raise self.not_finite(f"the training loss is {loss}", step)
        return losses

    def mean_loss(self) -> float:
        """Compute the mean loss over the slices so far in the epoch."""
        losses = self.losses()
        sizes = [self.batch_size] * len(losses)
        sizes[-1] += self.slices_done - sum(sizes)
        return (
            math.fsum(loss * size for loss, size in zip(losses, sizes, strict=True))
            / self.slices_done
        )

    def not_finite(self, what: str, step: int) -> NonFiniteError:
        """Return the error that ends a training gone astray."""
        saved = self.folder.generations()
        kept = f"the state before it is kept in {saved[0]}" if saved else "no state was saved yet"
        return NonFiniteError(
            f"epoch {self.state.epoch}, step {step}: {what} at learning rate "
            f"{self.learning_rate:g} in {self.hardware.precision}; {kept}. Lower "
            "training.learning_rate or set training.clip_norm (a changed training starts anew)"
        )

    def save(self) -> None:
        """Write the state to the disk, unless it has gone astray.

        Raises
        ------
        NonFiniteError
            It has; the last sound state stays.
        """
        self.losses()
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise self.not_finite(f"{name} is not finite", self.state.step)
        now = time.monotonic()
        self.state.seconds += now - self.clock
        self.clock = now
        self.state.peak_memory = max(self.state.peak_memory, self.hardware.peak_memory())
        self.folder.save(pack(self.state, self.model, self.optimizer, self.schedule))

    def heed_signals(self) -> None:
        """Save and end if a signal has asked for it.

        Raises
        ------
        TrainingInterrupted
            It has.
        """
        if self.interrupted():
            self.save()
            raise TrainingInterrupted(
                f"interrupted in epoch {self.state.epoch} after step {self.state.step}; the state "
                f"is saved in {self.folder.folder}: the same command goes on from there"
            )

    def resume(self, snapshot: Snapshot | None, rates: Mapping[str, float] | None = None) -> None:
        """Take up a state, if there is one, and enter this process into the list of sessions.

        Parameters
        ----------
        snapshot : Snapshot or None
            Of the folder.
        rates : mapping of str to float, optional
            Slices a second in each precision, where they were measured.
        """
        if snapshot:
            parts = self.model, self.optimizer, self.schedule, self.hardware.device
            self.state = unpack(snapshot, *parts)
        self.state.sessions.append(
            {
                "epoch": self.state.epoch,
                "step": self.state.step,
                "device": self.hardware.name,
                "precision": self.hardware.precision,
                "threads": self.hardware.threads,
                "slices_per_second": dict(rates or {}),
            }
        )
