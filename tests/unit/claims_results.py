"""Made-up results of two studies for the audit, with the files that it reads."""

import json
from pathlib import Path

import pandas as pd

from gliomake.claims.artefacts import Artefacts
from gliomake.claims.audit import audit_study
from gliomake.files.tsv import write_tsv
from gliomake.study.load import load_study

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "config" / "claims.tsv"


def study_at(name, scale):
    return load_study(ROOT / "config" / "studies" / f"{name}.yaml", scale)


def metrics_rows(values, run="patient-f0-s0", class_="tumour", **fixed):
    """Rows of metrics.json from {(subset, metric, convention): value}, interval +-0.02."""
    shared = {"run": run, "class": class_, "postprocess": False, "n": 10}
    return [
        {**shared, "subset": subset, "metric": metric, "convention": convention, "value": value}
        | {"ci_low": value - 0.02, "ci_high": value + 0.02}
        | fixed
        for (subset, metric, convention), value in values.items()
    ]


def make_encoders(results):
    """Results of lgg-encoders: four models, one run, and the split of slices."""
    study = study_at("lgg-encoders", "paper")
    folder = results / study.id
    dice = {"unet": 0.81, "unet-vgg16": 0.84, "unet-resnet50": 0.90, "unet-resnet50-frozen": 0.70}
    iou = {"unet": [0.1, 0.5, 0.9, 1.0], "unet-resnet50": [0.2, 0.92, 0.95, 1.0]}
    for model, value in dice.items():
        (folder / model).mkdir(parents=True)
        rows = metrics_rows({("val", "dice", "pooled"): value})
        (folder / model / "metrics.json").write_text(json.dumps(rows))
        history = pd.DataFrame(
            {
                "epoch": [1, 2, 3, 4],
                "train_loss": [0.9, 0.5, 0.3, 0.2],
                "val_loss": [1.0, 0.3, 0.12, 0.1],
                "val_iou_tumour@pooled": iou.get(model, [0.5] * 4),
            }
        )
        write_tsv(history, folder / model / "patient-f0-s0" / "history.tsv")
    subsets = ["train"] * 2828 + ["val"] * 708 + ["test"] * 393
    split = pd.DataFrame({"patient": [f"P{n % 110}" for n in range(3929)], "slice": range(3929)})
    write_tsv(split.assign(subset=subsets), folder / "split" / "slice-f0.tsv")
    # By patient: nobody stands in two subsets, and the sizes are others.
    apart = split.assign(subset=subsets[::-1])
    apart["patient"] = apart["subset"] + apart["patient"]
    write_tsv(apart, folder / "split" / "patient-f0.tsv")
    write_tsv(split, results / "data" / "lgg" / "slices.tsv")
    pair = {"run": "patient-f0-s0", "subset": "val", "class": "tumour", "metric": "dice"}
    pair |= {"convention": "pooled", "postprocess": False, "n": 10, "patients_to_settle": 30}
    comparisons = [
        pair
        | {"model_a": "unet", "model_b": "unet-vgg16", "difference": -0.03}
        | {"ci_low": -0.08, "ci_high": 0.02},
        pair
        | {"model_a": "unet", "model_b": "unet-resnet50", "difference": -0.09}
        | {"ci_low": -0.15, "ci_high": -0.02},
    ]
    write_tsv(pd.DataFrame(comparisons), folder / "comparisons.tsv")
    return study, Artefacts(study, results)


def make_multiclass(results):
    """One model of brats2020, trained for eight epochs only."""
    study = study_at("brats2020-multiclass", "paper")
    folder = results / study.id / "unet-v1"
    columns = {"epoch": range(1, 9), "train_loss": [0.9] * 8, "val_loss": [0.8] * 8}
    for metric, pooled, empty1 in (("dice", 0.1, 0.41), ("precision", 0.2, 0.7)):
        for class_ in ("NEC", "ED", "ET", "mean"):
            columns[f"val_{metric}_{class_}@pooled"] = [pooled] * 8
            columns[f"val_{metric}_{class_}@slice-empty1"] = [empty1] * 8
            columns[f"val_{metric}_{class_}@slice-empty0"] = [None] * 8
    write_tsv(pd.DataFrame(columns), folder / "patient-f0-s0" / "history.tsv")
    facts = {"seconds": 7200, "parameters": 123, "device": "NVIDIA T4"}
    (folder / "patient-f0-s0" / "train.json").write_text(json.dumps(facts))
    values = {("val", "dice", c): v for c, v in (("pooled", 0.7), ("slice-empty1", 0.585))}
    rows = [row for c in ("NEC", "ED", "ET", "mean") for row in metrics_rows(values, class_=c)]
    (folder / "metrics.json").write_text(json.dumps(rows))
    return study, Artefacts(study, results)


def audit(study, artefacts, data="real", scale="paper", claims=CLAIMS):
    return audit_study(study, claims, artefacts, data, scale).set_index("claim")
