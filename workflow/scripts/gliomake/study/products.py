"""What a study builds, and from which files its figures, its audit and its page are made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gliomake.scoring.metrics import COUNT_METRICS, tversky_name
from gliomake.study.kinds import MODEL_NEEDS, OUTPUTS
from gliomake.study.model import Study
from gliomake.study.paths import DataPaths, Paths, RunPaths, StudyPaths
from gliomake.study.run import ConfigError, is_leak, split_name
from gliomake.study.targets import Target, study_targets, target_blocks, unknown_need

# What a training writes; a gated model and a baseline have none of it.
OF_TRAINING = frozenset({"weights", "history", "train", "model"})
Files = Path | list[Path]


@dataclass(frozen=True)
class Products:
    """The files of one study, found by its settings.

    Attributes
    ----------
    study : Study
        The study.
    groups : sequence of str
        The groups into which its data set's cases are divided.
    root : str
        The data set's folder.
    paths : Paths
        Where all files lie.
    """

    study: Study
    groups: tuple[str, ...]
    root: str
    paths: Paths = field(default_factory=Paths)

    @property
    def of_study(self) -> StudyPaths:
        """The study's own files."""
        return self.paths.study(self.study.id)

    @property
    def of_data(self) -> DataPaths:
        """The index of its data set."""
        return self.paths.data(self.study.dataset)

    @property
    def shards(self) -> list[Path]:
        """The preprocessed slices of its recipe."""
        recipe = self.study.recipe_name
        return [self.paths.shard(recipe, group) for group in self.groups]

    @property
    def splits(self) -> list[Path]:
        """The splits of all trainings, by name."""
        study = self.study
        runs = {run for model in study.all_models for run in study.model_runs(model)}
        return [self.of_study.split(name) for name in sorted(set(map(split_name, runs)))]

    @property
    def metrics(self) -> list[Path]:
        """The scores of all models."""
        return [self.of_study.metrics(model) for model in self.study.all_models]

    @property
    def leakage(self) -> list[Path]:
        """What the paired runs show; nothing where there are none."""
        measured = self.study.measures_leak
        return [self.of_study.leakage, self.of_study.spread] if measured else []

    @property
    def usable(self) -> list[Path]:
        """What makes the study's models usable on new scans: of its own runs, not of the leaks'."""
        return [
            self.of_study.run(model, run).model
            for model in self.study.models
            for run in self.study.runs
        ]

    @property
    def leak_counts(self) -> list[Path]:
        """The counts of the paired runs."""
        return [
            self.of_study.run(model, run).counts
            for model in self.study.models
            for run in self.study.leakage.runs(model)
            if is_leak(run)
        ]

    def outputs(self, output: str) -> list[Path]:
        """List the study's ``figures`` or ``tables``."""
        blocks = target_blocks(self.study, output)
        return [self.of_study.target(output, name) for name in blocks]

    def of_model(self, model: str) -> list[RunPaths]:
        """List the folders of a model's runs."""
        return [self.of_study.run(model, run) for run in self.study.model_runs(model)]

    def of_runs(self, kind: str) -> list[Path]:
        """List the files of one kind (`gliomake.study.paths.RUN_FILES`) of all runs."""
        models = [*self.study.models] if kind in OF_TRAINING else self.study.all_models
        return [run.file(kind) for model in models for run in self.of_model(model)]

    def compared(self, kind: str) -> list[Path]:
        """List the files of one kind of the models that are compared, in the main run."""
        models, run = self.study.compared_models, self.study.run
        return [self.of_study.run(model, run).file(kind) for model in models]

    def audited(self) -> dict[str, Files]:
        """Name what the audit compares the reported numbers with."""
        return {
            "slices": self.of_data.slices,
            "splits": self.splits,
            "history": self.of_runs("history"),
            "facts": self.of_runs("train"),
            "counts": self.of_runs("counts"),
            "metrics": self.metrics,
            "comparisons": self.of_study.comparisons,
        }

    @property
    def grids(self) -> list[Path]:
        """Scores on both grids, where the study asks for both."""
        return [self.of_study.grids] if self.study.evaluation.beside else []

    @property
    def strata(self) -> list[Path]:
        """Scores by strata, where the study has any."""
        return [self.of_study.strata] if self.study.evaluation.strata else []

    @property
    def calibration(self) -> list[Path]:
        """Probabilities beside the truth, of all models with any of their own, in the main run.

        A model behind the classifier has those of its segmenter or none, a baseline 0 and 1.
        """
        study = self.study
        models = [model for model in study.models if study.run in study.model_runs(model)]
        return [
            self.of_study.run(model, study.run).calibration for model in (*models, *study.brought)
        ]

    def on_scans(self, kind: str) -> list[Path]:
        """List the files of one kind, measured on the scans' own grid, of all compared models."""
        models, run = self.study.compared_models, self.study.run
        return [self.of_study.run(model, run).native.file(kind) for model in models]

    def reported(self) -> dict[str, Files]:
        """Name what the study's page shows."""
        return self.audited() | {
            "cases": self.of_data.cases,
            "integrity": self.of_data.integrity,
            "duplicates": self.of_data.duplicates,
            "shards": self.shards,
            "weights": self.of_runs("weights"),
            "predictions": self.of_runs("predictions"),
            "brought": [
                self.of_study.run(name, self.study.run).brought for name in self.study.brought
            ],
            "distances": self.of_runs("distances"),
            "regions": self.of_runs("regions"),
            "patients": self.of_runs("patients"),
            "calibration": self.calibration,
            "claims": self.of_study.claims,
            "findings": self.of_study.findings,
            "grids": self.grids,
            "strata": self.strata,
            "leakage": self.leakage,
            "figures": self.outputs("figures"),
            "tables": self.outputs("tables"),
            "usable": self.usable,
        }

    def all(self) -> Iterator[Path]:
        """Yield what the study as a whole is asked for."""
        yield from self.metrics
        for output in OUTPUTS:
            yield from self.outputs(output)
        yield from self.leakage
        yield from self.usable
        yield self.of_study.claims
        yield self.of_data.datasheet
        yield self.paths.report.page(self.study.id)

    def target(self, output: str, name: str) -> dict[str, Any]:
        """Name the files that a figure or table is made from.

        Parameters
        ----------
        output : str
            ``figures`` or ``tables``.
        name : str
            The target.

        Returns
        -------
        dict
            For each of its needs a file, or several.

        Raises
        ------
        ConfigError
            The study does not declare the target.
        """
        known = study_targets(self.study, output)
        if name not in known:
            raise ConfigError(
                f"study {self.study.id} has no {output[:-1]} {name!r}; it has {', '.join(known)}"
            )
        return {need: self.needed(known[name], need) for need in known[name].needs}

    def needed(self, target: Target, need: str) -> Any:
        """Find the files behind one need of a figure or table.

        Parameters
        ----------
        target : Target
            The figure or table.
        need : str
            One of its needs; see `gliomake.study.kinds.Kind`.

        Returns
        -------
        Path or list of Path or str
            Of models in the order of the target's models, of ``splits`` in that of its runs.

        Raises
        ------
        ConfigError
            There is no such need.
        """
        if need == "metrics":
            return [self.of_study.metrics(model) for model in target.models]
        if need in MODEL_NEEDS:
            return [self.of_study.run(model, target.run).file(need) for model in target.models]
        if need == "slices":
            return self.of_data.slices
        if need == "cases":
            return self.of_data.cases
        if need == "splits":
            return [self.of_study.split(split_name(run)) for run in target.runs]
        if need == "split":
            return self.of_study.split(split_name(target.run))
        if need == "shards":
            return self.shards
        if need == "root":
            return self.root
        raise unknown_need(target, need)


def study_metrics(study: Study) -> list[str]:
    """List the scores of a study's masks.

    Outside of `Study`: a job that takes a study does not run again for a new score.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    list of str
        Those of all studies, and a Tversky index for each pair of a loss's weights.
    """
    losses = [model.training["loss"] for model in study.models.values()]
    tversky = {tversky_name(loss["alpha"], loss["beta"]) for loss in losses if "alpha" in loss}
    return [*COUNT_METRICS, *sorted(tversky)]
