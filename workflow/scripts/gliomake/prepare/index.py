"""The index of a data set: every case looked at once, before anything is built on it.

Groups of cases are inspected side by side; `merge_index` gathers them into ``slices.tsv``,
``cases.tsv`` and ``integrity.json``.
"""

import re
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliomake.datasets.base import CaseReport, Dataset, Finding, Problem
from gliomake.datasets.root import AccessError
from gliomake.files.contracts import read_json
from gliomake.files.json_file import write_json
from gliomake.files.tsv import write_tsv
from gliomake.prepare import inspection
from gliomake.prepare.inspection import BadDataError
from gliomake.prepare.refusal_text import bad_data_message
from gliomake.prepare.truth import has_tumour, truth_findings

__all__ = [
    "ON_BAD_CASE",
    "BadDataError",
    "group_cases",
    "merge_index",
    "read_index_group",
    "write_index_group",
    "write_json",
]

ON_BAD_CASE = ("fail", "skip")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that spreadsheets take for a formula."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that no cell of a table may hold; tabs and line ends are quoted."""


def group_cases(cases: Sequence[str], groups: int) -> list[list[str]]:
    """Deal cases to groups.

    Parameters
    ----------
    cases : sequence of str
        All cases of a data set.
    groups : int
        How many groups; each is one job.

    Returns
    -------
    list of list of str
        The groups; some are empty where there are fewer cases than groups.
    """
    return [list(cases[number::groups]) for number in range(groups)]


def write_index_group(
    dataset: Dataset, cases: Sequence[str], path: str | Path, channels: Sequence[str] | None = None
) -> list[CaseReport]:
    """Inspect some cases and write what was found.

    Parameters
    ----------
    dataset : Dataset
        The opened data set.
    cases : sequence of str
        The group's cases.
    path : str or Path
        JSON, a list of case reports.
    channels : sequence of str, optional
        The channels that are used; others need not be read. All by default.

    Returns
    -------
    list of CaseReport
        What was written.

    Raises
    ------
    AccessError
        The machine could not read a file. All cases are looked at before, all such files are
        named, and nothing is written.
    """
    reports: list[CaseReport] = []
    unread: list[AccessError] = []
    for number, case in enumerate(cases, start=1):
        try:
            report = inspection.inspect_case(dataset, case, channels)
        except AccessError as error:
            unread.append(error)
            for single in inspection.single_errors(error):
                print(f"{number}/{len(cases)} {case}: {single}", flush=True)
            continue
        reports.append(report)
        state = "; ".join(problem.message for problem in report.problems) or "ok"
        print(f"{number}/{len(cases)} {case}: {len(report.slices)} slices, {state}", flush=True)
    inspection.raise_unread(unread)
    write_json([asdict(report) for report in reports], path)
    return reports


def read_index_group(path: str | Path) -> list[CaseReport]:
    """Read the case reports of a group.

    Parameters
    ----------
    path : str or Path
        A file of `write_index_group`.

    Returns
    -------
    list of CaseReport
        In the order of the cases.
    """
    reports = []
    for entry in read_json(path):
        problems = [Problem(**problem) for problem in entry.pop("problems")]
        reports.append(CaseReport(**entry, problems=problems))
    return reports


