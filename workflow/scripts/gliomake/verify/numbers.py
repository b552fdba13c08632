"""The report's numbers again, from the files that they rest on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gliomake.claims import Artefacts, audit_study
from gliomake.files.tsv import read_tsv
from gliomake.report.inputs import StudyInputs, records, study_inputs
from gliomake.report.numbers import optional
from gliomake.report.viewer import slice_dice
from gliomake.scoring.compare import compare_models
from gliomake.scoring.counts import count_run
from gliomake.scoring.distances import measure_run
from gliomake.scoring.leakage import CLEAN, leak_effects, spread
from gliomake.scoring.scores import score_table
from gliomake.study.load import compared_models, model_task, study_metrics

CELL = ("subset", "class", "metric", "convention", "postprocess")
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


class Recomputation:
    """One study's numbers, recomputed.

    Parameters
    ----------
    study : dict
        The study's entry of ``numbers.json``.
    root : Path
        The folder that its paths start from.
    deep : bool
        Whether counts and distances are made again from the predictions.
    """

    def __init__(self, study: dict[str, Any], root: Path, deep: bool) -> None:
        self.study = study
        self.config = study["study"]
        self.root = root
        self.deep = deep
        self.runs = {(files["model"], files["run"]): files for files in study["runs"]}
        self.counts = cache(self._counts)
        self._distances = cache(self._read_distances)
        self.score_rows = cache(self._score_rows)
        self.comparison_table = cache(self._compare)
        self.leak_table = cache(self._leaks)
        self.spread_table = cache(self._spread)
        self.audit = cache(self._audit)

    @cached_property
    def inputs(self) -> StudyInputs:
        """The study's files, under the root."""
        return study_inputs(
            self.config,
            data=self.study["data"],
            scale=self.study["scale"],
            shards=[self._path(name) for name in self.study["shards"]],
            results=self._path(self.study["results"]),
            reported=self._path(self.study["reported"]),
            bootstrap=self.study["bootstrap"],
            root=self._path(self.study["root"]) if self.study["root"] else None,
        )

    def _path(self, name: str) -> Path:
        return self.root / name

    def _predictions(self, files: Record) -> tuple[Path, list[Path], Any]:
        shards = [self._path(name) for name in self.study["shards"]]
        return self._path(files["predictions"]), shards, self.config["postprocess"]

    def _counts(self, model: str, run: str) -> pd.DataFrame:
        files = self.runs[model, run]
        if self.deep and files["predictions"]:
            return count_run(*self._predictions(files))
        return read_tsv(self._path(files["counts"]))

    def _read_distances(self, model: str, run: str) -> pd.DataFrame | None:
        files = self.runs[model, run]
        if not files["distances"]:
            return None
        if self.deep and files["predictions"]:
            return measure_run(*self._predictions(files))
        return read_tsv(self._path(files["distances"]))

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

    def _score_rows(self, model: str, run: str) -> list[Record]:
        images = model_task(self.config, model) == "classification"
        return score_table(
            self.counts(model, run),
            metrics=None if images else study_metrics(self.config),
            conventions=["image"] if images else None,
            distances=self._distances(model, run),
            **self.study["bootstrap"],
        )

    def model_scores(self, model: str) -> pd.DataFrame:
        """Score all runs of a model again: the rows of its ``metrics.json``."""
        runs = [run for name, run in self.runs if name == model]
        return pd.DataFrame(
            [{"run": run, **row} for run in runs for row in self.score_rows(model, run)]
        )

    def _compare(self) -> pd.DataFrame:
        run, models = self.config["runs"][0], compared_models(self.config)
        distances = {model: self._distances(model, run) for model in models}
        return compare_models(
            {model: self.counts(model, run) for model in models},
            metrics=study_metrics(self.config),
            run=run,
            distances={m: table for m, table in distances.items() if table is not None},
            **self.study["bootstrap"],
        )

    def _leak_runs(self) -> dict[str, dict[str, pd.DataFrame]]:
        counts: dict[str, dict[str, pd.DataFrame]] = {}
        for model, run in self.runs:
            if run.startswith("leak"):
                counts.setdefault(model, {})[run] = self.counts(model, run)
        return counts

    def _leaks(self) -> pd.DataFrame:
        tables = [
            leak_effects(runs, model, **self.study["bootstrap"])
            for model, runs in self._leak_runs().items()
        ]
        return pd.concat(tables, ignore_index=True)

    def _spread(self) -> pd.DataFrame:
        runs = self._leak_runs().items()
        grid = {(model, run): table for model, own in runs for run, table in own.items()}
        # The clean partners of the leaks are a full grid of folds and seeds.
        return spread(grid, split=CLEAN)

    def _audit(self) -> pd.DataFrame:
        inputs = self.inputs
        artefacts = Artefacts(self.config, inputs.claims.parents[1])
        return audit_study(self.config, inputs.reported, artefacts, inputs.data, inputs.scale)

    def scores(self, model: str, run: str, numbers: Iterable[Record]) -> dict[str, Values]:
        """Look up the scores of a run.

        Parameters
        ----------
        model, run : str
            The run.
        numbers : iterable of dict
            Its scores in the report.

        Returns
        -------
        dict of str to Values
            By number id; what is not there any more is undefined.
        """
        cells = {tuple(row[name] for name in CELL): row for row in self.score_rows(model, run)}
        return _look_up(numbers, cells, ("value", "ci_low", "ci_high", "n"))

    def comparisons(self, numbers: Iterable[Record]) -> dict[str, Values]:
        """Look up differences between models.

        Parameters
        ----------
        numbers : iterable of dict
            The differences in the report.

        Returns
        -------
        dict of str to Values
            By number id; what is not there any more is undefined.
        """
        cells = {
            (row["model_a"], row["model_b"], row["run"], *(row[name] for name in CELL)): row
            for row in records(self.comparison_table())
        }
        columns = ("difference", "ci_low", "ci_high", "n")
        return _look_up(numbers, cells, columns, leading=slice(1, 4))

    def leaks(self, numbers: Iterable[Record]) -> dict[str, Values]:
        """Look up what leaks add.

        Parameters
        ----------
        numbers : iterable of dict
            The leaks in the report.

        Returns
        -------
        dict of str to Values
            By number id; what is not there any more is undefined.
        """
        cells = {
            (row["model"], f"leak{row['leak']}", *(row[name] for name in CELL)): row
            for row in records(self.leak_table())
        }
        columns = ("difference", "ci_low", "ci_high", "patients")
        return _look_up(numbers, cells, columns, leading=slice(1, 3))

    def spreads(self, numbers: Iterable[Record]) -> dict[str, Values]:
        """Look up how much model, fold and seed move each score.

        Parameters
        ----------
        numbers : iterable of dict
            The standard deviations in the report.

        Returns
        -------
        dict of str to Values
            By number id; what is not there any more is undefined.
        """
        cells = {
            (row["source"], *(row[name] for name in CELL)): row
            for row in records(self.spread_table())
        }
        return _look_up(numbers, cells, ("sd",), leading=slice(1, 2))

    def slices(
        self, model: str, run: str, subset: str, numbers: Iterable[Record]
    ) -> dict[str, Values]:
        """Score slices again: the Dice that the viewer shows.

        Parameters
        ----------
        model, run, subset : str
            Whose slices.
        numbers : iterable of dict
            Those shown.

        Returns
        -------
        dict of str to Values
            By number id.
        """
        dice = slice_dice(self.counts(model, run), subset)
        found = {}
        for number in numbers:
            *_, patient, slice_ = number["id"].split("/")
            value = optional(dice.get((patient, int(slice_), number["class"])))
            found[number["id"]] = Values(value, n=1)
        return found

    def claims(self, numbers: Iterable[Record]) -> dict[str, Values]:
        """Audit again, and look up reproduced values that are no scores.

        Parameters
        ----------
        numbers : iterable of dict
            Those values in the report.

        Returns
        -------
        dict of str to Values
            By number id; what is not there any more is undefined.
        """
        rows = {row["claim"]: row for row in records(self.audit())}
        found = {}
        for number in numbers:
            _, name, column = number["id"].split("/")
            ends = ("ci_low", "ci_high") if column == "reproduced" else ()
            row = rows.get(name, {})
            found[number["id"]] = Values(*(optional(row.get(each)) for each in (column, *ends)))
        return found


