"""What a study's page is made from: the files of the contracts, found by their names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gliomake.files.contracts import read_json
from gliomake.files.provenance import file_sha256, listing_sha256
from gliomake.files.tsv import read_tsv
from gliomake.prepare.split import read_split
from gliomake.report.keys import ScoreKey
from gliomake.report.numbers import STATES
from gliomake.report.run_files import RunFiles
from gliomake.study.kinds import MODEL_NEEDS
from gliomake.study.model import Study
from gliomake.study.overrides import words
from gliomake.study.paths import Paths
from gliomake.study.run import split_name
from gliomake.study.targets import Target, unknown_need


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give a table's rows as dicts by column name."""
    return [
        dict(zip(map(str, frame.columns), row, strict=True))
        for row in frame.itertuples(index=False, name=None)
    ]


@dataclass(frozen=True)
class StudyInputs:
    """All files that a study's page shows.

    Attributes
    ----------
    study : Study
        The study.
    data, scale : str
        ``phantom`` or ``real``; ``demo`` or ``paper``.
    slices, cases, integrity : Path
        The data set's files.
    splits : dict of str to Path
        Split files by name, for example ``patient-f0``.
    shards : sequence of Path
        The recipe's shards; without them the page has no slice viewer.
    runs : sequence of RunFiles
        Runs of all models, baselines and gated models among them.
    metrics : dict of str to Path
        ``metrics.json`` by model.
    claims, findings : Path
        The audit of the study.
    reported : Path
        The reported numbers that were audited.
    duplicates : Path or None
        Pairs of images of the data set that are there twice or look alike.
    comparisons, leakage, spread, grids, strata : Path or None
        Paired comparisons, the measured leak, the spread over models, folds and seeds, scores on
        both grids, and scores by strata.
    figures, tables : dict of str to Path
        SVG (a PNG lies beside it) and CSV by target.
    bootstrap : dict
        ``resamples`` and ``seed`` of all intervals, by default 10 000 and 0.
    options : str
        What a printed command must repeat: ``--config experiment=... overrides=...``.
    root : Path or None
        The data set's folder, from which figures of raw data are drawn.
    scans : dict
        Where scores on the scans' own grid come from: ``dataset root options brought``; else empty.
    about_data : dict
        What the data set's page says in words: ``title source terms``.
    answers : dict of int to str
        What people say to items of the reporting checklist, by their numbers.
    """

    study: Study
    data: str
    scale: str
    slices: Path
    cases: Path
    integrity: Path
    splits: dict[str, Path]
    shards: Sequence[Path]
    runs: Sequence[RunFiles]
    metrics: dict[str, Path]
    claims: Path
    findings: Path
    reported: Path = Path("config/claims.tsv")
    duplicates: Path | None = None
    comparisons: Path | None = None
    leakage: Path | None = None
    spread: Path | None = None
    grids: Path | None = None
    strata: Path | None = None
    figures: dict[str, Path] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    bootstrap: dict[str, int] = field(default_factory=lambda: {"resamples": 10_000, "seed": 0})
    options: str = ""
    root: Path | None = None
    scans: dict[str, Any] = field(default_factory=dict)
    about_data: dict[str, str] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)

    @property
    def overrides(self) -> list[dict[str, str]]:
        """What overrides change of the study, in words: ``key``, ``old``, ``new``."""
        return [words(each) for each in self.study.overrides]

    @property
    def id(self) -> str:
        """The study's id."""
        return self.study.id

    @property
    def page(self) -> str:
        """File name of the study's page."""
        return f"{self.id}.html"

    @property
    def is_result(self) -> bool:
        """Whether the numbers are those of real data at full scale."""
        return self.data == "real" and self.scale == "paper"

    @property
    def main_run(self) -> str:
        """The run that the study is judged by: the first of its list."""
        return self.study.run

    @cached_property
    def subset(self) -> str:
        """The subset that the viewer shows: the test set, or validation where there is none."""
        return "test" if (self.scores["subset"] == "test").any() else "val"

    @property
    def checklist(self) -> Path:
        """Where the reporting checklist is written, in the study's folder."""
        return Paths(self.claims.parents[1]).study(self.id).checklist

    @property
    def reported_subset(self) -> str:
        """The subset on which the document reports."""
        return self.study.reported_subset

    @cached_property
    def scores(self) -> pd.DataFrame:
        """All rows of all ``metrics.json``, with a column ``model``; undefined values are None."""
        rows = [
            {"model": model, **row}
            for model, path in self.metrics.items()
            for row in read_json(path)
        ]
        frame = pd.DataFrame(rows)
        values = ["value", "ci_low", "ci_high"]
        frame[values] = frame[values].astype(object).where(frame[values].notna(), None)
        return frame

    @cached_property
    def scores_by_key(self) -> dict[ScoreKey, dict[str, Any]]:
        """The rows of `scores`."""
        return {ScoreKey.of(row): row for row in records(self.scores)}

    @cached_property
    def checks(self) -> dict[str, Any]:
        """Content of ``integrity.json``."""
        return read_json(self.integrity)

    @cached_property
    def split_tables(self) -> dict[str, pd.DataFrame]:
        """The split files' rows by name."""
        return {name: read_split(path) for name, path in self.splits.items()}

    @cached_property
    def sha256(self) -> dict[str, str]:
        """Hash of every file that the page rests on, by its path."""
        files = [self.claims, self.findings, self.comparisons, self.leakage, self.spread]
        files += [self.grids, self.strata, self.duplicates]
        files += [self.reported, self.slices, self.cases, self.integrity, *self.shards]
        files += [*self.splits.values(), *self.metrics.values(), *self.tables.values()]
        for run in self.runs:
            files += [run.counts, run.distances, run.regions, run.patients]
            files += [run.predictions, run.brought, run.calibration]
            files += [run.weights, run.history, run.train, run.model_facts]
        for svg in self.figures.values():
            files += [svg, svg.with_suffix(".png")]
        return {str(path): file_sha256(path) for path in files if path}

    @cached_property
    def figure_sources(self) -> dict[str, tuple[Path, ...]]:
        """The files that each figure was drawn from, by target; the root of raw data is none."""
        sources = {}
        for name in self.figures:
            target = Target.declared(self.study, "figures", name)
            needs = [self.target_files(target, need) for need in target.needs if need != "root"]
            sources[name] = tuple(path for paths in needs for path in paths)
        return sources

    @property
    def raw_figures(self) -> tuple[str, ...]:
        """The figures that were drawn from raw data."""
        return tuple(
            name
            for name in self.figures
            if "root" in Target.declared(self.study, "figures", name).needs
        )

    def listing(self) -> str:
        """Hash names, sizes and times of the raw data; empty where no figure shows these.

        What they hold is not hashed: gigabytes, of which every other figure and number has its
        own files. Empty as well where the data are not there.
        """
        if not self.root or not self.raw_figures or not self.root.is_dir():
            return ""
        # Past its cache: the folder may have changed since.
        return listing_sha256.__wrapped__(str(self.root))

    def target_files(self, target: Target, need: str) -> list[Path]:
        """Find the files behind one need of a figure or table.

        Parameters
        ----------
        target : Target
            The figure or table.
        need : str
            One of its needs, except ``root``; see `gliomake.study.kinds.Kind`.

        Returns
        -------
        list of Path
            Of models in the order of the target's models, of ``splits`` in that of its runs.

        Raises
        ------
        ConfigError
            There is no such need.
        """
        if need in ("slices", "cases"):
            return [getattr(self, need)]
        if need == "shards":
            return list(self.shards)
        if need == "metrics":
            return [self.metrics[model] for model in target.models]
        if need in ("split", "splits"):
            runs = target.runs if need == "splits" else target.runs[:1]
            return [self.splits[split_name(run)] for run in runs]
        if need not in MODEL_NEEDS:
            raise unknown_need(target, need)
        found = [getattr(self.run_files(model, target.run), need) for model in target.models]
        return [path for path in found if path]

    def masks(self, cleaned: bool) -> str:
        """Name in a caption which masks were scored; nothing where the study cleans none up."""
        return f", masks {STATES[cleaned]}" if self.study.postprocess else ""

    def run_files(self, model: str, run: str) -> RunFiles:
        """Find the files of a run.

        Parameters
        ----------
        model, run : str
            Names of model and run.

        Returns
        -------
        RunFiles
            Its files.

        Raises
        ------
        KeyError
            The study has no such run.
        """
        for files in self.runs:
            if (files.model, files.run) == (model, run):
                return files
        raise KeyError(f"{self.id}: metrics name the run {model}/{run}, whose files were not given")

    def table(self, path: Path | None) -> pd.DataFrame:
        """Read a table; no file gives no rows.

        Parameters
        ----------
        path : Path or None
            A tab-separated file.

        Returns
        -------
        DataFrame
            Its rows.
        """
        return read_tsv(path) if path else pd.DataFrame()


