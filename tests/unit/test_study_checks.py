"""Overrides and study files that cannot be: said at the start, with the layer that holds them."""

from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from gliomake.datasets import DATASETS
from gliomake.datasets.spec import PUBLISHED, taken
from gliomake.models import create_model, network
from gliomake.prepare.split import make_split
from gliomake.scoring.metrics import DISTANCE_METRICS
from gliomake.study.architectures import ARCHITECTURES
from gliomake.study.datasets import known_datasets
from gliomake.study.feasible import impossible, too_few
from gliomake.study.load import at_scale, load_study, merge, read_study
from gliomake.study.losses import LOSSES
from gliomake.study.model import Split
from gliomake.study.products import study_metrics
from gliomake.study.run import ConfigError, Run
from gliomake.study.schema import study_schema_faults
from gliomake.training.history import epoch_scores, history_columns
from gliomake.training.losses import create_loss

STUDIES = Path(__file__).parents[2] / "config" / "studies"
DATA = known_datasets()["lgg"].facts(["flair"])


def refused(study: str, overrides: dict, scale: str = "demo") -> str:
    with pytest.raises(ConfigError) as error:
        load_study(STUDIES / f"{study}.yaml", scale, overrides)
    return str(error.value)


@pytest.mark.parametrize(
    ("study", "overrides", "expected"),
    [
        (
            "lgg-two-stage",
            {"models": {"unett": {"epochs": 3}}},
            "overrides.lgg-two-stage.models.unett: study lgg-two-stage has no model 'unett'; did "
            "you mean unet?",
        ),
        (
            "lgg-two-stage",
            {"training": {"epoch": 3}},
            "overrides.lgg-two-stage.training.epoch: unknown key; did you mean epochs?",
        ),
        (
            "lgg-two-stage",
            {"models": {"unet": {"epoch": 3}}},
            "overrides.lgg-two-stage.models.unet.epoch: unknown key; did you mean epochs?",
        ),
        ("coco-unet", {"treshold": 0.4}, "treshold: unknown key; did you mean threshold?"),
        ("coco-unet", {"figures": {"learning": {"count": 2}}}, "has no figure 'learning'"),
        ("coco-unet", {"tables": {"metrcs": {}}}, "has no table 'metrcs'; did you mean metrics?"),
        ("coco-unet", {"figures": {"sample-masks": {"cuont": 2}}}, "unknown options ['cuont']"),
        ("coco-unet", {"scales": {"demo": {}}}, "overrides.coco-unet.scales: unknown key"),
        ("coco-unet", {"id": "mine"}, "overrides.coco-unet.id: is the file's name"),
        ("coco-unet", {"models": 5}, "overrides.coco-unet.models: found 5; expected a block"),
        ("coco-unet", {"training": None}, "overrides.coco-unet.training: found null"),
    ],
)
def test_an_override_of_what_is_not_there_is_refused(study, overrides, expected):
    assert expected in refused(study, overrides)


