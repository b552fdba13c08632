"""Averaging rules as columns of a table, and what a row of scores rests on."""

from collections.abc import Mapping, Sequence
from typing import Any

from gliomake.report.inputs import StudyInputs
from gliomake.report.numbers import Number
from gliomake.report.table import Cell, Column
from gliomake.report.words import counted, merged_rules, rule_help
from gliomake.scoring.compare import FEWEST_PATIENTS

# From here on an interval covers about what it says, see docs/intervals.md.
MANY_PATIENTS = 50


def rule_groups(rows: Sequence[Mapping[str, Number]], rules: Sequence[str]) -> list[list[str]]:
    """Group the averaging rules that give the same numbers in every row.

    Parameters
    ----------
    rows : sequence of mapping
        The number of each rule, as far as a row has it.
    rules : sequence of str
        The rules, in the order of the columns.

    Returns
    -------
    list of list of str
        Each rule once; alone where no other gives the same.
    """
    groups: list[list[str]] = []
    for rule in rules:
        for group in groups:
            if all(_same(row.get(group[0]), row.get(rule)) for row in rows):
                group.append(rule)
                break
        else:
            groups.append([rule])
    return groups


def _same(one: Number | None, other: Number | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(
        a is b is None or (a is not None and b is not None and abs(a - b) < 1e-12)
        for a, b in zip(_reach(one), _reach(other), strict=True)
    )


def _reach(number: Number) -> tuple[float | None, float | None, float | None]:
    return number.value, number.ci_low, number.ci_high


def few_patients(patients: int | None) -> str:
    """Warn of what few patients do to an interval; empty where there are enough.

    Parameters
    ----------
    patients : int or None
        How many patients a score rests on; None where the data set names none.
    """
    if patients is None or patients >= MANY_PATIENTS:
        return ""
    if patients < FEWEST_PATIENTS:
        return f"no interval and no verdict under {FEWEST_PATIENTS} patients"
    return "few patients: intervals cover less than they say"


def sample(slices: int, patients: int | None) -> str:
    """Say what a score rests on.

    >>> sample(60, 5), sample(1, None)
    ('60 slices of 5 patients', '1 image')
    """
    if patients is None:
        return counted(slices, "image")
    return f"{counted(slices, 'slice')} of {counted(patients, 'patient')}"


def rule_columns(groups: Sequence[Sequence[str]]) -> list[Column]:
    """Head a column for each group of averaging rules that give the same numbers."""
    return [
        Column(merged_rules(group), numeric=True, help="; ".join(map(rule_help, group)))
        for group in groups
    ]


def sample_cell(inputs: StudyInputs, row: Mapping[str, Any], numbers: Mapping[str, Number]) -> Cell:
    """Say what a row of scores rests on, with a warning where these are few patients.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.
    row : mapping
        ``model run subset``.
    numbers : mapping
        Its numbers by averaging rule.

    Returns
    -------
    Cell
        Sorted by the number of slices.
    """
    n = numbers.get("pooled", next(iter(numbers.values()))).n or 0
    patients = inputs.run_files(row["model"], row["run"]).patients_of.get(row["subset"])
    # Distances are measured patient by patient.
    told = counted(n, "patient") if numbers.keys() == {"patient"} else sample(n, patients)
    return Cell(told, n, title=few_patients(patients), warned=bool(few_patients(patients)))
