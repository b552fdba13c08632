"""Checks of counts: confusion matrices, sizes of splits, slices and patients."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import ceil, floor

from gliomake.claims.cells import Matrix, Table, confusion_tables, fraction, score
from gliomake.claims.findings import ClaimFinding, Context
from gliomake.claims.groups import by_quantity, ids, label
from gliomake.claims.interval import Interval
from gliomake.claims.table import Claim

SPLIT = ("train", "val", "test")
Part = tuple[str, Fraction]


def confusion_matrix(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Recompute the scores of a confusion matrix; a class named ``no-...`` is its other side."""
    totals = context.slice_totals(claims)
    found = []
    for table in confusion_tables(claims):
        found += _table_scores(table)
        total = totals.get(context.dataset(table.matrix.tp))
        n = int(sum(table.matrix.counts()))
        # More than there are slices, and not stated to be images: these are pixels.
        if total and (table.matrix.counts_images or n <= total):
            found.append(_share_of_total(table.matrix, n, total))
    return found


def _table_scores(table: Table) -> list[ClaimFinding]:
    """Recompute each score of a confusion matrix.

    Where some scores agree with the table and others do not, only the others are in question.
    """
    compared = []
    for claim, mirrored in table.scores:
        reach = table.matrix.score_interval(claim.quantity, mirrored)
        if reach is not None:
            compared.append((claim, mirrored, reach.overlaps(claim.interval)))
    found = []
    for claim, mirrored, agrees in compared:
        counts = table.matrix.counts(mirrored)
        value, parts = score(claim.quantity, counts), fraction(claim.quantity, counts)
        assert value is not None  # else there were no interval
        what = label(claim) + (f" for {claim.class_}" if claim.class_ else "")
        ratio = f"{parts[0]:.0f}/{parts[1]:.0f} = {value:.4f}" if parts else f"{value:.4f}"
        says = f"as reported ({claim.value})" if agrees else f"not {claim.value}"
        sentence = f"The {what} by the confusion matrix is {ratio}, {says}."
        odd_one_out = not agrees and any(other[-1] for other in compared)
        involved = ids(claim) if odd_one_out else ids(claim, *table.matrix.claims)
        level = "consistent" if agrees else "inconsistent"
        numbers = {"reported": claim.number, "recomputed": value}
        found.append(ClaimFinding("confusion-matrix", level, involved, sentence, numbers))
    return found


def _share_of_total(matrix: Matrix, n: int, total: int) -> ClaimFinding:
    """Describe which part of the data set a confusion matrix covers."""
    percent = round(100 * n / total)
    exact = {rule(Fraction(percent, 100) * total) for rule in (floor, ceil)}
    hit = n in exact
    sizes = " or ".join(str(size) for size in sorted(exact))
    sentence = (
        f"The confusion matrix sums to {n}, {n / total:.2%} of the {total} slices: "
        + (f"{percent} % of the slices" if hit else f"{percent} % of the slices would be {sizes}")
        + "."
    )
    level = "inconsistent" if n > total else "consistent" if hit else "note"
    numbers = {"sum": float(n), "total": float(total), "share": n / total}
    return ClaimFinding("confusion-matrix", level, ids(*matrix.claims), sentence, numbers)


