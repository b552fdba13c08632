"""The arithmetic of one number in plain words, with the counts that it is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd

from gliomake.report.arithmetic import formula
from gliomake.report.keys import (
    ClaimKey,
    ComparisonKey,
    Key,
    LeakageKey,
    ScoreKey,
    SliceKey,
    SpreadKey,
)
from gliomake.report.numbers import format_value
from gliomake.report.words import RULES, counted, rule_title
from gliomake.scoring.averaging import ONE_COUNT, convention_scores, element_scores
from gliomake.scoring.metrics import COUNT_COLUMNS, COUNT_METRICS
from gliomake.scoring.registry import METRICS
from gliomake.verify.numbers import Recomputation, Values, part_of

SIGNS = [name.upper() for name in COUNT_COLUMNS]
SHOWN = 12
"""Elements of a mean that are listed, each on a line."""


def explain(study: Recomputation, key: Key) -> list[str]:
    """Say how a number is computed.

    Parameters
    ----------
    study : Recomputation
        The number's study.
    key : Key
        What it is a number of.

    Returns
    -------
    list of str
        Lines; those of the elements of a mean are indented.
    """
    if isinstance(key, ScoreKey):
        return _score(study, key)
    if isinstance(key, SliceKey):
        return _slice(study, key)
    if isinstance(key, ComparisonKey):
        return _comparison(study, key)
    if isinstance(key, LeakageKey):
        return [
            f"{rule_title(key.convention)} of runs whose training holds {key.leak} % of the test "
            "patients' slices, minus that of their partners without any, on the same test slices"
        ]
    if isinstance(key, SpreadKey):
        return [f"standard deviation between runs that differ in their {key.source} alone"]
    if isinstance(key, ClaimKey):
        return _claim(study, key)
    raise TypeError(f"{key}: a kind of number without an explanation; expected one of KEYS")


def _score(study: Recomputation, key: ScoreKey) -> list[str]:
    if key.class_ == "mean":
        return _mean_over_classes(study, key)
    of_regions = key.class_ in study.study.regions
    tables = study.tables(key.model, key.run).of_classes(of_regions)
    if key.metric in METRICS and key.metric not in COUNT_METRICS:
        measured = next(
            table
            for table in (tables.distances, tables.patients)
            if table is not None and key.metric in table
        )
        return _measured(_rows(measured, key, key.class_), key)
    swapped = key.convention == "image" and key.class_ == "no-tumour"
    rows = _rows(tables.counts, key, "tumour" if swapped else key.class_)
    if swapped:
        # Without tumour is what with tumour is not: every count takes the other's place.
        other = rows[COUNT_COLUMNS[::-1]].T.to_numpy()
        rows = rows.assign(**dict(zip(COUNT_COLUMNS, other, strict=True)))
    return _counted(rows, key)


def _rows(table: pd.DataFrame, key: ScoreKey, class_: str) -> pd.DataFrame:
    wanted = (table["subset"] == key.subset) & (table["class"] == class_)
    return table[wanted & (table["postprocess"].astype(bool) == key.postprocess)]


def _counted(rows: pd.DataFrame, key: ScoreKey) -> list[str]:
    """Explain a score of pixel counts."""
    if key.convention in ONE_COUNT:
        total = rows[COUNT_COLUMNS].sum().to_numpy()
        value = float(element_scores(total, key.metric))
        images = key.convention == "image"
        what = counted(len(rows), "image") if images else f"pixels of {counted(len(rows), 'slice')}"
        line = f"all {what} in one count: {_quotient(key.metric, total)} = {_told(value)}"
        return [*_formula(key.metric), line]
    if key.convention == "patient":
        elements = rows.groupby("patient", sort=True)[COUNT_COLUMNS].sum()
        names, noun = [str(name) for name in elements.index], "patient"
    else:
        elements, noun = rows[COUNT_COLUMNS], "slice"
        pairs = zip(rows["patient"], rows["slice"], strict=True)
        names = [f"{patient} slice {number}".strip() for patient, number in pairs]
    counts = elements.to_numpy()
    values = convention_scores(counts, key.metric, key.convention)
    details = [_counts(each) for each in counts]
    rule = f"{RULES[key.convention].title}: {RULES[key.convention].meaning}"
    return [*_formula(key.metric), rule, *_mean(values, names, noun, details)]


def _measured(rows: pd.DataFrame, key: ScoreKey) -> list[str]:
    """Explain a score that was measured patient by patient: distances, lesions."""
    values = pd.to_numeric(rows[key.metric]).to_numpy(float)
    return _mean(values, [str(name) for name in rows["patient"]], "patient", [""] * len(rows))


def _mean(values: np.ndarray, names: Sequence[str], noun: str, details: Sequence[str]) -> list[str]:
    kept = values[~np.isnan(values)]
    if not len(kept):
        return [f"no {noun} has a score: the mean is undefined"]
    out = len(values) - len(kept)
    rest = f"; {out} left out, where the score is undefined" if out else ""
    head = f"mean over {counted(len(kept), noun)}: {_told(float(kept.mean()))}{rest}"
    lines = [
        f"  {name}: {f'{detail} = ' if detail else ''}"
        f"{'left out' if np.isnan(value) else f'{value:.6g}'}"
        for name, detail, value in zip(names, details, values, strict=True)
    ]
    more = [f"  and {len(lines) - SHOWN:,} more"] if len(lines) > SHOWN else []
    return [head, *lines[:SHOWN], *more]


def _mean_over_classes(study: Recomputation, key: ScoreKey) -> list[str]:
    found = study.again(part_of(key))
    values = {name: _value(found, replace(key, class_=name)) for name in study.study.classes}
    told = ", ".join(f"{name} {_told(value)}" for name, value in values.items())
    return [f"mean over {counted(len(values), 'class', 'classes')}: {told}"]


def _slice(study: Recomputation, key: SliceKey) -> list[str]:
    rows = study.counts(key.model, key.run)
    same = (rows["patient"].astype(str) == key.patient) & (rows["slice"] == key.slice)
    same &= (rows["subset"] == key.subset) & (rows["class"] == key.class_)
    rows = rows[same & ~rows["postprocess"].astype(bool)]
    return [*_formula("dice"), *(_quotient("dice", row) for row in rows[COUNT_COLUMNS].to_numpy())]


def _comparison(study: Recomputation, key: ComparisonKey) -> list[str]:
    shared = {each.name: getattr(key, each.name) for each in fields(ScoreKey)[1:]}
    scores = [ScoreKey(model, **shared) for model in (key.model_a, key.model_b)]
    values = [_value(study.again(part_of(score)), score) for score in scores]
    told = [f"{score.model} {_told(value)}" for score, value in zip(scores, values, strict=True)]
    return [f"{told[0]} minus {told[1]}"]


def _claim(study: Recomputation, key: ClaimKey) -> list[str]:
    """Explain a number of the audit that is no score: a setting, a count, an epoch's loss."""
    rows = study.audit()
    claim = rows[rows["claim"].astype(str) == key.claim].iloc[0]
    what = {"reproduced": "reproduced value", "nearest_value": "value closest to the reported one"}
    told = {
        "what it is": f"{what[key.column]} of the audit, made again from the run's files",
        "taken from": claim["note"],
        "reported": f"{claim['reported']} ({claim['where']})",
        "verdict": claim["verdict"],
    }
    return [f"{name}: {value}" for name, value in told.items() if value]


