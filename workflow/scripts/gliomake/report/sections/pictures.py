"""Sections that show slices, figures and the study's own tables."""

from functools import cached_property
from typing import Any, ClassVar

from gliomake.report import targets
from gliomake.report.numbers import Number
from gliomake.report.sections.base import Found, Section
from gliomake.report.table import Table
from gliomake.report.viewer import viewer_data


class Slices(Section):
    """Some slices with the true and the predicted masks."""

    id: ClassVar[str] = "slices"
    title: ClassVar[str] = "Slice viewer"
    template: ClassVar[str] = "sections/slices.html.j2"
    script: ClassVar[str] = "viewer.js"

    @cached_property
    def viewer(self) -> dict[str, Any]:
        """What the viewer shows; empty where there are no masks."""
        return viewer_data(self.inputs, self.book)

    @property
    def is_shown(self) -> bool:
        """Whether any run has masks."""
        return bool(self.viewer)

    def numbers(self) -> list[Number]:
        """List the Dice of each slice shown."""
        return list(self.book) if self.viewer else []

    def data(self) -> tuple[str, Any]:
        """Give the viewer its slices."""
        return "viewer-data", self.viewer


class Figures(Section):
    """The study's figures."""

    id: ClassVar[str] = "figures"
    title: ClassVar[str] = "Figures"
    template: ClassVar[str] = "sections/figures.html.j2"

    @cached_property
    def figures(self) -> list[dict[str, str]]:
        """Each with its title and its picture."""
        return targets.figures(self.inputs)

    @property
    def is_shown(self) -> bool:
        """Whether the study has figures."""
        return bool(self.inputs.figures)

    def found(self) -> list[Found]:
        """List the figures, by their captions."""
        return [
            Found("Figure", each["title"], each["words"], f"figure-{each['target']}")
            for each in self.figures
        ]


class Tables(Section):
    """The study's tables."""

    id: ClassVar[str] = "tables"
    title: ClassVar[str] = "Tables"
    template: ClassVar[str] = "sections/tables.html.j2"

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """Each with its title and its file."""
        return targets.target_tables(self.inputs, self.book)

    def tables(self) -> list[Table]:
        """List the study's tables."""
        return [entry["table"] for entry in self.entries]

    def found(self) -> list[Found]:
        """List the tables, by their titles."""
        return [
            each._replace(title=entry["title"], text=f"{each.title}: {each.text}")
            for entry, each in zip(self.entries, super().found(), strict=True)
        ]
