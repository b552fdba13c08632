"""The forest plot of a page: differences between models with their intervals."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from gliomake.report.charts import Chart, Mark, Scale, label, line, reach
from gliomake.report.inputs import StudyInputs, records
from gliomake.report.numbers import STATES, format_value, optional
from gliomake.report.words import SUBSETS, metric_title, rule_title
from gliomake.scoring.compare import FEWEST_PATIENTS
from gliomake.study.model import BASELINES

WIDTH, EDGE, STEP, TOP, BOTTOM = 360, 8, 34, 8, 26
TOO_FEW = f"no verdict: fewer than {FEWEST_PATIENTS} patients"


class Row(NamedTuple):
    """A pair of models: the first minus the second."""

    first: str
    second: str
    difference: float
    low: float | None
    high: float | None
    n: int

    @property
    def unsettled(self) -> str:
        """Why there is no verdict, as the table says it; empty where the interval tells."""
        if self.low is None or self.high is None:
            return "undefined"
        return TOO_FEW if self.n < FEWEST_PATIENTS else ""

    @property
    def printed(self) -> str:
        """The difference and its interval, as the table prints them."""
        value = format_value(self.difference, "dice", signed=True)
        if self.low is None or self.high is None:
            return value
        low, high = (format_value(end, "dice", signed=True) for end in (self.low, self.high))
        return f"{value} ({low} to {high})"


def forest_plots(inputs: StudyInputs, frame: pd.DataFrame, best: dict[str, Any]) -> list[Chart]:
    """Draw the differences in Dice: the best model against all others, then all other pairs.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    frame : DataFrame
        Rows of ``comparisons.tsv``, those of the table beneath.
    best : dict
        The row of the best model's Dice, which says of which class and averaging rule.

    Returns
    -------
    list of Chart
        Those that have a row, by difference, the largest first. Trivial baselines are left out
        where there is anything else to compare.
    """
    if frame.empty:
        return []
    same = pd.Series(True, frame.index)
    for key in ("run", "subset", "class", "metric", "convention", "postprocess"):
        same &= frame[key] == best[key]
    trivial = frame[["model_a", "model_b"]].isin(BASELINES).any(axis=1)
    # What a model is better than an empty mask would make all other differences small.
    chosen = same & ~trivial if (same & ~trivial).any() else same
    turned = (_row(row, str(best["model"])) for row in records(frame[chosen]))
    rows = sorted((row for row in turned if row), key=lambda row: -row.difference)
    against = [row for row in rows if row.first == best["model"]]
    others = [row for row in rows if row.first != best["model"]]
    title = f"{metric_title('dice')}, " + ", ".join(_of(inputs, best))
    return [
        _chart(id_, f"{what}: {title}", part, alone)
        for id_, what, part, alone in (
            ("forest", f"{best['model']} minus each other model", against, True),
            ("forest-others", "All other pairs", others, False),
        )
        if part
    ]


def _of(inputs: StudyInputs, best: dict[str, Any]) -> Iterator[str]:
    if best["class"] == "mean" or len(inputs.study.classes) > 1:
        yield "mean over classes" if best["class"] == "mean" else str(best["class"])
    yield rule_title(best["convention"]).lower()
    yield f"{SUBSETS[best['subset']]} set"
    if inputs.study.postprocess:
        yield f"masks {STATES[bool(best['postprocess'])]}"


def _row(row: dict[str, Any], best: str) -> Row | None:
    """Turn a pair so that the best model comes first; None where the difference is undefined."""
    difference = optional(row["difference"])
    if difference is None:
        return None
    a, b, n = str(row["model_a"]), str(row["model_b"]), int(row["n"])
    low, high = optional(row["ci_low"]), optional(row["ci_high"])
    if b == best:
        # Subtracted: a zero stays without a sign.
        turned = [None if end is None else 0.0 - end for end in (high, low)]
        return Row(b, a, 0.0 - difference, turned[0], turned[1], n)
    return Row(a, b, difference, low, high, n)


def _chart(id_: str, title: str, rows: list[Row], alone: bool) -> Chart:
    """Draw rows below each other, each with its words above its interval."""
    # The names of a pair have a line of their own.
    step = STEP if alone else STEP + 14
    height = TOP + step * len(rows) + BOTTOM
    ends = [end for row in rows for end in (row.low, row.difference, row.high) if end is not None]
    scale = Scale(min(0.0, *ends), max(0.0, *ends), EDGE, WIDTH - EDGE)
    zero, floor = scale.at(0), height - BOTTOM
    marks = [line(zero, TOP, zero, floor, "zero", "no difference")]
    for place, row in enumerate(rows):
        marks += _marks(row, scale, TOP + step * place, alone)
    marks.append(line(EDGE, floor, WIDTH - EDGE, floor))
    if zero - EDGE > 50:
        marks.append(label(EDGE, height - 10, format_value(scale.low, "dice", signed=True)))
    marks.append(label(zero, height - 10, "0", _anchor(zero)))
    if WIDTH - EDGE - zero > 50:
        high = format_value(scale.high, "dice", signed=True)
        marks.append(label(WIDTH - EDGE, height - 10, high, "end"))
    said = "; ".join(
        f"{row.first} minus {row.second} {row.printed}" + (", no verdict" if row.unsettled else "")
        for row in rows
    )
    return Chart(id_, title, f"Forest plot. {title}. {said}", WIDTH, height, tuple(marks))


def _anchor(place: float) -> str:
    """Keep a text of an end of the axis inside of the picture."""
    if place < 50:
        return "start"
    return "end" if place > WIDTH - 50 else "middle"


def _marks(row: Row, scale: Scale, top: float, alone: bool) -> Iterator[Mark]:
    faint, words = "faint" if row.unsettled else "", row.unsettled
    yield label(EDGE, top + 14, row.second if alone else f"{row.first} minus", kind=faint)
    if not alone:
        yield label(EDGE, top + 28, row.second, kind=faint)
    height = top + (24 if alone else 38)
    yield label(WIDTH - EDGE, top + 14, row.printed, "end", faint)
    yield from reach(scale, height, row.difference, (row.low, row.high), faint, words)
