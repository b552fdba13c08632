"""Checks of counts: confusion matrices, sizes of splits, slices and patients."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import ceil, floor

from gliomake.claims.checks import Context, Finding, by_quantity, check, ids, label
from gliomake.claims.interval import Interval
from gliomake.claims.table import Claim

CELLS = ("tp", "fp", "fn", "tn")
SPLIT = ("train", "val", "test")


def _confusion_tables(claims: Sequence[Claim]) -> Iterator[tuple[dict[str, Claim], list[Claim]]]:
    """Find whole confusion matrices, each with the scores of its model and subset."""
    groups: dict[tuple[str, ...], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.kind == "result" and claim.value:
            groups[claim.study, claim.model, claim.subset].append(claim)
    for group in groups.values():
        cells = {claim.quantity: claim for claim in group if claim.quantity in CELLS}
        if len(cells) == len(CELLS):
            yield cells, [claim for claim in group if claim.is_score]


@check("confusion-matrix")
def confusion_matrix(claims: Sequence[Claim], context: Context) -> list[Finding]:
    """Recompute the scores of a confusion matrix; a class named ``no-...`` is its other side."""
    totals = context.slice_totals(claims)
    found = []
    for cells, scores in _confusion_tables(claims):
        found += _table_scores(cells, scores)
        total = totals.get(context.dataset(cells["tp"]))
        if total:
            n = int(sum(cell.number for cell in cells.values()))
            found.append(_share_of_total(cells, n, total))
    return found


def _table_scores(cells: dict[str, Claim], scores: list[Claim]) -> list[Finding]:
    """Recompute each score of a confusion matrix.

    Where some scores agree with the table and others do not, only the others are in question.
    """
    tp, fp, fn, tn = (int(cells[name].number) for name in CELLS)
    compared = []
    for claim in scores:
        mirrored = claim.class_.startswith("no-")
        hit, alarm, miss, quiet = (tn, fn, fp, tp) if mirrored else (tp, fp, fn, tn)
        parts = {
            "accuracy": (hit + quiet, hit + alarm + miss + quiet),
            "precision": (hit, hit + alarm),
            "recall": (hit, hit + miss),
            "specificity": (quiet, quiet + alarm),
            "f1": (2 * hit, 2 * hit + alarm + miss),
        }
        top, bottom = parts.get(claim.quantity, (0, 0))
        if bottom:
            compared.append((claim, top, bottom, top / bottom in claim.interval))
    found = []
    for claim, top, bottom, agrees in compared:
        what = label(claim) + (f" for {claim.class_}" if claim.class_ else "")
        ratio = f"{top}/{bottom} = {top / bottom:.4f}"
        says = f"as reported ({claim.value})" if agrees else f"not {claim.value}"
        sentence = f"The {what} by the confusion matrix is {ratio}, {says}."
        odd_one_out = not agrees and any(other[-1] for other in compared)
        involved = ids(claim) if odd_one_out else ids(claim, *cells.values())
        level = "consistent" if agrees else "inconsistent"
        numbers = {"reported": claim.number, "recomputed": top / bottom}
        found.append(Finding("confusion-matrix", level, involved, sentence, numbers))
    return found


def _share_of_total(cells: dict[str, Claim], n: int, total: int) -> Finding:
    """Say what part of the data set a confusion matrix covers."""
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
    return Finding("confusion-matrix", level, ids(*cells.values()), sentence, numbers)


@check("split-sizes")
def split_sizes(claims: Sequence[Claim], context: Context) -> list[Finding]:
    """Recognise sizes that are shares of the slices themselves: a split that ignores patients.

    Shares are multiples of 5 %, one of the total and one of the rest, rounded alike. Sizes of a
    split by patient follow the patients' slices and meet such a pair about once in 10 000 times.
    """
    groups: dict[str, dict[str, Claim]] = defaultdict(dict)
    for claim in claims:
        if claim.quantity == "slices" and claim.value and not claim.approximate:
            groups[claim.study][claim.subset] = claim
    found = []
    for study, parts in groups.items():
        if not set(SPLIT) <= set(parts):
            continue
        three = [parts[name] for name in SPLIT]
        sizes = {name: int(parts[name].number) for name in SPLIT}
        found.append(_split_finding(three, sizes))
        whole = parts.get("all")
        if whole is not None:
            agrees = sum(sizes.values()) in whole.interval
            level = "consistent" if agrees else "inconsistent"
            sentence = f"{study}: train, val and test sum to {sum(sizes.values())}, "
            sentence += f"{'as' if agrees else 'not'} the {whole.value} slices stated."
            found.append(Finding("split-sizes", level, ids(*three, whole), sentence))
    return found


def _split_finding(three: list[Claim], sizes: dict[str, int]) -> Finding:
    total = sum(sizes.values())
    numbers = {name: float(size) for name, size in sizes.items()} | {"total": float(total)}
    listed = "/".join(str(sizes[name]) for name in SPLIT)
    signature = nested_signature(sizes)
    if signature is None:
        sentence = (
            f"{listed} slices are no round shares of {total}: not the signature of a split of "
            "slices, as a split by patient would leave it."
        )
        return Finding("split-sizes", "note", ids(*three), sentence, numbers)
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
    return Finding("split-sizes", "note", ids(*three), sentence, numbers, implies)


Part = tuple[str, Fraction]
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


@check("split-fractions")
def split_fractions(claims: Sequence[Claim], context: Context) -> list[Finding]:
    """Sum the stated shares of patients."""
    groups: dict[str, dict[str, Claim]] = defaultdict(dict)
    for claim in claims:
        if claim.quantity == "patient_fraction" and claim.value:
            groups[claim.study][claim.subset] = claim
    found = []
    for parts in groups.values():
        if not set(SPLIT) <= set(parts):
            continue
        low, high = (
            sum(getattr(c.interval, end) for c in parts.values()) for end in ("low", "high")
        )
        total = sum(claim.number for claim in parts.values())
        level = "consistent" if 1 in Interval(low, high) else "inconsistent"
        listed = " + ".join(parts[name].value for name in SPLIT)
        sentence = f"The shares of patients, {listed}, sum to {total:g}."
        found.append(
            Finding("split-fractions", level, ids(*parts.values()), sentence, {"sum": total})
        )
    return found


@check("slices-per-patient")
def slices_per_patient(claims: Sequence[Claim], context: Context) -> list[Finding]:
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
                    Finding("slices-per-patient", "note", ids(slices, patients), sentence, numbers)
                )
    return found
