"""A tiny training in a process of its own that can be ended by SIGKILL at any moment.

Run as a script it plays one of the scenarios of `test_kill_resume.py` and prints what came out as
JSON. Each life of a training is a fork, so that torch is imported once and a life costs little.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # Adam would import it at its first use: once here, not once a life
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow/scripts"))
from gliomake.training import checkpoint, session
from gliomake.training import fit as training
from gliomake.training.tensors import SliceSet

CONFIG = {
    "epochs": 7,
    "batch_size": 3,
    "learning_rate": 0.02,
    "accumulate": 2,
    "clip_norm": 1.0,
    "loss": {"name": "bce-dice"},
    "schedule": {"monitor": "val_dice_tumour@pooled", "mode": "max", "factor": 0.5, "patience": 0},
    "early_stopping": {"monitor": "val_recall_tumour@pooled", "mode": "max", "patience": 3},
    "best": {"monitor": "val_dice_tumour@pooled", "mode": "max"},
    "augment": {"rotate": 0.2, "flip": ["horizontal"], "brightness": 0.1},
    "train_fraction": 1.0,
    "checkpoint_steps": 2,
}


# Two epochs of two steps: few moments, so that each of them can be tried.
SHORT = {**CONFIG, "epochs": 2, "checkpoint_steps": 1, "batch_size": 5}


def make_slices(count: int, seed: int) -> SliceSet:
    """Noise with a bright square, which is the tumour; every third slice has none."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 120, (count, 2, 12, 12), dtype=np.uint8)
    mask = np.zeros((count, 1, 12, 12), np.uint8)
    for index in range(count):
        row, column = rng.integers(0, 7, 2)
        if index % 3:
            mask[index, 0, row : row + 5, column : column + 5] = 1
    image += 80 * mask
    return SliceSet(
        torch.from_numpy(image),
        torch.from_numpy(mask),
        [f"P{index % 4}" for index in range(count)],
        list(range(count)),
        np.full((count, 3), np.nan, np.float32),
    )


