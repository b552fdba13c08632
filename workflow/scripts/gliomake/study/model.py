"""A study with every key typed, once; the blocks of a training are in `gliomake.study.blocks`.

Imported whenever the workflow starts, so it needs no large library.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar, cast

from gliomake.datasets.spec import DataFacts
from gliomake.files.provenance import value_sha256
from gliomake.study.architectures import ARCHITECTURES, CLASSIFICATION, SEGMENTATION
from gliomake.study.blocks import Postprocess, Recipe, Training
from gliomake.study.evaluation import Brought, Evaluation
from gliomake.study.run import ALL, ConfigError, is_leak

# The threshold has the first of its names where it is on FLAIR, else the second.
BASELINES = ("all-background", "flair-threshold", "intensity-threshold")
GATED = "-gated"
Block = TypeVar("Block")


@dataclass(frozen=True)
class Preprocess:
    """How slices are prepared.

    Attributes
    ----------
    channels : tuple of str
        Channels that are stored.
    image_size : int
        Height and width, pixels.
    intensity : str
        ``unit``, ``zscore`` or ``minmax``.
    slices : str
        ``all`` or ``tumour``: which slices are kept.
    """

    channels: tuple[str, ...]
    image_size: int
    intensity: str
    slices: str


@dataclass(frozen=True)
class Split:
    """How slices are divided.

    Attributes
    ----------
    test, val : float
        Share that is tested, and share of the rest that validates.
    seed : int
        Of the draw.
    max_patients : int or None
        Patients at most.
    """

    test: float
    val: float
    seed: int
    max_patients: int | None


@dataclass(frozen=True)
class Gate:
    """A classifier before segmenters.

    Attributes
    ----------
    classifier : str
        The model that decides.
    segmenters : tuple of str
        The models behind it.
    threshold : float
        Probability of no tumour from which the mask is empty.
    """

    classifier: str
    segmenters: tuple[str, ...]
    threshold: float


@dataclass(frozen=True)
class Leakage:
    """The runs that show the score inflation from data leakage.

    Attributes
    ----------
    as_published, models : tuple of str
        Models with the run ``slice-f0-s0`` as well; models with paired runs.
    leaks : tuple of int
        Percent of the test patients' other slices that are trained on.
    folds, seeds : int
        Numbers of folds and seeds of the paired runs.
    """

    as_published: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    leaks: tuple[int, ...] = ()
    folds: int = 1
    seeds: int = 1

    def runs(self, model: str) -> list[str]:
        """List ``slice-f0-s0`` and ``leak<p>-f<fold>-s<seed>``, as far as they are the model's."""
        runs = ["slice-f0-s0"] if model in self.as_published else []
        if model in self.models:
            runs += [
                f"leak{leak}-f{fold}-s{seed}"
                for leak in self.leaks
                for fold in range(self.folds)
                for seed in range(self.seeds)
            ]
        return runs


BLOCKS: dict[str, type] = {
    "preprocess": Preprocess,
    "split": Split,
    "gate": Gate,
    "leakage": Leakage,
    "evaluation": Evaluation,
    "data": DataFacts,
}


@dataclass(frozen=True)
class Model:
    """What is trained.

    Attributes
    ----------
    architecture : str
        A key of `gliomake.study.architectures.ARCHITECTURES`.
    options : dict
        Arguments of the architecture.
    channels : tuple of str
        Channels that it sees.
    runs : tuple of str
        Its trainings.
    training : Training
        How it is trained.
    pretrained : str or None
        Encoder whose ImageNet weights it starts from.
    plain : dict
        The block that it was read from.
    """

    architecture: str
    options: Mapping[str, Any]
    channels: tuple[str, ...]
    runs: tuple[str, ...]
    training: Training
    pretrained: str | None = None
    plain: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def task(self) -> str:
        """Say what it is trained for, ``segmentation`` or ``classification``."""
        return ARCHITECTURES[self.architecture].task

    @property
    def settings(self) -> dict[str, Any]:
        """Return what a training depends on; which other runs there are is no part of it."""
        return {key: value for key, value in self.plain.items() if key != "runs"}

    def encoder_weights(self, pretrained: str) -> str | None:
        """Say whose ImageNet weights it starts from.

        Parameters
        ----------
        pretrained : str
            ``none`` or ``imagenet``, as in the configuration.

        Returns
        -------
        str or None
            The encoder's name. None where it starts from scratch: an encoder that is made thinner
            (``options.width`` below 1, as at demo scale) has other shapes than the weights.
        """
        fits = self.options.get("width", 1) == 1
        return self.pretrained if pretrained == "imagenet" and fits else None


