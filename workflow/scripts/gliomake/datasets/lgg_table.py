"""The LGG set's ``data.csv``: clinical and genomic columns a patient."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from gliomake.datasets.base import CaseError


def read_table(path: str | Path) -> dict[str, dict[str, str | None]]:
    """Read a ``data.csv``, separated by commas or by semicolons.

    Returns
    -------
    dict
        Patient (without the date) to column to value; None where the table is blank.

    Raises
    ------
    CaseError
        If the table has no ``Patient`` column, a row of another length or a patient twice.
    """
    advice = "restore data.csv from the download"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError("", path, f"an unreadable file ({error})", "a table", advice) from error
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    columns = next(rows, [])
    if columns[:1] != ["Patient"]:
        raise CaseError("", path, f"header {header.strip()!r}", "the column Patient first", advice)
    table: dict[str, dict[str, str | None]] = {}
    for row in rows:
        if not any(row):
            continue
        if len(row) != len(columns):
            found = f"{len(row)} values in line {rows.line_num}"
            raise CaseError("", path, found, f"{len(columns)}, as in the header", advice)
        if row[0] in table:
            found = f"{row[0]} again in line {rows.line_num}"
            raise CaseError("", path, found, "each patient once", advice)
        table[row[0]] = dict(zip(columns[1:], (value or None for value in row[1:]), strict=True))
    return table


def fill_blanks(table: Mapping[str, Mapping[str, str | None]]) -> dict[str, dict[str, str | None]]:
    """Fill each column's blanks with its most frequent value; of equals, the first in order.

    A column with no value at all stays blank.
    """
    columns = dict.fromkeys(column for row in table.values() for column in row)
    modes: dict[str, str | None] = {}
    for column in columns:
        counts = Counter(value for row in table.values() if (value := row.get(column)) is not None)
        modes[column] = min(counts, key=lambda value: (-counts[value], value), default=None)
    return {
        name: {
            column: value if (value := row.get(column)) is not None else modes[column]
            for column in columns
        }
        for name, row in table.items()
    }
