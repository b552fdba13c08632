"""Check the report: what rests on the counts is made again, and must be what the pages print.

``python -m gliomake.verify.check reports/build/numbers.json`` recomputes from the counts,
``--deep`` from the predictions. Every score, comparison and leak with its interval and its size,
the whole audit and every table are made again and compared with the files and with the pages.
What comes before the counts (histories, splits, the index of the data) is compared by its hash.
Each figure is bound to its two files and to those that it was drawn from. The exit status is 1
where anything differs, or where nothing is built.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliomake.files.contracts import FileError, read_json
from gliomake.report.index import merge_numbers
from gliomake.report.keys import read_id
from gliomake.report.numbers import Number, number_record
from gliomake.report.sections import study_sections
from gliomake.verify.difference import Difference, same
from gliomake.verify.files import ReportFiles
from gliomake.verify.numbers import BROKEN, Recomputation, Values, recompute
from gliomake.verify.pages import (
    changed_charts,
    changed_figures,
    changed_pages,
    changed_search,
    changed_search_file,
    changed_tables,
    read_pages,
)
from gliomake.verify.tables import rebuild

SHOWN = 50
BUILD = "snakemake --cores 2 all"


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
            + f"\nIf a file was meant to change, build the report again: {BUILD}"
        )


class MissingReportError(ValueError):
    """No report to verify, or none that this version can read."""


@dataclass(frozen=True)
class Verification:
    """What was checked and found right.

    Attributes
    ----------
    numbers, rows, files, pages : int
        How many of each; rows are those of the files that were made again.
    remarks : tuple of str
        What was not checked, and how it would be.
    """

    numbers: int
    rows: int
    files: int
    pages: int
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(
            [
                f"verified: {self.numbers} numbers recomputed, {self.rows} rows of scores, audit "
                f"and tables made again, {self.files} files and {self.pages} pages unchanged",
                *self.remarks,
            ]
        )


def verify(
    numbers: str | Path,
    *,
    root: str | Path = ".",
    deep: bool = False,
    studies: Sequence[str] = (),
) -> Verification:
    """Make what a report says again, and compare.

    Parameters
    ----------
    numbers : str or Path
        ``numbers.json``; the pages lie beside it. Where it is not built yet, the studies' pages
        that are there are verified, by ``numbers/<study>.json``.
    root : str or Path
        The folder in which the workflow ran.
    deep : bool
        Also make the counts again from the predictions, and hash predictions and weights.
    studies : sequence of str
        Those that the report should have; what is missing is remarked.

    Returns
    -------
    Verification
        How much was checked.

    Raises
    ------
    MissingReportError
        Nothing is built yet.
    VerificationError
        Something differs; it lists each file and number.
    """
    path, root = Path(numbers), Path(root)
    content = report_content(path)
    printed = [Number.from_record(record) for record in content["numbers"]]
    remarks = _unbuilt(path, content, studies)
    files = ReportFiles(content, root, deep)
    differences = [*files.changed(), *files.changed_listings()]
    missing = {difference.file for difference in differences if difference.recomputed == "missing"}
    pages = read_pages(path.parent, content["pages"])
    differences += changed_pages(content, path.parent, pages)
    differences += changed_search_file(content, path.parent)
    differences += _changed_records(content, printed)
    rows = 0
    for name, told in content["studies"].items():
        if any(run["counts"] in missing for run in told["runs"]):
            continue
        study = Recomputation(told, root, deep)
        differences += _changed_numbers(study, [each for each in printed if each.study == name])
        rebuilt = rebuild(study)
        rows += rebuilt.rows
        differences += rebuilt.differences
        if page := pages.get(study.inputs.page):
            sections = study_sections(study.inputs)
            differences += changed_tables(study.inputs, sections, page)
            differences += changed_charts(study.inputs, sections, page)
            differences += changed_figures(study.inputs, page)
            differences += changed_search(study.inputs, sections, told["search"])
    if differences:
        raise VerificationError(differences)
    compared = len(content["files"]) - len(files.passed_over)
    remarks += files.remarks()
    return Verification(len(printed), rows, compared, len(content["pages"]), tuple(remarks))


def report_content(path: Path) -> dict[str, Any]:
    """Read the report's numbers, or those of the studies that are built.

    Parameters
    ----------
    path : Path
        ``numbers.json``.

    Returns
    -------
    dict
        See `gliomake.report.numbers.write_numbers`.

    Raises
    ------
    MissingReportError
        Nothing is built yet, or by another version.
    """
    names = [path] if path.is_file() else sorted(path.with_suffix("").glob("*.json"))
    if not names:
        raise MissingReportError(
            f"there is no report yet ({path} is not there). Build it: {BUILD}; or one study, for "
            "example: snakemake --cores 2 lgg_encoders. Then verify again"
        )
    contents = []
    for name in names:
        try:
            content = read_json(name)
            if not all("search" in study for study in content["studies"].values()):
                raise ValueError("written by an older version, whose pages had no search")
            content = merge_numbers([content])
            for record in content["numbers"]:
                read_id(record["id"])
            contents.append(content)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise MissingReportError(
                f"{name}: not the numbers of a report ({error}). Build it again: rm {name}; {BUILD}"
            ) from error
    return merge_numbers(contents)


def _unbuilt(path: Path, content: dict[str, Any], studies: Sequence[str]) -> list[str]:
    """Describe what of the report is not there."""
    built = ", ".join(content["studies"])
    remarks = []
    if not path.is_file():
        remarks.append(f"Only pages of single studies are built, and were verified: {built}.")
    if absent := [study for study in studies if study not in content["studies"]]:
        remarks.append(f"Not in the report, and so not verified: {', '.join(absent)}.")
    return [*remarks, f"The whole report is built by: {BUILD}"] if remarks else []


def _changed_records(content: dict[str, Any], numbers: Sequence[Number]) -> Iterator[Difference]:
    """Compare what an entry says of its number with what its id and its value say."""
    for record, number in zip(content["numbers"], numbers, strict=True):
        for name, value in number_record(number, content["files"]).items():
            told = tuple(record[name]) if name == "others" else record.get(name)
            # Whether the counts have changed is told of the file itself.
            if told != value and name != "counts_sha256":
                yield Difference(number.page, f"{number.id}, {name}", str(told), str(value))


def _changed_numbers(study: Recomputation, numbers: Sequence[Number]) -> Iterator[Difference]:
    if study.deep:
        for (model, run), files in study.runs.items():
            if files["predictions"]:
                yield from _changed_counts(study, model, run, files["counts"])
    found, failures = recompute(study, numbers)
    for failure in failures:
        what = f"all of {failure.what}"
        yield Difference(failure.page, what, f"{failure.numbers} numbers", failure.reason)
    for number in numbers:
        reported = Values(number.value, number.ci_low, number.ci_high, number.n)
        again = found.get(number.key)
        if again and not all(map(same, reported, again)):
            yield Difference(number.page, number.id, _words(reported), _words(again))


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
    except (VerificationError, MissingReportError, FileError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
