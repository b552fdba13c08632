"""Study files: one study on one page, merged with the block of its scale, and checked."""

import copy
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from gliomake.provenance import value_sha256
from gliomake.run import ConfigError, Run

SCALES = ("demo", "paper")
BASELINES = ("all-background", "flair-threshold")
GATED = "-gated"
# Every start reads the studies; libyaml does it in a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Lay one nested dict over another.

    Parameters
    ----------
    base, override : dict
        Where both hold a dict under a key the two are merged; else `override` wins. Lists are
        replaced whole.

    Returns
    -------
    dict
        A new dict; the arguments are left as they are.
    """
    merged = copy.deepcopy(base)
    for key, value in override.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def typed(value: Any, key: str = "") -> Any:
    """Give values from the command line their types: Snakemake hands nested ones over as text.

    Parameters
    ----------
    value : object
        A configuration, or a part of one.
    key : str
        The key it stands under; a ``root`` stays text, whatever the folder is called.

    Returns
    -------
    object
        The same with ``"5"``, ``"1e-3"``, ``"true"`` and ``"null"`` as what they mean.
    """
    if isinstance(value, dict):
        return {name: typed(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [typed(part) for part in value]
    if not isinstance(value, str) or key == "root":
        return value
    meant = {"true": True, "false": False, "null": None}
    if value in meant:
        return meant[value]
    for number in (int, float):
        with suppress(ValueError):
            return number(value)
    return value


def load_study(
    path: str | Path, scale: str, overrides: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Read a study's file at a scale.

    Parameters
    ----------
    path : str or Path
        ``config/studies/<study>.yaml``.
    scale : str
        ``demo`` or ``paper``; picks the block of overrides under ``scales``.
    overrides : dict, optional
        Laid over the study last: for experiments.

    Returns
    -------
    dict
        The study, without its ``scales`` block. Each model has ``architecture``, ``options``,
        ``channels``, ``runs`` and a complete ``training`` block.

    Raises
    ------
    ConfigError
        Unknown scale, or a file whose name is not the study's id.
    """
    path = Path(path)
    if scale not in SCALES:
        raise ConfigError(f"scale: {scale!r}; expected one of {', '.join(SCALES)}")
    study = yaml.load(path.read_text(), _LOADER)
    if study.get("id") != path.stem:
        raise ConfigError(
            f"{path}: id is {study.get('id')!r}; expected the file's name {path.stem!r}"
        )
    scales = study.pop("scales", {})
    study = merge(merge(study, scales.get(scale) or {}), overrides or {})
    for name, model in study["models"].items():
        own = {key: model.pop(key) for key in list(model) if key in study["training"]}
        # A model's own block replaces the study's where they name different things (two losses).
        replaced = {key for key in own if key in ("loss", "schedule", "early_stopping", "best")}
        shared = {key: value for key, value in study["training"].items() if key not in replaced}
        model["training"] = merge(shared, own)
        model.setdefault("options", {})
        model.setdefault("channels", study["preprocess"]["channels"])
        model["runs"] = [*study["runs"], *leak_runs(study, name)]
    _check_study(study, path)
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
    """Tell whether a study has paired runs.

    Parameters
    ----------
    study : dict
        A study of `load_study`.

    Returns
    -------
    bool
        Whether any model has runs ``leak<p>``.
    """
    return any(
        run.startswith("leak") for model in study["models"] for run in leak_runs(study, model)
    )


def check_roots(config: dict[str, Any], studies: list[dict[str, Any]]) -> None:
    """Look for the folders of the data sets before anything runs.

    Parameters
    ----------
    config : dict
        The configuration; ``datasets.<id>.root`` is ``phantom`` or a folder.
    studies : list of dict
        The studies that are built; only their data sets count.

    Raises
    ------
    ConfigError
        With the data set, the key, the page that says where to get it, and how to build the
        studies whose data are there.
    """
    roots = {study["dataset"]: config["datasets"][study["dataset"]]["root"] for study in studies}
    absent = sorted(
        name for name, root in roots.items() if root != "phantom" and not Path(root).is_dir()
    )
    if not absent:
        return
    dataset = absent[0]
    others = ", ".join(study["id"] for study in studies if study["dataset"] not in absent)
    alone = f" To build the other studies alone: --config studies='[{others}]'." if others else ""
    raise ConfigError(
        f"data set {dataset}: datasets.{dataset}.root is {roots[dataset]!r}, and there is no such "
        f"folder. config/README.md, section {dataset}, says where the data are to be had and how "
        f"the folder must look; the root `phantom` needs no data.{alone}"
    )


def _check_study(study: dict[str, Any], path: Path) -> None:
    for name, model in study["models"].items():
        where = f"{path}: models.{name}"
        if name in BASELINES or name.endswith(GATED):
            raise ConfigError(f"{where}: the name is kept for a baseline or a gated model")
        strange = set(model["channels"]) - set(study["preprocess"]["channels"])
        if strange:
            raise ConfigError(
                f"{where}.channels: {sorted(strange)} are not among preprocess.channels "
                f"{study['preprocess']['channels']}"
            )
        for run in model["runs"]:
            Run.parse(run)
    gate = study.get("gate")
    for name in [gate["classifier"], *gate["segmenters"]] if gate else []:
        if name not in study["models"]:
            raise ConfigError(f"{path}: gate names the model {name!r}, which is not in models")


def model_task(study: dict[str, Any], model: str) -> str:
    """Tell what a model is trained for.

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
    """Tell whose ImageNet weights a model starts from.

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
        Their names, in the file's order.
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
    if model in BASELINES or model in gated_models(study):
        return study["runs"]
    raise ConfigError(
        f"study {study['id']} has no model {model!r}; it has {', '.join(all_models(study))}"
    )


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
    return [*study["models"], *gated_models(study), *BASELINES]


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
    return [*segmenters(study), *gated_models(study), *BASELINES]
