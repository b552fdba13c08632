"""A small study with every file that the report reads, made by the library's own stages."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import write_audit
from gliomake.datasets.base import Volume
from gliomake.files.predictions import write_predictions
from gliomake.files.provenance import file_sha256
from gliomake.files.shards import write_shard
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.prepare.split import make_split, read_split, write_split
from gliomake.report import StudyInputs, study_inputs
from gliomake.scoring.calibration import calibrate_run
from gliomake.scoring.measure import measure_run
from gliomake.scoring.stages import (
    RunTables,
    compare_study,
    measure_leaks,
    paired_runs,
    score_model,
)
from gliomake.study.datasets import known_datasets
from gliomake.study.model import Study
from gliomake.study.products import study_metrics
from gliomake.study.targets import target_spec
from gliomake.tables import make_table
from gliomake.training.tensors import load_slices

matplotlib.use("agg")
import matplotlib.pyplot as plt

SIZE, PATIENTS, SLICES = 32, 12, 5
BOOTSTRAP = {"resamples": 60, "seed": 0}
CLAIMS = """\
claim study model subset quantity class epoch value approximate where aggregation note kind
{id}.001|{id}|unet|test|dice|{first}||0.53|yes|results|not stated||
{id}.002|{id}|unet|test|iou|{first}||0.50|yes|results|not stated||
{id}.003|{id}|unet|test|accuracy|{first}||0.97|no|Table <1>|not stated||
{id}.004|{id}|unet|train|loss||2|0.4|no|figure|||
{id}.005|{id}|unet|train|epochs|||2|no|text||a setting|protocol
{id}.006|{id}||all|patients|||12|no|abstract|||
{id}.007|{id}|unet|val|dice|{first}|2|0.61|no|table|not stated||
"""


def study_config(study_id: str, classes: list[str], **more) -> Study:
    """Give a study as `load_study` would."""
    training = {"epochs": 2, "learning_rate": 1e-3, "batch_size": 4, "loss": {"name": "dice"}}
    training |= dict.fromkeys(("clip_norm", "schedule", "early_stopping", "augment"))
    training |= {"accumulate": 1, "train_fraction": 1.0, "checkpoint_steps": 100}
    training |= {"best": {"monitor": "val_loss", "mode": "min"}}
    runs = ["patient-f0-s0", "slice-f0-s0"]
    leaks = [f"leak{share}-f0-s{seed}" for share in (0, 100) for seed in (0, 1)]
    model = {"options": {"base": 4}, "channels": ["flair"], "training": training, "runs": runs}
    plain = {
        "id": study_id,
        "title": "Small tumours & where to find them",
        "document": "A document <of one page>",
        "dataset": "lgg",
        "data": asdict(known_datasets()["lgg"].facts(["t1", "flair"])),
        "classes": classes,
        "preprocess": {
            "channels": ["t1", "flair"],
            "image_size": SIZE,
            "intensity": "unit",
            "slices": "all",
        },
        "split": {"test": 0.4, "val": 0.2, "seed": 0, "max_patients": None},
        "runs": runs,
        "threshold": 0.5,
        "postprocess": None,
        "reported_subset": "test",
        "training": training,
        "models": {
            "unet": {"architecture": "unet", **model, "runs": [*runs, *leaks]},
            "attention-unet": {"architecture": "unet", **model},
        },
        "leakage": {
            "as_published": [],
            "models": ["unet"],
            "leaks": [0, 100],
            "folds": 1,
            "seeds": 2,
        },
        "figures": {"masks": {"kind": "masks", "models": ["attention-unet"]}},
        "tables": {
            "metrics": {"kind": "ranking", "models": ["unet", "attention-unet"]},
            "split": {"kind": "split", "runs": runs},
        },
        **more,
    }
    return Study.of(plain)


def _volumes(classes: Sequence[str], rng: np.random.Generator):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for patient in range(PATIENTS):
        centre = rng.integers(10, 22, 2)
        image = rng.integers(20, 90, (SLICES, 2, SIZE, SIZE), dtype=np.uint8)
        mask = np.zeros((SLICES, len(classes), SIZE, SIZE), np.uint8)
        for number in range(1, SLICES):
            for index in range(len(classes)):
                away = (rows - centre[0] - 5 * index) ** 2 + (columns - centre[1]) ** 2
                mask[number, index] = away < (2 + number) ** 2
            image[number, 1] += 130 * mask[number].max(axis=0)
        yield Volume(
            f"P{patient:02}", f"P{patient:02}", np.arange(1, SLICES + 1), image, mask, (1, 1, 2)
        )


@dataclass
class SmallStudy:
    """Where the study's files are, and what it is."""

    root: Path
    study: Study
    shard: Path

    def inputs(self, data: str = "phantom", scale: str = "demo") -> StudyInputs:
        """Name the files; call with `root` as the working directory."""
        return study_inputs(
            self.study,
            data=data,
            scale=scale,
            shards=[self.shard],
            reported=Path("results") / self.study.id / "reported.tsv",
            bootstrap=BOOTSTRAP,
        )


