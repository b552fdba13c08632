"""The report's numbers again, from the files that they rest on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gliomake.compare import compare_models
from gliomake.counts import count_run
from gliomake.distances import measure_run
from gliomake.lattice import score_table
from gliomake.leakage import CLEAN, leak_effects, spread
from gliomake.metrics import DISTANCE_METRICS
from gliomake.report.inputs import records
from gliomake.report.numbers import optional
from gliomake.report.viewer import slice_dice
from gliomake.tsv import read_tsv

CELL = ("subset", "class", "metric", "convention", "postprocess")
COUNT_KEYS = ["patient", "slice", "subset", "class", "postprocess"]
Record = dict[str, Any]
# What reading and scoring files that were tampered with can end in.
BROKEN = (ValueError, LookupError, TypeError, OSError, RuntimeError)


class Values(NamedTuple):
    """What a number is: value and interval; None where undefined."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None


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
        self.root = root
        self.deep = deep
        self.runs = {(files["model"], files["run"]): files for files in study["runs"]}
        self.counts = cache(self._counts)
        self._distances = cache(self._read_distances)

    def _path(self, name: str) -> Path:
        return self.root / name

    def _predictions(self, files: Record) -> tuple[Path, list[Path], Any]:
        shards = [self._path(name) for name in self.study["shards"]]
        return self._path(files["predictions"]), shards, self.study["postprocess"]

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

    def scores(self, model: str, run: str, numbers: Iterable[Record]) -> dict[str, Values]:
        """Score a run again.

        Parameters
        ----------
        model, run : str
            The run.
        numbers : iterable of dict
            Its scores in the report.

        Returns
        -------
        dict of str to Values
            By number id.
        """
        numbers = list(numbers)
        metrics = {number["metric"] for number in numbers} - set(DISTANCE_METRICS)
        images = any(number["convention"] == "image" for number in numbers)
        table = score_table(
            self.counts(model, run),
            metrics=None if images else sorted(metrics),
            conventions=["image"] if images else None,
            distances=self._distances(model, run),
            **self.study["bootstrap"],
        )
        cells = {tuple(row[name] for name in CELL): row for row in table}
        return _look_up(numbers, cells, "value")

    def comparisons(self, run: str, numbers: Iterable[Record]) -> dict[str, Values]:
        """Compare the models of a run again.

        Parameters
        ----------
        run : str
            The run that the models share.
        numbers : iterable of dict
            The differences in the report.

        Returns
        -------
        dict of str to Values
            By number id.
        """
        found: dict[str, Values] = {}
        pairs: dict[tuple[str, str], list[Record]] = {}
        for number in numbers:
            first, _, second = number["model"].partition(" minus ")
            pairs.setdefault((first, second), []).append(number)
        for (first, second), part in pairs.items():
            metrics = {number["metric"] for number in part}
            images = any(number["convention"] == "image" for number in part)
            distances = {
                name: table
                for name in (first, second)
                if (table := self._distances(name, run)) is not None
            }
            measured = len(distances) == 2 and metrics & set(DISTANCE_METRICS)
            table = compare_models(
                {name: self.counts(name, run) for name in (first, second)},
                metrics=None if images else sorted(metrics - set(DISTANCE_METRICS)),
                conventions=["image"] if images else None,
                distances=distances if measured else None,
                **self.study["bootstrap"],
            )
            cells = {tuple(row[name] for name in CELL): row for row in records(table)}
            found |= _look_up(part, cells, "difference")
        return found

    def leaks(self, model: str, numbers: Iterable[Record]) -> dict[str, Values]:
        """Measure the leaks of a model again.

        Parameters
        ----------
        model : str
            The model.
        numbers : iterable of dict
            Its leaks in the report.

        Returns
        -------
        dict of str to Values
            By number id.
        """
        numbers = list(numbers)
        runs = {run: self.counts(model, run) for name, run in self.runs if name == model}
        tables = [
            leak_effects(
                runs,
                model,
                subset,
                metrics=sorted({number["metric"] for number in numbers}),
                **self.study["bootstrap"],
            )
            for subset in sorted({number["subset"] for number in numbers})
        ]
        cells = {
            (f"leak{row['leak']}", *(row[name] for name in CELL)): row
            for row in records(pd.concat(tables))
        }
        return _look_up(numbers, cells, "difference", leading=2)

    def spreads(self, numbers: Iterable[Record]) -> dict[str, Values]:
        """Estimate again how much model, fold and seed move each score.

        Parameters
        ----------
        numbers : iterable of dict
            The standard deviations in the report.

        Returns
        -------
        dict of str to Values
            By number id.
        """
        numbers = list(numbers)
        # The clean partners of the leaks are a full grid of folds and seeds.
        counts = {key: self.counts(*key) for key in self.runs if key[1].startswith(CLEAN)}
        metrics = sorted({number["metric"] for number in numbers})
        tables = [
            spread(counts, subset, split=CLEAN, metrics=metrics)
            for subset in sorted({number["subset"] for number in numbers})
        ]
        cells = {
            (row["source"], *(row[name] for name in CELL)): row
            for row in records(pd.concat(tables))
        }
        return _look_up(numbers, cells, "sd", leading=1)

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
            found[number["id"]] = Values(
                optional(dice.get((patient, int(slice_), number["class"])))
            )
        return found

    def claims(self, numbers: Iterable[Record]) -> dict[str, Values]:
        """Read reproduced values again where they are from.

        Parameters
        ----------
        numbers : iterable of dict
            Those that are no scores.

        Returns
        -------
        dict of str to Values
            From the counts where it is a cell of a confusion matrix, from the history where it is
            of an epoch, else as the audit wrote it.
        """
        claims = read_tsv(self._path(self.study["claims"])).fillna("").set_index("claim")
        return {number["id"]: self._claim(number, claims) for number in numbers}

    def _claim(self, number: Record, claims: pd.DataFrame) -> Values:
        _, name, column = number["id"].split("/")
        row = claims.loc[name]
        interval = ("ci_low", "ci_high") if column == "reproduced" else ()
        ends = [optional(row[end]) for end in interval]
        if number["metric"] in ("tp", "fp", "fn", "tn") and number["counts"]:
            counts = self.counts(number["model"], number["run"])
            rows = counts[(counts["subset"] == number["subset"]) & ~counts["postprocess"]]
            return Values(float(rows[number["metric"]].sum()), *ends)
        found = self._of_epoch(number, str(row["epoch"]))
        return Values(optional(row[column]) if found is None else found, *ends)

    def _of_epoch(self, number: Record, epoch: str) -> float | None:
        """Value of an epoch in ``history.tsv``; None where the number is not one."""
        files = self.runs.get((number["model"], number["run"]), {})
        if not files.get("history") or not epoch.replace(".0", "").isdigit():
            return None
        history = read_tsv(self._path(files["history"]))
        start = f"{number['subset']}_{number['metric']}"
        if number["convention"]:
            start = f"{start}_{number['class'] or self.study['classes'][0]}@{number['convention']}"
        rows = history[history["epoch"] == int(float(epoch))]
        return float(rows[start].iloc[0]) if start in rows and len(rows) else None


def _look_up(
    numbers: Iterable[Record],
    cells: dict[tuple[Any, ...], Record],
    column: str,
    leading: int | None = None,
) -> dict[str, Values]:
    """Find each number's cell; one that is not there any more is undefined.

    With `leading` the cell's key starts with that part of the number's id.
    """
    found = {}
    for number in numbers:
        first = () if leading is None else (number["id"].split("/")[leading],)
        cell = cells.get((*first, *(number[name] for name in CELL)), {})
        found[number["id"]] = Values(
            *(optional(cell.get(name)) for name in (column, "ci_low", "ci_high"))
        )
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
        "comparison": (("run",), study.comparisons),
        "leakage": (("model",), study.leaks),
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
