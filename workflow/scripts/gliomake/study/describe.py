"""What a prediction on a new scan needs to know of a model, taken from its study.

Imported whenever the workflow starts, so it needs the standard library only.
"""

from typing import Any

from gliomake.study.model import Study


def described(
    study: Study, model: str, run: str, *, data: str, scale: str, precision: str
) -> dict[str, Any]:
    """Return the part of ``model.json`` that stands in the study's file.

    Parameters
    ----------
    study : Study
        The study.
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
    block = study.models[model]
    return {
        "study": study.id,
        "title": study.title,
        "model": model,
        "run": run,
        "dataset": study.dataset,
        "data": data,
        "scale": scale,
        "task": block.task,
        "architecture": block.architecture,
        "options": dict(block.options),
        "channels": list(block.channels),
        "classes": list(study.classes),
        "recipe": study.recipe,
        "threshold": study.threshold,
        "precision": precision,
        "gate": _gate(study, model, run),
    }


def _gate(study: Study, model: str, run: str) -> dict[str, Any] | None:
    """Name the classifier before a model, where it was trained in the same run."""
    gate = study.gate
    if not gate or model not in gate.segmenters:
        return None
    if run not in study.model_runs(gate.classifier):
        return None
    return {"classifier": gate.classifier, "threshold": gate.threshold}
