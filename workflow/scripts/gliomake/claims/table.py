"""Reported numbers: reading `claims.tsv`, and how far rounding lets each number reach."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from gliomake.claims.interval import Interval

COLUMNS = (
    "claim",
    "study",
    "model",
    "subset",
    "quantity",
    "class",
    "epoch",
    "value",
    "approximate",
    "where",
    "aggregation",
    "note",
)
OVERLAPS = frozenset({"dice", "iou", "f1", "tversky"})
SCORES = OVERLAPS | {"precision", "recall", "specificity", "accuracy", "pixel_accuracy"}
COUNTS = frozenset({"tp", "fp", "fn", "tn", "slices", "patients", "parameters"}) | {
    *("epochs", "batch_size", "image_size", "rank", "plateau_epoch")
}
OTHERS = frozenset({"loss", "learning_rate", "gradient_clip_norm", "patient_fraction"}) | {
    *("converges_before", "runtime_hours_max")
}
QUANTITIES = SCORES | COUNTS | OTHERS
SUBSETS = frozenset({"train", "val", "test", "all", ""})
KINDS = ("protocol", "constraint", "target", "qualitative")


class ClaimError(ValueError):
    """A row of `claims.tsv` that cannot be read as a claim."""


@dataclass(frozen=True)
class Claim:
    """One number that a document reports.

    Attributes
    ----------
    epoch : str
        An epoch's number, ``final``, or empty where the document names none.
    value : str
        As printed, so that its last decimal is known; empty for a claim in words.
    kind : str
        ``result``, or what else the note's first words call it: ``protocol``, ``constraint``,
        ``target`` (a wish, not a result) or ``qualitative``.
    step : Decimal
        The unit of the last printed place, 0 where there is no value.
    """

    claim: str
    study: str
    model: str
    subset: str
    quantity: str
    class_: str
    epoch: str
    value: str
    approximate: bool
    where: str
    aggregation: str
    note: str
    dataset: str
    kind: str
    step: Decimal

    @property
    def number(self) -> float:
        """The reported value; NaN for a claim in words."""
        return float(self.value) if self.value else float("nan")

    @property
    def interval(self) -> Interval:
        """Every value that would be printed as this one.

        Half a unit of the last place to each side; a whole unit where the document says "about".
        """
        value, reach = Decimal(self.value), self.step if self.approximate else self.step / 2
        return Interval(float(value - reach), float(value + reach))

    @property
    def is_score(self) -> bool:
        """Whether this is a reported result between 0 and 1, with a number."""
        return self.quantity in SCORES and self.kind == "result" and bool(self.value)


def load_claims(
    path: Path, models: dict[str, Collection[str]] | None = None, study: str | None = None
) -> list[Claim]:
    """Read and check a table of claims.

    Parameters
    ----------
    path : Path
        Tab-separated, with the columns `COLUMNS` and, optionally, `dataset`.
    models : dict of str to collection of str, optional
        The models of each known study. A claim of a study or a model that is not there is an
        error; without this argument any is taken.
    study : str, optional
        Return this study's claims only. The whole table is checked all the same.

    Raises
    ------
    ClaimError
        A missing column, a repeated id, a number that does not parse, an unknown quantity,
        subset, study or model.
    """
    with open(path, encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_MINIMAL)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ClaimError(f"{path}: no column {', '.join(missing)}; add it to the header")
        claims = [_parse_row(row, f"{path}, line {reader.line_num}") for row in reader]
    repeated = [name for name, count in Counter(c.claim for c in claims).items() if count > 1]
    if repeated:
        raise ClaimError(f"{path}: claim ids used twice: {', '.join(repeated)}; make them unique")
    if models is not None:
        for claim in claims:
            _check_names(claim, models, path)
    claims = _with_column_precision(claims)
    return [claim for claim in claims if study is None or claim.study == study]


def _parse_row(row: dict[str, str], where: str) -> Claim:
    if any(value is None for value in row.values()) or None in row:
        raise ClaimError(f"{where}: {sum(v is not None for v in row.values())} cells do not fit")
    value = row["value"]
    try:
        parsed = Decimal(value) if value else Decimal(0)
    except InvalidOperation:
        raise ClaimError(
            f"{where}: value {value!r} is not a number; leave words to `note`"
        ) from None
    if not parsed.is_finite():
        raise ClaimError(f"{where}: value {value!r} is not finite")
    if row["quantity"] not in QUANTITIES:
        raise ClaimError(
            f"{where}: unknown quantity {row['quantity']!r}; known: {', '.join(sorted(QUANTITIES))}"
        )
    if row["subset"] not in SUBSETS:
        raise ClaimError(f"{where}: subset {row['subset']!r} is not one of train, val, test, all")
    if row["approximate"] not in ("yes", "no"):
        raise ClaimError(f"{where}: approximate must be yes or no, found {row['approximate']!r}")
    if row["epoch"] not in ("", "final") and not row["epoch"].isdigit():
        raise ClaimError(f"{where}: epoch must be a number, final or empty: {row['epoch']!r}")
    named = re.match(rf"\W*(?:an? )?({'|'.join(KINDS)})\b", row["note"])
    return Claim(
        **{name: row[name] for name in COLUMNS if name not in ("class", "approximate")},
        class_=row["class"],
        approximate=row["approximate"] == "yes",
        dataset=row.get("dataset", ""),
        kind=named[1] if named else "result",
        step=_step(parsed, row["quantity"] in COUNTS) if value else Decimal(0),
    )


def _step(value: Decimal, is_count: bool) -> Decimal:
    """Give the unit of the last printed place; counts are whole whatever is printed."""
    exponent = int(value.as_tuple().exponent)
    return Decimal(1).scaleb(max(exponent, 0) if is_count else exponent)


def _with_column_precision(claims: Sequence[Claim]) -> list[Claim]:
    """Give every row of a per-epoch table the finest precision of its column.

    Tables printed by software drop trailing zeros: 0.41 among 0.576 and 0.271 is 0.410.
    """

    def column(claim: Claim) -> tuple[str, ...]:
        return (claim.study, claim.model, claim.subset, claim.where, claim.quantity, claim.class_)

    finest: dict[tuple[str, ...], Decimal] = {}
    rows = [claim for claim in claims if claim.epoch.isdigit() and claim.value]
    for claim in rows:
        finest[column(claim)] = min(claim.step, finest.get(column(claim), claim.step))
    return [
        replace(claim, step=finest[column(claim)])
        if claim.epoch.isdigit() and claim.value
        else claim
        for claim in claims
    ]


def _check_names(claim: Claim, models: dict[str, Collection[str]], path: Path) -> None:
    if claim.study not in models:
        raise ClaimError(
            f"{path}: claim {claim.claim} is of study {claim.study!r}; "
            f"known studies: {', '.join(models)}"
        )
    if claim.model and claim.model not in models[claim.study]:
        raise ClaimError(
            f"{path}: claim {claim.claim} is of model {claim.model!r}; "
            f"{claim.study} has {', '.join(models[claim.study])}"
        )
