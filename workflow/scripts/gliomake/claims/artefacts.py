"""The files of a study's runs that reported numbers are compared with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.files.contracts import read_json
from gliomake.files.tsv import read_tsv
from gliomake.prepare.split import read_split
from gliomake.study.model import Study
from gliomake.study.paths import Paths, StudyPaths
from gliomake.study.run import is_leak, split_name


@dataclass(frozen=True)
class Artefacts:
    """What a study has produced, by the paths of the contracts.

    A file that is not there gives None: its claims cannot be reproduced and say so.

    Attributes
    ----------
    study : Study
        The study.
    results : Path
        The folder of all results.
    """

    study: Study
    results: Path = Path("results")
    _tables: dict[Path, pd.DataFrame | None] = field(default_factory=dict, repr=False)

    @property
    def paths(self) -> StudyPaths:
        """The study's files."""
        return Paths(self.results).study(self.study.id)

    @property
    def runs(self) -> list[str]:
        """The study's own runs, the main one first."""
        return list(self.study.runs)

    def scores(self, model: str) -> pd.DataFrame | None:
        """Read ``metrics.json``: one row a run, subset, class, metric and convention."""
        return self._read(self.paths.metrics(model), _read_scores)

    def run_table(self, model: str, run: str, name: str) -> pd.DataFrame | None:
        """Read ``history.tsv`` or ``counts.tsv`` of a run."""
        return self._read(self.paths.run(model, run).folder / name, read_tsv)

    def facts(self, model: str, run: str) -> dict[str, Any]:
        """Read ``train.json`` of a run; empty where there is none."""
        path = self.paths.run(model, run).train
        return read_json(path) if path.is_file() else {}

    def split(self, run: str) -> pd.DataFrame | None:
        """Read the split of a run: ``patient slice subset``."""
        return self._read(self.paths.split(split_name(run)), read_split)

    def units(self, run: str, subset: str) -> int | None:
        """Count what an interval is over: patients, or slices where none is named."""
        split = self.split(run) if run else None
        if split is None:
            return None
        part = split[split["subset"] == subset]
        return part["patient"].nunique() if part["patient"].ne("").any() else len(part)

    def _read(self, path: Path, reader: Callable[[Path], pd.DataFrame]) -> pd.DataFrame | None:
        """Read a table once; None where there is no file."""
        if path not in self._tables:
            self._tables[path] = reader(path) if path.is_file() else None
        return self._tables[path]

    @cached_property
    def slices(self) -> pd.DataFrame | None:
        """The index of the data set: one row a slice."""
        path = Paths(self.results).data(self.study.dataset).slices
        return read_tsv(path) if path.is_file() else None

    @cached_property
    def comparisons(self) -> pd.DataFrame | None:
        """The paired differences between models."""
        path = self.paths.comparisons
        return read_tsv(path) if path.is_file() else None

    def split_runs(self) -> list[str]:
        """List runs whose splits are made, leaks left out: the study's own, then its models'."""
        runs = dict.fromkeys(self.runs)
        for model in self.study.models.values():
            runs |= dict.fromkeys(run for run in model.runs if not is_leak(run))
        for target in self.study.tables.values():
            runs |= dict.fromkeys(target.get("runs", ()))
        return list(runs)


def _read_scores(path: Path) -> pd.DataFrame:
    rows = pd.DataFrame(read_json(path))
    # An undefined score is null in the file; a column of nulls alone would stay of objects.
    return rows.astype(dict.fromkeys(("value", "ci_low", "ci_high"), float))
