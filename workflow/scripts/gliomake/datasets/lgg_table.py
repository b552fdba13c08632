"""The LGG set's ``data.csv``: clinical and genomic columns a patient."""

import csv
import io
import re
import unicodedata
from collections import Counter
from pathlib import Path

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import DataRoot

_TAKEN = {
    *("case", "patient", "stratum", "folder", "first_slice", "slices"),
    *("spacing_x", "spacing_y", "spacing_z"),
}
_SAVE = "save the table as CSV in UTF-8, or restore data.csv from the download"
_RESTORE = "restore data.csv from the download"
_LONGEST_CELL = 1000
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_ID = re.compile(r"TCGA[_-]([A-Z0-9]+)[_-]([A-Z0-9]+)([_-]\d{8})?", re.ASCII)


def read_table(path: str | Path, files: DataRoot | None = None) -> dict[str, dict[str, str | None]]:
    """Read a ``data.csv``, separated by commas, semicolons or tabs, in UTF-8 or marked UTF-16.

    Ids are taken as the image archive writes them too: with hyphens, or with the folder's date.
    Columns without a name are left out.

    Parameters
    ----------
    path : path-like
        The file.
    files : DataRoot, optional
        Under whose limits it is read; its own folder by default.

    Returns
    -------
    dict
        Patient (without the date) to column to value; None where the table is blank. A cell that
        a spreadsheet would take for a formula has a ``'`` before it.

    Raises
    ------
    CaseError
        The table is not text, has no ``Patient`` column, a column twice or one that the index
        has itself, a row of another length, an odd cell, or a patient twice.
    AccessError
        The machine could not read it.
    """
    path = Path(path)
    text = _decode(path, (files or DataRoot.open(path.parent)).read_bytes(path, ""))
    head = text.partition("\n")[0]
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True
    )
    table: dict[str, dict[str, str | None]] = {}
    try:
        columns = [_cell(path, name, rows.line_num) for name in next(rows, [])]
        wanted = _check_columns(path, columns, head)
        for row in rows:
            if not any(row):
                continue
            if len(row) != len(columns):
                found = f"{len(row)} values in line {rows.line_num}"
                raise CaseError("", path, found, f"{len(columns)}, as in the header", _RESTORE)
            cells = [_cell(path, value, rows.line_num) for value in row]
            patient = _patient(cells[columns.index("Patient")])
            if patient in table:
                found = f"{patient} again in line {rows.line_num}"
                raise CaseError("", path, found, "each patient once", _RESTORE)
            table[patient] = {columns[at]: cells[at] or None for at in wanted}
    except csv.Error as error:
        found = f"{error} in line {rows.line_num}"
        raise CaseError("", path, found, "a table", _RESTORE) from error
    return table


def _decode(path: Path, data: bytes) -> str:
    """Return the text where its encoding is certain."""
    if data.startswith(b"PK"):
        raise CaseError("", path, "a spreadsheet or archive named .csv", "a table as text", _SAVE)
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = f"an unreadable file (byte 0x{data[error.start]:02x} in line {line})"
        expected = "a table in UTF-16" if marked else "a table in UTF-8"
        raise CaseError("", path, found, expected, _SAVE) from error


def _cell(path: Path, value: str, line: int) -> str:
    """Check a cell, and disarm what a spreadsheet would run as a formula."""
    value = value.strip()
    odd = [letter for letter in value if unicodedata.category(letter) in ("Cc", "Zl", "Zp")]
    if odd:
        found = f"the control character {odd[0]!r} in line {line}"
        raise CaseError("", path, found, "plain text in each cell", _SAVE)
    if len(value) > _LONGEST_CELL:
        found = f"a cell of {len(value)} characters in line {line}"
        raise CaseError("", path, found, f"at most {_LONGEST_CELL}", _RESTORE)
    if value.startswith(("=", "+", "-", "@")) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value


def _check_columns(path: Path, columns: list[str], head: str) -> list[int]:
    """Return the positions of the columns that are kept."""
    if columns.count("Patient") != 1:
        found = f"header {head.strip()[:100]!r}"
        raise CaseError("", path, found, "the column Patient first, once", _RESTORE)
    wanted = [at for at, name in enumerate(columns) if name not in ("", "Patient", "Unnamed: 0")]
    names = Counter(columns[at] for at in wanted)
    if twice := [name for name, count in names.items() if count > 1]:
        found = f"the column {twice[0]!r} twice"
        raise CaseError("", path, found, "each column once", "rename one of them")
    if taken := sorted(_TAKEN & names.keys()):
        found = f"a column named {taken[0]!r}"
        expected = f"none of {', '.join(sorted(_TAKEN))}, which the index has itself"
        raise CaseError("", path, found, expected, "rename the column")
    return wanted


def _patient(spelt: str) -> str:
    """Return a patient's id in the folders' spelling, without the date."""
    match = _ID.fullmatch(spelt)
    return f"TCGA_{match[1]}_{match[2]}" if match else spelt
