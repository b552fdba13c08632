"""Predictions of elsewhere in the form of our own, and the list of what was there."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gliomake.brought.source import Case
from gliomake.files.predictions import write_predictions
from gliomake.files.tsv import write_tsv
from gliomake.prepare.preprocess import resize_mask
from gliomake.processes import in_order
from gliomake.scoring.grids import to_size

if TYPE_CHECKING:
    from gliomake.scoring.native import NativeRun

CASES = 4
"""Cases that a process takes at a time."""
COLUMNS = ["case", "patient", "slices", "missing", "files", "note"]


def bring_predictions(
    run: "NativeRun",
    *,
    size: int,
    predictions: str | Path,
    listing: str | Path,
    attributes: Mapping[str, Any],
    threads: int = 1,
) -> None:
    """Write predictions of elsewhere for pictures and the viewer, and list what was there.

    No score is taken from them: those are counted on the scans' own grid.

    Parameters
    ----------
    run : NativeRun
        Where they lie.
    size : int
        Height and width of the study's slices, pixels.
    predictions : str or Path
        The ``predictions.h5`` to write.
    listing : str or Path
        The ``brought.tsv`` to write: one row a case, with the slices for which there was nothing.
    attributes : mapping
        Of `write_predictions`.
    threads : int
        Processes side by side; the result does not depend on it.

    Raises
    ------
    SourceError, CaseError, AccessError
        As in `gliomake.brought.Source`.
    """
    cases, rows = run.evaluated()
    run.open()[1].cases()  # what is wrong with the folder, before anything is written
    # The order of all predictions: by subset, patient and slice.
    keys = [
        rows[(rows["patient"] == case.patient) & rows["slice"].isin(case.numbers)] for case in cases
    ]
    order = [
        (str(subset), case, part)
        for case, own in zip(cases, keys, strict=True)
        for subset, part in own.groupby("subset")
    ]
    order.sort(key=lambda entry: (entry[0], entry[1].patient, int(entry[2]["slice"].min())))
    rows = pd.concat([part for _, _, part in order], ignore_index=True)
    wanted = [(case, part["slice"].to_numpy()) for _, case, part in order]
    shares = [wanted[at : at + CASES] for at in range(0, len(wanted), CASES)]
    brought = in_order(partial(_bring, run, size), shares, min(threads, len(shares)))
    first = next(brought)  # now the processes fork, before a file is open
    listed: dict[str, tuple[Any, ...]] = {}
    write_predictions(
        predictions,
        _masks(chain([first], brought), len(wanted), listed),
        patient=rows["patient"].tolist(),
        slice=rows["slice"].tolist(),
        subset=rows["subset"].tolist(),
        spacing=np.full((len(rows), 3), np.nan, np.float32),
        attributes=attributes,
    )
    table = pd.DataFrame([listed[case.case] for case in cases], columns=COLUMNS)
    write_tsv(table, listing)
    empty = table[table["missing"] > 0]
    print(f"{len(table) - len(empty)} of {len(table)} cases are predicted whole")
    for case, missing, slices in zip(empty["case"], empty["missing"], empty["slices"], strict=True):
        print(f"{case}: nothing for {missing} of {slices} slices, which count as empty")


def _bring(
    run: "NativeRun", size: int, wanted: Sequence[tuple[Case, np.ndarray]]
) -> list[tuple[tuple[Any, ...], np.ndarray]]:
    """Read predictions of cases: the row of each, and its slices at the study's size."""
    _, source = run.opened()
    brought = []
    for case, numbers in wanted:
        found = source.read(case)
        names = ", ".join(found.files[:3]) + (", ..." if len(found.files) > 3 else "")
        row = (case.case, case.patient, len(case.numbers), found.missing, names, found.note)
        values = found.probability[np.isin(case.numbers, numbers)]
        labels = values.dtype == np.uint8
        brought.append(
            (row, resize_mask(values, size) if labels else to_size(values, (size, size)))
        )
    return brought


def _masks(
    brought: Iterator[list[tuple[tuple[Any, ...], np.ndarray]]],
    count: int,
    listed: dict[str, tuple[Any, ...]],
) -> Iterator[np.ndarray]:
    for number, (row, values) in enumerate(chain.from_iterable(brought), start=1):
        listed[row[0]] = row
        yield values
        print(f"{number}/{count} {row[0]}", flush=True)
