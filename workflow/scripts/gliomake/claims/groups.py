"""Reported numbers that meet: about the same model, subset, class, epoch and elements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

from gliomake.claims.quantities import NAMES
from gliomake.claims.table import Claim

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
    claims = [group.get(quantity, ()) for quantity in quantities]
    first, *others = claims
    # Of many tables the partners are looked for in the same one, before all are paired with all.
    same_place = [
        (claim, *rest)
        for claim in first
        for rest in product(*([c for c in each if c.where == claim.where] for each in others))
    ]
    yield from same_place or product(*claims)


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


def headed(claim: Claim, sentence: str) -> str:
    """Put what a score is of before a sentence about it; without one, the sentence stands alone."""
    what = subject(claim)
    return f"{what}: {sentence}" if what else f"{sentence[0].upper()}{sentence[1:]}"


def located(claim: Claim, text: str) -> str:
    """Say where in a document a claim's text stands, if the table says it."""
    return f"{text} in {claim.where}" if claim.where else text
