"""The tables that come with BraTS: grade, age, survival and extent of resection."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os.path import lexists
from pathlib import Path
from typing import Any

from gliomake.datasets.base import CaseError, Problem
from gliomake.datasets.csv_table import read_rows
from gliomake.datasets.root import DataRoot

MAPPING = "name_mapping.csv"
COLUMNS = ("grade", "age", "survival_days", "censored", "resection")
GRADES = ("HGG", "LGG")
OLDEST = 120.0
"""An age beyond is none, in years."""

_ALIVE = re.compile(r"ALIVE \(([0-9]{1,5}) days later\)", re.IGNORECASE)
_DAYS = re.compile(r"[0-9]{1,5}")
_YEARS = re.compile(r"[0-9]{1,3}([.][0-9]{0,30})?")
_BLANK = ("", "NA")
_Cells = dict[str, str]
_Take = Callable[[_Cells, dict[str, Any]], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class _Names:
    """What a release calls its survival table and the columns."""

    file: str
    case: str
    days: str
    resection: str


_SURVIVAL = {
    "2017": _Names("survival_data.csv", "Brats17ID", "Survival", "ResectionStatus"),
    "2018": _Names("survival_data.csv", "Brats18ID", "Survival", "ResectionStatus"),
    "2019": _Names("survival_data.csv", "BraTS19ID", "Survival", "ResectionStatus"),
    "2020": _Names("survival_info.csv", "Brats20ID", "Survival_days", "Extent_of_Resection"),
}


class ClinicalTables:
    """The survival table and ``name_mapping.csv``, each where it is there.

    Parameters
    ----------
    folders : iterable of Path
        Where to look; the first file of each name counts.
    root : DataRoot, optional
        The data set's root; without one, any file of any size is read.
    release : str
        Whose tables; releases after 2020 have none.

    Attributes
    ----------
    rows : dict of dict
        Per case the `COLUMNS`: ``grade`` HGG or LGG, ``age`` in years, ``survival_days``,
        ``censored`` 1 where the patient was alive after these days and 0 where not, ``resection``
        GTR, STR or what else stands there. A cell that the tables do not fill is the empty string.
    problems : list of Problem
        Tables and cells that cannot be understood.

    Raises
    ------
    AccessError
        The machine could not read a table.
    """

    def __init__(
        self, folders: Iterable[Path], root: DataRoot | None = None, release: str = "2020"
    ):
        self.rows: dict[str, dict[str, Any]] = {}
        self.problems: list[Problem] = []
        self._root = root or DataRoot(Path(), links="anywhere")
        if release not in _SURVIVAL:
            return
        folders = list(folders)
        names = _SURVIVAL[release]
        self._read(folders, MAPPING, (f"BraTS_{release}_subject_ID", "Grade"), (), _mapping_row)

        def survival_row(cells: _Cells, into: dict[str, Any]) -> Iterator[tuple[str, str]]:
            return _survival_row(cells, into, names)

        columns = (names.case, "Age", names.days)
        self._read(folders, names.file, columns, (names.resection,), survival_row)

    def row(self, case: str) -> dict[str, Any]:
        """Give the `COLUMNS` of a case, empty strings where nothing is known."""
        return self.rows.get(case, dict.fromkeys(COLUMNS, ""))

    def _read(
        self,
        folders: list[Path],
        name: str,
        columns: tuple[str, ...],
        optional: tuple[str, ...],
        take: _Take,
    ) -> None:
        path = next((folder / name for folder in folders if lexists(folder / name)), None)
        if path is None:
            return
        try:
            rows = list(read_rows(self._root, path, columns, optional))
        except CaseError as error:
            self.problems.append(error.problem)
            return
        seen: dict[str, int] = {}
        for line, cells, fault in rows:
            case = cells[columns[0]]
            if fault:
                self._problem(path, line, case, *fault)
                continue
            if case in _BLANK:
                continue
            if case in seen:
                first = seen[case]
                self._problem(
                    path, line, case, f"the case again (first in line {first})", "it once"
                )
                continue
            seen[case] = line
            into = self.rows.setdefault(case, dict.fromkeys(COLUMNS, ""))
            for found, expected in take(cells, into):
                self._problem(path, line, case, found, expected)

    def _problem(self, path: Path, line: int, case: str, found: str, expected: str) -> None:
        # Of no case: a cell that cannot be read is no reason to leave a patient out.
        whose = f" of {_short(case)}" if case else ""
        advice = "correct the table or remove it"
        error = CaseError("", path, f"{found}{whose} in line {line}", expected, advice)
        self.problems.append(error.problem)


def _mapping_row(cells: _Cells, into: dict[str, Any]) -> Iterator[tuple[str, str]]:
    grade = cells["Grade"].upper()
    if grade in GRADES:
        into["grade"] = grade
    elif grade not in _BLANK:
        yield f"grade {_short(cells['Grade'])!r}", "HGG or LGG"


def _survival_row(cells: _Cells, into: dict[str, Any], names: _Names) -> Iterator[tuple[str, str]]:
    resection = cells.get(names.resection, "")
    if len(resection) > 80 or not resection.isprintable():
        yield f"resection {_short(resection)!r}", "GTR, STR or a few words"
    elif resection not in _BLANK:
        into["resection"] = _harmless(resection)
    age = cells["Age"]
    if _YEARS.fullmatch(age) and float(age) <= OLDEST:
        into["age"] = float(age)
    elif age not in _BLANK:
        yield f"age {_short(age)!r}", "years"
    days = cells[names.days]
    alive = _ALIVE.fullmatch(days)
    if alive or _DAYS.fullmatch(days):
        into["survival_days"] = int(alive[1] if alive else days)
        into["censored"] = int(alive is not None)
    elif days not in _BLANK:
        yield f"survival {_short(days)!r}", "days, or 'ALIVE (<days> days later)'"


def _short(cell: str) -> str:
    return cell if len(cell) <= 40 else f"{cell[:40]}..."


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from running a cell as a formula."""
    return f"'{cell}" if cell[0] in "=+-@" else cell
