"""Study files: one study on one page, merged with the block of its scale and the overrides."""

import copy
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from gliomake.study.model import BASELINES as BASELINES
from gliomake.study.model import GATED as GATED
from gliomake.study.model import Leakage, Study
from gliomake.study.run import ConfigError

SCALES = ("demo", "paper")
# A block that names another thing (a loss, a kind of figure) replaces what it is laid over: the
# options of the one are not those of the other.
NAMES = ("name", "kind")
# Every start reads the studies; libyaml does it in a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Lay one nested dict over another.

    Parameters
    ----------
    base, override : dict
        Where both hold a dict under a key the two are merged; else `override` wins. Lists are
        replaced whole, and so are a loss of another name, a figure of another kind, and the
        options of another architecture.

    Returns
    -------
    dict
        A new dict; the arguments are left as they are.
    """
    merged = copy.deepcopy(base)
    if _differs(base, override, "architecture"):
        merged.pop("options", None)
        merged.pop("pretrained", None)
    for key, value in override.items():
        old = merged.get(key)
        merged[key] = copy.deepcopy(value)
        if isinstance(value, dict) and isinstance(old, dict) and not _renamed(old, value):
            merged[key] = merge(old, value)
    return merged


def _renamed(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return any(_differs(old, new, name) for name in NAMES)


def _differs(old: dict[str, Any], new: dict[str, Any], key: str) -> bool:
    return key in old and key in new and old[key] != new[key]


def read_study(path: str | Path) -> dict[str, Any]:
    """Read a study's file as it stands.

    Parameters
    ----------
    path : str or Path
        ``config/studies/<study>.yaml``.

    Returns
    -------
    dict
        With its ``scales`` block.

    Raises
    ------
    ConfigError
        No YAML, no block of keys, or an id that is not the file's name.
    """
    path = Path(path)
    try:
        study = yaml.load(path.read_text(), _LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(study, dict):
        raise ConfigError(f"{path}: found {type(study).__name__}; expected a block of keys")
    if study.get("id") != path.stem:
        raise ConfigError(
            f"{path}: id is {study.get('id')!r}; expected the file's name {path.stem!r}"
        )
    return study


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
    path: str | Path, scale: str, overrides: dict[str, Any] | None = None
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

    Returns
    -------
    dict
        The study, without its ``scales`` block. Each model has ``architecture``, ``options``,
        ``channels``, ``runs`` and a complete ``training`` block. Where overrides change anything
        there is a list ``overrides``, see `gliomake.study.overrides.differences`.

    Raises
    ------
    ConfigError
        With all that is wrong.
    """
    # By name: a rule that takes a study from its parameters does not hang on how it was checked.
    study, faults = import_module("gliomake.study.checks").checked_study(
        path, scale, overrides or {}
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
    study = copy.deepcopy(study)
    leakage = Leakage(**study.get("leakage", {}))
    for name, model in study["models"].items():
        own = {key: model.pop(key) for key in list(model) if key in study["training"]}
        # A model's own block replaces the study's where they name different things (two losses).
        replaced = {key for key in own if key in ("loss", "schedule", "early_stopping", "best")}
        shared = {key: value for key, value in study["training"].items() if key not in replaced}
        model["training"] = merge(shared, own)
        model.setdefault("options", {})
        model.setdefault("channels", study["preprocess"]["channels"])
        model["runs"] = [*study["runs"], *leakage.runs(name)]
    return study


# TODO(report, claims, verify): these take a plain study until they take a `Study` themselves; then
# `load_study` gives one, and what stands below goes.
def measures_leak(study: Mapping[str, Any]) -> bool:
    """See `Study.measures_leak`."""
    return Study.of(study).measures_leak


def model_task(study: Mapping[str, Any], model: str) -> str:
    """See `Study.task`."""
    return Study.of(study).task(model)


def model_runs(study: Mapping[str, Any], model: str) -> list[str]:
    """See `Study.model_runs`."""
    return Study.of(study).model_runs(model)


def all_models(study: Mapping[str, Any]) -> list[str]:
    """See `Study.all_models`."""
    return Study.of(study).all_models


def study_metrics(study: Mapping[str, Any]) -> list[str]:
    """See `Study.metrics`."""
    return Study.of(study).metrics


def compared_models(study: Mapping[str, Any]) -> list[str]:
    """See `Study.compared_models`."""
    return Study.of(study).compared_models
