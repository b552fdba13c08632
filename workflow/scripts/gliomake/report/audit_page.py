"""A page of what the numbers of a report say of each other, without its data."""

from collections.abc import Sequence
from dataclasses import dataclass

from gliomake.claims.checks import TOPICS
from gliomake.claims.findings import ClaimFinding
from gliomake.claims.table import Claim
from gliomake.report.findings import KINDS, LEVELS
from gliomake.report.render import render
from gliomake.report.table import Cell, Column, Table, text

# The report's icons for verdicts, by the kind of a finding.
_VERDICTS = {"contradicted": "contradicted", "noted": "open", "holds": "holds"}


@dataclass(frozen=True)
class Shown:
    """A finding as the page shows it.

    Attributes
    ----------
    kind : str
        A key of `gliomake.report.findings.KINDS`.
    topic, sentence, check : str
        What it is about, what it says, and the check's name.
    claims : list of Claim
        The numbers that it is about.
    numbers : list of (str, str)
        The arithmetic: what was computed, and the value.
    """

    kind: str
    topic: str
    sentence: str
    check: str
    claims: list[Claim]
    numbers: list[tuple[str, str]]


def audit_page(name: str, claims: Sequence[Claim], findings: Sequence[ClaimFinding]) -> str:
    """Write the page.

    Parameters
    ----------
    name : str
        The table's file name.
    claims : sequence of Claim
        The numbers.
    findings : sequence of ClaimFinding
        What the checks found in them.

    Returns
    -------
    str
        HTML that needs no other file.
    """
    by_id = {claim.claim: claim for claim in claims}
    shown = [
        Shown(
            LEVELS[finding.level],
            TOPICS[finding.check],
            finding.sentence,
            finding.check,
            [by_id[each] for each in finding.claims],
            [(key, f"{value:.6g}") for key, value in finding.numbers.items()],
        )
        for finding in findings
    ]
    groups = {kind: [each for each in shown if each.kind == kind] for kind in KINDS}
    return render(
        "audit.html.j2",
        "the audit's page",
        name=name,
        groups=groups,
        claims=claims,
        table=_table(claims, shown),
        trail={},
    )


def _table(claims: Sequence[Claim], shown: Sequence[Shown]) -> Table:
    """List every number, with the worst that any check says of it."""
    worst: dict[str, str] = {}
    for kind in reversed(KINDS):
        for finding in shown:
            if finding.kind == kind:
                worst |= {claim.claim: kind for claim in finding.claims}
    columns = [
        Column("Row"),
        Column("Report", choices=True, optional=True),
        Column("Model", choices=True, optional=True),
        Column("Subset", choices=True, optional=True),
        Column("Class", choices=True, optional=True),
        Column("Quantity", choices=True),
        Column("Printed", numeric=True, help="as a share of 1, with its printed digits"),
        Column("Where", choices=True, optional=True),
        Column("Over", optional=True, help="the elements that a score is over, as stated"),
        Column("Checks", choices=True),
    ]
    said = {"contradicted": "contradicts", "noted": "worth knowing", "holds": "agrees"}
    rows = []
    for claim in claims:
        kind = worst.get(claim.claim, "")
        rows.append(
            [
                text(claim.claim),
                *(text(each) for each in (claim.study, claim.model, claim.subset, claim.class_)),
                text(claim.quantity),
                Cell(claim.value, claim.number) if claim.value else text("in words"),
                text(claim.where),
                text(claim.scope.replace("_", " ")),
                text(said[kind], kind=_VERDICTS[kind]) if kind else text("met no other number"),
            ]
        )
    return Table("claims", "Every number of the table", columns, rows).compact()
