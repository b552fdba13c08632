"""By what a page's splits are balanced: part of the case's id, or a column of a table."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from gliomake.datasets.base import CaseError, Finding, Problem
from gliomake.datasets.csv_table import read_rows
from gliomake.datasets.root import DataRoot

KEYS = ("case", "patient")


class Strata:
    """Strata of cases.

    Parameters
    ----------
    root : DataRoot
        The data set's root.
    said : str, mapping or None
        A regular expression on the case's id, whose first group is the stratum; or ``table``, a
        file under the root with a column ``case`` or ``patient``, and ``column``. None: no strata.

    Attributes
    ----------
    problems : list of Problem
        Why the table cannot be read.
    """

    def __init__(self, root: DataRoot, said: str | Mapping[str, str] | None):
        self.problems: list[Problem] = []
        self._form = re.compile(said) if isinstance(said, str) else None
        self._rows: dict[str, str] = {}
        self._table = ""
        if isinstance(said, Mapping):
            self._table = said["table"]
            try:
                self._rows = _rows(root, said["table"], said["column"])
            except CaseError as error:
                self.problems.append(error.problem)

    def of(self, case: str, patient: str) -> str:
        """Give the stratum of a case; empty where it has none."""
        if self._form:
            match = self._form.search(case)
            return (match[1] or "") if match else ""
        return self._rows.get(case, self._rows.get(patient, ""))

    def absent(self, patients: Mapping[str, str]) -> list[Finding]:
        """List cases that the table does not have."""
        if not self._rows:
            return []
        cases = tuple(
            case
            for case, patient in patients.items()
            if case not in self._rows and patient not in self._rows
        )
        message = f"{len(cases)} cases are not in {self._table}, and have no stratum"
        return [Finding("not-in-table", message, cases)] if cases else []


def _rows(root: DataRoot, name: str, column: str) -> dict[str, str]:
    path = root.path / PurePosixPath(name)
    found = {}
    for line, cells, wrong in read_rows(root, path, [column], KEYS):
        key = next((cells[key] for key in KEYS if cells.get(key)), "")
        if wrong or not key:
            what, expected = wrong or ("no case and no patient", f"a column {' or '.join(KEYS)}")
            raise CaseError("", path, f"line {line} with {what}", expected, "correct the table")
        found[key] = cells[column]
    return found
