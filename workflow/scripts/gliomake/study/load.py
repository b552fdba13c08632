"""Study files: one study on one page, merged with the block of its scale and the overrides."""

import copy
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from gliomake.study.evaluation import NATIVE
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
) -> Study:
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
    Study
        Each model has all that it takes from the study; ``data`` is what its data set's page says;
        ``overrides`` lists what overrides change.

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
    return cast(Study, study)


def complete_study(study: dict[str, Any]) -> dict[str, Any]:
    """Give each model all that it takes from the study.

    Parameters
    ----------
    study : dict
        A study of `at_scale`, with its overrides.

    Returns
    -------
    dict
        A new dict; each model that is trained has ``options``, ``channels``, ``runs`` and
        ``training``. Predictions that are brought along are scored on the scans' own grid.
    """
    study = {"document": "", **copy.deepcopy(study)}
    leakage = Leakage(**study.get("leakage", {}))
    study.setdefault("training", {})
    if any("predictions" in model for model in study["models"].values()):
        study["evaluation"] = {"grid": NATIVE, **study.get("evaluation", {})}
    for name, model in study["models"].items():
        if "predictions" in model:
            continue
        own = {key: model.pop(key) for key in list(model) if key in study["training"]}
        # A model's own block replaces the study's where they name different things (two losses).
        replaced = {key for key in own if key in ("loss", "schedule", "early_stopping", "best")}
        shared = {key: value for key, value in study["training"].items() if key not in replaced}
        model["training"] = merge(shared, own)
        model.setdefault("options", {})
        model.setdefault("channels", study["preprocess"]["channels"])
        model["runs"] = [*study["runs"], *leakage.runs(name)]
    return study
