"""The numbers of the report: how each is printed, and what it rests on.

Every number that a page prints is entered here once, under an id that the page carries too
(``data-number``). ``numbers.json`` is what `gliomake.verify.check` recomputes.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import gliomake
from gliomake.files.tsv import atomic_path
from gliomake.scoring.metrics import METRICS

UNDEFINED = "undefined"
# A variance estimated at or below zero is cut off there; as 0.000 it would look measured.
NONE_FOUND = "none found"
STATES = {False: "as predicted", True: "cleaned up"}
# What only the id says, by its place there.
IN_ID = {
    "claim": {"claim": 1, "column": 2},
    "slice": {"patient": 5, "slice": 6},
    "leakage": {"leak": 2},
    "spread": {"source": 1},
}
WHOLE = frozenset(
    ("rank", "patients", "slices", "epochs", "batch_size", "plateau_epoch", "converges_before")
)


@dataclass(frozen=True)
class Number:
    """One number of one page and the trail behind it.

    Attributes
    ----------
    id : str
        Unique in its page; says kind, model, run and what was measured.
    page : str
        File name of the page.
    kind : str
        ``score`` of ``metrics.json``, ``slice`` score of the viewer, ``comparison`` of two
        models, ``leakage``, ``spread`` over models, folds and seeds, or ``claim``: a reproduced
        value that is none of these.
    study, model, run, subset, class_, metric, convention : str
        What was measured; empty where a claim has no such thing.
    postprocess : bool
        Whether the masks had been cleaned up.
    value, ci_low, ci_high : float or None
        The number and its 95 % interval; None where it is undefined.
    n : int or None
        How many elements were averaged or pooled.
    counts : str
        The counts file that it rests on; empty for a claim that rests on none.
    others : tuple of str
        Other files that it rests on: counts of the model compared with, a history, the audit.
    """

    id: str
    page: str
    kind: str
    study: str
    model: str
    run: str
    subset: str
    class_: str
    metric: str
    convention: str
    postprocess: bool
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int | None
    counts: str
    others: tuple[str, ...] = ()

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Number":
        """Read an entry of ``numbers.json``."""
        given = {"class_": record["class"], "others": tuple(record["others"])}
        names = [field.name for field in fields(cls) if field.name not in given]
        return cls(**{name: record[name] for name in names}, **given)

    @property
    def text(self) -> str:
        """The number as the pages print it."""
        if self.kind == "spread" and self.value == 0:
            return NONE_FOUND
        signed = self.kind in ("comparison", "leakage")
        named = METRICS[self.metric].unit if self.metric in METRICS else ""
        unit = f" {named}" if named and self.value is not None else ""
        return format_value(self.value, self.metric, signed=signed) + unit

    @property
    def interval(self) -> str:
        """The interval as the pages print it; empty where there is none."""
        if self.value is None or self.ci_low is None or self.ci_high is None:
            return ""
        signed = self.kind in ("comparison", "leakage")
        low, high = (
            format_value(bound, self.metric, signed=signed) for bound in (self.ci_low, self.ci_high)
        )
        return f"{low} to {high}" if signed else f"{low}–{high}"  # noqa: RUF001 (a range)

    @property
    def printed(self) -> str:
        """Number and interval, as the text of the page's element."""
        return f"{self.text} {self.interval}".strip()


def format_value(value: float | None, metric: str = "", *, signed: bool = False) -> str:
    """Print a number as a page shows it.

    Parameters
    ----------
    value : float or None
        The number; None is an undefined score.
    metric : str
        A score has the decimals of its entry in `METRICS`; counts and ranks are whole; all others
        have three decimals.
    signed : bool
        Whether a plus sign is written: the number is a difference.

    Returns
    -------
    str
        Three decimals, or three significant digits where these would hide the number.
    """
    if value is None or math.isnan(value):
        return UNDEFINED
    decimals = METRICS[metric].decimals if metric in METRICS else 3
    if metric in METRICS and METRICS[metric].unit:
        text = f"{value:{'+' if signed else ''}.{decimals}f}"
    elif float(value).is_integer() and (abs(value) >= 2 or metric in WHOLE):
        text = f"{int(value):+d}" if signed else f"{int(value)}"
    elif abs(value) >= 1000:
        text = f"{value:.0f}"
    elif 0 < abs(value) < 0.001:
        text = f"{value:+.2g}" if signed else f"{value:.2g}"
    else:
        text = f"{value:{'+' if signed else ''}.{decimals}f}"
    return text.replace("-", "−") if "e" not in text else text  # noqa: RUF001 (minus sign)


