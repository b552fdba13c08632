"""nnU-Net's raw layout: ``imagesTr``, ``labelsTr`` and ``dataset.json``."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import DataRoot

DEPTH = 2
"""How many folders below the root it may lie."""

FILES, MASK = "imagesTr/{case}_{channel}.nii*", "labelsTr/{case}.nii*"


@dataclass(frozen=True)
class NnUnet:
    """What ``dataset.json`` says, in a page's words.

    Attributes
    ----------
    folder : Path
        The folder that holds ``imagesTr``.
    channels : dict of str to str
        A page's channel to its number in file names, ``0000``.
    classes : dict of str to tuple of int
        A page's class to its labels.
    names : dict of int to str
        What the data set calls its labels.
    """

    folder: Path
    channels: dict[str, str]
    classes: dict[str, tuple[int, ...]]
    names: dict[int, str]


def find_nnunet(root: DataRoot) -> Path | None:
    """Give the folder with ``imagesTr`` and ``labelsTr`` at or below a root; None without one.

    Raises
    ------
    AccessError
        The root may not be listed.
    """
    for folder, folders, _ in root.walk(DEPTH):
        if {"imagesTr", "labelsTr"} <= {path.name for path in folders}:
            return folder
    return None


def read_nnunet(
    root: DataRoot,
    folder: Path,
    channels: Mapping[str, str],
    classes: Mapping[str, Sequence[int]],
) -> NnUnet:
    """Read ``dataset.json`` and hold a page's channels and classes against it.

    Both of nnU-Net's forms are read: ``channel_names`` and labels by name, with lists of labels for
    regions, and ``modality`` and labels by number.

    Parameters
    ----------
    root : DataRoot
        The data set's root.
    folder : Path
        Of `find_nnunet`.
    channels : mapping of str to str
        A page's channels: a name that ``dataset.json`` has, in any capitals, or ``0000``.
    classes : mapping of str to sequence of int
        A page's classes; one without labels has those of the same name in ``dataset.json``.

    Raises
    ------
    CaseError
        The file cannot be understood, or the page has a channel or class that is not in it.
    """
    path = folder / "dataset.json"
    if path not in root.entries(folder):
        if all(re.fullmatch(r"\d{4}", text) for text in channels.values()):
            given = {name: tuple(labels) for name, labels in classes.items()}
            return NnUnet(folder, dict(channels), given, {})
        found, expected = "no such file", "what the channels 0000, 0001, ... are"
        advice = "write it, or give the numbers on the page, such as channels: {t2: '0000'}"
        raise CaseError("", path, found, expected, advice)
    content = _content(root, path)
    numbers = {
        _plain(name): f"{int(number):04}" for number, name in content["channels"].items()
    } | {f"{int(number):04}": f"{int(number):04}" for number in content["channels"]}
    wanted = {}
    for name, text in channels.items():
        number = numbers.get(_plain(text))
        if number is None:
            listed = ", ".join(map(str, content["channels"].values()))
            found = f"channels {listed}, and none called {text!r}"
            advice = f"correct `channels` on the page, such as {{{name}: '0000'}}"
            raise CaseError("", path, found, f"the page's channel {name}", advice)
        wanted[name] = number
    labels = content["labels"]
    told = {_plain(name): group for name, group in labels.items()}
    names = {group[0]: name for name, group in labels.items() if len(group) == 1}
    taken = {
        name: _labels(path, name, tuple(given), told, list(labels))
        for name, given in classes.items()
    }
    return NnUnet(folder, wanted, taken, names)


def _labels(
    path: Path,
    name: str,
    given: tuple[int, ...],
    told: Mapping[str, tuple[int, ...]],
    known: Sequence[str],
) -> tuple[int, ...]:
    """Give a class's labels; those of the page and of the file must be the same."""
    stated = told.get(_plain(name))
    if stated is None and not given:
        found = f"labels {', '.join(known)}, and none called {name!r}"
        advice = f"give the class its labels on the page, such as {name}: {{labels: [1]}}"
        raise CaseError("", path, found, f"the page's class {name}", advice)
    if stated and given and set(stated) != set(given):
        found = f"label {', '.join(map(str, stated))} for {name}"
        expected = f"{', '.join(map(str, given))}, as the page says"
        raise CaseError("", path, found, expected, "correct one of the two")
    return given or stated or ()


def _content(root: DataRoot, path: Path) -> dict[str, dict]:
    """Give channels (number to name) and labels (name to numbers) in the form of version 2."""
    advice = "restore the file, or write it as nnU-Net describes it"
    try:
        content = json.loads(root.read_bytes(path, "").decode("utf-8-sig"))
        channels = content.get("channel_names", content.get("modality"))
        channels = {int(number): str(name) for number, name in channels.items()}
        labels = dict(_group(*entry) for entry in content["labels"].items())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, CaseError):
            raise
        found = f"unreadable JSON, or no channel_names and labels in it ({type(error).__name__})"
        raise CaseError("", path, found, "nnU-Net's description", advice) from error
    return {"channels": channels, "labels": labels}


def _group(key: str, value: Any) -> tuple[str, tuple[int, ...]]:
    if key.isdecimal() and isinstance(value, str):
        return value, (int(key),)
    return key, tuple(int(label) for label in (value if isinstance(value, list) else [value]))


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()
