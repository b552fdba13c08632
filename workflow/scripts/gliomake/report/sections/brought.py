"""The section on predictions that were brought along: what was there, and what was not."""

from functools import cached_property
from typing import ClassVar

from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import records
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Column, Table, plain, text


class BroughtAlong(Section):
    """Predictions that were made elsewhere."""

    id: ClassVar[str] = "brought"
    title: ClassVar[str] = "Predictions made elsewhere"
    short: ClassVar[str] = "Made elsewhere"
    template: ClassVar[str] = "sections/brought.html.j2"

    @cached_property
    def models(self) -> Table | None:
        """How many cases each model predicts."""
        rows = []
        for model, table in self._listed.items():
            whole = int((table["missing"] == 0).sum())
            missing = int((table["missing"] > 0).sum())
            place = self.inputs.study.brought[model]
            rows.append(
                [
                    text(model),
                    plain(len(table)),
                    plain(whole),
                    plain(missing),
                    plain(int(table["missing"].sum())),
                    text(place.pattern),
                ]
            )
        columns = [
            Column("Model"),
            Column("Cases", numeric=True, help="of the split's validation and test set"),
            Column("Predicted whole", numeric=True),
            Column("With missing slices", numeric=True),
            Column("Missing slices", numeric=True, help="they count as empty"),
            Column("Files"),
        ]
        caption = "Cases of each model"
        return Table("brought-models", caption, columns, rows) if rows else None

    @cached_property
    def remarks(self) -> Table | None:
        """The cases for which something was missing, or of which something must be known."""
        rows = [
            [
                text(model),
                text(row["case"]),
                plain(row["missing"]),
                plain(row["slices"]),
                text(row["note"]),
            ]
            for model, table in self._listed.items()
            for row in records(table[(table["missing"] > 0) | (table["note"] != "")])
        ]
        columns = [
            Column("Model", choices=True),
            Column("Case"),
            Column("Missing slices", numeric=True, help="they count as empty"),
            Column("Slices", numeric=True),
            Column("Note", optional=True),
        ]
        caption = "Cases without a whole prediction, and notes"
        return Table("brought-cases", caption, columns, rows).compact() if rows else None

    @cached_property
    def _listed(self) -> dict:
        return {files.model: read_tsv(files.brought) for files in self.inputs.runs if files.brought}

    def tables(self) -> list[Table]:
        """List the models and what is to be remarked."""
        return given(self.models, self.remarks)
