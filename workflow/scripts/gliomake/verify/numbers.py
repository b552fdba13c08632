"""The report's numbers again, from the files that they rest on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pandas as pd

from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import audit_study
from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import StudyInputs, records, study_inputs
from gliomake.report.keys import (
    ClaimKey,
    ComparisonKey,
    Key,
    LeakageKey,
    ScoreKey,
    SliceKey,
    SpreadKey,
)
from gliomake.report.numbers import Number, optional
from gliomake.report.viewer import slice_dice
from gliomake.scoring.calibration import calibrate_run
from gliomake.scoring.measure import Measured, measure_run
from gliomake.scoring.native import measure_native, native_run
from gliomake.scoring.stages import (
    Leaks,
    RunTables,
    compare_study,
    measure_leaks,
    paired_runs,
    score_grids,
    score_model,
)
from gliomake.scoring.strata import score_strata
from gliomake.study.model import Study
from gliomake.study.paths import Paths
from gliomake.study.products import study_metrics
from gliomake.study.run import split_name

MEASURED = ("counts", "distances", "regions", "patients")
COUNT_KEYS = ["patient", "slice", "subset", "class", "postprocess"]
Record = dict[str, Any]
# What reading and scoring files that were tampered with can end in.
BROKEN = (ValueError, LookupError, TypeError, OSError, RuntimeError)


class Values(NamedTuple):
    """What a number is: value, interval and number of elements; None where undefined."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n: float | None = None


class Part(NamedTuple):
    """Numbers that are made again together; what does not tell them apart is empty."""

    kind: str
    model: str = ""
    run: str = ""
    subset: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, self))


def part_of(key: Key) -> Part:
    """Return with which others a number is made again: scores model by model, all else at once."""
    if isinstance(key, ScoreKey):
        return Part(key.kind, key.model)
    if isinstance(key, SliceKey):
        return Part(key.kind, key.model, key.run, key.subset)
    return Part(key.kind)


