"""What overrides change: old and new, and on which models it bears."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gliomake.study import targets
from gliomake.study.load import load_study
from gliomake.study.model import Study
from gliomake.study.overrides import (
    difference_text,
    differences_text,
    overrides_text,
    score_overrides,
    training_overrides,
)

STUDIES = Path(__file__).parents[2] / "config" / "studies"


def study(name: str, overrides: dict, scale: str = "demo") -> Study:
    return load_study(STUDIES / f"{name}.yaml", scale, overrides)


@pytest.mark.parametrize(
    ("name", "overrides", "expected"),
    [
        # The file's own value at this scale, the study's where the model has none, none at all.
        ("coco-unet", {"training": {"epochs": 2}}, [("training.epochs", 10, 2)]),
        ("coco-unet", {"models": {"unet": {"epochs": 2}}}, [("models.unet.epochs", 10, 2)]),
        ("lgg-two-stage", {"models": {"unet": {"epochs": 2}}}, [("models.unet.epochs", 12, 2)]),
        (
            "coco-unet",
            {"models": {"unet": {"options": {"attention": True, "base": 4}}}},
            [("models.unet.options.attention", None, True), ("models.unet.options.base", 8, 4)],
        ),
        (
            "coco-unet",
            {"models": {"unet": {"loss": {"name": "dice"}, "channels": ["grey"]}}},
            [("models.unet.loss.name", "bce-dice", "dice")],
        ),
        (
            "coco-unet",
            {"postprocess": None},
            [("postprocess", {"min_area": 0.001, "fill_holes": True}, None)],
        ),
        ("lgg-encoders", {"leakage": {"leaks": [0, 50]}}, [("leakage.leaks", [0, 100], [0, 50])]),
        ("coco-unet", {"threshold": 0.5}, []),
        ("coco-unet", {}, []),
    ],
)
def test_differences_by_hand(name, overrides, expected):
    found = study(name, overrides).overrides
    assert [(each["key"], each["old"], each["new"]) for each in found] == expected


def test_a_study_without_overrides_is_as_before():
    assert "overrides" not in study("coco-unet", {}).plain
    assert "overrides" not in study("coco-unet", {"training": {"epochs": 10}}).plain


def test_what_a_training_depends_on():
    changed = study(
        "lgg-two-stage",
        {
            "training": {"epochs": 2, "accumulate": 4},
            "models": {"unet": {"batch_size": 4}, "resunet": {"learning_rate": 0.1}},
            "split": {"seed": 3},
            "threshold": 0.4,
            "figures": {"overlay-grid": {"count": 4}},
        },
    )

    def keys(found: list) -> set[str]:
        return {each["key"] for each in found}

    # unet and vgg19-unet set their own epochs; resunet takes the study's.
    assert keys(training_overrides(changed, "unet")) == {
        "training.accumulate",
        "models.unet.batch_size",
        "split.seed",
    }
    assert keys(training_overrides(changed, "resunet")) == {
        "training.epochs",
        "training.accumulate",
        "models.resunet.learning_rate",
        "split.seed",
    }
    assert keys(score_overrides(changed, "unet")) == keys(training_overrides(changed, "unet")) | {
        "threshold"
    }
    assert "figures.overlay-grid.count" in keys(changed.overrides)
    assert "models.resunet.learning_rate" in keys(score_overrides(changed, ""))


def test_differences_in_words():
    found = [
        {"key": "training.augment", "old": {"flip": ["horizontal"], "zoom": 0.1}, "new": None},
        {"key": "a", "old": False, "new": True},
        {"key": "b", "old": 1, "new": 2},
        {"key": "c", "old": 1, "new": 2},
    ]
    first = "training.augment {flip: [horizontal], zoom: 0.1} -> none"
    assert difference_text(found[0]) == first
    assert differences_text(found) == f"{first}; a false -> true; b 1 -> 2; and 1 more"
    changed = replace(study("coco-unet", {}), overrides=tuple(found[1:]))
    assert overrides_text(changed) == "a false -> true; b 1 -> 2; c 1 -> 2"


def test_a_figure_says_what_overrides_change():
    changed = study("coco-unet", {"models": {"unet": {"epochs": 2}}})
    spec = targets.TargetSpec(changed, "x", "curves", {}, ("unet",), (), {}, "real", "paper")
    assert spec.note == "changed by overrides: not a result\nmodels.unet.epochs 10 -> 2"
    plain = study("coco-unet", {})
    spec = targets.TargetSpec(plain, "x", "curves", {}, ("unet",), (), {}, "phantom", "demo")
    assert spec.note == "synthetic images, demo scale: not a result"
    spec = targets.TargetSpec(changed, "x", "metric-definition", {}, (), (), {}, "real", "paper")
    assert spec.note == ""


def test_a_table_says_what_overrides_change(tmp_path, monkeypatch):
    from gliomake import tables

    monkeypatch.setattr(tables, "build_table", lambda spec: pd.DataFrame({"model": ["unet"]}))
    for overrides, columns in (
        ({}, ["model", "data", "scale"]),
        ({"training": {"epochs": 2}}, ["model", "data", "scale", "overrides"]),
    ):
        changed = study("coco-unet", overrides)
        spec = targets.TargetSpec(changed, "x", "ranking", {}, (), (), {}, "phantom", "demo")
        tables.make_table(spec, tmp_path / "table.csv")
        table = pd.read_csv(tmp_path / "table.csv")
        assert list(table.columns) == columns
    assert table["overrides"].tolist() == ["training.epochs 10 -> 2"]
