"""Checks of reported numbers against each other: arithmetic that needs no run.

A check takes claims and a context and returns what it found. It knows quantities, never studies:
claims meet where they are about the same model, subset, class, epoch and elements of one document.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gliomake.claims.quantities import NAMES
from gliomake.claims.table import Claim

LEVELS = ("inconsistent", "note", "consistent")
# A mean over slices, and nothing says which: how those empty in truth and mask count stays open.
SLICE_MEAN = "slice-*"


@dataclass(frozen=True)
class Finding:
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


Check = Callable[[Sequence[Claim], Context], list[Finding]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under its name."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


def run_checks(claims: Sequence[Claim], context: Context | None = None) -> list[Finding]:
    """Apply every check.

    Parameters
    ----------
    claims : sequence of Claim
        Of any number of studies. Give them all: sizes of a data set that one document states
        serve to check another.
    context : Context, optional
        What is known beside them.

    Returns
    -------
    list of Finding
        In the order of the registry; what contradicts itself first within a check.
    """
    context = context or Context()
    found = []
    for function in CHECKS.values():
        found += sorted(function(claims, context), key=lambda each: LEVELS.index(each.level))
    return found


def implied_conventions(claims: Sequence[Claim], findings: Sequence[Finding]) -> dict[str, str]:
    """Say under which convention each claim can have been computed, as far as that is known.

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


Group = dict[str, list[Claim]]


def by_quantity(claims: Iterable[Claim]) -> Iterator[Group]:
    """Gather reported results of one model, subset, class, epoch and kind of elements, by quantity.

    Yields
    ------
    dict of str to list of Claim
        Quantity to its claims; a quantity may be reported in several places.
    """
    groups: dict[tuple[str, ...], Group] = defaultdict(lambda: defaultdict(list))
    for claim in claims:
        # What lies out of range is found as that; arithmetic with it would find nothing but that.
        if claim.kind == "result" and claim.value and claim.is_possible:
            groups[claim.key][claim.quantity].append(claim)
    yield from groups.values()


def together(group: Group, *quantities: str) -> Iterator[tuple[Claim, ...]]:
    """Pair claims of several quantities, those of one place in the document first.

    A number that stands beside its partners is not paired with a repetition elsewhere, which may
    be rounded differently.

    Yields
    ------
    tuple of Claim
        One claim of each quantity.
    """
    tuples: list[tuple[Claim, ...]] = [()]
    for quantity in quantities:
        tuples = [(*each, claim) for each in tuples for claim in group.get(quantity, ())]
    same_place = [each for each in tuples if len({claim.where for claim in each}) == 1]
    yield from same_place or tuples


def ids(*claims: Claim) -> tuple[str, ...]:
    """List the ids of claims."""
    return tuple(claim.claim for claim in claims)


def label(claim: Claim) -> str:
    """Name a quantity in a sentence."""
    return NAMES.get(claim.quantity, claim.quantity.replace("_", " "))


def with_article(claim: Claim) -> str:
    """Name a quantity with its indefinite article, as it is spoken."""
    name = label(claim)
    spoken = name[0] in "aeiouI" or (name[0] in "AFHMNS" and name[1:2].isupper()) or name == "F1"
    return f"{'an' if spoken else 'a'} {name}"


def elements(claim: Claim) -> str:
    """Name what is counted: pixels, unless a claim is stated to be of images."""
    return "images" if "image" in claim.scope else "pixels"


def subject(claim: Claim) -> str:
    """Name what a score is of, as ``unet-v1, NEC, epoch 50``."""
    epoch = f"epoch {claim.epoch}" if claim.epoch.isdigit() else claim.epoch
    return ", ".join(part for part in (claim.model, claim.class_, epoch) if part)
