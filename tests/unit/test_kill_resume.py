"""A killed and resumed training ends with the very weights of one that was left alone."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("killed_training.py")
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
SAME = ("weights", "history", "best_epoch", "stopped_early", "state")


def play(scenario: str, folder: Path, precision: str, *numbers: int) -> dict:
    command = [sys.executable, str(CHILD), scenario, str(folder), precision, *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def same(one: dict, other: dict) -> bool:
    return all(one[key] == other[key] for key in SAME)


def test_every_moment(tmp_path):
    """Killed once at each step and each change on the disk, writing half a file included."""
    result = play("every_moment", tmp_path, "float32")
    wrong = [killed["moment"] for killed in result["killed"] if not same(killed, result["whole"])]
    assert not wrong
    moments = {killed["moment"] for killed in result["killed"]}
    assert moments == {
        *("before step", "before heed_signals", "before validate", "half of save_file"),
        *("before fsync", "before replace", "before unlink", "before write_text"),
        *("before save_weights", "before write_history", "before rmtree", "after rmtree"),
    }
    # Most kills left a state that the second life went on from, and nobody left litter.
    assert sum(killed["lives"] == 2 for killed in result["killed"]) > 40
    outputs = ["history.tsv", "log.txt", "train.json", "weights.safetensors"]
    assert all(killed["left"] == outputs for killed in result["killed"])


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_killed_again_and_again(tmp_path, precision):
    """With dropout, accumulation, a plateau schedule and early stopping at work."""
    result = play("again_and_again", tmp_path, precision, 5)
    assert result["kills"] >= 3
    assert result["killed"]["lives"] >= 3
    assert same(result["killed"], result["whole"])
    rates = {row.split("\t")[1] for row in result["whole"]["history"][1:]}
    assert len(rates) > 1, "the schedule never acted: this test shows too little"
    assert result["whole"]["stopped_early"], "it never stopped early: this test shows too little"


def test_killed_from_outside_at_any_time(tmp_path):
    """SIGKILL from another process, which knows nothing of what the training does."""
    rng = random.Random(1)
    whole = play("whole", tmp_path / "whole", "float32")
    command = [sys.executable, str(CHILD), "slowly", str(tmp_path / "killed"), "float32"]
    kills = 0
    while True:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
        ) as child:
            assert child.stdout.readline() == "started\n"
            if kills < 2:
                time.sleep(rng.uniform(0.3, 0.9))
                child.kill()
                child.wait()
                kills += child.returncode == -signal.SIGKILL
                if child.returncode != 0:
                    continue
            output = child.stdout.read()
        break
    assert same(json.loads(output), whole)


def test_sigterm_saves_and_says_so(tmp_path):
    result = play("terminated", tmp_path, "bf16")
    for code, message in result["messages"]:
        assert code == 1
        assert message.startswith("interrupted in epoch ")
        assert "goes on from there" in message
    assert result["ended"]["lives"] == 3
    assert same(result["ended"], result["whole"])
