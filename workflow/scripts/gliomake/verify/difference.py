"""What verification finds: one value in a file that is not the one found again."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

# Sums of floats may come out differently on another processor.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the report says.

    Attributes
    ----------
    file : str
        The page, or the file behind it.
    number : str
        Id of the number, or what of the file differs.
    reported, recomputed : str
        The two values.
    """

    file: str
    number: str
    reported: str
    recomputed: str

    def __str__(self) -> str:
        return f"{self.file}: {self.number}: reported {self.reported}, recomputed {self.recomputed}"


def changed_cells(
    file: str,
    told: pd.DataFrame,
    found: pd.DataFrame,
    key: Sequence[str],
    tolerance: float = TOLERANCE,
) -> Iterator[Difference]:
    """Compare a table in a file with the same table made again, row by row.

    Parameters
    ----------
    file : str
        The file, for messages.
    told, found : DataFrame
        The file's table and the one made again.
    key : sequence of str
        Columns that name a row; its place does where there are none.
    tolerance : float
        Relative, of numbers.

    Yields
    ------
    Difference
        One a cell; one for the whole table where its rows or columns are others.
    """
    if list(told.columns) != list(found.columns) or len(told) != len(found):
        sizes = [
            f"{len(each)} rows of {', '.join(map(str, each.columns))}" for each in (told, found)
        ]
        yield Difference(file, "all rows", *sizes)
        return
    for name in found.columns:
        pairs = zip(told[name], found[name], strict=True)
        for row, (one, other) in enumerate(pairs):
            if not same(one, other, tolerance):
                words = [_word(found[column].iloc[row]) for column in key] or [f"row {row + 1}"]
                yield Difference(file, "/".join([*words, str(name)]), _word(one), _word(other))


def same(told: Any, found: Any, tolerance: float = TOLERANCE) -> bool:
    """Check whether two cells say the same.

    Parameters
    ----------
    told, found : object
        Text or numbers; None and NaN are empty cells.
    tolerance : float
        Relative, of numbers and of text that is a number.

    Returns
    -------
    bool
        False where just one of them is empty.
    """
    one, other = _word(told), _word(found)
    if one == other:
        return True
    try:
        return math.isclose(float(one), float(other), rel_tol=tolerance, abs_tol=TOLERANCE)
    except ValueError:
        return False


def _word(value: Any) -> str:
    """Write a cell as text; what is undefined is empty."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return "" if value is None or pd.isna(value) else str(value)
