"""Checks of many scores at once: prevalence, one table of counts, whole numbers, folds."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from gliomake.claims.cells import FRACTIONS
from gliomake.claims.feasible import (
    LINEAR_OVER_FOLDS,
    even_folds,
    fold_counts_exist,
    share_counts_exist,
    whole_counts,
)
from gliomake.claims.findings import ClaimFinding, Context
from gliomake.claims.groups import Group, by_quantity, elements, headed, ids, label, together
from gliomake.claims.interval import over_ends
from gliomake.claims.quantities import SYNONYMS, is_of
from gliomake.claims.table import Claim

ACCURACY = ("accuracy", "pixel_accuracy")
WHOLE = (*FRACTIONS, "balanced_accuracy", "kappa", "mcc")
# What other checks compare, with f1 as dice and pixel accuracy as accuracy.
_COMPARED = (
    {"dice", "iou"},
    {"dice", "precision", "recall"},
    {"accuracy", "recall", "specificity"},
    {"accuracy", "recall", "specificity", "dice"},
    {"accuracy", "recall", "specificity", "precision"},
)
_FORMULA = {other: name for name, other in SYNONYMS}
# Numbers of one-hot classes, the background among them.
_CLASSES = range(2, 11)


def prevalence_by_precision(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Solve precision, recall and specificity for the prevalence, and hold it against others."""
    named = {(claim.study, claim.class_) for claim in claims if claim.class_ not in ("", "mean")}
    found = []
    for group in by_quantity(claims):
        for trio in together(group, "precision", "recall", "specificity"):
            # What is known of the data is the background of all classes.
            one_class = sum(study == trio[0].study for study, _ in named) < 2
            found += _prevalence_findings(group, trio, context if one_class else Context())
    return found


def _prevalence(p: float, r: float, s: float) -> float:
    """Solve P = x R / (x R + (1 - x)(1 - S)) for x; NaN where every prevalence will do."""
    hit, alarm = p * (1 - s), r * (1 - p)
    return hit / (hit + alarm) if hit + alarm > 1e-15 else float("nan")


def _accuracy(p: float, r: float, s: float) -> float:
    prevalence = _prevalence(p, r, s)
    return prevalence * r + (1 - prevalence) * s


def _prevalence_findings(
    group: Group, trio: tuple[Claim, ...], context: Context
) -> list[ClaimFinding]:
    name, reaches = "prevalence-by-precision", [claim.interval.clip() for claim in trio]
    reach, accuracies = over_ends(_prevalence, *reaches), over_ends(_accuracy, *reaches)
    value = _prevalence(*(claim.number for claim in trio))
    # NaN: a corner of the rounding leaves the prevalence open.
    if not reach.high - reach.low < 1 or value != value:
        return []
    is_mean = trio[0].class_ == "mean"
    numbers = {"prevalence": value, "prevalence low": reach.low, "prevalence high": reach.high}
    listed = ", ".join(f"{label(claim)} {claim.value}" for claim in trio)
    sentence = (
        f"{listed[0].upper()}{listed[1:]} put the class in {value:.2%} of the {elements(trio[0])}"
    )
    fits = [k for k in _CLASSES if 1 / k in reach and reach.high - reach.low < 0.1 / k]
    if len(fits) == 1:
        sentence += (
            f", and 1/{fits[0]} is what micro means over {fits[0]} one-hot classes would give, "
            "which count the background as well"
        )
    elif is_mean:
        return []  # Of a mean over classes with their own prevalences it says nothing.
    background = context.background.get((trio[0].study, trio[0].subset))
    if background is not None and not is_mean:
        numbers |= {"prevalence in the data": 1 - background}
        sentence += f"; in the data it is {1 - background:.2%}"
    found: list[ClaimFinding] = []
    partners = [claim for quantity in ACCURACY for claim in group.get(quantity, ())]
    for partner in () if is_mean else partners:
        agrees = partner.interval.overlaps(accuracies)
        middle = _accuracy(*(claim.number for claim in trio))
        says = (
            f"they give an accuracy of {middle:.4f}, {'and' if agrees else 'not'} {partner.value}"
        )
        level = "consistent" if agrees else "inconsistent"
        tail = "is reported: consistent" if agrees else "as one count would"
        found.append(
            ClaimFinding(name, level, ids(partner, *trio), f"{sentence}; {says} {tail}.", numbers)
        )
    return found or [ClaimFinding(name, "note", ids(*trio), f"{sentence}.", numbers)]


