"""The numbers of the report: how each is printed, and what it rests on.

Every number that a page prints is entered here once, under a key whose id the page carries too
(``data-number``). ``numbers.json`` is what `gliomake.verify.check` recomputes.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gliomake
from gliomake.files.tsv import atomic_path
from gliomake.report.keys import ClaimKey, Key, Measured, SpreadKey, read_id, write_id
from gliomake.report.words import metric_title, rule_title
from gliomake.scoring.registry import METRICS

INDEX = "index.html"
# From the folder of the report to the one that files are named from.
ROOT = "../../"
UNDEFINED = "undefined"
# A variance estimated at or below zero is cut off there; as 0.000 it would look measured.
NONE_FOUND = "none found"
STATES = {False: "as predicted", True: "post-processed"}
WHOLE = frozenset(
    ("rank", "patients", "slices", "epochs", "batch_size", "plateau_epoch", "converges_before")
)


@dataclass(frozen=True)
class Number:
    """One number of one page and its provenance.

    Attributes
    ----------
    key : Key
        What it is a number of.
    page : str
        File name of the page.
    study : str
        Whose number it is.
    measured : Measured
        What was measured: what the key says of it, but for a claim, whose key is its name.
    value, ci_low, ci_high : float or None
        The number and its 95 % interval; None where it is undefined.
    n : int or None
        How many elements were averaged or pooled.
    counts : str
        The counts file that it rests on; empty for a claim that rests on none.
    others : tuple of str
        Other files that it rests on: counts of the model compared with, a history, the audit.
    """

    key: Key
    page: str
    study: str
    measured: Measured
    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None
    counts: str = ""
    others: tuple[str, ...] = ()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Number":
        """Read an entry of ``numbers.json``.

        Raises
        ------
        IdError
            Its id is none.
        """
        key, _ = read_id(record["id"])
        measured = key.measured
        if isinstance(key, ClaimKey):
            names = {name: name.rstrip("_") for name in Measured._fields}
            measured = Measured(**{name: record[column] for name, column in names.items()})
        own = ("page", "study", "value", "ci_low", "ci_high", "n", "counts")
        given = {name: record[name] for name in own}
        return cls(key, measured=measured, others=tuple(record["others"]), **given)

    @property
    def id(self) -> str:
        """Unique in its page; on the index it ends with the study."""
        return write_id(self.key, self.study if self.page == INDEX else "")

    @property
    def is_difference(self) -> bool:
        """Whether it is printed with a sign."""
        return self.key.kind in ("comparison", "leakage")

    @property
    def text(self) -> str:
        """The number as the pages print it."""
        if isinstance(self.key, SpreadKey) and self.value == 0:
            return NONE_FOUND
        metric = self.measured.metric
        named = METRICS[metric].unit if metric in METRICS else ""
        unit = f" {named}" if named and self.value is not None else ""
        return format_value(self.value, metric, signed=self.is_difference) + unit

    @property
    def interval(self) -> str:
        """The interval as the pages print it; empty where there is none."""
        if self.value is None or self.ci_low is None or self.ci_high is None:
            return ""
        signed, metric = self.is_difference, self.measured.metric
        low, high = (
            format_value(bound, metric, signed=signed) for bound in (self.ci_low, self.ci_high)
        )
        return f"{low} to {high}" if signed else f"{low}–{high}"  # noqa: RUF001 (a range)

    @property
    def printed(self) -> str:
        """Number and interval, as the text of the page's element."""
        return f"{self.text} {self.interval}".strip()

    def words(self) -> dict[str, str]:
        """Say by name what the number is of, as far as it applies."""
        measured = self.measured
        said = self.key.details | {
            "study": self.study,
            "model": measured.model,
            "run": measured.run,
            "subset": measured.subset,
            "class": measured.class_,
            "metric": metric_title(measured.metric),
            "averaging rule": rule_title(measured.convention),
            # A claim that is no score has no masks of one kind: an epoch's Dice, a loss, a size.
            "masks": "" if isinstance(self.key, ClaimKey) else STATES[measured.postprocess],
        }
        return {name: value for name, value in said.items() if value}


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
        self._numbers: dict[tuple[str, Key], Number] = {}

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
            The key stands for another number already.
        """
        known = self._numbers.setdefault((number.study, number.key), number)
        if known != number:
            raise ValueError(
                f"{self.page}: two numbers have the id {number.id}: {known.printed} and "
                f"{number.printed}; a metrics file holds the same row twice"
            )
        return number

    def enter(
        self,
        key: Key,
        *,
        study: str,
        value: Any,
        interval: Mapping[str, Any] | None = None,
        n: int | None = None,
        files: Sequence[str | Path | None] = (),
        measured: Measured | None = None,
    ) -> Number:
        """Enter a value with its key.

        Parameters
        ----------
        key : Key
            What it is a number of.
        study : str
            Whose number it is.
        value : float, str or None
            As files hold it: NaN and an empty text are undefined.
        interval : mapping, optional
            ``ci_low`` and ``ci_high``, as files hold them.
        n : int, optional
            How many elements were averaged or pooled.
        files : sequence of str, Path or None
            What the number rests on, counts first; None is left out.
        measured : Measured, optional
            By default what the key says.

        Returns
        -------
        Number
            The number with its provenance.
        """
        ends = interval or {}
        first, *others = files or [None]
        return self.add(
            Number(
                key=key,
                page=self.page,
                study=study,
                measured=key.measured if measured is None else measured,
                value=optional(value),
                ci_low=optional(ends.get("ci_low")),
                ci_high=optional(ends.get("ci_high")),
                n=None if n is None else int(n),
                counts=str(first or ""),
                others=tuple(str(path) for path in others if path),
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
                number.words(),
            ]
            for number in self
        }


def reach_words(low: Any, high: Any) -> str:
    """Print an interval that has no provenance of its own; empty where it has no ends.

    >>> reach_words(0.25, 1), reach_words(None, 1)
    ('0.250 to 1.000', '')
    """
    low, high = optional(low), optional(high)
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


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
    measured = number.measured._asdict()
    class_ = measured.pop("class_")
    return {
        "id": number.id,
        "page": number.page,
        "kind": number.key.kind,
        "study": number.study,
        **measured,
        "value": number.value,
        "ci_low": number.ci_low,
        "ci_high": number.ci_high,
        "n": number.n,
        "counts": number.counts,
        "others": number.others,
        "class": class_,
        "printed": number.printed,
        "counts_sha256": files.get(number.counts, ""),
    }


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
