"""``gliomake check``: one number of the report made again from its files, with its arithmetic."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from gliomake.files.provenance import file_sha256
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.keys import (
    ClaimKey,
    ComparisonKey,
    IdError,
    Key,
    LeakageKey,
    ScoreKey,
    SliceKey,
    SpreadKey,
    read_id,
    write_id,
)
from gliomake.report.numbers import Number, optional
from gliomake.study.paths import Paths
from gliomake.verify.check import report_content
from gliomake.verify.difference import same
from gliomake.verify.explain import explain
from gliomake.verify.numbers import BROKEN, Recomputation, Values, part_of
from gliomake.verify.pages import read_pages

CLOSE = 3
"""Ids that are suggested in place of one that is unknown."""


class UnknownNumberError(ValueError):
    """An id that no number of the report has."""


@dataclass(frozen=True)
class Comparison:
    """What one place says of the number, and whether it is what was recomputed."""

    place: str
    says: str
    agrees: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.says}, {'the same' if self.agrees else 'DIFFERENT'}"


@dataclass(frozen=True)
class NumberCheck:
    """One number, made again.

    Attributes
    ----------
    number : Number
        As the report has it.
    found : Values
        As its files give it now.
    arithmetic : list of str
        How it is computed, line by line.
    places : list of Comparison
        Table and pages that say the number.
    files : list of Comparison
        Files behind it, by their sha256.
    """

    number: Number
    found: Values
    arithmetic: list[str]
    places: list[Comparison]
    files: list[Comparison]

    @property
    def agrees(self) -> bool:
        """Whether all places say what was recomputed, from files that did not change."""
        return all(each.agrees for each in (*self.places, *self.files))

    def lines(self) -> Iterator[str]:
        """Put the check into lines for a terminal."""
        yield whole_id(self.number)
        words = [f"{name} {value}" for name, value in self.number.words().items()]
        yield f"  {', '.join(words)}"
        yield "How it is computed"
        yield from (f"  {line}" for line in self.arithmetic)
        yield "Recomputed"
        yield f"  {_written(self.found)}"
        yield "What the report says"
        yield from (f"  {each}" for each in self.places)
        yield "Files behind it, with sha256"
        yield from (f"  {each}" for each in self.files)
        yield "equal" if self.agrees else "DIFFERENT: see the lines marked so"


def whole_id(number: Number) -> str:
    """Write a number's id with its study, which tells it from those of all pages."""
    return write_id(number.key, number.study)


def check_number(text: str, folder: str | Path = ".") -> NumberCheck:
    """Recompute one number of the report.

    Parameters
    ----------
    text : str
        Its id, with or without the study at its end, or the address of its panel.
    folder : str or Path
        Where the workflow ran.

    Returns
    -------
    NumberCheck
        The number, its arithmetic, and whether table, pages and files agree.

    Raises
    ------
    UnknownNumberError
        No number of the report has the id, or several studies have one; it names close ids.
    MissingReportError
        There is no report in the folder.
    """
    root = Path(folder)
    path = root / Paths().report.numbers
    content = report_content(path)
    records_ = _named(text, content["numbers"])
    numbers = [Number.from_record(record) for record in records_]
    first = numbers[0]
    study = Recomputation(_narrowed(content["studies"][first.study], first.key), root, deep=False)
    try:
        found = study.again(part_of(first.key)).get(first.key, Values(None))
        arithmetic = explain(study, first.key)
    except BROKEN as error:
        found, arithmetic = Values(None), [f"cannot be computed from its files: {error}"]
    told = _in_table(study.inputs, first.key)
    places = [_compared(path.relative_to(root).as_posix(), _values(first), found)]
    if told:
        file, values = told
        places.append(_compared(file.relative_to(root).as_posix(), values, found))
    places += _on_pages(path.parent, numbers, found)
    behind = [name for name in (first.counts, *first.others) if name]
    if told:
        behind.append(told[0].relative_to(root).as_posix())
    files = [_file(root, name, content["files"]) for name in dict.fromkeys(behind)]
    return NumberCheck(first, found, arithmetic, places, files)


