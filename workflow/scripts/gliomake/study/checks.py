"""What a study's file and its overrides must keep to, beyond the schema: checked at every start."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from gliomake.datasets.spec import DatasetSpec
from gliomake.scoring.metrics import DISTANCE_METRICS
from gliomake.study import targets
from gliomake.study.architectures import ARCHITECTURES, CLASSIFICATION
from gliomake.study.brought import evaluation_faults
from gliomake.study.datasets import known_datasets
from gliomake.study.faults import Fault, has_path, meant
from gliomake.study.feasible import impossible
from gliomake.study.kinds import OUTPUTS
from gliomake.study.load import (
    at_scale,
    complete_study,
    merge,
    read_study,
)
from gliomake.study.model import BASELINES, GATED, Study
from gliomake.study.overrides import differences
from gliomake.study.products import study_metrics
from gliomake.study.run import ConfigError, Run, parse_run
from gliomake.study.schema import study_schema_faults
from gliomake.training.history import history_columns

# What makes an entry whole, so that a layer may add it; any other unknown name is a slip.
DEFINES = {"models": ("architecture", "predictions"), "figures": ("kind",), "tables": ("kind",)}
WATCHES: tuple[Literal["best", "schedule", "early_stopping"], ...] = (
    "best",
    "schedule",
    "early_stopping",
)


def checked_study(
    path: str | Path,
    scale: str,
    overrides: Mapping[str, Any],
    datasets: Mapping[str, DatasetSpec | None] | None = None,
) -> tuple[Study | None, list[Fault]]:
    """Read a study, lay its scale and the overrides over it, and look for faults.

    Parameters
    ----------
    path : str or Path
        ``config/studies/<study>.yaml``.
    scale : str
        ``demo`` or ``paper``.
    overrides : mapping
        Laid over the study last.
    datasets : mapping of str to DatasetSpec or None, optional
        The data sets that there are, None for one whose page is wrong; by default those of
        ``config/datasets``.

    Returns
    -------
    study : Study or None
        See `gliomake.study.load.load_study`; None where there are faults, or its data set's.
    faults : list of Fault
        All that is wrong. A fault of the file has the file as its source; the path of one of the
        overrides starts with ``overrides`` and the study's id, and its source is empty.

    Raises
    ------
    ConfigError
        The file cannot be read at all, or there is no such scale.
    """
    path = Path(path)
    file = read_study(path)
    plain = at_scale({key: value for key, value in file.items() if key != "scales"}, scale)
    block = (file.get("scales") or {}).get(scale) or {}
    layers = [
        (("overrides", path.stem), overrides, ""),
        (("scales", scale), block, str(path)),
        ((), plain, str(path)),
    ]
    faults = [
        *_unknown_entries(block, (plain,), path.stem),
        *_unknown_entries(overrides, (plain, block), path.stem),
    ]
    known = _without_unknown(block, faults), _without_unknown(overrides, faults)
    base = merge(plain, known[0])
    study = merge(base, known[1])
    if study.get("id") != path.stem:
        faults.append(Fault(("id",), "is the file's name, and cannot be changed"))
        study["id"] = path.stem
    complete, found = _completed(study, known_datasets() if datasets is None else datasets)
    faults += found
    if not faults:
        changes = differences(base, study, overrides) if overrides else []
        changed = {"overrides": changes} if changes else {}
        return Study.of(complete | changed) if complete else None, []
    return None, [_located(fault, layers) for fault in _once(faults)]


def _once(faults: Sequence[Fault]) -> list[Fault]:
    """Keep one fault a setting: several models may stumble over the same one."""
    first: dict[tuple[str, ...], Fault] = {}
    for fault in faults:
        first.setdefault(fault.path, fault)
    return list(first.values())


def _completed(
    study: Mapping[str, Any], specs: Mapping[str, DatasetSpec | None]
) -> tuple[dict[str, Any], list[Fault]]:
    """Give each model what it takes from the study, which keeps to the schema, and check it all.

    Where the data set's page is wrong, there is nothing to know of it: an empty study, no fault.
    """
    if broken := list(study_schema_faults(dict(study))):
        return {}, broken
    complete = complete_study(dict(study))
    faults = list(_data_faults(complete, specs))
    spec = specs.get(study["dataset"])
    if spec is None:
        return {}, faults
    complete["data"] = asdict(spec.facts(study["preprocess"]["channels"]))
    return complete, [*faults, *_study_faults(Study.of(complete), study)]


def _located(fault: Fault, layers: list[tuple[tuple[str, ...], Mapping[str, Any], str]]) -> Fault:
    """Say which layer a fault comes from: the last that gives the most of its path."""
    depths = [
        max(n for n in range(len(fault.path) + 1) if has_path(layer, fault.path[:n]))
        for _, layer, _ in layers
    ]
    prefix, _, source = layers[depths.index(max(depths))]
    return Fault((*prefix, *fault.path), fault.message, source)


def _unknown_entries(
    layer: Mapping[str, Any], below: Sequence[Mapping[str, Any]], study: str
) -> Iterator[Fault]:
    """Find models, figures and tables that a layer changes, and that are not there to change."""
    for section, whole in DEFINES.items():
        blocks = [each.get(section) for each in below]
        known = {name for block in blocks if isinstance(block, Mapping) for name in block}
        changed = layer.get(section)
        for name, block in changed.items() if isinstance(changed, Mapping) else ():
            made = isinstance(block, Mapping) and any(key in block for key in whole)
            if name not in known and not made:
                what = f"study {study} has no {section[:-1]} {name!r}"
                yield Fault((section, str(name)), f"{what}; {meant(str(name), known)}")


def _without_unknown(layer: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    """Leave out what `_unknown_entries` found: each fault is listed once."""
    unknown = {fault.path for fault in faults}
    return {
        section: {name: value for name, value in block.items() if (section, name) not in unknown}
        if section in DEFINES and isinstance(block, Mapping)
        else block
        for section, block in layer.items()
    }


def _study_faults(study: Study, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Check what the schema cannot: names that must be known, and settings that must fit.

    `raw` is the study before it was completed: it says where a setting stands.
    """
    yield from _name_faults(study)
    yield from evaluation_faults(study)
    yield from _metric_faults(study)
    for name in study.models:
        yield from _model_faults(study, name, raw)
    for index, run in enumerate(study.runs):
        if reason := impossible(parse_run(run), study.dataset, study.split, study.data):
            yield Fault(("runs", str(index)), f"run {run} cannot exist: {reason}")
    leak = study.leakage
    if leak.models and leak.leaks:
        last = Run(f"leak{leak.leaks[0]}", leak.folds - 1, 0)
        if reason := impossible(last, study.dataset, study.split, study.data):
            yield Fault(("leakage", "folds"), f"run {last} cannot exist: {reason}")
    for output in OUTPUTS:
        for name in targets.target_blocks(study, output):
            try:
                targets.read_target(study, output, name)
            except ConfigError as error:
                message = str(error).removeprefix(f"study {study.id}: {output}.{name}: ")
                yield Fault((output, name), message)


