"""Reported numbers: reading `claims.tsv`, and how far rounding lets each number reach."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from io import StringIO
from pathlib import Path

from gliomake.claims.interval import Interval
from gliomake.claims.printed import read_printed
from gliomake.claims.quantities import (
    COUNTS,
    DISTANCES,
    QUANTITIES,
    SCORES,
    SUBSETS,
    class_name,
    quantity_name,
    scope,
    score_range,
    subset_name,
)

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
OPTIONAL = ("dataset", "unit", "sd", "kind")
RESULT = "result"
MOST_FAULTS = 8
_LEADING = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)+")
KINDS = (RESULT, "protocol", "constraint", "target", "qualitative")


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
        As printed, so that its last decimal is known, percentages as shares; empty for a claim in
        words.
    kind : str
        ``result``, ``protocol`` (a setting), ``constraint`` (an upper limit), ``target`` (a wish,
        not a result) or ``qualitative`` (words without a number).
    step : Decimal
        The unit of the last printed place, 0 where there is no value.
    sd : str
        The standard deviation printed with the value, as a share like it; empty without one.
    percent : bool
        Whether the document prints it in percent.
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
    sd: str = ""
    percent: bool = False

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
        """Whether this is a reported score, with a number."""
        return self.quantity in SCORES and self.kind == RESULT and bool(self.value)

    @property
    def is_possible(self) -> bool:
        """Whether rounding lets it lie within its quantity's range, where that has ends."""
        if self.quantity not in SCORES | DISTANCES or not self.value:
            return True
        return self.interval.overlaps(Interval(*score_range(self.quantity)))

    @property
    def scope(self) -> str:
        """The elements that the score is stated to be over; empty where nothing is stated."""
        return scope(self.aggregation)

    @property
    def key(self) -> tuple[str, ...]:
        """What two claims have in common that are about the same masks, scored alike."""
        return (self.study, self.model, self.subset, self.class_, self.epoch, self.scope)


def load_claims(
    path: Path, models: dict[str, Collection[str]] | None = None, study: str | None = None
) -> list[Claim]:
    """Read and check a table of claims.

    Parameters
    ----------
    path : Path
        UTF-8, separated by tabs, commas or semicolons, with the columns `COLUMNS` and, where
        wanted, `OPTIONAL`. ``config/README.md`` describes them.
    models : dict of str to collection of str, optional
        The models of each known study. A claim of a study or a model that is not there is an
        error; without this argument any is taken.
    study : str, optional
        Return this study's claims only. The whole table is checked all the same.

    Raises
    ------
    ClaimError
        A file that is no such table, a missing column, a repeated id, a number that does not
        parse, an unknown quantity or unit; with `models` an unknown study, model or subset.
    """
    claims = parse_rows(read_rows(path), path)
    if models is not None:
        for claim in claims:
            _check_names(claim, models, path)
    return [claim for claim in claims if study is None or claim.study == study]


def parse_rows(rows: Iterable[tuple[dict[str, str], str]], path: Path) -> list[Claim]:
    """Read claims from the rows of a table.

    Parameters
    ----------
    rows : iterable of (dict, str)
        Of `read_rows`, with a cell for each of `COLUMNS`.
    path : Path
        The table, for messages.

    Returns
    -------
    list of Claim
        In the order of the rows.

    Raises
    ------
    ClaimError
        With every row that cannot be read, up to `MOST_FAULTS`.
    """
    claims, faults = [], []
    for row, where in rows:
        try:
            claims.append(_parse_row(row, where))
        except ClaimError as error:
            faults.append(str(error))
    repeated = [name for name, count in Counter(c.claim for c in claims).items() if count > 1]
    if repeated:
        shown = ", ".join(repeated[:MOST_FAULTS])
        faults.append(f"{path}: claim ids used twice: {shown}; make them unique")
    if len(faults) > MOST_FAULTS:
        faults[MOST_FAULTS:] = [f"and {len(faults) - MOST_FAULTS} more such rows"]
    if faults:
        raise ClaimError("\n".join(faults))
    return _with_column_precision(claims)


