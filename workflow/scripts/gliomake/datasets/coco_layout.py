"""Where a COCO set keeps things: its three folders under their names, their JSON, their images."""

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from gliomake.datasets.base import CaseError, Finding
from gliomake.datasets.root import AccessError, DataRoot

FOLDERS = ("train", "valid", "test")
NAMES = {
    "train": ("train", "training"),
    "valid": ("valid", "val", "validation"),
    "test": ("test", "testing"),
}
"""How each of `FOLDERS` may be called, in any capitals."""

ANNOTATIONS = "_annotations.coco.json"
IMAGES = "images"
"""A folder beside the JSON that images may lie in."""


@dataclass(frozen=True)
class Subset:
    """One of the three folders.

    Attributes
    ----------
    name : str
        Of `FOLDERS`.
    path, annotations : Path
        The folder and its JSON.
    """

    name: str
    path: Path
    annotations: Path


@dataclass
class Entry:
    """One image as its folder's JSON announces it."""

    case: str
    subset: Subset
    image_id: int
    file_name: str
    height: int
    width: int
    number: int
    annotations: list[dict[str, Any]] = field(default_factory=list)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    """(found, expected) of what makes the entry ambiguous."""


def find_subsets(root: DataRoot) -> tuple[list[Subset], list[Finding]]:
    """Find the three folders in the root, or in the first folder inside it that has one of them.

    Returns
    -------
    list of Subset
        All three, in the order of `FOLDERS`.
    list of Finding
        What is called otherwise.

    Raises
    ------
    CaseError
        There is no such set, or one of the folders or its JSON is not there or there twice.
    AccessError
        A folder may not be listed.
    """
    unlisted: list[AccessError] = []
    for base in (root.path, *_folders(root, root.path)):
        try:
            named = _named(root, base)
        except AccessError as error:
            unlisted.append(error)  # another folder may hold the set
            continue
        if any(_jsons(root, path) for paths in named.values() for path in paths):
            subsets = [_subset(root, base, name, named[name]) for name in FOLDERS]
            return subsets, _renamed(subsets)
    if unlisted:
        raise unlisted[0]
    inside = root.entries()
    there = ", ".join(path.name for path in inside[:8]) or "nothing"
    advice = "point the data set's root at the unpacked download"
    if archives := [path.name for path in inside if path.suffix in (".zip", ".tar", ".gz")]:
        advice = f"unpack {archives[0]}"
    elif links := [path.name for path in inside if root.leads_out(path)]:
        advice = f"{links[0]} is a link out of the root: set `links: anywhere` for this data set"
    raise CaseError(
        "",
        root.path,
        f"no COCO data set (there: {there})",
        f"{', '.join(FOLDERS)}, each with {ANNOTATIONS} and its images",
        advice,
    )


def check_name(name: str, limit: int) -> str:
    """Return what keeps a file name of the JSON from being one; empty where nothing does.

    Parameters
    ----------
    name : str
        ``file_name`` of an image.
    limit : int
        The most characters.
    """
    if len(name) > limit:
        return f"a file name of {len(name)} characters, more than {limit} (limits.name_length)"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        return f"a file name with a control character or half of a surrogate pair: {name!r}"
    # A Windows path is not absolute here, and still points outside.
    parts = (*PurePosixPath(name).parts, *PureWindowsPath(name).parts)
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor or ".." in parts:
        return f"a file name that leads out of the data set: {name!r}"
    return ""