def make_model() -> nn.Module:
    """Convolutions with what makes resuming hard: running statistics and dropout."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Dropout2d(0.3),
        nn.Conv2d(6, 6, 3, padding=1),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Conv2d(6, 1, 1),
    )


def train(folder: Path, precision: str, **changes: Any) -> None:
    """Train or go on training in a folder."""
    options: dict[str, Any] = {
        "model": make_model(),
        "train": make_slices(17, 1),
        "val": make_slices(7, 2),
        "config": CONFIG,
        "classes": ["tumour"],
        "task": "segmentation",
        "seed": 3,
        "state_folder": folder / "state",
        "weights_path": folder / "run/weights.safetensors",
        "history_path": folder / "run/history.tsv",
        "facts_path": folder / "run/train.json",
        "facts": {"split_sha256": "s"},
        "device": "cpu",
        "precision": precision,
        **changes,
    }
    training.fit(**options)


def outcome(folder: Path) -> dict[str, Any]:
    """What must not depend on kills: weights, and the history without its seconds."""
    lines = (folder / "run/history.tsv").read_text().splitlines()
    seconds = lines[0].split("\t").index("seconds")
    history = [
        "\t".join(v for i, v in enumerate(line.split("\t")) if i != seconds) for line in lines
    ]
    facts = json.loads((folder / "run/train.json").read_text())
    return {
        "weights": hashlib.sha256((folder / "run/weights.safetensors").read_bytes()).hexdigest(),
        "history": history,
        "best_epoch": facts["best_epoch"],
        "stopped_early": facts["stopped_early"],
        "lives": len(facts["sessions"]),
        "left": sorted(path.name for path in folder.rglob("*") if path.is_file()),
        "state": (folder / "state").exists(),
    }


def instrument(moment: Callable[[str], None]) -> None:
    """Have `moment` called before every step and every change on the disk, and after the last."""

    def before(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        @wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            moment(f"before {name}")
            result = original(*args, **kwargs)
            if name == "rmtree":
                moment("after rmtree")
            return result

        setattr(owner, name, wrapped)

    for owner, names in (
        (os, ["fsync"]),
        (Path, ["replace", "unlink", "write_text"]),
        (shutil, ["rmtree"]),
        (session.Session, ["heed_signals"]),
        (training, ["validate", "write_history", "save_weights"]),
        (torch.optim.Adam, ["step"]),
    ):
        for name in names:
            before(owner, name)
    write = checkpoint.save_file

    def torn(tensors: dict[str, torch.Tensor], path: Path, **kwargs: Any) -> None:
        # As safetensors does: into a file of a random name, renamed when it is whole.
        write(tensors, path, **kwargs)
        whole = Path(path).read_bytes()
        private = Path(path).with_name(f".tmp{random.getrandbits(32):x}")
        for torn_file in (private, Path(path)):
            torn_file.write_bytes(whole[: len(whole) // 2])
            moment("half of save_file")
        private.unlink()
        Path(path).write_bytes(whole)

    checkpoint.save_file = torn


def live(
    folder: Path, precision: str, moment: Callable[[str], None] | None = None, **changes: Any
) -> int:
    """Train in a fork and give its wait status."""
    folder.mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child == 0:
        code = 70
        try:
            with open(folder / "log.txt", "a") as log:
                sys.stderr = log
                if moment:
                    instrument(moment)
                train(folder, precision, **changes)
                code = 0
        except SystemExit as end:
            (folder / "exit.txt").write_text(str(end.code))
            code = 1
        except BaseException as error:
            print(repr(error), file=sys.__stderr__, flush=True)
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def kill_at(number: int) -> Callable[[str], None]:
    """End this process at the given moment, and leave its name behind."""
    count = 0

    def moment(name: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return moment


def every_moment(folder: Path, precision: str) -> dict[str, Any]:
    """Kill once at each moment, resume, and gather what comes out."""

    def note(name: str) -> None:
        with open(folder / "moments.txt", "a") as file:
            file.write(f"{name}\n")

    assert live(folder / "whole", precision, note, config=SHORT) == 0
    names = (folder / "moments.txt").read_text().splitlines()
    results = []
    for number, name in enumerate(names, 1):
        place = folder / f"kill-{number}"
        status = live(place, precision, kill_at(number), config=SHORT)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (number, status)
        assert live(place, precision, config=SHORT) == 0, number
        results.append({"moment": name, **outcome(place)})
    return {"whole": outcome(folder / "whole"), "killed": results}


def again_and_again(folder: Path, precision: str, seed: int) -> dict[str, Any]:
    """Kill every life after a few moments until one gets to the end."""
    assert live(folder / "whole", precision) == 0
    rng, kills = random.Random(seed), 0
    while (status := live(folder / "killed", precision, kill_at(rng.randint(20, 60)))) != 0:
        assert os.WIFSIGNALED(status), status
        kills += 1
    return {
        "whole": outcome(folder / "whole"),
        "killed": outcome(folder / "killed"),
        "kills": kills,
    }


def terminated(folder: Path, precision: str) -> dict[str, Any]:
    """Send SIGTERM in a step and in a validation, as a cluster does at its time limit."""
    assert live(folder / "whole", precision) == 0
    messages = []
    for place in ("before step", "before validate"):
        count = 0

        def moment(name: str, place: str = place) -> None:
            nonlocal count
            count += name == place
            if name == place and count == 2:
                os.kill(os.getpid(), signal.SIGTERM)

        status = live(folder / "ended", precision, moment)
        messages.append([os.WEXITSTATUS(status), (folder / "ended/exit.txt").read_text()])
    assert live(folder / "ended", precision) == 0
    return {
        "whole": outcome(folder / "whole"),
        "ended": outcome(folder / "ended"),
        "messages": messages,
    }


def slowly(folder: Path, precision: str) -> dict[str, Any]:
    """Train in this very process, slowly enough to be killed from outside at any time."""
    instrument(lambda name: time.sleep(0.005))
    print("started", flush=True)
    train(folder, precision)
    return outcome(folder)


def whole(folder: Path, precision: str) -> dict[str, Any]:
    """Train without any disturbance."""
    train(folder, precision)
    return outcome(folder)


if __name__ == "__main__":
    scenario, place, kind, *numbers = sys.argv[1:]
    scenarios: dict[str, Callable[..., dict[str, Any]]] = {
        "every_moment": every_moment,
        "again_and_again": again_and_again,
        "terminated": terminated,
        "slowly": slowly,
        "whole": whole,
    }
    print(json.dumps(scenarios[scenario](Path(place), kind, *map(int, numbers))))
