"""Training that survives ``kill -9`` at any moment and ends with the same weights, bit for bit.

Nothing random is carried from step to step: the order of an epoch is keyed by (seed, epoch), the
augmentation of a slice by (seed, epoch, slice), dropout by (seed, epoch, step). All else that the
trajectory depends on is in the state, which is saved every few optimiser steps.
"""

import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from gliomake.files.atomic import durable_path
from gliomake.files.provenance import value_sha256
from gliomake.study.blocks import Training
from gliomake.training.augment import augment_batch
from gliomake.training.checkpoint import StateFolder, save_weights, to_storage
from gliomake.training.data import (
    TASKS,
    batch_counts,
    epoch_order,
    ground_truth,
    place,
    stream_seed,
)
from gliomake.training.hardware import choose_hardware, reproducible
from gliomake.training.history import epoch_scores, history_columns, write_history
from gliomake.training.optimisation import check_monitors
from gliomake.training.precision import settle_precision
from gliomake.training.progress import Reporter
from gliomake.training.session import NonFiniteError, Session, TrainingInterrupted
from gliomake.training.tensors import SliceSet

__all__ = ["NonFiniteError", "TrainingInterrupted", "fit", "train_one_epoch", "validate"]
CHECK_STEPS = 20


def fit(
    *,
    model: torch.nn.Module,
    train: SliceSet,
    val: SliceSet,
    config: Training,
    classes: Sequence[str],
    task: str,
    seed: int,
    state_folder: str | Path,
    weights_path: str | Path,
    history_path: str | Path,
    facts_path: str | Path,
    facts: Mapping[str, Any],
    device: str = "auto",
    precision: str = "auto",
    deterministic: bool = False,
    compile: bool = False,
    threads: int = 1,
    memory_limit: float | None = None,
    resume: bool = True,
) -> None:
    """Train a network, from the start or from where an earlier process was ended.

    Parameters
    ----------
    model : Module
        Gives logits. Its first weights are the caller's to seed; changed in place.
    train, val : SliceSet
        Slices to learn from and slices to choose the best epoch by.
    config : Training
        The model's complete ``training`` block.
    classes : sequence of str
        Names of the mask's classes; one for classification.
    task : str
        ``segmentation`` or ``classification``.
    seed : int
        Key of order, augmentation and dropout.
    state_folder : path
        Side folder for the state; its name holds the hash of config, data, split and code. It is
        removed in the end.
    weights_path, history_path, facts_path : path
        ``weights.safetensors`` (best epoch), ``history.tsv`` (as it goes), ``train.json``.
    facts : mapping
        Goes into ``train.json`` as it is.
    device, precision : str
        As in `choose_hardware`.
    deterministic : bool
        float32, and an error where an operation cannot be repeated bit for bit.
    compile : bool
        Use ``torch.compile``.
    threads : int
        Threads of the CPU.
    memory_limit : float, optional
        Memory of the GPU to reckon with, MiB; what is free by default.
    resume : bool
        False drops a state that is there.

    Raises
    ------
    ValueError
        The configuration cannot be trained.
    StateError
        The state folder is another training's, or in use.
    NonFiniteError
        The training diverged.
    TrainingInterrupted
        SIGTERM or SIGINT came; the state is saved.
    """
    _check(config, classes, task)
    if deterministic and precision == "bf16":
        raise ValueError("deterministic training is float32; precision bf16 contradicts it")
    hardware = choose_hardware(device, precision, threads, deterministic)
    key = _key(model, train, val, config, classes, task, seed, state_folder)
    with (
        StateFolder(state_folder, key) as folder,
        reproducible(hardware, deterministic),
        _signals() as interrupted,
    ):
        hardware.adopt(model)
        train_slices, where = place(train, hardware, memory_limit)
        val_slices, _ = place(val, hardware, memory_limit)
        if not resume:
            folder.clear()
        snapshot = folder.load()
        rates: dict[str, float] = {}
        if precision == "auto" and not deterministic:
            hardware, rates = settle_precision(
                hardware, model, train_slices, config, task, snapshot
            )
        session = Session(
            model=model,
            # One compiled network a batch size: which one runs then never depends on the past.
            network=torch.compile(model, dynamic=False) if compile else model,
            config=config,
            classes=classes,
            task=task,
            seed=seed,
            hardware=hardware,
            train=train_slices,
            val=val_slices,
            folder=folder,
            interrupted=interrupted,
        )
        session.resume(snapshot, rates)
        name = " ".join(str(facts[part]) for part in ("model", "run") if part in facts)
        _run(session, name or "training", where, history_path)
        outputs = Path(weights_path), Path(history_path), Path(facts_path)
        _finish(session, outputs, {**facts, "compile": compile, "deterministic": deterministic})
        folder.remove()


