"""From files to scans, by the strict decoders of `gliomake.datasets`."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image, ImageOps

from gliomake.datasets.base import CaseError
from gliomake.datasets.brats_geometry import geometry_errors
from gliomake.datasets.brats_layout import move_background
from gliomake.datasets.brats_releases import RELEASES
from gliomake.datasets.nifti import NiftiHeader, read_header, read_slices
from gliomake.datasets.pictures import FORMATS, NOTES, PictureError, decode
from gliomake.datasets.root import DataRoot, Limits
from gliomake.datasets.tiff import TiffError, read_tiff
from gliomake.infer.describe import Description
from gliomake.infer.scan import UPRIGHT, Place, Scan

PICTURES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".gif")
VOLUMES = (".nii.gz", ".nii")
MASK = re.compile(r"(.+)_(?:mask|seg)", re.IGNORECASE)
LIMITS = Limits(file_bytes=512 * 1024**2)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NUMBER = re.compile(r"(\d+)")
_MODALITY = re.compile(
    r"(?:^|.*[-_.\s])([a-z0-9]+)\.nii(?:\.gz)?",
    re.IGNORECASE,
)


def read_scans(
    paths: Sequence[str | Path],
    about: Description,
    modalities: Mapping[str, str | Path] | None = None,
    limits: Limits = LIMITS,
) -> list[Scan]:
    """Read what was given.

    Parameters
    ----------
    paths : sequence of path
        Pictures, NIfTI volumes, and folders of either.
    about : Description
        The model that they are for.
    modalities : mapping of str to path, optional
        Channel to NIfTI file: the parts of one volume.
    limits : Limits
        What one file may hold.

    Returns
    -------
    list of Scan
        In the order given; of a folder of pictures one a picture, by their numbers.

    Raises
    ------
    CaseError
        A file is missing, damaged, too large, or not of the kind that the model takes.
    """
    scans: list[Scan] = []
    if modalities:
        scans.append(read_volume({key: Path(p) for key, p in modalities.items()}, about, limits))
    for path in map(Path, paths):
        path = path.expanduser()
        if path.is_dir():
            scans += _read_folder(path, about, limits)
        elif suffix_of(path) in VOLUMES:
            scans.append(_read_single(path, about, limits))
        else:
            root = DataRoot(path.parent, limits, "anywhere")
            scans.append(read_picture(root.read_bytes(path, path.name), path, about, limits))
    return scans


def suffix_of(path: str | Path) -> str:
    """Return the suffix of a name in lower case; ``.nii.gz`` is one."""
    name = Path(path).name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def stem_of(path: str | Path) -> str:
    """Return a name without its suffix."""
    name = Path(path).name
    return name[: len(name) - len(suffix_of(name))]


def read_picture(data: bytes, path: Path, about: Description, limits: Limits = LIMITS) -> Scan:
    """Read a picture of the kind that a model was trained on.

    Parameters
    ----------
    data : bytes
        The file.
    path : Path
        Its name; nothing is read from there.
    about : Description
        The model: with one channel it takes greys, with three the colours in the channels' order.
    limits : Limits
        What it may hold.

    Returns
    -------
    Scan
        Of one slice, uint8.

    Raises
    ------
    CaseError
        It is damaged, of another kind, or the model was trained on volumes.
    """
    if about.of_volumes:
        raise CaseError(
            path.name,
            path.name,
            "a picture",
            f"NIfTI files with {', '.join(about.channels)}: {about.name} was trained on volumes, "
            "whose raw intensities a picture does not hold",
            "give the volume itself",
        )
    try:
        planes, notes = _decode(data, len(about.channels), limits)
    except (PictureError, TiffError) as error:
        raise CaseError(path.name, path.name, error.found, error.expected, error.advice) from error
    warnings = tuple(f"{path.name}: pictures that {NOTES[note]}" for note in notes)
    return Scan(
        stem_of(path), planes[None], tuple(about.channels), suffix_of(path), (path,), None, warnings
    )


def _decode(data: bytes, channels: int, limits: Limits) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return planes (channel, height, width) uint8, and what was noted."""
    if data[:4] in _TIFF and channels == 3:
        # As the LGG set is read: values as stored, or refused.
        height, width = _tiff_size(data)
        return np.moveaxis(read_tiff(data, (height, width, 3), limits.slice_pixels), -1, 0), ()
    picture = decode(data, limits)
    if channels == 1:
        return picture.grey[None], picture.notes
    if channels != 3:
        raise PictureError(
            f"a picture for a model of {channels} channels",
            "NIfTI files, one a channel",
            "name them: --modality <channel>=<file>",
        )
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("1", "L", "LA"):
            raise PictureError(
                "a grey picture",
                "one whose red, green and blue are the model's three channels",
                "give the original TIFF, or a PNG in colours",
            )
        return np.moveaxis(np.asarray(upright.convert("RGB")), -1, 0), picture.notes


