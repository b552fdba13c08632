"""A training killed under Snakemake goes on where it was and ends with the same weights."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from checkout import copy_checkout, snakemake
from gliomake.provenance import file_sha256
from gliomake.tsv import read_tsv

RUN = Path("results/lgg-two-stage/vgg19-unet/patient-f0-s0")
ARGUMENTS = (
    "--cores", "1", str(RUN / "weights.safetensors"),
    "--config", "overrides={lgg-two-stage: {models: {vgg19-unet: {epochs: 5}}}}",
)  # fmt: skip


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    """A checkout with all that a training needs."""
    folder = copy_checkout(tmp_path_factory.mktemp("kill") / "shards")
    done = snakemake(*ARGUMENTS, "--until", "shard", "split", folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def training_process(folder: Path) -> psutil.Process | None:
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        if process.info["cwd"] == str(folder) and command.endswith(".train.py"):
            return process
    return None


def kill_in_epoch(folder: Path, epoch: int) -> None:
    """Start the workflow, and kill the training when it has finished an epoch."""
    command = [sys.executable, "-m", "snakemake", *ARGUMENTS]
    workflow = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = folder / "logs/train/lgg-two-stage/vgg19-unet/patient-f0-s0.log"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and workflow.poll() is None:
        if log.is_file() and f"epoch {epoch}/" in log.read_text():
            found = training_process(folder)
            if found:
                found.kill()
                break
        time.sleep(0.02)
    else:
        workflow.kill()
        pytest.fail(f"the training was not seen to finish epoch {epoch}")
    assert workflow.wait() != 0


def test_killed_twice_and_the_same_weights(shards, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        shutil.copytree(shards, folder, symlinks=True)
    done = snakemake(*ARGUMENTS, folder=whole)
    assert done.returncode == 0, done.stderr[-3000:]
    kill_in_epoch(killed, 1)
    kill_in_epoch(killed, 3)
    assert list((killed / RUN).glob("state-*")), "the state outlives the failed job"
    done = snakemake(*ARGUMENTS, folder=killed)
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("weights.safetensors",):
        assert file_sha256(killed / RUN / name) == file_sha256(whole / RUN / name)
    histories = [read_tsv(folder / RUN / "history.tsv") for folder in (whole, killed)]
    assert histories[0].drop(columns="seconds").equals(histories[1].drop(columns="seconds"))
    assert not list((killed / RUN).glob("state-*"))