@pytest.mark.parametrize(
    ("study", "overrides", "expected"),
    [
        ("coco-unet", {"training": {"learning_rate": "fast"}}, "found 'fast'; expected a number"),
        ("coco-unet", {"training": {"epochs": 0}}, "found 0; expected at least 1"),
        ("coco-unet", {"training": {"epochs": 3.0}}, "found 3.0; expected a whole number"),
        ("coco-unet", {"training": {"learning_rate": float("nan")}}, "expected a finite number"),
        ("coco-unet", {"training": {"learning_rate": float("inf")}}, "expected a finite number"),
        ("coco-unet", {"training": {"best": None}}, "found null; expected a block of keys"),
        ("coco-unet", {"models": {"unet": {"options": {"bas": 8}}}}, "did you mean base?"),
        (
            "coco-unet",
            {"models": {"unet": {"options": {"block": 8}}}},
            "options.block: unknown key",
        ),
        (
            "coco-unet",
            {"models": {"unet": {"options": {"depth": 0}}}},
            "found 0; expected at least 1",
        ),
        ("coco-unet", {"models": {"unet": {"options": {"dropout": 1}}}}, "and below 1"),
        ("coco-unet", {"models": {"unet": {"options": {"up": "cubic"}}}}, "transpose, bilinear"),
        ("lgg-encoders", {"models": {"unet-vgg16": {"options": {"encoder": "vgg61"}}}}, "mean vgg"),
        ("coco-unet", {"training": {"loss": {"name": "dise"}}}, "did you mean dice?"),
        ("coco-unet", {"training": {"loss": {"gamma": 2}}}, "training.loss.gamma: unknown key"),
        (
            "coco-unet",
            {"models": {"unet-focal-tversky": {"loss": {"alpha": 0}}}},
            "loss.alpha: found 0; expected above 0",
        ),
        (
            "coco-unet",
            {"training": {"loss": {"name": "tversky"}}},
            "training.loss.alpha: is missing",
        ),
        (
            "coco-unet",
            {"training": {"best": {"monitor": "val_dise", "mode": "max"}}},
            "overrides.coco-unet.training.best.monitor: found 'val_dise'; the history has no such",
        ),
        (
            "lgg-two-stage",
            {"models": {"unet": {"early_stopping": {"monitor": "val_loss", "mode": "min"}}}},
            "models.unet.early_stopping.patience: is missing",
        ),
        (
            "lgg-two-stage",
            {"models": {"unet": {"loss": {"name": "cross-entropy"}}}},
            "found 'cross-entropy' for model unet; cross-entropy is the loss of a classifier",
        ),
        (
            "coco-unet",
            {"preprocess": {"image_size": 72}},
            "found 72; model unet halves the image 4",
        ),
        (
            "coco-unet",
            {"preprocess": {"channels": ["gray"]}},
            "no channel 'gray'; did you mean grey?",
        ),
        ("brats2020-multiclass", {"classes": ["NEC", "EDD"]}, "no class 'EDD'; did you mean ED?"),
        (
            "lgg-encoders",
            {"models": {"unet-vgg16": {"pretrained": "resnet50"}}},
            "found 'resnet50'; the encoder of unet-vgg16 is vgg16",
        ),
        ("lgg-encoders", {"leakage": {"models": ["unett"]}}, "names the model 'unett'"),
        ("lgg-two-stage", {"gate": {"classifier": "unet"}}, "models.unet.architecture"),
        (
            "coco-unet",
            {"models": {"unet": {"architecture": "resnet50-classifier"}}},
            "models.unet.architecture: found resnet50-classifier; the gate's classifier, and no",
        ),
        (
            "coco-unet",
            {"figures": {"gate": {"kind": "system", "models": ["unet"]}}},
            "figures.gate: kind system shows the gate, and the study has none",
        ),
    ],
)
def test_settings_that_cannot_be_trained_fail_at_the_start(study, overrides, expected):
    assert expected in refused(study, overrides)


@pytest.mark.parametrize(
    ("study", "overrides", "expected"),
    [
        ("lgg-encoders", {"leakage": {"leaks": [150]}}, "leaks.0: found 150; expected at least 0"),
        ("lgg-encoders", {"leakage": {"folds": 20}}, "there are 10 folds, f0 to f9"),
        ("lgg-encoders", {"runs": ["patient-f10-s0"]}, "run patient-f10-s0 cannot exist"),
        ("lgg-encoders", {"runs": ["predefined-f0-s0"]}, "no folders for train, valid and test"),
        ("coco-unet", {"runs": ["patient-f0-s0"]}, "names no patients; use predefined or slice"),
        ("coco-unet", {"runs": ["predefined-f1-s0"]}, "a predefined split has one fold, f0"),
        ("brats2020-multiclass", {"runs": ["leak0-f0-s0"]}, "split.test is 0"),
        ("lgg-encoders", {"runs": ["patient-s0"]}, "expected <split>-f<fold>-s<seed>"),
        (
            "lgg-encoders",
            {"split": {"max_patients": 3, "test": 0.4, "val": 0.5}},
            "cannot be divided so that fold 1",
        ),
    ],
)
def test_runs_that_cannot_exist_fail_at_the_start(study, overrides, expected):
    assert expected in refused(study, overrides)