def one_count(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Check whether all scores of the same masks can come from one table of counts.

    The fewest that cannot are named.
    """
    found: list[ClaimFinding] = []
    for group in by_quantity(claims):
        names = [name for name in FRACTIONS if name in group]
        if len({_FORMULA.get(name, name) for name in names}) < 2:
            continue
        for scores in islice(together(group, *names), 4):
            if scores[0].class_ != "mean":
                found += _one_count(scores)
    return list({finding.claims: finding for finding in found}.values())


def _one_count(scores: tuple[Claim, ...]) -> Iterator[ClaimFinding]:
    if _possible(scores):
        if len({_formula(claim) for claim in scores}) > 3:
            sentence = headed(scores[0], f"{_listed(scores)} can all come from one count.")
            yield ClaimFinding("one-count", "consistent", ids(*scores), sentence)
        return
    # Where a check of its own contradicts some of them already, nothing is added.
    for formulas in _COMPARED:
        some = [claim for claim in scores if _formula(claim) in formulas]
        if formulas == {_formula(claim) for claim in some} and not _possible(some):
            return
    for size in range(2, len(scores) + 1):
        smallest = [
            some
            for some in combinations(scores, size)
            if len({_formula(claim) for claim in some}) == size and not _possible(some)
        ]
        for few in smallest:
            sentence = f"no one count gives {_listed(few)}; means over images can be so."
            sentence = headed(few[0], sentence)
            yield ClaimFinding("one-count", "inconsistent", ids(*few), sentence)
        if smallest:
            return


def _possible(scores: Sequence[Claim]) -> bool:
    return share_counts_exist({claim.quantity: claim.interval for claim in scores})


def _formula(claim: Claim) -> str:
    return _FORMULA.get(claim.quantity, claim.quantity)


def _listed(scores: Sequence[Claim]) -> str:
    parts = [f"{label(claim)} {claim.value}" for claim in scores]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


def whole_numbers(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Look for whole counts behind scores where positives and negatives are stated."""
    found = []
    for group in by_quantity(claims):
        scores = [group[name][0] for name in WHOLE if name in group]
        if not scores or scores[0].class_ == "mean" or "mean" in scores[0].scope:
            continue
        sizes = [_size(scores[0], claims, name) for name in ("positives", "negatives")]
        if sizes[0] is not None and sizes[1] is not None:
            found += _whole_numbers(scores, sizes[0], sizes[1])
    return found


def _size(of: Claim, claims: Sequence[Claim], quantity: str) -> Claim | None:
    """Find a stated number, such as positives, of what a score is over; it must be exact."""
    fitting = [
        claim
        for claim in claims
        if claim.quantity == quantity
        and (claim.study, claim.subset) == (of.study, of.subset)
        and (is_of(of.scope, claim.scope) or (not claim.scope and "fold" in of.scope))
        and claim.model in ("", of.model)
        and claim.class_ in ("", of.class_)
        and claim.value
        and claim.step <= 1
        and not claim.approximate
    ]
    return fitting[0] if len({claim.number for claim in fitting}) == 1 else None


def _whole_numbers(scores: list[Claim], positives: Claim, negatives: Claim) -> list[ClaimFinding]:
    sizes = int(positives.number), int(negatives.number)
    reaches = {claim.quantity: claim.interval for claim in scores}
    tables = whole_counts(reaches, *sizes)
    if tables is None:
        return []
    start = f"{_listed(scores)} of {positives.value} positives and {negatives.value} negatives"
    start = headed(scores[0], start)
    numbers = {"tables": float(tables.n)}
    level, sentence = "inconsistent", f"{start}: no whole counts give them"
    if tables.n:
        level = "consistent"
        counts = ", ".join(
            f"{name} {value:.0f}"
            for name, value in zip(("tp", "fp", "fn", "tn"), tables.example, strict=True)
        )
        many = (
            f"one of {tables.n:,} tables with them" if tables.n > 1 else "the only table with them"
        )
        sentence = f"{start}: {counts} is {many}"
    involved = ids(*scores, positives, negatives)
    return [ClaimFinding("whole-numbers", level, involved, f"{sentence}.", numbers)]


def fold_means(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Look for whole counts of each fold behind means over folds.

    The sizes of the folds are stated, or follow from their number where they are as even as can be.
    """
    found: list[ClaimFinding] = []
    for group in by_quantity(claims):
        scores = [group[name][0] for name in LINEAR_OVER_FOLDS if name in group]
        if scores and re.search(r"(mean|average).*fold", scores[0].scope):
            found += _fold_findings(scores, claims)
    return found


def _fold_findings(scores: list[Claim], claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    pairs = _fold_sizes(scores[0], claims)
    what, known = f"{len(pairs)} folds", [claim for pair in pairs for claim in pair]
    candidates = [[(int(p.number), int(n.number)) for p, n in pairs]]
    if not pairs:
        sizes = [_size(scores[0], claims, name) for name in ("positives", "negatives", "folds")]
        known = [claim for claim in sizes if claim is not None]
        if len(known) < len(sizes):
            return
        p, n, k = (int(claim.number) for claim in known)
        if not 1 < k <= min(p, n):
            return
        what, candidates = f"{k} stratified folds", even_folds(p, n, k)
    reaches = {claim.quantity: claim.interval for claim in scores}
    agrees = any(fold_counts_exist(reaches, folds) for folds in candidates)
    sentence = headed(
        scores[0],
        f"{_listed(scores)}, means over {what}: "
        f"{'some' if agrees else 'no'} whole counts of the folds give them.",
    )
    level = "consistent" if agrees else "inconsistent"
    yield ClaimFinding("fold-means", level, ids(*scores, *known), sentence)


def _fold_sizes(of: Claim, claims: Sequence[Claim]) -> list[tuple[Claim, Claim]]:
    """Find positives and negatives of each fold, stated as subsets ``fold 1``, ``fold 2`` ..."""
    sizes: dict[str, dict[str, Claim]] = defaultdict(dict)
    for claim in claims:
        is_size = claim.quantity in ("positives", "negatives") and claim.study == of.study
        is_exact = bool(claim.value) and claim.step <= 1 and not claim.approximate
        if is_size and is_exact and re.fullmatch(r"fold[\s_-]*\d+", claim.subset, re.IGNORECASE):
            sizes[claim.subset][claim.quantity] = claim
    pairs = [(each.get("positives"), each.get("negatives")) for each in sizes.values()]
    known = [(p, n) for p, n in pairs if p is not None and n is not None]
    return known if len(known) == len(pairs) > 1 else []