class Images:
    """Finds images by the names that a JSON gives them.

    Parameters
    ----------
    root : DataRoot
        The data set's.
    """

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self._listed: dict[Path, list[Path]] = {}

    def find(self, subset: Subset, name: str, case: str) -> Path:
        """Find an image in its folder, or in `IMAGES` inside it.

        Parameters
        ----------
        subset : Subset
            The folder whose JSON names it.
        name : str
            As `check_name` finds nothing wrong with; with slashes of either kind. Accents may be
            composed or decomposed (a Mac's disk spells them otherwise than most JSON).
        case : str
            Whose image it is.

        Returns
        -------
        Path
            A file that is there; whether it may be read is not checked.

        Raises
        ------
        CaseError
            There is none; a file whose name differs in capitals only is named.
        """
        places = [
            place / spelt
            for spelt in (name, name.replace("\\", "/"))
            for place in (subset.path, subset.path / IMAGES)
        ]
        for path in places:
            if _is_there(path):
                return path
        similar = ""
        for path in places:
            for sibling in self._siblings(path.parent):
                if _composed(sibling.name) == _composed(path.name):
                    return sibling
                if _composed(sibling.name).lower() == _composed(path.name).lower():
                    similar = sibling.name
        raise CaseError(
            case,
            places[0],
            "no such file" + (f", but {similar!r}, which differs in capitals" if similar else ""),
            "the image",
            "rename the file, or correct the JSON"
            if similar
            else "complete the download, or leave the image out",
        )

    def _siblings(self, folder: Path) -> list[Path]:
        if folder not in self._listed:
            self._listed[folder] = self._root.entries(folder) if folder.is_dir() else []
        return self._listed[folder]


def same_image(name: str) -> str:
    """Return what two names of one file have in common: ``./a.png`` and ``a.png``, both accents."""
    return _composed(str(PurePosixPath(name.replace("\\", "/"))))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it says what the machine has against it
    return True


def _folders(root: DataRoot, base: Path) -> list[Path]:
    """List the folders in a folder; links to folders count."""
    folders = []
    for path in root.entries(base):
        try:
            if path.is_dir():
                folders.append(path)
        except OSError as error:
            raise AccessError(path, error.strerror or str(error)) from error
    return folders


def _named(root: DataRoot, base: Path) -> dict[str, list[Path]]:
    """Gather a folder's folders by the name of `FOLDERS` that they stand for."""
    if root.leads_out(base):
        return {name: [] for name in FOLDERS}
    inside = _folders(root, base)
    return {name: [path for path in inside if path.name.lower() in NAMES[name]] for name in FOLDERS}


def _jsons(root: DataRoot, folder: Path) -> list[Path]:
    """List what may be a folder's annotations: those of the usual name, else all JSON."""
    if root.leads_out(folder):
        # Told apart when it is read, with what to set.
        return [folder / ANNOTATIONS]
    jsons = [path for path in root.entries(folder) if path.name.lower().endswith(".json")]
    return [path for path in jsons if path.name == ANNOTATIONS] or jsons


def _subset(root: DataRoot, base: Path, name: str, paths: list[Path]) -> Subset:
    found = [path for path in paths if _jsons(root, path)] or paths
    called = " or ".join(NAMES[name])
    if not found:
        there = ", ".join(path.name for path in root.entries(base))
        raise CaseError(
            "",
            base,
            f"no folder for {name} (there: {there})",
            f"a folder called {called}, with {ANNOTATIONS} and its images",
            "complete the download, or rename the folder; no setting passes over it",
        )
    if len(found) > 1:
        raise CaseError(
            "",
            base,
            f"{len(found)} folders for {name}: {', '.join(path.name for path in found)}",
            f"one, called {called}",
            "move all but one of them out of the root",
        )
    jsons = _jsons(root, found[0])
    if len(jsons) != 1:
        raise CaseError(
            "",
            found[0] / ANNOTATIONS,
            f"several other JSON files: {', '.join(path.name for path in jsons)}"
            if jsons
            else "no such file",
            f"the annotations of {name}",
            f"rename the right one to {ANNOTATIONS}" if jsons else "complete the download",
        )
    return Subset(name, found[0], jsons[0])


def _renamed(subsets: list[Subset]) -> list[Finding]:
    folders = [
        f"{subset.path.name} is read as {subset.name}"
        for subset in subsets
        if subset.path.name != subset.name
    ]
    files = [
        f"{subset.path.name}/{subset.annotations.name} is the only JSON there and is read"
        for subset in subsets
        if subset.annotations.name != ANNOTATIONS
    ]
    return [Finding("other-names", "; ".join([*folders, *files]))] if folders or files else []
