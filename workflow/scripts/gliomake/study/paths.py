"""The contract's files, each spelled once: for rules, audit, report, verification and tests.

Names in braces give the pattern of a rule's output, for example
``Paths().run("{study}", "{model}", "{run}").counts``. Imported whenever the workflow starts, so it
needs the standard library only.
"""

from dataclasses import dataclass, field
from pathlib import Path

from gliomake.study.run import ConfigError

STUDY_FILES = ("claims", "comparisons", "findings", "grids", "leakage", "spread", "strata")
RUN_FILES = (
    "weights", "history", "train", "model", "predictions", "counts", "distances", "baseline",
    "brought", "regions", "patients", "calibration",
)  # fmt: skip
SUFFIXES = {"figures": (".svg", ".png"), "tables": (".csv",)}


@dataclass(frozen=True)
class DataPaths:
    """What the index says of a data set.

    Attributes
    ----------
    folder : Path
        ``results/data/<dataset>``.
    """

    folder: Path

    @property
    def slices(self) -> Path:
        """One row a slice."""
        return self.folder / "slices.tsv"

    @property
    def cases(self) -> Path:
        """One row a case that is kept."""
        return self.folder / "cases.tsv"

    @property
    def integrity(self) -> Path:
        """Checks made, cases refused and why."""
        return self.folder / "integrity.json"

    @property
    def duplicates(self) -> Path:
        """One row a pair of images that are there twice or look alike; none of volumes."""
        return self.folder / "duplicates.tsv"

    @property
    def datasheet(self) -> Path:
        """What the data set is, for readers of papers."""
        return self.folder / "datasheet.md"

    def group(self, group: str) -> Path:
        """Return the reports on the cases of one group."""
        return self.folder / "index" / f"{group}.json"

    def refused(self, group: str) -> Path:
        """Return what lay around the cases that a group refused; no declared output."""
        return self.folder / "index" / f"{group}.refused.json"


@dataclass(frozen=True)
class RunPaths:
    """The files of one run of a model, a gated model or a baseline.

    Attributes
    ----------
    folder : Path
        ``results/<study>/<model>/<run>``.
    """

    folder: Path

    @property
    def weights(self) -> Path:
        """The best weights."""
        return self.folder / "weights.safetensors"

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.folder / "history.tsv"

    @property
    def train(self) -> Path:
        """The facts of the training."""
        return self.folder / "train.json"

    @property
    def model(self) -> Path:
        """What a prediction on a new scan needs to know beside the weights."""
        return self.folder / "model.json"

    @property
    def onnx(self) -> Path:
        """The network for other programs."""
        return self.folder / "model.onnx"

    @property
    def onnx_check(self) -> Path:
        """How far the exported network is from the trained one."""
        return self.folder / "onnx.json"

    @property
    def baseline(self) -> Path:
        """The facts of a baseline."""
        return self.folder / "baseline.json"

    @property
    def brought(self) -> Path:
        """What was there of predictions that were brought along, one row a case."""
        return self.folder / "brought.tsv"

    @property
    def predictions(self) -> Path:
        """Probabilities of the slices of val and test."""
        return self.folder / "predictions.h5"

    @property
    def counts(self) -> Path:
        """Pixels hit and missed, one row a slice, class and clean-up."""
        return self.folder / "counts.tsv"

    @property
    def distances(self) -> Path:
        """Surface distances, one row a patient, class and clean-up."""
        return self.folder / "distances.tsv"

    @property
    def native(self) -> "RunPaths":
        """What was measured on the scans' own grid, where that stands beside resized slices."""
        return RunPaths(self.folder / "native")

    @property
    def regions(self) -> Path:
        """Pixels of the regions, as those of the classes."""
        return self.folder / "regions.tsv"

    @property
    def patients(self) -> Path:
        """Volumes and lesions, one row a patient, class or region, and clean-up."""
        return self.folder / "patients.tsv"

    @property
    def calibration(self) -> Path:
        """Predicted probabilities beside the truth, as counts."""
        return self.folder / "calibration.tsv"

    def file(self, kind: str) -> Path:
        """Return the file of a kind that a variable names.

        Parameters
        ----------
        kind : str
            One of `RUN_FILES`.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ConfigError
            A run has no such file.
        """
        return _named(self, kind, RUN_FILES, "run")


