"""Files found by a page's patterns: which file is which channel, slice or mask of which case."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from string import Formatter

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import DataRoot

SHOWN = 6
"""How many files a message names."""

STRIDE = 1000
"""Slice numbers of a patient's n-th further case start at n times this."""

_FORMS = {"case": r"[^/]+?", "patient": r"[^/]+?", "slice": r"\d{1,9}"}


@dataclass
class Files:
    """The files of one case.

    Attributes
    ----------
    patient : str
        As the pattern says it; empty where it does not.
    images : dict of (str, int) to list of Path
        By channel (empty where one file holds all) and slice number (0 where a file is a volume).
    masks : dict of int to list of Path
        By slice number.
    """

    patient: str = ""
    images: dict[tuple[str, int], list[Path]] = field(default_factory=dict)
    masks: dict[int, list[Path]] = field(default_factory=dict)


def find_cases(
    root: DataRoot, folder: Path, files: str | None, mask: str | None, channels: Mapping[str, str]
) -> dict[str, Files]:
    """Find the files of all cases below a folder.

    A file that fits both patterns is a mask.

    Parameters
    ----------
    root : DataRoot
        The data set's root.
    folder : Path
        Where the patterns start: the root, or a folder below it.
    files, mask : str
        Paths with ``{case}``, ``{patient}``, ``{channel}``, ``{slice}``; ``*`` stands for anything
        but a slash. A case is known by ``{case}``, or ``{patient}``, or both. None as `mask`: the
        images hold it. None as `files`: there are masks alone.
    channels : mapping of str to str
        Name to what stands in file names.

    Returns
    -------
    dict of str to Files
        Sorted by case.

    Raises
    ------
    CaseError
        No file fits; it says what lies there.
    AccessError
        The folder may not be listed.
    """
    image_form, mask_form = (expression(form or "", channels) for form in (files, mask))
    names = {text: name for name, text in channels.items()}
    found: dict[str, Files] = {}
    seen: list[str] = []
    depth = max((form or "").count("/") for form in (files, mask)) + len(
        folder.relative_to(root.path).parts
    )
    wanted = 0
    for _, _, paths in root.walk(depth):
        for path in paths:
            if not path.is_relative_to(folder):
                continue
            name = path.relative_to(folder).as_posix()
            seen.append(name)
            if match := mask_form.fullmatch(name):
                case, number = _case(match), _number(match)
                files_of = found.setdefault(case, Files())
                files_of.masks.setdefault(number, []).append(path)
                if files is None:
                    files_of.patient = match.groupdict().get("patient") or ""
                    wanted += 1
            elif match := image_form.fullmatch(name):
                case, parts = _case(match), match.groupdict()
                key = names.get(parts.get("channel") or "", ""), _number(match)
                files_of = found.setdefault(case, Files(parts.get("patient") or ""))
                files_of.patient = parts.get("patient") or ""
                files_of.images.setdefault(key, []).append(path)
                wanted += 1
    if not wanted:
        raise nothing_fits(root, folder, files or mask or "", seen)
    return dict(sorted(found.items()))


def nothing_fits(root: DataRoot, folder: Path, files: str, seen: Sequence[str]) -> CaseError:
    """Give the error of a pattern that no file fits; it says what lies there."""
    shown = ", ".join(sorted(seen)[:SHOWN]) + (", ..." if len(seen) > SHOWN else "")
    deeper = ""
    if not seen:
        inside = ", ".join(path.name for path in islice(root.entries(folder), SHOWN))
        deeper = f"no file so near to it, but {inside}" if inside else "nothing"
    return CaseError(
        "",
        folder,
        f"no file that fits {files!r} (there: {shown or deeper})",
        "the images of each case",
        "correct `files` and `mask` on the data set's page, or its root",
    )


def expression(pattern: str, channels: Mapping[str, str]) -> re.Pattern[str]:
    """Turn a pattern of files into a regular expression on paths with forward slashes.

    Examples
    --------
    >>> form = expression("{case}/{case}_{channel}.nii.gz", {"t2": "T2w"})
    >>> form.fullmatch("p1/p1_T2w.nii.gz")["case"]
    'p1'
    >>> form.fullmatch("p1/p2_T2w.nii.gz") is None
    True
    """
    parts = []
    seen = set()
    # Longest first: of "t1" and "t1ce" the one that is meant.
    texts = sorted(channels.values(), key=len, reverse=True)
    forms = _FORMS | {"channel": "|".join(map(re.escape, texts))}
    for text, name, _, _ in Formatter().parse(pattern):
        parts.append(re.escape(text).replace(r"\*", "[^/]*"))
        if name is not None:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{forms[name]})")
            seen.add(name)
    return re.compile("".join(parts))


def _case(match: re.Match[str]) -> str:
    parts = match.groupdict()
    return "_".join(parts[name] for name in ("patient", "case") if parts.get(name))


def _number(match: re.Match[str]) -> int:
    return int(match.groupdict().get("slice") or 0)


def patients_of(cases: Mapping[str, Files], pattern: str | None) -> dict[str, str]:
    """Give the patient of each case.

    Parameters
    ----------
    cases : mapping of str to Files
        Of `find_cases`.
    pattern : str or None
        A regular expression on the case's id, whose first group is the patient; without one the
        patient is what the pattern of files says, or the case.

    Returns
    -------
    dict of str to str
        By case; empty for a case that the expression does not fit.
    """
    if pattern is None:
        return {case: files.patient or case for case, files in cases.items()}
    form = re.compile(pattern)
    found = {}
    for case in cases:
        match = form.search(case)
        found[case] = (match[1] or "") if match else ""
    return found


def first_numbers(patients: Mapping[str, str]) -> dict[str, int]:
    """Give what is added to each case's slice numbers: a patient's cases must not share any."""
    count: dict[str, int] = {}
    first = {}
    for case, patient in sorted(patients.items()):
        first[case] = STRIDE * count.get(patient, 0)
        count[patient] = count.get(patient, 0) + 1
    return first


def patient_error(case: str, patient: str, path: object, pattern: str | None) -> list[CaseError]:
    """Refuse a case whose patient the expression does not say."""
    if patient:
        return []
    found = f"a case {case!r} that the expression `patient: {pattern}` does not fit"
    expected = "a patient as its first group"
    return [CaseError(case, path, found, expected, "correct the expression, or rename the case")]


def several(case: str, paths: Sequence[Path], what: str) -> CaseError:
    """Give the error of two files where one is meant."""
    names = " and ".join(path.name for path in paths)
    return CaseError(
        case, paths[1], f"{names} for {what}", "one file", "remove all but the right one"
    )
