"""The answer of a study: which reported numbers hold, which do not, and what the audit found."""

import math
import re
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from gliomake.claims.reproduce import metric_name
from gliomake.claims.verdict import Outcome
from gliomake.report.findings import ReportFinding, contradicted_claims, read_findings
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.keys import ClaimKey, Measured, ScoreKey, write_id
from gliomake.report.numbers import Number, NumberBook, optional
from gliomake.report.scores import StaleTableError, enter_score
from gliomake.report.table import Cell, Column, Table, scored, text
from gliomake.report.words import listed, metric_title, rule_title


class Kind(NamedTuple):
    """A kind of verdict: its icon, its label, and how one and several are named.

    Attributes
    ----------
    icon, label : str
        As shown beside a claim.
    one, several : str
        What is said of one such number and of several where they are counted.
    verbs : (str, str)
        What a sentence puts before these, for one and for several.
    """

    icon: str
    label: str
    one: str
    several: str
    verbs: tuple[str, str] = ("", "")

    def tally(self, count: int) -> str:
        """Name what was counted where no sentence is made."""
        return self.one if count == 1 else self.several

    def clause(self, count: int) -> str:
        """Name what was counted in a sentence whose subject is the count."""
        return f"{count} {self.verbs[count != 1]} {self.tally(count)}".replace("  ", " ")


KINDS = {
    "holds": Kind("✓", "reproduced", "reproduced", "reproduced", ("was", "were")),
    "fails": Kind("✗", "not reproduced", "not reproduced", "not reproduced", ("was", "were")),
    "contradicted": Kind(
        "✗",
        "inconsistent",
        "inconsistent with another number of the report",
        "inconsistent with other numbers of the report",
        ("is", "are"),
    ),
    "open": Kind("?", "inconclusive", "inconclusive", "inconclusive", ("is", "are")),
    "set": Kind(
        "=",
        "setting copied",
        "a setting copied from the report",
        "settings copied from the report",
        ("is", "are"),
    ),
    "missing": Kind("○", "cannot be reproduced", "cannot be reproduced", "cannot be reproduced"),
    "incomparable": Kind("–", "not tested", "not tested here", "not tested here", ("was", "were")),  # noqa: RUF001
}
COMMON = 4
"""A reason that so many claims share is said once."""
KIND_OF = {
    Outcome.HOLDS: "holds",
    Outcome.DIFFERS: "fails",
    Outcome.OPEN: "open",
    Outcome.SET: "set",
    Outcome.NOT_REPRODUCIBLE: "missing",
    Outcome.NOT_COMPARABLE: "incomparable",
}


def verdict_kind(claim: dict[str, Any], contradicted: Container[str]) -> str:
    """Name what the verdict on a claim comes to.

    Parameters
    ----------
    claim : dict
        A row of ``claims.tsv``.
    contradicted : container of str
        The claims that contradict others, see `gliomake.report.findings.contradicted_claims`.

    Returns
    -------
    str
        A key of `KINDS`. A contradiction in the document itself stands whatever was run.
    """
    if claim["claim"] in contradicted:
        return "contradicted"
    return KIND_OF[Outcome(claim["outcome"])]


@dataclass(frozen=True)
class Answer:
    """What stands at the top of a page.

    Attributes
    ----------
    counts : dict of str to int
        Number of claims by kind of verdict.
    findings : list of ReportFinding
        All findings, the most telling first.
    """

    counts: dict[str, int]
    findings: list[ReportFinding]

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> "Answer":
        """Read what `dataclasses.asdict` wrote."""
        return cls(told["counts"], [ReportFinding.from_dict(entry) for entry in told["findings"]])

    @property
    def total(self) -> int:
        """Number of reported numbers."""
        return sum(self.counts.values())

    @property
    def open(self) -> list[ReportFinding]:
        """Findings that a reader should see first."""
        return [finding for finding in self.findings if finding.is_open]

    @property
    def rest(self) -> list[ReportFinding]:
        """Findings that only agree."""
        return [finding for finding in self.findings if not finding.is_open]

    def sentence(self) -> str:
        """Write the counts in words."""
        parts = [KINDS[kind].clause(count) for kind, count in self.counts.items() if count]
        if not parts:
            return "The original report states no number."
        noun = "number" if self.total == 1 else "numbers"
        return f"Of {self.total} reported {noun}, {listed(parts)}."


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
    contradicted = contradicted_claims(inputs.findings)
    kinds = Counter(verdict_kind(claim, contradicted) for claim in claims)
    counts = {kind: kinds[kind] for kind in KINDS}
    return Answer(counts, read_findings(inputs.findings, claims))


CLAIM = "claim-"
"""Before a claim's short name: the id of its row."""


