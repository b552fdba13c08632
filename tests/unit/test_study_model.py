"""A study with every key typed: the schema's keys, no others, and what follows from them."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import yaml

from gliomake.models import create_model
from gliomake.study import blocks
from gliomake.study import model as typed
from gliomake.study.architectures import ARCHITECTURES
from gliomake.study.evaluation import Brought, Evaluation
from gliomake.study.faults import SCHEMAS
from gliomake.study.load import SCALES, load_study
from gliomake.study.losses import LOSSES
from gliomake.study.model import Model, Study
from gliomake.study.products import study_metrics
from gliomake.study.run import ConfigError
from gliomake.study.schema import fill_in
from gliomake.training.losses import create_loss

FILES = sorted((Path(__file__).parents[2] / "config" / "studies").glob("*.yaml"))
SCHEMA = yaml.safe_load((SCHEMAS / "study.schema.yaml").read_text())
fill_in(SCHEMA)
STUDIES = {f"{path.stem}-{scale}": load_study(path, scale) for path in FILES for scale in SCALES}


def two_stage() -> Study:
    return STUDIES["lgg-two-stage-paper"]


def keys(block: dict) -> set[str]:
    """The keys of a closed block of the schema; of a loss, those of all losses."""
    found = set(block["properties"])
    for rule in block.get("allOf", ()):
        found |= set(rule["then"].get("properties", ()))
    return found


@pytest.mark.parametrize(
    ("type_", "block"),
    [
        (typed.Preprocess, SCHEMA["properties"]["preprocess"]),
        (typed.Split, SCHEMA["properties"]["split"]),
        (typed.Gate, SCHEMA["properties"]["gate"]),
        (typed.Leakage, SCHEMA["properties"]["leakage"]),
        (blocks.Postprocess, SCHEMA["properties"]["postprocess"]),
        (blocks.Training, SCHEMA["$defs"]["training"]),
        (blocks.Watch, SCHEMA["$defs"]["watch"]),
        (blocks.Loss, SCHEMA["$defs"]["loss"]),
        (blocks.Augmentation, SCHEMA["$defs"]["augment"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_types_and_schema_have_the_same_keys(type_, block):
    assert set(type_.__annotations__) == keys(block)
    if hasattr(type_, "__required_keys__"):
        assert type_.__required_keys__ == set(block.get("required", ()))


def test_a_study_and_a_model_have_the_schemas_keys():
    completed = {"runs", "training", "plain"}
    own = keys(SCHEMA["properties"]["models"]["additionalProperties"])
    trained = own - keys(SCHEMA["$defs"]["training"]) - {"predictions"}
    assert set(Model.__annotations__) == trained | completed
    assert set(Study.__annotations__) == keys(SCHEMA) | {"brought", "data", "overrides", "plain"}
    models = SCHEMA["properties"]["models"]["additionalProperties"]["properties"]
    assert set(Brought.__annotations__) == keys(models["predictions"])
    assert set(Evaluation.__annotations__) == keys(SCHEMA["properties"]["evaluation"])


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_a_typed_study_says_what_its_plain_one_says(study):
    plain = study.plain
    assert Study.of(study) is study
    assert Study.of(plain) == study
    assert list(study.classes) == plain["classes"]
    assert study.preprocess.image_size == plain["preprocess"]["image_size"]
    assert asdict(study.data) == plain["data"]
    assert list(study.models) == list(plain["models"])
    for name, model in study.models.items():
        assert model.training == plain["models"][name]["training"]
        assert study.model_runs(name) == plain["models"][name]["runs"]
        assert model.settings == {k: v for k, v in plain["models"][name].items() if k != "runs"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treshold": 0.5}, "study: unknown key 'treshold'; expected one of id, title"),
        ({"split": {"test": 0.1, "val": 0.1}}, "split: seed, max_patients missing"),
        ({"models": {"unet": {"arch": "unet"}}}, "models.unet: unknown key 'arch'"),
        ({"data": {"reader": "lgg", "channel": "flair"}}, "data: display, transposed, .* missing"),
    ],
)
def test_a_key_that_is_missing_or_unknown_is_named(change, message):
    with pytest.raises(ConfigError, match=message):
        Study.of({**two_stage().plain, **change})


def test_models_of_the_two_stage_study():
    study = two_stage()
    assert study.classifies("resnet50-classifier") and not study.classifies("unet-gated")
    assert study.segmenters == ["vgg19-unet", "unet", "resunet"]
    assert study.gated_models == ["vgg19-unet-gated", "unet-gated", "resunet-gated"]
    assert study.model_runs("unet-gated") == list(study.runs)
    assert study.compared_models == [
        *study.segmenters, *study.gated_models, "all-background", "flair-threshold"
    ]  # fmt: skip
    assert "tversky-a0.3-b0.7" in study_metrics(study)
    with pytest.raises(ConfigError, match="has no model 'unet3d'"):
        study.model_runs("unet3d")


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_imagenet_weights_are_asked_for_where_they_fit(study):
    for model in study.models.values():
        whole = model.pretrained if study.preprocess.image_size >= 128 else None
        assert model.encoder_weights("imagenet") == whole
        assert model.encoder_weights("none") is None


MODELS_OF_STUDIES = [(name, model) for name, study in STUDIES.items() for model in study.models]


@pytest.mark.parametrize(("name", "model"), MODELS_OF_STUDIES)
def test_every_model_of_every_study_can_be_made(name, model):
    """Shapes only: no weight is drawn and no image computed."""
    study, model = STUDIES[name], STUDIES[name].models[model]
    channels, classes = len(model.channels), len(study.classes)
    size = study.preprocess.image_size
    with torch.device("meta"):
        network = create_model(model.architecture, channels, classes, **model.options)
        logits = network(torch.zeros(2, channels, size, size))
    masks = (2, classes, size, size)
    assert logits.shape == ((2, 2) if model.task == "classification" else masks)


@pytest.mark.parametrize(("name", "model"), MODELS_OF_STUDIES)
def test_every_loss_of_every_study_can_be_made(name, model):
    loss = STUDIES[name].models[model].training["loss"]
    assert type(create_loss(loss)).__name__ == LOSSES[loss["name"]].function[1]


@pytest.mark.parametrize(
    "architecture", [name for name in ARCHITECTURES if name != "resnet50-classifier"]
)
def test_a_stride_is_the_least_that_a_network_takes(architecture):
    options = {"depth": 3} if architecture in ("unet", "resunet") else {}
    stride = ARCHITECTURES[architecture].stride_with(options)
    with torch.device("meta"):
        network = create_model(architecture, 1, 1, **options)
        assert network(torch.zeros(2, 1, 2 * stride, 2 * stride)).shape[-1] == 2 * stride
        with pytest.raises((ValueError, RuntimeError)):
            network(torch.zeros(2, 1, 3 * stride // 2, 3 * stride // 2))