def _tiff_size(data: bytes) -> tuple[int, int]:
    """Return height and width that a TIFF announces; `read_tiff` checks all of it afterwards."""
    try:
        with Image.open(io.BytesIO(data), formats=("TIFF",)) as image:
            return image.height, image.width
    except Exception as error:
        # A broken file leads the decoder to errors of every type.
        raise TiffError(
            f"an unreadable file ({error or type(error).__name__})",
            "a TIFF",
            "restore it from the download",
        ) from error


def read_volume(files: Mapping[str, Path], about: Description, limits: Limits = LIMITS) -> Scan:
    """Read the NIfTI files of one volume.

    Parameters
    ----------
    files : mapping of str to Path
        A file for each channel of the model.
    about : Description
        The model.
    limits : Limits
        What a file may hold.

    Returns
    -------
    Scan
        All slices, voxel axes as `UPRIGHT` where the header says how they lie.

    Raises
    ------
    CaseError
        A channel is missing or unknown, a file is damaged, or the files lie on several grids.
    """
    wanted = about.channels
    if files.keys() != set(wanted):
        found = ", ".join(files) or "none"
        raise CaseError(
            "",
            next(iter(files.values()), Path("the input")),
            f"the modalities {found}",
            f"{', '.join(wanted)}, one NIfTI file each",
            "name each: --modality " + " --modality ".join(f"{name}=<file>" for name in wanted),
        )
    first = files[wanted[0]]
    case = stem_of(first)
    root = DataRoot(first.parent, limits, "anywhere")
    headers = {name: read_header(files[name], root, case) for name in wanted}
    for error in geometry_errors(case, dict(files), headers, "strict"):
        raise error
    place, warnings = _place(files[wanted[0]], headers[wanted[0]], about)
    parts = [place.to_slices(read_slices(files[n], headers[n], root, case)) for n in wanted]
    image = np.stack([part.astype(np.result_type(*parts), copy=False) for part in parts], axis=1)
    if about.of_volumes:
        # As the BraTS reader does, so that what follows sees the background as 0.
        image, shifts = move_background(image, wanted)
        warnings += [
            f"{name}: the background was {low:g} and was moved to 0"
            for name, (low, _) in shifts.items()
        ]
    return Scan(
        _volume_name(case, wanted),
        image,
        tuple(wanted),
        suffix_of(first),
        tuple(files[name] for name in wanted),
        place,
        tuple(warnings),
    )


def _volume_name(case: str, channels: Sequence[str]) -> str:
    """Return the case's name: without the modality, where there are several files."""
    match = re.fullmatch(r"(.+)[-_]([a-z0-9]+)", case, re.IGNORECASE)
    return match[1] if match and len(channels) > 1 and _channel(match[2]) else case


