"""Every kind of figure on data of one's own: no FLAIR, any classes, volumes and pictures."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from figure_inputs import FigureInputs
from own_files import save
from PIL import Image

from gliomake.datasets.spec import DatasetSpec
from gliomake.figures import draw_figure
from gliomake.study.kinds import KINDS
from gliomake.study.load import load_study
from gliomake.study.model import Study

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own-data" / "studies" / "made-up-unet.yaml"
NAMES = ("ann", "bob", "cleo", "dan", "eve", "fay", "gus", "hal")
SHAPE = (24, 20, 6)
COLOURS = {"core": "#102030", "rim": "#405060"}
PAGE = {
    "id": "mine",
    "title": "Ours",
    "root": "data",
    "classes": {
        name: {"labels": [label], "colour": colour}
        for label, (name, colour) in enumerate(COLOURS.items(), start=1)
    },
}


def drawn(seed: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A head with a ring in a ball: channels (channel, x, y, z) and labels."""
    rng = np.random.default_rng(seed)
    places = np.indices(SHAPE).astype(float)
    middle = (np.array(SHAPE) - 1) / 2 + rng.uniform(-2, 2, 3) * (1, 1, 0)
    away = np.sqrt((((places.T - middle) * (1, 1, 3)) ** 2).sum(-1)).T
    labels = np.where(away < 3, 1, np.where(away < 6, 2, 0)).astype(np.uint8)
    head = np.zeros(SHAPE, bool)
    head[2:-2, 2:-2] = True
    image = rng.integers(60, 90, (channels, *SHAPE)) + 40 * labels
    return np.where(head, image, 0).astype(np.uint8), labels


def volumes(folder: Path, channels: list[str]) -> dict:
    for seed, name in enumerate(NAMES):
        image, labels = drawn(seed, len(channels))
        for channel, array in zip(channels, image, strict=True):
            save(array, folder / name / f"{name}_{channel}.nii.gz")
        save(labels, folder / name / f"{name}_seg.nii.gz")
    return PAGE | {"reader": "nifti", "channels": channels}


def pictures(folder: Path, channels: list[str]) -> dict:
    for seed, name in enumerate(NAMES):
        image, labels = drawn(seed, len(channels))
        for number in range(SHAPE[2]):
            for kind, array in (*zip(channels, image, strict=True), ("mask", labels)):
                path = folder / kind / f"{name}_{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array[..., number]).save(path)
    patterns = {"files": "{channel}/{case}_{slice}.png", "mask": "mask/{case}_{slice}.png"}
    return PAGE | {"reader": "images", "channels": channels, **patterns}


def study_of(spec: DatasetSpec, classes: list[str], folder: Path) -> Study:
    page = yaml.safe_load(EXAMPLE.read_text())
    page |= {"id": "ours", "dataset": "mine", "classes": classes, "figures": {}, "tables": {}}
    page["preprocess"]["channels"] = list(spec.channels)
    if len(classes) == 1:
        page["training"]["best"]["monitor"] = f"val_dice_{classes[0]}@pooled"
    path = folder / "ours.yaml"
    path.write_text(yaml.safe_dump(page))
    return load_study(path, "demo", datasets={"mine": spec})


SETS = {
    "volumes": (volumes, ["t2", "adc"], ["core", "rim"]),
    "one channel, any label": (volumes, ["ct"], ["lesion"]),
    "pictures": (pictures, ["t1", "t1ce"], ["core", "rim"]),
}


@pytest.fixture(scope="module", params=SETS)
def inputs(request, tmp_path_factory) -> FigureInputs:
    write, channels, classes = SETS[request.param]
    folder = tmp_path_factory.mktemp("own")
    spec = DatasetSpec.of(write(folder / "data", channels))
    options = spec.reader_options()
    study = study_of(spec, classes, folder)
    return FigureInputs(folder, "ours", root=folder / "data", dataset_options=options, study=study)


BLOCKS = {
    "samples": {},
    "augmentation": {"models": ["unet"], "count": 3},
    "modalities": {"case": 3, "slice": 2},
    "planes": {"case": 1},
    "mask-channels": {},
    "intensity-ranges": {"patients": 3, "slices": 3},
    "modality-correlation": {},
    "slice-imbalance": {},
    "pixel-imbalance": {},
    "histogram": {"column": "age", "label": "age", "unit": "years", "bin": 5},
    "survival": {"column": "days", "label": "survival", "unit": "days", "censored": "alive"},
    "curves": {"models": ["unet"], "panels": ["loss", "dice"]},
    "masks": {"models": ["unet"], "count": 3},
    "class-predictions": {"models": ["unet"]},
    "predictions": {"models": ["unet"], "subset": "test"},
    "architecture": {"models": ["unet"]},
    "metric-definition": {"metric": "dice"},
}


def test_every_kind_but_those_of_a_classifier_is_tried():
    kinds = {kind for kind, made in KINDS.items() if made.output == "figures"}
    assert set(BLOCKS) | {"confusion", "system", "app"} == kinds


@pytest.mark.parametrize("kind", BLOCKS)
def test_every_kind_is_drawn(inputs, kind):
    figure = draw_figure(inputs.spec("figures", {"kind": kind, **BLOCKS[kind]}))
    figure.draw_without_rendering()
    assert any(axes.has_data() or axes.patches or axes.texts for axes in figure.axes)


def test_a_class_has_the_colour_of_the_page_in_figures_and_viewer(inputs):
    figure = draw_figure(inputs.spec("figures", {"kind": "mask-channels"}))
    [legend] = figure.legends
    found = [patch.get_facecolor() for patch in legend.get_patches()]
    wanted = [tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
              for colour in COLOURS.values()]  # fmt: skip
    for one, other in zip(found, wanted, strict=True):
        assert one[:3] == pytest.approx(other)
