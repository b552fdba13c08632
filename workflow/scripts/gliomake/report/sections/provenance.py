"""Sections about what stands behind the numbers: data, runs, commands."""

from functools import cached_property
from typing import ClassVar

from gliomake.report import evidence
from gliomake.report.sections.base import Section, given
from gliomake.report.table import Table


class Data(Section):
    """The data set and its splits."""

    id: ClassVar[str] = "data"
    title: ClassVar[str] = "Data and split"
    template: ClassVar[str] = "sections/data.html.j2"

    @cached_property
    def splits(self) -> Table:
        """Patients and slices of each split."""
        return evidence.split_table(self.inputs)

    @cached_property
    def fingerprint(self) -> Table:
        """The data set in numbers."""
        return evidence.fingerprint_table(self.inputs)

    def tables(self) -> list[Table]:
        """List both."""
        return [self.splits, self.fingerprint]


class Provenance(Section):
    """Facts, files and hashes of every run."""

    id: ClassVar[str] = "provenance"
    title: ClassVar[str] = "Provenance"
    template: ClassVar[str] = "sections/provenance.html.j2"

    @cached_property
    def runs(self) -> Table | None:
        """Facts of every training."""
        return evidence.runs_table(self.inputs)

    @property
    def is_shown(self) -> bool:
        """Every page has it: nothing trained is a fact as well."""
        return True

    def tables(self) -> list[Table]:
        """List the trainings, where there are any."""
        return given(self.runs)


class Rebuild(Section):
    """The command of every target."""

    id: ClassVar[str] = "rebuild"
    title: ClassVar[str] = "Reproduce"
    template: ClassVar[str] = "sections/rebuild.html.j2"
    # Its commands hold paths from the folder in which the report was built.
    unverified: ClassVar[tuple[str, ...]] = ("rebuild-table",)

    @cached_property
    def commands(self) -> Table:
        """The commands."""
        return evidence.rebuild_table(self.inputs)

    @property
    def is_shown(self) -> bool:
        """Every page has it."""
        return True
