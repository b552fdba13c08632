"""Tables of the numbers of any report: fewer columns are needed than for a study's own."""

from pathlib import Path

from gliomake.claims.table import COLUMNS, OPTIONAL, Claim, ClaimError, parse_rows, read_rows

NEEDED = ("quantity", "value")
"""Columns without which there is nothing to check."""
MOST_ROWS = 5000
"""More numbers than any report prints; checks compare many of them with each other."""
TEMPLATE_ROWS = (
    ("unet", "test", "dice", "tumour", "0.870", "table 2"),
    ("unet", "test", "iou", "tumour", "0.770", "table 2"),
    ("unet", "test", "precision", "tumour", "91.2%", "table 2"),
    ("", "train", "slices", "", "3143", "section 3"),
)
# What a document itself says of each number comes first.
_ORDER = (
    *("model", "subset", "quantity", "class", "value", "where", "aggregation", "approximate"),
    *("epoch", "unit", "sd", "kind", "dataset", "study", "claim", "note"),
)

_CALLED = {
    "metric": "quantity", "measure": "quantity", "score": "value", "result": "value",
    "id": "claim", "paper": "study", "document": "study", "report": "study",
    "page": "where", "table": "where", "source": "where", "split": "subset", "set": "subset",
    "label": "class", "region": "class", "data": "dataset", "data set": "dataset",
    "method": "model", "network": "model", "architecture": "model", "std": "sd",
    "comment": "note", "notes": "note",
}  # fmt: skip
"""What people call these columns as well."""


def read_outside(path: str | Path) -> list[Claim]:
    """Read the numbers of any report.

    Parameters
    ----------
    path : str or Path
        A table as `gliomake.claims.table.load_claims` reads it, of which only `NEEDED` must be
        there. A row without an id is called by its line; without a study by the file's name;
        ``approximate`` is ``no``; all else is not stated.

    Returns
    -------
    list of Claim
        In the order of the rows.

    Raises
    ------
    ClaimError
        It is no such table, holds no row or more than `MOST_ROWS`, or a row cannot be read; all
        faulty rows are named.
    """
    path = Path(path)
    rows = read_rows(path, NEEDED, _ORDER, _CALLED)
    if not rows:
        raise ClaimError(f"{path}: no row under the header; write one number a row")
    if len(rows) > MOST_ROWS:
        raise ClaimError(f"{path}: {len(rows)} rows; expected at most {MOST_ROWS}, of one report")
    return parse_rows([(_complete(row, where, path), where) for row, where in rows], path)


def _complete(row: dict[str, str], where: str, path: Path) -> dict[str, str]:
    """Fill in what the table does not say."""
    full = dict.fromkeys((*COLUMNS, *OPTIONAL), "") | row
    full["claim"] = full["claim"] or where.rpartition(", ")[2]
    full["study"] = full["study"] or path.stem
    full["approximate"] = full["approximate"].casefold() or "no"
    return full


_TOLD = {
    "claim": "An id; a row without one is called by its line.",
    "study": "The report; by default the file's name. Reports are not compared with each other.",
    "model": "As the report names it; empty for sizes of the data.",
    "approximate": "yes where the report says about; else empty.",
    "note": "Free text, such as bounds, ranges and intervals.",
}
"""What a column is in a table of any report, where the schema speaks of the workflow's studies."""


def template(described: dict[str, str]) -> str:
    """Write a table to fill in.

    Parameters
    ----------
    described : dict of str to str
        What each column is, as the schema of claims says.

    Returns
    -------
    str
        CSV: a line of explanation a column, the header, some rows as an example.
    """
    lines = [
        "# One number a row, as it is printed: trailing zeros say how far rounding reaches.",
        f"# Needed: {' and '.join(NEEDED)}; any other column may be left out or empty.",
        *(f"# {name}: {_TOLD.get(name, described[name])}" for name in _ORDER),
        "# The rows are an example; put your own in their place.",
        ",".join(_ORDER),
    ]
    for model, subset, quantity, class_, value, where in TEMPLATE_ROWS:
        cells = [model, subset, quantity, class_, value, where]
        lines.append(",".join([*cells, *[""] * (len(_ORDER) - len(cells))]))
    return "\n".join(lines) + "\n"
