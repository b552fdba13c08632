"""Every figure of the documents says what it shows, and in whose words."""

import re

import pandas as pd
import pytest

from changed_study import replaced
from checkout import ROOT
from gliomake.study.captions import figure_caption
from gliomake.study.kinds import KINDS
from gliomake.study.load import load_study
from gliomake.study.names import display_name

STUDIES = {
    path.stem: load_study(path, "paper")
    for path in sorted((ROOT / "config/studies").glob("*.yaml"))
}
TARGETS = pd.read_csv(ROOT / "config/targets.tsv", sep="\t").query("kind == 'figure'")


@pytest.mark.parametrize(
    ("study", "target"), TARGETS[["study", "target"]].itertuples(index=False, name=None)
)
def test_every_figure_of_the_documents_has_two_or_three_sentences(study, target):
    study = STUDIES[study]
    caption = figure_caption(study, target, "paper")
    assert 2 <= len(re.findall(r"[.](?: |$)", caption)) <= 3, caption
    assert 100 < len(caption) < 600 and not set("{}*`_") & set(caption)
    assert caption[0].isupper()
    block = study.figures[target]
    for model in block.get("models", ()):
        # Augmentation shows data, and the web page says itself which model it runs.
        assert display_name(model) in caption or block["kind"] in ("augmentation", "app")
        assert model not in caption.split()


def test_every_kind_of_figure_has_a_caption_and_no_table_has_one():
    assert {kind for kind, made in KINDS.items() if made.caption} == {
        kind for kind, made in KINDS.items() if made.output == "figures"
    }


def caption_of(study: str, scale: str = "paper", **block) -> str:
    return figure_caption(replaced(STUDIES[study], figures={"x": block}), "x", scale)


def test_the_rule_of_the_slices_is_the_one_that_was_followed():
    masks = {"kind": "masks", "models": ["unet", "unet-vgg16"]}
    assert "lowest Dice (mean over the models) of all" in caption_of("lgg-encoders", **masks)
    assert "worst" not in caption_of("lgg-encoders", **masks, count=3)
    one = {"kind": "masks", "models": ["unet"]}
    assert "then the worst of another patient" in caption_of("lgg-encoders", **one)
    # Images of nobody: the next worst may be of the same head.
    assert "another patient" not in caption_of("coco-unet", **one)
    assert "mean over" not in caption_of("coco-unet", **one)


def test_what_stands_in_is_told_where_a_case_was_asked_for():
    asked = caption_of("brats2020-multiclass", kind="modalities", case=238, slice=67)
    assert "volume 238, slice 67 where the data hold it; else" in asked
    assert "volume of lowest number" in caption_of("brats2020-multiclass", kind="planes")


def test_demo_networks_are_told_to_be_narrower():
    block = {"kind": "architecture", "models": ["unet"]}
    assert "narrower" in caption_of("coco-unet", "demo", **block)
    assert "narrower" not in caption_of("coco-unet", **block)


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("unet", "U-Net"),
        ("unet-vgg16", "U-Net VGG16"),
        ("attention-unet-v2", "Attention U-Net v2"),
        ("flair-threshold", "FLAIR threshold"),
        ("masks-resunet", "Masks ResUNet"),
    ],
)
def test_names_are_the_fields(slug, name):
    assert display_name(slug) == name