def test_a_setting_over_which_all_models_stumble_is_one_fault():
    best = {"best": {"monitor": "val_dise", "mode": "max"}}
    assert len(refused("lgg-two-stage", {"training": best}).splitlines()) == 1


def test_all_faults_of_a_study_are_listed():
    lines = refused("coco-unet", {"training": {"epochs": 0}, "threshold": 2}).splitlines()
    assert len(lines) == 2


def test_a_fault_of_the_file_names_the_file_and_the_scale(tmp_path):
    study = yaml.safe_load((STUDIES / "coco-unet.yaml").read_text())
    path = tmp_path / "coco-unet.yaml"
    broken = merge(study, {"threshold": 2, "scales": {"demo": {"training": {"epochs": 0}}}})
    path.write_text(yaml.safe_dump(broken))
    with pytest.raises(ConfigError) as error:
        load_study(path, "demo")
    lines = str(error.value).splitlines()
    assert sorted(line.split(": ")[0] for line in lines) == [
        f"{path} scales.demo.training.epochs",
        f"{path} threshold",
    ]


@pytest.mark.parametrize("text", ["id: [", "- a\n- b\n", "", "id:\n\t- x\n"])
def test_a_study_file_that_is_no_block_of_keys(tmp_path, text):
    path = tmp_path / "coco-unet.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"coco-unet.yaml: (no YAML|found)"):
        load_study(path, "demo")


def test_an_override_may_add_what_is_whole():
    new = {"architecture": "unet", "options": {"base": 4}}
    study = load_study(STUDIES / "coco-unet.yaml", "demo", {"models": {"small": new}})
    assert study.models["small"].training == study.training


def test_another_loss_replaces_the_options_of_the_old_one():
    block = {"models": {"unet-focal-tversky": {"loss": {"name": "dice"}}}}
    study = load_study(STUDIES / "coco-unet.yaml", "demo", block)
    assert study.models["unet-focal-tversky"].training["loss"] == {"name": "dice"}
    block = {"models": {"attention-unet": {"architecture": "resunet"}}}
    study = load_study(STUDIES / "coco-unet.yaml", "demo", block)
    assert study.models["attention-unet"].options == {}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_entry_has_the_options_of_its_network(architecture):
    known = {*list(signature(network(architecture)).parameters)[2:]} - {"block"}
    assert set(ARCHITECTURES[architecture].schema) == known


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("unet", {"base": 0}),
        ("unet", {"depth": 0}),
        ("unet", {"up": "cubic"}),
        ("unet", {"norm": "group"}),
        ("resnet50-classifier", {"dropout": 1.0}),
        ("vgg19-unet", {"dropout": -0.1}),
    ],
)
def test_what_an_architecture_refuses_the_schema_refuses(architecture, options):
    with pytest.raises(ValueError):
        create_model(architecture, 1, 1, **options)
    study = at_scale(read_study(STUDIES / "coco-unet.yaml"), "demo")
    study["models"]["unet"] = {"architecture": architecture, "options": options}
    [fault] = study_schema_faults(study)
    assert fault.path == ("models", "unet", "options", next(iter(options)))


