"""Files that survive a crash: the state of a training, in generations, and its weights.

A generation is one safetensors file, ``generation-<serial>-<sha256>.safetensors``: the tensors,
and in its header the rest as JSON. It is written beside its place, flushed to the disk and only
then renamed; its name holds the hash of its bytes, so a torn or damaged one is known as such and
the one before it is used. Nothing is unpickled.
"""

import fcntl
import hashlib
import json
import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from gliomake.files.atomic import durable_path, move_durably, scratch_folder

logger = logging.getLogger(__name__)

KEPT = 2
PATTERN = re.compile(r"generation-(\d{8})-([0-9a-f]{64})\.safetensors")
FORMAT = "1"
SCRATCH = ".partial"


class StateError(RuntimeError):
    """A state folder that must not be resumed from; the message says why and what to do."""


@dataclass
class Snapshot:
    """All that a training needs to go on as if it had never stopped.

    Attributes
    ----------
    tensors : dict of str to Tensor
        On the CPU.
    values : dict
        Anything that JSON can write.
    """

    tensors: dict[str, torch.Tensor]
    values: dict[str, Any]


class StateFolder:
    """The generations of one training's state, held by one process at a time.

    Parameters
    ----------
    folder : str or Path
        Made if need be. Not a declared output of any rule: those are deleted when a job fails.
    key : str
        Identifies the training; the state of any other is refused.

    Raises
    ------
    StateError
        Another process trains with this folder.
    """

    def __init__(self, folder: str | Path, key: str) -> None:
        self.folder = Path(folder)
        self.key = key
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()

    def _take_lock(self) -> IO[str]:
        # A killed workflow can leave its training running: a second one must not mix with it.
        lock = open(self.folder / "lock", "w")  # noqa: SIM115 (held until the process ends)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StateError(
                f"{self.folder}: another process is training with this state; wait for it or end it"
            ) from None
        except OSError as error:
            logger.warning("%s: this file system has no locks (%s)", self.folder, error)
        return lock

    def __enter__(self) -> "StateFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock.close()

    def generations(self) -> list[Path]:
        """List the generations, newest first."""
        names = (path for path in self.folder.iterdir() if PATTERN.fullmatch(path.name))
        return sorted(names, key=lambda path: path.name, reverse=True)

    def save(self, snapshot: Snapshot) -> Path:
        """Write a new generation and drop all but the newest two.

        Parameters
        ----------
        snapshot : Snapshot
            The state.

        Returns
        -------
        Path
            The generation's file.
        """
        earlier = self.generations()
        serial = _serial(earlier[0]) + 1 if earlier else 1
        header = {"format": FORMAT, "key": self.key, "values": snapshot.values}
        with scratch_folder(self.folder / SCRATCH) as scratch:
            partial = scratch / "generation"
            save_file(snapshot.tensors, partial, metadata={"gliomake": json.dumps(header)})
            path = self.folder / f"generation-{serial:08}-{_sha256(partial)}.safetensors"
            move_durably(partial, path)
        for old in earlier[KEPT - 1 :]:
            old.unlink()
        return path

    def load(self) -> Snapshot | None:
        """Read the newest generation that is whole; damaged ones are named in the log and removed.

        Returns
        -------
        Snapshot or None
            None where there is no whole generation.

        Raises
        ------
        StateError
            The state belongs to another training.
        """
        for path in self.generations():
            snapshot = self._read(path)
            if snapshot is not None:
                return snapshot
            logger.warning("%s is damaged: its bytes do not have the hash in its name", path)
            path.unlink()
        return None

    def _read(self, path: Path) -> Snapshot | None:
        if _sha256(path) != PATTERN.fullmatch(path.name)[2]:  # type: ignore[index]
            return None
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("gliomake", "{}"))
        if header.get("key") != self.key or header.get("format") != FORMAT:
            raise StateError(
                f"{path} holds the state of another training (key {header.get('key')!r}, format "
                f"{header.get('format')!r}; expected key {self.key!r}, format {FORMAT!r}): "
                f"remove {self.folder} to train from the start"
            )
        # Cloned, because load_file's tensors are views of a file that will be removed.
        tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
        return Snapshot(tensors, header["values"])

    def clear(self) -> None:
        """Remove all state, oldest first, so that a kill in between leaves the newest."""
        for path in reversed(self.generations()):
            path.unlink()
        shutil.rmtree(self.folder / SCRATCH, ignore_errors=True)

    def remove(self) -> None:
        """Remove the state and its folder; what cannot be removed is named in the log."""
        self.clear()
        self.close()
        # The weights are written: whatever else is here, such as the files that NFS keeps while
        # they are open, is no reason to fail.
        shutil.rmtree(self.folder, onerror=_name_leftover)


def _name_leftover(_: object, path: str, error: tuple) -> None:
    logger.warning("%s could not be removed (%s); it is not needed any more", path, error[1])


def _serial(path: Path) -> int:
    return int(PATTERN.fullmatch(path.name)[1])  # type: ignore[index]


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_weights(tensors: Mapping[str, torch.Tensor], path: str | Path) -> str:
    """Write a network's weights so that they appear whole or not at all.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        A ``state_dict``.
    path : str or Path
        A ``.safetensors`` file.

    Returns
    -------
    str
        The file's SHA-256; equal weights give equal bytes.
    """
    with durable_path(path) as partial:
        save_file({name: to_storage(tensor) for name, tensor in tensors.items()}, partial)
    return _sha256(Path(path))


def load_weights(model: torch.nn.Module, path: str | Path) -> None:
    """Read weights into a network.

    Parameters
    ----------
    model : Module
        Of the architecture that was trained; changed in place.
    path : str or Path
        A file of `save_weights`.

    Raises
    ------
    ValueError
        The file is damaged, or holds the weights of another architecture.
    """
    try:
        model.load_state_dict(load_file(path))
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}); remove it and train again") from error
    except RuntimeError as error:
        raise ValueError(
            f"{path} does not hold the weights of this {type(model).__name__}: {error}"
        ) from error


def to_storage(tensor: torch.Tensor) -> torch.Tensor:
    """Bring a tensor to the CPU in row-major order, which is all that safetensors can hold.

    Parameters
    ----------
    tensor : Tensor
        On any device, in any layout.

    Returns
    -------
    Tensor
        A view where nothing had to change.
    """
    return tensor.detach().to("cpu").contiguous()
