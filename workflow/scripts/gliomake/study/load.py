"""Study files: one study on one page, merged with the block of its scale and the overrides."""

import copy
from importlib import import_module
from pathlib import Path
from typing import Any

from gliomake.files.provenance import value_sha256
from gliomake.study.page import merge as merge
from gliomake.study.page import read_study as read_study
from gliomake.study.run import ConfigError
from gliomake.study.run import Run as Run

SCALES = ("demo", "paper")
# The threshold has the first name where it is on FLAIR, else the second.
BASELINES = ("all-background", "flair-threshold", "intensity-threshold")
GATED = "-gated"


def at_scale(study: dict[str, Any], scale: str) -> dict[str, Any]:
    """Apply the block of a scale.

    Parameters
    ----------
    study : dict
        A study of `read_study`.
    scale : str
        ``demo`` or ``paper``.

    Returns
    -------
    dict
        The study without its ``scales`` block.

    Raises
    ------
    ConfigError
        Unknown scale.
    """
    if scale not in SCALES:
        raise ConfigError(f"scale: {scale!r}; expected one of {', '.join(SCALES)}")
    scales = study.get("scales") or {}
    bare = {key: value for key, value in study.items() if key != "scales"}
    return merge(bare, scales.get(scale) or {})


def load_study(
    path: str | Path,
    scale: str,
    overrides: dict[str, Any] | None = None,
    datasets: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Read a study's file at a scale, lay the overrides over it, check and complete it.

    Parameters
    ----------
    path : str or Path
        ``config/studies/<study>.yaml``.
    scale : str
        ``demo`` or ``paper``; picks the block under ``scales``.
    overrides : dict, optional
        Laid over the study last: for experiments.
    datasets : dict of str to DatasetSpec, optional
        The data sets that there are; by default those of ``config/datasets``.

    Returns
    -------
    dict
        The study, without its ``scales`` block. Each model has ``architecture``, ``options``,
        ``channels``, ``runs`` and a complete ``training`` block; ``data`` is what its data set's
        page says, see `gliomake.datasets.spec.DatasetSpec.facts`. Where overrides change anything
        there is a list ``overrides``, see `gliomake.study.overrides.differences`.

    Raises
    ------
    ConfigError
        With all that is wrong.
    """
    # By name: a rule that takes a study from its parameters does not hang on how it was checked.
    study, faults = import_module("gliomake.study.checks").checked_study(
        path, scale, overrides or {}, datasets
    )
    if faults:
        raise ConfigError(import_module("gliomake.study.faults").fault_report(faults))
    return dict(study)


def complete_study(study: dict[str, Any]) -> dict[str, Any]:
    """Give each model all that it takes from the study.

    Parameters
    ----------
    study : dict
        A study of `at_scale`, with its overrides.

    Returns
    -------
    dict
        A new dict; each model has ``options``, ``channels``, ``runs`` and ``training``.
    """
    study = {"document": "", **copy.deepcopy(study)}
    for name, model in study["models"].items():
        own = {key: model.pop(key) for key in list(model) if key in study["training"]}
        # A model's own block replaces the study's where they name different things (two losses).
        replaced = {key for key in own if key in ("loss", "schedule", "early_stopping", "best")}
        shared = {key: value for key, value in study["training"].items() if key not in replaced}
        model["training"] = merge(shared, own)
        model.setdefault("options", {})
        model.setdefault("channels", study["preprocess"]["channels"])
        model["runs"] = [*study["runs"], *leak_runs(study, name)]
    return study


def leak_runs(study: dict[str, Any], model: str) -> list[str]:
    """List the runs of a model that are there to show what a leak is worth.

    Parameters
    ----------
    study : dict
        A study. Its block ``leakage`` names the models that are trained ``as_published``, and
        those with paired runs, with the leaks (percent) and the numbers of folds and seeds.
    model : str
        A model's name.

    Returns
    -------
    list of str
        ``slice-f0-s0`` and ``leak<p>-f<fold>-s<seed>``, as far as the block names the model.
    """
    leakage = study.get("leakage") or {"as_published": [], "models": []}
    runs = ["slice-f0-s0"] if model in leakage["as_published"] else []
    if model in leakage["models"]:
        runs += [
            f"leak{leak}-f{fold}-s{seed}"
            for leak in leakage["leaks"]
            for fold in range(leakage["folds"])
            for seed in range(leakage["seeds"])
        ]
    return runs


def measures_leak(study: dict[str, Any]) -> bool:
    """Check whether any model of a study has paired runs ``leak<p>``."""
    return any(
        run.startswith("leak") for model in study["models"] for run in leak_runs(study, model)
    )


def model_task(study: dict[str, Any], model: str) -> str:
    """Say what a model is trained for.

    Parameters
    ----------
    study : dict
        A study of `load_study`.
    model : str
        A model's name, pseudo-models included.

    Returns
    -------
    str
        ``classification`` for the gate's classifier, else ``segmentation``.
    """
    gate = study.get("gate")
    return "classification" if gate and gate["classifier"] == model else "segmentation"


def encoder_weights(model: dict[str, Any], pretrained: str) -> str | None:
    """Say whose ImageNet weights a model starts from.

    Parameters
    ----------
    model : dict
        A model of `load_study`.
    pretrained : str
        ``none`` or ``imagenet``, as in the configuration.

    Returns
    -------
    str or None
        The encoder's name. None where the model starts from scratch: an encoder that is made
        thinner (``options.width`` below 1, as at demo scale) has other shapes than the weights.
    """
    fits = model["options"].get("width", 1) == 1
    return model.get("pretrained") if pretrained == "imagenet" and fits else None


def segmenters(study: dict[str, Any]) -> list[str]:
    """List the trained models that give masks.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    list of str
        In the file's order.
    """
    return [name for name in study["models"] if model_task(study, name) == "segmentation"]


def model_runs(study: dict[str, Any], model: str) -> list[str]:
    """List the runs of a model or pseudo-model.

    Parameters
    ----------
    study : dict
        A study of `load_study`.
    model : str
        A model, ``<segmenter>-gated``, or a baseline.

    Returns
    -------
    list of str
        Names of runs, the study's own first.

    Raises
    ------
    ConfigError
        The study has no such model.
    """
    if model in study["models"]:
        return study["models"][model]["runs"]
    if model in baselines(study) or model in gated_models(study):
        return study["runs"]
    raise ConfigError(
        f"study {study['id']} has no model {model!r}; it has {', '.join(all_models(study))}"
    )


def baselines(study: dict[str, Any]) -> list[str]:
    """Name the trivial models of a study: no tumour anywhere, and a threshold on one channel.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    list of str
        Two of `BASELINES`.
    """
    return [BASELINES[0], study["data"]["baseline"]]


def gated_models(study: dict[str, Any]) -> list[str]:
    """Name each segmenter behind the study's classifier.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    list of str
        ``<segmenter>-gated``; empty without a gate.
    """
    gate = study.get("gate")
    return [f"{name}{GATED}" for name in gate["segmenters"]] if gate else []


def all_models(study: dict[str, Any]) -> list[str]:
    """List all that is scored: trained models, gated ones, baselines.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    list of str
        Their names.
    """
    return [*study["models"], *gated_models(study), *baselines(study)]


def recipe(study: dict[str, Any]) -> dict[str, Any]:
    """Say how a study's slices are preprocessed.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    dict
        The ``preprocess`` block with the classes; studies with equal recipes share their shards.
    """
    return {**study["preprocess"], "classes": study["classes"]}


def recipe_name(study: dict[str, Any]) -> str:
    """Name the folder of a study's shards.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    str
        ``<dataset>-<eight hexadecimal digits of the recipe's hash>``.
    """
    return f"{study['dataset']}-{value_sha256(recipe(study))[:8]}"


def study_metrics(study: dict[str, Any]) -> list[str]:
    """List the scores of a study.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    list of str
        The metrics of all studies, and a Tversky index for each pair of weights that a loss uses.
    """
    losses = [model["training"]["loss"] for model in study["models"].values()]
    tversky = {f"tversky-a{loss['alpha']}-b{loss['beta']}" for loss in losses if "alpha" in loss}
    fixed = ["dice", "iou", "precision", "recall", "specificity", "accuracy", "f1"]
    return [*fixed, *sorted(tversky)]


def compared_models(study: dict[str, Any]) -> list[str]:
    """List the models that are compared pair by pair: all that give masks.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    list of str
        Segmenters, gated ones and baselines.
    """
    return [*segmenters(study), *gated_models(study), *baselines(study)]
