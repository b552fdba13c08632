"""What the workflow's own tables and JSON files hold, checked wherever they are read."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.scoring.metrics import DISTANCE_METRICS

REBUILD = "Delete it and start the same command: it is built again"

COUNTED = ("slice", "tp", "fp", "fn", "tn")
TABLES: dict[str, tuple[str, ...]] = {
    "counts.tsv": ("patient", "subset", "class", "postprocess", *COUNTED),
    "distances.tsv": ("patient", "subset", "class", "postprocess", *DISTANCE_METRICS, "missed"),
    "regions.tsv": ("patient", "subset", "class", "postprocess", *COUNTED),
    "patients.tsv": ("patient", "subset", "class", "postprocess", "truth_ml", "predicted_ml"),
    "history.tsv": ("epoch", "train_loss", "val_loss"),
    "slices.tsv": ("patient", "slice"),
    "cases.tsv": ("case", "patient"),
    "comparisons.tsv": ("model_a", "model_b", "run", "class", "metric", "convention", "difference"),
    "leakage.tsv": ("model", "class", "metric", "convention", "difference"),
}
"""Columns that a table of this name has at least."""
WHOLE = frozenset({*COUNTED, "epoch", "height", "width"})
"""Columns of whole numbers from 0 on."""
YES_OR_NO = frozenset({"postprocess", "missed"})
NUMBERS = frozenset({*DISTANCE_METRICS, "train_loss", "val_loss", "truth_ml", "predicted_ml"})
"""Columns of numbers; an empty cell is one that is not defined."""
RECORDS: dict[str, tuple[str, ...]] = {
    "metrics.json": ("run", "subset", "class", "metric", "convention", "postprocess", "value"),
}
"""Keys of each entry of a JSON file of this name, which is a list."""
FACTS: dict[str, tuple[str, ...]] = {
    "numbers.json": ("files", "pages", "studies", "numbers"),
    "integrity.json": ("dataset", "refused", "findings", "fingerprint"),
    "train.json": (),
}
"""Keys of a JSON file of this name, which is an object."""


class FileError(ValueError):
    """A file of the workflow that is damaged.

    Parameters
    ----------
    path : path-like
        The file.
    found, expected : str
        What it holds, and what it should hold.
    """

    def __init__(self, path: object, found: str, expected: str) -> None:
        self.path = str(path)
        self.found, self.expected = found, expected
        super().__init__(f"{path} is damaged: {found}; expected {expected}. {REBUILD}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.found, self.expected)


def check_table(table: pd.DataFrame, path: str | Path) -> None:
    """Check that a table has the columns of its name, and in them what they are for.

    Parameters
    ----------
    table : DataFrame
        As read.
    path : str or Path
        Its file; a name that is not in `TABLES` is not checked.

    Raises
    ------
    FileError
        A column is missing, or holds something else.
    """
    required = TABLES.get(Path(path).name)
    if required is None:
        return
    if missing := [name for name in required if name not in table]:
        raise FileError(path, f"no column {', '.join(missing)}", f"the columns {required}")
    for name in table.columns if len(table) else ():
        check_column(table[name], path)


def check_column(values: pd.Series, path: str | Path) -> None:
    """Check the cells of a column by its name.

    Parameters
    ----------
    values : Series
        The cells.
    path : str or Path
        The file, for the message.

    Raises
    ------
    FileError
        A cell is empty, or not of the column's type.
    """
    kinds = pd.api.types
    name = str(values.name)
    if name in WHOLE:
        right = kinds.is_integer_dtype(values) and values.min() >= 0 and values.max() < 2**63
        expected = "whole numbers from 0 on"
    elif name in YES_OR_NO:
        right, expected = kinds.is_bool_dtype(values), "true or false"
    elif name in NUMBERS:
        right, expected = kinds.is_numeric_dtype(values), "numbers"
    else:
        return
    if not right:
        raise FileError(path, f"column {name} holds {_odd(values, name)}", expected)


def _odd(values: pd.Series, name: str) -> str:
    """Return the first cell that makes the column what it is."""
    if name in YES_OR_NO:
        odd = values[~values.astype(str).isin(["true", "false", "True", "False"])]
    else:
        number = pd.to_numeric(values, errors="coerce")
        odd = values[number.isna() | (number < 0) | (number % 1 != 0) | (number >= 2**63)]
    first = str((odd if len(odd) else values).iloc[0])
    return "an empty cell" if first == "nan" else repr(first[:40])


def read_json(path: str | Path) -> Any:
    """Read JSON of the workflow.

    Parameters
    ----------
    path : str or Path
        The file; what its name stands for in `RECORDS` or `FACTS` is checked.

    Returns
    -------
    object
        Its content.

    Raises
    ------
    FileError
        It is no JSON, or lacks keys.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FileError(path, f"no JSON ({error})", "what the workflow wrote") from error
    if (keys := RECORDS.get(path.name)) is not None:
        whole = isinstance(content, list) and all(_has(entry, keys) for entry in content)
        if not whole:
            raise FileError(path, "other JSON", f"a list of entries with {', '.join(keys)}")
    elif (keys := FACTS.get(path.name)) is not None and not _has(content, keys):
        raise FileError(path, "other JSON", f"an object with {', '.join(keys) or 'its facts'}")
    return content


def _has(entry: Any, keys: tuple[str, ...]) -> bool:
    return isinstance(entry, dict) and set(keys) <= entry.keys()
