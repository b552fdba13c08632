"""What the pages print: their numbers, their tables, and what stands behind their script."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from gliomake.files.provenance import file_sha256
from gliomake.report import targets
from gliomake.report.inputs import StudyInputs
from gliomake.report.search import FILE, HEADING, Entry, read_search, search_entries
from gliomake.report.sections.base import Section
from gliomake.report.table import Cell
from gliomake.study.names import display_name
from gliomake.verify.difference import Difference
from gliomake.verify.numbers import BROKEN


def read_pages(folder: Path, names: Iterable[str]) -> dict[str, "PageReader"]:
    """Read the pages that are HTML and there, by name."""
    pages = {}
    for name in names:
        path = folder / name
        if path.suffix == ".html" and path.is_file():
            pages[name] = PageReader()
            pages[name].feed(path.read_text())
    return pages


def changed_pages(
    content: dict[str, Any], folder: Path, pages: dict[str, "PageReader"]
) -> Iterator[Difference]:
    """Compare pages with their hashes, and what they print with the numbers.

    Parameters
    ----------
    content : dict
        Of ``numbers.json``.
    folder : Path
        Where the pages lie.
    pages : dict of str to PageReader
        Of `read_pages`.

    Yields
    ------
    Difference
        One a page or number.
    """
    entered: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in content["pages"]}
    for number in content["numbers"]:
        entered[number["page"]][number["id"]] = number
    for page, digest in content["pages"].items():
        path = folder / page
        if not path.is_file():
            yield Difference(page, "page", digest, "missing")
            continue
        if file_sha256(path) != digest:
            yield Difference(page, "sha256", digest, file_sha256(path))
        if page in pages:
            yield from _printed_otherwise(page, pages[page], entered[page])


def _printed_otherwise(
    page: str, reader: "PageReader", numbers: dict[str, dict[str, Any]]
) -> Iterator[Difference]:
    for id_, text in reader.printed:
        expected = numbers[id_]["printed"] if id_ in numbers else "no such number"
        if text != expected:
            yield Difference(page, id_, text, expected)
    told = reader.trail["numbers"]
    for id_ in told.keys() ^ numbers.keys():
        yield Difference(page, id_, "in one of page and numbers.json", "in both")
    for id_ in told.keys() & numbers.keys():
        number = numbers[id_]
        record = [number[key] for key in ("value", "ci_low", "ci_high", "n", "counts")]
        if told[id_][:5] != record:
            yield Difference(page, id_, str(told[id_][:5]), str(record))


def changed_tables(
    inputs: StudyInputs, sections: Sequence[Section], page: "PageReader"
) -> Iterator[Difference]:
    """Compare the tables of a study's page with those that its files give.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    sections : sequence of Section
        Of its page.
    page : PageReader
        Its page.

    Yields
    ------
    Difference
        One a cell; a cell of a number with a provenance is compared by the number's id.
    """
    tables, listed = [], set()
    for section in sections:
        listed |= set(section.unverified)
        try:
            tables += section.tables()
        except BROKEN as error:
            what = f"all tables of {section.id}"
            yield Difference(inputs.page, what, "made from the files", str(error))
            return
    listed |= {table.id for table in tables}
    for id_ in sorted(page.tables.keys() - listed):
        yield Difference(inputs.page, id_, f"{len(page.tables[id_])} rows", "in no section's list")
    for table in tables:
        expected = [[_shown(cell) for cell in row] for row in table.rows]
        printed = page.tables.get(table.id, [])
        if [len(row) for row in printed] != [len(row) for row in expected]:
            sizes = (f"{len(rows)} rows" for rows in (printed, expected))
            yield Difference(inputs.page, table.id, *sizes)
            continue
        for place, (told, found) in enumerate(zip(printed, expected, strict=True), start=1):
            for column, one, other in zip(table.columns, told, found, strict=True):
                if one != other:
                    where = f"{table.id}, row {place}, {column.title}"
                    yield Difference(inputs.page, where, one, other)


def changed_figures(inputs: StudyInputs, page: "PageReader") -> Iterator[Difference]:
    """Compare the pictures on a study's page, and what is said of them, with the figures' files.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    page : PageReader
        Its page.

    Yields
    ------
    Difference
        One a figure that the page does not show as it is, or with other words.
    """
    for name, svg in inputs.figures.items():
        try:
            source = targets.figure_source(svg)
            words = f"{display_name(name)}. {targets.figure_words(inputs, name)}"
        except BROKEN as error:
            yield Difference(inputs.page, f"figure {name}", "shown", str(error))
            continue
        # A large picture is compressed anew, which another version may do otherwise.
        exact = not source.startswith("data:image/webp")
        if exact and source not in page.images:
            yield Difference(inputs.page, f"figure {name}", "another picture", str(svg))
        if words not in page.images.values():
            yield Difference(inputs.page, f"caption of {name}", "other words", words)


def changed_charts(
    inputs: StudyInputs, sections: Sequence[Section], page: "PageReader"
) -> Iterator[Difference]:
    """Compare the charts of a study's page with those that its files give.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    sections : sequence of Section
        Of its page.
    page : PageReader
        Its page.

    Yields
    ------
    Difference
        One a mark, or one a chart that has more or fewer of them.
    """
    try:
        charts = [chart for section in sections for chart in section.charts()]
    except BROKEN as error:
        yield Difference(inputs.page, "all charts", "made from the files", str(error))
        return
    made = {
        chart.id: [
            " ".join(chart.words.split()),
            *(written(mark.tag, mark.attributes) + mark.words for mark in chart.marks),
        ]
        for chart in charts
    }
    for id_ in sorted(made.keys() | page.charts.keys()):
        told, found = page.charts.get(id_, []), made.get(id_, [])
        if len(told) != len(found):
            sizes = (f"{len(marks)} marks" for marks in (told, found))
            yield Difference(inputs.page, f"chart {id_}", *sizes)
            continue
        for place, (one, other) in enumerate(zip(told, found, strict=True)):
            if one != other:
                yield Difference(inputs.page, f"chart {id_}, mark {place}", one, other)


def written(tag: str, attributes: Mapping[str, str | None]) -> str:
    """Write a mark of a chart in one way, whatever the order of its attributes."""
    return " ".join([tag, *(f"{key}={value}" for key, value in sorted(attributes.items())), ""])


def changed_search(
    inputs: StudyInputs, sections: Sequence[Section], told: list[Entry]
) -> Iterator[Difference]:
    """Compare what a search finds of a study with what its files give.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    sections : sequence of Section
        Of its page.
    told : list of Entry
        What ``numbers.json`` has.

    Yields
    ------
    Difference
        One an entry that is another; one for all where they are more or fewer.
    """
    try:
        found = search_entries(inputs, sections, headings=False)
    except BROKEN as error:
        yield Difference(inputs.page, "search", "made from the files", str(error))
        return
    listed = [entry for entry in told if entry[2] != HEADING]
    yield from _other_entries(f"search of {inputs.id}", listed, found)


def changed_search_file(content: dict[str, Any], folder: Path) -> Iterator[Difference]:
    """Compare the list that pages search with that of ``numbers.json``; without an index is none.

    Parameters
    ----------
    content : dict
        Of ``numbers.json``.
    folder : Path
        Where the pages lie.

    Yields
    ------
    Difference
        One an entry that is another.
    """
    if not (folder / FILE).is_file() or FILE not in content["pages"]:
        return
    try:
        told = read_search(folder / FILE)
    except ValueError as error:
        yield Difference(FILE, "search", str(error), "a list")
        return
    found = [entry for study in content["studies"].values() for entry in study["search"]]
    yield from _other_entries(FILE, told, found)


def _other_entries(file: str, told: list[Entry], found: list[Entry]) -> Iterator[Difference]:
    if len(told) != len(found):
        yield Difference(file, "search", f"{len(told)} entries", f"{len(found)} entries")
        return
    for one, other in zip(told, found, strict=True):
        if one != other:
            yield Difference(file, other[-1], " | ".join(one), " | ".join(other))


def _shown(cell: Cell) -> str:
    value = cell.number.id if cell.number else cell.text
    return " ".join(f"{value} {cell.note}".split())


class PageReader(HTMLParser):
    """Read the numbers and tables that a page prints, and what stands behind its script.

    Attributes
    ----------
    printed : list of (str, str)
        Id and text of each element with ``data-number``.
    tables : dict of str to list of list of str
        Rows of the body of each table by its id: the text of a cell, or the id of its number.
    trail : dict
        Content of the element ``trail``.
    images : dict of str to str
        What is said in place of each picture, by its address.
    charts : dict of str to list of str
        What is said in place of each chart, by its id, then its marks, each as `written`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.printed: list[tuple[str, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.trail: dict[str, Any] = {"numbers": {}}
        self.images: dict[str, str] = {}
        self.charts: dict[str, list[str]] = {}
        self._chart: list[str] | None = None
        self._number: str | None = None
        self._texts: list[str] = []
        self._script = False
        self._table: list[list[str]] = []
        self._body = False
        self._cell: list[str] | None = None
        # Icons say again in a picture what the words beside them say.
        self._icon = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note pictures, and where a number, a table, its rows and cells, or the trail begin."""
        given = dict(attrs)
        if given.get("data-number"):
            self._number, self._texts = given["data-number"], []
        self._script = tag == "script" and given.get("id") == "trail"
        self._icon = given.get("aria-hidden") == "true"
        if tag == "svg" and given.get("class") == "chart":
            said = given.get("aria-label") or ""
            self._chart = self.charts.setdefault(given.get("id") or "", [])
            self._chart.append(" ".join(said.split()))
        elif self._chart is not None and tag != "title":
            self._chart.append(written(tag, given))
        if tag == "img":
            self.images[given.get("src") or ""] = given.get("alt") or ""
        if tag == "div" and given.get("class") == "table":
            self._table = self.tables.setdefault(given.get("id") or "", [])
        elif tag == "tbody":
            self._body = True
        elif tag == "tr" and self._body:
            self._table.append([])
        elif tag in ("th", "td") and self._body:
            self._cell = []

    def handle_data(self, data: str) -> None:
        """Keep what stands in a number, in a cell or in the trail."""
        if self._chart:
            self._chart[-1] += data.strip("\n")
        if self._number:
            self._texts.append(data)
        elif self._cell is not None and not self._icon:
            self._cell.append(data)
        if self._script:
            self.trail = json.loads(data)

    def handle_endtag(self, tag: str) -> None:
        """Close a number, which is a button, a cell, or a table's body."""
        self._script = self._icon = False
        if tag == "svg":
            self._chart = None
        if tag == "button" and self._number:
            self.printed.append((self._number, " ".join("".join(self._texts).split())))
            if self._cell is not None:
                self._cell.append(self._number)
            self._number = None
        elif tag in ("th", "td") and self._cell is not None:
            if self._table:
                self._table[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None
        elif tag == "tbody":
            self._body = False
            self._table = []
