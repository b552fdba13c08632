"""The section of the reporting checklist: what the run fills in, and what is left to people."""

from collections import Counter
from functools import cached_property
from pathlib import PurePosixPath
from typing import ClassVar

import pandas as pd

from gliomake.report.sections.base import Section
from gliomake.report.table import Column, Table, text


class Checklist(Section):
    """CLAIM 2024, item by item."""

    id: ClassVar[str] = "checklist"
    title: ClassVar[str] = "Reporting checklist (CLAIM 2024)"
    short: ClassVar[str] = "Checklist"
    template: ClassVar[str] = "sections/checklist.html.j2"

    @cached_property
    def items(self) -> pd.DataFrame:
        """The items and their answers, made from the files anew."""
        # A checklist says what the cards say, which are part of this package.
        from gliomake.reporting.checklist import checklist

        return checklist(self.inputs)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many items have each status."""
        from gliomake.reporting.checklist import summary

        return list(summary(self.items).items())

    @property
    def path(self) -> str:
        """Where the same stands as a file."""
        return f"results/{self.inputs.id}/reporting/claim2024.tsv"

    @cached_property
    def table(self) -> Table:
        """The items."""
        columns = [
            Column("Item"),
            Column("Part", choices=True),
            Column("What is asked"),
            Column("Status", choices=True),
            Column("Answer"),
            Column("Files", help="by name, and how many; the file has their paths and hashes"),
        ]
        rows = [
            [
                text(str(row["item"])),
                *(text(row[name]) for name in ("part", "asks", "status")),
                text(_told(row["value"], row["left"])),
                text(_names(row["file"])),
            ]
            for row in self.items.to_dict("records")
        ]
        return Table("checklist-table", "The items of CLAIM 2024, in our own words", columns, rows)

    def tables(self) -> list[Table]:
        """List the checklist."""
        return [self.table]


def _told(value: str, left: str) -> str:
    """Put an answer before what is left for people; where there is none, that is the reason."""
    return f"{value}. Left: {left}" if value and left else value or left


def _names(files: str) -> str:
    """Name files without their folders: those of several models as one, with their number.

    >>> _names("results/s/a/r/train.json results/s/b/r/train.json results/data/d/cases.tsv")
    '2 train.json, cases.tsv'
    """
    counts = Counter(PurePosixPath(file).name for file in files.split())
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())
