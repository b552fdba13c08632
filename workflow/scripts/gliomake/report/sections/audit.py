"""Sections about the reported numbers: what the checks found, and each beside ours."""

from functools import cached_property
from typing import Any, ClassVar

from gliomake.report import verdicts
from gliomake.report.downloads import download
from gliomake.report.sections.base import Found, Section
from gliomake.report.table import Table
from gliomake.report.words import column_title


class Findings(Section):
    """What the reported numbers say by themselves, and how many were reproduced."""

    id: ClassVar[str] = "answer"
    title: ClassVar[str] = "Findings"
    template: ClassVar[str] = "sections/findings.html.j2"

    @cached_property
    def answer(self) -> verdicts.Answer:
        """The audit's findings and the counts of its verdicts."""
        return verdicts.answer(self.inputs)

    @property
    def is_shown(self) -> bool:
        """Whether the study has reported numbers."""
        return self.answer.total > 0

    def found(self) -> list[Found]:
        """List what the checks found."""
        found = (*self.answer.open, *self.answer.rest)
        return [Found("Finding", each.topic, each.sentence) for each in found]


class Claims(Section):
    """Every reported number beside the reproduced one."""

    id: ClassVar[str] = "claims"
    title: ClassVar[str] = "Reported and reproduced"
    template: ClassVar[str] = "sections/claims.html.j2"

    @cached_property
    def _table(self) -> Table:
        return verdicts.claims_table(self.inputs, self.book)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The reasons of verdicts that many claims share."""
        return verdicts.common_reasons(self.inputs)

    @property
    def files(self) -> list[dict[str, str]]:
        """The audit's files, as downloads."""
        kinds = {self.inputs.claims: "text/tab-separated-values"}
        return [
            download(path, kinds.get(path, "application/json"))
            for path in (self.inputs.claims, self.inputs.findings)
        ]

    def tables(self) -> list[Table]:
        """List the table of claims, where the study has any."""
        return [self._table] if self._table.rows else []

    def found(self) -> list[Found]:
        """List the table and each claim."""
        claims = (self._claim(row) for row in verdicts.claim_rows(self.inputs))
        return [*super().found(), *claims]

    def _claim(self, claim: dict[str, Any]) -> Found:
        """Name a claim by what it is about."""
        of = [claim["model"], claim["class"], claim["epoch"] and f"epoch {claim['epoch']}"]
        about = ", ".join(filter(None, [column_title(claim["quantity"]), *of]))
        title = f"{claim['claim']}: {about}, reported {claim['reported']}"
        anchor = f"{verdicts.CLAIM}{verdicts.short_name(self.inputs, claim)}"
        return Found("Claim", title, claim["where"], anchor)
