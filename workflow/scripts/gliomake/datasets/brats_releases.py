"""The releases of BraTS: how each names its cases and files, and what its labels mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gliomake.datasets.base import CaseError

EXPECTED = {"brats2020": "2020", "brats2021": "2021"}
"""The release that each data set of the workflow is about."""

GRADED = ("2017", "2018", "2019")
"""Releases whose cases lie in a folder of their grade, ``HGG`` or ``LGG``."""

_PLAIN = ("t1", "t1ce", "t2", "flair")
_CODED = ("t1n", "t1c", "t2w", "t2f")


@dataclass(frozen=True)
class Release:
    """How one release names its cases and files.

    Attributes
    ----------
    id : str
        What ``release`` calls it.
    title : str
        What a message calls it.
    case : Pattern
        Matches a case's folder; group 1 is the patient, group 2, if any, the number of the scan.
    labels : dict of int to (str, str)
        What the masks may hold besides 0: the release's name of the label and the class that it is
        read as, empty for background.
    suffixes : tuple of str
        The release's names for t1, t1ce, t2, flair.
    separator : str
        Between case and modality.
    """

    id: str
    title: str
    case: re.Pattern[str]
    labels: Mapping[int, tuple[str, str]]
    suffixes: tuple[str, ...] = _PLAIN
    separator: str = "_"

    @property
    def naming(self) -> str:
        """The challenge of the release."""
        return f"BraTS {self.id[:4]}" if self.id[:4].isdecimal() else self.title

    def describe_labels(self) -> str:
        """Say what each label is and is read as."""
        return ", ".join(
            f"{label} {name}" + ("" if name == part else f" as {part or 'background'}")
            for label, (name, part) in self.labels.items()
        )


def _pattern(case: str) -> re.Pattern[str]:
    return re.compile(case, re.IGNORECASE)


_OLD = {1: ("NCR/NET", "NEC"), 2: ("ED", "ED"), 4: ("ET", "ET")}
_NEW = {1: ("NETC", "NEC"), 2: ("SNFH", "ED"), 3: ("ET", "ET")}
_GLI, _SSA, _PED, _MEN, _MET = (
    _pattern(rf"(BraTS-{tumour}-\d{{5}})-(\d{{3}})")
    for tumour in ("GLI", "SSA", "PED", "MEN", "MET")
)

RELEASES: dict[str, Release] = {
    release.id: release
    for release in (
        Release("2017", "BraTS 2017", _pattern(r"(Brats17_[a-z0-9]+_[a-z0-9]+_\d+)"), _OLD),
        Release("2018", "BraTS 2018", _pattern(r"(Brats18_[a-z0-9]+_[a-z0-9]+_\d+)"), _OLD),
        Release("2019", "BraTS 2019", _pattern(r"(BraTS19_[a-z0-9]+_[a-z0-9]+_\d+)"), _OLD),
        Release("2020", "BraTS 2020", _pattern(r"(BraTS20_Training_\d{3})"), _OLD),
        Release("2021", "BraTS 2021", _pattern(r"(BraTS2021_\d{5})"), _OLD),
        *(
            Release(f"{year}-{tumour}", f"BraTS {year} {tumour}", case, labels, _CODED, "-")
            for year, tumour, case, labels in (
                (2023, "GLI", _GLI, {1: ("NCR", "NEC"), 2: ("ED", "ED"), 3: ("ET", "ET")}),
                (2023, "SSA", _SSA, {1: ("NCR", "NEC"), 2: ("ED", "ED"), 3: ("ET", "ET")}),
                (2023, "PED", _PED, {1: ("NC", "NEC"), 2: ("ED", "ED"), 3: ("ET", "ET")}),
                (2023, "MEN", _MEN, _NEW),
                (2023, "MET", _MET, _NEW),
                # After surgery: the cavity is no tumour.
                (2024, "GLI", _GLI, _NEW | {4: ("resection cavity", "")}),
                (2024, "SSA", _SSA, _NEW),
                (
                    2024,
                    "PED",
                    _PED,
                    {1: ("ET", "ET"), 2: ("NET", "NEC"), 3: ("CC", "NEC"), 4: ("ED", "ED")},
                ),
                (2024, "MET", _MET, _NEW),
            )
        ),
        Release(
            "decathlon",
            "Medical Decathlon Task01_BrainTumour",
            _pattern(r"(BRATS_\d{3})"),
            {1: ("edema", "ED"), 2: ("non-enhancing tumour", "NEC"), 3: ("enhancing tumour", "ET")},
        ),
    )
}

# The Decathlon has no folder a case.
_FOLDERS = [release for release in RELEASES.values() if release.id != "decathlon"]


def releases_of(folder: str) -> tuple[str, ...]:
    """Give the ids of the releases that name a case's folder like this, the oldest first."""
    return tuple(release.id for release in _FOLDERS if release.case.fullmatch(folder))