def make_small_study(
    root: Path, study_id: str = "small", classes: tuple[str, ...] = ("tumour",), **more
) -> SmallStudy:
    """Write all files of a study under `root`, which must be the working directory."""
    study = study_config(study_id, list(classes), **more)
    rng = np.random.default_rng(7)
    results = Path("results")
    volumes = list(_volumes(study.classes, rng))
    shard = results / "shards" / f"lgg-{study_id}" / "000.h5"
    shard.parent.mkdir(parents=True)
    write_shard(shard, volumes, dataset="lgg", recipe=study.recipe)
    slices, cases = _index(results / "data" / "lgg", study.classes, volumes)
    folder = results / study_id
    for name in dict.fromkeys(run.rsplit("-", 1)[0] for run in study.models["unet"].runs):
        method, fold = name.rsplit("-f", 1)
        split = make_split(slices, cases, method=method, fold=int(fold), test=0.4, val=0.2, seed=0)
        write_split(split, folder / "split" / f"{name}.tsv")
    for model in study.all_models:
        for run in study.model_runs(model):
            _run(folder, study, model, run, shard, rng)
        _metrics(folder, study, model)
    _audit(folder, study, results)
    _targets(folder, study)
    return SmallStudy(root, study, shard)


def _index(folder: Path, classes: Sequence[str], volumes: list[Volume]):
    rows = [
        {"dataset": "lgg", "patient": v.patient, "slice": n, "height": SIZE, "width": SIZE}
        | {name: int(v.mask[i, k].sum()) for k, name in enumerate(classes)}
        for v in volumes
        for i, n in enumerate(v.slices)
    ]
    slices = pd.DataFrame(rows)
    cases = pd.DataFrame(
        [{"case": v.case, "patient": v.patient, "stratum": "CS", "folder": ""} for v in volumes]
    ).assign(spacing_x=1.0, spacing_y=1.0, spacing_z=2.0)
    cases["age"] = range(40, 40 + len(cases))
    write_tsv(slices, folder / "slices.tsv")
    write_tsv(cases, folder / "cases.tsv")
    integrity = {
        "dataset": "lgg",
        "data": "phantom",
        "cases": {"found": PATIENTS + 1, "kept": PATIENTS},
        "refused": [{"case": "P99", "file": "P99/P99_1.tif", "message": "found 31x32 pixels"}],
        "findings": [
            {"kind": "boxes", "message": "All masks are boxes.", "cases": [], "files": []}
        ],
        "fingerprint": {
            "patients": PATIENTS,
            "slices": len(slices),
            "slices_with_tumour": int((slices[list(classes)].max(axis=1) > 0).sum()),
            "slices_with": {name: int((slices[name] > 0).sum()) for name in classes},
            "sizes": {"32x32": 60},
            "intensity": {
                name: {"min": 0.0, "max": 220.0, "mean": 55.0} for name in ("t1", "flair")
            },
        },
    }
    (folder / "integrity.json").write_text(json.dumps(integrity))
    return slices, cases