def short_name(inputs: StudyInputs, claim: dict[str, Any]) -> str:
    """Name a claim on its study's page, which needs not say the study."""
    return str(claim["claim"]).removeprefix(f"{inputs.id}.")


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
        Column("Claim", help="its number in config/claims.tsv"),
        Column("Reported", numeric=True),
        Column("Reproduced", numeric=True, help="with its 95 % interval"),
        Column("Verdict", choices=True, help="press it for the reason, where one is given"),
        Column("Quantity", choices=True),
        Column("Model", choices=True, optional=True),
        Column("Class", choices=True, optional=True),
        Column("Epoch", numeric=True, optional=True),
        Column("Averaging rule", help="of Reproduced; assumed where the report states none"),
        Column("Closest", numeric=True, help="the score of ours that comes closest to Reported"),
        Column("Closest by", help="the averaging rule that gives it"),
    ]
    caption = f"Every number of the original report, beside ours{inputs.masks(True)}"
    table = Table("claims-table", caption, columns, row_ids=CLAIM)
    contradicted = contradicted_claims(inputs.findings)
    claims = claim_rows(inputs)
    said_once = {each for each, _ in common_reasons(inputs)}
    for claim in claims:
        kind = verdict_kind(claim, contradicted)
        table.rows.append(_claim_row(inputs, book, claim, kind, said_once))
    return table.compact()


# Words of a verdict's sentence that its label says; where it goes on to what a check found, and
# from that to what was measured.
_WORDS = r"(?:not comparable|open|set as published|holds|does not hold|differs)"
_LABEL = re.compile(rf"^(?:inconsistent|{_WORDS})[^:;]*: ", re.IGNORECASE)
_ARITHMETIC, _VALUE = "; by arithmetic, ", re.compile(rf"; (?={_WORDS}\b[^;:]*: )")


def reasons(claim: dict[str, Any]) -> list[str]:
    """Take a verdict's sentence apart, without the words that its label says.

    Parameters
    ----------
    claim : dict
        A row of ``claims.tsv``.

    Returns
    -------
    list of str
        What was measured, or why it was not; what a check found. One or both, as sentences.
    """
    sentence = claim["verdict"].rstrip(".")
    if sentence.startswith("Inconsistent: "):
        parts = _VALUE.split(sentence, maxsplit=1)[::-1]
    else:
        parts = sentence.split(_ARITHMETIC, 1)
    return [f"{_capital(_LABEL.sub('', part))}." for part in parts]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def common_reasons(inputs: StudyInputs) -> list[tuple[str, int]]:
    """List the reasons that many claims share: they are said once, above the table.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    list of (str, int)
        Reason and how many claims have it; the most frequent first.
    """
    found = Counter(each for claim in claim_rows(inputs) for each in reasons(claim))
    return [(each, count) for each, count in found.most_common() if count >= COMMON]


def _claim_row(
    inputs: StudyInputs,
    book: NumberBook,
    claim: dict[str, Any],
    kind: str,
    said_once: Container[str],
) -> list[Cell]:
    ours = _ours(inputs, book, claim, "reproduced", claim["convention"])
    nearest = _ours(inputs, book, claim, "nearest_value", claim["nearest_convention"])
    order = list(KINDS).index(kind)
    note = " ".join(each for each in reasons(claim) if each not in said_once)
    return [
        text(short_name(inputs, claim), title=claim["claim"]),
        _reported(claim),
        scored(ours),
        Cell(KINDS[kind].label, order, kind=kind, title=claim["check"], note=note),
        text(metric_title(claim["quantity"])),
        text(claim["model"]),
        text(claim["class"]),
        _epoch(claim["epoch"]),
        text(rule_title(claim["convention"]) + (" (assumed)" if claim["assumed"] == "yes" else "")),
        scored(nearest),
        text(rule_title(claim["nearest_convention"])),
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
    return book.enter(
        ClaimKey(claim["claim"], column),
        study=inputs.id,
        value=value,
        interval=claim if column == "reproduced" else None,
        files=[files.counts if files else None, inputs.claims, *history],
        measured=Measured(
            claim["model"],
            claim["run"],
            claim["subset"],
            claim["class"],
            claim["quantity"],
            convention,
        ),
    )


def _score_of(
    inputs: StudyInputs, claim: dict[str, Any], convention: str, value: float
) -> dict[str, Any] | None:
    """Find the row of ``metrics.json`` that the audit took a value from; None where it is none."""
    if claim["model"] not in inputs.study.models:
        return None
    key = ScoreKey(
        claim["model"],
        claim["run"],
        claim["subset"],
        claim["class"] or inputs.study.classes[0],
        metric_name(claim["quantity"], claim["model"], inputs.study),
        convention,
        bool(inputs.study.postprocess),
    )
    score = inputs.scores_by_key.get(key)
    if score is None:
        return None
    told = optional(score["value"])
    if told is None or not math.isclose(told, value, rel_tol=1e-9, abs_tol=1e-9):
        raise StaleTableError(
            f"{inputs.claims}: claim {claim['claim']} has {value} for {write_id(key)}, but "
            f"metrics.json says {told}; the audit was made from other scores: delete "
            f"{inputs.claims} and build it again"
        )
    return score