def _formula(metric: str) -> list[str]:
    weights = formula(metric)
    return [f"formula: {_fraction(weights, SIGNS, ' ')}"] if weights else []


def _quotient(metric: str, counts: np.ndarray) -> str:
    weights = formula(metric)
    return _fraction(weights, list(map(str, counts)), " x ") if weights else _counts(counts)


def _fraction(weights: Sequence[Sequence[float]], names: Sequence[str], times: str) -> str:
    return " / ".join(_weighed(part, names, times) for part in weights)


def _weighed(weights: Sequence[float], names: Sequence[str], times: str) -> str:
    """Write a sum of counts, each with its weight.

    >>> _weighed([2, 1, 1, 0], SIGNS, " ")
    '(2 TP + FP + FN)'
    """
    pairs = zip(weights, names, strict=True)
    terms = [name if weight == 1 else f"{weight}{times}{name}" for weight, name in pairs if weight]
    return f"({' + '.join(terms)})" if len(terms) > 1 else "".join(terms)


def _counts(counts: np.ndarray) -> str:
    return ", ".join(f"{sign} {count}" for sign, count in zip(SIGNS, counts, strict=True))


def _value(found: Mapping[Key, Values], key: Key) -> float | None:
    return found.get(key, Values(None)).value


def _told(value: float | None) -> str:
    return format_value(value) if value is None or np.isnan(value) else f"{value:.8g}"