def _run(folder: Path, study: Study, model: str, run: str, shard: Path, rng) -> None:
    at = folder / model / run
    at.mkdir(parents=True)
    split = read_split(folder / "split" / f"{run.rsplit('-', 1)[0]}.tsv")
    keys = split[split["subset"] != "train"].sort_values(["subset", "patient", "slice"])
    truth = load_slices([shard], keys)
    noise = {"unet": 0.35, "attention-unet": 0.6, "flair-threshold": 0.9}.get(model)
    if noise is None:
        probability = np.zeros(truth.mask.shape)
    else:
        noise -= 0.15 * run.startswith(("leak100", "slice"))
        probability = np.clip(
            truth.mask.numpy() * 0.8 + rng.normal(0, noise, truth.mask.shape), 0, 1
        )
    write_predictions(
        at / "predictions.h5",
        [probability],
        patient=truth.patient,
        slice=truth.slice,
        subset=keys["subset"].tolist(),
        spacing=truth.spacing,
        attributes={
            "study": study.id,
            "model": model,
            "run": run,
            "classes": list(study.classes),
            "threshold": 0.5,
        },
    )
    measured = measure_run(at / "predictions.h5", [shard])
    write_tsv(measured.counts, at / "counts.tsv")
    write_tsv(measured.distances, at / "distances.tsv")
    if model in study.models and run == study.run:
        write_tsv(calibrate_run(at / "predictions.h5", [shard]), at / "calibration.tsv")
    if model in study.models:
        (at / "weights.safetensors").write_bytes(model.encode())
        facts = {f"{name}_hash": name * 4 for name in ("data", "split", "config", "code")}
        facts |= {"seconds": 3.25, "device": "cpu", "parameters": 12345, "slices_per_second": 99.5}
        facts |= {"torch": "2.13.0", "precision": "float32", "encoder_hash": None, "seed": 0}
        facts |= {"epochs": 2, "training_slices": 20, "best_epoch": 2, "best_monitor": "val_loss"}
        facts |= {"weights_sha256": file_sha256(at / "weights.safetensors")}
        (at / "train.json").write_text(json.dumps(facts))
        told = {"task": "segmentation", "architecture": "unet", "options": {"base": 4}}
        told |= {"channels": ["flair"], "classes": list(study.classes), "recipe": study.recipe}
        (at / "model.json").write_text(json.dumps(told))
        history = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.5, 0.4], "val_loss": [0.6, 0.5]})
        history[f"val_dice_{study.classes[0]}@pooled"] = [0.5, 0.6]
        write_tsv(history, at / "history.tsv")


def _counts(folder: Path, model: str, run: str) -> pd.DataFrame:
    return read_tsv(folder / model / run / "counts.tsv")


def _tables(folder: Path, model: str, run: str) -> RunTables:
    at = folder / model / run
    return RunTables(read_tsv(at / "counts.tsv"), read_tsv(at / "distances.tsv"))


def _metrics(folder: Path, study: Study, model: str) -> None:
    runs = study.model_runs(model)
    rows = score_model(
        {run: _tables(folder, model, run) for run in runs},
        task="segmentation",
        metrics=study_metrics(study),
        bootstrap=BOOTSTRAP,
    )
    (folder / model / "metrics.json").write_text(json.dumps(rows))


def _audit(folder: Path, study: Study, results: Path) -> None:
    run = study.run
    models = study.all_models
    comparisons = compare_study(
        {model: _tables(folder, model, run) for model in models},
        run=run,
        metrics=study_metrics(study),
        bootstrap=BOOTSTRAP,
    )
    write_tsv(comparisons, folder / "comparisons.tsv")
    leaks = measure_leaks(
        {pair: _counts(folder, *pair) for pair in paired_runs(study)}, bootstrap=BOOTSTRAP
    )
    write_tsv(leaks.effects, folder / "leakage.tsv")
    write_tsv(leaks.spread, folder / "spread.tsv")
    header, *rows = CLAIMS.format(id=study.id, first=study.classes[0]).splitlines()
    claims = folder / "reported.tsv"
    lines = [header.replace(" ", "\t"), *(row.replace("|", "\t") for row in rows)]
    claims.write_text("\n".join(lines) + "\n")
    write_audit(
        study,
        claims,
        Artefacts(study, results),
        "phantom",
        "demo",
        folder / "claims.tsv",
        folder / "findings.json",
    )


def _targets(folder: Path, study: Study) -> None:
    figure, axes = plt.subplots(figsize=(3, 2))
    axes.plot([0, 1], [1, 0])
    for kind in ("svg", "png"):
        path = folder / "figures" / f"masks.{kind}"
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path)
    plt.close(figure)
    files = {
        "metrics": [folder / model / "metrics.json" for model in study.models],
        "slices": folder.parent / "data" / "lgg" / "slices.tsv",
        "splits": [folder / "split" / f"{run.rsplit('-', 1)[0]}.tsv" for run in study.runs],
    }
    for name in study.tables:
        spec = target_spec(study, "tables", name, files, data="phantom", scale="demo")
        make_table(spec, folder / "tables" / f"{name}.csv")
