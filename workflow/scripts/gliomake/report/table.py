"""Tables of a page: plain values for a template that makes them sortable and filterable."""

from dataclasses import dataclass, field
from typing import Any

from gliomake.report.numbers import Number, format_value

Sortable = float | int | str | None


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
        What is printed where there is no `number`.
    sort : float, int, str or None
        What a sort compares; None is last.
    number : Number or None
        A number with a provenance; the template makes it a button.
    kind : str
        A verdict's kind, for its icon and colour; else empty.
    title : str
        More words, for a pointer that rests on the cell.
    note : str
        A sentence under it.
    warned : bool
        Whether `title` is a warning, which a sign shows.
    faint : bool
        Whether it settles nothing, and is grey.
    """

    text: str = ""
    sort: Sortable = None
    number: Number | None = None
    kind: str = ""
    title: str = ""
    note: str = ""
    warned: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    title : str
        Its head.
    numeric : bool
        Right-aligned and sorted by number.
    choices : bool
        Whether the page offers its values as a filter.
    chosen : str
        The filter's value to begin with; empty for all.
    help : str
        What the column means.
    rule : str
        How its numbers are averaged: a second line of its head.
    optional : bool
        Whether the column may go where all rows say the same.
    """

    title: str
    numeric: bool = False
    choices: bool = False
    chosen: str = ""
    help: str = ""
    rule: str = ""
    optional: bool = False


@dataclass
class Table:
    """A table of a page.

    Attributes
    ----------
    id : str
        Unique in the page.
    caption : str
        What it shows, for readers and screen readers.
    columns : list of Column
        Its columns; the first names the row.
    rows : list of list of Cell
        Its rows.
    row_ids : str
        Before the text of a row's first cell: the id of the row's element, to be linked to.
        Without it rows have none.
    """

    id: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]] = field(default_factory=list)
    row_ids: str = ""

    def choices(self, column: int) -> list[str]:
        """List what a column's filter offers, in the order of the rows."""
        return list(dict.fromkeys(row[column].text for row in self.rows))

    def _is_one_value(self, place: int) -> bool:
        return self.columns[place].optional and len(self.choices(place)) < 2

    def compact(self) -> "Table":
        """Leave out columns that say nothing: empty ones, and optional ones of one value."""
        kept = [
            place
            for place, column in enumerate(self.columns)
            if not place or (self.choices(place) != [""] and not self._is_one_value(place))
        ]
        return Table(
            self.id,
            self.caption,
            [self.columns[place] for place in kept],
            [[row[place] for place in kept] for row in self.rows],
            self.row_ids,
        )


def text(value: Any, *, kind: str = "", title: str = "") -> Cell:
    """Make a cell of words."""
    shown = "" if value is None or value != value else str(value)
    return Cell(shown, shown.lower() or None, kind=kind, title=title)


def plain(value: Any, whole: bool | None = None) -> Cell:
    """Make a cell of a number that has no provenance, such as a count of rows.

    Parameters
    ----------
    value : object
        A number; anything else is shown as words.
    whole : bool, optional
        Whether all numbers of the column are whole; by default whether this one is.

    Returns
    -------
    Cell
        Empty for NaN.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return text(value)
    if number != number:
        return Cell("")
    if number % 1 == 0 and whole is not False:
        return Cell(f"{int(number):,}", number)
    # format_value prints 2 or more without decimals where it can.
    shown = f"{number:.3f}" if 0.001 <= abs(number) < 1000 else format_value(number)
    return Cell(shown, number)


def scored(number: Number | None) -> Cell:
    """Make a cell of a number with its provenance."""
    if number is None:
        return Cell("")
    return Cell(number.printed, number.value, number)
