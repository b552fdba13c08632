"""Checks of what a document states: epochs, repetitions, means, losses and rankings."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import combinations

from gliomake.claims.findings import ClaimFinding, Context
from gliomake.claims.groups import by_quantity, headed, ids, label, located, subject, together
from gliomake.claims.interval import SLACK, Interval
from gliomake.claims.quantities import SYNONYMS
from gliomake.claims.table import Claim

BACKGROUND = frozenset({"background", "bg", "no-tumour", "no tumour", "healthy", "normal"})
# The background of a brain is nearly always found: a class at this score or above may be it.
NEARLY_WHOLE = 0.98


def best_against_last(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Check whether a final score is that of the last epoch or of the best one printed."""
    rows: dict[tuple[str, ...], list[Claim]] = defaultdict(list)
    finals = []
    for claim in claims:
        if claim.is_score and claim.epoch == "final":
            finals.append(claim)
        elif claim.is_score and claim.epoch.isdigit():
            rows[_column(claim)].append(claim)
    found = []
    for final in finals:
        table = sorted(rows.get(_column(final), ()), key=lambda claim: int(claim.epoch))
        if len(table) > 1:
            found.append(_final_epoch(final, table))
    return found


def _column(claim: Claim) -> tuple[str, ...]:
    return (claim.study, claim.model, claim.subset, claim.quantity, claim.class_, claim.scope)


def _final_epoch(final: Claim, table: list[Claim]) -> ClaimFinding:
    last, best = table[-1], max(table, key=lambda claim: claim.number)
    matches = [claim for claim in table if claim.interval.overlaps(final.interval)]
    what = f"{label(final)} of {subject(final)}"
    numbers = {
        "reported": final.number,
        "last": last.number,
        "best": best.number,
        "best epoch": float(best.epoch),
    }
    says_best = f"the best epoch printed is {best.epoch} ({best.value})"
    if last in matches:
        clearly = best.interval.low > last.interval.high + SLACK
        level = "note" if clearly else "consistent"
        sentence = (
            f"The {what}, {final.value}, is that of the last epoch, {last.epoch} ({last.value})"
        )
        sentence += f"; {says_best}." if clearly else ", which is also the best printed."
    elif matches:
        level = "note"
        sentence = (
            f"The {what}, {final.value}, is that of epoch {matches[-1].epoch}, not the last; "
        )
        sentence += f"{says_best}."
    else:
        level = "inconsistent"
        sentence = f"The {what}, {final.value}, is that of no epoch printed; {says_best}."
    return ClaimFinding("best-against-last", level, ids(final, last, best), sentence, numbers)


