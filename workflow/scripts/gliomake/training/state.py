"""The state of a training: what changes while it runs, packed for a checkpoint and unpacked."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from gliomake.training.checkpoint import Snapshot, to_storage
from gliomake.training.optimisation import Monitor, optimizer_tensors, restore_optimizer

TENSORS = ("losses", "counts", "best_weights")


@dataclass
class State:
    """What changes while a training runs, beside the network, its optimiser and its schedule.

    Attributes
    ----------
    best : Monitor
        What picks the weights to keep.
    stopping : Monitor or None
        What ends the training early.
    losses : Tensor (batch,), float32
        Of the epoch under way; on the device, so that no step has to wait for its loss.
    counts : Tensor (class, 4), int64
        Of the training slices in the epoch under way.
    best_weights : dict of str to Tensor
        On the CPU.
    epoch : int
        The epoch under way, from 1.
    step : int
        Optimiser steps done in it.
    stopped_early : bool
        Whether early stopping has ended the training.
    history : list of dict
        A row for each finished epoch.
    seconds : float
        Spent so far, by all processes together.
    peak_memory : float
        MiB, the most that any of the processes held.
    sessions : list of dict
        The processes that took part: from which epoch and step, and on what.
    """

    best: Monitor
    stopping: Monitor | None
    losses: torch.Tensor
    counts: torch.Tensor
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)
    epoch: int = 1
    step: int = 0
    stopped_early: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    peak_memory: float = 0.0
    sessions: list[dict[str, Any]] = field(default_factory=list)

    def begin_epoch(self) -> None:
        """Move to the start of the next epoch."""
        self.epoch, self.step = self.epoch + 1, 0
        self.losses, self.counts = torch.zeros_like(self.losses), torch.zeros_like(self.counts)


def pack(
    state: State,
    model: torch.nn.Module,
    optimizer: torch.optim.Adam,
    schedule: ReduceLROnPlateau | None,
) -> Snapshot:
    """Gather all that the trajectory depends on.

    Parameters
    ----------
    state : State
        Of the session.
    model : Module
        Its network.
    optimizer : Adam
        Its optimiser.
    schedule : ReduceLROnPlateau or None
        Its schedule.

    Returns
    -------
    Snapshot
        Views of the tensors where they lie on the CPU: save it before the next step.
    """
    groups = {
        "model": model.state_dict(),
        "adam": optimizer_tensors(model, optimizer),
        "best": state.best_weights,
        "epoch": {"losses": state.losses, "counts": state.counts},
    }
    tensors = {
        f"{group}/{name}": to_storage(tensor)
        for group, members in groups.items()
        for name, tensor in members.items()
    }
    values = {
        item.name: getattr(state, item.name) for item in fields(state) if item.name not in TENSORS
    }
    values["best"] = asdict(state.best)
    values["stopping"] = asdict(state.stopping) if state.stopping else None
    values["learning_rate"] = optimizer.param_groups[0]["lr"]
    values["schedule"] = schedule.state_dict() if schedule else None
    return Snapshot(tensors, values)


def unpack(
    snapshot: Snapshot,
    model: torch.nn.Module,
    optimizer: torch.optim.Adam,
    schedule: ReduceLROnPlateau | None,
    device: torch.device,
) -> State:
    """Put everything back where `pack` took it from.

    Parameters
    ----------
    snapshot : Snapshot
        Of the same training.
    model : Module
        Changed in place.
    optimizer : Adam
        Changed in place.
    schedule : ReduceLROnPlateau or None
        Changed in place.
    device : torch.device
        Where the session runs.

    Returns
    -------
    State
        Of the session.
    """

    def group(prefix: str) -> dict[str, torch.Tensor]:
        start = f"{prefix}/"
        named = snapshot.tensors.items()
        return {key.removeprefix(start): value for key, value in named if key.startswith(start)}

    values = dict(snapshot.values)
    model.load_state_dict(group("model"))
    restore_optimizer(model, optimizer, group("adam"))
    optimizer.param_groups[0]["lr"] = values.pop("learning_rate")
    saved_schedule = values.pop("schedule")
    if schedule:
        schedule.load_state_dict(saved_schedule)
    best, stopping = Monitor(**values.pop("best")), values.pop("stopping")
    return State(
        best=best,
        stopping=Monitor(**stopping) if stopping else None,
        best_weights=group("best"),
        losses=snapshot.tensors["epoch/losses"].to(device),
        counts=snapshot.tensors["epoch/counts"].to(device),
        **values,
    )