def merge_index(
    dataset: Dataset,
    reports: Sequence[CaseReport],
    *,
    data: str,
    on_bad_case: str,
    slices_path: str | Path,
    cases_path: str | Path,
    integrity_path: str | Path,
) -> None:
    """Gather the reports of all groups and refuse what cannot be used.

    Parameters
    ----------
    dataset : Dataset
        The opened data set.
    reports : sequence of CaseReport
        One a case.
    data : str
        ``phantom`` or ``real``, for the record.
    on_bad_case : str
        ``fail``: any refused case is an error. ``skip``: refused cases are listed in
        ``integrity.json`` and left out.
    slices_path, cases_path, integrity_path : str or Path
        What is written.

    Raises
    ------
    BadDataError
        A refused case under ``fail``, no case that can be used, none in a needed folder, or no
        tumour in any. Before, `integrity_path` is written with the suffix ``.failed.json``, so
        that the list is not lost; it goes when all is well.
    AccessError
        The machine could not read a file.
    """
    if on_bad_case not in ON_BAD_CASE:
        raise ValueError(f"on_bad_case: {on_bad_case!r}; expected one of {', '.join(ON_BAD_CASE)}")
    reports = sorted(reports, key=lambda report: report.case)
    refused, described = _refusals(dataset, reports)
    refused_cases = {problem.case for problem in refused}
    kept = [report for report in reports if report.case not in refused_cases]
    stopping = _stopping(dataset, kept) if kept else []
    refused += stopping
    slices = _slices_table(dataset, kept)
    integrity = {
        "dataset": dataset.name,
        "data": data,
        "cases": {"found": len(reports), "kept": len(kept)},
        "refused": [asdict(problem) for problem in refused],
        "findings": [asdict(finding) for finding in _findings(dataset, kept)],
        "fingerprint": _fingerprint(dataset, kept, slices),
    }
    failed = Path(integrity_path).with_suffix(".failed.json")
    if (refused and on_bad_case == "fail") or not kept or stopping:
        write_json(integrity, failed)
        usable = 0 if stopping else len(kept)
        raise BadDataError(bad_data_message(dataset.name, refused, usable, failed, on_bad_case))
    write_tsv(slices, slices_path)
    write_tsv(_cases_table(kept, described), cases_path)
    write_json(integrity, integrity_path)
    failed.unlink(missing_ok=True)


def _refusals(
    dataset: Dataset, reports: Sequence[CaseReport]
) -> tuple[list[Problem], dict[str, dict[str, Any]]]:
    """List all problems, those of the whole set first; and describe the cases."""
    described, problems = inspection.metadata(dataset)
    refused = inspection.check_root(dataset)
    named = {problem.file for problem in refused}
    refused += [problem for problem in problems if problem.file not in named]
    return refused + [entry for report in reports for entry in _problems(report)], described


def _problems(report: CaseReport) -> list[Problem]:
    """List why a case is refused: what its reader found, and an id that no table could hold."""
    problems = [Problem(report.case, entry.file, entry.message) for entry in report.problems]
    for name in sorted({report.case, report.patient}):
        found = ""
        if name.startswith(FORMULA):
            found = f"a name that begins with {name[0]!r}, which spreadsheets take for a formula"
        elif _cell(name) != name:
            found = "a name with a control character, or of no known encoding"
        if found:
            message = f"{name!r}: found {found}, expected letters and digits; rename the case"
            problems.append(Problem(report.case, name, message))
    return problems


def _stopping(dataset: Dataset, kept: Sequence[CaseReport]) -> list[Problem]:
    """List what no setting passes over: a needed folder without a case, cases without tumour."""
    left = {report.facts.get("folder") for report in kept}
    problems = [
        Problem(
            "",
            name,
            f"{name}: found no case of this folder that can be used, expected some, as the split "
            "is made by folders; correct its cases, no setting passes over them",
        )
        for name in getattr(dataset, "needed_folders", ())
        if name not in left
    ]
    if not has_tumour(kept, dataset.classes):
        root = str(getattr(dataset, "root", dataset.name))
        message = (
            f"{root}: found no pixel of {' or '.join(dataset.classes)} in any of {len(kept)} "
            "cases, expected tumour in some: there is nothing to learn from; check that the masks "
            "are those of these images"
        )
        problems.append(Problem("", root, message))
    return problems