def _metric_faults(study: Study) -> Iterator[Fault]:
    """Check the scores that tables list: a job would leave out those that there are not."""
    scores = [*study_metrics(study), *DISTANCE_METRICS]
    for name, block in study.tables.items():
        wanted = {"metrics": block.get("metrics") or (), "goal": ()}
        if block.get("goal"):
            wanted["goal"] = (block["goal"].get("metric"),)
        for option, metrics in wanted.items():
            for metric in metrics:
                if metric not in scores:
                    what = f"the study has no score {metric!r}; {meant(str(metric), scores)}"
                    yield Fault(("tables", name, option), what)


def _data_faults(
    study: Mapping[str, Any], specs: Mapping[str, DatasetSpec | None]
) -> Iterator[Fault]:
    dataset = study["dataset"]
    if dataset not in specs:
        yield Fault(("dataset",), f"there is no data set {dataset!r}; {meant(dataset, specs)}")
    spec = specs.get(dataset)
    if spec is None:
        return
    for channel in study["preprocess"]["channels"]:
        if channel not in spec.channels:
            what = f"data set {dataset} has no channel {channel!r}; {meant(channel, spec.channels)}"
            yield Fault(("preprocess", "channels"), what)
    # One class means any label, under whatever name.
    for name in study["classes"] if len(study["classes"]) > 1 else ():
        if name not in spec.class_names:
            what = f"data set {dataset} has no class {name!r}; {meant(name, spec.class_names)}"
            yield Fault(("classes",), what)


