"""Study files: one study on one page, merged with the block of its scale and the overrides."""

import copy
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from gliomake.study.model import BASELINES as BASELINES
from gliomake.study.model import GATED as GATED
from gliomake.study.model import Leakage, Study
from gliomake.study.page import merge as merge
from gliomake.study.page import read_study as read_study
from gliomake.study.run import ConfigError

SCALES = ("demo", "paper")


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
