"""The section on scores of resized slices beside those on the scans' own grid."""

from functools import cached_property
from typing import Any, ClassVar

from gliomake.report.inputs import records
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Column, Table, plain, text
from gliomake.report.words import metric_title, rule_title
from gliomake.scoring.registry import METRICS

SHOWN = ("pooled", "patient")
"""Averaging rules of the page; the file has all."""


class Grids(Section):
    """What the size of the slices does to a score."""

    id: ClassVar[str] = "grids"
    title: ClassVar[str] = "Resized slices and the scans themselves"
    short: ClassVar[str] = "Both grids"
    template: ClassVar[str] = "sections/grids.html.j2"

    @cached_property
    def table(self) -> Table | None:
        """Scores on both grids."""
        frame = self.inputs.table(self.inputs.grids)
        if frame.empty:
            return None
        frame = frame[frame["metric"].isin(METRICS) & frame["convention"].isin(SHOWN)]
        rows = [
            [
                *(text(row[key]) for key in ("model", "subset", "class")),
                text(metric_title(row["metric"])),
                text(rule_title(row["convention"])),
                plain(row["value_resized"], whole=False),
                text(_reach(row, "resized")),
                plain(row["value_native"], whole=False),
                text(_reach(row, "native")),
            ]
            for row in records(frame)
            if not row["postprocess"]
        ]
        columns = [
            Column("Model", choices=True),
            Column("Subset", choices=True, chosen=self.inputs.reported_subset),
            Column("Class", choices=True),
            Column("Metric", choices=True, chosen=metric_title("dice")),
            Column("Averaging rule", choices=True),
            Column("Resized", numeric=True),
            Column("95 %", help="interval on resized slices"),
            Column("Scan", numeric=True, help="on the scan's own grid"),
            Column("95 %", help="interval on the scan's own grid"),
        ]
        return Table("grids-table", "Scores on both grids", columns, rows)

    def tables(self) -> list[Table]:
        """List the scores, where both grids were scored."""
        return given(self.table)


def _reach(row: dict[str, Any], grid: str) -> str:
    low, high = row[f"ci_low_{grid}"], row[f"ci_high_{grid}"]
    return "" if low != low or high != high else f"{low:.3f} to {high:.3f}"
