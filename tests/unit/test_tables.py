"""Tables: every kind is built from small inputs, and numbers are worked by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_inputs import study_inputs

from gliomake.study.kinds import KINDS
from gliomake.study.load import load_study
from gliomake.study.model import Model
from gliomake.study.targets import TargetSpec
from gliomake.tables import build_table, make_table
from gliomake.tables.curve import best_epoch, panel_columns
from gliomake.tables.scores import describe_change
from gliomake.tables.training import convergence_facts

CONFIG = Path(__file__).parents[2] / "config" / "studies"
COCO = load_study(CONFIG / "coco-unet.yaml", "demo")
BLOCKS = {
    "split": ("lgg-encoders", {"kind": "split", "runs": ["slice-f0-s0", "patient-f0-s0"]}),
    "ranking": ("lgg-encoders", {"kind": "ranking", "models": ["unet", "unet-vgg16"]}),
    "comparison": (
        "lgg-two-stage",
        {
            "kind": "comparison",
            "models": ["unet", "unet-gated"],
            "against": "ungated",
            "metrics": ["dice"],
        },
    ),
    "postprocessing": ("coco-unet", {"kind": "postprocessing", "models": ["unet"]}),
    "convergence": ("lgg-encoders", {"kind": "convergence", "models": ["unet", "unet-vgg16"]}),
    "epochs": ("brats2020-multiclass", {"kind": "epochs", "models": ["unet-v1"]}),
    "scope": ("brats2020-multiclass", {"kind": "scope", "models": ["unet-v1"]}),
}


@pytest.fixture
def inputs():
    """Give the inputs of a study."""
    return study_inputs


@pytest.mark.parametrize("kind", sorted(BLOCKS))
def test_every_kind_is_built(inputs, tmp_path, kind):
    study_id, block = BLOCKS[kind]
    spec = inputs(study_id).spec("tables", block)
    make_table(spec, tmp_path / "target.csv")
    table = pd.read_csv(tmp_path / "target.csv")
    assert len(table)
    assert list(table.columns[-2:]) == ["data", "scale"]
    assert set(table["data"]) == {"phantom"} and set(table["scale"]) == {"demo"}
    first = (tmp_path / "target.csv").read_bytes()
    make_table(spec, tmp_path / "target.csv")
    assert (tmp_path / "target.csv").read_bytes() == first


def test_every_kind_of_table_has_a_test():
    kinds = {kind for kind, made in KINDS.items() if made.output == "tables"}
    assert kinds == set(BLOCKS)


def score_spec(tmp_path, scores: dict[str, dict], **options) -> TargetSpec:
    """A ranking of models whose scores of one cell are given as value, or of several as dict."""
    paths = {}
    for model, values in scores.items():
        rows = [
            {"run": run, "subset": "test", "class": "tumour", "metric": metric,
             "convention": "pooled", "postprocess": False, "value": value, "ci_low": None,
             "ci_high": None, "n": 5}
            for run in ("patient-f0-s0", "slice-f0-s0") for metric, value in values.items()
        ]  # fmt: skip
        paths[model] = tmp_path / f"{model}.json"
        paths[model].write_text(json.dumps(rows))
    return TargetSpec(COCO, "metrics", "ranking", options, tuple(scores), ("patient-f0-s0",),
                      {"metrics": paths}, "real", "paper")  # fmt: skip


def test_ranking_by_hand(tmp_path):
    scores = {
        "a": {"dice": 0.7, "hd95": 9.0},
        "b": {"dice": 0.9, "hd95": 12.0},
        "c": {"dice": None, "hd95": 9.0},
        "d": {"dice": 0.7, "hd95": 3.0},
        "all-background": {"dice": 0.8, "hd95": 99.0},
    }
    table = build_table(score_spec(tmp_path, scores, metrics=["hd95", "dice"]))
    assert list(table["metric"].unique()) == ["hd95", "dice"]
    assert set(table["run"]) == {"patient-f0-s0"}
    dice = table[table["metric"] == "dice"]
    # Equal values share a rank; undefined scores and baselines have none and come last.
    assert list(dice["model"]) == ["b", "a", "d", "c", "all-background"]
    assert list(dice["rank"].fillna(0)) == [1, 2, 2, 0, 0]
    distance = table[table["metric"] == "hd95"]
    assert list(distance["model"]) == ["d", "a", "c", "b", "all-background"]
    assert list(distance["rank"].fillna(0)) == [1, 2, 2, 4, 0]


def test_ranking_without_the_run_is_an_error(tmp_path):
    spec = score_spec(tmp_path, {"a": {"dice": 0.7}}, metrics=["recall"])
    with pytest.raises(ValueError, match="no score of run patient-f0-s0"):
        build_table(spec)


def test_comparison_holds_the_paired_difference(inputs):
    block = {
        "kind": "comparison",
        "models": ["unet", "attention-unet"],
        "against": "unet",
        "metrics": ["iou", "dice"],
        "goal": {"metric": "iou", "value": 0.3},
    }
    table = build_table(inputs("coco-unet").spec("tables", block))
    other = table[table["model"] == "attention-unet"]
    assert set(other["against"]) == {"unet"} and set(other["change"]) == {"attention: none -> true"}
    np.testing.assert_allclose(other["difference"], other["value"] - other["reference"])
    assert (other["difference_low"] <= other["difference_high"]).all()
    itself = table[table["model"] == "unet"]
    assert itself["difference"].isna().all() and set(itself["change"]) == {""}
    goal = table[table["metric"] == "iou"]
    assert (goal["reaches_goal"] == np.where(goal["value"] >= 0.3, "yes", "no")).all()
    assert set(table.loc[table["metric"] == "dice", "reaches_goal"]) == {""}


def test_comparison_with_a_stranger_is_an_error(inputs):
    block = {"kind": "comparison", "models": ["unet", "unet-dice"], "against": "unet-bce"}
    with pytest.raises(ValueError, match="against is 'unet-bce'"):
        build_table(inputs("coco-unet").spec("tables", block))


def test_gated_models_are_compared_with_themselves_alone(inputs):
    table = build_table(inputs("lgg-two-stage").spec("tables", BLOCKS["comparison"][1]))
    gated = table[table["model"] == "unet-gated"]
    assert set(gated["against"]) == {"unet"}
    assert set(gated["change"]) == {"after the classifier resnet50-classifier"}


def test_changes_are_told_from_the_configuration():
    plain = {
        "architecture": "unet",
        "channels": ["grey"],
        "options": {"base": 8},
        "training": {"loss": {"name": "dice"}, "accumulate": 1, "augment": None},
    }
    other = {
        **plain,
        "options": {"base": 8, "attention": True},
        "training": {
            **plain["training"],
            "accumulate": 8,
            "augment": {"flip": ["vertical"]},
            "loss": {"name": "tversky", "alpha": 0.3},
        },
    }
    models = {
        name: Model("unet", block["options"], ("grey",), (), block["training"], plain=block)
        for name, block in (("plain", plain), ("other", other), ("twin", plain))
    }
    study = replace(COCO, models=models)
    assert describe_change(study, "other", "plain") == (
        "attention: none -> true; loss: dice -> tversky, alpha 0.3; accumulate: 1 -> 8; "
        "augment: none -> flip vertical"
    )
    assert describe_change(study, "twin", "plain") == "none"
    assert describe_change(study, "plain", "") == ""


def test_postprocessing_pairs_before_and_after(inputs):
    table = build_table(
        inputs("coco-unet").spec("tables", {"kind": "postprocessing", "models": ["unet"]})
    )
    assert table["after"].notna().any()
    np.testing.assert_allclose(table["change"], table["after"] - table["before"])
    assert not table.duplicated(["subset", "model", "class", "metric", "convention"]).any()


def test_split_by_hand(tmp_path):
    slices = pd.DataFrame(
        {
            "dataset": "lgg",
            "patient": list("aabbcd"),
            "slice": [1, 2, 1, 2, 1, 1],
            "height": 4,
            "width": 4,
            "tumour": [0, 3, 2, 0, 1, 0],
        }
    )
    split = slices[["patient", "slice"]].assign(
        subset=["train", "test", "train", "train", "val", "test"]
    )
    slices.to_csv(tmp_path / "slices.tsv", sep="\t", index=False)
    split.to_csv(tmp_path / "slice-f0.tsv", sep="\t", index=False)
    spec = TargetSpec(
        COCO,
        "split",
        "split",
        {},
        (),
        ("slice-f0-s0",),
        {"slices": tmp_path / "slices.tsv", "splits": {"slice-f0-s0": tmp_path / "slice-f0.tsv"}},
        "real",
        "paper",
    )
    table = build_table(spec).set_index("subset")
    assert list(table["slices"]) == [3, 1, 2, 6]
    assert list(table["patients"]) == [2, 1, 2, 4]
    assert list(table["patients_elsewhere"]) == [1, 0, 1, 1]  # a is in train and in test
    assert list(table["tumour_slices"]) == [1, 1, 1, 3]
    np.testing.assert_allclose(table["slice_share"], [0.5, 1 / 6, 1 / 3, 1])


def test_split_without_patients_leaves_them_empty(inputs):
    table = build_table(inputs("coco-unet").spec("tables", {"kind": "split"}))
    assert table["patients"].isna().all() and table["patients_elsewhere"].isna().all()
    assert table["slices"].iloc[:-1].sum() == table["slices"].iloc[-1]


def test_convergence_by_hand():
    history = pd.DataFrame({"epoch": range(1, 9), "iou": [0.1, 0.5, 0.73, 0.6, 0.7, 0.9, 0.7, 0.8]})
    facts = convergence_facts(history, "iou", "iou", 0.9)
    # 90 % of 0.8 is 0.72, first reached at epoch 3; the second half is 0.7 0.9 0.7 0.8.
    assert facts["final_iou"] == 0.8 and facts["best_iou"] == 0.9 and facts["best_epoch"] == 6
    assert facts["epochs_to_90"] == 3
    assert facts["oscillation"] == pytest.approx((0.2 + 0.2 + 0.1) / 3)


def test_convergence_of_a_short_or_undefined_curve():
    one = pd.DataFrame({"epoch": [1], "iou": [0.4]})
    assert convergence_facts(one, "iou", "iou", 0.9)["oscillation"] is None
    nothing = pd.DataFrame({"epoch": [1, 2], "iou": [np.nan, np.nan]})
    facts = convergence_facts(nothing, "iou", "iou", 0.9)
    assert facts["epochs_to_90"] is None and facts["best_iou"] is None


def test_epochs_has_the_documents_columns(inputs):
    spec = inputs("brats2020-multiclass").spec("tables", BLOCKS["epochs"][1])
    table = build_table(spec)
    assert list(table.columns) == [
        "epoch", "train_loss", "val_loss", "mean_dice", "dice_NEC/NET", "dice_ED", "dice_ET",
        "prec_NEC/NET", "prec_ED", "prec_ET", "recall_NEC/NET", "recall_ED", "recall_ET",
    ]  # fmt: skip
    history = pd.read_csv(spec.inputs["history"]["unet-v1"], sep="\t")
    last = int(history["epoch"].max())
    assert list(table["epoch"]) == sorted({*range(1, last + 1, 5), last})
    np.testing.assert_allclose(
        table["dice_NEC/NET"].iloc[1], history.loc[5, "val_dice_NEC@slice-empty1"]
    )
    np.testing.assert_allclose(
        table["prec_ED"].iloc[1], history.loc[5, "val_precision_ED@slice-empty0"]
    )


def test_scope_is_filled_from_the_run(inputs):
    spec = inputs("brats2020-multiclass").spec("tables", BLOCKS["scope"][1])
    table = build_table(spec).set_index("item")["run"]
    assert table["Constraints: runtime"].startswith("1.5 hours on a processor: within")
    assert "2 x 32 x 32: t1ce, flair" in table["Input"]
    assert "attention-unet-v2" in table["Success: next version"]
    rows = json.loads(spec.inputs["metrics"]["unet-v1"].read_text())
    [mean] = [
        row["value"]
        for row in rows
        if row["metric"] == "dice"
        and row["class"] == "mean"
        and row["convention"] == "pooled"
        and row["subset"] == "val"
    ]
    assert f"mean Dice {mean:.3f}" in table["Metrics: primary"]


def test_scope_counts_the_patients_that_were_trained_on(inputs):
    spec = inputs("brats2020-multiclass").spec("tables", BLOCKS["scope"][1])
    table = build_table(spec).set_index("item")["run"]
    # 6 patients of 24 slices: 2 validate, and 0.6 of the other 4, rounded up, are trained on.
    assert table["Constraints: size"].startswith("3 train / 2 val / 0 test patients; ")
    assert "of 120 axial slices" in table["Task"]


def test_columns_of_a_history():
    history = pd.DataFrame(
        columns=[
            "train_loss",
            "val_loss",
            "train_dice_ED@pooled",
            "train_dice_mean@pooled",
            "val_dice_ED@pooled",
            "val_dice_mean@pooled",
            "val_dice_mean@slice-empty1",
            "train_tversky-a0.3-b0.7_tumour@pooled",
            "val_tversky-a0.3-b0.7_tumour@pooled",
            "val_accuracy_tumour@image",
        ]
    )
    assert panel_columns(history, "loss") == {"train": "train_loss", "val": "val_loss"}
    assert panel_columns(history, "dice")["val"] == "val_dice_mean@pooled"
    found = panel_columns(history, "dice", "slice-empty1")
    assert found == {"train": "train_dice_mean@pooled", "val": "val_dice_mean@slice-empty1"}
    assert panel_columns(history, "tversky")["train"] == "train_tversky-a0.3-b0.7_tumour@pooled"
    assert panel_columns(history, "accuracy") == {"val": "val_accuracy_tumour@image"}
    with pytest.raises(KeyError, match="no validation iou@pooled"):
        panel_columns(history, "iou")


def test_best_epoch_takes_the_first_of_equals():
    history = pd.DataFrame({"epoch": [1, 2, 3], "val_loss": [0.5, 0.2, 0.2]})
    assert best_epoch(history, {"monitor": "val_loss", "mode": "min"}) == 2
    assert best_epoch(history, {"monitor": "val_loss", "mode": "max"}) == 1
    assert best_epoch(history, None) is None
    assert (
        best_epoch(history.assign(val_loss=np.nan), {"monitor": "val_loss", "mode": "min"}) is None
    )
