"""Checks of what a document states: epochs, repetitions, means, losses and rankings."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import combinations

from gliomake.claims.checks import Context, Finding, by_quantity, check, ids, label, subject
from gliomake.claims.interval import SLACK, Interval
from gliomake.claims.table import Claim

# Two names for one formula; a shared value is then no coincidence and no mistake.
SYNONYMS = (frozenset({"dice", "f1"}), frozenset({"accuracy", "pixel_accuracy"}))


@check("best-against-last")
def best_against_last(claims: Sequence[Claim], context: Context) -> list[Finding]:
    """Tell whether a final score is that of the last epoch or of the best one printed."""
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
    return (claim.study, claim.model, claim.subset, claim.quantity, claim.class_)


def _final_epoch(final: Claim, table: list[Claim]) -> Finding:
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
    return Finding("best-against-last", level, ids(final, last, best), sentence, numbers)


@check("contradictory-values")
def contradictory_values(claims: Sequence[Claim], context: Context) -> list[Finding]:
    """Compare every value of a quantity that a document gives more than once."""
    found = []
    for group in by_quantity(claims):
        for same in group.values():
            for one, other in combinations(same, 2):
                found.append(_repetition(one, other))
    return found


def _repetition(one: Claim, other: Claim) -> Finding:
    what = label(one) if one.quantity in ("slices", "patients") else f"the {label(one)}"
    if subject(one):
        what += f" of {subject(one)}"
    places = f"{one.value} in {one.where} and {other.value} in {other.where}"
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
    return Finding("contradictory-values", level, ids(one, other), sentence, numbers)


@check("one-value-two-names")
def one_value_two_names(claims: Sequence[Claim], context: Context) -> list[Finding]:
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


def _shared_value(one: Claim, other: Claim, group: dict[str, list[Claim]]) -> Finding:
    numbers, involved = {"value": one.number}, [one, other]
    if frozenset({one.quantity, other.quantity}) in SYNONYMS:
        sentence = f"{one.value} as {label(one)} and as {label(other)}: one formula, two names."
        return Finding("one-value-two-names", "consistent", ids(*involved), sentence, numbers)
    rivals = [
        rival
        for each in (one, other)
        for rival in group[each.quantity]
        if not rival.interval.overlaps(each.interval)
    ]
    sentence = (
        f"{one.value} is the {label(one)} in {one.where} and the {label(other)} in {other.where}"
    )
    for rival in rivals:
        sentence += f", while the {label(rival)} is {rival.value} in {rival.where}"
    level = "inconsistent" if rivals else "note"
    return Finding("one-value-two-names", level, ids(*involved, *rivals), f"{sentence}.", numbers)


@check("mean-of-classes")
def mean_of_classes(claims: Sequence[Claim], context: Context) -> list[Finding]:
    """Compare a mean over classes with the classes reported beside it."""
    groups: dict[tuple[str, ...], dict[str, Claim]] = defaultdict(dict)
    for claim in claims:
        if claim.is_score and claim.class_:
            key = (claim.study, claim.model, claim.subset, claim.quantity, claim.epoch, claim.where)
            groups[key][claim.class_] = claim
    found = []
    for group in groups.values():
        mean, parts = group.get("mean"), [c for key, c in group.items() if key != "mean"]
        if mean is None or len(parts) < 2:
            continue
        expected = Interval(
            sum(claim.interval.low for claim in parts) / len(parts),
            sum(claim.interval.high for claim in parts) / len(parts),
        )
        value = sum(claim.number for claim in parts) / len(parts)
        agrees = mean.interval.overlaps(expected)
        listed = ", ".join(claim.value for claim in parts)
        sentence = (
            f"{subject(mean)}: the mean {label(mean)} {mean.value} is "
            f"{'' if agrees else 'not '}that of {listed} ({value:.4f})."
        )
        level = "consistent" if agrees else "inconsistent"
        numbers = {"mean": mean.number, "mean of classes": value}
        found.append(Finding("mean-of-classes", level, ids(mean, *parts), sentence, numbers))
    return found


@check("loss-against-score")
def loss_against_score(claims: Sequence[Claim], context: Context) -> list[Finding]:
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
        sentence = (
            f"A loss of {loss.value} leaves a {label(nearest)} of {left:.3f}; {nearest.value} is "
            f"reported in {nearest.where}"
        )
        sentence += "".join(f", {claim.value} in {claim.where}" for claim in others)
        numbers = {"loss": loss.number, "score left": left, "reported": nearest.number}
        involved = ids(loss, nearest, *others)
        found.append(Finding("loss-against-score", "note", involved, f"{sentence}.", numbers))
    return found


@check("ranking")
def ranking(claims: Sequence[Claim], context: Context) -> list[Finding]:
    """Tell where models stand side by side without a metric in common, or without a number."""
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
        names = {model: {label(c) for c in scores} for model, scores in models.items()}
        if len(models) < 2:
            continue
        involved = ids(*(claim for scores in models.values() for claim in scores))
        listed = "; ".join(f"{model} by {' and '.join(sorted(q))}" for model, q in names.items())
        if set.intersection(*names.values()):
            sentence = f"The models in {where} share a metric and can be ranked by it: {listed}."
            found.append(Finding("ranking", "consistent", involved, sentence))
        else:
            sentence = f"The models in {where} are scored by different metrics and cannot be ranked"
            found.append(Finding("ranking", "note", involved, f"{sentence} by it: {listed}."))
    for same in ranks.values():
        sentence = f"{len(same)} models are ranked in words; the document prints no score of them."
        found.append(Finding("ranking", "note", ids(*same), sentence))
    return found