def _name_faults(study: Study) -> Iterator[Fault]:
    for name in (*study.models, *study.brought):
        if name in BASELINES or name.endswith(GATED):
            what = "the name is kept for a baseline or a gated model"
            yield Fault(("models", name), what)
        elif not all(letter.islower() or letter.isdigit() or letter == "-" for letter in name):
            yield Fault(("models", name), "a name has small letters, digits and hyphens only")
    gate, leakage = study.gate, study.leakage
    named: dict[tuple[str, str], tuple[str, ...]] = {}
    if gate:
        named |= {("gate", "classifier"): (gate.classifier,)}
        named |= {("gate", "segmenters"): gate.segmenters}
    named |= {("leakage", "as_published"): leakage.as_published}
    named |= {("leakage", "models"): leakage.models}
    for path, names in named.items():
        for name in names:
            if name not in study.models:
                what = f"{path[0]} names the model {name!r}, which is not in models"
                yield Fault(path, f"{what}; {meant(name, study.models)}")


def _model_faults(study: Study, name: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    model, where = study.models[name], ("models", name)
    known = ARCHITECTURES[model.architecture]
    for channel in model.channels if "channels" in raw["models"][name] else ():
        if channel not in study.preprocess.channels:
            what = f"{channel!r} is not among preprocess.channels"
            yield Fault((*where, "channels"), f"{what} {list(study.preprocess.channels)}")
    decides = study.gate is not None and study.gate.classifier == name
    if decides != (model.task == CLASSIFICATION):
        tellers = [each for each, entry in ARCHITECTURES.items() if entry.task == CLASSIFICATION]
        what = f"found {model.architecture}; the gate's classifier, and no other model, is"
        yield Fault((*where, "architecture"), f"{what} a {' or '.join(tellers)}")
        return
    stride, size = known.stride_with(model.options), study.preprocess.image_size
    if size % stride:
        what = f"found {size}; model {name} halves the image {stride.bit_length() - 1} times and"
        yield Fault(("preprocess", "image_size"), f"{what} needs a multiple of {stride}")
    encoder = known.encoder_with(model.options)
    if model.pretrained and model.pretrained != encoder:
        what = f"found {model.pretrained!r}; the encoder of {name} is {encoder or 'its own'}"
        yield Fault((*where, "pretrained"), what)
    yield from _training_faults(study, name, raw)


def _training_faults(study: Study, name: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    training, task = study.models[name].training, study.models[name].task

    def stands(*path: str) -> tuple[str, ...]:
        own = path[0] in raw["models"][name]
        return ("models", name, *path) if own else ("training", *path)

    loss = training["loss"]
    if (loss["name"] == "cross-entropy") != (task == "classification"):
        what = f"found {loss['name']!r} for model {name}; cross-entropy is the loss of a"
        yield Fault(stands("loss", "name"), f"{what} classifier, and of nothing else")
        return
    columns = history_columns(study.classes, task, loss)
    for watch in WATCHES:
        block = training[watch]
        monitor = block["monitor"] if block else None
        if monitor is not None and monitor not in columns:
            what = f"found {monitor!r}; the history has no such column"
            yield Fault(stands(watch, "monitor"), f"{what}; {meant(monitor, columns)}")
