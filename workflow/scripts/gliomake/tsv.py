"""Tab-separated tables: ids stay text, files appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

IDS = frozenset({"case", "patient", "subset", "dataset", "folder", "stratum"})
NAMES = frozenset({"class", "model", "run", "study", "claim", "convention", "metric"})
TEXT_COLUMNS = IDS | NAMES
MISSING = ("", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "null", "NULL", "None")
"""What stands for no value, except in text columns: there a patient may have that name."""


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
    """
    header = pd.read_csv(path, sep="\t", nrows=0).columns
    text = [name for name in header if name in TEXT_COLUMNS]
    return pd.read_csv(
        path,
        sep="\t",
        dtype=dict.fromkeys(text, str),
        na_values={name: MISSING for name in header if name not in text},
        keep_default_na=False,
        true_values=["true"],
        false_values=["false"],
    )


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


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, moved onto it when the block ends without an error.

    Parameters
    ----------
    path : str or Path
        The file to appear whole or not at all.

    Yields
    ------
    Path
        Where to write; same folder and suffix as `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp files are private; results are read by others.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