def known_release(release: object) -> str:
    """Give the id that a configuration's ``release`` means, or ``auto``.

    Raises
    ------
    ValueError
        There is no such release.
    """
    ids = {name.lower(): name for name in ("auto", *RELEASES)}
    wanted = str(release).strip().lower()
    if wanted not in ids:
        raise ValueError(
            f"release {release!r}: expected one of {', '.join(ids.values())} (2024 MEN-RT has one "
            "modality and one class, and cannot be read)"
        )
    return ids[wanted]


def choose_release(
    present: Mapping[tuple[str, ...], int], wanted: str, dataset: str | None, root: Path
) -> Release:
    """Choose the release to read, and compare it with what was asked for.

    Parameters
    ----------
    present : dict of tuple of str to int
        How many cases there are of each naming, under the ids of the releases that have it.
    wanted : str
        ``auto`` or a release's id, see `known_release`.
    dataset : str or None
        The workflow's name of the data set; None compares with nothing.
    root : Path
        The data set's root, for messages.

    Raises
    ------
    CaseError
        There are several releases, another one than was asked for, or the names do not say which
        one it is.
    """
    found = " and ".join(f"{n} cases of {_titles(ids)}" for ids, n in sorted(present.items()))
    if wanted != "auto":
        if any(wanted in ids for ids in present):
            return RELEASES[wanted]
        expected = f"{RELEASES[wanted].title}, as `release: {wanted}` says"
        advice = "point the data set's root at that release, or correct `release`"
        raise CaseError("", root, found, expected, advice)
    if len(present) > 1:
        choice = ", ".join(name for group in sorted(present) for name in group)
        advice = f"point the data set's root at one, or choose with `release` ({choice})"
        raise CaseError("", root, found, "one release", advice)
    (ids,) = present
    release = _expected_release(ids, dataset, found, root)
    if release is None and _differ([RELEASES[name] for name in ids]):
        meanings = "; ".join(f"{name}: {RELEASES[name].describe_labels()}" for name in ids)
        advice = f"set `release` for this data set to the one that you downloaded ({meanings})"
        raise CaseError("", root, found, "names that say what the labels mean", advice)
    return release or RELEASES[ids[0]]


def _expected_release(
    ids: Sequence[str], dataset: str | None, found: str, root: Path
) -> Release | None:
    """Return the release that a data set is about if it is there; the other data set's is wrong."""
    expected = EXPECTED.get(dataset or "")
    if expected is None:
        return None
    if expected in ids:
        return RELEASES[expected]
    other = next((key for key, name in EXPECTED.items() if name in ids), None)
    if other is None:
        return None
    raise CaseError(
        "",
        root,
        found,
        f"{RELEASES[expected].title}, as data set {dataset} is",
        f"give this folder as datasets.{other}.root, or, to take these cases for {dataset} all "
        f"the same, set datasets.{dataset}.release to {ids[0]}",
    )


def label_advice(release: Release, labels: Sequence[float]) -> str:
    """Say what to do about labels that a release does not have."""
    for other in RELEASES.values():
        same_names = other.case is release.case and other.id != release.id
        if same_names and all(label in (0, *other.labels) for label in labels):
            names = ", ".join(f"{label:g} {other.labels[int(label)][0]}" for label in labels)
            return (
                f"these may be cases of {other.title} ({names}): if so, set `release: {other.id}` "
                "for this data set; else restore the original mask"
            )
    return "check whether the mask was resampled or is of another release; restore the original"


def _titles(ids: Sequence[str]) -> str:
    return " or ".join(RELEASES[name].title for name in ids)


def _differ(releases: Sequence[Release]) -> bool:
    """Return whether a label stands for different classes in releases of the same names."""
    first, *others = releases
    return any(
        part != first.labels[label][1]
        for other in others
        for label, (_, part) in other.labels.items()
        if label in first.labels
    )
