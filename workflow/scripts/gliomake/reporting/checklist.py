"""The checklist CLAIM 2024 of a study: each item filled from the run's files, or left to people."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from gliomake.files.provenance import file_sha256
from gliomake.files.tsv import write_tsv
from gliomake.report.inputs import StudyInputs
from gliomake.reporting import data_items, model_items  # noqa: F401 (they enter their items)
from gliomake.reporting.answers import FILLERS, Absent, Answer
from gliomake.reporting.items import ITEMS, Item

COLUMNS = ["item", "part", "asks", "status", "value", "left", "file", "sha256"]
FILLED, PARTLY, STATED, PEOPLE, BROKEN = (
    "filled", "partly filled", "stated by people", "for people", "broken",
)  # fmt: skip
"""From files whole; from files, and people must add something; by people, in
``config/reporting.yaml``; not yet answered; a file that should answer it cannot be read."""
# What reading a file that is damaged or gone can end in.
FAULTS = (ValueError, LookupError, TypeError, OSError, AttributeError)


def checklist(inputs: StudyInputs, items: Sequence[Item] = ITEMS) -> pd.DataFrame:
    """Fill in the checklist of a study.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files, and what people say to its items.
    items : sequence of Item
        Those to fill in; by default all.

    Returns
    -------
    DataFrame
        A row an item, columns `COLUMNS`: what it asks, its status, what is said, what is left for
        people, and the files behind it with their hashes, separated by spaces.
    """
    # Files are named from the folder that holds the results, wherever that has been moved to.
    home, rows = inputs.claims.parents[1].parent, []
    for item in items:
        status, answer = _answer(inputs, item.number)
        said = inputs.answers.get(item.number, "")
        value, left = answer.value, answer.left
        if said and status != BROKEN:
            value, left = " ".join(filter(None, [value, said])), ""
            status = FILLED if status == FILLED else STATED
        files = [path.relative_to(home).as_posix() for path in answer.files]
        hashes = [file_sha256(path) for path in answer.files]
        rows.append((*item, status, value, left, " ".join(files), " ".join(hashes)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _answer(inputs: StudyInputs, number: int) -> tuple[str, Answer]:
    if number not in FILLERS:
        return PEOPLE, Answer("", ())
    try:
        answer = FILLERS[number](inputs)
        for path in answer.files:
            path.stat()
    except Absent as reason:
        return PEOPLE, Answer("", (), str(reason))
    except FAULTS as error:
        return BROKEN, Answer("", (), f"{type(error).__name__}: {error}"[:300])
    return (PARTLY if answer.left else FILLED), answer


def write_checklist(inputs: StudyInputs, path: str | Path) -> None:
    """Write the checklist of a study, ``claim2024.tsv``."""
    write_tsv(checklist(inputs), path)


def summary(table: pd.DataFrame) -> Mapping[str, int]:
    """Count the items of each status."""
    return {str(status): int(count) for status, count in table["status"].value_counts().items()}
