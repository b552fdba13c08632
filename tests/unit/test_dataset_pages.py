"""Data sets' pages: a new one is one file, and what is wrong with it is said at the start."""

import re
from pathlib import Path

import pytest
import yaml
from own_files import case

from gliomake.datasets.spec import PALETTE, PUBLISHED, DatasetSpec
from gliomake.start import pages, settings
from gliomake.study.datasets import known_datasets, read_datasets
from gliomake.study.load import merge
from gliomake.study.run import ConfigError

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
PAGE = {
    "id": "mine",
    "title": "Scans of our own",
    "reader": "nifti",
    "root": "data",
    "channels": ["t2", "adc"],
    "classes": {"core": {"labels": [1, 3]}, "oedema": {"labels": [2], "colour": "#56b4e9"}},
}
MODELS = {"unet": {"architecture": "unet", "options": {"base": 4, "depth": 2}}}


def study_page(**more) -> dict:
    page = yaml.safe_load((ROOT / "config" / "studies" / "lgg-encoders.yaml").read_text())
    own = {
        "id": "ours", "dataset": "mine", "classes": ["core", "oedema"], "models": MODELS,
        "figures": {}, "tables": {}, "scales": {},
    }  # fmt: skip
    page |= own | more
    page["preprocess"] |= {"channels": ["t2", "adc"], "intensity": "zscore"}
    page["training"]["best"]["monitor"] = "val_dice_mean@pooled"
    del page["leakage"], page["document"]
    return page


@pytest.fixture
def own(tmp_path) -> Path:
    """A folder of the user's own: two pages and the data."""
    for name, page in (("datasets/mine", PAGE), ("studies/ours", study_page())):
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(page, sort_keys=False))
    case(tmp_path / "datasets" / "data", "p1")
    return tmp_path


def start(own: Path, **changes):
    given = {"studies_folder": f"{own}/studies", "datasets_folder": f"{own}/datasets"}
    given = {"studies": ["ours"]} | given | changes
    layers = lambda: [("--config", given), ("config/config.yaml", DEFAULT)]  # noqa: E731
    return settings.start(merge(DEFAULT, given), ROOT, ROOT, layers)


def refused(own: Path, **changes) -> str:
    with pytest.raises(ConfigError) as error:
        start(own, **changes)
    return str(error.value)


def faults(*, lay=None, **changes) -> list[str]:
    """What is wrong with a page; None takes a key away."""
    page = {key: value for key, value in (PAGE | changes).items() if value is not None}
    path = Path("pages/mine.yaml") if lay is None else lay
    return [str(fault) for fault in _read(path, page)[1]]


def _read(path: Path, page: dict):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gliomake.study.datasets.read_study", lambda _: page)
        return read_datasets([path], {}, ["lgg"])


def test_a_new_data_set_is_one_page_and_nothing_else(own):
    config, found, sets = start(own)
    spec = sets["mine"]
    assert spec.channels == {"t2": "t2", "adc": "adc"} and spec.class_names == ("core", "oedema")
    assert config["datasets"]["mine"]["root"] == f"{own}/datasets/data"
    data = found["ours"].data
    assert (data.channel, data.baseline, data.transposed) == (
        *("t2", "intensity-threshold"),
        True,
    )
    assert data.colours == {"core": PALETTE[1], "oedema": "#56b4e9"}
    names = found["ours"].all_models
    assert names == ["unet", "all-background", "intensity-threshold"]
    options = spec.reader_options()
    assert options["reader"] == "nifti" and options["classes"] == {"core": [1, 3], "oedema": [2]}


def test_titles_and_colours_change_no_index_and_no_slice(own):
    before = DatasetSpec.of(PAGE)
    other = PAGE | {"title": "x", "display": "adc", "groups": 7, "on_bad_case": "skip"}
    other["classes"] = {"core": {"labels": [1, 3], "colour": "#000000"}, "oedema": {"labels": [2]}}
    assert DatasetSpec.of(other).reader_options() == before.reader_options()
    for change in ({"mask": "x"}, {"classes": {"core": {"labels": [1]}}}, {"channels": ["t2"]}):
        assert DatasetSpec.of(PAGE | change).reader_options() != before.reader_options()


def test_the_options_of_the_published_sets_are_as_they_were():
    found = {name: spec.reader_options() for name, spec in known_datasets().items()}
    order = ["t1", "t1ce", "t2", "flair"]
    assert found == {"lgg": {}, "brats2020": {"channel_order": order}, "brats2021": {}, "coco": {}}
    assert set(found) == set(PUBLISHED)


def test_the_configuration_is_laid_over_a_page(own):
    more = {"mine": {"root": "config", "groups": "3", "on_bad_case": "skip"}}
    config = start(own, datasets=more)[0]
    assert config["datasets"]["mine"] == {"root": "config", "groups": 3, "on_bad_case": "skip"}
    assert "--config datasets.mine.patient: found '(', a regular expression with" in refused(
        own, datasets={"mine": {"patient": "("}}
    )


def test_a_wrong_page_is_no_fault_of_the_studies_on_it(own):
    message = refused(own, datasets={"mine": {"patient": "("}})
    assert "patient: found '('" in message and "ours.yaml" not in message


