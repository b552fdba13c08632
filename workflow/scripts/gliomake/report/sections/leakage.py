"""The section about the effect of leakage."""

from functools import cached_property
from typing import ClassVar

from gliomake.report import evidence, leaks
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Table


class Leakage(Section):
    """What patients on both sides of a split add to a score."""

    id: ClassVar[str] = "leakage"
    title: ClassVar[str] = "Effect of data leakage"
    short: ClassVar[str] = "Leakage"
    template: ClassVar[str] = "sections/leakage.html.j2"

    @cached_property
    def protocols(self) -> Table | None:
        """The split of slices beside that by patient."""
        return leaks.protocol_table(self.inputs, self.book)

    @cached_property
    def leakage(self) -> Table | None:
        """The effect, measured in pairs of trainings."""
        return leaks.leakage_table(self.inputs, self.book)

    @cached_property
    def spread(self) -> Table | None:
        """What model, fold and seed move."""
        return leaks.spread_table(self.inputs, self.book)

    @property
    def leaks(self) -> list[str]:
        """Warnings of splits with patients on both sides."""
        return evidence.split_leaks(self.inputs)

    def tables(self) -> list[Table]:
        """List what was measured."""
        return given(self.protocols, self.leakage, self.spread)
