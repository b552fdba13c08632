"""What a prediction on a new scan needs to know of a model, taken from its study.

Imported whenever the workflow starts, so it needs the standard library only.
"""

from collections.abc import Mapping
from typing import Any

from gliomake.study.load import model_runs, model_task, recipe


def described(
    study: Mapping[str, Any], model: str, run: str, *, data: str, scale: str, precision: str
) -> dict[str, Any]:
    """Return the part of ``model.json`` that stands in the study's file.

    Parameters
    ----------
    study : mapping
        A study of `gliomake.study.load.load_study`.
    model, run : str
        A trained model of it, and one of its runs.
    data, scale : str
        ``phantom`` or ``real``; ``demo`` or ``paper``.
    precision : str
        In which the workflow predicts: ``float32``, ``bf16`` or ``auto``.

    Returns
    -------
    dict
        See `gliomake.infer.describe.Description`.
    """
    whole, block = dict(study), study["models"][model]
    return {
        "study": study["id"],
        "title": study["title"],
        "model": model,
        "run": run,
        "dataset": study["dataset"],
        "data": data,
        "scale": scale,
        "task": model_task(whole, model),
        "architecture": block["architecture"],
        "options": block["options"],
        "channels": list(block["channels"]),
        "classes": list(study["classes"]),
        "recipe": recipe(whole),
        "threshold": study["threshold"],
        "precision": precision,
        "gate": _gate(whole, model, run),
    }


def _gate(study: dict[str, Any], model: str, run: str) -> dict[str, Any] | None:
    """Name the classifier before a model, where it was trained in the same run."""
    gate = study.get("gate")
    if not gate or model not in gate["segmenters"]:
        return None
    if run not in model_runs(study, gate["classifier"]):
        return None
    return {"classifier": gate["classifier"], "threshold": gate["threshold"]}