def _findings(dataset: Dataset, kept: Sequence[CaseReport]) -> list[Finding]:
    """Compare the cases; a comparison that fails costs nothing else."""
    try:
        findings = list(dataset.compare(kept))
    except Exception as error:
        root = getattr(dataset, "root", dataset.name)
        if access := inspection.machine_error(error, root):
            raise access from error
        traceback.print_exc()
        message = f"the reader could not compare the cases ({type(error).__name__}: {error})"
        findings = [Finding("not-compared", message)]
    # What the reader itself says of this is closer to its files.
    kinds = {finding.kind for finding in findings}
    bare = [finding.cases for finding in findings if finding.kind == "no-annotation"]
    return findings + [
        finding
        for finding in truth_findings(kept, dataset.classes)
        if finding.kind not in kinds and not (finding.kind == "no-tumour" and finding.cases in bare)
    ]


def _slices_table(dataset: Dataset, reports: Sequence[CaseReport]) -> pd.DataFrame:
    rows = [
        {"dataset": dataset.name, "patient": report.patient, **entry}
        for report in reports
        for entry in report.slices
    ]
    columns = ["dataset", "patient", "slice", "height", "width", *dataset.classes]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["patient", "slice"], ignore_index=True)


def _cases_table(
    reports: Sequence[CaseReport], metadata: dict[str, dict[str, Any]]
) -> pd.DataFrame:
    rows = []
    for report in reports:
        spacing = report.facts.get("spacing") or (np.nan,) * 3
        facts = {key: _cell(value) for key, value in metadata.get(report.case, {}).items()}
        rows.append(
            {
                "case": report.case,
                "patient": report.patient,
                "stratum": facts.get("stratum", ""),
                "folder": facts.get("folder", ""),
                "first_slice": min((entry["slice"] for entry in report.slices), default=-1),
                "slices": len(report.slices),
                "spacing_x": spacing[0],
                "spacing_y": spacing[1],
                "spacing_z": spacing[2],
                **{key: value for key, value in facts.items() if key not in ("stratum", "folder")},
            }
        )
    return pd.DataFrame(rows)


def _cell(value: Any) -> Any:
    """Make text fit for a table: no formula for a spreadsheet, no broken line; numbers stay."""
    if not isinstance(value, str):
        return value
    # A carriage return ends a row, a NUL a cell; surrogates are no UTF-8.
    value = CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", value.replace("\r\n", "\n"))
    value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        float(value)
    except ValueError:
        # The custom against formulas.
        return f"'{value}" if value.startswith(FORMULA) else value
    return value


def _fingerprint(
    dataset: Dataset, reports: Sequence[CaseReport], slices: pd.DataFrame
) -> dict[str, Any]:
    """Put the data set in numbers: what a reader compares with what they have on disk."""
    per_patient = slices.groupby("patient").size()
    tumour = slices[list(dataset.classes)].gt(0)
    sizes = (slices["height"].astype(str) + "x" + slices["width"].astype(str)).value_counts()
    intensities: dict[str, list[dict[str, float]]] = {}
    for report in reports:
        for channel, facts in report.facts.get("intensity", {}).items():
            intensities.setdefault(channel, []).append(facts)
    return {
        "patients": int(slices.loc[slices["patient"] != "", "patient"].nunique()),
        "slices": len(slices),
        "slices_with_tumour": int(tumour.any(axis=1).sum()),
        "slices_per_patient": [int(per_patient.min()), int(per_patient.max())]
        if len(slices)
        else [],
        "sizes": {str(size): int(count) for size, count in sizes.items()},
        "slices_with": {name: int(tumour[name].sum()) for name in dataset.classes},
        "tumour_share": {
            name: float(slices[name].sum() / (slices["height"] * slices["width"]).sum())
            for name in dataset.classes
        }
        if len(slices)
        else {},
        "intensity": {
            channel: {
                "min": min(entry["min"] for entry in entries),
                "max": max(entry["max"] for entry in entries),
                "mean": float(np.mean([entry["mean"] for entry in entries])),
            }
            for channel, entries in intensities.items()
        },
        "missing_sequences": {
            report.case: report.facts["missing_sequences"]
            for report in reports
            if report.facts.get("missing_sequences")
        },
    }
