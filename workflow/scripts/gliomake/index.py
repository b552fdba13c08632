"""The index of a data set: every case looked at once, before anything is built on it.

Groups of cases are inspected side by side; `merge_index` gathers them into ``slices.tsv``,
``cases.tsv`` and ``integrity.json``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliomake.contracts import read_json
from gliomake.datasets.base import CaseReport, Dataset, Problem
from gliomake.tsv import atomic_path, write_tsv

ON_BAD_CASE = ("fail", "skip")


class BadDataError(ValueError):
    """Cases that cannot be used; the message lists each of them."""


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
) -> None:
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
    """
    reports = []
    for number, case in enumerate(cases, start=1):
        report = dataset.inspect(case, channels)
        reports.append(asdict(report))
        state = "; ".join(problem.message for problem in report.problems) or "ok"
        print(f"{number}/{len(cases)} {case}: {len(report.slices)} slices, {state}", flush=True)
    write_json(reports, path)


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
        A refused case under ``fail``, or no case that can be used. ``integrity_path`` is written
        before, with the suffix ``.failed.json``, so that the list is not lost; it goes when all
        is well.
    """
    if on_bad_case not in ON_BAD_CASE:
        raise ValueError(f"on_bad_case: {on_bad_case!r}; expected one of {', '.join(ON_BAD_CASE)}")
    reports = sorted(reports, key=lambda report: report.case)
    refused = [*dataset.check_root(), *(p for report in reports for p in report.problems)]
    refused_cases = {problem.case for problem in refused}
    kept = [report for report in reports if report.case not in refused_cases]
    slices = _slices_table(dataset, kept)
    integrity = {
        "dataset": dataset.name,
        "data": data,
        "cases": {"found": len(reports), "kept": len(kept)},
        "refused": [asdict(problem) for problem in refused],
        "findings": [asdict(finding) for finding in dataset.compare(kept)],
        "fingerprint": _fingerprint(dataset, kept, slices),
    }
    failed = Path(integrity_path).with_suffix(".failed.json")
    if (refused and on_bad_case == "fail") or not kept:
        write_json(integrity, failed)
        raise BadDataError(_bad_data_message(dataset, refused, kept, failed))
    write_tsv(slices, slices_path)
    write_tsv(_cases_table(kept, dataset.metadata()), cases_path)
    write_json(integrity, integrity_path)
    failed.unlink(missing_ok=True)


def _bad_data_message(
    dataset: Dataset, refused: list[Problem], kept: list[CaseReport], listed: Path
) -> str:
    lines = [f"  {problem.file}: {problem.message}" for problem in refused[:20]]
    more = f"\n  ... and {len(refused) - 20} more" if len(refused) > 20 else ""
    rest = f"{len(kept)} cases can be used" if kept else "no case can be used"
    return (
        f"data set {dataset.name}: {len(refused)} problems, {rest}. All are listed in {listed}.\n"
        + "\n".join(lines)
        + more
        + f"\nMend the files, or set datasets.{dataset.name}.on_bad_case to skip to go on without "
        "these cases."
    )


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
        facts = metadata.get(report.case, {})
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


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON atomically.

    Parameters
    ----------
    value : object
        What to write; NaN is an error, numpy numbers become numbers.
    path : str or Path
        Where to.
    """

    def number(item: Any) -> Any:
        if isinstance(item, np.generic):
            return item.item()
        raise TypeError(f"cannot write {type(item).__name__} to {path}")

    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, default=number) + "\n")
