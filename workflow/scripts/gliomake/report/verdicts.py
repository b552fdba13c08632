"""The answer of a study: which reported numbers hold, which do not, and what the audit found."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from gliomake.report.findings import Finding, read_findings
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.numbers import Number, NumberBook, optional
from gliomake.report.scores import enter_score
from gliomake.report.table import Cell, Column, Table, scored, text


class Kind(NamedTuple):
    """A kind of verdict: its icon, its label, and how a sentence names one and several."""

    icon: str
    label: str
    one: str
    several: str

    def tally(self, count: int) -> str:
        """Name what was counted where no sentence is made."""
        return re.sub(r"^(is|are|was|were) ", "", self.one if count == 1 else self.several)


KINDS = {
    "holds": Kind("✓", "holds", "holds", "hold"),
    "fails": Kind("✗", "does not hold", "does not hold", "do not hold"),
    "contradicted": Kind(
        "✗", "contradictory", "contradicts another number", "contradict one another"
    ),
    "open": Kind("?", "open", "is open", "are open"),
    "set": Kind("=", "set as published", "was set as published", "were set as published"),
    "missing": Kind("○", "not reproducible", "cannot be reproduced", "cannot be reproduced"),
    "incomparable": Kind(
        "–",  # noqa: RUF001
        "not comparable",
        "is not comparable here",
        "are not comparable here",
    ),
}
OUTCOMES = {
    "holds": "holds",
    "differs": "fails",
    "open": "open",
    "set as published": "set",
    "not reproducible": "missing",
    "not comparable": "incomparable",
}


def verdict_kind(claim: dict[str, Any]) -> str:
    """Tell what the verdict on a claim comes to.

    Parameters
    ----------
    claim : dict
        A row of ``claims.tsv``.

    Returns
    -------
    str
        A key of `KINDS`. A contradiction in the document itself stands whatever was run.
    """
    if ": inconsistent" in str(claim["check"]):
        return "contradicted"
    return OUTCOMES[str(claim["outcome"])]


@dataclass(frozen=True)
class Answer:
    """What stands at the top of a page.

    Attributes
    ----------
    counts : dict of str to int
        Number of claims by kind of verdict.
    findings : list of Finding
        All findings, the most telling first.
    """

    counts: dict[str, int]
    findings: list[Finding]

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> "Answer":
        """Read what `dataclasses.asdict` wrote."""
        return cls(told["counts"], [Finding.from_dict(entry) for entry in told["findings"]])

    @property
    def total(self) -> int:
        """Number of reported numbers."""
        return sum(self.counts.values())

    @property
    def open(self) -> list[Finding]:
        """Findings that a reader should see first."""
        return [finding for finding in self.findings if finding.is_open]

    @property
    def rest(self) -> list[Finding]:
        """Findings that only agree."""
        return [finding for finding in self.findings if not finding.is_open]

    def sentence(self) -> str:
        """Say the counts in words."""
        parts = [
            f"{count} {KINDS[kind].one if count == 1 else KINDS[kind].several}"
            for kind, count in self.counts.items()
            if count
        ]
        if not parts:
            return "The document reports no number."
        listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
        noun = "number" if self.total == 1 else "numbers"
        return f"Of {self.total} reported {noun}, {listed}."


def answer(inputs: StudyInputs) -> Answer:
    """Read the audit's verdicts and findings.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    Answer
        For the head of the page.
    """
    claims = claim_rows(inputs)
    kinds = Counter(map(verdict_kind, claims))
    counts = {kind: kinds[kind] for kind in KINDS}
    return Answer(counts, read_findings(inputs.findings, claims))


def claim_rows(inputs: StudyInputs) -> list[dict[str, Any]]:
    """Read ``claims.tsv`` as text, so that a reported 0.50 stays 0.50."""
    return records(pd.read_csv(inputs.claims, sep="\t", dtype=str, keep_default_na=False))


def claims_table(inputs: StudyInputs, book: NumberBook) -> Table:
    """Put each reported number beside the reproduced one.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    book : NumberBook
        The page's numbers; the reproduced values are entered.

    Returns
    -------
    Table
        One row a claim.
    """
    columns = [
        Column("Claim"),
        Column("Verdict", choices=True),
        Column("Model", choices=True),
        Column("Quantity", choices=True),
        Column("Class", choices=True, optional=True),
        Column("Epoch", numeric=True, optional=True),
        Column("Reported", numeric=True),
        Column("Reproduced", numeric=True, help="with its 95 % interval"),
        Column("Convention", help="the way of counting; assumed where the document tells none"),
        Column("Nearest", numeric=True, help="our value that comes nearest to the reported one"),
        Column("Nearest under", help="the way of counting that gives it"),
    ]
    caption = f"Every number that the document reports, beside ours{inputs.masks(True)}"
    table = Table("claims-table", caption, columns)
    table.rows = [_claim_row(inputs, book, claim) for claim in claim_rows(inputs)]
    return table.compact()


def _claim_row(inputs: StudyInputs, book: NumberBook, claim: dict[str, Any]) -> list[Cell]:
    kind = verdict_kind(claim)
    ours = _ours(inputs, book, claim, "reproduced", claim["convention"])
    nearest = _ours(inputs, book, claim, "nearest_value", claim["nearest_convention"])
    order = list(KINDS).index(kind)
    verdict = Cell(KINDS[kind].label, order, kind=kind, title=claim["check"], note=claim["verdict"])
    return [
        text(claim["claim"].removeprefix(f"{inputs.id}."), title=claim["claim"]),
        verdict,
        text(claim["model"]),
        text(claim["quantity"].replace("_", " ")),
        text(claim["class"]),
        _epoch(claim["epoch"]),
        _reported(claim),
        scored(ours),
        text(claim["convention"] + (" (assumed)" if claim["assumed"] == "yes" else "")),
        scored(nearest),
        text(claim["nearest_convention"]),
    ]


def _epoch(value: Any) -> Cell:
    number = _float(value)
    return text(value) if number is None else Cell(f"{number:.0f}", number)


def _reported(claim: dict[str, Any]) -> Cell:
    number = _float(claim["reported"])
    if number is None:
        return Cell("in words", None, title=claim["note"])
    shown = f"{number:,.0f}" if abs(number) >= 1000 else str(claim["reported"])
    return Cell(shown, number, title="; ".join(filter(None, (claim["where"], claim["note"]))))


def _float(value: Any) -> float | None:
    try:
        return optional(value)
    except ValueError:
        return None


def _ours(
    inputs: StudyInputs, book: NumberBook, claim: dict[str, Any], column: str, convention: str
) -> Number | None:
    """Enter our value for a claim: the score that it is, else a number of the audit."""
    value = _float(claim[column])
    if value is None:
        return None
    score = None if _float(claim["epoch"]) else _score_of(inputs, claim, convention, value)
    if score is not None:
        return enter_score(inputs, book, score)
    files = next(
        (f for f in inputs.runs if (f.model, f.run) == (claim["model"], claim["run"])), None
    )
    history = [files.history] if files and files.history else []
    first = column == "reproduced"
    return book.add(
        Number(
            id=f"claim/{claim['claim']}/{column}",
            page=book.page,
            kind="claim",
            study=inputs.id,
            model=claim["model"],
            run=claim["run"],
            subset=claim["subset"],
            class_=claim["class"],
            metric=claim["quantity"],
            convention=convention,
            postprocess=False,
            value=value,
            ci_low=_float(claim["ci_low"]) if first else None,
            ci_high=_float(claim["ci_high"]) if first else None,
            n=None,
            counts=str(files.counts) if files else "",
            others=tuple(str(path) for path in (inputs.claims, *history)),
        )
    )


def _score_of(
    inputs: StudyInputs, claim: dict[str, Any], convention: str, value: float
) -> dict[str, Any] | None:
    """Find the row of ``metrics.json`` that the audit took a value from."""
    scores = inputs.scores
    metric = {"pixel_accuracy": "accuracy"}.get(claim["quantity"], claim["quantity"])
    found = scores[
        (scores["model"] == claim["model"])
        & (scores["run"] == claim["run"])
        & (scores["subset"] == claim["subset"])
        & (scores["class"] == (claim["class"] or inputs.study["classes"][0]))
        & scores["metric"].str.startswith(metric)
        & (scores["convention"] == convention)
        & (scores["postprocess"] == bool(inputs.study.get("postprocess")))
    ]
    near = found[(found["value"].astype(float) - value).abs() < 1e-9]
    return records(near)[0] if len(near) else None