def test_a_published_set_may_have_a_page_of_another_name(own):
    (own / "datasets" / "lgg-b.yaml").write_text(
        "id: lgg-b\ntitle: LGG\nreader: images\npublished: lgg\nroot: data\n"
        "channels: [pre-contrast, flair, post-contrast]\nclasses: {tumour: }\n"
    )
    spec = start(own)[2]["lgg-b"]
    assert (spec.kind, spec.reader_options()) == ("lgg", {"reader": "lgg"})


def test_a_page_that_is_there_twice_names_both(own):
    (own / "datasets" / "lgg.yaml").write_text((ROOT / "config/datasets/lgg.yaml").read_text())
    message = refused(own)
    assert "two pages have the id 'lgg'" in message
    for path in (ROOT / "config/datasets/lgg.yaml", own / "datasets/lgg.yaml"):
        assert str(path) in message


def test_a_folder_of_pages_that_is_not_there(own):
    message = refused(own, datasets_folder="/no/such")
    assert "--config datasets_folder: found '/no/such'; there is no such folder" in message


def test_a_study_of_a_rule_s_name_is_refused(own):
    (own / "studies" / "study-page.yaml").write_text(yaml.safe_dump(study_page(id="study-page")))
    assert "study-page.yaml id: the name is kept for a rule" in refused(own)
    files = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    text = "\n".join(path.read_text() for path in files)
    rules = re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)", text, re.M)
    assert set(pages.KEPT) == {*rules, "data", "shards"}


def test_a_set_without_phantoms_says_so(own):
    said = refused(own, datasets={"mine": {"root": "phantom"}})
    assert "found phantom, and data set mine has no synthetic images" in said


def test_a_missing_folder_of_data_is_said_at_the_start(own):
    message = refused(own, datasets={"mine": {"root": "/no/such"}})
    assert "datasets.mine.root: data set mine: found '/no/such'" in message


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"dataset": "mime"}, "there is no data set 'mime'; did you mean mine?"),
        ({"classes": ["core", "edema"]}, "has no class 'edema'; did you mean oedema?"),
        ({"dataset": "lgg"}, "data set lgg has no channel 't2'"),
        ({"figures": {"system": {"kind": "system", "models": ["unet"]}}}, "the study has none"),
    ],
)
def test_a_name_in_a_study_that_the_page_lacks(own, more, words):
    (own / "studies" / "ours.yaml").write_text(yaml.safe_dump(study_page(**more)))
    assert words in refused(own)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"readr": "nifti"}, "readr: unknown key; did you mean reader?"),
        ({"title": None}, "title: is missing"),
        ({"reader": "dicom"}, "found 'dicom'; expected one of nifti, images, coco, slices-h5"),
        ({"id": "other"}, "id: is the file's name"),
        ({"channels": []}, "mask: is missing; without images no layout is known"),
        ({"channels": [], "reader": "coco"}, "channels: found no channel; only masks of the"),
        ({"channels": ["t 2"]}, "channels: found ['t 2']"),
        ({"channels": {"t2": "x", "adc": "x"}}, "channels: found 'x' for two channels"),
        ({"channels": ["t2", "seg"]}, "channels: the name seg is kept for the mask"),
        ({"display": "t1"}, "display: found 't1', which is none of the channels; there is adc, t2"),
        ({"classes": {"slice": {}}}, "classes.slice: the name is kept for a column of slices.tsv"),
        ({"classes": {"a": {"colour": "red"}}}, "classes.a.colour: found 'red'; expected #rrggbb"),
        ({"classes": {"a": {"labels": [0]}}}, "found 0, which is the background"),
        ({"classes": {"a": {"labels": ["x"]}}}, "labels of reader nifti are whole numbers"),
        (
            {"classes": {"a": {"labels": [2]}}, "ignore_labels": [2]},
            "found 2, which ignore_labels lists as well",
        ),
        ({"patient": "p.*"}, "patient: found 'p.*', a regular expression with no group"),
        ({"files": "{case}_{channel}.nii"}, "mask: is missing; files and mask go together"),
        (
            {"files": "{case}_{chanel}.nii", "mask": "{case}.nii"},
            "files: found {chanel}; did you mean {channel}?",
        ),
        ({"files": "{case}.nii", "mask": "m/{case}.nii"}, "without {channel}"),
        ({"files": "{channel}.nii", "mask": "{case}.nii"}, "files: found '{channel}.nii', without"),
        ({"files": "../{case}_{channel}", "mask": "{case}"}, "expected a path below the root"),
        ({"orientation": "upright"}, "orientation: found 'upright'; expected LPS or stored"),
        ({"categories": ["x"]}, "categories: data set mine does not take this, only"),
        ({"published": "lgg"}, "reader: found 'nifti'; lgg is read by images"),
        (
            {"published": "lgg", "reader": "images"},
            "classes.core.labels: the labels of the published set lgg are known by code",
        ),
        ({"strata": {"table": "a.csv"}}, "strata: found a block of keys; expected by what a split"),
    ],
)
def test_a_fault_of_a_page_names_the_page_the_key_and_what_is_allowed(changes, words):
    found = faults(**changes)
    assert found and all(line.startswith("pages/mine.yaml ") for line in found)
    assert any(words in line for line in found), found


def test_all_faults_of_a_page_are_listed_at_once():
    assert len(faults(display="t1", patient="(", classes={"mean": {}})) == 3
