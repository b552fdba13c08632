"""What lies under the root of a BraTS data set, and what to say where no case does."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from gliomake.datasets.base import CaseError
from gliomake.datasets.brats_releases import Release, releases_of
from gliomake.datasets.brats_slices import SLICE_FILE
from gliomake.datasets.root import DataRoot

DEPTH = 4
"""How many folders below the root are searched: downloads wrap the cases in two or three."""

_NO_MASKS = re.compile(r"BraTS20_(Validation|Testing)_\d{3}", re.IGNORECASE)
_RADIOTHERAPY = re.compile(r"BraTS-MEN-RT-.+", re.IGNORECASE)
_OTHER = re.compile(r"BraTS-[a-z-]+-\d{4,5}.*|brats_20\d\d_pat.*|VSD\.Brain.*", re.IGNORECASE)
_VALIDATION = re.compile(r"validation|(?<![a-z])(val|test|testing)(?![a-z])", re.IGNORECASE)
_ARCHIVE = re.compile(r".+\.(zip|tar|tgz|tar\.\w+|7z|rar)", re.IGNORECASE)
_VOLUME = re.compile(r".+\.nii(\.gz)?", re.IGNORECASE)


@dataclass
class Found:
    """What a search met.

    Attributes
    ----------
    folders, slices, decathlon : list of Path
        Case folders, slice files, and folders that hold ``imagesTr`` and ``labelsTr``.
    without_masks, radiotherapy, others, archives, volumes, links : list of Path
        What holds no case that could be read: folders of validation cases, of BraTS 2024 MEN-RT and
        of unknown BraTS names; packed files; NIfTI files in no case's folder; links out of the
        root.
    left_out : dict
        How many cases of other releases there are that are not read, by their ids.
    """

    folders: list[Path] = field(default_factory=list)
    slices: list[Path] = field(default_factory=list)
    decathlon: list[Path] = field(default_factory=list)
    without_masks: list[Path] = field(default_factory=list)
    radiotherapy: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    archives: list[Path] = field(default_factory=list)
    volumes: list[Path] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)
    left_out: dict[tuple[str, ...], int] = field(default_factory=dict)


def search(root: DataRoot) -> Found:
    """Find case folders and slice files below a root.

    Raises
    ------
    AccessError
        The root itself may not be listed; a folder below that may not is passed over.
    """
    found = Found()
    for folder, folders, files in root.walk(DEPTH):
        names = {path.name for path in folders}
        if {"imagesTr", "labelsTr"} <= names:
            found.decathlon.append(folder)
            folders[:] = [
                path for path in folders if not path.name.startswith(("images", "labels"))
            ]
        rest = [path for path in folders if not _take_folder(root, path, found)]
        found.links += [path for path in rest if path.is_symlink() and root.leads_out(path)]
        folders[:] = rest
        for path in files:
            if SLICE_FILE.fullmatch(path.name):
                found.slices.append(path)
            elif _ARCHIVE.fullmatch(path.name):
                found.archives.append(path)
            elif _VOLUME.fullmatch(path.name):
                found.volumes.append(path)
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # what cannot be opened is said when the case is read


def _take_folder(root: DataRoot, folder: Path, found: Found) -> bool:
    """Note a folder by its name; return whether there is no need to go into it."""
    name = folder.name
    if releases_of(name):
        inner = folder / name
        if not _is_folder(inner):
            found.folders.append(folder)
        elif any(_VOLUME.fullmatch(path.name) for path in root.entries(folder)):
            found.folders += [folder, inner]  # there twice, which is refused
        else:
            found.folders.append(inner)
        return True
    for pattern, into in (
        (_NO_MASKS, found.without_masks),
        (_RADIOTHERAPY, found.radiotherapy),
    ):
        if pattern.fullmatch(name):
            into.append(folder)
            return True
    if _OTHER.fullmatch(name):
        found.others.append(folder)
    return False


def split_unmasked(root: DataRoot, folders: list[Path]) -> tuple[list[Path], list[Path]]:
    """Set case folders of a validation set apart that lie beside training cases of the same names.

    Parameters
    ----------
    root : DataRoot
        The data set's root.
    folders : list of Path
        Case folders.

    Returns
    -------
    list of Path, list of Path
        What to read; what has no mask and lies in a folder of a name such as
        ``BraTS2021_ValidationData``.
    """
    apart = {
        path
        for path in folders
        if _VALIDATION.search(str(path.parent.relative_to(root.path)))
        and not any("seg" in file.name.lower() for file in root.entries(path))
    }
    if len(apart) == len(folders):
        return folders, []
    return [path for path in folders if path not in apart], sorted(apart)


def no_masks(root: Path, count: int, release: Release) -> CaseError:
    """Give the error of a root whose cases all lack their mask."""
    return CaseError(
        "",
        root,
        f"{count} cases of {release.title}, none of them with a mask: validation or test data",
        "training data, with masks",
        "point the data set's root at the training data",
    )


def choose_layout(root: DataRoot, layout: str, found: Found) -> str:
    """Choose the layout to read: ``nifti`` or ``slices``.

    Raises
    ------
    CaseError
        There is none, or both and `layout` does not choose.
    """
    there = {"nifti": bool(found.folders or found.decathlon), "slices": bool(found.slices)}
    present = [name for name in there if there[name]]
    if layout in present:
        return layout
    if layout == "auto" and len(present) == 1:
        return present[0]
    if layout == "auto" and present:
        raise CaseError(
            "",
            root.path,
            "case folders and slice files",
            "one of the two",
            "point the data set's root at the folder of one of them, or choose with `layout`",
        )
    if present:
        other = {"nifti": "case folders", "slices": "slice files"}
        raise CaseError(
            "",
            root.path,
            f"no BraTS case as `layout: {layout}` wants, but {other[present[0]]}",
            other[layout],
            "correct `layout`, or point the data set's root at the other copy",
        )
    raise _no_case(root, found)


def _no_case(root: DataRoot, found: Found) -> CaseError:
    """Say what lies under a root that holds no case, and what to do.

    Raises
    ------
    AccessError
        Nothing does, but a folder could not be opened.
    """
    expected = (
        "folders named as BraTS20_Training_001, BraTS2021_00000, BraTS-GLI-00000-000, files named "
        "as volume_1_slice_0.h5, or Task01_BrainTumour"
    )
    kinds = (
        (
            found.without_masks,
            "validation cases, which have no masks",
            "point the data set's root at the training data",
        ),
        (
            found.radiotherapy,
            "cases of BraTS 2024 MEN-RT, which have t1c and the gross tumour volume only and not "
            "four modalities and three classes",
            "take another release: this one cannot be read",
        ),
        (found.links, "links that lead out of the root", "set `links: anywhere` for this data set"),
        (found.archives, "files that are not unpacked", "unpack them (tar xf, unzip)"),
        (
            found.others,
            "folders of an unknown BraTS release",
            "take one of the releases that config/README.md lists",
        ),
        (
            found.volumes,
            "NIfTI files in no case's folder",
            "put the files of each case into a folder with the case's name, or point the data "
            "set's root at the folder around the cases",
        ),
    )
    for paths, what, advice in kinds:
        if paths:
            count, names = len(paths), ", ".join(path.name for path in paths[:3])
            more = ", ..." if count > 3 else ""
            shown = f"no BraTS case, but {count} {what} ({names}{more})"
            return CaseError("", root.path, shown, expected, advice)
    for folder in root.passed_over:
        root.entries(Path(folder))  # the cases may lie there: says why it could not be opened
    return CaseError(
        "",
        root.path,
        "no BraTS case",
        expected,
        "point the data set's root at the unpacked download",
    )
