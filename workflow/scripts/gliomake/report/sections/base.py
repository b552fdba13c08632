"""What a section of a study's page is."""

from typing import Any, ClassVar, NamedTuple

from gliomake.report.charts import Chart
from gliomake.report.inputs import StudyInputs
from gliomake.report.numbers import Number, NumberBook
from gliomake.report.table import Table


class Found(NamedTuple):
    """What a search over the report finds in a section.

    Attributes
    ----------
    kind : str
        ``Table``, ``Figure``, ``Claim`` and the like.
    title : str
        Its name.
    text : str
        Further words, by which it is found too.
    anchor : str
        Id of its element; the section itself where it has none.
    """

    kind: str
    title: str
    text: str = ""
    anchor: str = ""


class Section:
    """A section of a study's page: what it is called, what it shows, what is verified of it.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Attributes
    ----------
    id : str
        Anchor in the page.
    title : str
        Its heading.
    short : str
        Its name in the list of contents; the title where there is none.
    template : str
        What shows it, with the section as ``section``; by default its title and its tables.
    script : str
        File of the templates that the section needs as a script, with `data` behind it.
    unverified : tuple of str
        Ids of tables that the template shows and `tables` does not list.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    short: ClassVar[str] = ""
    template: ClassVar[str] = "sections/plain.html.j2"
    script: ClassVar[str] = ""
    unverified: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inputs: StudyInputs) -> None:
        self.inputs = inputs
        self.book = NumberBook(inputs.page)

    @property
    def is_shown(self) -> bool:
        """Whether the page has the section at all."""
        return bool(self.tables())

    def tables(self) -> list[Table]:
        """List the section's tables: what verification makes again and compares cell by cell."""
        return []

    def charts(self) -> list[Chart]:
        """List the section's charts: what verification draws again and compares mark by mark."""
        return []

    def numbers(self) -> list[Number]:
        """List the numbers that the section prints, in its tables and elsewhere."""
        self.tables()
        return list(self.book)

    def found(self) -> list[Found]:
        """List what a search finds in the section: its tables, by their captions and columns."""
        return [
            Found("Table", each.caption, ", ".join(c.title for c in each.columns), each.id)
            for each in self.tables()
        ]

    def data(self) -> tuple[str, Any]:
        """Give the section's script what it shows: the id of an element, and its content."""
        return "", None


def given(*tables: Table | None) -> list[Table]:
    """List the tables that there are."""
    return [table for table in tables if table]
