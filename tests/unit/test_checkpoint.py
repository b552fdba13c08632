"""States survive what can happen to files; weights are stored exactly."""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from gliomake.files.atomic import durable_path
from gliomake.training import checkpoint
from gliomake.training.checkpoint import (
    KEPT,
    Snapshot,
    StateError,
    StateFolder,
    load_weights,
    save_weights,
)


def snapshot(value: float) -> Snapshot:
    return Snapshot(
        {"weight": torch.full((3, 2), value), "steps": torch.tensor(7)},
        {"epoch": 2, "best": float("nan"), "row": {"loss": 0.1 + 0.2}, "name": "ü"},
    )


@pytest.fixture
def folder(tmp_path):
    store = StateFolder(tmp_path / "state", "key")
    yield store
    store.close()


def test_what_is_saved_is_loaded(folder):
    folder.save(snapshot(1 / 3))
    loaded = folder.load()
    assert torch.equal(loaded.tensors["weight"], torch.full((3, 2), 1 / 3))
    assert loaded.tensors["steps"].item() == 7
    assert loaded.values["row"]["loss"] == 0.1 + 0.2
    assert loaded.values["best"] != loaded.values["best"]
    assert loaded.values["name"] == "ü"


def test_nothing_saved_is_nothing_loaded(folder):
    assert folder.load() is None


def test_two_generations_are_kept(folder):
    paths = [folder.save(snapshot(value)) for value in range(5)]
    assert folder.generations() == [paths[4], paths[3]]
    assert KEPT == 2


@pytest.mark.parametrize("damage", ["one byte", "cut", "empty"])
def test_a_damaged_generation_gives_way_to_the_one_before(folder, damage, caplog):
    folder.save(snapshot(1))
    newest = folder.save(snapshot(2))
    content = bytearray(newest.read_bytes())
    if damage == "one byte":
        content[-1] ^= 1
    newest.write_bytes({"one byte": content, "cut": content[:-9], "empty": b""}[damage])
    assert folder.load().tensors["weight"][0, 0] == 1
    assert "damaged" in caplog.text and newest.name in caplog.text
    assert len(folder.generations()) == 1
    folder.save(snapshot(3))
    assert folder.load().tensors["weight"][0, 0] == 3


def test_all_generations_damaged_is_a_fresh_start(folder, caplog):
    for path in (folder.save(snapshot(1)), folder.save(snapshot(2))):
        path.write_bytes(b"torn")
    assert folder.load() is None
    assert caplog.text.count("is damaged") == 2


def test_a_half_written_generation_is_not_seen(folder):
    folder.save(snapshot(1))
    (folder.folder / ".partial").mkdir()
    (folder.folder / ".partial" / "generation").write_bytes(b"half")
    assert folder.load().tensors["weight"][0, 0] == 1
    folder.remove()
    assert not folder.folder.exists()


SCRIPTS = str(Path(checkpoint.__file__).parents[2])
SAVE_FOR_EVER = """
import sys, torch
from pathlib import Path
from gliomake.training.checkpoint import Snapshot, StateFolder, save_weights
tensors = {"weight": torch.zeros(25_000_000)}
store = StateFolder(Path(sys.argv[1]) / "state", "key")
while True:
    store.save(Snapshot(tensors, {}))
    save_weights(tensors, Path(sys.argv[1]) / "weights.safetensors")
"""


@pytest.mark.slow
@pytest.mark.parametrize("killed_in", ["state/.partial", ".weights.safetensors.partial"])
def test_what_a_process_killed_in_a_write_leaves_goes_with_the_next(tmp_path, killed_in):
    command = [sys.executable, "-c", SAVE_FOR_EVER, str(tmp_path)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": SCRIPTS})
    scratch = tmp_path / killed_in
    deadline = time.monotonic() + 60
    while not left(scratch):
        assert process.poll() is None and time.monotonic() < deadline
    process.kill()
    process.wait()
    with StateFolder(tmp_path / "state", "key") as store:
        store.save(snapshot(1))
        save_weights(snapshot(1).tensors, tmp_path / "weights.safetensors")
        assert left(tmp_path) == ["state", "weights.safetensors"]
        store.remove()
    assert left(tmp_path) == ["weights.safetensors"]


def left(folder) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def test_what_cannot_be_removed_is_named_and_no_failure(folder, monkeypatch, caplog):
    def refuse(path, **_):
        raise OSError("busy")

    monkeypatch.setattr(os, "rmdir", refuse)
    folder.save(snapshot(1))
    folder.remove()
    assert f"{folder.folder} could not be removed (busy)" in caplog.text
    assert folder.generations() == []


def test_state_of_another_training_is_refused(folder, tmp_path):
    folder.save(snapshot(1))
    folder.close()
    other = StateFolder(tmp_path / "state", "other")
    with pytest.raises(StateError, match=r"state of another training.*'key'.*'other'.*remove"):
        other.load()
    assert len(other.generations()) == 1
    other.close()


def test_a_folder_in_use_is_refused(folder, tmp_path):
    with pytest.raises(StateError, match="another process is training"):
        StateFolder(tmp_path / "state", "key")
    folder.close()
    StateFolder(tmp_path / "state", "key").close()


def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    StateFolder(tmp_path / "state", "key").close()
    assert "no locks available" in caplog.text


def test_durable_path_writes_all_or_nothing(tmp_path):
    path = tmp_path / "new" / "facts.json"
    with durable_path(path) as partial:
        partial.write_text("1")
    with pytest.raises(KeyError), durable_path(path) as partial:
        partial.write_text("2")
        raise KeyError
    assert path.read_text() == "1"
    assert [entry.name for entry in path.parent.iterdir()] == ["facts.json"]


def test_weights_go_round_in_any_memory_layout(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
    model.to(memory_format=torch.channels_last)
    digest = save_weights(model.state_dict(), tmp_path / "a.safetensors")
    twin = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4))
    load_weights(twin, tmp_path / "a.safetensors")
    for name, value in model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name])
    assert save_weights(twin.state_dict(), tmp_path / "b.safetensors") == digest
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o444 == 0o444


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_weights_that_are_cut_are_refused(tmp_path, length):
    path, model = tmp_path / "w.safetensors", torch.nn.Linear(2, 3)
    save_weights(model.state_dict(), path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"w.safetensors is damaged .*remove it and train again"):
        load_weights(model, path)


def test_weights_of_another_architecture_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(nn.Linear(2, 3).state_dict(), path)
    with pytest.raises(ValueError, match=r"weights.safetensors does not hold the weights of this"):
        load_weights(nn.Linear(2, 4), path)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ValueError, match="is damaged"):
        load_weights(nn.Linear(2, 3), path)


def test_nothing_is_pickled(folder):
    path = folder.save(snapshot(1))
    size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + size])
    assert json.loads(header["__metadata__"]["gliomake"])["values"]["epoch"] == 2
