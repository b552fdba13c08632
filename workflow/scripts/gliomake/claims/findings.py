"""What a check of reported numbers finds, and what it may know beside them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gliomake.claims.table import Claim

LEVELS = ("inconsistent", "note", "consistent")
# A mean over slices, and nothing says which: how those empty in truth and mask count stays open.
SLICE_MEAN = "slice-*"


@dataclass(frozen=True)
class ClaimFinding:
    """What a check found.

    Attributes
    ----------
    level : str
        ``inconsistent``: rounding cannot explain it. ``consistent``: within rounding. ``note``:
        nothing is wrong, and the reader should know.
    claims : tuple of str
        Ids of the claims involved.
    sentence : str
        One plain sentence.
    numbers : dict of str to float
        The arithmetic behind the sentence.
    implies : dict of str to str
        The convention under which a claim can have been computed, `SLICE_MEAN` where several can
        (of a split's size: the kind of split that gives it), by claim id.
    """

    check: str
    level: str
    claims: tuple[str, ...]
    sentence: str
    numbers: dict[str, float] = field(default_factory=dict)
    implies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the level."""
        if self.level not in LEVELS:
            known = ", ".join(LEVELS)
            raise ValueError(f"check {self.check}: level {self.level!r}; expected one of {known}")


@dataclass(frozen=True)
class Context:
    """What is known beside the claims.

    Attributes
    ----------
    datasets : mapping of str to str
        The data set of each study; studies of one data set share its totals.
    background : mapping of (study, subset) to float
        The share of pixels that are background, counted in the documents' own data set.
    losses : mapping of (study, model) to mapping
        The ``loss`` block of a model.
    """

    datasets: Mapping[str, str] = field(default_factory=dict)
    background: Mapping[tuple[str, str], float] = field(default_factory=dict)
    losses: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def dataset(self, claim: Claim) -> str:
        """Name the data set of a claim; the study's own name where none is known."""
        return self.datasets.get(claim.study) or claim.dataset or claim.study

    def slice_totals(self, claims: Iterable[Claim]) -> dict[str, int]:
        """Give the slices of each data set, where a document states them or all three subsets."""
        sizes: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for claim in claims:
            if claim.quantity == "slices" and not claim.approximate and claim.value:
                sizes[self.dataset(claim), claim.study][claim.subset] = int(claim.number)
        totals = {key[0]: parts["all"] for key, parts in sizes.items() if "all" in parts}
        return totals | {
            dataset: sum(parts[subset] for subset in ("train", "val", "test"))
            for (dataset, _), parts in sizes.items()
            if {"train", "val", "test"} <= set(parts)
        }


def implied_conventions(
    claims: Sequence[Claim], findings: Sequence[ClaimFinding]
) -> dict[str, str]:
    """Name the convention under which each claim can have been computed, as far as that is known.

    A statement of the document wins. Else one column of numbers has one convention: the strongest
    finding about a model, subset and quantity speaks for every class and epoch of it, since an
    early epoch may agree with a convention by chance, and one that disagrees excludes it.

    Returns
    -------
    dict of str to str
        By claim id; without the claims of which nothing is known.
    """
    by_id = {claim.claim: claim for claim in claims}

    def column(claim: Claim) -> tuple[str, ...]:
        return (claim.study, claim.model, claim.subset, claim.quantity, claim.scope)

    columns: dict[tuple[str, ...], str] = {}
    for finding in sorted(findings, key=lambda each: LEVELS.index(each.level)):
        for name, convention in finding.implies.items():
            columns.setdefault(column(by_id[name]), convention)
    implied = {}
    for claim in claims:
        if claim.aggregation == "image level":
            implied[claim.claim] = "image"
        elif column(claim) in columns:
            implied[claim.claim] = columns[column(claim)]
    return implied