class Recomputation:
    """One study's numbers, recomputed.

    Parameters
    ----------
    entry : dict
        The study's entry of ``numbers.json``.
    root : Path
        The folder that its paths start from.
    deep : bool
        Whether counts and distances are made again from the predictions.
    """

    def __init__(self, entry: dict[str, Any], root: Path, deep: bool) -> None:
        self.entry = entry
        self.study = Study.of(entry["study"])
        self.root = root
        self.deep = deep
        self.runs = {(files["model"], files["run"]): files for files in entry["runs"]}
        self.measured = cache(self._measure)
        self.tables = cache(self._tables)
        self.counts = cache(self._counts)
        self.model_scores = cache(self._scores)
        self.comparison_table = cache(self._compare)
        self.leaks = cache(self._leaks)
        self.audit = cache(self._audit)

    @cached_property
    def inputs(self) -> StudyInputs:
        """The study's files, under the root."""
        return study_inputs(
            self.study,
            data=self.entry["data"],
            scale=self.entry["scale"],
            shards=[self._path(name) for name in self.entry["shards"]],
            results=self._path(self.entry["results"]),
            reported=self._path(self.entry["reported"]),
            bootstrap=self.entry["bootstrap"],
            root=self._path(self.entry["root"]) if self.entry["root"] else None,
            about_data=self.entry["about_data"],
            answers=self.entry["answers"],
        )

    def _path(self, name: str) -> Path:
        return self.root / name

    def _measure(self, model: str, run: str) -> Measured:
        """Measure a run anew, from its predictions, on the grid of its scores."""
        if self.study.evaluation.native and not self.study.classifies(model):
            return self._measure_on_scans(model, run)
        predictions = self._path(self.runs[model, run]["predictions"])
        shards = [self._path(name) for name in self.entry["shards"]]
        return measure_run(predictions, shards, **self.study.measured)

    def _measure_on_scans(self, model: str, run: str) -> Measured:
        """Measure a run anew, from its predictions and the scans."""
        scans, inputs = self.entry["scans"], self.inputs
        settings = {
            **scans,
            "root": str(self._path(scans["root"])),
            "classes": self.study.classes,
            "threshold": self.study.threshold,
            "brought": scans["brought"].get(model),
        }
        split = inputs.splits[split_name(run)]
        files = SimpleNamespace(cases=inputs.cases, slices=inputs.slices, split=split)
        predictions = self._path(self.runs[model, run]["predictions"])
        return measure_native(native_run(settings, files, predictions), **self.study.measured)

    def _counts(self, model: str, run: str) -> pd.DataFrame:
        return self.tables(model, run).counts

    def _tables(self, model: str, run: str) -> RunTables:
        """Read what was measured of a run, or measure it anew."""
        files = self.runs[model, run]
        if self.deep and files["predictions"]:
            return RunTables(**vars(self.measured(model, run)))
        return _read_tables({name: self._path(files[name]) for name in MEASURED if files.get(name)})

    def _tables_on_scans(self, model: str, run: str) -> RunTables:
        """Read what was measured of a run beside resized slices, or measure it anew."""
        if self.deep and self.runs[model, run]["predictions"]:
            return RunTables(**vars(self._measure_on_scans(model, run)))
        at = Paths(self._path(self.entry["results"])).study(self.study.id).run(model, run).native
        return _read_tables({name: at.file(name) for name in MEASURED})

    def calibration_table(self, model: str, run: str) -> pd.DataFrame:
        """Count a run's probabilities beside the truth again, from its predictions."""
        predictions = self._path(self.runs[model, run]["predictions"])
        return calibrate_run(predictions, [self._path(name) for name in self.entry["shards"]])

    def changed_counts(self, model: str, run: str) -> list[tuple[str, str, str]]:
        """Compare a run's counts file with its predictions.

        Parameters
        ----------
        model, run : str
            The run.

        Returns
        -------
        list of (str, str, str)
            Row, counts in the file, counts of the predictions, where these differ.
        """
        files = self.runs[model, run]
        told = read_tsv(self._path(files["counts"])).set_index(COUNT_KEYS).sort_index()
        found = self.counts(model, run).set_index(COUNT_KEYS).sort_index()[list(told.columns)]
        if not told.index.equals(found.index):
            return [("all rows", f"{len(told)} rows", f"{len(found)} rows, of other slices")]
        different = told.index[(told != found).any(axis=1)]
        return [
            (" ".join(map(str, key)), str(told.loc[key].tolist()), str(found.loc[key].tolist()))
            for key in different
        ]

    def _scores(self, model: str) -> pd.DataFrame:
        runs = [run for name, run in self.runs if name == model]
        rows = score_model(
            {run: self.tables(model, run) for run in runs},
            task=self.study.task(model),
            metrics=study_metrics(self.study),
            bootstrap=self.entry["bootstrap"],
        )
        return pd.DataFrame(rows)

    def _compare(self) -> pd.DataFrame:
        run, models = self.study.run, self.study.compared_models
        return compare_study(
            {model: self.tables(model, run) for model in models},
            run=run,
            metrics=study_metrics(self.study),
            bootstrap=self.entry["bootstrap"],
        )

    def strata_table(self) -> pd.DataFrame:
        """Make the scores by strata again."""
        run, models = self.study.run, self.study.compared_models
        return score_strata(
            {model: self.tables(model, run) for model in models},
            read_tsv(self.inputs.cases),
            self.study.evaluation.strata,
            run=run,
            bootstrap=self.entry["bootstrap"],
        )

    def grids_table(self) -> pd.DataFrame:
        """Set scores on resized slices beside those on the scans again."""
        run, models = self.study.run, self.study.compared_models
        return score_grids(
            {model: self.tables(model, run) for model in models},
            {model: self._tables_on_scans(model, run) for model in models},
            run=run,
            metrics=study_metrics(self.study),
            bootstrap=self.entry["bootstrap"],
        )

    def _leaks(self) -> Leaks:
        counts = {pair: self.counts(*pair) for pair in paired_runs(self.study)}
        return measure_leaks(counts, bootstrap=self.entry["bootstrap"])

    def _audit(self) -> pd.DataFrame:
        inputs = self.inputs
        artefacts = Artefacts(self.study, inputs.claims.parents[1])
        return audit_study(self.study, inputs.reported, artefacts, inputs.data, inputs.scale)

    def again(self, part: Part) -> Mapping[Key, Values]:
        """Make all numbers of a part again.

        Parameters
        ----------
        part : Part
            Of `part_of`.

        Returns
        -------
        mapping of Key to Values
            More than the report prints, or less: what is not there any more is undefined.
        """
        make: dict[str, Callable[[Part], dict[Key, Values]]] = {
            ScoreKey.kind: self._score_values,
            SliceKey.kind: self._slice_values,
            ComparisonKey.kind: self._comparison_values,
            LeakageKey.kind: self._leak_values,
            SpreadKey.kind: self._spread_values,
            ClaimKey.kind: self._claim_values,
        }
        return make[part.kind](part)

    def _score_values(self, part: Part) -> dict[Key, Values]:
        return {
            ScoreKey.of(row, model=part.model): _values(row)
            for row in records(self.model_scores(part.model))
        }

    def _slice_values(self, part: Part) -> dict[Key, Values]:
        dice = slice_dice(self.counts(part.model, part.run), part.subset)
        found: dict[Key, Values] = {}
        for (patient, number, class_), value in zip(dice.index.tolist(), dice, strict=True):
            key = SliceKey(part.model, part.run, part.subset, class_, patient, int(number))
            found[key] = Values(optional(value), n=1)
        return found

    def _comparison_values(self, part: Part) -> dict[Key, Values]:
        rows = records(self.comparison_table())
        return {ComparisonKey.of(row): _values(row, "difference") for row in rows}

    def _leak_values(self, part: Part) -> dict[Key, Values]:
        rows = records(self.leaks().effects)
        return {LeakageKey.of(row): _values(row, "difference", "patients") for row in rows}

    def _spread_values(self, part: Part) -> dict[Key, Values]:
        rows = records(self.leaks().spread)
        return {SpreadKey.of(row): Values(optional(row["sd"])) for row in rows}

    def _claim_values(self, part: Part) -> dict[Key, Values]:
        found: dict[Key, Values] = {}
        for row in records(self.audit()):
            name = str(row["claim"])
            found[ClaimKey(name, "reproduced")] = _values(row, "reproduced", None)
            found[ClaimKey(name, "nearest_value")] = Values(optional(row["nearest_value"]))
        return found


