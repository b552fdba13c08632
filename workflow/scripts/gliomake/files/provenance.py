"""Where a number comes from: hashes of files, of folders and of configuration."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from gliomake.files.listing import walk


def file_sha256(path: str | Path) -> str:
    """Compute the hash of one file's bytes.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_sha256(paths: Iterable[str | Path]) -> str:
    """Compute the hash of several files' bytes, in the order given; names do not count.

    Parameters
    ----------
    paths : iterable of str or Path
        The files.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digests = "".join(file_sha256(path) for path in paths)
    return hashlib.sha256(digests.encode()).hexdigest()


def value_sha256(value: Any) -> str:
    """Compute the hash of dicts, lists, strings and numbers; the order of keys does not count.

    Parameters
    ----------
    value : object
        Anything that JSON can write.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> value_sha256({"a": 1, "b": 2}) == value_sha256({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def listing_sha256(root: str) -> str:
    """Compute the hash of names, sizes and times of all files under a folder, not of contents.

    The folder's own time does not change with a file inside it. Read once a process.

    Parameters
    ----------
    root : str
        The folder; links are followed. Hidden files, those of operating systems and what cannot be
        read do not count.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    lines = []
    for name, entry in walk(root):
        try:
            if entry.is_file():
                facts = entry.stat()
                lines.append(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}")
        except OSError:
            # Gone meanwhile, or a link that leads round: the reader says so if it is data.
            continue
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()