def study_inputs(
    study: Study,
    *,
    data: str,
    scale: str,
    shards: Sequence[str | Path] = (),
    results: str | Path = "results",
    reported: str | Path = "config/claims.tsv",
    bootstrap: dict[str, int] | None = None,
    options: str = "",
    root: str | Path | None = None,
    scans: dict[str, Any] | None = None,
    about_data: dict[str, str] | None = None,
    answers: dict[str, str] | None = None,
) -> StudyInputs:
    """Name the files of a study by the contracts' paths.

    Parameters
    ----------
    study, data, scale, shards, reported, bootstrap, options, root, scans, about_data, answers
        As in `StudyInputs`.
    results : path
        The folder of all results, relative to where the workflow runs, so that the paths of the
        report are those that a reader can ask for.

    Returns
    -------
    StudyInputs
        The files; those that a study need not have are left out where they are not there.
    """
    paths = Paths(Path(results))
    own, dataset = paths.study(study.id), paths.data(study.dataset)
    runs = [
        RunFiles.found(own.run(model, run), model, run)
        for model in study.all_models
        for run in study.model_runs(model)
    ]
    return StudyInputs(
        study=study,
        data=data,
        scale=scale,
        slices=dataset.slices,
        cases=dataset.cases,
        integrity=dataset.integrity,
        splits={files.split: own.split(files.split) for files in runs},
        shards=tuple(Path(path) for path in shards),
        runs=tuple(runs),
        metrics={model: own.metrics(model) for model in study.all_models},
        claims=own.claims,
        findings=own.findings,
        reported=Path(reported),
        duplicates=dataset.duplicates if dataset.duplicates.is_file() else None,
        comparisons=own.comparisons if own.comparisons.is_file() else None,
        leakage=own.leakage if study.measures_leak else None,
        spread=own.spread if study.measures_leak else None,
        grids=own.grids if study.evaluation.beside else None,
        strata=own.strata if study.evaluation.strata else None,
        bootstrap=bootstrap or {"resamples": 10_000, "seed": 0},
        options=options,
        figures={name: own.figure(name) for name in study.figures},
        tables={name: own.table(name) for name in study.tables},
        root=Path(root) if root else None,
        scans=scans or {},
        about_data=about_data or {},
        # JSON, and Snakemake's parameters, know keys of text only.
        answers={int(number): text for number, text in (answers or {}).items()},
    )
