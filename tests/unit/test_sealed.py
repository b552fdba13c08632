"""Shards and predictions that are cut, changed, replaced or tricked: refused before they are read.

Every test is run on a shard and on predictions; the file stays what it is to other programs.
"""

import json
import shutil
import time
import tracemalloc

import h5py
import numpy as np
import pandas as pd
import pytest

from gliomake.datasets.base import Volume
from gliomake.files import sealed
from gliomake.files.contracts import REBUILD
from gliomake.files.predictions import PredictionError, write_predictions
from gliomake.files.sealed import BLOCK, create_sealed
from gliomake.files.shards import ShardError, load_arrays, write_shard
from stored_predictions import load_predictions

KEYS = pd.DataFrame({"patient": ["p1"] * 4, "slice": [0, 1, 2, 3]})
RECIPE = {"image_size": 8, "channels": ["a", "b"], "classes": ["tumour"], "intensity": "unit"}
ATTRIBUTES = {
    "study": "s",
    "model": "m",
    "run": "patient-f0-s0",
    "classes": ["tumour"],
    "threshold": 0.5,
}


def volume(slices=4, size=8):
    image = np.arange(slices * 2 * size * size, dtype=np.uint32).astype(np.uint8)
    mask = np.zeros((slices, 1, size, size), np.uint8)
    mask[:, :, 2:5] = 1
    return Volume(
        "c", "p1", np.arange(slices), image.reshape(slices, 2, size, size), mask, (1.0, 1.0, 2.0)
    )


def shard(path):
    write_shard(path, [volume()], dataset="lgg", recipe=RECIPE)
    return lambda: load_arrays([path], KEYS), ShardError


def predictions(path):
    write_predictions(
        path,
        [np.linspace(0, 1, 4 * 64).reshape(4, 1, 8, 8)],
        patient=["p1"] * 4,
        slice=[0, 1, 2, 3],
        subset=["val", "val", "test", "test"],
        spacing=np.ones((4, 3), np.float32),
        attributes=ATTRIBUTES,
    )
    return lambda: load_predictions(path), PredictionError


@pytest.fixture(params=[shard, predictions])
def made(request, tmp_path):
    """A file, what reads it, and what that raises."""
    path = tmp_path / "file.h5"
    read, error = request.param(path)
    read()
    return path, read, error


def remake(path, change):
    """Write a file anew with another content, and the checksum of that."""
    shutil.move(path, path.with_suffix(".old"))
    with h5py.File(path.with_suffix(".old")) as old, create_sealed(path) as file:
        for name in old:
            old.copy(name, file)
        file.attrs.update(old.attrs)
        change(file)


def test_another_program_still_reads_it(made):
    path, *_ = made
    with h5py.File(path) as file:
        assert file["slice"][:].tolist() == [0, 1, 2, 3]
        assert file.userblock_size == BLOCK


def test_the_checksum_is_that_of_all_behind_it(made):
    import zlib

    data = made[0].read_bytes()
    stated = f"gliomake 1 crc32 {zlib.crc32(data[BLOCK:]):08x} of {len(data) - BLOCK} bytes\n"
    assert data[:BLOCK] == stated.encode().ljust(BLOCK, b"\0")


def test_one_bit_anywhere_is_damage(made):
    path, read, error = made
    whole = path.read_bytes()
    places = np.linspace(len(sealed.MAGIC), len(whole) - 1, 60).astype(int)
    for at in [len(sealed.MAGIC) + 8, BLOCK - 1, BLOCK, *places]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(error, match="is damaged: its bytes do not have the checksum") as caught:
            read()
        assert str(path) in str(caught.value) and REBUILD in str(caught.value)
    path.write_bytes(whole)
    read()