def _read_tables(files: Mapping[str, Path]) -> RunTables:
    return RunTables(**{name: read_tsv(path) for name, path in files.items()})


def _values(row: Record, value: str = "value", n: str | None = "n") -> Values:
    columns = (value, "ci_low", "ci_high", *([n] if n else []))
    return Values(*(optional(row[name]) for name in columns))


@dataclass(frozen=True)
class Failure:
    """Numbers that cannot be recomputed, because the files behind them do not fit together."""

    page: str
    what: str
    numbers: int
    reason: str


def recompute(
    study: Recomputation, numbers: Iterable[Number]
) -> tuple[dict[Key, Values], list[Failure]]:
    """Recompute all numbers of a study.

    Parameters
    ----------
    study : Recomputation
        The study.
    numbers : iterable of Number
        Those of ``numbers.json``; one that stands on several pages is computed once.

    Returns
    -------
    found : dict of Key to Values
        What is not there any more is undefined.
    failures : list of Failure
        What is not in `found`.
    """
    parts: dict[Part, dict[Key, Number]] = {}
    for number in numbers:
        parts.setdefault(part_of(number.key), {}).setdefault(number.key, number)
    found: dict[Key, Values] = {}
    failures = []
    for part, printed in parts.items():
        try:
            again = study.again(part)
        except BROKEN as error:
            page = next(iter(printed.values())).page
            failures.append(Failure(page, str(part), len(printed), str(error)))
        else:
            found |= {key: again.get(key, Values(None)) for key in printed}
    return found, failures
