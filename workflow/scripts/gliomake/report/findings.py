"""The audit's findings as a page shows them: the weightiest first, those alike in one."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gliomake.claims.checks import TOPICS
from gliomake.files.contracts import read_json

# Kind of a finding: its icon and its name.
KINDS = {
    "contradicted": ("✗", "Contradiction"),
    "noted": ("!", "Worth knowing"),
    "holds": ("✓", "Agrees"),
}
LEVELS = {"inconsistent": "contradicted", "note": "noted", "consistent": "holds"}
# What these derive is worth reading where it agrees, too.
TELLING = frozenset({"accuracy-and-prevalence"})


@dataclass(frozen=True)
class ReportFinding:
    """What a check found about one model.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    check, sentence : str
        The check's name and what it says.
    claims : tuple of str
        The claims that the sentence is about.
    others : tuple of str
        Sentences of the same check and kind about other rows of the model.
    """

    kind: str
    check: str
    sentence: str
    claims: tuple[str, ...]
    others: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> "ReportFinding":
        """Read what `dataclasses.asdict` wrote."""
        return cls(**told | {name: tuple(told[name]) for name in ("claims", "others")})

    @property
    def topic(self) -> str:
        """What it is about, in plain words."""
        return TOPICS[self.check]

    @property
    def is_open(self) -> bool:
        """Whether the page shows it without being asked."""
        return self.kind != "holds" or self.check in TELLING


def read_findings(path: str | Path, claims: Iterable[Mapping[str, Any]]) -> list[ReportFinding]:
    """Read ``findings.json`` and put those alike into one.

    Parameters
    ----------
    path : str or Path
        The audit's findings.
    claims : iterable of mapping
        Rows of ``claims.tsv``: the model and the epoch of each claim.

    Returns
    -------
    list of ReportFinding
        Contradictions first, then by topic. Those of one check, kind and model are one: the
        sentence is that of the last epoch, since it is what the document ends on.
    """
    about = {str(claim["claim"]): claim for claim in claims}
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in read_json(path):
        first = about.get(entry["claims"][0], {}) if entry["claims"] else {}
        key = (LEVELS[entry["level"]], entry["check"], str(first.get("model", "")))
        groups[key].append(entry | {"epoch": _epoch(first.get("epoch", ""))})
    found = []
    for (kind, check, _), entries in groups.items():
        chosen = max(entries, key=lambda entry: entry["epoch"])
        others = tuple(entry["sentence"] for entry in entries if entry is not chosen)
        claims_of = tuple(chosen["claims"])
        found.append(ReportFinding(kind, check, chosen["sentence"], claims_of, others))
    return sorted(found, key=_rank)


def contradicted_claims(path: str | Path) -> set[str]:
    """List the claims that contradict others.

    Parameters
    ----------
    path : str or Path
        The audit's findings, ``findings.json``.

    Returns
    -------
    set of str
        Ids of claims.
    """
    entries = [each for each in read_json(path) if LEVELS[each["level"]] == "contradicted"]
    return {claim for entry in entries for claim in entry["claims"]}


def _epoch(epoch: Any) -> float:
    """Give the epoch's number; a result without one is final."""
    return float(epoch) if str(epoch).isdigit() else math.inf


def _rank(finding: ReportFinding) -> tuple[int, int]:
    return list(KINDS).index(finding.kind), list(TOPICS).index(finding.check)
