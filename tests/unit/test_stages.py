"""The stages of scoring: which runs, which metrics, and what is left out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from changed_study import replaced
from gliomake.scoring.leakage import LeakageError
from gliomake.scoring.stages import (
    RunTables,
    compare_study,
    measure_leaks,
    paired_runs,
    score_model,
)
from gliomake.study.load import load_study

ENCODERS = Path(__file__).parents[2] / "config" / "studies" / "lgg-encoders.yaml"
BOOTSTRAP = {"resamples": 20, "seed": 0}
RUNS = ["leak0-f0-s0", "leak100-f0-s0"]


def counts_of(tp, patients="abcdef"):
    rows = [
        {"patient": name, "slice": number, "subset": "test", "class": "tumour"}
        | {"postprocess": False, "tp": tp + number, "fp": 3, "fn": 20 - tp - number, "tn": 77}
        for name in patients
        for number in range(4)
    ]
    return pd.DataFrame(rows)


def test_a_model_is_scored_run_by_run_by_the_metrics_of_its_task():
    counts = {"patient-f0-s0": counts_of(8), "patient-f1-s0": counts_of(12)}
    given = {"metrics": ["dice", "iou"], "bootstrap": BOOTSTRAP}
    runs = {run: RunTables(table) for run, table in counts.items()}
    rows = score_model(runs, task="segmentation", **given)
    assert list(dict.fromkeys(row["run"] for row in rows)) == list(counts)
    assert {row["metric"] for row in rows} == {"dice", "iou"}
    assert "image" not in {row["convention"] for row in rows}
    pooled = [r["value"] for r in rows if (r["metric"], r["convention"]) == ("dice", "pooled")]
    # Slices of 8 to 11 (12 to 15) hits of 20 tumour pixels, and 3 false positives each.
    assert pooled == pytest.approx([2 * 9.5 / (9.5 + 3 + 20), 2 * 13.5 / (13.5 + 3 + 20)])
    # Of a classifier each image is one element.
    images = pd.DataFrame({"tp": [1, 0, 0, 0], "fp": [0, 1, 0, 0], "fn": [0, 0, 1, 0]})
    images = images.assign(tn=1 - images.sum(axis=1), patient=list("abcd"), slice=1)
    images = images.assign(subset="test", postprocess=False, **{"class": "tumour"})
    rows = score_model({"r": RunTables(images)}, task="classification", **given)
    assert {row["convention"] for row in rows} == {"image"}
    assert {"f1", "specificity"} <= {row["metric"] for row in rows}


def test_models_are_compared_by_distances_where_both_have_some():
    counts = {"a": counts_of(8), "b": counts_of(12)}
    distances = pd.DataFrame({"patient": list("abcdef"), "subset": "test", "class": "tumour"})
    distances = distances.assign(postprocess=False, nsd=0.5, missed=False, hd95=np.arange(6.0))
    distances["hd95-union"] = distances["hd95"]
    given = {"run": "patient-f0-s0", "metrics": ["dice"], "bootstrap": BOOTSTRAP}
    table = compare_study({name: RunTables(each) for name, each in counts.items()}, **given)
    assert set(table["metric"]) == {"dice"}
    both = {name: RunTables(each, distances) for name, each in counts.items()}
    table = compare_study(both, **given)
    assert set(table["metric"]) == {"dice", "hd95", "hd95-union", "nsd"}


def test_the_effect_of_leakage_is_measured_on_the_pairs_of_the_study():
    study = load_study(ENCODERS, "demo")
    block = {"as_published": ["unet", "unet-vgg16"], "models": ["unet"], "leaks": [0, 100]}
    pairs = paired_runs(replaced(study, leakage=block | {"folds": 1, "seeds": 1}))
    assert pairs == [("unet", run) for run in RUNS]
    counts = dict(zip(pairs, [counts_of(8), counts_of(12)], strict=True))
    leaks = measure_leaks(counts, bootstrap=BOOTSTRAP)
    row = leaks.effects.set_index(["metric", "convention"]).loc["recall", "pooled"]
    assert (row["model"], row["leak"]) == ("unet", 100)
    assert row["difference"] == pytest.approx(4 / 20)
    # One fold and one seed leave nothing to tell the sources apart by.
    assert leaks.spread.empty
    with pytest.raises(LeakageError):
        measure_leaks({pairs[1]: counts[pairs[1]]}, bootstrap=BOOTSTRAP)
