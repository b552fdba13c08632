"""How the LGG set lies on disk: folders of patients, files of slices, copies, other spellings."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import AccessError, DataRoot

CASE = re.compile(r"TCGA_[A-Z0-9]+_[A-Z0-9]+_\d{8}", re.ASCII)
SPELLING = "folders named TCGA_<institution>_<patient>_<date>"
_ALIKE = re.compile(r"tcga[\W_]+[a-z0-9]+[\W_]+[a-z0-9]+.*", re.IGNORECASE | re.ASCII)
_TIFFS = (".tif", ".tiff")
_PICTURES = (*_TIFFS, ".png", ".jpg", ".jpeg", ".bmp", ".npy", ".nii", ".gz", ".dcm")
_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar")
_ABOVE = "point the data set's root at the unpacked kaggle_3m folder"
# Equal faults of a case are one line from here on.
_MANY = 3


@dataclass(frozen=True)
class Listing:
    """A case's files by slice number, and those that are neither slice nor mask."""

    images: dict[int, Path] = field(default_factory=dict)
    masks: dict[int, Path] = field(default_factory=dict)
    strays: list[Path] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)


def list_case(files: DataRoot, folder: Path) -> Listing:
    """Return a case's files, sorted into slices, masks, other pictures and files of other kinds."""
    listing = Listing()
    # Ten digits and more are no number of a slice.
    name = re.compile(rf"{re.escape(folder.name)}_([1-9]\d{{0,8}})(_mask)?\.tif", re.ASCII)
    for path in files.entries(folder):
        if match := name.fullmatch(path.name):
            (listing.masks if match[2] else listing.images)[int(match[1])] = path
        elif path.suffix.lower() in _TIFFS:
            listing.strays.append(path)
        else:
            listing.ignored.append(path)
    return listing


def pairing_errors(folder: Path, listing: Listing) -> list[CaseError]:
    """Return what is wrong by a case's file names alone."""
    errors = []
    case = folder.name
    for path in listing.strays:
        expected = f"{case}_<number>.tif or {case}_<number>_mask.tif, numbers from 1, not padded"
        errors.append(CaseError(case, path, "an unexpected name", expected, "rename or remove it"))
    again = "restore the other file from the download, or take this one away"
    for number in sorted(listing.images.keys() - listing.masks.keys()):
        found = "an image without a mask"
        expected = f"{case}_{number}_mask.tif beside it"
        errors.append(CaseError(case, listing.images[number], found, expected, again))
    for number in sorted(listing.masks.keys() - listing.images.keys()):
        found, expected = "a mask without an image", f"{case}_{number}.tif beside it"
        errors.append(CaseError(case, listing.masks[number], found, expected, again))
    if not listing.images and not errors:
        advice = "restore the folder from the download, or take it away"
        errors.append(CaseError(case, folder, "no slices", "at least one", advice))
    return errors


def gather(errors: Iterable[CaseError]) -> list[CaseError]:
    """Return errors with one for many that a case's files share; others stay, in order."""
    alike: dict[tuple[str, ...], list[CaseError]] = defaultdict(list)
    for error in errors:
        # The first words name the kind, values and numbers come behind them.
        alike[(error.advice, *error.found.split()[:2])].append(error)
    gathered = []
    for group in alike.values():
        first = group[0]
        if len(group) < _MANY:
            gathered += group
        else:
            advice = f"{first.advice}; so have {len(group) - 1} more files of this case"
            gathered.append(CaseError(first.case, first.file, first.found, first.expected, advice))
    return gathered


def find_copies(files: DataRoot) -> list[Path]:
    """Return the folders at or under a root that hold case folders; the same set each time.

    Raises
    ------
    CaseError
        There is none, the names are spelt otherwise throughout, or copies differ.
    """
    copies, others = [], []
    for folder, subfolders, inside in files.walk(depth=3):
        if any(CASE.fullmatch(path.name) for path in subfolders):
            copies.append(folder)
        # What is taken out here is not gone into.
        subfolders[:] = [path for path in subfolders if not CASE.fullmatch(path.name)]
        others.append((folder, subfolders, inside))
    if not copies:
        raise _no_case(files, others)
    copies.sort(key=lambda path: (len(path.parts), path))
    for copy in copies[1:]:
        if difference := _difference(files, copies[0], copy):
            found = f"two sets that differ, {copies[0]} and {copy} (in {difference})"
            advice = "point the root at the one that is meant, or take the other away"
            raise CaseError("", files.path, found, "one set, or copies of one", advice)
    _check_spelling(files, copies[0])
    return copies


