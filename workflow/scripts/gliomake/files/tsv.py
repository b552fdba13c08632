"""Tab-separated tables: ids stay text, files appear whole or not at all."""

import csv
import io
import re
from pathlib import Path

import pandas as pd

from gliomake.files.atomic import atomic_path
from gliomake.files.contracts import FileError, check_table

IDS = frozenset({"case", "patient", "subset", "dataset", "folder", "stratum"})
NAMES = frozenset({"class", "model", "run", "study", "claim", "convention", "metric"})
TEXT_COLUMNS = IDS | NAMES
UNDEFINED = ("", "nan", "NaN", "NA", "N/A", "n/a", "<NA>", "null", "NULL", "None")
"""Cells without a value; in a text column they are text: a patient may be called NA."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read_tsv(path: str | Path) -> pd.DataFrame:
    """Read a table; ids are text, an empty cell of a text column is the empty string.

    Parameters
    ----------
    path : str or Path
        A tab-separated file with a header line.

    Returns
    -------
    DataFrame
        Columns named in `TEXT_COLUMNS` as ``str``; ``true``/``false`` columns as ``bool``;
        the others as pandas infers them.

    Raises
    ------
    FileError
        The file is cut or damaged, or lacks columns that a table of its name has.
    """
    content = _read_text(path)
    try:
        header = pd.read_csv(io.StringIO(content), sep="\t", nrows=0).columns
        numeric = [name for name in header if name not in TEXT_COLUMNS]
        table = pd.read_csv(
            io.StringIO(content),
            sep="\t",
            dtype={name: str for name in header if name in TEXT_COLUMNS},
            true_values=["true"],
            false_values=["false"],
            keep_default_na=False,
            na_values={key: list(UNDEFINED) for key in numeric},
            low_memory=False,
        )
    except (ValueError, OverflowError) as error:
        raise FileError(path, str(error).strip(), "a tab-separated table") from error
    check_table(table, path)
    return table


def _read_text(path: str | Path) -> str:
    """Read a table's text, and check that it is whole: each line to its end, each cell there."""
    try:
        content = Path(path).read_bytes().decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise FileError(path, f"no UTF-8 at byte {error.start}", "text in UTF-8") from error
    if odd := CONTROL.search(content):
        raise FileError(path, f"the character {odd[0]!r} at {odd.start()}", "readable text")
    if not content.endswith("\n"):
        end = repr(content[-20:]) if content else "nothing"
        raise FileError(path, f"it ends in {end}", "the end of a line")
    # pandas fills up short rows, and takes the first cell of long ones for a row's name.
    rows = content.split("\n")
    if '"' in content:
        try:
            lengths = [len(row) for row in csv.reader(rows, delimiter="\t", strict=True) if row]
        except csv.Error as error:
            raise FileError(path, str(error), "a tab-separated table") from error
    else:
        lengths = [row.count("\t") + 1 for row in rows if row]
    if wrong := set(lengths) - set(lengths[:1]):
        row = next(number for number, length in enumerate(lengths, 1) if length in wrong)
        found = f"line {row} has {lengths[row - 1]} cells"
        raise FileError(path, found, f"{lengths[0]} as in the first")
    return content


def write_tsv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table atomically; booleans become ``true`` and ``false``.

    Parameters
    ----------
    table : DataFrame
        The rows, written in their order, without the index.
    path : str or Path
        Where to; its folder is made if need be.
    """
    table = table.copy()
    for name in table.select_dtypes(bool).columns:
        table[name] = table[name].map({True: "true", False: "false"})
    with atomic_path(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