def _run(session: Session, name: str, where: str, history_path: str | Path) -> None:
    """Train the epochs that are left."""
    done = (session.state.epoch - 1) * len(session.train) + session.slices_done
    with Reporter(session.config["epochs"], len(session.train), done, name) as reporter:
        reporter.open(
            session.hardware.name, session.hardware.precision, where, session.state.sessions
        )
        try:
            while not session.finished:
                train_one_epoch(session, reporter)
                _end_epoch(session, reporter)
                write_history(session.state.history, history_path)
        except (TrainingInterrupted, NonFiniteError) as end:
            reporter.line(str(end))
            raise


def train_one_epoch(session: Session, reporter: Reporter) -> None:
    """Take the optimiser steps that are left of the epoch under way.

    Parameters
    ----------
    session : Session
        The training; its state moves on.
    reporter : Reporter
        Told of each step.
    """
    state, config, task = session.state, session.config, session.task
    layout = session.hardware.memory_format
    order = epoch_order(session.seed, state.epoch, len(session.train))
    session.model.train()
    for rows in order.split(session.step_size)[state.step :]:
        torch.manual_seed(stream_seed("dropout", session.seed, state.epoch, state.step))
        session.optimizer.zero_grad(set_to_none=True)
        for index, part in enumerate(rows.split(session.batch_size)):
            image, mask = session.train.batch(part)
            target = ground_truth(mask, task)
            if config["augment"]:
                image, mask = augment_batch(
                    image, mask, config["augment"], session.seed, state.epoch, part
                )
                target = mask if task == "segmentation" else target
            with session.hardware.autocast():
                logits = session.network(image.contiguous(memory_format=layout))
            loss = session.loss(logits.float(), target)
            # The step's gradient is that of the mean over its slices, however they are batched.
            (loss * (len(part) / len(rows))).backward()
            state.losses[state.step * config["accumulate"] + index] = loss.detach()
            state.counts += batch_counts(logits.detach(), target, task).sum(0)
        if config["clip_norm"]:
            torch.nn.utils.clip_grad_norm_(session.model.parameters(), config["clip_norm"])
        session.optimizer.step()
        state.step += 1
        reporter.advance(state.epoch, len(rows), session.mean_loss)
        if state.step % CHECK_STEPS == 0:
            session.losses()
        session.heed_signals()
        due = state.step % config["checkpoint_steps"] == 0
        if due and session.slices_done < len(session.train):
            session.save()


@torch.inference_mode()
def validate(session: Session) -> tuple[float, np.ndarray]:
    """Measure the network on the validation slices.

    Parameters
    ----------
    session : Session
        The training; left as it is.

    Returns
    -------
    loss : float
        Mean over slices.
    counts : ndarray (slice, class, 4), int64
        As in `batch_counts`.
    """
    session.model.eval()
    losses, counts = [], []
    for rows in torch.arange(len(session.val)).split(session.batch_size):
        image, mask = session.val.batch(rows)
        target = ground_truth(mask, session.task)
        with session.hardware.autocast():
            logits = session.network(image.contiguous(memory_format=session.hardware.memory_format))
        losses.append(session.loss(logits.float(), target) * len(rows))
        counts.append(batch_counts(logits, target, session.task))
        session.heed_signals()
    total = math.fsum(torch.stack(losses).tolist())
    return total / len(session.val), torch.cat(counts).cpu().numpy()