def split_sizes(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Sum subsets, and recognise shares of the slices themselves: a split that ignores patients.

    Shares are multiples of 5 %, rounded alike: one of the total and one of the rest, or both of the
    total. Sizes of a split by patient follow the slices of the patients; drawn at random for 110
    patients of 20 to 88 slices they meet such a pair three times in 10 000.
    """
    groups: dict[str, dict[str, Claim]] = defaultdict(dict)
    for claim in claims:
        if claim.quantity == "slices" and claim.value and not claim.approximate:
            groups[claim.study][claim.subset] = claim
    found = []
    for parts in groups.values():
        if not set(SPLIT) <= set(parts):
            continue
        three = [parts[name] for name in SPLIT]
        sizes = {name: int(parts[name].number) for name in SPLIT}
        found.append(_split_finding(three, sizes))
    return found + [_sum_finding(*each) for each in _sums(claims)]


def _sums(claims: Sequence[Claim]) -> Iterator[tuple[list[Claim], Claim]]:
    """Find the sizes of two subsets or more beside a stated whole, of slices and of patients."""
    groups: dict[tuple[str, ...], dict[str, list[Claim]]] = defaultdict(lambda: defaultdict(list))
    for claim in claims:
        if claim.quantity in ("slices", "patients") and claim.value and claim.kind == "result":
            key = (claim.study, claim.dataset, claim.model, claim.quantity)
            groups[key][claim.subset].append(claim)
    for parts in groups.values():
        named = [parts[name][0] for name in SPLIT if name in parts]
        if len(named) > 1:
            yield from ((named, whole) for whole in parts.get("all", ()))


def _sum_finding(parts: list[Claim], whole: Claim) -> ClaimFinding:
    low, high = (sum(getattr(c.interval, end) for c in parts) for end in ("low", "high"))
    if not any(claim.approximate for claim in (*parts, whole)):
        low = high = sum(claim.number for claim in parts)
    total, quantity = sum(claim.number for claim in parts), whole.quantity
    names = [claim.subset for claim in parts]
    summed = f"{', '.join(names[:-1])} and {names[-1]} sum to {total:.0f}"
    start = f"{whole.study}: {summed}" if whole.study else f"{summed[0].upper()}{summed[1:]}"
    level = "inconsistent"
    sentence = f"{start}, not the {whole.value} {quantity} stated."
    if Interval(low, high).overlaps(whole.interval):
        level, sentence = "consistent", f"{start}, as the {whole.value} {quantity} stated."
    elif high < whole.interval.low and len(parts) < len(SPLIT):
        level, rest = "note", whole.number - total
        sentence = (
            f"{start} of the {whole.value} {quantity} stated; the other {rest:.0f} are in no "
            "subset that is stated."
        )
    elif quantity == "patients" and low > whole.interval.high:
        sentence = (
            f"{start}, more than the {whole.value} patients stated: some stand in several subsets, "
            "or a number is wrong."
        )
    numbers = {"sum": total, "stated": whole.number}
    return ClaimFinding("split-sizes", level, ids(*parts, whole), sentence, numbers)


def _split_finding(three: list[Claim], sizes: dict[str, int]) -> ClaimFinding:
    total = sum(sizes.values())
    numbers = {name: float(size) for name, size in sizes.items()} | {"total": float(total)}
    listed = "/".join(str(sizes[name]) for name in SPLIT)
    signature = nested_signature(sizes)
    if signature is None and (flat := flat_signature(sizes)):
        return _flat_finding(three, sizes, flat)
    if signature is None:
        sentence = (
            f"{listed} slices are no round shares of {total}: not the signature of a split of "
            "slices, as a split by patient would leave it."
        )
        return ClaimFinding("split-sizes", "note", ids(*three), sentence, numbers)
    rule, (outer, outer_share), (inner, inner_share) = signature
    rest = total - sizes[outer]
    sentence = (
        f"{listed} slices are exactly {rule}({float(outer_share):g} x {total}) = {sizes[outer]} "
        f"for {outer} and {rule}({float(inner_share):g} x {rest}) = {sizes[inner]} for {inner}: "
        "two nested splits of slices, with slices of one patient on both sides."
    )
    numbers |= {
        f"{outer} share": float(outer_share),
        f"{inner} share of the rest": float(inner_share),
    }
    implies = dict.fromkeys(ids(*three), "slice")
    return ClaimFinding("split-sizes", "note", ids(*three), sentence, numbers, implies)


def _flat_finding(
    three: list[Claim], sizes: dict[str, int], flat: tuple[str, Part, Part]
) -> ClaimFinding:
    rule, *shares = flat
    total = sum(sizes.values())
    parts = " and ".join(
        f"{rule}({float(share):g} x {total}) = {sizes[name]} for {name}" for name, share in shares
    )
    sentence = (
        f"{'/'.join(str(sizes[name]) for name in SPLIT)} slices are exactly {parts}, and the rest: "
        "shares of the slices themselves, so that slices of one patient can be on both sides."
    )
    numbers = {name: float(size) for name, size in sizes.items()} | {"total": float(total)}
    numbers |= {f"{name} share": float(share) for name, share in shares}
    implies = dict.fromkeys(ids(*three), "slice")
    return ClaimFinding("split-sizes", "note", ids(*three), sentence, numbers, implies)


ROUNDINGS: dict[str, Callable[[Fraction], int]] = {"ceil": ceil, "floor": floor, "round": round}


def nested_signature(sizes: dict[str, int]) -> tuple[str, Part, Part] | None:
    """Find shares in steps of 5 % whose rounding gives the sizes of two nested splits.

    Parameters
    ----------
    sizes : dict of str to int
        Slices of train, val and test.

    Returns
    -------
    tuple or None
        The rounding, and subset and share of the outer and of the inner split. None where no
        pair of shares fits. Rounding up, that of scikit-learn's test size, is tried first.
    """
    shares = [Fraction(step, 20) for step in range(1, 20)]
    total = sum(sizes.values())
    for rule, function in ROUNDINGS.items():
        for outer, inner in (("test", "val"), ("val", "test"), ("train", "test"), ("train", "val")):
            rest = total - sizes[outer]
            of_total = [share for share in shares if function(share * total) == sizes[outer]]
            of_rest = [share for share in shares if function(share * rest) == sizes[inner]]
            if of_total and of_rest:
                return rule, (outer, of_total[0]), (inner, of_rest[0])
    return None


def flat_signature(sizes: dict[str, int]) -> tuple[str, Part, Part] | None:
    """Find shares in steps of 5 % of the total whose rounding gives the sizes of two subsets.

    Parameters
    ----------
    sizes : dict of str to int
        Slices of train, val and test.

    Returns
    -------
    tuple or None
        The rounding, and subset and share of two subsets; the third has what is left. None where
        no pair of shares fits.
    """
    total = sum(sizes.values())
    for rule, function in ROUNDINGS.items():
        fits = [
            (name, Fraction(step, 20))
            for name in SPLIT
            for step in range(1, 20)
            if function(Fraction(step, 20) * total) == sizes[name]
        ]
        if len({name for name, _ in fits}) > 1:
            first = fits[0]
            return rule, first, next(fit for fit in fits if fit[0] != first[0])
    return None


def split_fractions(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Sum the stated shares of patients."""
    groups: dict[str, dict[str, Claim]] = defaultdict(dict)
    for claim in claims:
        if claim.quantity == "patient_fraction" and claim.value:
            groups[claim.study][claim.subset] = claim
    found = []
    for parts in groups.values():
        named = [parts[name] for name in SPLIT if name in parts]
        if len(named) < 2:
            continue
        low, high = (sum(getattr(c.interval, end) for c in named) for end in ("low", "high"))
        total = sum(claim.number for claim in named)
        sentence = f"The shares of patients, {' + '.join(c.value for c in named)}, sum to {total:g}"
        level = "consistent" if 1 in Interval(low, high) else "inconsistent"
        if high < 1 and len(named) < len(SPLIT) and level == "inconsistent":
            level, sentence = "note", f"{sentence}; the rest is in no subset that is stated"
        numbers = {"sum": total}
        found.append(ClaimFinding("split-fractions", level, ids(*named), f"{sentence}.", numbers))
    return found


def slices_per_patient(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Divide a stated number of slices by a stated number of patients."""
    found = []
    for group in by_quantity(claims):
        for slices in group.get("slices", ()):
            for patients in group.get("patients", ()):
                if slices.subset != "all" or not patients.number:
                    continue
                low, high = (
                    end / patients.number for end in (slices.interval.low, slices.interval.high)
                )
                sentence = (
                    f"{slices.number:.0f} slices of {patients.value} patients are "
                    f"{slices.number / patients.number:.1f} a patient ({low:.1f} to {high:.1f})."
                )
                numbers = {"slices a patient": slices.number / patients.number}
                found.append(
                    ClaimFinding(
                        "slices-per-patient", "note", ids(slices, patients), sentence, numbers
                    )
                )
    return found