@pytest.mark.parametrize("name", LOSSES)
def test_the_schema_has_the_options_of_the_losses(name):
    study = at_scale(read_study(STUDIES / "coco-unet.yaml"), "demo")
    for option in ("alpha", "beta", "gamma", "smooth", "sigma"):
        loss = {"name": name, "alpha": 0.4, "beta": 0.6, option: 0.5}
        if "tversky" not in name:
            loss = {"name": name, option: 0.5}
        study["training"]["loss"] = loss
        accepted = not study_schema_faults(study)
        if accepted:
            create_loss(loss)
        else:
            with pytest.raises(ValueError, match=f"no option '{option}'"):
                create_loss(loss)


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_channels_and_classes_of_a_published_set_are_those_of_its_reader(dataset):
    module, reader = DATASETS[dataset]
    reader = getattr(import_module(module), reader)
    known = set(signature(reader).parameters)
    reader = getattr(reader, "func", reader)  # a reader with its name bound
    spec = known_datasets()[dataset]
    assert tuple(spec.channels) == tuple(reader.channels)
    assert spec.class_names == tuple(reader.classes)
    assert set(taken(spec.reader, dataset)) <= known


@pytest.mark.parametrize("classes", [["tumour"], ["NEC", "ED"]])
@pytest.mark.parametrize("task", ["segmentation", "classification"])
@pytest.mark.parametrize("loss", [{"name": "dice"}, {"name": "tversky", "alpha": 0.3, "beta": 0.7}])
def test_the_columns_are_those_that_an_epoch_has(classes, task, loss):
    counts = np.ones((1, len(classes), 4), np.int64)
    scores = [
        name
        for part in ("train", "val")
        for name in epoch_scores(part, counts, classes, task, loss)
    ]
    assert history_columns(classes, task, loss)[5:] == scores


def table(patients: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = [f"p{n:02}" for n in range(patients) for _ in range(4)]
    slices = pd.DataFrame({"patient": names, "slice": [0, 1, 2, 3] * patients, "tumour": 1})
    cases = pd.DataFrame({"patient": names[::4], "stratum": "", "folder": ""})
    return slices.assign(dataset="lgg", height=8, width=8), cases


@pytest.mark.parametrize("fold", [0, 1, 4])
@pytest.mark.parametrize(("test", "val"), [(0.1, 0.2), (0.15, 0.1), (0, 0.2), (0.34, 0)])
def test_too_few_patients_are_those_that_no_split_can_divide(fold, test, val):
    split = Split(test, val, seed=0, max_patients=None)
    made = []
    for patients in range(1, 13):
        try:
            make_split(*table(patients), method="patient", fold=fold, test=test, val=val, seed=0)
            made.append(patients)
        except ValueError:
            pass
        reason = too_few(Run("patient", fold, 0), split, patients)
        # The data may hold fewer than the most that is known, so the least number that does counts.
        assert bool(reason) == (not made), f"{patients} patients: {reason}"
    if impossible(Run("patient", fold, 0), "lgg", split, DATA):
        assert not made


@pytest.mark.parametrize(
    ("study", "block", "expected"),
    [
        ("coco-unet", {"metrics": {"metrics": ["dise"]}}, "no score 'dise'; did you mean dice?"),
        # No loss of this study has such weights.
        ("lgg-encoders", {"metrics": {"metrics": ["tversky-a0.1-b0.9"]}}, "'tversky-a0.1-b0.9'"),
        ("coco-unet", {"improvements": {"goal": {"metric": "miou", "value": 0.7}}}, "mean iou?"),
        ("coco-unet", {"improvements": {"goal": {"value": 0.7, "metric": None}}}, "score None"),
    ],
)
def test_a_score_that_there_is_not_is_refused_in_tables(study, block, expected):
    assert expected in refused(study, {"tables": block})


def test_every_score_of_a_study_may_stand_in_its_tables():
    path = STUDIES / "lgg-two-stage.yaml"
    scores = [*study_metrics(load_study(path, "demo")), *DISTANCE_METRICS]
    assert {"tversky-a0.3-b0.7", "hd95"} <= set(scores)
    changed = load_study(path, "demo", {"tables": {"metrics": {"metrics": scores}}})
    assert changed.tables["metrics"]["metrics"] == scores
