"""From a reported and a reproduced number to one plain sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from gliomake.claims.artefacts import Artefacts
from gliomake.claims.findings import ClaimFinding
from gliomake.claims.interval import Interval
from gliomake.claims.reproduce import PROTOCOL, Reproduced, ranked_models
from gliomake.claims.table import Claim
from gliomake.scoring.compare import FEWEST_PATIENTS
from gliomake.study.model import Study
from gliomake.study.overrides import differences_text, score_overrides


class Outcome(StrEnum):
    """What comes of comparing a reported with a reproduced value."""

    HOLDS = "holds"
    DIFFERS = "differs"
    OPEN = "open"
    NOT_COMPARABLE = "not comparable"
    NOT_REPRODUCIBLE = "not reproducible"
    # What was copied from the document is no finding about it.
    SET = "set as published"


# A statement about the data set itself: no training, no scale stands between it and the files.
FACTS = frozenset({"patients", "slices"})
# Sizes of subsets, and the blocks that they depend on; the keys that a network is built from.
DIVIDED = FACTS | {"patient_fraction"}
DIVIDES = ("dataset", "split", "preprocess", "runs", "leakage")
BUILDS = ("architecture", "options", "channels")
# Of fewer 95 % intervals still cover a little less: on real scores of 11 to 22 patients 87 to 94 %
# (docs/intervals.md).
MANY_PATIENTS = 50
# What no other sample and no other training would change.
EXACT = FACTS | {"patient_fraction", "parameters"}


@dataclass(frozen=True)
class Judgement:
    """How a reported value stands to the reproduced one.

    Attributes
    ----------
    outcome : Outcome
    sentence : str
        Begins with the outcome; no full stop.
    """

    outcome: Outcome
    sentence: str


def judge(
    claim: Claim, reproduced: Reproduced, artefacts: Artefacts, data: str, scale: str
) -> Judgement:
    """Compare the values, where data and scale allow it.

    Parameters
    ----------
    claim : Claim
    reproduced : Reproduced
    artefacts : Artefacts
        The study's files; paired differences decide about models.
    data, scale : str
        ``phantom`` or ``real``; ``demo`` or ``paper``.

    Returns
    -------
    Judgement
        Protocol claims are held against the configuration, whatever the data.
    """
    study = artefacts.study
    if claim.quantity in PROTOCOL:
        return _judge_protocol(claim, reproduced, scale, _overridden(claim, study))
    # A model has as many parameters on phantoms as on any data.
    phantom = data == "phantom" and claim.quantity != "parameters"
    fact = claim.quantity in FACTS and claim.subset == "all"
    demo = scale == "demo" and not fact
    changed = [] if fact else _changes(claim, study)
    if phantom or demo or changed:
        reason = "built on synthetic images" if phantom else "trained" if demo else ""
        reason += " at demo scale" if demo else ""
        if changed:
            told = f"changed by overrides ({differences_text(changed)})"
            reason = ", ".join(filter(None, [reason, told]))
        if reproduced.value is None:
            reason += f", and {reproduced.detail}"
        return Judgement(Outcome.NOT_COMPARABLE, f"Not comparable: {reason}")
    if reproduced.value is None:
        return Judgement(
            Outcome.NOT_REPRODUCIBLE, f"Open, as it cannot be reproduced: {reproduced.detail}"
        )
    if claim.quantity == "rank":
        return _judge_rank(claim, reproduced, artefacts)
    if claim.kind == "qualitative":
        return _judge_words(claim, reproduced, artefacts)
    return _judge_value(claim, reproduced, artefacts.units(reproduced.run, claim.subset))


def _changes(claim: Claim, study: Study) -> list[dict[str, Any]]:
    """List what overrides change of what a claim is about."""
    found = score_overrides(study, claim.model)
    if claim.quantity in DIVIDED:
        return [each for each in found if each["key"].split(".")[0] in DIVIDES]
    if claim.quantity == "parameters":
        start = (
            *(f"models.{claim.model}.{key}" for key in BUILDS),
            "preprocess.channels",
            "classes",
        )
        return [each for each in found if each["key"].startswith(start)]
    return found


def _overridden(claim: Claim, study: Study) -> bool:
    """Check whether an override sets what a claim about the protocol states."""
    block, key = PROTOCOL[claim.quantity]
    own = f"models.{claim.model}.{key}"
    keys = {difference["key"] for difference in score_overrides(study, claim.model)}
    return not keys.isdisjoint((own, f"{block}.{key}"))


def _judge_protocol(
    claim: Claim, reproduced: Reproduced, scale: str, overridden: bool
) -> Judgement:
    if reproduced.value is None and overridden:
        told = f"an override of this configuration takes away {reproduced.detail}"
        return Judgement(Outcome.NOT_COMPARABLE, f"Not comparable: {told}")
    if reproduced.value is None:
        return Judgement(Outcome.DIFFERS, f"Differs: the configuration sets no {reproduced.detail}")
    if reproduced.value in claim.interval:
        told = f"the configuration takes {number(reproduced.value)} from the report"
        return Judgement(Outcome.SET, f"Set as published: {told}")
    value, report = number(reproduced.value), f"the report {plain(claim)}"
    if overridden:
        told = f"this configuration sets {value} by an override, {report}"
        return Judgement(Outcome.NOT_COMPARABLE, f"Not comparable: {told}")
    set_here = f"sets {value}, {report}"
    if scale == "demo":
        return Judgement(Outcome.NOT_COMPARABLE, f"Not comparable: the demo scale {set_here}")
    return Judgement(Outcome.DIFFERS, f"Differs: the configuration {set_here}")


def _judge_value(claim: Claim, reproduced: Reproduced, units: int | None) -> Judgement:
    value = reproduced.value
    assert value is not None  # the caller has seen to it
    ours = number(value)
    under = f" under {reproduced.under}" if reproduced.convention else ""
    if claim.kind == "target":
        met = "meets" if value >= claim.number else "stays below"
        return Judgement(Outcome.OPEN, f"Open: a wish, not a result; ours, {ours}{under}, {met} it")
    if claim.kind == "constraint":
        kept = value <= claim.number
        sentence = f"{'Holds' if kept else 'Does not hold'}: {ours} against at most {plain(claim)}"
        return Judgement(Outcome.HOLDS if kept else Outcome.DIFFERS, sentence)
    if value in claim.interval:
        return Judgement(Outcome.HOLDS, f"Holds: reproduced as {ours}{under}")
    if reproduced.ci_low is not None and reproduced.ci_high is not None:
        reach = Interval(reproduced.ci_low, reproduced.ci_high)
        with_interval = f"{ours} ({number(reach.low)} to {number(reach.high)}){under}"
        if units is not None and units < FEWEST_PATIENTS:
            sentence = f"Open: too few patients to tell, {units}; ours is {with_interval}"
            return Judgement(Outcome.OPEN, sentence)
        if reach.overlaps(claim.interval):
            return Judgement(Outcome.HOLDS, f"Holds: within the interval of ours, {with_interval}")
        side = "above" if claim.number > value else "below"
        lies = f"{plain(claim)} lies {side} ours, {with_interval}"
        # The reported number is of a sample, too. Where its patients are as many as ours, the
        # difference of both spreads by the root of 2 more than ours alone.
        if _widened(value, reach).overlaps(claim.interval):
            sentence = f"Open: {lies}, but no farther than other patients could put it"
            return Judgement(Outcome.OPEN, sentence)
        few = ""
        if units is not None and units < MANY_PATIENTS:
            few = f"; intervals of {units} patients cover less than they say"
        return Judgement(Outcome.DIFFERS, f"Differs: {lies}{few}")
    if claim.quantity in ("slices", "patients") and value < claim.number:
        # Fewer than published: a part of the set refutes nothing.
        part = "the folder holds a part of the set, or another one"
        return Judgement(Outcome.OPEN, f"Open: ours is {ours}, {reproduced.detail}; {part}")
    if claim.quantity in EXACT:
        return Judgement(Outcome.DIFFERS, f"Differs: ours is {ours}, {reproduced.detail}")
    gap = number(abs(value - claim.number))
    sentence = (
        f"Open: ours is {ours}{under}, {gap} away, and no interval tells whether that is much"
    )
    return Judgement(Outcome.OPEN, sentence)


def _widened(value: float, reach: Interval) -> Interval:
    """Widen an interval about a value by the root of 2."""
    low, high = (value + math.sqrt(2) * (end - value) for end in (reach.low, reach.high))
    return Interval(low, high)


def _judge_rank(claim: Claim, reproduced: Reproduced, artefacts: Artefacts) -> Judgement:
    """Hold a rank against every rank that the paired intervals leave possible."""
    assert reproduced.value is not None
    models = ranked_models(claim, artefacts, reproduced.convention)
    rows = _differences(claim, "dice", reproduced, artefacts)
    rows = rows[rows["other"].isin(models) & (rows["n"] >= FEWEST_PATIENTS)]
    best = 1 + int((rows["ci_high"] < 0).sum())
    worst = len(models) - int((rows["ci_low"] > 0).sum())
    within = [rank in claim.interval for rank in range(best, worst + 1)]
    told = f"rank {reproduced.value:.0f} by {reproduced.detail}"
    reach = f"its intervals leave {f'rank {best}' if best == worst else f'ranks {best} to {worst}'}"
    if all(within):
        return Judgement(Outcome.HOLDS, f"Holds: ours has {told}; {reach}")
    if any(within):
        return Judgement(Outcome.OPEN, f"Open: ours has {told}; {reach}")
    return Judgement(Outcome.DIFFERS, f"Differs: ours has {told}; {reach}")


def _judge_words(claim: Claim, reproduced: Reproduced, artefacts: Artefacts) -> Judgement:
    """Judge a claim without a number: a model better than the study's first, or faster."""
    if claim.quantity == "converges_before":
        assert reproduced.value is not None and reproduced.rival is not None
        outcome = Outcome.HOLDS if reproduced.value < reproduced.rival else Outcome.DIFFERS
        return Judgement(outcome, f"{outcome.capitalize()}: {reproduced.detail}")
    baseline = next(iter(artefacts.study.models))
    differences = _differences(claim, claim.quantity, reproduced, artefacts)
    rows = differences[differences["other"] == baseline]
    if rows.empty or claim.model == baseline:
        value = number(reproduced.value or 0.0)
        return Judgement(Outcome.OPEN, f"Open: no number is reported; ours is {value}")
    row = rows.iloc[0]
    gain = f"{row['difference']:+.3f} ({row['ci_low']:+.3f} to {row['ci_high']:+.3f})"
    told = f"{gain} against {baseline} under {reproduced.under}"
    if row["n"] < FEWEST_PATIENTS:
        return Judgement(
            Outcome.OPEN, f"Open: too few patients to tell, {row['n']}; ours is {told}"
        )
    if row["ci_low"] > 0:
        return Judgement(Outcome.HOLDS, f"Holds: {told}")
    if row["ci_high"] < 0:
        return Judgement(Outcome.DIFFERS, f"Differs: {told}")
    return Judgement(Outcome.OPEN, f"Open: {told} does not settle it")


