"""A training killed under Snakemake goes on where it was and ends with the same weights."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from checkout import copy_checkout, snakemake
from gliomake.files.provenance import file_sha256
from gliomake.files.tsv import read_tsv

RUN = Path("results/lgg-two-stage/vgg19-unet/patient-f0-s0")
ARGUMENTS = (
    "--cores",
    "1",
    str(RUN / "weights.safetensors"),
    "--config",
    "overrides={lgg-two-stage: {models: {vgg19-unet: {epochs: 5}}}}",
)


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


@contextmanager
def in_epoch(folder: Path, epoch: int) -> Iterator[tuple[subprocess.Popen, psutil.Process]]:
    """Start the workflow, and give it and its training when that has finished an epoch."""
    command = [sys.executable, "-m", "snakemake", *ARGUMENTS]
    workflow = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    log = folder / "logs/train/lgg-two-stage/vgg19-unet/patient-f0-s0.log"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and workflow.poll() is None:
        if log.is_file() and f"epoch {epoch}/" in log.read_text():
            found = training_process(folder)
            if found:
                yield workflow, found
                break
        time.sleep(0.02)
    else:
        workflow.kill()
        pytest.fail(f"the training was not seen to finish epoch {epoch}")
    assert workflow.wait() != 0


@pytest.fixture(scope="module")
def whole(shards, tmp_path_factory) -> Path:
    """A training that was left alone."""
    folder = tmp_path_factory.mktemp("kill") / "whole"
    shutil.copytree(shards, folder, symlinks=True)
    done = snakemake(*ARGUMENTS, folder=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture
def killed(shards, tmp_path) -> Path:
    return Path(shutil.copytree(shards, tmp_path / "killed", symlinks=True))


def assert_same(killed: Path, whole: Path) -> None:
    name = "weights.safetensors"
    assert file_sha256(killed / RUN / name) == file_sha256(whole / RUN / name)
    histories = [read_tsv(folder / RUN / "history.tsv") for folder in (whole, killed)]
    assert histories[0].drop(columns="seconds").equals(histories[1].drop(columns="seconds"))
    assert not list((killed / RUN).glob("state-*"))


def test_killed_twice_and_the_same_weights(whole, killed):
    for epoch in (1, 3):
        with in_epoch(killed, epoch) as (_, training):
            training.kill()
    assert list((killed / RUN).glob("state-*")), "the state outlives the failed job"
    done = snakemake(*ARGUMENTS, folder=killed)
    assert done.returncode == 0, done.stderr[-3000:]
    assert_same(killed, whole)


def test_all_of_it_killed_and_the_same_command_goes_on(whole, killed):
    with in_epoch(killed, 2) as (workflow, _):
        os.killpg(workflow.pid, signal.SIGKILL)
    locks = list(killed.glob(".snakemake/locks/*.lock"))
    assert locks, "it was killed before it began: this test shows nothing"
    done = snakemake(*ARGUMENTS, folder=killed)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"was killed (process {workflow.pid})" in done.stderr
    assert_same(killed, whole)


def test_a_training_that_outlives_its_workflow_is_not_joined_by_a_second(whole, killed):
    with in_epoch(killed, 1) as (workflow, training):
        workflow.kill()
        training.suspend()  # a second start takes longer than its last epochs
    refused = snakemake(*ARGUMENTS, folder=killed)
    assert refused.returncode != 0
    assert f"train (process {training.pid}" in refused.stderr
    training.resume()
    training.terminate()
    psutil.wait_procs([training], timeout=60)
    done = snakemake(*ARGUMENTS, folder=killed)
    assert done.returncode == 0, done.stderr[-3000:]
    assert_same(killed, whole)
