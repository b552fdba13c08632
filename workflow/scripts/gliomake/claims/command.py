"""``gliomake audit``: the numbers of a report held against each other, without its data."""

import dataclasses
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from gliomake.claims.checks import TOPICS, run_checks
from gliomake.claims.findings import LEVELS, ClaimFinding
from gliomake.claims.outside import read_outside, template
from gliomake.claims.table import Claim, ClaimError
from gliomake.files.json_file import write_json
from gliomake.files.tsv import atomic_path
from gliomake.study.faults import SCHEMAS

WIDTH = 96
HEADINGS = {"inconsistent": "CONTRADICTION", "note": "WORTH KNOWING", "consistent": "AGREES"}


def audit_file(
    table: str | Path,
    *,
    page: Path | None = None,
    json_file: Path | None = None,
    all_: bool = False,
) -> int:
    """Check the numbers of a report against each other, and say what was found.

    Parameters
    ----------
    table : str or Path
        See `gliomake.claims.outside.read_outside`.
    page, json_file : Path, optional
        Where the findings are written as HTML, and as JSON.
    all_ : bool
        Whether what agrees is printed as well; page and JSON always hold it.

    Returns
    -------
    int
        0 where nothing contradicts, 1 where something does, 2 where the table cannot be read.
    """
    try:
        claims = read_outside(table)
    except ClaimError as error:
        print(f"gliomake: {error}", file=sys.stderr)
        return 2
    findings = run_checks(claims)
    for line in report_lines(claims, findings, all_):
        print(line)
    if json_file is not None:
        write_json(findings_json(claims, findings), json_file)
        print(f"findings: {json_file}")
    if page is not None:
        from gliomake.report.audit_page import audit_page  # needs jinja2, and a second

        html = audit_page(Path(table).name, claims, findings)
        page.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(page) as private:
            private.write_text(html, encoding="utf-8")
        print(f"page: {page}")
    return int(any(finding.level == "inconsistent" for finding in findings))


def print_template() -> int:
    """Print a table to fill in; 0."""
    schema = yaml.safe_load((SCHEMAS / "claims.schema.yaml").read_text(encoding="utf-8"))
    columns = {name: block["description"] for name, block in schema["properties"].items()}
    print(template(columns), end="")
    return 0


def report_lines(
    claims: Sequence[Claim], findings: Sequence[ClaimFinding], all_: bool = False
) -> Iterator[str]:
    """Put findings into lines for a terminal: contradictions first, what agrees only on request.

    Parameters
    ----------
    claims : sequence of Claim
        The numbers.
    findings : sequence of ClaimFinding
        What `gliomake.claims.checks.run_checks` found in them.
    all_ : bool
        Whether what agrees is among them.

    Yields
    ------
    str
        A line; the last one counts.
    """
    by_id = {claim.claim: claim for claim in claims}
    counts = dict.fromkeys(LEVELS, 0)
    for level in LEVELS:
        for finding in findings:
            if finding.level != level:
                continue
            counts[level] += 1
            if level != "consistent" or all_:
                yield from _finding_lines(finding, by_id)
    used = {name for finding in findings for name in finding.claims}
    yield (
        f"{_number(len(claims), 'number')}: {_number(counts['inconsistent'], 'contradiction')}, "
        f"{counts['note']} worth knowing, {_number(counts['consistent'], 'agreement')}; "
        f"{len(claims) - len(used)} of the numbers met no other"
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _finding_lines(finding: ClaimFinding, by_id: dict[str, Claim]) -> Iterator[str]:
    yield f"{HEADINGS[finding.level]}: {TOPICS[finding.check]}"
    yield from textwrap.wrap(finding.sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")
    for name in finding.claims:
        yield f"    {name}: {describe(by_id[name])}"
    if finding.numbers:
        shown = ", ".join(f"{name} {value:.6g}" for name, value in finding.numbers.items())
        yield from textwrap.wrap(
            f"arithmetic: {shown}", WIDTH, initial_indent="    ", subsequent_indent="      "
        )
    yield ""


def describe(claim: Claim) -> str:
    """Name a number: what it is, of what, and where it stands."""
    value = f"{claim.value}" + (" (printed in percent)" if claim.percent else "")
    about = ", ".join(
        part
        for part in (
            claim.model,
            claim.class_,
            claim.subset,
            f"epoch {claim.epoch}" if claim.epoch else "",
            claim.scope.replace("_", " "),
        )
        if part
    )
    where = f"; {claim.where}" if claim.where else ""
    return f"{claim.quantity} {value}" + (f" of {about}" if about else "") + where


def findings_json(claims: Sequence[Claim], findings: Sequence[ClaimFinding]) -> dict[str, Any]:
    """Put claims and findings into a JSON object."""
    return {
        "claims": [
            {
                "claim": claim.claim,
                "study": claim.study,
                "model": claim.model,
                "subset": claim.subset,
                "quantity": claim.quantity,
                "class": claim.class_,
                "value": claim.value,
                "where": claim.where,
            }
            for claim in claims
        ],
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
