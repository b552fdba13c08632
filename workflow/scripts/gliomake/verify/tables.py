"""The files between counts and pages, made again and compared with those on disk."""

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import study_findings
from gliomake.files.contracts import read_json
from gliomake.report.inputs import StudyInputs
from gliomake.report.run_files import RunFiles
from gliomake.reporting.checklist import checklist
from gliomake.scoring.calibration import COLUMNS as CALIBRATED
from gliomake.scoring.calibration import read_calibration
from gliomake.study.targets import Target, study_targets, target_spec
from gliomake.tables import make_table
from gliomake.verify.calibration import (
    KEY,
    parts_a_bin,
    totals_of_counts,
    totals_of_probabilities,
)
from gliomake.verify.difference import TOLERANCE, Difference, changed_cells
from gliomake.verify.numbers import BROKEN, Recomputation

CELL = ("subset", "class", "metric", "convention", "postprocess")
# A table's numbers have six digits, of which the last may be rounded the other way.
TABLE_TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class Rebuilt:
    """How much was made again, and what of it differs.

    Attributes
    ----------
    rows : int
        Rows compared, of scores, comparisons, leaks, claims, findings and tables.
    differences : list of Difference
        Cells in which a file says something else.
    """

    rows: int
    differences: list[Difference]


def rebuild(study: Recomputation) -> Rebuilt:
    """Make every table of a study again and compare it with its file, cell by cell.

    Parameters
    ----------
    study : Recomputation
        The study; its scores, comparisons and leaks come from the counts.

    Returns
    -------
    Rebuilt
        A file that cannot be read or made again differs as a whole.
    """
    rows = 0
    differences: list[Difference] = []
    for step in _steps(study):
        file = step.path.relative_to(study.root).as_posix()
        try:
            found = step.make()
            rows += len(found)
            differences += changed_cells(file, step.read(), found, step.key, step.tolerance)
        except BROKEN as error:
            differences.append(Difference(file, "all rows", "made from the counts", str(error)))
    return Rebuilt(rows, differences)


class _Step(NamedTuple):
    """A file, how its table is made again and read, the columns that name a row."""

    path: Path
    make: Callable[[], pd.DataFrame]
    read: Callable[[], pd.DataFrame]
    key: Sequence[str]
    tolerance: float = TOLERANCE


def _steps(study: Recomputation) -> Iterator[_Step]:
    inputs = study.inputs
    for model, path in inputs.metrics.items():
        make = partial(study.model_scores, model)
        yield _Step(path, make, partial(_scores, path), ("run", *CELL))
    tables = (
        (inputs.comparisons, study.comparison_table, ("model_a", "model_b", "run", *CELL)),
        (inputs.grids, study.grids_table, ("model", *CELL)),
        (inputs.strata, study.strata_table, ("stratum", "value", "model", *CELL[:-1])),
        (inputs.leakage, lambda: study.leaks().effects, ("model", "leak", *CELL)),
        (inputs.spread, lambda: study.leaks().spread, ("source", *CELL)),
        (inputs.claims, study.audit, ("claim",)),
    )
    for file, table, key in tables:
        if file:
            yield _Step(file, table, partial(_texts, file), key)
    for files in inputs.runs:
        if files.calibration:
            yield from _probabilities(study, files, files.calibration)
    written = inputs.checklist
    if written.is_file():
        make = partial(checklist, inputs)
        yield _Step(written, make, partial(_texts, written), ("item",))
    yield _Step(
        inputs.findings,
        partial(_found_again, inputs),
        partial(_findings_of, inputs.findings),
        ("check", "claims"),
    )
    targets = study_targets(inputs.study, "tables")
    for name, path in inputs.tables.items():
        make, read = partial(_table, inputs, targets[name]), partial(_texts, path, ",")
        yield _Step(path, make, read, (), TABLE_TOLERANCE)


def _probabilities(study: Recomputation, files: RunFiles, path: Path) -> Iterator[_Step]:
    """Compare probabilities with the counts, and with the predictions where one looks deep."""
    model, run, settings = files.model, files.run, study.study
    classifies = settings.classifies(model)
    # Else the counts are those of the scans' own grid, or cannot be had from bins.
    on_scans = not classifies and (settings.evaluation.native or model in settings.brought)
    if not on_scans and (classifies or not parts_a_bin(settings.threshold)):
        yield _Step(
            path,
            lambda: totals_of_counts(study.counts(model, run)),
            lambda: totals_of_probabilities(read_calibration(path), settings.threshold),
            KEY,
        )
    if study.deep and files.predictions:
        make = partial(study.calibration_table, model, run)
        yield _Step(path, make, partial(read_calibration, path), CALIBRATED[:4])


def _scores(path: Path) -> pd.DataFrame:
    return pd.DataFrame(read_json(path))


def _texts(path: Path, separator: str = "\t") -> pd.DataFrame:
    return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)


def _findings_of(path: Path) -> pd.DataFrame:
    return _as_rows(read_json(path))


def _found_again(inputs: StudyInputs) -> pd.DataFrame:
    artefacts = Artefacts(inputs.study, inputs.claims.parents[1])
    found = study_findings(inputs.study, inputs.reported, artefacts, inputs.data)
    return _as_rows(map(dataclasses.asdict, found))


def _as_rows(findings: Iterable[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        finding
        | {"claims": " ".join(finding["claims"]), "implies": json.dumps(finding["implies"])}
        | {"numbers": " ".join(f"{name} {value:.9g}" for name, value in finding["numbers"].items())}
        for finding in findings
    ]
    return pd.DataFrame(rows)


def _table(inputs: StudyInputs, target: Target) -> pd.DataFrame:
    """Make a study's table from its files, as its rule does."""
    spec = target_spec(
        inputs.study,
        "tables",
        target.name,
        {need: inputs.target_files(target, need) for need in target.needs},
        data=inputs.data,
        scale=inputs.scale,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        make_table(spec, path)
        return _texts(path, ",")
