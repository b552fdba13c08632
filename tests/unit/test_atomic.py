"""Files that appear whole or not at all, and what is said where there is no room for them."""

import errno
import os
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from gliomake.files.atomic import DiskFullError, atomic_path, durable_path, scratch_folder

FULL = Path("/dev/full")
WRITERS = [atomic_path, durable_path, scratch_folder]


def fill(_: Path) -> None:
    with FULL.open("wb") as file:
        file.write(b"x")


def fill_quota(_: Path) -> None:
    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def in_words_of_its_own(_: Path) -> None:
    # As h5py and safetensors say it, whose errors carry no number.
    raise RuntimeError("I/O error: No space left on device (os error 28)")


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full here")
@pytest.mark.parametrize("write", [fill, fill_quota, in_words_of_its_own])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_said_in_words(tmp_path, writer, write):
    path = tmp_path / "run" / "weights.safetensors"
    with pytest.raises(DiskFullError) as raised, writer(path) as place:
        write(place)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path}/run: found no room left ")
    assert "expected room for weights.safetensors" in message and "same command" in message
    assert [entry for entry in tmp_path.rglob("*") if entry.is_file()] == []


@pytest.mark.parametrize("writer", WRITERS)
def test_other_errors_pass(tmp_path, writer):
    with pytest.raises(ValueError, match="of its own"), writer(tmp_path / "a.tsv"):
        raise ValueError("of its own")
    with pytest.raises(PermissionError), writer(tmp_path / "a.tsv"):
        raise PermissionError(errno.EACCES, "no right")


def test_a_file_stays_as_it_was_until_the_block_ends(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_text("before")
    for writer in (atomic_path, durable_path):
        with pytest.raises(KeyboardInterrupt), writer(path) as place:
            save_file({}, place)
            raise KeyboardInterrupt
        assert path.read_text() == "before"
        assert list(tmp_path.iterdir()) == [path]
