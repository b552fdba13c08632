"""Speed of training on the device that is there: slices/s of the studies' models, and bf16's gain.

    export PYTHONPATH=workflow/scripts
    .venv/bin/python benchmarks/training.py                  # small models, for a CPU
    .venv/bin/python benchmarks/training.py --scale paper    # as published, for a GPU

Each model trains on made-up slices of its study's size, with its augmentation and loss, in float32
and in bf16 with the channels last; both are timed in turns in one process, so that their ratio
does not depend on what else the machine does. The first round warms up and is not timed. The
results are printed and written to ``benchmarks/results/training-<device>.json``.
"""

import argparse
import json
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gliomake.models import count_parameters, create_model
from gliomake.study.load import load_study
from gliomake.study.model import Study
from gliomake.training.checkpoint import StateFolder
from gliomake.training.data import place
from gliomake.training.fit import train_one_epoch
from gliomake.training.hardware import Hardware, choose_hardware, reproducible
from gliomake.training.progress import Reporter
from gliomake.training.session import Session
from gliomake.training.tensors import SliceSet

ROOT = Path(__file__).parents[1]
MODELS = (
    "lgg-encoders/unet",
    "lgg-encoders/unet-resnet50",
    "lgg-two-stage/resunet",
    "lgg-two-stage/resnet50-classifier",
    "brats2021-flair/unet",
)


def made_up_slices(count: int, channels: int, classes: int, size: int) -> SliceSet:
    """Noise with a square tumour in every second slice."""
    rng = np.random.default_rng(0)
    mask = np.zeros((count, classes, size, size), np.uint8)
    mask[::2, :, size // 4 : size // 2, size // 4 : size // 2] = 1
    image = rng.integers(0, 256, (count, channels, size, size), dtype=np.uint8)
    return SliceSet(
        torch.from_numpy(image),
        torch.from_numpy(mask),
        ["P"] * count,
        list(range(count)),
        np.full((count, 3), np.nan, np.float32),
    )


def make_loop(
    study: Study, name: str, hardware: Hardware, slices: int, folder: Path, compiled: bool
) -> Session:
    """Set up the training of a study's model, as `gliomake.training.fit.fit` does."""
    settings = study.models[name]
    channels, classes = len(settings.channels), len(study.classes)
    torch.manual_seed(0)
    model = create_model(settings.architecture, channels, classes, **settings.options)
    hardware.adopt(model)
    data = made_up_slices(slices, channels, classes, study.preprocess.image_size)
    placed, _ = place(data, hardware)
    return Session(
        model=model,
        network=torch.compile(model, dynamic=False) if compiled else model,
        config={**settings.training, "checkpoint_steps": 10**9},
        classes=study.classes,
        task=settings.task,
        seed=0,
        hardware=hardware,
        train=placed,
        val=placed,
        folder=StateFolder(folder, "benchmark"),
        interrupted=lambda: False,
    )


def epoch_seconds(session: Session, reporter: Reporter) -> float:
    """Train one epoch and wait until the device is done."""
    session.state.begin_epoch()
    start = time.perf_counter()
    train_one_epoch(session, reporter)
    session.losses()
    return time.perf_counter() - start


def measure(model: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Time one model in both precisions, and the saving of its state."""
    study_name, _, name = model.partition("/")
    study = load_study(ROOT / f"config/studies/{study_name}.yaml", arguments.scale)
    batch = study.models[name].training["batch_size"]
    slices = batch * arguments.steps
    seconds: dict[str, list[float]] = {"float32": [], "bf16": []}
    with tempfile.TemporaryDirectory() as folder, Reporter(1, slices) as reporter:
        sessions = {}
        for precision in seconds:
            hardware = choose_hardware(arguments.device, precision, arguments.threads)
            place_of = Path(folder, precision)
            sessions[precision] = make_loop(
                study, name, hardware, slices, place_of, arguments.compile
            )
        for _ in range(arguments.rounds + 1):
            for precision, session in sessions.items():
                with reproducible(session.hardware):
                    seconds[precision].append(epoch_seconds(session, reporter))
        start = time.perf_counter()
        sessions["float32"].save()
        saving = time.perf_counter() - start
        size = sessions["float32"].folder.generations()[0].stat().st_size
    rate = {key: slices / statistics.median(values[1:]) for key, values in seconds.items()}
    ratios = [a / b for a, b in zip(seconds["float32"][1:], seconds["bf16"][1:], strict=True)]
    return {
        "model": model,
        "size": study.preprocess.image_size,
        "batch": batch,
        "parameters": count_parameters(sessions["float32"].model)[0],
        "float32_slices_per_second": round(rate["float32"], 2),
        "bf16_slices_per_second": round(rate["bf16"], 2),
        "bf16_gain": round(statistics.median(ratios), 3),
        "save_seconds": round(saving, 3),
        "state_mib": round(size / 2**20, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="STUDY/MODEL")
    parser.add_argument("--scale", default="demo", choices=["demo", "paper"])
    parser.add_argument("--steps", type=int, default=4, help="optimiser steps a round")
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    hardware = choose_hardware(arguments.device, "auto", arguments.threads)
    print(f"{hardware.name}, {arguments.threads} threads, torch {torch.__version__}")
    print(f"{'model':36}{'size':>6}{'batch':>6}{'float32':>10}{'bf16':>10}{'gain':>7}{'save':>9}")
    rows = []
    for model in arguments.models:
        row = measure(model, arguments)
        rows.append(row)
        print(
            f"{model:36}{row['size']:6}{row['batch']:6}{row['float32_slices_per_second']:10.1f}"
            f"{row['bf16_slices_per_second']:10.1f}{row['bf16_gain']:7.2f}"
            f"{row['save_seconds']:7.2f} s",
            flush=True,
        )
    device = re.sub(r"\W+", "-", hardware.name).strip("-").lower()
    path = ROOT / f"benchmarks/results/training-{device}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "device": hardware.name,
        "threads": arguments.threads,
        "torch": torch.__version__,
        "scale": arguments.scale,
        "compile": arguments.compile,
        "auto_precision": hardware.precision,
        "models": rows,
    }
    path.write_text(json.dumps(facts, indent=2) + "\n")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
