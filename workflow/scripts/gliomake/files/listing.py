"""What lies below a folder, by name: the one way in which the workflow goes through a data set."""

import os
from collections.abc import Iterator

FOREIGN = ("lost+found", "__MACOSX", "System Volume Information", "$RECYCLE.BIN")
"""Folders that operating systems leave beside data."""


def is_data(name: str) -> bool:
    """Return whether a file or folder name may be data: not hidden, not an operating system's.

    >>> is_data("TCGA_CS_4941"), is_data(".DS_Store"), is_data("__MACOSX")
    (True, False, False)
    """
    return not name.startswith(".") and name not in FOREIGN


def walk(root: str, hidden: bool = False) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield all entries below a folder, each folder once, however links lead.

    What may not be listed, or goes away meanwhile, is passed over.

    Parameters
    ----------
    root : str
        The folder.
    hidden : bool
        Whether to go through hidden entries as well, and through those of operating systems.

    Yields
    ------
    str, os.DirEntry
        The path below the root, and the entry.
    """
    waiting = [(root, "")]
    seen: set[str] = set()
    while waiting:
        folder, name = waiting.pop()
        real = os.path.realpath(folder)
        # A link to a folder above it would lead round for ever.
        if real in seen:
            continue
        seen.add(real)
        for entry in _entries(folder):
            if hidden or is_data(entry.name):
                yield f"{name}{entry.name}", entry
                if _is_folder(entry):
                    waiting.append((entry.path, f"{name}{entry.name}/"))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