def read_rows(
    path: Path,
    needed: Sequence[str] = COLUMNS,
    known: Collection[str] | None = None,
    called: Mapping[str, str] | None = None,
) -> list[tuple[dict[str, str], str]]:
    """Read the rows of a table of claims as text.

    Parameters
    ----------
    path : Path
        As in `load_claims`. Lines before the header that begin with ``#`` are passed over.
    needed : sequence of str
        Columns that must be there.
    known : collection of str, optional
        Columns that may be there; by default any.
    called : mapping of str to str, optional
        Other names of columns, in small letters; with it, capitals do not count.

    Returns
    -------
    list of (dict, str)
        The cells by column, without space around them; and the row's place, for errors.

    Raises
    ------
    ClaimError
        A file that is no such table, a missing column, or a row with other cells than the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ClaimError(f"{path}: not UTF-8; save it as UTF-8 text") from None
    except OSError as error:
        raise ClaimError(f"{path}: cannot be read: {error.strerror}") from None
    before = _LEADING.match(text)
    text = text[before.end() :] if before else text
    skipped = before[0].count("\n") if before else 0
    header = text.split("\n", 1)[0]
    reader = csv.DictReader(
        StringIO(text, newline=""), delimiter=max("\t,;", key=header.count), strict=True
    )
    try:
        given = [name.strip() for name in reader.fieldnames or ()]
        names = given
        if called is not None:
            names = [called.get(name.casefold(), name.casefold()) for name in given]
        missing = [name for name in needed if name not in names]
        if missing:
            found = f"found {', '.join(given)}; " if any(given) else ""
            raise ClaimError(f"{path}: no column {', '.join(missing)}; {found}add it to the header")
        odd = [
            name
            for name, read in zip(given, names, strict=True)
            if known is not None and read not in known
        ]
        if odd:
            raise ClaimError(
                f"{path}: unknown column {', '.join(map(repr, odd))}; expected some of "
                f"{', '.join(known or ())}. What fits none of them goes into `note`"
            )
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            both = [name for name, read in zip(given, names, strict=True) if read == twice[0]]
            raise ClaimError(
                f"{path}: two columns {twice[0]} ({', '.join(both)}); leave one or join them"
            )
        reader.fieldnames = names
        return [_cells(row, f"{path}, line {skipped + reader.line_num}") for row in reader]
    except csv.Error as error:
        line = skipped + reader.line_num
        raise ClaimError(f"{path}, line {line}: not a table: {error}") from None


def _cells(row: dict[str, str], where: str) -> tuple[dict[str, str], str]:
    if any(value is None for value in row.values()) or None in row:
        raise ClaimError(
            f"{where}: more or fewer cells than the header has columns; write one cell a column, "
            "decimals with a point"
        )
    return {name: cell.strip() for name, cell in row.items()}, where


def _parse_row(row: dict[str, str], where: str) -> Claim:
    if not row["claim"]:
        raise ClaimError(f"{where}: no id under `claim`; give each row one of its own")
    quantity, is_mean = quantity_name(row["quantity"])
    if quantity not in QUANTITIES:
        raise ClaimError(
            f"{where}: unknown quantity {row['quantity']!r}; known: {', '.join(sorted(QUANTITIES))}"
        )
    try:
        printed = read_printed(row["value"], quantity, row.get("unit", ""), row.get("sd", ""))
    except ValueError as error:
        raise ClaimError(f"{where}: {error}") from None
    if row["approximate"] not in ("yes", "no"):
        raise ClaimError(f"{where}: approximate must be yes or no, found {row['approximate']!r}")
    if row["epoch"] not in ("", "final") and not row["epoch"].isdigit():
        raise ClaimError(f"{where}: epoch must be a number, final or empty: {row['epoch']!r}")
    kind = _kind(row, where)
    as_read = {"quantity": quantity, "subset": subset_name(row["subset"]), "value": printed.value}
    taken = ("claim", "study", "model", "epoch", "where", "aggregation", "note")
    return Claim(
        **{name: row[name] for name in taken} | as_read,
        class_=class_name(row["class"]) or ("mean" if is_mean else ""),
        approximate=row["approximate"] == "yes",
        dataset=row.get("dataset", ""),
        kind=kind,
        step=_step(Decimal(printed.value), quantity in COUNTS) if printed.value else Decimal(0),
        sd=printed.sd,
        percent=printed.percent,
    )


def _kind(row: dict[str, str], where: str) -> str:
    """Read what a row is; notes said so before there was a column for it."""
    if "kind" not in row:
        named = re.match(rf"\W*(?:an? )?({'|'.join(KINDS[1:])})\b", row["note"])
        if named:
            raise ClaimError(
                f"{where}: the note begins with {named[1]!r}, which the column `kind` says now; "
                f"add the column, with {named[1]} in this row"
            )
    kind = row.get("kind") or RESULT
    if kind not in KINDS:
        raise ClaimError(f"{where}: kind {kind!r}; expected {', '.join(KINDS)}, or an empty cell")
    return kind


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
    if claim.subset not in {*SUBSETS, ""}:
        raise ClaimError(
            f"{path}: claim {claim.claim} is of subset {claim.subset!r}; "
            f"{claim.study} has {', '.join(SUBSETS)}"
        )
    if claim.model and claim.model not in models[claim.study]:
        raise ClaimError(
            f"{path}: claim {claim.claim} is of model {claim.model!r}; "
            f"{claim.study} has {', '.join(models[claim.study])}"
        )
