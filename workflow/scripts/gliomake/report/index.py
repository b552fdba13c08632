"""The index of the report, made from what the studies' pages left in their numbers."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from gliomake.files.contracts import read_json
from gliomake.files.tsv import atomic_path
from gliomake.report.numbers import INDEX, ROOT, Number, NumberBook, number_record, write_numbers
from gliomake.report.render import render
from gliomake.report.search import FILE, write_search
from gliomake.report.verdicts import KINDS, Answer


def build_index(
    contents: Sequence[dict[str, Any]], book: NumberBook | None = None, options: str = ""
) -> str:
    """Make the page that leads to all studies.

    Parameters
    ----------
    contents : sequence of dict
        Content of the studies' ``numbers/<study>.json``.
    book : NumberBook, optional
        Where the page's numbers are entered.
    options : str
        What a printed command must repeat.

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """
    book = NumberBook(INDEX) if book is None else book
    entries = []
    trail: dict[str, Any] = {"runs": {}, "files": {}, "root": ROOT}
    for content in contents:
        records = {record["id"]: record for record in content["numbers"]}
        for entry in content["studies"].values():
            told = entry["summary"]
            blocks = [_with_numbers(block, records, book) for block in told["headline"]]
            answer = Answer.from_dict(told["answer"])
            best = {
                key: book.add(_of_index(records[value["id"]])) if isinstance(value, dict) else value
                for key, value in told["best"].items()
            }
            entries.append({**told, "answer": answer, "headline": blocks, "best": best})
            trail["runs"] |= told["trails"]
            for run in told["trails"].values():
                trail["files"] |= {path: digest for _, path, digest in run["files"]}
    totals = {kind: sum(entry["answer"].counts[kind] for entry in entries) for kind in KINDS}
    return render(
        "index.html.j2",
        INDEX,
        options=options,
        entries=entries,
        overall=Answer(totals, []),
        trail=trail | {"numbers": book.trail()},
    )


def _with_numbers(
    block: dict[str, Any], records: dict[str, dict[str, Any]], book: NumberBook
) -> dict[str, Any]:
    """Put the numbers back into a headline that holds their ids."""
    rows = [
        row | {"numbers": [id_ and book.add(_of_index(records[id_])) for id_ in row["numbers"]]}
        for row in block["rows"]
    ]
    return block | {"rows": rows}


def _of_index(record: dict[str, Any]) -> Number:
    return replace(Number.from_record(record), page=INDEX)


def merge_numbers(contents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put what several ``numbers/<study>.json`` say into one."""
    merged: dict[str, Any] = {"studies": {}, "pages": {}, "files": {}, "numbers": []}
    for content in contents:
        for name in ("studies", "pages", "files"):
            merged[name] |= content[name]
        merged["numbers"] += content["numbers"]
    return merged


def write_index(numbers: Sequence[str | Path], folder: str | Path, options: str = "") -> list[Path]:
    """Write the index, the list for the search, and ``numbers.json`` for the whole report.

    Parameters
    ----------
    numbers : sequence of path
        The studies' ``numbers/<study>.json``, in the order of the index.
    folder : str or Path
        Where to, ``reports/build``.
    options : str
        What a printed command must repeat.

    Returns
    -------
    list of Path
        ``index.html``, ``search-index.js`` and ``numbers.json``.
    """
    folder = Path(folder)
    contents = [read_json(path) for path in numbers]
    book = NumberBook(INDEX)
    html = build_index(contents, book, options)
    with atomic_path(folder / INDEX) as temporary:
        temporary.write_text(html)
    merged = merge_numbers(contents)
    merged["pages"][INDEX] = sha256(html.encode()).hexdigest()
    studies = merged["studies"].values()
    found = write_search(folder / FILE, (entry for told in studies for entry in told["search"]))
    merged["pages"][FILE] = sha256(found.encode()).hexdigest()
    merged["numbers"] += [number_record(number, merged["files"]) for number in book]
    write_numbers(folder / "numbers.json", merged)
    return [folder / INDEX, folder / FILE, folder / "numbers.json"]