def _place(path: Path, header: NiftiHeader, about: Description) -> tuple[Place, list[str]]:
    """Say how a file's voxels become slices."""
    turned = not about.of_volumes
    if "?" in header.orientation:
        text = (
            "the header does not say where left and right, front and back are: taken as it lies, "
            f"voxel axes as {UPRIGHT}"
        )
        return Place(path, header, (0, 1, 2), (False,) * 3, turned), [text]
    here = nibabel.orientations.axcodes2ornt(tuple(header.orientation))
    there = nibabel.orientations.axcodes2ornt(tuple(UPRIGHT))
    order = [int(np.flatnonzero(here[:, 0] == axis)[0]) for axis, _ in there]
    flipped = [bool(here[o, 1] != turn) for o, (_, turn) in zip(order, there, strict=True)]
    warnings = []
    if header.orientation != UPRIGHT:
        warnings.append(
            f"voxel axes run {header.orientation}; slices were turned to {UPRIGHT}, as the "
            "training data lie, and the mask was turned back"
        )
    return Place(path, header, tuple(order), tuple(flipped), turned), warnings  # type: ignore[arg-type]


def _read_single(path: Path, about: Description, limits: Limits) -> Scan:
    if len(about.channels) > 1:
        raise CaseError(
            path.name,
            path,
            "one volume",
            f"{len(about.channels)}: {', '.join(about.channels)}",
            "name each: " + " ".join(f"--modality {name}=<file>" for name in about.channels),
        )
    return read_volume({about.channels[0]: path}, about, limits)


def _read_folder(folder: Path, about: Description, limits: Limits) -> list[Scan]:
    """Read a folder: the modalities of one volume, or pictures."""
    root = DataRoot(folder, limits)
    inside = root.entries(folder)
    volumes = [path for path in inside if suffix_of(path) in VOLUMES]
    if volumes:
        return [read_volume(_by_channel(folder, volumes, about), about, limits)]
    pictures = [
        path for path in inside if suffix_of(path) in PICTURES and not MASK.fullmatch(stem_of(path))
    ]
    if not pictures:
        raise CaseError(
            "",
            folder,
            f"{len(inside)} files, and no picture and no NIfTI file among them",
            f"slices ({', '.join(PICTURES)}) or NIfTI files",
            "name the folder that holds them",
        )
    pictures.sort(key=natural)
    return [
        read_picture(root.read_bytes(path, path.name), path, about, limits) for path in pictures
    ]


def natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts names by the numbers in them: slice 2 before slice 10."""
    parts = _NUMBER.split(path.name)
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


def _by_channel(folder: Path, volumes: Sequence[Path], about: Description) -> dict[str, Path]:
    """Find the file of each channel by the last word of its name."""
    found: dict[str, list[Path]] = {}
    for path in volumes:
        name = channel_of(path.name)
        if name in about.channels:
            found.setdefault(name, []).append(path)
    wrong = [name for name in about.channels if len(found.get(name, [])) != 1]
    if wrong and len(volumes) == len(about.channels) == 1:
        return {about.channels[0]: volumes[0]}
    if wrong:
        names = ", ".join(path.name for path in volumes[:6])
        raise CaseError(
            folder.name,
            folder,
            f"no file, or several, for {', '.join(wrong)} (the folder holds {names})",
            "one NIfTI file a modality, named ..._<modality>.nii.gz",
            "name each: " + " ".join(f"--modality {name}=<file>" for name in about.channels),
        )
    return {name: found[name][0] for name in about.channels}


def channel_of(name: str) -> str:
    """Return the modality that the last word of a NIfTI file's name stands for.

    Examples
    --------
    >>> channel_of("BraTS-GLI-00001-000-t1c.nii.gz")
    't1ce'
    """
    match = _MODALITY.fullmatch(name)
    return _channel(match[1]) if match else ""


def _channel(word: str) -> str:
    """Return the channel that a word of a file's name stands for in any release; empty if none."""
    word = word.lower()
    for release in RELEASES.values():
        if word in release.suffixes:
            return ("t1", "t1ce", "t2", "flair")[release.suffixes.index(word)]
    return {"t1gd": "t1ce"}.get(word, word)