def _differences(
    claim: Claim, metric: str, reproduced: Reproduced, artefacts: Artefacts
) -> pd.DataFrame:
    """Give the paired differences of a claim's model against each other one, as ours minus it."""
    columns = ["other", "difference", "ci_low", "ci_high", "n"]
    table = artefacts.comparisons
    if table is None:
        return pd.DataFrame(columns=columns)
    class_ = claim.class_ or artefacts.study.classes[0]
    cell = table[
        (table["run"] == reproduced.run)
        & (table["subset"] == claim.subset)
        & (table["class"] == class_)
        & (table["metric"] == metric)
        & (table["convention"] == reproduced.convention)
        & (table["postprocess"] == bool(artefacts.study.postprocess))
    ]
    ahead = cell[cell["model_a"] == claim.model].rename(columns={"model_b": "other"})
    behind = cell[cell["model_b"] == claim.model].rename(columns={"model_a": "other"})
    behind = behind.assign(
        difference=-behind["difference"], ci_low=-behind["ci_high"], ci_high=-behind["ci_low"]
    )
    return pd.concat([ahead[columns], behind[columns]], ignore_index=True)


def verdict(judgement: Judgement, findings: Sequence[ClaimFinding]) -> str:
    """Write the verdict on a claim as one sentence.

    Parameters
    ----------
    judgement : Judgement
        On the value.
    findings : sequence of ClaimFinding
        Those that involve the claim, in the order of the registry.

    Returns
    -------
    str
        A contradiction comes first: it stands whatever was run. Else the judgement, and then the
        first finding.
    """
    if not findings:
        return f"{judgement.sentence}."
    # Without a contradiction the first check of the registry speaks: it is about the claim itself,
    # where later ones are about tables and documents.
    first = min(findings, key=lambda finding: finding.level != "inconsistent")
    if first.level == "inconsistent":
        value = judgement.sentence[0].lower() + judgement.sentence[1:]
        return f"Inconsistent: {_clause(first)}; {value}."
    return f"{judgement.sentence}; by arithmetic, {_clause(first)}."


def _clause(finding: ClaimFinding) -> str:
    """Turn a finding's sentence into a clause; names such as IoU and unet-v1 keep their case."""
    sentence = finding.sentence.rstrip(".")
    first = sentence.split(" ", 1)[0]
    return sentence[0].lower() + sentence[1:] if first[1:] == first[1:].lower() else sentence


def number(value: float) -> str:
    """Print a value: counts whole, everything else with three significant digits or more."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def plain(claim: Claim) -> str:
    """Print the reported value without an exponent."""
    return f"{claim.number:,.0f}" if "e" in claim.value.lower() else claim.value
