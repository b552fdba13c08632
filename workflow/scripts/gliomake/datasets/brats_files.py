"""Which file of a BraTS case's folder is which modality, under the published name or another."""

import re
from dataclasses import dataclass
from pathlib import Path

from gliomake.datasets.base import CaseError
from gliomake.datasets.brats_layout import CHANNELS
from gliomake.datasets.brats_releases import Release
from gliomake.datasets.root import DataRoot

_SPELLINGS = {
    "t1": ("t1", "t1n", "t1w"),
    "t1ce": ("t1ce", "t1c", "t1gd", "t1-ce", "t1_ce", "t1wce"),
    "t2": ("t2", "t2w"),
    "flair": ("flair", "t2f", "t2_flair", "t2-flair"),
    "seg": ("seg",),
}
_END = r"\.nii(\.gz)?"
# Patient 355 of BraTS 2020 has W39_1998.09.19_Segm.nii where its _seg.nii should be.
_MISNAMED_MASK = re.compile(rf".+_segm{_END}", re.IGNORECASE)
_NIFTI = re.compile(rf".+{_END}", re.IGNORECASE)
_CASE_ID = re.compile(
    r"brats(1[789]_[a-z0-9]+_[a-z0-9]+_\d+|20_[a-z]+_\d{3}|2021_\d{5}|-[a-z]{3}-\d{5}-\d{3})",
    re.IGNORECASE,
)


class MissingFileError(CaseError):
    """A file of a case that is not there under any name."""


@dataclass(frozen=True)
class CaseFile:
    """A file of a case.

    Attributes
    ----------
    path : Path
        Where it is.
    name : str
        Its name, if that is not the published one, with the folder in its place; else empty.
    """

    path: Path
    name: str = ""


def find_file(root: DataRoot, folder: Path, case: str, release: Release, channel: str) -> CaseFile:
    """Find the file of a channel, or of the mask for ``seg``.

    Other spellings of the modality and upper case are understood, and so is a folder of the file's
    name that holds the file alone.

    Parameters
    ----------
    root : DataRoot
        The data set's root.
    folder : Path
        The case's folder.
    case : str
        The case.
    release : Release
        Whose names its files have.
    channel : str
        One of `CHANNELS`, or ``seg``.

    Raises
    ------
    MissingFileError
        There is no such file.
    CaseError
        There are several, or it may not be read.
    AccessError
        The folder may not be listed.
    """
    suffix = "seg" if channel == "seg" else release.suffixes[CHANNELS.index(channel)]
    stem = f"{case}{release.separator}{suffix}"
    spellings = "|".join(_SPELLINGS[channel])
    wanted = re.compile(rf"({re.escape(case)}[-_])?({spellings}){_END}", re.IGNORECASE)
    inside = root.entries(folder)
    found = [path for path in inside if wanted.fullmatch(path.name)]
    if channel == "seg":
        found += [
            path
            for path in inside
            if _MISNAMED_MASK.fullmatch(path.name) and not _names_another(path.name, case)
        ]
    if len(found) == 1:
        path = _within(root, found[0], case, channel) if found[0].is_dir() else found[0]
        root.check(path, case)
        published = path.parent == folder and path.name in (f"{stem}.nii", f"{stem}.nii.gz")
        return CaseFile(path, "" if published else path.relative_to(folder).as_posix())
    what = "mask" if channel == "seg" else f"modality {channel}"
    if found:
        names = " and ".join(path.name for path in found)
        raise CaseError(
            case, folder, f"{names} for {what}", "one file", "remove all but the right one"
        )
    others = ", ".join(path.name for path in inside[:6]) + (", ..." if len(inside) > 6 else "")
    raise MissingFileError(
        case,
        folder / f"{stem}.nii.gz",
        f"no file for {what} (the folder holds {others or 'nothing'})",
        f"{stem}.nii or {stem}.nii.gz",
        "complete the download, or leave the case out",
    )


def _within(root: DataRoot, folder: Path, case: str, channel: str) -> Path:
    """Give the one file in a folder that stands where a file should be."""
    inside = root.entries(folder)
    if len(inside) == 1 and _NIFTI.fullmatch(inside[0].name):
        name = inside[0].name
        parts = set(re.split(r"[^a-z0-9]+", name.lower()))
        said = [key for key, known in _SPELLINGS.items() if parts & set(known)]
        if (not said or channel in said) and not _names_another(name, case):
            return inside[0]
    names = ", ".join(path.name for path in inside[:6]) or "nothing"
    raise CaseError(
        case,
        folder,
        f"a folder where the file should be, and in it {names}",
        f"in such a folder one NIfTI file, of {channel} and of this case",
        f"put the right file in the folder's place, as {folder.name}",
    )


def _names_another(name: str, case: str) -> bool:
    """Return whether a file's name carries the id of another case."""
    match = _CASE_ID.search(name)
    return match is not None and match[0].lower() != case.lower()
