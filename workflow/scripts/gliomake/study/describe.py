"""What a prediction on a new scan needs to know of a model, taken from its study.

Imported whenever the workflow starts, so it needs the standard library only.
"""

from typing import Any

from gliomake.datasets.spec import DatasetSpec, class_colour
from gliomake.study.model import Study


def described(
    study: Study,
    model: str,
    run: str,
    *,
    dataset: DatasetSpec,
    data: str,
    scale: str,
    precision: str,
) -> dict[str, Any]:
    """Return the part of ``model.json`` that stands in the study's file.

    Parameters
    ----------
    study : Study
        The study.
    model, run : str
        A trained model of it, and one of its runs.
    dataset : DatasetSpec
        Its data set, which says what the classes are called in a label map, and their colours.
    data, scale : str
        ``phantom`` or ``real``; ``demo`` or ``paper``.
    precision : str
        In which the workflow predicts: ``float32``, ``bf16`` or ``auto``.

    Returns
    -------
    dict
        See `gliomake.infer.describe.write_description`.
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
        "colours": {name: class_colour(study.data, name) for name in study.classes},
        "labels": {each.name: list(each.labels) for each in dataset.classes},
        "release": dataset.options.get("release", dataset.published),
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