def _named(text: str, entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Find the entries of a number, one a page that prints it."""
    page, hash_, id_ = unquote(text).rpartition("#")
    try:
        key, study = read_id(id_)
    except IdError:
        key, study = None, ""
    if hash_ and not study:
        # On a study's page, and on its cards, ids leave out what the address says.
        of_page = re.search(r"(?:cards/([^/]+)/[^/]+|([^/]+))\.html$", page)
        study = (of_page[1] or of_page[2]) if of_page else ""
    if key is None:
        raise _unknown(id_, entries)
    short = write_id(key)
    found = [each for each in entries if each["id"] in (short, f"{short}/{each['study']}")]
    found = [each for each in found if study in ("", each["study"])]
    studies = sorted({each["study"] for each in found})
    if len(studies) > 1:
        raise UnknownNumberError(
            f"{id_}: {len(studies)} studies have such a number; name one: "
            + ", ".join(f"'{write_id(key, name)}'" for name in studies)
        )
    if not found:
        raise _unknown(write_id(key, study), entries)
    return found


def _unknown(id_: str, entries: Iterable[Mapping[str, Any]]) -> UnknownNumberError:
    """Say that there is no such number, and which ids are like it."""
    known = {write_id(read_id(each["id"])[0], each["study"]) for each in entries}
    parts = set(id_.split("/"))
    # Comparing letters takes long: only those that share most parts are compared so.
    likely = sorted(known, key=lambda each: (-len(parts & set(each.split("/"))), each))[:100]
    close = difflib.get_close_matches(id_, likely, n=CLOSE, cutoff=0.5)
    hint = "a number's panel in the report shows its command"
    if close:
        hint = "did you mean " + " or ".join(f"'{each}'" for each in close) + "?"
    return UnknownNumberError(f"no number of the report has the id '{id_}'; {hint}")


def _narrowed(entry: dict[str, Any], key: Key) -> dict[str, Any]:
    """Leave out the runs that a score does not rest on, which would be scored with it."""
    if not isinstance(key, ScoreKey | SliceKey | ComparisonKey):
        return entry
    return entry | {"runs": [each for each in entry["runs"] if each["run"] == key.run]}


def _in_table(inputs: StudyInputs, key: Key) -> tuple[Path, Values] | None:
    """Find the number in the file of its kind; a slice's Dice stands in none."""
    if isinstance(key, ScoreKey):
        row = inputs.scores_by_key.get(key)
        return inputs.metrics[key.model], _row_values(row)
    if isinstance(key, ClaimKey):
        rows = {str(row["claim"]): row for row in records(inputs.table(inputs.claims))}
        row = rows.get(key.claim)
        interval = key.column == "reproduced"
        return inputs.claims, _row_values(row, key.column, None, interval)
    table: tuple[type[Key], Path | None, str, str | None, bool]
    if isinstance(key, ComparisonKey):
        table = ComparisonKey, inputs.comparisons, "difference", "n", True
    elif isinstance(key, LeakageKey):
        table = LeakageKey, inputs.leakage, "difference", "patients", True
    elif isinstance(key, SpreadKey):
        table = SpreadKey, inputs.spread, "sd", None, False
    else:
        return None
    kind, path, value, n, interval = table
    if path is None:
        return None
    found = {kind.of(row): row for row in records(inputs.table(path))}
    return path, _row_values(found.get(key), value, n, interval)


def _row_values(
    row: Mapping[str, Any] | None,
    value: str = "value",
    n: str | None = "n",
    interval: bool = True,
) -> Values:
    if row is None:
        return Values(None)
    low, high = (optional(row[name]) if interval else None for name in ("ci_low", "ci_high"))
    return Values(optional(row[value]), low, high, optional(row[n]) if n else None)


def _on_pages(folder: Path, numbers: Iterable[Number], found: Values) -> Iterator[Comparison]:
    """Compare what each page prints, and what its panel holds."""
    for number in numbers:
        page = read_pages(folder, [number.page]).get(number.page)
        if page is None:
            yield Comparison(number.page, "is not there", False)
            continue
        held = page.trail["numbers"].get(number.id)
        printed = [text for id_, text in page.printed if id_ == number.id]
        expected = _as_found(number, found).printed
        wrong = [text for text in printed if text != expected]
        values = Values(*held[:4]) if held else Values(None)
        agrees = not wrong and held is not None and all(map(same, values, found))
        says = f"prints {wrong[0] if wrong else printed[0]}" if printed else _written(values)
        yield Comparison(number.page, says, agrees)


def _as_found(number: Number, found: Values) -> Number:
    n = None if found.n is None else int(found.n)
    return replace(number, value=found.value, ci_low=found.ci_low, ci_high=found.ci_high, n=n)


def _values(number: Number) -> Values:
    return Values(number.value, number.ci_low, number.ci_high, number.n)


def _compared(place: str, told: Values, found: Values) -> Comparison:
    return Comparison(place, _written(told), all(map(same, told, found)))


def _file(root: Path, name: str, known: Mapping[str, str]) -> Comparison:
    digest = file_sha256(root / name) if (root / name).is_file() else "missing"
    if digest != known.get(name):
        return Comparison(name, f"{digest}, the report was made from {known.get(name)}", False)
    return Comparison(name, digest, True)


def _written(values: Values) -> str:
    value, low, high, n = ("undefined" if each is None else f"{each:.8g}" for each in values)
    interval = "" if values.ci_low is None else f", 95 % interval {low} to {high}"
    return value + interval + ("" if values.n is None else f", n {n}")
