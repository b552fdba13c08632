"""Files that appear whole or not at all, whatever kills the process that writes them."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = {errno.ENOSPC: "no room left on the disk", errno.EDQUOT: "no room left of your quota"}


class DiskFullError(OSError):
    """A file could not be written for want of room."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, moved onto it when the block ends without an error.

    Parameters
    ----------
    path : str or Path
        The file to appear whole or not at all; its folder is made if need be.

    Yields
    ------
    Path
        Where to write; same folder and suffix as `path`.

    Raises
    ------
    DiskFullError
        There is no room for it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        with _room(path):
            yield temporary
            _share(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def durable_path(path: str | Path) -> Iterator[Path]:
    """Yield a path to write to; when the block ends it is on the disk, then moved onto `path`.

    Slower than `atomic_path`: for what took hours, and must outlive a power cut.

    Parameters
    ----------
    path : str or Path
        The file to appear whole or not at all, a power cut included.

    Yields
    ------
    Path
        Where to write.
    """
    path = Path(path)
    with scratch_folder(path.with_name(f".{path.name}.partial")) as folder:
        partial = folder / path.name
        yield partial
        move_durably(partial, path)


def move_durably(partial: Path, path: Path) -> None:
    """Flush a file to the disk, and then move it onto its place.

    Parameters
    ----------
    partial, path : Path
        From where and to where, in one file system.
    """
    _share(partial)
    _flush(partial)
    partial.replace(path)
    _flush(path.parent)


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for the length of a block.

    A writer may have temporary files of its own beside the path that it is given, as safetensors
    has. In a folder of a fixed name, what a killed process leaves goes with the next attempt.

    Parameters
    ----------
    folder : Path
        The folder; what is in it is removed, before and after.

    Yields
    ------
    Path
        The same.

    Raises
    ------
    DiskFullError
        There is no room for what is written into it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with _room(folder):
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _room(path: Path) -> Iterator[None]:
    """Say in words that a disk is full: the libraries that write each say it in their own way."""
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        code = error.errno if isinstance(error, OSError) else None
        full = [number for number in _FULL if number == code or os.strerror(number) in str(error)]
        if not full:
            raise
        raise DiskFullError(
            f"{path.parent}: found {_FULL[full[0]]}; expected room for {path.name.lstrip('.')}. "
            "Make room, then start the same command again: what is finished stays, and a training "
            "goes on from the state that it saved last"
        ) from error


def _share(path: Path) -> None:
    """Set on a file the permissions that a new one has: temporary ones are private."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)


def _flush(path: Path) -> None:
    """Wait until a file's bytes, or a folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
