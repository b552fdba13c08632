"""What lies in the folders that are to be scored: which file is which case, and its labels."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gliomake.datasets import patterns
from gliomake.datasets.base import CaseError
from gliomake.datasets.nifti import read_slices
from gliomake.datasets.pictures import decode_labels
from gliomake.datasets.root import DataRoot

VOLUMES = (
    "{case}.nii*",
    "{case}/{case}_seg.nii*",
    "{case}/{case}-seg.nii*",
    "{case}_seg.nii*",
    "{case}-seg.nii*",
    "{case}_mask.nii*",
    "{case}_pred.nii*",
    "{case}/{case}.nii*",
    "{case}/{case}_pred.nii*",
    "{case}/seg.nii*",
    "{case}/mask.nii*",
)
PICTURES = tuple(
    form + end
    for end in (".png", ".tif", ".tiff", ".bmp")
    for form in (
        "{case}/{case}_{slice}_mask",
        "{case}/{case}_{slice}",
        "{case}/{slice}",
        "{case}_mask",
        "{case}",
    )
)
PATTERNS = (*VOLUMES, *PICTURES)
"""Where files of masks lie in the layouts that are understood without a pattern, in this order."""

PROBABILITIES = "{case}.npz"
"""Of nnU-Net, where there is nothing else; label maps beside them go first."""

LOOKED_AT = 10
"""Files of the truth in which labels are looked for where nobody says them."""

NIFTI, IMAGES, COCO = "nifti", "images", "coco"


class ScoreError(ValueError):
    """Folders that cannot be scored; the message says what was found and what to do."""


@dataclass(frozen=True)
class Truth:
    """The folder of the truth.

    Attributes
    ----------
    folder : Path
        Where the pattern starts.
    reader : str
        The data set's reader: ``nifti``, ``images`` or ``coco``.
    pattern : str
        Where the masks lie; empty for ``coco``.
    files : dict of str to Path
        A mask of each case; empty for ``coco``.
    """

    folder: Path
    reader: str
    pattern: str
    files: Mapping[str, Path]


def find_truth(folder: Path, pattern: str | None) -> Truth:
    """Find the masks of the truth.

    Parameters
    ----------
    folder : Path
        A folder of masks, an nnU-Net data set with ``labelsTr``, or a COCO data set.
    pattern : str or None
        Where they lie in it; by default one of `PATTERNS` is found.

    Returns
    -------
    Truth
        What was found.

    Raises
    ------
    ScoreError
        No mask is found, or there is no such folder.
    AccessError
        The folder may not be read.
    """
    if not folder.is_dir():
        raise ScoreError(f"--truth {folder}: there is no such folder")
    if pattern is None and (folder / "labelsTr").is_dir():
        folder = folder / "labelsTr"
    if pattern is None and any(folder.glob("*/_annotations.coco.json")):
        return Truth(folder, COCO, "", {})
    found = _best(folder, [pattern] if pattern else PATTERNS, None)
    if found is None:
        raise ScoreError(
            f"--truth {folder}: found no masks{_there(folder)}; expected one NIfTI or picture a "
            "case, such as CASE.nii.gz. Say where they lie: --truth-pattern "
            "'{case}/{case}_seg.nii.gz'"
        )
    form, files = found
    reader = NIFTI if ".nii" in form else IMAGES
    return Truth(folder, reader, form, {case: _first(each) for case, each in files.items()})


def find_predictions(place: Path, pattern: str | None, truth: Truth) -> tuple[Path, str]:
    """Find the files of one model's predictions.

    Parameters
    ----------
    place : Path
        A folder, a COCO results file (``.json``) or a ``predictions.h5``.
    pattern : str or None
        Where they lie in the folder; by default the one of `PATTERNS` that fits most cases.
    truth : Truth
        The truth, whose cases they must be of.

    Returns
    -------
    root : Path
        Their folder.
    pattern : str
        Where they lie in it.

    Raises
    ------
    ScoreError
        There is no such place, or no prediction of any case.
    """
    if place.is_file():
        return place.parent, place.name
    if not place.is_dir():
        raise ScoreError(f"--predictions {place}: there is no such folder")
    if pattern is not None:
        return place, pattern
    if truth.reader == COCO:
        raise ScoreError(
            f"--predictions {place}: found a folder; for a COCO data set give the results file, or "
            "--pattern 'results_{folder}.json'"
        )
    found = _best(place, (truth.pattern, *PATTERNS, PROBABILITIES), set(truth.files))
    if found is None:
        cases = ", ".join(sorted(truth.files)[:3])
        raise ScoreError(
            f"--predictions {place}: found no file that is named after a case of the truth "
            f"({cases}, ...){_there(place)}. Say where they lie: --pattern "
            "'{case}_prediction.nii.gz'"
        )
    return place, found[0]


def _best(
    folder: Path, forms: Sequence[str], cases: set[str] | None
) -> tuple[str, dict[str, patterns.Files]] | None:
    """Find the pattern that fits the most cases, the first of several; None where none does."""
    disk = DataRoot.open(folder, None, "anywhere")
    best: tuple[int, str, dict[str, patterns.Files]] | None = None
    for form in dict.fromkeys(forms):
        names = {"class": "class"} if "{class}" in form else {}
        with suppress(CaseError):
            found = patterns.find_cases(disk, folder, form.replace("{class}", "*"), None, names)
            fitting = set(found) if cases is None else cases.intersection(found)
            if fitting and (best is None or len(fitting) > best[0]):
                best = len(fitting), form, found
    return best and (best[1], best[2])


def _first(files: patterns.Files) -> Path:
    return next(iter(files.images.values()))[0]


def _there(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    if not names:
        return ", it is empty"
    more = ", ..." if len(names) > 5 else ""
    return f" (there: {', '.join(names[:5])}{more})"


def read_labels(text: str, option: str = "--labels") -> dict[str, list[int]]:
    """Read what ``--labels`` or ``--prediction-labels`` says.

    Parameters
    ----------
    text : str
        ``1=NEC,2=ED,4=ET``; a class may stand at several values.
    option : str
        Which of the two, for the error.

    Returns
    -------
    dict of str to list of int
        The values of each class, in the order given.

    Raises
    ------
    ScoreError
        It is of another form.

    Examples
    --------
    >>> read_labels("1=core,2=edema,3=core")
    {'core': [1, 3], 'edema': [2]}
    """
    found: dict[str, list[int]] = {}
    for part in text.split(","):
        value, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not value.isdecimal() or not _NAME.fullmatch(name) or int(value) == 0:
            raise ScoreError(
                f"{option} {text!r}: found {part.strip()!r}; expected <value>=<class>, such as "
                "1=NEC,2=ED,4=ET, with values above 0 and names of letters, digits, _ and -"
            )
        if int(value) in [each for group in found.values() for each in group]:
            raise ScoreError(f"{option} {text!r}: value {value} stands twice")
        found.setdefault(name, []).append(int(value))
    return found


def patient_hint(cases: Sequence[str]) -> str:
    """Say how cases that look like several of one patient are put together.

    Parameters
    ----------
    cases : sequence of str
        Their names.

    Returns
    -------
    str
        A line for the terminal; empty where the names say nothing of the kind.

    Examples
    --------
    >>> patient_hint(["a_001", "a_002", "b_001", "b_002"])  # doctest: +ELLIPSIS
    "patients: each of 4 cases counts as one; ..."
    >>> patient_hint(["case_001", "case_002"])
    ''
    """
    stems = {re.sub(r"[-_. ]?\d+$", "", case) for case in cases}
    if not 2 <= len(stems) <= len(cases) / 2:
        return ""
    return (
        f"patients: each of {len(cases)} cases counts as one; their names without the last number "
        f"are {len(stems)}: if these are the patients, intervals over cases are too narrow; give "
        r"--patient '(.+?)[-_. ]?\d+$'"
    )


def read_regions(text: str, classes: Sequence[str]) -> dict[str, list[str]]:
    """Read what ``--regions`` says.

    Parameters
    ----------
    text : str
        ``WT=NEC+ED+ET,TC=NEC+ET``.
    classes : sequence of str
        The classes that there are.

    Returns
    -------
    dict of str to list of str
        The classes of each region.

    Raises
    ------
    ScoreError
        It is of another form, or names a class that there is not.

    Examples
    --------
    >>> read_regions("WT=core+edema", ["core", "edema"])
    {'WT': ['core', 'edema']}
    """
    found = {}
    for part in text.split(","):
        name, _, union = (piece.strip() for piece in part.partition("="))
        parts = [each.strip() for each in union.split("+")]
        wrong = not _NAME.fullmatch(name) or name in classes or name in found
        if wrong or not set(parts) <= set(classes):
            raise ScoreError(
                f"--regions {text!r}: found {part.strip()!r}; expected <region>=<class>+<class>, "
                f"with a name of its own and classes out of {', '.join(classes)}"
            )
        found[name] = parts
    return found


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,39}")


def find_labels(truth: Truth) -> tuple[dict[str, list[int]], str]:
    """Find the classes of a truth for which nobody gave labels.

    Parameters
    ----------
    truth : Truth
        The truth, in NIfTI or pictures.

    Returns
    -------
    labels : dict of str to list of int
        The values of each class: by ``dataset.json`` beside the masks, or a class for each value
        in the first `LOOKED_AT` of them. Masks of 0 and one value have one class, ``tumour``.
    where : str
        Where they were found, in words.

    Raises
    ------
    ScoreError
        There is no label in these masks, or there are too many to be classes.
    CaseError, AccessError
        A mask cannot be read.
    """
    for folder in (truth.folder, truth.folder.parent):
        path = folder / "dataset.json"
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            named = _nnunet_labels(json.loads(path.read_text("utf-8-sig"))["labels"])
            if named:
                return named, f"by {path}"
    values: set[float] = set()
    files = list(truth.files.values())[:LOOKED_AT]
    for path in files:
        if truth.reader == NIFTI:
            labels = read_slices(path)
        else:
            labels = decode_labels(path.read_bytes(), DataRoot.open(path.parent).limits)
        values |= set(np.unique(np.rint(labels)).tolist())
    found = sorted(int(value) for value in values - {0})
    where = f"by the values in {len(files)} of {len(truth.files)} masks"
    if not found:
        raise ScoreError(
            f"--truth {truth.folder}: the first {len(files)} masks hold no label but 0; say which "
            "values are which class: --labels 1=tumour"
        )
    if len(found) > 20 or found[0] < 0:
        raise ScoreError(
            f"--truth {truth.folder}: found {len(found)} values, {found[0]} to {found[-1]}; these "
            "are no labels. Is it the folder of the images?"
        )
    if len(found) == 1:
        return {"tumour": found}, where
    return {f"label-{value}": [value] for value in found}, where


def _nnunet_labels(labels: Mapping) -> dict[str, list[int]]:
    """Read ``labels`` of a ``dataset.json``: names to values, or values to names."""
    found: dict[str, list[int]] = {}
    for key, value in labels.items():
        if str(key).isdecimal():
            key, value = value, int(key)
        values = [int(each) for each in (value if isinstance(value, list) else [value])]
        name = re.sub(r"[^A-Za-z0-9_+-]+", "-", str(key)).strip("-")
        if values != [0] and _NAME.fullmatch(name):
            found[name] = values
    return found
