"""Figures: every kind is drawn from small inputs and looked at by its parts."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from figure_inputs import CONFIG, study_inputs
from matplotlib.figure import Figure
from PIL import Image

from changed_study import replaced
from gliomake.figures import draw_figure, images, make_figure, style
from gliomake.figures.diagrams import example_masks
from gliomake.study.kinds import KINDS, OUTPUTS
from gliomake.study.load import load_study
from gliomake.study.run import ConfigError
from gliomake.study.targets import study_targets, target_spec

AGES = {"kind": "histogram", "column": "age", "label": "age", "unit": "years", "bin": 10}
SURVIVAL = {
    "kind": "survival",
    "column": "survival_days",
    "label": "survival",
    "unit": "days",
    "censored": "censored",
}
APP = {"kind": "app", "models": ["unet", "resnet50-classifier"]}
# A block for each kind, the study it is drawn for, and how many panels hold something.
BLOCKS = [
    ("lgg-encoders", {"kind": "samples", "count": 8}, 8),
    ("coco-unet", {"kind": "samples", "view": "beside", "count": 4}, 8),
    ("lgg-encoders", {"kind": "augmentation", "models": ["unet"], "count": 9}, 9),
    ("brats2021-flair", {"kind": "augmentation", "models": ["unet"]}, 12),
    ("brats2020-multiclass", {"kind": "modalities", "case": 238, "slice": 67}, 4),
    ("brats2020-multiclass", {"kind": "planes", "case": 3}, 3),
    ("brats2020-multiclass", {"kind": "mask-channels", "case": 3}, 5),
    ("brats2020-multiclass", {"kind": "intensity-ranges", "patients": 3, "slices": 4}, 8),
    ("brats2020-multiclass", {"kind": "modality-correlation", "case": 2}, 2),
    ("brats2020-multiclass", {"kind": "slice-imbalance"}, 2),
    ("brats2020-multiclass", {"kind": "pixel-imbalance"}, 2),
    ("brats2020-multiclass", AGES, 1),
    ("brats2020-multiclass", SURVIVAL, 1),
    ("brats2020-multiclass",
     {"kind": "architecture", "models": ["unet-v1", "attention-unet-v2"]}, 3),
    ("lgg-encoders", {"kind": "architecture", "models": ["unet-vgg16"]}, 1),
    ("lgg-encoders", {"kind": "architecture", "models": ["unet-resnet50"]}, 1),
    ("lgg-two-stage", {"kind": "system", "models": ["vgg19-unet", "unet", "resunet"]}, 1),
    ("lgg-encoders", {"kind": "metric-definition", "metric": "dice"}, 3),
    ("lgg-encoders", {"kind": "metric-definition", "metric": "iou"}, 3),
    ("lgg-encoders", {"kind": "curves", "models": ["unet"], "panels": ["loss", "iou", "dice"]}, 3),
    ("lgg-two-stage",
     {"kind": "curves", "models": ["vgg19-unet"], "panels": ["loss", "tversky"]}, 2),
    ("lgg-two-stage",
     {"kind": "curves", "models": ["resnet50-classifier"], "panels": ["loss", "accuracy"]}, 2),
    ("lgg-encoders", {"kind": "masks", "models": ["unet", "unet-vgg16"], "count": 4}, 16),
    ("lgg-two-stage",
     {"kind": "masks", "models": ["unet"], "columns": ["image", "truth", "prediction"]}, 15),
    ("coco-unet", {"kind": "predictions", "models": ["unet"], "subset": "test"}, 16),
    ("brats2021-flair", {"kind": "predictions", "models": ["unet"], "subset": "test"}, 16),
    ("brats2020-multiclass", {"kind": "class-predictions", "models": ["unet-v1"]}, 13),
    ("lgg-two-stage", {"kind": "confusion", "models": ["resnet50-classifier"]}, 1),
    ("lgg-two-stage", {**APP, "show": "tumour"}, 4),
    ("lgg-two-stage", {**APP, "show": "no-tumour"}, 4),
]  # fmt: skip


@pytest.fixture
def inputs():
    """Give the inputs of a study."""
    return study_inputs


def panels(figure: Figure) -> list:
    return [axes for axes in figure.axes if axes.has_data() or axes.patches or axes.texts]


def overlaps(figure: Figure) -> list:
    """Pairs of panels whose drawn parts share more than a sliver."""
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in panels(figure)]
    shared = []
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            if width > 3 and height > 3:
                shared.append((one, other))
    return shared


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study_id", "block", "count"),
    BLOCKS,
    ids=[f"{study}-{block['kind']}-{n}" for n, (study, block, _) in enumerate(BLOCKS)],
)
def test_every_kind_is_drawn(inputs, tmp_path, study_id, block, count):
    spec = inputs(study_id).spec("figures", block)
    figure = draw_figure(spec)
    assert len(panels(figure)) == count
    assert not overlaps(figure)
    figure_box = figure.bbox
    for axes in panels(figure):
        box = axes.get_tightbbox()
        assert box.x0 >= -2 and box.y0 >= -2, axes.get_title()
        assert box.x1 <= figure_box.x1 + 2 and box.y1 <= figure_box.y1 + 2, axes.get_title()
    svg, png = tmp_path / "target.svg", tmp_path / "target.png"
    make_figure(spec, svg, png)
    texts = [node.text for node in ET.parse(svg).iter() if node.tag.endswith("}text")]
    assert texts, "text is drawn as text"
    noted = "synthetic images, demo scale: not a result" in texts
    assert noted == KINDS[block["kind"]].evidence
    picture = np.asarray(Image.open(png).convert("L"))
    edges = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert (edges == 255).all(), "nothing is cut"
    first = svg.read_bytes()
    make_figure(spec, svg, png)
    assert svg.read_bytes() == first, "the same inputs give the same bytes"


def test_every_kind_of_figure_has_a_test():
    kinds = {kind for kind, made in KINDS.items() if made.output == "figures"}
    assert kinds == {block["kind"] for _, block, _ in BLOCKS}


def test_axes_say_what_they_show(inputs):
    spec = inputs("lgg-two-stage").spec(
        "figures", {"kind": "curves", "models": ["resunet"], "panels": ["loss", "tversky"]}
    )
    loss, score = draw_figure(spec).axes
    assert loss.get_ylabel() == "Tversky loss"
    assert score.get_ylabel() == "Tversky score\n(\u03b1 0.3, \u03b2 0.7, pooled)"
    assert loss.get_xlabel() == score.get_xlabel() == "epoch"
    history = pd.read_csv(spec.inputs["history"]["resunet"], sep="\t")
    drawn = {line.get_label(): line.get_ydata() for line in loss.lines}
    np.testing.assert_allclose(drawn["training"], history["train_loss"])
    np.testing.assert_allclose(drawn["validation"], history["val_loss"])


def test_confusion_shows_the_counts(inputs):
    spec = inputs("lgg-two-stage").spec(
        "figures", {"kind": "confusion", "models": ["resnet50-classifier"], "subset": "test"}
    )
    counts = pd.DataFrame(
        {
            "patient": "p",
            "slice": range(588),
            "subset": "test",
            "class": "tumour",
            "postprocess": False,
            "tp": [1] * 193 + [0] * 395,
            "fp": [0] * 193 + [1] * 52 + [0] * 343,
            "fn": [0] * 245 + [1] * 13 + [0] * 330,
            "tn": [0] * 258 + [1] * 330,
        }
    )
    path = spec.inputs["counts"]["resnet50-classifier"]
    kept = path.read_bytes()
    counts.to_csv(path, sep="\t", index=False)
    try:
        [axes] = draw_figure(spec).axes
    finally:
        path.write_bytes(kept)
    texts = [text.get_text() for text in axes.texts]
    # The two-stage document's own matrix: 88.95 %, precision 0.79, recall 0.94.
    for expected in ("330", "52", "13", "193", "accuracy\n88.9 %", "precision\n78.8 %",
                     "recall\n(sensitivity)\n93.7 %", "specificity\n86.4 %",
                     "negative\npredictive value\n96.2 %"):  # fmt: skip
        assert expected in texts
    totals = [label.get_text() for label in axes.get_yticklabels()]
    assert totals == ["no tumour\n(n = 382)", "tumour\n(n = 206)"]


@pytest.mark.parametrize("block", [AGES, SURVIVAL], ids=lambda block: block["kind"])
def test_what_came_without_its_table_is_not_available(inputs, block):
    [axes] = draw_figure(inputs("brats2021-flair").spec("figures", block)).axes
    assert axes.texts[0].get_text().startswith(f"{block['label']}: not available")


@pytest.mark.parametrize("median", [22, 38, 62, 88])
def test_the_median_is_told_where_there_is_room(inputs, tmp_path, median):
    names = {"case": list("abcde"), "patient": list("abcde")}
    cases = names | {"age": [20, median, median, 89, 40]}
    pd.DataFrame(cases).to_csv(tmp_path / "cases.tsv", sep="\t", index=False)
    spec = inputs("brats2020-multiclass").spec("figures", AGES)
    figure = draw_figure(replace(spec, inputs={"cases": tmp_path / "cases.tsv"}))
    figure.draw_without_rendering()
    [axes] = figure.axes
    [text] = axes.texts
    assert text.get_text() == f"median {sorted(cases['age'])[2]}"
    box = text.get_window_extent()
    assert axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1


def test_note_is_left_out_for_results(inputs, tmp_path):
    study = replaced(inputs("lgg-encoders").study, figures={"x": {"kind": "slice-imbalance"}})
    files = {"slices": inputs("lgg-encoders").folder / "slices.tsv"}
    notes = {
        (data, scale): target_spec(study, "figures", "x", files, data=data, scale=scale).note
        for data in ("phantom", "real")
        for scale in ("demo", "paper")
    }
    assert notes == {
        ("phantom", "demo"): "synthetic images, demo scale: not a result",
        ("phantom", "paper"): "synthetic images: not a result",
        ("real", "demo"): "demo scale: not a result",
        ("real", "paper"): "",
    }


class TestImages:
    """Pictures keep what they show."""

    def test_bytes_are_spread_from_zero(self):
        image = np.full((10, 10), 50, np.uint8)
        image[0], image[1], image[2, 0] = 0, 100, 200
        assert images.grey_limits(image)[0] == 0
        low, half, full = images.to_grey(image, (0, 100))[[0, 5, 1], 0]
        assert (low, half, full) == (0, 0.5, 1)
        # Noise in the background is no tissue.
        noisy = np.where(image == 0, 2, image).astype(np.uint8)
        assert images.grey_limits(noisy) == images.grey_limits(image)

    def test_negative_tissue_is_not_background(self):
        image = np.array([[0.0, -2.0], [1.0, 3.0]])
        grey = images.to_grey(image)
        assert grey[0, 0] == 0 and grey[0, 1] > 0 and grey[1, 1] == 1

    def test_blank_slice_is_black(self):
        assert not images.to_grey(np.zeros((3, 3), np.float16)).any()

    def test_mask_is_laid_over(self):
        mask = np.array([[1, 0]])
        picture = images.blend(np.array([[0.5, 0.5]]), [(mask, "#FF0000")], 0.5)
        assert picture.tolist() == [[[192, 65, 65], [130, 130, 130]]]

    def test_box_is_square_and_holds_the_tissue(self):
        image = np.zeros((20, 30))
        image[5:9, 10:20] = 1
        rows, columns = images.tissue_box(image, margin=1)
        assert rows.stop - rows.start == columns.stop - columns.start == 12
        assert image[rows, columns].sum() == image.sum()

    def test_names(self):
        assert images.slice_name("TCGA_CS_4942_19970222", 7) == "CS_4942\nslice 7"
        assert images.slice_name("BraTS20_Training_238", 67) == "BraTS20_Training_238\nslice 67"
        assert images.slice_name("", 3) == "image 3"


def test_worked_example_has_the_pixels_it_tells():
    truth, prediction = example_masks()
    assert (truth.sum(), prediction.sum(), (truth & prediction).sum()) == (20, 18, 14)


def test_colours_are_told_apart():
    assert len({style.TRUTH, style.PREDICTION, style.TRAIN, style.VALIDATION}) == 4
    assert len(set(study_inputs("brats2020-multiclass").study.data.colours.values())) == 3


class TestTargets:
    """Bad blocks are refused with what is there instead."""

    @pytest.fixture(scope="class")
    def study(self):
        return load_study(CONFIG / "lgg-two-stage.yaml", "demo")

    @pytest.mark.parametrize(
        ("block", "message"),
        [
            ({"kind": "curve"}, "kind 'curve'; expected one of samples"),
            ({"kind": "ranking", "models": ["unet"]}, "kind 'ranking'; expected one of samples"),
            ({"kind": "masks", "models": ["vnet"]}, r"unknown models \['vnet'\]"),
            ({"kind": "curves", "models": ["unet-gated"], "panels": ["loss"]}, "unknown models"),
            ({"kind": "curves", "models": ["unet", "resunet"]}, "2 models; kind curves takes 1"),
            ({"kind": "masks", "models": []}, "0 models; kind masks takes 1 to"),
            ({"kind": "curves", "models": ["unet"]}, "kind curves needs panels"),
            ({"kind": "masks", "models": ["unet"], "colour": "red"}, r"unknown options \['colour"),
            (
                {"kind": "masks", "models": ["unet"], "run": "patient-f9-s0"},
                "unet has no run patient-f9-s0; it has patient-f0-s0",
            ),
        ],
    )
    def test_bad_block(self, study, block, message):
        with pytest.raises(ConfigError, match=message):
            study_targets(replaced(study, figures={"bad": block}), "figures")

    def test_gated_models_have_masks(self, study):
        block = {"kind": "masks", "models": ["unet-gated", "all-background"]}
        [target] = study_targets(replaced(study, figures={"x": block}), "figures").values()
        assert (target.needs, target.run) == (("shards", "predictions", "counts"), study.run)

    def test_files_must_fit(self, study):
        cells = {"kind": "confusion", "models": ["resnet50-classifier"]}
        study = replaced(study, figures={"x": {"kind": "slice-imbalance"}, "z": cells})
        with pytest.raises(ConfigError, match="needs slices"):
            target_spec(study, "figures", "x", {}, data="real", scale="paper")
        with pytest.raises(ConfigError, match="no figures target 'y'; it has x, z"):
            target_spec(study, "figures", "y", {}, data="real", scale="paper")
        with pytest.raises(ConfigError, match="2 files for 1"):
            target_spec(study, "figures", "z", {"counts": ["a", "b"]}, data="real", scale="paper")

    @pytest.mark.parametrize("path", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.stem)
    @pytest.mark.parametrize("scale", ["demo", "paper"])
    def test_declared_targets_are_sound(self, path, scale):
        study = load_study(path, scale)
        declared = yaml.safe_load(path.read_text())
        for output in OUTPUTS:
            assert list(study_targets(study, output)) == list(declared.get(output) or {})
