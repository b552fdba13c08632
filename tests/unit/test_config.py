"""Study files: scales, overrides, models, runs, and the errors of wrong ones."""

from pathlib import Path

import pytest
import yaml

from gliomake.study import load as studies

STUDY_FILES = sorted((Path(__file__).parents[2] / "config" / "studies").glob("*.yaml"))


@pytest.mark.parametrize("path", STUDY_FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("scale", studies.SCALES)
def test_every_study_loads_at_every_scale(path, scale):
    study = studies.load_study(path, scale)
    assert study.id == path.stem
    assert "scales" not in study.plain
    for name, model in study.models.items():
        assert set(model.training) == set(study.training), name
        assert model.runs[0] == study.run
        assert set(model.channels) <= set(study.preprocess.channels)


def write_study(folder: Path, **changes) -> Path:
    study = yaml.safe_load((STUDY_FILES[-1].parent / "lgg-encoders.yaml").read_text())
    path = folder / "lgg-encoders.yaml"
    path.write_text(yaml.safe_dump(studies.merge(study, changes)))
    return path


def test_a_models_loss_replaces_the_studys(tmp_path):
    changes = {"models": {"unet": {"loss": {"name": "bce"}, "epochs": 3}}}
    study = studies.load_study(write_study(tmp_path, **changes), "paper")
    assert study.models["unet"].training["loss"] == {"name": "bce"}
    assert study.models["unet"].training["epochs"] == 3
    assert study.models["unet-vgg16"].training["epochs"] == 120


def test_overrides_come_last(tmp_path):
    study = studies.load_study(write_study(tmp_path), "demo", {"training": {"epochs": 1}})
    assert study.training["epochs"] == 1
    assert study.preprocess.image_size < 256


def test_leakage_gives_paired_runs(tmp_path):
    leakage = {
        "as_published": ["unet-vgg16"],
        "models": ["unet"],
        "leaks": [0, 100],
        "folds": 2,
        "seeds": 1,
    }
    study = studies.load_study(write_study(tmp_path, leakage=leakage, scales={"demo": {}}), "paper")
    runs = study.models["unet"].runs
    assert runs[-4:] == ("leak0-f0-s0", "leak0-f1-s0", "leak100-f0-s0", "leak100-f1-s0")
    assert study.models["unet-vgg16"].runs == (*study.runs, "slice-f0-s0")
    assert study.models["unet-resnet50"].runs == study.runs


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "other"}, "expected the file's name"),
        ({"runs": ["patient-f0"]}, "expected <split>-f<fold>-s<seed>"),
        ({"models": {"unet": {"channels": ["t2"]}}}, "not among preprocess.channels"),
        ({"models": {"all-background": {"architecture": "unet"}}}, "kept for a baseline"),
        (
            {"gate": {"classifier": "x", "segmenters": ["unet"], "threshold": 0.5}},
            "gate names the model 'x'",
        ),
    ],
)
def test_wrong_studies_are_refused(tmp_path, changes, message):
    with pytest.raises(studies.ConfigError, match=message):
        studies.load_study(write_study(tmp_path, **changes), "paper")


def test_unknown_scale(tmp_path):
    with pytest.raises(studies.ConfigError, match="expected one of demo, paper"):
        studies.load_study(write_study(tmp_path), "tiny")


def test_equal_recipes_share_shards_and_others_do_not():
    encoders, two_stage = (
        studies.load_study(path, "demo") for path in STUDY_FILES if path.stem.startswith("lgg")
    )
    assert encoders.recipe_name == two_stage.recipe_name
    paper = studies.load_study(STUDY_FILES[-1].parent / "lgg-encoders.yaml", "paper")
    assert paper.recipe_name != encoders.recipe_name
