"""Tables as people save them: the encoding and the separator are taken where they are certain."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import DataRoot

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = ",;\t"
_ADVICE = "save it again as CSV in UTF-8, or take it away"

Row = tuple[int, dict[str, str], tuple[str, str] | None]
"""Line, cells by column, and what is wrong with the row: (found, expected)."""


def read_rows(
    root: DataRoot, path: Path, columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[Row]:
    """Read columns of a table that is separated by commas, semicolons or tabs.

    UTF-8 is read, and UTF-16 and UTF-32 that begin with a byte order mark. Where semicolons or tabs
    separate, the comma in a number is a decimal comma.

    Parameters
    ----------
    root : DataRoot
        The data set's root.
    path : Path
        The table.
    columns : sequence of str
        Columns that must be there; capitals do not matter.
    optional : sequence of str
        Columns that may be there.

    Yields
    ------
    Row
        One a line that is not blank; cells without blanks around them. A row of another length
        has its first cells, and says so.

    Raises
    ------
    CaseError
        The table cannot be read, or lacks a column.
    AccessError
        The machine could not read it.
    """
    text = decode(root.read_bytes(path, ""), path)
    header = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names: list[str] | None = None
        places: dict[str, int] = {}
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if names is None:
                names = [cell.strip() for cell in row]
                places = _places(path, names, columns, optional)
                continue
            yield reader.line_num, *_cells(row, len(names), places, separator)
        if names is None:
            _places(path, [], columns, optional)
    except csv.Error as error:
        found = f"line {reader.line_num} that is no row of a table ({error})"
        raise CaseError("", path, found, "cells, quoted as CSV is", _ADVICE) from error


def decode(raw: bytes, path: Path) -> str:
    """Decode a table.

    Raises
    ------
    CaseError
        The encoding is not certain, or there are characters that no table has.
    """
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        name = "UTF-8" if encoding.startswith("utf-8") else encoding.upper()
        byte = raw[error.start : error.start + 1].hex()
        found = f"a file that is no {name} (byte 0x{byte} in line {line})"
        raise CaseError("", path, found, "a table in UTF-8", _ADVICE) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        found = f"a NUL character in line {line}: the file is damaged, or no UTF-8"
        raise CaseError("", path, found, "a table in UTF-8", _ADVICE)
    return text


def _places(
    path: Path, names: list[str], columns: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Find the columns in a header."""
    lower = [name.lower() for name in names]
    twice = [name for name in (*columns, *optional) if lower.count(name.lower()) > 1]
    missing = [name for name in columns if name.lower() not in lower]
    shown = [name if len(name) <= 40 else f"{name[:40]}..." for name in names[:10]]
    if twice:
        raise CaseError("", path, f"columns {shown}", f"{', '.join(twice)} once", _ADVICE)
    if missing:
        raise CaseError("", path, f"columns {shown}", f"also {', '.join(missing)}", _ADVICE)
    return {
        name: lower.index(name.lower()) for name in (*columns, *optional) if name.lower() in lower
    }


def _cells(
    row: list[str], width: int, places: dict[str, int], separator: str
) -> tuple[dict[str, str], tuple[str, str] | None]:
    cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
    if separator != ",":
        cells = {name: _decimal_point(cell) for name, cell in cells.items()}
    if len(row) != width:
        return cells, (f"{len(row)} cells", f"{width}, as in the header")
    return cells, None


def _decimal_point(cell: str) -> str:
    whole, comma, rest = cell.partition(",")
    return f"{whole}.{rest}" if comma and whole.isdecimal() and rest.isdecimal() else cell