def test_a_file_cut_anywhere_is_damage(made):
    path, read, error = made
    whole = path.read_bytes()
    for length in (BLOCK, BLOCK + 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(error, match="is damaged"):
            read()
    path.write_bytes(whole + b"\0")
    with pytest.raises(error, match="is damaged"):
        read()


@pytest.mark.parametrize("content", [b"", b"gliomake", b"\x89HDF\r\n\x1a\n" + bytes(600)])
def test_a_file_without_checksum_is_to_be_built_again(made, content):
    path, read, error = made
    path.write_bytes(content)
    with pytest.raises(error, match="has no checksum: another program or an older version"):
        read()


def test_a_file_of_an_older_version_is_to_be_built_again(made):
    path, read, error = made
    with h5py.File(path) as old, h5py.File(path.with_suffix(".plain"), "w") as plain:
        for name in old:
            old.copy(name, plain)
        plain.attrs.update(old.attrs)
    path.with_suffix(".plain").replace(path)
    with pytest.raises(error, match=rf"has no checksum.*{REBUILD}"):
        read()


def test_a_change_by_another_program_is_damage(made):
    path, read, error = made
    with h5py.File(path, "r+") as file:
        file["slice"][0] = 9
    with pytest.raises(error, match="is damaged"):
        read()


def test_no_file_a_folder_and_a_pipe(made):
    import os

    path, read, error = made
    path.unlink()
    with pytest.raises(error, match=r"no such file\. Start the workflow again"):
        read()
    path.mkdir()
    with pytest.raises(error, match="is no file, but a folder, a pipe"):
        read()
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(error, match="is no file, but a folder, a pipe"):
        read()


def test_sealed_bytes_that_are_no_hdf5(made):
    path, read, error = made
    content = b"not HDF5 at all"
    with open(path, "w+b") as file:
        file.write(bytes(BLOCK) + content)
        block = sealed._block(*sealed._checksum(file))
        file.seek(0)
        file.write(block)
    with pytest.raises(error, match="is no HDF5 file"):
        read()


def external_link(file):
    del file["slice"]
    file["slice"] = h5py.ExternalLink("elsewhere.h5", "/slice")


def soft_link(file):
    del file["slice"]
    file["slice"] = h5py.SoftLink("/patient")


def external_storage(file):
    del file["slice"]
    file.create_dataset("slice", (4,), np.int32, external=[("/etc/passwd", 0, 16)])


def virtual(file):
    del file["slice"]
    layout = h5py.VirtualLayout((4,), np.int32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "slice", (4,), np.int32)
    file.create_virtual_dataset("slice", layout)


def a_group(file):
    del file["slice"]
    file.create_group("slice")


def absent(file):
    del file["slice"]


def floats(file):
    del file["slice"]
    file["slice"] = np.zeros(4)


def too_few(file):
    del file["slice"]
    file["slice"] = np.zeros(3, np.int32)


def not_there(file):
    """A data set that announces more than the file can hold."""
    for name in ("patient", "subset", "slice", "spacing", "image", "mask", "probability"):
        if name in file:
            old = file[name]
            shape, dtype = (2_000_000, *old.shape[1:]), old.dtype
            del file[name]
            file.create_dataset(name, shape, dtype, chunks=(1024, *shape[1:]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external_link, "'slice' is a link; expected int32 of shape"),
        (soft_link, "'slice' is a link"),
        (external_storage, "'slice' is kept in another file"),
        (virtual, "'slice' is kept in another file"),
        (a_group, "'slice' is no array"),
        (absent, "'slice' is not there"),
        (floats, "'slice' is float64 of shape"),
        (too_few, r"'slice' is of shape \(3,\); expected int32 of shape \(4\)"),
        (not_there, "bytes, more than the file can hold"),
    ],
)
def test_content_that_no_writer_of_ours_makes(made, change, message):
    path, read, error = made
    remake(path, change)
    tracemalloc.start()
    with pytest.raises(error, match=message):
        read()
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


@pytest.mark.parametrize("value", ["no JSON", "[]", json.dumps([1]), json.dumps("tumour"), None, 3])
def test_classes_that_are_no_names(made, value):
    path, read, error = made

    def change(file):
        del file.attrs["classes"]
        if value is not None:
            file.attrs["classes"] = value

    remake(path, change)
    with pytest.raises(error, match="classes"):
        read()


@pytest.mark.parametrize("threshold", [None, "half", -0.5, 2.0, np.nan])
def test_a_threshold_that_is_none(tmp_path, threshold):
    read, _ = predictions(tmp_path / "p.h5")

    def change(file):
        del file.attrs["threshold"]
        if threshold is not None:
            file.attrs["threshold"] = threshold

    remake(tmp_path / "p.h5", change)
    with pytest.raises(PredictionError, match=r"the threshold is .*; expected a number from 0 to"):
        read()


def test_shards_of_different_recipes_are_refused(tmp_path):
    write_shard(tmp_path / "a.h5", [volume()], dataset="lgg", recipe=RECIPE)
    write_shard(
        tmp_path / "b.h5", [volume(size=4)], dataset="lgg", recipe=RECIPE | {"image_size": 4}
    )
    with pytest.raises(ShardError, match=r"b.h5 holds uint8 of \(4, 4\) pixels, the shards before"):
        load_arrays([tmp_path / "a.h5", tmp_path / "b.h5"], KEYS)


def test_a_shard_error_reads_like_a_sentence():
    assert str(ShardError("it is broken")) == "it is broken"
    assert isinstance(ShardError("x"), KeyError)


def test_a_settled_file_is_checked_once_and_again_when_it_changes(made, monkeypatch):
    path, read, error = made
    checked = []
    original = sealed._checksum
    monkeypatch.setattr(sealed, "_checksum", lambda raw: checked.append(1) or original(raw))
    read()
    read()
    assert len(checked) == 2, "a file that was just written may change within a tick of the clock"
    later = time.time() + 60
    monkeypatch.setattr(sealed.time, "time", lambda: later)
    read()
    read()
    assert len(checked) == 3
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(error, match="is damaged"):
        read()


def test_every_library_gives_the_same_checksum():
    import zlib

    deflate, isal = pytest.importorskip("deflate"), pytest.importorskip("isal.isal_zlib")
    for data in (b"", b"a", bytes(range(256)) * 5):
        assert deflate.crc32(data, 7) == isal.crc32(data, 7) == zlib.crc32(data, 7)
    assert sealed.crc32(b"123456789") == 0xCBF43926  # the value that every description of it gives
