"""What a page's script needs to work out a score before the reader: sums, values, formulas."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import StudyInputs
from gliomake.report.run_files import RunFiles
from gliomake.scoring.metrics import COUNT_COLUMNS, DISTANCE_METRICS, count_metric

STATES = {False: "raw", True: "cleaned"}
_GROUP = ["subset", "class", "postprocess"]


def workings(inputs: StudyInputs) -> dict[str, Any]:
    """Gather the pixel counts and distances of each patient, and the formulas of the metrics.

    Parameters
    ----------
    inputs : StudyInputs
        The study's files.

    Returns
    -------
    dict
        ``classes`` of a mean over classes; ``formulas`` by metric: the weights of tp, fp, fn, tn in
        numerator and denominator, and whether it is `CountMetric.of_background`;
        ``runs`` by counts file and by ``<subset>/<class>/<raw or cleaned>``: ``slices``, how many;
        ``empty``, how many of them are empty in truth and mask; ``tumour``, how many have tumour;
        ``patients``, rows of a patient and its four counts (one row without a name where the data
        set has no patients); ``distances``, values by metric in the order of the patients.
    """
    metrics = dict.fromkeys(map(str, inputs.scores["metric"]))
    found = {}
    for name in filter(_is_of_counts, metrics):
        if weights := formula(name):
            found[name] = [*weights, count_metric(name).of_background]
    return {
        "classes": list(inputs.study.classes),
        "formulas": found,
        "runs": {str(files.counts): _of_run(files) for files in inputs.runs},
    }


def _is_of_counts(name: str) -> bool:
    try:
        count_metric(name)
    except ValueError:
        return False
    return True


def formula(name: str) -> list[list[float]] | None:
    """Read the weights of the four counts in a metric's numerator and denominator.

    Parameters
    ----------
    name : str
        A metric of counts.

    Returns
    -------
    list of two lists of float, or None
        None where the metric is no fraction of weighted sums.

    Examples
    --------
    >>> formula("dice")
    [[2, 0, 0, 0], [2, 1, 1, 0]]
    """
    fraction: Callable[..., Any] = count_metric(name).fraction
    weights = [[_plain(each) for each in part] for part in zip(*_units(fraction), strict=True)]
    trial = np.array([3, 5, 7, 11])
    whole = [np.dot(part, trial) for part in weights]
    return weights if np.allclose(whole, fraction(*trial)) else None


def _units(fraction: Callable[..., Any]) -> list[Any]:
    return [fraction(*row) for row in np.eye(len(COUNT_COLUMNS), dtype=int)]


def _plain(value: Any) -> float:
    number = float(value)
    return int(number) if number.is_integer() else number


def _of_run(files: RunFiles) -> dict[str, Any]:
    found: dict[str, Any] = {}
    tables = [read_tsv(path) for path in (files.counts, files.regions) if path]
    for table in tables:
        for key, part in table.groupby(_GROUP, sort=False):
            found[_name(key)] = _sums(part)
    measured = [read_tsv(files.distances)] if files.distances else []
    for table in measured:
        names = [name for name in DISTANCE_METRICS if name in table]
        for key, part in table.groupby(_GROUP, sort=False):
            if _name(key) in found:
                found[_name(key)]["distances"] = _distances(part, names, found[_name(key)])
    return found


def _name(key: Any) -> str:
    subset, class_, cleaned = key
    return f"{subset}/{class_}/{STATES[bool(cleaned)]}"


def _sums(part: pd.DataFrame) -> dict[str, Any]:
    counts = part[COUNT_COLUMNS].to_numpy()
    truth, mask = counts[:, 0] + counts[:, 2] > 0, counts[:, 0] + counts[:, 1] > 0
    sums = part.groupby("patient", sort=True)[COUNT_COLUMNS].sum()
    return {
        "slices": len(part),
        "empty": int((~truth & ~mask).sum()),
        "tumour": int(truth.sum()),
        "patients": [
            [str(name), *map(int, row)]
            for name, row in zip(sums.index, sums.to_numpy(), strict=True)
        ],
    }


def _distances(
    part: pd.DataFrame, names: list[str], sums: Mapping[str, Any]
) -> dict[str, list[float | None]]:
    of = part.set_index("patient")
    patients = [row[0] for row in sums["patients"]]
    return {
        name: [
            float(f"{of.at[each, name]:.6g}")
            if each in of.index and pd.notna(of.at[each, name])
            else None
            for each in patients
        ]
        for name in names
    }
