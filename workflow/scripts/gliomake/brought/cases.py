"""The cases of a data set by its index, and the slices that are scored."""

import numpy as np
import pandas as pd

from gliomake.brought.source import Case


def list_cases(cases: pd.DataFrame, slices: pd.DataFrame) -> list[Case]:
    """Put the index's two tables together.

    Parameters
    ----------
    cases, slices : DataFrame
        The data set's ``cases.tsv`` and ``slices.tsv``. A patient's cases do not share a slice
        number, and each case's begin at its ``first_slice``.

    Returns
    -------
    list of Case
        In the order of the table; cases without a slice are left out.
    """
    found = []
    starts = {
        patient: np.sort(part["first_slice"].to_numpy())
        for patient, part in cases.groupby("patient")
    }
    rows = dict(iter(slices.sort_values("slice").groupby("patient")))
    for case, patient, first in zip(
        cases["case"], cases["patient"], cases["first_slice"], strict=True
    ):
        if patient not in rows or first < 0:
            continue
        later = starts[patient][starts[patient] > first]
        numbers = rows[patient]["slice"].to_numpy()
        low = np.searchsorted(numbers, first)
        high = np.searchsorted(numbers, later[0]) if len(later) else len(numbers)
        if high > low:
            row = rows[patient].iloc[low]
            size = int(row["height"]), int(row["width"])
            found.append(Case(str(case), str(patient), numbers[low:high], size))
    return found


def evaluated_cases(cases: list[Case], split: pd.DataFrame) -> list[Case]:
    """Choose the cases that have a slice in a split's rows.

    Parameters
    ----------
    cases : list of Case
        Of `list_cases`.
    split : DataFrame
        ``patient slice subset``, the rows that count.

    Returns
    -------
    list of Case
        In their order.
    """
    wanted = {patient: set(part) for patient, part in split.groupby("patient")["slice"]}
    return [case for case in cases if not wanted.get(case.patient, set()).isdisjoint(case.numbers)]
