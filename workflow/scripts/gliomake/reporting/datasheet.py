"""A datasheet of a data set: what it is, what was rejected, what was found, in Markdown.

After Gebru et al. 2021, "Datasheets for datasets"; it holds what the files themselves tell.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.files.atomic import atomic_path

SHOWN = 10
"""Cases that a line names."""
NOT_TOLD = "not stated on the data set's page (`source`, `terms`)"


def datasheet(checks: Mapping[str, Any], cases: pd.DataFrame, about: Mapping[str, str]) -> str:
    """Write the datasheet of a data set.

    Parameters
    ----------
    checks : mapping
        Content of ``integrity.json``.
    cases : DataFrame
        Rows of ``cases.tsv``.
    about : mapping of str to str
        ``title source terms``, as far as the page says them.

    Returns
    -------
    str
        Markdown.
    """
    facts, count = checks["fingerprint"], checks["cases"]
    patients = cases.loc[cases["patient"].astype(str) != "", "patient"].nunique()
    lines = [f"# {about.get('title', checks['dataset'])}", ""]
    if checks["data"] == "phantom":
        lines += ["**Synthetic images** in the layout of this data set: no patient is in them.", ""]
    lines += [
        "## Where it comes from",
        "",
        f"- Source: {about.get('source', NOT_TOLD)}",
        f"- Terms: {about.get('terms', NOT_TOLD)}",
        "",
        "## What it holds",
        "",
        f"- {count['kept']} cases of {count['found']} found"
        + (f", of {patients} patients" if patients else "; patients are not known"),
        f"- {facts['slices']} slices, {facts['slices_with_tumour']} of them with tumour",
        *(f"- {name}: in {n} slices" for name, n in facts["slices_with"].items()),
        f"- sizes: {', '.join(f'{size} ({n} slices)' for size, n in facts['sizes'].items())}",
        *(
            f"- {name}: intensity {each['min']:g} to {each['max']:g}, mean {each['mean']:.4g}"
            for name, each in facts["intensity"].items()
        ),
        f"- voxels: {_spacing(cases)}",
        "",
        "## What is known of the cases",
        "",
        *(_facts(cases) or ["Nothing besides their names."]),
        "",
        "## What was rejected, and why",
        "",
        *([_rejected(each) for each in checks["refused"]] or ["Nothing."]),
        "",
        "## What was found",
        "",
        *([_finding(each) for each in checks["findings"]] or ["Nothing out of the ordinary."]),
    ]
    return "\n".join(lines) + "\n"


def _spacing(cases: pd.DataFrame) -> str:
    edges = cases[["spacing_x", "spacing_y", "spacing_z"]].apply(pd.to_numeric).dropna()
    if edges.empty:
        return "sizes are not known"
    sizes = edges.value_counts()
    shown = [" x ".join(f"{edge:g}" for edge in size) for size in sizes.index[:SHOWN]]
    more = f" and {len(sizes) - SHOWN} other sizes" if len(sizes) > SHOWN else ""
    return f"{', '.join(shown)} mm{more}"


def _facts(cases: pd.DataFrame) -> list[str]:
    """Say of each column that is not about files how many cases have it."""
    own = ["case", "patient", "stratum", "folder", "first_slice", "slices", "file", "image_id"]
    own += ["spacing_x", "spacing_y", "spacing_z"]
    others = [str(name) for name in cases.columns if name not in own]
    known = {name: int((cases[name].fillna("").astype(str) != "").sum()) for name in others}
    return [
        f"- {name.replace('_', ' ')}: known of {n} of {len(cases)} cases"
        for name, n in known.items()
        if n
    ]


def _rejected(entry: Mapping[str, Any]) -> str:
    return f"- {entry.get('case', '')} `{entry.get('file', '')}`: {entry.get('message', '')}"


def _finding(entry: Mapping[str, Any]) -> str:
    cases = entry["cases"]
    more = f" and {len(cases) - SHOWN} more" if len(cases) > SHOWN else ""
    named = f" ({', '.join(cases[:SHOWN])}{more})" if cases else ""
    return f"- {entry['message']}{named}"


def write_datasheet(
    checks: Mapping[str, Any], cases: pd.DataFrame, about: Mapping[str, str], path: str | Path
) -> None:
    """Write the datasheet of a data set to a file, see `datasheet`."""
    with atomic_path(path) as temporary:
        temporary.write_text(datasheet(checks, cases, about), encoding="utf-8")
