"""Refused cases are looked at again once anything about their files has changed.

An accepted case is known by the names, sizes and times of its files, so that a data set may be
moved without a training anew. A refusal is not: what decided it may be a permission, a hidden file
or the content of a file that was restored with its old time. Beside a group's reports stands the
state of all that lay around the refused files. While it is the same, the workflow's parameter for
the group is the token that stands there; else it is a new one, and the group is inspected again.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

from gliomake.files.listing import walk

Refused = Iterable[tuple[str, str]]
"""Case and file of each refusal; the case is empty where the whole data set is meant."""


def state_token(record: str | Path, root: str, listing: str) -> str:
    """Return what an inspected group depends on, besides the configuration and the code.

    Parameters
    ----------
    record : str or Path
        The group's file of `write_record`; it need not be there.
    root : str
        The data set's root.
    listing : str
        Hash of the root's listing.

    Returns
    -------
    str
        The token of the record where all is as it was, else another one.
    """
    kept = _read_record(record)
    refused = [(case, file) for case, file in kept.get("refused", [])]
    state = files_state(root, refused)[0] if refused else ""
    token: str = kept.get("token", "")
    if token.startswith(listing) and state == kept.get("state"):
        return token
    return f"{listing}-{state[:16]}" if state else listing


def write_record(
    record: str | Path, root: str, token: str, refused: Refused, started: float
) -> None:
    """Write what `state_token` compares at the next start.

    Parameters
    ----------
    record : str or Path
        Where to.
    root : str
        The data set's root.
    token : str
        What `state_token` gave for this inspection.
    refused : iterable of (str, str)
        Case and file of each refusal.
    started : float
        When the inspection began, seconds since the epoch. A state that is younger may not be the
        one that was inspected, and is not kept.
    """
    refused = sorted(set(refused))
    state, changed = files_state(root, refused) if refused else ("", 0.0)
    content = {
        "token": token,
        "refused": refused,
        "state": state if changed < started else None,
    }
    temporary = Path(f"{record}.tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(record)


def files_state(root: str, refused: Refused) -> tuple[str, float]:
    """Hash all that the file system says of what lies around refused files.

    That is the files themselves, all in their folders, and all whose path below the root holds the
    case's name; hidden files and the targets of links as well.

    Parameters
    ----------
    root : str
        The data set's root.
    refused : iterable of (str, str)
        Case and file of each refusal.

    Returns
    -------
    str, float
        64 hexadecimal digits; and when any of it last changed, seconds since the epoch.
    """
    lines, changed = [], 0.0
    for path in sorted(_around(root, list(refused))):
        facts, time = _facts(path)
        lines.append(f"{path}\0{facts}")
        changed = max(changed, time)
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest(), changed


def _around(root: str, refused: list[tuple[str, str]]) -> set[str]:
    # The same root in another spelling is no change.
    root = os.path.normpath(root)
    paths = {os.path.normpath(file) for _, file in refused}
    for folder in {file if os.path.isdir(file) else _folder(file, root) for file in paths}:  # noqa: PTH112
        paths |= {folder, *_inside(folder)}
    if names := {PurePath(case).name for case, _ in refused if case}:
        for below, entry in walk(root, hidden=True):
            if entry.path not in paths and any(name in below for name in names):
                paths.add(entry.path)
    return paths


def _folder(file: str, root: str) -> str:
    return file.rpartition("/")[0] or root


def _inside(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 (names alone)
    except (OSError, ValueError):
        return []
    return [f"{folder}/{name}" for name in names]


def _facts(path: str) -> tuple[str, float]:
    """State of a path, and when that last changed; or why it has none."""
    try:
        facts = os.lstat(path)
    except (OSError, ValueError) as error:
        return str(getattr(error, "errno", None) or error), 0.0
    # Not the device: its number may differ after each mount.
    state = (facts.st_mode, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    if not stat.S_ISLNK(facts.st_mode):
        return str(state), facts.st_ctime
    target = os.path.realpath(path)
    # A link that leads round is its own target.
    led_to = _facts(target) if not os.path.islink(target) else ("", 0.0)  # noqa: PTH114
    return f"{state} {target} {led_to[0]}", max(facts.st_ctime, led_to[1])


def _read_record(record: str | Path) -> dict[str, Any]:
    """Read a record; one that is not there or is damaged says nothing."""
    try:
        content = json.loads(Path(record).read_text())
        pairs = [(str(case), str(file)) for case, file in content["refused"]]
        return {"token": str(content["token"]), "refused": pairs, "state": content["state"]}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