def _end_epoch(session: Session, reporter: Reporter) -> None:
    """Validate, keep the best weights, adapt the learning rate, save."""
    state, config = session.state, session.config
    val_loss, val_counts = validate(session)
    if not math.isfinite(val_loss):
        raise session.not_finite(f"the validation loss is {val_loss}", state.step)
    row: dict[str, float] = {
        "epoch": state.epoch,
        "learning_rate": session.learning_rate,
        "seconds": state.seconds
        + time.monotonic()
        - session.clock
        - sum(past["seconds"] for past in state.history),
        "train_loss": session.mean_loss(),
        "val_loss": val_loss,
    }
    for subset, counts in (("train", state.counts.cpu().numpy()[None]), ("val", val_counts)):
        row |= epoch_scores(subset, counts, session.classes, session.task, config["loss"])
    state.history.append(row)
    # While no epoch has a defined score, the latest weights stand in for the best.
    if state.best.update(row) or math.isnan(state.best.value):
        weights = session.model.state_dict()
        state.best_weights = {name: to_storage(value).clone() for name, value in weights.items()}
    if state.stopping:
        state.stopping.update(row)
        waited = state.epoch - state.stopping.epoch
        state.stopped_early = waited >= config["early_stopping"]["patience"]
    if session.schedule:
        session.schedule.step(row[config["schedule"]["monitor"]])
    reporter.epoch(row, state.best.column)
    state.begin_epoch()
    session.save()


def _check(config: Training, classes: Sequence[str], task: str) -> None:
    if task not in TASKS:
        raise ValueError(f"task {task!r}; expected one of {', '.join(TASKS)}")
    if task == "classification" and len(classes) != 1:
        raise ValueError(f"a classifier tells one class from none; found {list(classes)}")
    for name in ("epochs", "batch_size", "accumulate", "checkpoint_steps"):
        if config[name] < 1:
            raise ValueError(f"training.{name} is {config[name]}; expected 1 or more")
    check_monitors(config, history_columns(classes, task, config["loss"]))


def _key(
    model: torch.nn.Module,
    train: SliceSet,
    val: SliceSet,
    config: Training,
    classes: Sequence[str],
    task: str,
    seed: int,
    folder: str | Path,
) -> str:
    """Identify the training, beyond what the caller's hash in the folder's name does."""
    return value_sha256(
        {
            "folder": Path(folder).name,
            "config": config,
            "classes": list(classes),
            "task": task,
            "seed": seed,
            "slices": [[subset.patient, subset.slice] for subset in (train, val)],
            "weights": {name: list(value.shape) for name, value in model.state_dict().items()},
        }
    )


def _finish(session: Session, outputs: tuple[Path, Path, Path], facts: dict[str, Any]) -> None:
    """Write what the rule declares, and only now."""
    weights_path, history_path, facts_path = outputs
    state, parameters = session.state, list(session.model.parameters())
    digest = save_weights(state.best_weights, weights_path)
    write_history(state.history, history_path)
    epochs = len(state.history)
    result = {
        **facts,
        "device": session.hardware.name,
        "device_type": session.hardware.device.type,
        "precision": session.hardware.precision,
        "precisions_slices_per_second": session.state.sessions[-1]["slices_per_second"] or None,
        "threads": session.hardware.threads,
        "torch": torch.__version__,
        "seconds": round(state.seconds, 3),
        "slices_per_second": round(epochs * len(session.train) / state.seconds, 3),
        "peak_memory_mib": round(state.peak_memory, 1),
        "parameters": sum(p.numel() for p in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "training_slices": len(session.train),
        "validation_slices": len(session.val),
        "seed": session.seed,
        "epochs": epochs,
        "best_epoch": state.best.epoch or epochs,
        "best_monitor": state.best.column,
        "best_value": None if math.isnan(state.best.value) else state.best.value,
        "stopped_early": state.stopped_early,
        "sessions": state.sessions,
        "weights_sha256": digest,
    }
    with durable_path(facts_path) as partial:
        partial.write_text(json.dumps(result, indent=2) + "\n")


@contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """Give a question, whether SIGTERM (a cluster's time limit) or SIGINT has come."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # only the main thread can; in any other the process ends as it would
        before = {}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