def _look_up(
    numbers: Iterable[Record],
    cells: dict[tuple[Any, ...], Record],
    columns: Sequence[str],
    leading: slice = slice(0),
) -> dict[str, Values]:
    """Find each number's cell; one that is not there any more is undefined.

    The cell's key starts with the `leading` parts of the number's id.
    """
    found = {}
    for number in numbers:
        first = number["id"].split("/")[leading]
        cell = cells.get((*first, *(number[name] for name in CELL)), {})
        found[number["id"]] = Values(*(optional(cell.get(name)) for name in columns))
    return found


@dataclass(frozen=True)
class Failure:
    """Numbers that cannot be recomputed, because the files behind them do not fit together."""

    page: str
    what: str
    numbers: int
    reason: str


def recompute(
    study: Recomputation, numbers: Iterable[Record]
) -> tuple[dict[str, Values], list[Failure]]:
    """Recompute all numbers of a study.

    Parameters
    ----------
    study : Recomputation
        The study.
    numbers : iterable of dict
        Records of ``numbers.json``; one that stands on several pages is computed once.

    Returns
    -------
    found : dict of str to Values
        By number id.
    failures : list of Failure
        What is not in `found`.
    """
    # A kind is recomputed by groups: those numbers that share the fields named here.
    kinds: dict[str, tuple[tuple[str, ...], Callable[..., dict[str, Values]]]] = {
        "score": (("model", "run"), study.scores),
        "slice": (("model", "run", "subset"), study.slices),
        "comparison": ((), study.comparisons),
        "leakage": ((), study.leaks),
        "spread": ((), study.spreads),
        "claim": ((), study.claims),
    }
    groups: dict[tuple[str, ...], list[Record]] = {}
    for number in {number["id"]: number for number in numbers}.values():
        key = (number["kind"], *(number[name] for name in kinds[number["kind"]][0]))
        groups.setdefault(key, []).append(number)
    found: dict[str, Values] = {}
    failures = []
    for (kind, *values), part in groups.items():
        try:
            found |= kinds[kind][1](*values, part)
        except BROKEN as error:
            what = " ".join((kind, *values))
            failures.append(Failure(part[0]["page"], what, len(part), str(error)))
    return found, failures