def contradictory_values(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Compare every value of a quantity that a document gives more than once, under any name."""
    found = []
    for group in by_quantity(claims):
        for same in group.values():
            for one, other in combinations(same, 2):
                found.append(_repetition(one, other))
        for names in SYNONYMS:
            for one, other in together(group, *names):
                if not one.interval.overlaps(other.interval):
                    found.append(_two_names(one, other))
    return found


def _two_names(one: Claim, other: Claim) -> ClaimFinding:
    """Report two values of one formula."""
    first, second = (located(claim, f"{label(claim)} {claim.value}") for claim in (one, other))
    sentence = (
        f"{first} and {second} are one formula under two names; "
        "over the same elements and classes they are equal."
    )
    sentence = headed(one, sentence)
    numbers = {one.claim: one.number, other.claim: other.number}
    return ClaimFinding("contradictory-values", "inconsistent", ids(one, other), sentence, numbers)


def _repetition(one: Claim, other: Claim) -> ClaimFinding:
    what = label(one) if one.quantity in ("slices", "patients") else f"the {label(one)}"
    if subject(one):
        what += f" of {subject(one)}"
    places = " and ".join(located(claim, claim.value) for claim in (one, other))
    what = what[0].upper() + what[1:]
    level, sentence = "inconsistent", f"{what}: {places}; both cannot be right."
    coarse, fine = sorted((one, other), key=lambda claim: claim.step, reverse=True)
    cut = Decimal(fine.value).quantize(coarse.step, ROUND_DOWN) if coarse.step else Decimal(0)
    if one.interval.overlaps(other.interval):
        level, sentence = "consistent", f"{what}: {places}; the same within rounding."
    elif coarse.step > fine.step and cut == Decimal(coarse.value):
        level = "note"
        sentence = f"{what}: {places}; {coarse.value} is {fine.value} cut off, not rounded."
    numbers = {one.claim: one.number, other.claim: other.number}
    return ClaimFinding("contradictory-values", level, ids(one, other), sentence, numbers)


def one_value_two_names(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Find one figure, to three decimals or more, under the names of two quantities."""
    found = []
    for group in by_quantity(claims):
        scores = [
            claim
            for same in group.values()
            for claim in same
            if claim.is_score and not claim.epoch.isdigit() and claim.step <= Decimal("0.001")
        ]
        for one, other in combinations(scores, 2):
            if one.quantity == other.quantity or Decimal(one.value) != Decimal(other.value):
                continue
            found.append(_shared_value(one, other, group))
    return found


def _shared_value(one: Claim, other: Claim, group: dict[str, list[Claim]]) -> ClaimFinding:
    numbers, involved = {"value": one.number}, [one, other]
    # A shared value is then no coincidence and no mistake.
    if {one.quantity, other.quantity} in map(set, SYNONYMS):
        sentence = f"{one.value} as {label(one)} and as {label(other)}: one formula, two names."
        return ClaimFinding("one-value-two-names", "consistent", ids(*involved), sentence, numbers)
    rivals = [
        rival
        for each in (one, other)
        for rival in group[each.quantity]
        if not rival.interval.overlaps(each.interval)
    ]
    names = " and ".join(located(claim, f"the {label(claim)}") for claim in (one, other))
    sentence = f"{one.value} is {names}"
    for rival in rivals:
        sentence += ", while " + located(rival, f"the {label(rival)} is {rival.value}")
    level = "inconsistent" if rivals else "note"
    return ClaimFinding(
        "one-value-two-names", level, ids(*involved, *rivals), f"{sentence}.", numbers
    )


def mean_of_classes(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Compare a mean over classes with the classes reported beside it."""
    groups: dict[tuple[str, ...], dict[str, Claim]] = defaultdict(dict)
    for claim in claims:
        if claim.is_score and claim.class_:
            groups[(*_column(claim)[:4], claim.scope, claim.epoch, claim.where)][claim.class_] = (
                claim
            )
    found = []
    for group in groups.values():
        mean, parts = group.get("mean"), [c for key, c in group.items() if key != "mean"]
        if mean is not None and len(parts) > 1:
            found.append(_mean_finding(mean, parts))
    return found


def _mean_finding(mean: Claim, parts: list[Claim]) -> ClaimFinding:
    value = sum(claim.number for claim in parts) / len(parts)
    numbers = {"mean": mean.number, "mean of classes": value}
    listed = ", ".join(claim.value for claim in parts)
    start = headed(mean, f"the mean {label(mean)} {mean.value} is")
    level, sentence = "inconsistent", f"{start} not that of {listed} ({value:.4f})"
    inner = [claim for claim in parts if claim.class_.casefold() not in BACKGROUND]
    if mean.interval.overlaps(_sum(parts, len(parts))):
        level, sentence = "consistent", f"{start} that of {listed} ({value:.4f})"
    elif 1 < len(inner) < len(parts) and mean.interval.overlaps(_sum(inner, len(inner))):
        level = "consistent"
        sentence = f"{start} that of {', '.join(c.value for c in inner)}, without the background"
    elif len(inner) == len(parts):
        # One more class, such as a background that the document does not list.
        n, whole = len(parts) + 1, _sum(parts, 1)
        missing = n * mean.number - sum(claim.number for claim in parts)
        reach = Interval(n * mean.interval.low - whole.high, n * mean.interval.high - whole.low)
        if reach.overlaps(Interval(NEARLY_WHOLE, 1.0)):
            missing = min(missing, 1.0)
            numbers |= {"score of one more class": missing}
            sentence += (
                f", but of {n} classes if one more, such as the background, is {missing:.3f}"
            )
    if level == "inconsistent" and "score of one more class" not in numbers:
        # A class is left out of an image without it, and so counts less in a mean over images.
        whole = Interval(
            min(claim.interval.low for claim in parts), max(claim.interval.high for claim in parts)
        )
        sentence += (
            "; weighted by the images that have each class it can be"
            if whole.overlaps(mean.interval)
            else ", nor of any weights, as it lies outside them"
        )
    return ClaimFinding("mean-of-classes", level, ids(mean, *parts), f"{sentence}.", numbers)


def _sum(claims: Sequence[Claim], n: int) -> Interval:
    """Give the reach of the sum of scores over `n`."""
    low, high = (sum(getattr(c.interval, end) for c in claims) for end in ("low", "high"))
    return Interval(low / n, high / n)


def loss_against_score(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Turn a Dice or Tversky loss into the score that it leaves, and set it beside the reported.

    Of a per-epoch table only the last epoch is looked at. Losses are computed from probabilities
    and averaged over batches, so the two need not be equal: a note, never a contradiction.
    """
    last: dict[tuple[str, ...], tuple[int, Claim, list[Claim]]] = {}
    for loss in (c for c in claims if c.quantity == "loss" and c.kind == "result" and c.value):
        terms = context.losses.get((loss.study, loss.model), {})
        score = {"dice": "dice", "tversky": "tversky", "focal-tversky": "tversky"}.get(
            terms.get("name", "")
        )
        partners = [
            claim
            for claim in claims
            if claim.is_score
            and (claim.study, claim.model, claim.subset) == (loss.study, loss.model, loss.subset)
            and (claim.quantity, claim.epoch) == (score, loss.epoch)
            and claim.class_ in (loss.class_, "mean")
        ]
        epoch = int(loss.epoch) if loss.epoch.isdigit() else 0
        key = (loss.study, loss.model, loss.subset)
        if partners and epoch >= last.get(key, (0,))[0]:
            last[key] = (epoch, loss, partners)
    found = []
    for _, loss, partners in last.values():
        exponent = context.losses[loss.study, loss.model].get("gamma", 1.0)
        left = 1 - loss.number ** (1 / exponent)
        nearest = min(partners, key=lambda claim: abs(claim.number - left))
        others = [claim for claim in partners if claim is not nearest]
        sentence = f"A loss of {loss.value} leaves a {label(nearest)} of {left:.3f}; " + located(
            nearest, f"{nearest.value} is reported"
        )
        sentence += "".join(", " + located(claim, claim.value) for claim in others)
        numbers = {"loss": loss.number, "score left": left, "reported": nearest.number}
        involved = ids(loss, nearest, *others)
        found.append(ClaimFinding("loss-against-score", "note", involved, f"{sentence}.", numbers))
    return found


def _metric(claim: Claim) -> str:
    """Name a score with the elements that it is over, where these are stated."""
    is_plain = not claim.scope or "image" in claim.scope
    return label(claim) if is_plain else f"{label(claim)} ({claim.aggregation})"


def ranking(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Find where models stand side by side without a metric in common, or without a number."""
    tables: dict[tuple[str, ...], dict[str, list[Claim]]] = defaultdict(lambda: defaultdict(list))
    ranks: dict[str, list[Claim]] = defaultdict(list)
    scored = {(claim.study, claim.model) for claim in claims if claim.is_score}
    for claim in claims:
        if claim.is_score and not claim.epoch and claim.model:
            task = "images" if claim.aggregation == "image level" else "masks"
            tables[claim.study, claim.where, claim.subset, task][claim.model].append(claim)
        elif claim.quantity == "rank" and (claim.study, claim.model) not in scored:
            ranks[claim.study].append(claim)
    found = []
    for (_, where, _, _), models in tables.items():
        which = f"The models in {where}" if where else "The models"
        names = {model: set(map(_metric, scores)) for model, scores in models.items()}
        if len(models) < 2:
            continue
        involved = ids(*(claim for scores in models.values() for claim in scores))
        listed = "; ".join(f"{model} by {' and '.join(sorted(q))}" for model, q in names.items())
        if set.intersection(*names.values()):
            sentence = f"{which} share a metric and can be ranked by it: {listed}."
            found.append(ClaimFinding("ranking", "consistent", involved, sentence))
        else:
            sentence = f"{which} are scored by different metrics and cannot be ranked"
            found.append(ClaimFinding("ranking", "note", involved, f"{sentence} by it: {listed}."))
    for same in ranks.values():
        sentence = f"{len(same)} models are ranked in words; the report prints no score of them."
        found.append(ClaimFinding("ranking", "note", ids(*same), sentence))
    return found