@dataclass(frozen=True)
class Study:
    """A study at a scale, with its overrides: what `gliomake.study.load.load_study` reads.

    Attributes
    ----------
    id, title, document : str
        The file's name, the page's heading, the report whose numbers are audited.
    question, address : str
        What the report asks, and where it can be read; empty where that is not known.
    dataset : str
        Which data set.
    classes : tuple of str
        Masks to learn.
    preprocess, split, gate, leakage, evaluation
        See there.
    regions : dict of str to list of str
        Unions of classes that are scored beside them.
    runs : tuple of str
        The trainings of all models, the main one first.
    threshold : float
        Probability from which a pixel is tumour.
    postprocess : Postprocess or None
        Clean-up of the masks.
    reported_subset : str
        Subset on which the document reports.
    training : Training
        What models take from the study.
    data : DataFacts
        What it must know of its data set.
    models : dict of str to Model
        Those that are trained, by name, in the file's order.
    brought : dict of str to Brought
        Those whose predictions are brought along.
    figures, tables : dict of str to dict
        See `gliomake.study.targets.study_targets`.
    overrides : tuple of dict
        What overrides change, see `gliomake.study.overrides.differences`.
    plain : dict
        What it was read from: the parameter of a job, which must be read without this library.
    """

    id: str
    title: str
    document: str
    dataset: str
    classes: tuple[str, ...]
    preprocess: Preprocess
    split: Split
    runs: tuple[str, ...]
    threshold: float
    postprocess: Postprocess | None
    reported_subset: str
    training: Training
    models: dict[str, Model]
    figures: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, Any]]
    data: DataFacts
    gate: Gate | None = None
    leakage: Leakage = field(default_factory=Leakage)
    evaluation: Evaluation = field(default_factory=Evaluation)
    regions: Mapping[str, list[str]] = field(default_factory=dict)
    brought: dict[str, Brought] = field(default_factory=dict)
    overrides: tuple[dict[str, Any], ...] = ()
    question: str = ""
    address: str = ""
    plain: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, plain: "Mapping[str, Any] | Study") -> "Study":
        """Read a study from plain values, such as a job's parameter.

        Parameters
        ----------
        plain : mapping
            A complete study with its ``data``, see `gliomake.study.load.complete_study`, such as
            `plain`. A `Study` is given back.

        Returns
        -------
        Study
            The same, typed.

        Raises
        ------
        ConfigError
            A key is missing or unknown.
        """
        if isinstance(plain, Study):
            return plain
        blocks: dict[str, Any] = {
            name: _read(type_, plain[name], name)
            for name, type_ in BLOCKS.items()
            if plain.get(name) is not None
        }
        models, brought = {}, {}
        for name, block in plain.get("models", {}).items():
            where = f"models.{name}"
            if "predictions" in block:
                brought[name] = _read(Brought, block["predictions"], f"{where}.predictions")
            else:
                models[name] = _read(Model, {**block, "plain": block}, where)
        typed = {"models": models, "brought": brought, "plain": plain}
        return _read(cls, {**plain, **blocks, **typed}, "study")

    @property
    def run(self) -> str:
        """Return the main run: the one that the study is judged by."""
        return self.runs[0]

    @property
    def segmenters(self) -> list[str]:
        """List the trained models that give masks, in the file's order."""
        return [name for name, model in self.models.items() if model.task == SEGMENTATION]

    @property
    def gated_models(self) -> list[str]:
        """Name each segmenter behind the gate, ``<segmenter>-gated``."""
        return [f"{name}{GATED}" for name in self.gate.segmenters] if self.gate else []

    @property
    def baselines(self) -> list[str]:
        """List the baselines: all background, and the threshold by the name that it has here.

        Without images, or without any to train on, there is no threshold.
        """
        fitted = bool(self.preprocess.channels) and not self.run.startswith(f"{ALL}-")
        return [BASELINES[0], self.data.baseline] if fitted else [BASELINES[0]]

    @property
    def all_models(self) -> list[str]:
        """List all that is scored: trained models, gated ones, those brought along, baselines."""
        return [*self.models, *self.gated_models, *self.brought, *self.baselines]

    @property
    def compared_models(self) -> list[str]:
        """List the models that are compared pair by pair: all that give masks."""
        return [*self.segmenters, *self.gated_models, *self.brought, *self.baselines]

    @property
    def measures_leak(self) -> bool:
        """Say whether any model has paired runs ``leak<p>``."""
        return any(is_leak(run) for model in self.models for run in self.leakage.runs(model))

    @property
    def measured(self) -> dict[str, Any]:
        """Say what is measured of each run, see `gliomake.scoring.measure.measure_slices`."""
        return {
            "regions": dict(self.regions),
            "distances": self.evaluation.distances,
            "lesions": self.evaluation.lesions,
            "postprocess": self.postprocess,
        }

    @property
    def recipe(self) -> Recipe:
        """Return how slices are preprocessed; studies with equal recipes share their shards."""
        return cast(Recipe, {**self.plain["preprocess"], "classes": self.plain["classes"]})

    @property
    def recipe_name(self) -> str:
        """Name the folder of the shards, ``<dataset>-<eight digits of the recipe's hash>``."""
        return f"{self.dataset}-{value_sha256(self.recipe)[:8]}"

    def task(self, model: str) -> str:
        """Say what a model is for; all that are not trained here give masks."""
        return self.models[model].task if model in self.models else SEGMENTATION

    def classifies(self, model: str) -> bool:
        """Say whether a model tells images apart and gives no masks."""
        return self.task(model) == CLASSIFICATION

    def model_runs(self, model: str) -> list[str]:
        """List the runs of a model, a gated model or a baseline; predictions are of one run.

        Raises
        ------
        ConfigError
            The study has no such model.
        """
        if model in self.models:
            return list(self.models[model].runs)
        if model in self.brought:
            return [self.run]
        if model in self.all_models:
            return list(self.runs)
        raise ConfigError(
            f"study {self.id} has no model {model!r}; it has {', '.join(self.all_models)}"
        )


def _read(type_: type[Block], plain: Mapping[str, Any], where: str) -> Block:
    """Make a frozen class from its block; lists become tuples where the class says so."""
    known = {each.name: each for each in fields(cast(Any, type_))}
    for key in plain:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; expected one of {', '.join(known)}")
    optional = {
        name
        for name, each in known.items()
        if (each.default, each.default_factory) != (MISSING, MISSING)
    }
    if missing := [name for name in known if name not in plain and name not in optional]:
        raise ConfigError(f"{where}: {', '.join(missing)} missing, and without a default")
    values = {
        key: tuple(value) if str(known[key].type).startswith("tuple[") else value
        for key, value in plain.items()
    }
    return type_(**values)