class NumberBook:
    """All numbers of one page.

    Parameters
    ----------
    page : str
        File name of the page.
    """

    def __init__(self, page: str) -> None:
        self.page = page
        self._numbers: dict[str, Number] = {}

    def __iter__(self) -> Iterator[Number]:
        return iter(self._numbers.values())

    def add(self, number: Number) -> Number:
        """Enter a number.

        Parameters
        ----------
        number : Number
            A number of this page; to enter the same one twice is no error.

        Returns
        -------
        Number
            The same.

        Raises
        ------
        ValueError
            The id stands for another number already.
        """
        known = self._numbers.setdefault(number.id, number)
        if known != number:
            raise ValueError(
                f"{self.page}: two numbers have the id {number.id}: {known.printed} and "
                f"{number.printed}; a metrics file holds the same row twice"
            )
        return number

    def enter(
        self,
        row: Mapping[str, Any],
        *,
        id: str,
        kind: str,
        study: str,
        value: float | None,
        n: int | None,
        files: Sequence[str | Path | None],
        model: str = "",
        run: str = "",
    ) -> Number:
        """Enter a row of a table of scores.

        Parameters
        ----------
        row : mapping
            ``subset class metric convention postprocess``, and ``ci_low ci_high`` where it has
            an interval.
        id, kind, study, value, n, model, run
            As in `Number`; NaN is undefined.
        files : sequence of str, Path or None
            What the number rests on, counts first; None is left out.

        Returns
        -------
        Number
            The number with its trail.
        """
        return self.add(
            Number(
                id=id,
                page=self.page,
                kind=kind,
                study=study,
                model=model,
                run=run,
                subset=row["subset"],
                class_=row["class"],
                metric=row["metric"],
                convention=row["convention"],
                postprocess=bool(row["postprocess"]),
                value=optional(value),
                ci_low=optional(row.get("ci_low")),
                ci_high=optional(row.get("ci_high")),
                n=None if n is None else int(n),
                counts=str(files[0] or ""),
                others=tuple(str(path) for path in files[1:] if path),
            )
        )

    def trail(self) -> dict[str, list[Any]]:
        """Give the page's script what it shows behind each number.

        Returns
        -------
        dict of str to list
            By id: value, lower and upper bound, n, counts file, other files, and what was measured
            by name, as far as it applies.
        """
        return {
            number.id: [
                number.value,
                number.ci_low,
                number.ci_high,
                number.n,
                number.counts,
                list(number.others),
                _measured(number),
            ]
            for number in self._numbers.values()
        }


def _measured(number: Number) -> dict[str, str]:
    parts = number.id.split("/")
    told = {name: parts[place] for name, place in IN_ID.get(number.kind, {}).items()}
    told |= {
        "study": number.study,
        "model": number.model,
        "run": number.run,
        "subset": number.subset,
        "class": number.class_,
        "metric": number.metric,
        "convention": number.convention,
        # A claim that is no score has no masks of one kind: an epoch's Dice, a loss, a size.
        "masks": "" if number.kind == "claim" else STATES[number.postprocess],
    }
    return {name: value for name, value in told.items() if value}


def score_id(row: dict[str, Any]) -> str:
    """Name a score by all that it depends on.

    Parameters
    ----------
    row : dict
        ``model run subset class metric convention postprocess``.

    Returns
    -------
    str
        ``score/<model>/<run>/<subset>/<class>/<metric>/<convention>/<raw or cleaned>``.
    """
    state = "cleaned" if row["postprocess"] else "raw"
    parts = [row[key] for key in ("model", "run", "subset", "class", "metric", "convention")]
    return "/".join(["score", *map(str, parts), state])


def optional(value: Any) -> float | None:
    """Give a float, or None for what is empty, ``null`` or NaN in a file."""
    if value is None or value == "" or value != value:
        return None
    return float(value)


def number_record(number: Number, files: dict[str, str]) -> dict[str, Any]:
    """Write a number as an entry of ``numbers.json``.

    Parameters
    ----------
    number : Number
        The number.
    files : dict of str to str
        sha256 of each file that numbers rest on.

    Returns
    -------
    dict
        Its fields, how it is printed, and the hash of its counts.
    """
    record = asdict(number)
    record["class"] = record.pop("class_")
    return record | {"printed": number.printed, "counts_sha256": files.get(number.counts, "")}


def write_numbers(path: str | Path, content: dict[str, Any]) -> None:
    """Write ``numbers.json``.

    Parameters
    ----------
    path : str or Path
        Where to.
    content : dict
        ``studies``: what recomputing needs of each; ``pages`` and ``files``: sha256 of each page
        and of each file that it rests on; ``numbers``: see `number_record`.
    """
    numbers = content["numbers"]
    head = {"gliomake": gliomake.__version__, **content}
    del head["numbers"]
    # One number a line: easy to search and to compare.
    start = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in numbers)
    with atomic_path(path) as temporary:
        temporary.write_text(f'{start},\n "numbers": [\n{lines}\n]}}\n')
