"""Checks of scores that follow from one table of pixel counts."""

from collections.abc import Sequence

from gliomake.claims.cells import Matrix, confusion_tables
from gliomake.claims.findings import SLICE_MEAN, ClaimFinding, Context
from gliomake.claims.groups import (
    Group,
    by_quantity,
    elements,
    headed,
    ids,
    label,
    together,
    with_article,
)
from gliomake.claims.interval import (
    Interval,
    background_share,
    balance,
    dice_from_iou,
    dice_from_precision_recall,
    over_ends,
    precision_from_dice_recall,
)
from gliomake.claims.quantities import DISTANCES, score_range
from gliomake.claims.table import Claim

DICE = ("dice", "f1")
ACCURACY = ("accuracy", "pixel_accuracy")


def score_ranges(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Find scores, distances and standard deviations that cannot be."""
    found = []
    for claim in claims:
        is_distance = claim.quantity in DISTANCES and claim.kind == "result" and claim.value
        if claim.is_score or is_distance:
            found += _range_findings(claim)
    return found


def _range_findings(claim: Claim) -> list[ClaimFinding]:
    low, high = score_range(claim.quantity)
    reach = f"{low:g} to {high:g}" if high < float("inf") else "0 and above"
    numbers = {"value": claim.number}
    what = with_article(claim)
    what = f"{what[0].upper()}{what[1:]} of {claim.value}"
    level, sentence = "inconsistent", f"{what} lies outside {reach}"
    if not claim.is_possible:
        if high < claim.number <= 100 and not claim.percent:
            sentence += "; if it is in percent, write % under unit"
    elif claim.percent and 0 < claim.number <= 0.01:
        level = "note"
        sentence = (
            f"{what} is {claim.number * 100:g} %, next to nothing; if that is a share of 1, leave "
            "the percent sign out"
        )
    elif claim.sd and high <= 1:
        # Most spread out are values at both ends of the range; of two of them the standard
        # deviation is the root of 2 above that of many.
        mean = claim.interval.clip(low, high)
        middle = min(max((low + high) / 2, mean.low), mean.high)
        most = (2 * (middle - low) * (high - middle)) ** 0.5
        numbers |= {"standard deviation": float(claim.sd), "largest possible": most}
        if float(claim.sd) <= most + float(claim.step):
            return []
        sentence = (
            f"{what} with a standard deviation of {claim.sd}: values between {low:g} and {high:g} "
            f"of this mean spread by {most:.3f} at most"
        )
    else:
        return []
    return [ClaimFinding("score-range", level, ids(claim), f"{sentence}.", numbers)]


def dice_against_iou(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Compare Dice and IoU: D = 2 J / (1 + J) for one table of counts.

    For means over slices only J <= D <= 2 J / (1 + J) holds, the right side by Jensen's
    inequality, so a Dice below the curve can be a mean and one above it cannot be anything.
    """
    found = []
    for group in by_quantity(claims):
        for dice, iou in (pair for quantity in DICE for pair in together(group, quantity, "iou")):
            found.append(_dice_and_iou(dice, iou))
    return found


def _dice_and_iou(dice: Claim, iou: Claim) -> ClaimFinding:
    expected = dice_from_iou(iou.interval)
    numbers = {
        "dice": dice.number,
        "iou": iou.number,
        "dice from iou": 2 * iou.number / (1 + iou.number),
        "iou from dice": dice.number / (2 - dice.number),
    }
    both = f"a Dice of {dice.value} and an IoU of {iou.value}"
    arithmetic = (
        f"IoU {iou.value} gives Dice {numbers['dice from iou']:.3f}, "
        f"Dice {dice.value} gives IoU {numbers['iou from dice']:.3f}"
    )
    upper = f"{both[0].upper()}{both[1:]}"
    level, implies = "inconsistent", {}
    no_one_way = f"No one way of scoring, over the same elements and classes, gives {both}"
    if iou.interval.low > dice.interval.high:
        sentence = f"{no_one_way}: there an IoU is never above its Dice."
    elif dice.interval.low > expected.high:
        sentence = f"{no_one_way}: {arithmetic}, and no mean over them is higher."
    elif dice.class_ == "mean":
        # The bounds above hold for means over classes as well; between them any pair can be one.
        level = "consistent" if dice.interval.overlaps(expected) else "note"
        sentence = f"{upper} can be means over the same classes: {arithmetic} if all score alike."
    elif dice.interval.overlaps(expected):
        level, implies = "consistent", dict.fromkeys(ids(dice, iou), "pooled")
        sentence = f"{upper} can come from the same counts: {arithmetic}."
    else:
        implies = dict.fromkeys(ids(dice, iou), SLICE_MEAN)
        share = _share_hit_or_missed(dice.number, iou.number)
        numbers |= {"share hit or missed whole": share}
        images = "of which most are hit or missed whole"
        if over_ends(_share_hit_or_missed, dice.interval, iou.interval).low <= 0.5:
            images = f"as if {share:.0%} of them were hit or missed whole and the others alike"
        sentence = (
            f"{upper} cannot come from the same pooled counts: {arithmetic}; they can be means "
            f"over images {images}."
        )
    return ClaimFinding("dice-against-iou", level, ids(dice, iou), sentence, numbers, implies)


def _share_hit_or_missed(dice: float, iou: float) -> float:
    """Compute how far a Dice lies on the way from one count's, 2 J / (1 + J), down to the IoU.

    A share s of images that score 0 or 1, so that their Dice is their IoU, among others that all
    score alike gives a Dice of s J + (1 - s) 2 J / (1 + J).
    """
    curve = 2 * iou / (1 + iou)
    share = (curve - dice) / (curve - iou) if 0 < iou < 1 else 0.0
    return min(max(share, 0.0), 1.0)


def dice_against_precision_recall(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Compare Dice with the harmonic mean of precision and recall.

    Means over slices satisfy D <= 2 P R / (P + R) (the harmonic mean is concave) as long as
    the three treat empty slices alike; a Dice above it shows that they do not.
    """
    found = []
    for group in by_quantity(claims):
        for quantity in DICE:
            for trio in together(group, quantity, "precision", "recall"):
                found.append(_dice_and_parts(*trio))
    return found


def _dice_and_parts(dice: Claim, precision: Claim, recall: Claim) -> ClaimFinding:
    expected = dice_from_precision_recall(precision.interval, recall.interval)
    total = precision.number + recall.number
    harmonic = 2 * precision.number * recall.number / total if total else 0.0
    parts = f"precision {precision.value} and recall {recall.value} give a Dice of {harmonic:.3f}"
    numbers = {
        "dice": dice.number,
        "precision": precision.number,
        "recall": recall.number,
        "dice from precision and recall": harmonic,
        "low": expected.low,
        "high": expected.high,
    }
    # Per element 2 P R / (P + R) >= P + R - 1, and so for the means of the same elements.
    lowest = precision.interval.low + recall.interval.low - 1
    level, implies = "inconsistent", {}
    if dice.interval.high < lowest:
        numbers |= {"lowest mean": lowest}
        sentence = (
            f"{parts}, not {dice.value}: the three are not from one pooled count, nor "
            "means over the same elements and classes with empty ones counted alike, where it is "
            f"{lowest:.3f} or more."
        )
    elif dice.interval.low > expected.high:
        implies = {dice.claim: "slice-empty1"} | dict.fromkeys(
            ids(precision, recall), "slice-empty0"
        )
        sentence = (
            f"{parts}, not {dice.value}: the Dice can be inflated by empty slices counted "
            "as 1, or the other two deflated by them."
        )
    elif dice.class_ == "mean":
        level = "consistent" if dice.interval.overlaps(expected) else "note"
        sentence = (
            f"{parts} if all classes score alike, and {dice.value} is reported: they can "
            "be means over the same classes."
        )
    elif dice.interval.overlaps(expected):
        level, implies = "consistent", dict.fromkeys(ids(dice, precision, recall), "pooled")
        sentence = f"{parts}, and {dice.value} is reported: consistent within rounding."
    else:
        implies = dict.fromkeys(ids(dice, precision, recall), SLICE_MEAN)
        sentence = (
            f"{parts}, not {dice.value}: the three are not from one pooled count; means "
            "over slices can be so."
        )
    return ClaimFinding(
        "dice-against-precision-recall",
        level,
        ids(dice, precision, recall),
        headed(dice, sentence),
        numbers,
        implies,
    )


def accuracy_and_prevalence(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Solve accuracy, recall and specificity for prevalence and precision, and compare."""
    found = []
    for group in by_quantity(claims):
        for quantity in ACCURACY:
            for trio in together(group, quantity, "recall", "specificity"):
                # Means over classes weigh each class's own prevalence: no table is behind them.
                if trio[0].class_ != "mean":
                    found += _balance_findings(group, *trio)
    return found


def _balance_findings(
    group: Group, accuracy: Claim, recall: Claim, specificity: Claim
) -> list[ClaimFinding]:
    trio = (accuracy, recall, specificity)
    check_name = "accuracy-and-prevalence"
    solved = balance(*(claim.interval for claim in trio))
    given = f"accuracy {accuracy.value}, recall {recall.value}, specificity {specificity.value}"
    if solved is None:
        sentence = (
            f"No one count gives {given}: there the accuracy lies between the other two. Means "
            "over images can lie outside."
        )
        implies = dict.fromkeys(ids(*trio), SLICE_MEAN)
        return [ClaimFinding(check_name, "inconsistent", ids(*trio), sentence, implies=implies)]
    if solved.prevalence.high - solved.prevalence.low >= 1:
        sentence = f"The rounding of {given} leaves every prevalence possible."
        return [ClaimFinding(check_name, "note", ids(*trio), sentence)]
    a, r, s = (claim.number for claim in trio)
    prevalence = min(max((s - a) / (s - r), 0.0), 1.0)
    alarms = (1 - prevalence) * (1 - s)
    precision = prevalence * r / (prevalence * r + alarms) if prevalence * r + alarms else 0.0
    numbers = {
        "prevalence": prevalence,
        "prevalence low": solved.prevalence.low,
        "prevalence high": solved.prevalence.high,
        "precision": precision,
        "all-background accuracy": 1 - prevalence,
    }
    start = (
        f"{given[0].upper()}{given[1:]} put tumour in {prevalence:.2%} of the {elements(recall)} "
        f"and give a precision of {precision:.4f}"
    )
    found = []
    for partner in (*group.get("dice", ()), *group.get("f1", ()), *group.get("precision", ())):
        if partner.quantity == "precision":
            agrees, says = partner.interval.overlaps(solved.precision), f"{partner.value} reported"
        else:
            agrees = partner.interval.overlaps(solved.dice)
            own = precision_from_dice_recall(partner.interval, recall.interval)
            says = f"{label(partner)} {partner.value} with the recall"
            if own is not None:
                numbers = numbers | {
                    "precision from dice": partner.number * r / (2 * r - partner.number)
                }
                says += f" gives {numbers['precision from dice']:.4f}"
        found.append(
            ClaimFinding(
                check_name,
                "consistent" if agrees else "inconsistent",
                ids(partner, *trio),
                f"{start}; {says}: {'consistent' if agrees else 'not the same counts'}.",
                numbers,
                dict.fromkeys(ids(partner, *trio), "pooled") if agrees else {},
            )
        )
    return found or [ClaimFinding(check_name, "note", ids(*trio), f"{start}.", numbers)]


def all_background_accuracy(claims: Sequence[Claim], context: Context) -> list[ClaimFinding]:
    """Set each accuracy beside that of calling everything background."""
    matrices = {
        claim.claim: table.matrix for table in confusion_tables(claims) for claim, _ in table.scores
    }
    found = []
    for group in by_quantity(claims):
        for accuracy in (claim for quantity in ACCURACY for claim in group.get(quantity, ())):
            found.append(_background(accuracy, group, matrices.get(accuracy.claim), context))
    return found


def _background(
    accuracy: Claim, group: Group, matrix: Matrix | None, context: Context
) -> ClaimFinding:
    """Bound what an empty answer scores: by counts, by the data, or by the other scores."""
    where, empty = (accuracy.study, accuracy.subset), "an empty mask"
    one_count = _can_be_one_count(group)
    if matrix is not None and any(matrix.counts()):
        what = "every image" if matrix.counts_images else "everything"
        empty = f"calling {what} free of tumour"
        tp, fp, fn, tn = matrix.counts()
        quiet = (tn + fp) / (tp + fp + fn + tn)
        bounds = {"by the confusion matrix": Interval(quiet, quiet)}
    elif where in context.background:
        bounds = {"in the data": Interval(context.background[where], context.background[where])}
    else:
        bounds = _bounds_from_scores(accuracy, group) if one_count else {}
    numbers = {"accuracy": accuracy.number}
    for source, share in bounds.items():
        numbers |= {f"lowest {source}": share.low, f"highest {source}": share.high}
    if bounds:
        listed = " and ".join(f"{_digits(share)} {source}" for source, share in bounds.items())
        sentence = f"An accuracy of {accuracy.value} stands beside that of {empty}: {listed}."
    else:
        why = (
            "the report does not give"
            if one_count or accuracy.class_ == "mean"
            else "its other scores do not bound, as they are not from one pooled count"
        )
        sentence = (
            f"An accuracy of {accuracy.value} says little without the share of background, which "
            f"{why}; the data will."
        )
    return ClaimFinding("all-background-accuracy", "note", ids(accuracy), sentence, numbers)


def _can_be_one_count(group: Group) -> bool:
    """Check that nothing rules out one table of counts; behind a mean of classes is none."""
    if any(claim.class_ == "mean" for same in group.values() for claim in same):
        return False
    trios = [
        trio for quantity in ACCURACY for trio in together(group, quantity, "recall", "specificity")
    ]
    if any(balance(*(claim.interval for claim in trio)) is None for trio in trios):
        return False
    pairs = [
        (dice, dice_from_iou(iou.interval))
        for quantity in DICE
        for dice, iou in together(group, quantity, "iou")
    ]
    pairs += [
        (dice, dice_from_precision_recall(precision.interval, recall.interval))
        for quantity in DICE
        for dice, precision, recall in together(group, quantity, "precision", "recall")
    ]
    return all(dice.interval.overlaps(expected) for dice, expected in pairs)


def _digits(share: Interval) -> str:
    low, high = f"{share.low:.3f}", f"{share.high:.3f}"
    return low if low == high else f"{low} to {high}"


def _bounds_from_scores(accuracy: Claim, group: Group) -> dict[str, Interval]:
    """Bound the share of background by the other scores of the same masks."""
    for _, recall, specificity in together(group, accuracy.quantity, "recall", "specificity"):
        solved = balance(accuracy.interval, recall.interval, specificity.interval)
        if solved is not None:
            share = Interval(1 - solved.prevalence.high, 1 - solved.prevalence.low)
            return {"by its recall and specificity": share}
    return {
        f"by its {label(claim)}": background_share(accuracy.interval, **{quantity: claim.interval})
        for quantity in ("dice", "iou")
        for claim in group.get(quantity, ())
    }
