"""The parameters by which a job of the workflow notices that its code changed."""

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gliomake.datasets.spec import DatasetSpec
from gliomake.digests import Library, code_digest
from gliomake.scoring.metrics import COUNT_METRICS
from gliomake.study.architectures import ARCHITECTURES
from gliomake.study.kinds import KINDS
from gliomake.study.model import Model, Study
from gliomake.study.targets import target_blocks
from gliomake.training.history import score_metrics

# Which targets of a study a rule makes.
MAKES = {"figure": "figures", "table": "tables"}


def job_code(
    rule: str,
    *,
    study: Study | None = None,
    dataset: DatasetSpec | None = None,
    model: str | None = None,
    target: str | None = None,
    encoder: str | None = None,
    pretrained: str = "none",
    library: Library | None = None,
) -> str:
    """Hash the code behind a job; of each registry, the entries that the job uses.

    Parameters
    ----------
    rule : str
        The rule; its script has the same name.
    study : Study, optional
        The job's study.
    dataset : DatasetSpec, optional
        Its data set; by default the study's, of which a job uses the reader alone.
    model, target, encoder : str, optional
        Its model; its figure or table; the encoder whose weights it fetches.
    pretrained : str
        ``none`` or ``imagenet``, as in the configuration.
    library : Library, optional
        Code in another folder than this.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    entries: dict[str, Any] = {}
    if study:
        entries["datasets.DATASETS"] = study.data.reader
    elif dataset:
        entries |= {"datasets.DATASETS": dataset.kind, "phantom.PHANTOMS": dataset.id}
    if encoder:
        entries["models.weights.ENCODER_WEIGHTS"] = encoder
    if study:
        one = model if rule in ("train", "predict") else None
        models = [study.models[one]] if one else list(study.models.values())
        architectures = {each.architecture for each in models}
        entries["study.architectures.ARCHITECTURES"] = architectures
        entries["study.losses.LOSSES"] = {each.training["loss"]["name"] for each in models}
    if study and model and rule == "train":
        entries |= _training_entries(study.models[model], pretrained)
    if study and not (study.evaluation.native or study.evaluation.beside):
        # It measures resized slices, and reads no scan again.
        entries |= {"scoring.native.measure_native": (), "scoring.native.native_run": ()}
    if rule == "baseline":
        entries["scoring.metrics.COUNT_METRICS"] = "dice"
    made = None
    if study and target and rule in MAKES:
        made = target_blocks(study, MAKES[rule])[target]["kind"]
        entries["study.kinds.KINDS"] = made
    else:  # others know what kinds there are, and make none
        entries |= _unused(kind.function for kind in KINDS.values())
    if rule not in ("train", "predict") and not (made and KINDS[made].networks):
        entries |= _unused(each.network for each in ARCHITECTURES.values())
    return library.digest(rule, entries) if library else code_digest(rule, entries)


def _unused(functions: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Say of functions that a registry names that the job calls none of them."""
    return {f"{module.removeprefix('gliomake.')}.{name}": () for module, name in functions}


def _training_entries(model: Model, pretrained: str) -> dict[str, Any]:
    """Choose what a training uses beside its architecture and its loss."""
    metrics = score_metrics(model.task, model.training["loss"])
    used = COUNT_METRICS.keys() & set(metrics)
    entries: dict[str, Any] = {"scoring.metrics.COUNT_METRICS": used}
    if not model.training["augment"]:
        entries["training.augment.augment_batch"] = ()
    if not model.encoder_weights(pretrained):
        entries["models.weights.load_encoder_weights"] = ()
    return entries


@cache
def torch_version(environment: str | Path, conda: bool) -> str:
    """Say with which torch the workflow's jobs compute.

    Parameters
    ----------
    environment : str or Path
        The conda environment of trainings and predictions, a YAML file.
    conda : bool
        Whether jobs run in it; else they run with the torch that is installed here.

    Returns
    -------
    str
        Major, minor and patch, whatever the build: ``2.13.0``.

    Raises
    ------
    ValueError
        The environment names no version of torch.
    """
    found = None
    if not conda:
        with suppress(PackageNotFoundError):  # a job will say so
            found = version("torch")
    if found is None:
        text = Path(environment).read_text(encoding="utf-8")
        pinned = re.search(r"^\s*- pytorch=+([\d.]+)", text, re.M)
        if pinned is None:
            raise ValueError(
                f"{environment}: found no version of torch; expected a line `- pytorch=<version>`: "
                "pin it there, so that another torch trains anew"
            )
        found = pinned[1]
    numbers = re.match(r"\d+(\.\d+){0,2}", found)
    return numbers[0] if numbers else found
