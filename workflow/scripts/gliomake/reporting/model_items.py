"""Items of the checklist that models, trainings and scores answer."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gliomake.files.contracts import read_json
from gliomake.files.tsv import read_tsv
from gliomake.report.cards import limits
from gliomake.report.inputs import StudyInputs
from gliomake.report.numbers import reach_words
from gliomake.report.probabilities import counted
from gliomake.reporting.answers import (
    Absent,
    Answer,
    by_model,
    facts,
    fills,
    main_split,
    models,
    paths_of,
)
from gliomake.scoring.calibration import BINS
from gliomake.scoring.curves import areas
from gliomake.scoring.patient_metrics import LESION_METRICS
from gliomake.study.model import BASELINES

WORST = 5


@fills(1)
def _technology(inputs: StudyInputs) -> Answer:
    found = models(inputs)
    kinds = dict.fromkeys(each["architecture"] for _, _, each in found)
    tasks = dict.fromkeys(each["task"] for _, _, each in found)
    value = f"deep learning, {' and '.join(tasks)} by convolutional networks ({', '.join(kinds)})"
    return Answer(value, paths_of(found))


@fills(6)
def _goal(inputs: StudyInputs) -> Answer:
    found = models(inputs)
    classes = dict.fromkeys(name for _, _, each in found for name in each["classes"])
    value = f"compares {len(found)} models that find {', '.join(classes)}"
    return Answer(value, paths_of(found), "the goal itself: model creation, exploration, trial")


@fills(9)
def _preprocessing(inputs: StudyInputs) -> Answer:
    found = models(inputs)
    said = []
    for files, _, each in found:
        recipe = each["recipe"]
        words = f"{', '.join(each['channels'])} at {recipe['image_size']} pixels a side, "
        said.append((files.model, words + f"intensity {recipe['intensity']}"))
    return Answer(by_model(said), paths_of(found))


@fills(22)
def _model(inputs: StudyInputs) -> Answer:
    found = models(inputs)
    told, files = facts(inputs)
    sizes = {name: each["parameters"] for name, each in told}
    value = "; ".join(
        f"{run.model}: {each['architecture']}"
        + "".join(f", {key} {option}" for key, option in each["options"].items())
        + f", in {'+'.join(each['channels'])}, out {'+'.join(each['classes'])}"
        + f", {sizes[run.model]:,} parameters"
        for run, _, each in found
    )
    return Answer(value, (*paths_of(found), *files))


@fills(23)
def _software(inputs: StudyInputs) -> Answer:
    from gliomake import __version__

    told, files = facts(inputs)
    said = ((name, f"PyTorch {each['torch']}, {each['precision']}") for name, each in told)
    return Answer(f"gliomake {__version__}; {by_model(said)}", files)


@fills(24)
def _initial(inputs: StudyInputs) -> Answer:
    told, files = facts(inputs)
    said = (
        (
            name,
            f"encoder of ImageNet, sha256 {each['encoder_hash'][:12]}"
            if each["encoder_hash"]
            else f"random, seed {each['seed']}",
        )
        for name, each in told
    )
    return Answer(by_model(said), files)


@fills(25)
def _training(inputs: StudyInputs) -> Answer:
    told, files = facts(inputs)
    said = []
    for name, each in told:
        block = inputs.study.models[name].training
        augment = ", ".join(block["augment"]) if block["augment"] else "none"
        said.append(
            (
                name,
                f"{each['epochs']} epochs of {each['training_slices']} slices in batches of "
                f"{block['batch_size']}, learning rate {block['learning_rate']:g}, loss "
                f"{block['loss']['name']}, augmentation {augment}",
            )
        )
    return Answer(by_model(said), files)


@fills(26)
def _chosen(inputs: StudyInputs) -> Answer:
    told, files = facts(inputs)
    said = ((name, f"best {each['best_monitor']}") for name, each in told)
    epochs = ", ".join(f"{name} {each['best_epoch']}" for name, each in told)
    return Answer(f"{by_model(said)}; epochs: {epochs}", files)


@fills(27)
def _ensemble(inputs: StudyInputs) -> Answer:
    found = models(inputs)
    gated = inputs.study.gate is not None
    value = "none: one network a prediction"
    return Answer(value + (", behind a classifier as well" if gated else ""), paths_of(found))


def _scored(inputs: StudyInputs) -> tuple[pd.DataFrame, tuple[Path, ...]]:
    """Read the scores of the main run anew; return them and their files."""
    paths = {name: path for name, path in inputs.metrics.items() if name not in BASELINES}
    rows = [{"model": name, **row} for name, path in paths.items() for row in read_json(path)]
    frame = pd.DataFrame(rows)
    main = (frame["run"] == inputs.main_run) & ~frame["postprocess"].astype(bool)
    if not main.any():
        raise ValueError(
            f"no score of run {inputs.main_run} in {', '.join(map(str, paths.values()))}"
        )
    return frame[main], tuple(paths.values())


@fills(28)
def _measures(inputs: StudyInputs) -> Answer:
    frame, files = _scored(inputs)
    names = [name for name in dict.fromkeys(frame["metric"]) if name not in LESION_METRICS]
    rules = ", ".join(dict.fromkeys(frame["convention"]))
    value = f"{', '.join(names)}; averaged by {rules}"
    found, _ = counted(inputs)
    if any(each.what == "images" for each in found):
        value += "; AUROC and average precision of images"
    if found:
        value += f"; expected calibration error of probabilities, {BINS} bins"
    return Answer(value, (*files, *dict.fromkeys(each.path for each in found)))


@fills(29)
def _statistics(inputs: StudyInputs) -> Answer:
    frame, files = _scored(inputs)
    found = frame[frame["ci_method"].notna()]
    if found.empty:
        raise Absent("too few patients for intervals")
    units = int(found["ci_units"].max())
    value = (
        f"95 % intervals: {found['ci_method'].iloc[0]} over {units} patients or images, "
        f"{inputs.bootstrap['resamples']} resamples; paired differences between models"
    )
    return Answer(value, files)


@fills(30)
def _robust(inputs: StudyInputs) -> Answer:
    said = {
        "effect of leakage": inputs.leakage,
        "spread over models, folds and seeds": inputs.spread,
        "scores by strata": inputs.strata,
        "scores on both grids": inputs.grids,
    }
    there = {what: path for what, path in said.items() if path and len(read_tsv(path))}
    if not there:
        raise Absent("neither leakage, seeds, strata nor grids were looked at")
    return Answer(", ".join(there), tuple(there.values()), "other data, scanners or perturbations")


def _best(inputs: StudyInputs, metrics: Sequence[str]) -> tuple[str, tuple[Path, ...]]:
    """Say scores of every model, over patients where they are known, with intervals."""
    frame, files = _scored(inputs)
    rule = next(
        each for each in ("patient", "pooled", "image") if (frame["convention"] == each).any()
    )
    wanted = (
        (frame["subset"] == inputs.reported_subset)
        & frame["convention"].isin([rule, "image"])
        & frame["metric"].isin(metrics)
    )
    shown = frame[wanted & frame["value"].notna()]
    several = shown["class"] == "mean"
    shown = shown[several | ~shown["model"].isin(shown.loc[several, "model"])]
    if shown.empty:
        raise Absent("no such score is defined")
    said = []
    for row in shown.to_dict("records"):
        drawn = isinstance(row["ci_method"], str)
        reach = _interval(*(row[end] if drawn else None for end in ("ci_low", "ci_high")))
        said.append(f"{row['model']} {row['metric']} {row['value']:.3f} {reach}")
    return f"{inputs.reported_subset} set, {rule}: {'; '.join(said)}", files


def _interval(low: float | None, high: float | None) -> str:
    return f"({reach_words(low, high) or 'no interval'})"


@fills(37)
def _performance(inputs: StudyInputs) -> Answer:
    return Answer(*_best(inputs, ("dice", "accuracy")))


@fills(38)
def _diagnostic(inputs: StudyInputs) -> Answer:
    value, files = _best(inputs, ("precision", "recall"))
    classifiers = [each for each in counted(inputs)[0] if each.what == "images"]
    for each in classifiers:
        found = areas(each.rows, inputs.bootstrap)
        for name, area in (("AUROC", found.auroc), ("average precision", found.average_precision)):
            if area.value is not None:
                value += f"; {each.model} {name} {area.value:.3f} {_interval(area.low, area.high)}"
    return Answer(value, (*files, *(each.path for each in classifiers)))


@fills(39)
def _failures(inputs: StudyInputs) -> Answer:
    said, paths = [], []
    for files in inputs.runs:
        if files.run != inputs.main_run or files.model in BASELINES:
            continue
        counts = read_tsv(files.counts)
        part = counts[(counts["subset"] == inputs.reported_subset) & ~counts["postprocess"]]
        unit = "patient" if part["patient"].ne("").any() else "slice"
        sums = part.groupby(unit)[["tp", "fp", "fn"]].sum()
        sums = sums[sums["tp"] + sums["fn"] > 0]
        dice = (2 * sums["tp"] / (2 * sums["tp"] + sums["fp"] + sums["fn"])).sort_values()
        worst = ", ".join(f"{name} {value:.2f}" for name, value in dice.head(WORST).items())
        said.append(f"{files.model}: {worst}")
        paths.append(files.counts)
    if not said:
        raise Absent("no model was scored")
    return Answer(f"lowest Dice by {unit}: {'; '.join(said)}", tuple(paths))


@fills(40)
def _limits(inputs: StudyInputs) -> Answer:
    files = next(each for each in inputs.runs if each.run == inputs.main_run)
    value = " ".join(limits(inputs, files))
    return Answer(value, (main_split(inputs)[0],), "limits of the study as a whole")


@fills(42)
def _protocol(inputs: StudyInputs) -> Answer:
    told, files = facts(inputs)
    hashes = "; ".join(
        f"{name}: configuration {each['config_hash'][:12]}, code {each['code_hash'][:12]}"
        for name, each in told
    )
    return Answer(f"this workflow; {hashes}", files)


@fills(43)
def _available(inputs: StudyInputs) -> Answer:
    told, files = facts(inputs)
    hashes = ", ".join(f"{name} {each['weights_sha256'][:12]}" for name, each in told)
    return Answer(f"weights by sha256: {hashes}", files, "where software, weights and data are had")
