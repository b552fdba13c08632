"""The SLURM profile on a real cluster of one node: where jobs go, and what a cancelled one does.

The cluster is this machine (see ``cluster.sh``): it needs root, slurm-wlm and munge. Without them
the tests are left out, except where GLIOMAKE_REQUIRE_SLURM is set.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from checkout import copy_checkout, snakemake
from gliomake.files.provenance import file_sha256
from gliomake.files.tsv import read_tsv

CLUSTER = Path(__file__).parent / "cluster.sh"
PRESENT = os.geteuid() == 0 and all(map(shutil.which, ("slurmctld", "slurmd", "munged")))
pytestmark = pytest.mark.skipif(
    not PRESENT and "GLIOMAKE_REQUIRE_SLURM" not in os.environ,
    reason="needs root, slurm-wlm and munge",
)

STUDY = Path("results/brats2021-flair")
RUN = STUDY / "unet/patient-f0-s0"
# A cluster without accounting: no account to charge, and the queue alone knows how a job ended.
PROFILE = (
    "--workflow-profile",
    "profiles/slurm",
    "--slurm-no-account",
    "--slurm-status-command",
    "squeue",
    "--slurm-init-seconds-before-status-checks",
    "2",
    "--seconds-between-status-checks",
    "2",
    "--latency-wait",
    "10",
)


def small(folder: Path, scale: str) -> Path:
    """Write a configuration in which the study takes seconds at either scale."""
    study = {
        "preprocess": {"image_size": 48},
        "training": {"epochs": 6, "batch_size": 4, "checkpoint_steps": 1},
        "models": {"unet": {"options": {"base": 4, "depth": 2}}},
    }
    config = {
        "scale": scale,
        "studies": ["brats2021-flair"],
        "phantoms": {"brats2021": {"patients": 8, "shape": [16, 64, 64]}},
        "training": {"precision": "float32"},
        "bootstrap": {"resamples": 100},
        "overrides": {"brats2021-flair": study},
    }
    path = folder / f"{scale}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([CLUSTER, "start", folder], check=True)
    yield
    subprocess.run([CLUSTER, "stop", folder], check=True)


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    """A checkout with all that a training needs, made on this machine."""
    folder = copy_checkout(tmp_path_factory.mktemp("checkout") / "shards")
    config = small(folder, "paper")
    done = snakemake(
        "--cores",
        "2",
        "--configfile",
        str(config),
        "--until",
        "shard",
        "split",
        "--",
        str(RUN / "weights.safetensors"),
        folder=folder,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def jobs() -> list[dict[str, str]]:
    """Read what the controller knows of all jobs, finished ones included."""
    text = subprocess.run(
        ["scontrol", "show", "job", "--oneliner"], check=True, capture_output=True, text=True
    ).stdout
    return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in text.splitlines() if "=" in line]


def of_rule(rule: str) -> list[dict[str, str]]:
    return [job for job in jobs() if job.get("Comment", "").startswith(f"rule_{rule}")]


def test_a_study_through_the_profile_and_trainings_on_the_gpu_partition(cluster, shards, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(shards, folder, symlinks=True)
    wanted = [
        str(STUDY / model / "metrics.json")
        for model in ("unet", "all-background", "flair-threshold")
    ]
    done = snakemake(
        *PROFILE, "--configfile", str(folder / "paper.yaml"), "--", *wanted, folder=folder
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert all((folder / path).is_file() for path in wanted)
    for rule in ("train", "predict"):
        (job,) = of_rule(rule)
        assert job["Partition"] == "gpu"
        assert job["TresPerJob"] == "gres:gpu:1"
    for job in of_rule("baseline"):
        assert job["Partition"] == "cpu"
        assert "TresPerJob" not in job


def test_a_cancelled_training_goes_on_and_ends_with_a_local_runs_weights(cluster, shards, tmp_path):
    local, sent = tmp_path / "local", tmp_path / "sent"
    for folder in (local, sent):
        shutil.copytree(shards, folder, symlinks=True)
    target = ("--", str(RUN / "weights.safetensors"))
    configured = ("--configfile", str(local / "paper.yaml"))
    done = snakemake("--cores", "1", *configured, *target, folder=local)
    assert done.returncode == 0, done.stderr[-3000:]

    before = {job["JobId"] for job in of_rule("train")}
    command = [sys.executable, "-m", "snakemake", *PROFILE, *configured, *target]
    with subprocess.Popen(
        command, cwd=sent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as workflow:
        log = sent / f"logs/train/brats2021-flair/unet/{RUN.name}.log"
        cancel_after_an_epoch(log, before, workflow)
        said, _ = workflow.communicate(timeout=300)
    assert workflow.returncode == 0, said[-3000:]
    assert len(of_rule("train")) == len(before) + 2, "the cancelled job and the one after it"
    assert "going on in epoch" in log.read_text()
    assert file_sha256(sent / RUN / "weights.safetensors") == file_sha256(
        local / RUN / "weights.safetensors"
    )
    histories = [read_tsv(folder / RUN / "history.tsv") for folder in (local, sent)]
    assert histories[0].drop(columns="seconds").equals(histories[1].drop(columns="seconds"))


def cancel_after_an_epoch(log: Path, before: set[str], workflow: subprocess.Popen) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and workflow.poll() is None:
        if log.is_file() and "epoch 1/" in log.read_text():
            (job,) = {job["JobId"] for job in of_rule("train")} - before
            subprocess.run(["scancel", job], check=True)
            return
        time.sleep(0.02)
    workflow.kill()
    pytest.fail(f"no training was seen to finish an epoch: {workflow.communicate()[0][-3000:]}")


def test_at_demo_scale_no_gpu_is_asked_for(cluster, shards, tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(shards, folder, symlinks=True)
    before = {job["JobId"] for job in jobs()}
    target = str(RUN / "weights.safetensors")
    done = snakemake(
        *PROFILE, "--configfile", str(small(folder, "demo")), "--", target, folder=folder
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    sent = [job for job in jobs() if job["JobId"] not in before]
    assert [job for job in sent if job.get("Comment", "").startswith("rule_train")]
    assert {job["Partition"] for job in sent} == {"cpu"}
    assert not [job for job in sent if "TresPerJob" in job]
