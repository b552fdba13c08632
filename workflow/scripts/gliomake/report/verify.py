"""Check the report: what rests on the counts is made again, and must be what the pages print.

``python -m gliomake.report.verify reports/build/numbers.json`` recomputes from the counts,
``--deep`` from the predictions. Every score, comparison and leak with its interval and its size,
the whole audit and every table are made again and compared with the files and with the pages.
What comes before the counts (histories, splits, the index of the data) is compared by its hash. The
exit status is 1 where anything differs.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliomake.contracts import FileError, read_json
from gliomake.provenance import file_sha256
from gliomake.report.difference import Difference, same
from gliomake.report.printed import changed_pages, changed_tables, read_pages
from gliomake.report.rebuild import rebuild
from gliomake.report.recompute import BROKEN, Recomputation, Values, recompute

SHOWN = 50
LARGE = (".h5", ".safetensors")


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
    numbers, rows, files, pages : int
        How many of each; rows are those of the files that were made again.
    """

    numbers: int
    rows: int
    files: int
    pages: int

    def __str__(self) -> str:
        return (
            f"verified: {self.numbers} numbers recomputed, {self.rows} rows of scores, audit and "
            f"tables made again, {self.files} files and {self.pages} pages unchanged"
        )


def verify(numbers: str | Path, *, root: str | Path = ".", deep: bool = False) -> Verification:
    """Make what a report says again, and compare.

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
    content = read_json(path)
    differences = list(_changed_files(content["files"], root, deep))
    missing = {difference.file for difference in differences if difference.recomputed == "missing"}
    pages = read_pages(path.parent, content["pages"])
    differences += changed_pages(content, path.parent, pages)
    rows = 0
    for name, told in content["studies"].items():
        if any(files["counts"] in missing for files in told["runs"]):
            continue
        study = Recomputation(told, root, deep)
        own = [number for number in content["numbers"] if number["study"] == name]
        differences += _changed_numbers(study, own)
        rebuilt = rebuild(study)
        rows += rebuilt.rows
        differences += rebuilt.differences
        if page := pages.get(study.inputs.page):
            differences += changed_tables(study.inputs, page)
    if differences:
        raise VerificationError(differences)
    sizes = (len(content[name]) for name in ("files", "pages"))
    return Verification(len(content["numbers"]), rows, *sizes)


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
        reported = Values(*(number[name] for name in Values._fields))
        again = found.get(number["id"])
        if again and not all(map(same, reported, again)):
            yield Difference(number["page"], number["id"], _words(reported), _words(again))


def _changed_counts(study: Recomputation, model: str, run: str, file: str) -> Iterator[Difference]:
    try:
        changed = study.changed_counts(model, run)
    except BROKEN as error:
        yield Difference(file, "all rows", "counts of the predictions", str(error))
        return
    for row, told, counted in changed:
        yield Difference(file, f"row {row}", told, counted)


def _words(values: Values) -> str:
    value, low, high, n = ("undefined" if each is None else f"{each:.8g}" for each in values)
    interval = "" if values.ci_low is None else f" ({low} to {high})"
    return value + interval + ("" if values.n is None else f", n {n}")


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
    except (VerificationError, FileError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