def _no_case(files: DataRoot, others: Sequence[tuple[Path, list[Path], list[Path]]]) -> CaseError:
    """Return the error that names what lies there in place of the set."""
    root = files.path
    folders = [path for _, inside, _ in others for path in inside]
    names = [path.name for _, _, inside in others for path in inside]
    if any(_is_alike(path.name) for path in others[0][2] if path.suffix.lower() in _TIFFS):
        found, advice = "the slices of one patient", "point the root at the folder above it"
        return CaseError("", root, found, SPELLING, advice)
    if alike := [path for path in folders if _is_alike(path.name)]:
        found = f"{len(alike)} folders of another spelling, such as {alike[0].name!r}"
        advice = "give them the names of the download: capitals, underscores, the date as 8 digits"
        return CaseError("", root, found, SPELLING, advice)
    if out := [path for path in folders if files.leads_out(path)]:
        found = f"no case folder, but {out[0].name}, a link that leads out of the root"
        advice = f"point the root at {out[0]} itself, or set `links: anywhere` for this data set"
        return CaseError("", root, found, SPELLING, advice)
    found, advice = "no case folder here or in its subfolders (to the third level)", _ABOVE
    if packed := [name for name in names if Path(name).suffix.lower() in _ARCHIVES]:
        found, advice = f"{packed[0]}, not unpacked", "unpack it, and " + advice
    elif files.passed_over:
        found += f" ({files.passed_over[0]} could not be opened)"
    elif pictures := [name for name in names if Path(name).suffix.lower() in _PICTURES]:
        found += f", but pictures such as {pictures[0]!r} ({len(pictures)})"
    return CaseError("", root, found, SPELLING, advice)


def _is_alike(name: str) -> bool:
    """Return whether a name is a case's in another spelling, wide letters included."""
    return bool(_ALIKE.fullmatch(unicodedata.normalize("NFKC", name)))


def _check_spelling(files: DataRoot, copy: Path) -> None:
    """Check that some file has a name of the download: one error then, not one a file."""
    first: Path | None = None
    for folder in case_folders(files, copy):
        try:
            listing = list_case(files, folder)
        except AccessError:  # said when the case is read
            return
        if listing.images or listing.masks:
            return
        pictures = [
            path for path in [*listing.strays, *listing.ignored] if path.suffix.lower() in _PICTURES
        ]
        first = first or (pictures[0] if pictures else None)
    if first is not None:
        expected = f"files named {first.parent.name}_<number>.tif and ..._<number>_mask.tif"
        advice = "give the files their names in the download"
        if first.suffix.lower() not in _TIFFS:
            advice = "take the original TIFFs: a picture that was converted may have other values"
        found = f"{first.name!r} and no slice of the download's names in any case folder"
        raise CaseError("", copy, found, expected, advice)


def case_folders(files: DataRoot, copy: Path) -> list[Path]:
    """Return the case folders of a set, sorted by name."""
    return [path for path in files.entries(copy) if CASE.fullmatch(path.name) and path.is_dir()]


def pictures_in(files: DataRoot, folder: Path) -> list[Path]:
    """Return what may be slices in a folder of another name; none if it cannot be opened."""
    try:
        inside = files.entries(folder)
    except AccessError:
        return []
    return [path for path in inside if path.suffix.lower() in _PICTURES]


def _difference(files: DataRoot, first: Path, second: Path) -> str:
    """Return a file in which two copies of the set differ; empty if they are the same.

    Names and sizes are compared for every file, bytes for data.csv and the first file of each
    case: whole copies would be gigabytes to read.
    """
    sizes = [
        {path.relative_to(copy): files.check(path, "").st_size for path in _files(files, copy)}
        for copy in (first, second)
    ]
    differing = sorted(
        name
        for name in sizes[0].keys() | sizes[1].keys()
        if sizes[0].get(name) != sizes[1].get(name)
    )
    if differing:
        return str(differing[0])
    sample = {name.parent: name for name in sorted(sizes[0], reverse=True)}
    for name in sorted(sample.values()):
        if files.read_bytes(first / name, "") != files.read_bytes(second / name, ""):
            return str(name)
    return ""


def _files(files: DataRoot, copy: Path) -> list[Path]:
    """Return data.csv and the files of the case folders."""
    table = [path for path in files.entries(copy) if path.name == "data.csv"]
    inside = [path for folder in case_folders(files, copy) for path in files.entries(folder)]
    return [path for path in table + inside if path.is_file()]
