"""The tables that come with BraTS 2020: grade, age, survival and extent of resection."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from gliomake.datasets.base import Problem

SURVIVAL = "survival_info.csv"
MAPPING = "name_mapping.csv"
COLUMNS = ("grade", "age", "survival_days", "censored", "resection")

_ALIVE = re.compile(r"ALIVE \((\d+) days later\)", re.IGNORECASE)
_GRADES = ("HGG", "LGG")
_BLANK = ("", "NA")
_Row = dict[str, Any]


class ClinicalTables:
    """``survival_info.csv`` and ``name_mapping.csv``, each where it is there.

    Parameters
    ----------
    folders : iterable of Path
        Where to look; the first file of each name counts.

    Attributes
    ----------
    rows : dict of dict
        Per case the `COLUMNS`: ``grade`` HGG or LGG, ``age`` in years, ``survival_days``,
        ``censored`` 1 where the patient was alive after these days and 0 where not, ``resection``
        GTR, STR or empty. A cell that the tables do not fill is the empty string.
    problems : list of Problem
        Tables and cells that cannot be understood.
    """

    def __init__(self, folders: Iterable[Path]):
        self.rows: dict[str, dict[str, Any]] = {}
        self.problems: list[Problem] = []
        folders = list(folders)
        self._read(folders, MAPPING, ("BraTS_2020_subject_ID", "Grade"), self._mapping_row)
        self._read(folders, SURVIVAL, ("Brats20ID", "Age", "Survival_days"), self._survival_row)

    def row(self, case: str) -> dict[str, Any]:
        """Give the `COLUMNS` of a case, empty strings where nothing is known."""
        return self.rows.get(case, dict.fromkeys(COLUMNS, ""))

    def _read(
        self,
        folders: list[Path],
        name: str,
        columns: tuple[str, ...],
        take: Callable[[_Row, dict[str, Any]], Iterator[tuple[str, str]]],
    ) -> None:
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is None:
            return
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = [column for column in columns if column not in (table.fieldnames or ())]
            if missing:
                self._problem(path, f"columns {table.fieldnames}", f"also {', '.join(missing)}")
                return
            for line, row in enumerate(table, start=2):
                case = (row[columns[0]] or "").strip()
                if case in _BLANK:
                    continue
                into = self.rows.setdefault(case, dict.fromkeys(COLUMNS, ""))
                for found, expected in take(row, into):
                    self._problem(path, f"{found} of {case} in line {line}", expected)

    @staticmethod
    def _mapping_row(row: _Row, into: dict[str, Any]) -> Iterator[tuple[str, str]]:
        grade = (row["Grade"] or "").strip().upper()
        if grade in _GRADES:
            into["grade"] = grade
        elif grade not in _BLANK:
            yield f"grade {grade!r}", "HGG or LGG"

    @staticmethod
    def _survival_row(row: _Row, into: dict[str, Any]) -> Iterator[tuple[str, str]]:
        resection = (row.get("Extent_of_Resection") or "").strip()
        into["resection"] = "" if resection in _BLANK else resection
        age = (row["Age"] or "").strip()
        if age not in _BLANK:
            try:
                into["age"] = float(age)
            except ValueError:
                yield f"age {age!r}", "years"
        days = (row["Survival_days"] or "").strip()
        alive = _ALIVE.fullmatch(days)
        if alive or days.isdecimal():
            into["survival_days"] = int(alive[1] if alive else days)
            into["censored"] = int(alive is not None)
        elif days not in _BLANK:
            yield f"survival {days!r}", "days, or 'ALIVE (<days> days later)'"

    def _problem(self, path: Path, found: str, expected: str) -> None:
        # Of no case: a cell that cannot be read is no reason to leave a patient out.
        message = f"{path}: found {found}, expected {expected}; correct the table or remove it"
        self.problems.append(Problem("", str(path), message))
