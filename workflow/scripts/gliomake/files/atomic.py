"""Files that appear whole or not at all, whatever kills the process that writes them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
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
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
