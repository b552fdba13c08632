"""What decides where a training goes: optimiser, schedule, best epoch, early stopping."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau


@dataclass
class Monitor:
    """The best value so far of one column of the history.

    Attributes
    ----------
    column : str
        A column of ``history.tsv``.
    mode : str
        ``max`` or ``min``.
    value : float
        The best value; NaN until one is defined.
    epoch : int
        Epoch of the best value, from 1; 0 until there is one.
    """

    column: str
    mode: str
    value: float = math.nan
    epoch: int = 0

    def update(self, row: Mapping[str, float]) -> bool:
        """Take note of an epoch.

        Parameters
        ----------
        row : mapping
            A row of the history.

        Returns
        -------
        bool
            Whether the epoch is the best so far. An undefined value never is, and of equal
            ones the first is.
        """
        value = row[self.column]
        sign = 1 if self.mode == "max" else -1
        better = not math.isnan(value) and not sign * value <= sign * self.value
        if better:
            self.value, self.epoch = value, int(row["epoch"])
        return better


def check_monitors(training: Mapping[str, Any], columns: Iterable[str]) -> None:
    """Check that what a training watches is a column of its history.

    Parameters
    ----------
    training : mapping
        A model's ``training`` block.
    columns : iterable of str
        Columns of the history.

    Raises
    ------
    ValueError
        The column is not there, or the mode is neither ``min`` nor ``max``.
    """
    columns = list(columns)
    for purpose in ("best", "schedule", "early_stopping"):
        watched = training.get(purpose)
        if not watched:
            continue
        if watched["monitor"] not in columns:
            raise ValueError(
                f"training.{purpose}.monitor is {watched['monitor']!r}; this training's history "
                f"has {', '.join(columns)}"
            )
        if watched["mode"] not in ("min", "max"):
            raise ValueError(f"training.{purpose}.mode is {watched['mode']!r}; expected min or max")


def create_optimizer(model: torch.nn.Module, learning_rate: float) -> torch.optim.Adam:
    """Make Adam over the trainable parameters.

    Parameters
    ----------
    model : Module
        Frozen parameters are left out.
    learning_rate : float
        Its first learning rate.

    Returns
    -------
    Adam
        The optimiser.

    Raises
    ------
    ValueError
        Nothing can be trained.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError(f"every parameter of {type(model).__name__} is frozen: nothing to train")
    # One fused pass takes a fourth of the time; on a GPU it would keep the step count there.
    fused = all(parameter.device.type == "cpu" for parameter in parameters)
    return torch.optim.Adam(parameters, lr=learning_rate, fused=fused)


def create_schedule(
    optimizer: torch.optim.Optimizer, config: Mapping[str, Any] | None
) -> ReduceLROnPlateau | None:
    """Make the schedule that lowers the learning rate when a score stands still.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rate.
    config : mapping or None
        ``monitor``, ``mode``, ``factor``, ``patience`` (epochs), and perhaps ``min_lr``.

    Returns
    -------
    ReduceLROnPlateau or None
        None where `config` is.
    """
    if not config:
        return None
    options = {key: value for key, value in config.items() if key != "monitor"}
    return ReduceLROnPlateau(optimizer, **options)


def optimizer_tensors(model: torch.nn.Module, optimizer: torch.optim.Adam) -> dict[str, Any]:
    """Take Adam's moments and step counts by the name of their parameter.

    Parameters
    ----------
    model : Module
        Whose parameters.
    optimizer : Adam
        Theirs.

    Returns
    -------
    dict of str to Tensor
        ``<parameter>/<exp_avg, exp_avg_sq or step>``; empty before the first step.
    """
    return {
        f"{name}/{part}": tensor
        for name, parameter in model.named_parameters()
        for part, tensor in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(
    model: torch.nn.Module, optimizer: torch.optim.Adam, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Put back what `optimizer_tensors` took.

    Parameters
    ----------
    model : Module
        Whose parameters.
    optimizer : Adam
        Changed in place.
    tensors : mapping of str to Tensor
        As taken; on any device.
    """
    for name, parameter in model.named_parameters():
        if f"{name}/step" in tensors:
            # Adam keeps its step count on the CPU, and the moments laid out as the parameter.
            optimizer.state[parameter] = {
                "step": tensors[f"{name}/step"].clone(),
                **{
                    part: torch.empty_like(parameter, requires_grad=False).copy_(
                        tensors[f"{name}/{part}"]
                    )
                    for part in ("exp_avg", "exp_avg_sq")
                },
            }