@dataclass(frozen=True)
class StudyPaths:
    """The files of one study.

    Attributes
    ----------
    folder : Path
        ``results/<study>``.
    """

    folder: Path

    @property
    def claims(self) -> Path:
        """Reported numbers beside reproduced ones."""
        return self.folder / "claims.tsv"

    @property
    def comparisons(self) -> Path:
        """Paired differences between models."""
        return self.folder / "comparisons.tsv"

    @property
    def findings(self) -> Path:
        """What the consistency checks found."""
        return self.folder / "findings.json"

    @property
    def grids(self) -> Path:
        """Scores on resized slices beside those on the scans' own grid."""
        return self.folder / "grids.tsv"

    @property
    def strata(self) -> Path:
        """Scores by grade, tumour size, position and the like."""
        return self.folder / "strata.tsv"

    @property
    def leakage(self) -> Path:
        """Score inflation from data leakage."""
        return self.folder / "leakage.tsv"

    @property
    def spread(self) -> Path:
        """Variation over models, folds and seeds."""
        return self.folder / "spread.tsv"

    @property
    def checklist(self) -> Path:
        """The reporting checklist CLAIM 2024, filled in by the run."""
        return self.folder / "reporting" / "claim2024.tsv"

    def metrics(self, model: str) -> Path:
        """Return a model's scores."""
        return self.folder / model / "metrics.json"

    def run(self, model: str, run: str) -> RunPaths:
        """Return the files of a run."""
        return RunPaths(self.folder / model / run)

    def split(self, name: str) -> Path:
        """Return the split of a name of `gliomake.study.run.split_name`, such as ``patient-f0``."""
        return self.folder / "split" / f"{name}.tsv"

    def figure(self, target: str, suffix: str = ".svg") -> Path:
        """Return a figure, ``.svg`` or ``.png``."""
        return self.folder / "figures" / f"{target}{suffix}"

    def table(self, target: str) -> Path:
        """Return a table."""
        return self.folder / "tables" / f"{target}.csv"

    def target(self, output: str, target: str) -> Path:
        """Return a figure or a table: `output` is ``figures`` or ``tables``."""
        return self.figure(target) if output == "figures" else self.table(target)

    def file(self, kind: str) -> Path:
        """Return the file of one of `STUDY_FILES`.

        Raises
        ------
        ConfigError
            A study has no such file.
        """
        return _named(self, kind, STUDY_FILES, "study")


@dataclass(frozen=True)
class ReportPaths:
    """The report's files.

    Attributes
    ----------
    folder : Path
        ``reports/build``.
    """

    folder: Path

    @property
    def index(self) -> Path:
        """The first page."""
        return self.folder / "index.html"

    @property
    def search(self) -> Path:
        """What the pages' search goes through."""
        return self.folder / "search-index.js"

    @property
    def numbers(self) -> Path:
        """Every number of the report."""
        return self.folder / "numbers.json"

    def page(self, study: str) -> Path:
        """Return a study's page."""
        return self.folder / f"{study}.html"

    def cards(self, study: str) -> Path:
        """Return the folder of a study's model cards."""
        return self.folder / "cards" / study

    def study_numbers(self, study: str) -> Path:
        """Return the numbers of a study's pages."""
        return self.folder / "numbers" / f"{study}.json"


@dataclass(frozen=True)
class Paths:
    """All files of the workflow, relative to where it runs.

    Attributes
    ----------
    results, resources : Path
        Where what is computed lies, and what is written or fetched once.
    report : ReportPaths
        The report.
    """

    results: Path = Path("results")
    resources: Path = Path("resources")
    report: ReportPaths = field(default=ReportPaths(Path("reports/build")))

    def data(self, dataset: str) -> DataPaths:
        """Return the index of a data set."""
        return DataPaths(self.results / "data" / dataset)

    def study(self, study: str) -> StudyPaths:
        """Return the files of a study."""
        return StudyPaths(self.results / study)

    def run(self, study: str, model: str, run: str) -> RunPaths:
        """Return the files of a run."""
        return self.study(study).run(model, run)

    def shard(self, recipe: str, group: str) -> Path:
        """Return preprocessed slices; the recipe's name is ``<dataset>-<hash>``."""
        return self.results / "shards" / recipe / f"{group}.h5"

    def phantom(self, dataset: str) -> Path:
        """Return the folder of a data set's synthetic images."""
        return self.resources / "phantoms" / dataset

    def encoder_weights(self, encoder: str) -> Path:
        """Return ImageNet weights; experiments share those of the checkout."""
        return self.resources / "weights" / f"{encoder}.safetensors"


def model_and_run(path: str | Path) -> tuple[str, str]:
    """Return the names of the model and the run that a file of `RunPaths` belongs to."""
    model, run, _ = Path(path).parts[-3:]
    return model, run


def _named(paths: object, kind: str, known: tuple[str, ...], owner: str) -> Path:
    if kind not in known:
        raise ConfigError(f"a {owner} has no file {kind!r}; expected one of {', '.join(known)}")
    path: Path = getattr(paths, kind)
    return path
