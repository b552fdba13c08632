"""Check the report: every number is recomputed, and must be what the pages print.

``python -m gliomake.report.verify reports/build/numbers.json`` recomputes from the counts,
``--deep`` from the predictions. The exit status is 1 where anything differs.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from gliomake.provenance import file_sha256
from gliomake.report.recompute import BROKEN, Recomputation, Values, recompute

# Sums of floats may come out differently on another processor.
TOLERANCE = 1e-9
SHOWN = 50
LARGE = ("predictions.h5", "weights.safetensors")


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


class VerificationError(ValueError):
    """A report that does not follow from its files.

    Parameters
    ----------
    differences : list of Difference
        All that differs.
    """

    def __init__(self, differences: list[Difference]) -> None:
        self.differences = differences
        lines = [f"  {difference}" for difference in differences[:SHOWN]]
        if len(differences) > SHOWN:
            lines.append(f"  and {len(differences) - SHOWN} more")
        super().__init__(
            f"{len(differences)} things differ from what the report says:\n"
            + "\n".join(lines)
            + "\nIf a file was meant to change, build the report again."
        )


@dataclass(frozen=True)
class Verification:
    """What was checked and found right.

    Attributes
    ----------
    numbers, files, pages : int
        How many of each.
    """

    numbers: int
    files: int
    pages: int

    def __str__(self) -> str:
        return (
            f"verified: {self.numbers} numbers recomputed, {self.files} files and "
            f"{self.pages} pages unchanged"
        )


def verify(numbers: str | Path, *, root: str | Path = ".", deep: bool = False) -> Verification:
    """Recompute every number of a report.

    Parameters
    ----------
    numbers : str or Path
        ``numbers.json``; the pages lie beside it.
    root : str or Path
        The folder in which the workflow ran.
    deep : bool
        Also make the counts again from the predictions, and hash predictions and weights.

    Returns
    -------
    Verification
        How much was checked.

    Raises
    ------
    VerificationError
        Something differs; it lists each file and number.
    """
    path, root = Path(numbers), Path(root)
    content = json.loads(path.read_text())
    differences = list(_changed_files(content["files"], root, deep))
    missing = {difference.file for difference in differences if difference.recomputed == "missing"}
    differences += _changed_pages(content, path.parent)
    for name, study in content["studies"].items():
        if any(files["counts"] in missing for files in study["runs"]):
            continue
        own = [number for number in content["numbers"] if number["study"] == name]
        differences += _changed_numbers(Recomputation(study, root, deep), own)
    if differences:
        raise VerificationError(differences)
    return Verification(len(content["numbers"]), len(content["files"]), len(content["pages"]))


def _changed_files(files: dict[str, str], root: Path, deep: bool) -> Iterator[Difference]:
    for name, digest in files.items():
        # Hashing gigabytes is what --deep is for.
        if name.endswith(LARGE) and not deep:
            continue
        path = root / name
        found = file_sha256(path) if path.is_file() else "missing"
        if found != digest:
            yield Difference(name, "sha256", digest, found)


def _changed_numbers(study: Recomputation, numbers: list[dict[str, Any]]) -> Iterator[Difference]:
    if study.deep:
        for (model, run), files in study.runs.items():
            if files["predictions"]:
                yield from _changed_counts(study, model, run, files["counts"])
    found, failures = recompute(study, numbers)
    for failure in failures:
        what = f"all of {failure.what}"
        yield Difference(failure.page, what, f"{failure.numbers} numbers", failure.reason)
    for number in numbers:
        reported = Values(number["value"], number["ci_low"], number["ci_high"])
        again = found.get(number["id"])
        if again and not all(map(_same, reported, again)):
            yield Difference(number["page"], number["id"], _words(reported), _words(again))


def _changed_counts(study: Recomputation, model: str, run: str, file: str) -> Iterator[Difference]:
    try:
        changed = study.changed_counts(model, run)
    except BROKEN as error:
        yield Difference(file, "all rows", "counts of the predictions", str(error))
        return
    for row, told, counted in changed:
        yield Difference(file, f"row {row}", told, counted)


def _same(told: float | None, found: float | None) -> bool:
    if told is None or found is None:
        return told is found
    return math.isclose(told, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _words(values: Values) -> str:
    value, low, high = ("undefined" if each is None else f"{each:.8g}" for each in values)
    return value if values.ci_low is None else f"{value} ({low} to {high})"


def _changed_pages(content: dict[str, Any], folder: Path) -> Iterator[Difference]:
    """Compare what the pages print with the numbers."""
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
        if path.suffix == ".html":
            yield from _printed_otherwise(page, path, entered[page])


def _printed_otherwise(
    page: str, path: Path, numbers: dict[str, dict[str, Any]]
) -> Iterator[Difference]:
    reader = PageReader()
    reader.feed(path.read_text())
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


class PageReader(HTMLParser):
    """Read the numbers that a page prints, and those behind its script.

    Attributes
    ----------
    printed : list of (str, str)
        Id and text of each element with ``data-number``.
    trail : dict
        Content of the element ``trail``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.printed: list[tuple[str, str]] = []
        self.trail: dict[str, Any] = {"numbers": {}}
        self._number: str | None = None
        self._texts: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a number or the trail begins."""
        given = dict(attrs)
        if given.get("data-number"):
            self._number, self._texts = given["data-number"], []
        self._script = tag == "script" and given.get("id") == "trail"

    def handle_data(self, data: str) -> None:
        """Keep what stands in a number or in the trail."""
        if self._number:
            self._texts.append(data)
        if self._script:
            self.trail = json.loads(data)

    def handle_endtag(self, tag: str) -> None:
        """Close a number; it is a button."""
        self._script = False
        if tag == "button" and self._number:
            self.printed.append((self._number, " ".join("".join(self._texts).split())))
            self._number = None


def main(arguments: Iterable[str] | None = None) -> int:
    """Verify from the command line.

    Parameters
    ----------
    arguments : iterable of str, optional
        By default those of the process.

    Returns
    -------
    int
        0, or 1 where something differs.
    """
    parser = argparse.ArgumentParser(description="Recompute every number of the report.")
    parser.add_argument("numbers", type=Path, nargs="?", default="reports/build/numbers.json")
    parser.add_argument("--root", type=Path, default=".", help="where the workflow ran")
    parser.add_argument("--deep", action="store_true", help="from the predictions")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    try:
        print(verify(chosen.numbers, root=chosen.root, deep=chosen.deep))
    except VerificationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
