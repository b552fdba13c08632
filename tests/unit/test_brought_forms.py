"""Pictures, COCO results and our own files that are brought along: each form, each fault."""

import json

import numpy as np
import pytest
from brought_scans import DEPTH, STUDY, Scans, index, pictures
from coco_files import BOX, ELL, SIZE, Maker
from own_files import SHAPE, labels
from PIL import Image

from gliomake.brought import SourceError, open_source
from gliomake.brought.cases import list_cases
from gliomake.datasets import CaseError
from gliomake.files.predictions import write_predictions
from gliomake.scoring.grids import to_size


@pytest.fixture
def scans(tmp_path):
    return Scans(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_of_slices(scans, suffix):
    pictures(scans.folder, suffix=suffix)
    found = scans.open("{case}/{case}_{slice}" + suffix).read(scans.case())
    np.testing.assert_array_equal(found.probability, scans.truth_of())
    assert found.missing == 0 and len(found.files) == DEPTH


def test_a_missing_slice_is_empty_and_counted(scans):
    pictures(scans.folder, numbers=[0, 1, 3])
    found = scans.open("{case}/{case}_{slice}.png").read(scans.case())
    assert found.missing == 1 and not found.probability[2].any()
    np.testing.assert_array_equal(found.probability[1], scans.truth_of()[1])


def test_a_picture_of_a_slice_that_is_not_there(scans):
    pictures(scans.folder)
    pictures(scans.folder, numbers=[0])
    (scans.folder / "A" / "A_0.png").rename(scans.folder / "A" / "A_17.png")
    with pytest.raises(CaseError, match="slices 17, which the truth does not have"):
        scans.open("{case}/{case}_{slice}.png").read(scans.case())


def test_a_picture_of_another_size(scans):
    pictures(scans.folder, values=labels()[:-1])
    with pytest.raises(CaseError, match=r"a picture of \(5, 5\) pixels.*A_0\.png|A_0\.png.*5, 5"):
        scans.open("{case}/{case}_{slice}.png").read(scans.case())


def test_pictures_a_class(scans):
    truth = scans.truth_of()
    for column, name in enumerate(STUDY):
        for number in range(DEPTH):
            image = Image.fromarray(truth[number, column] * 255)
            image.save(scans.folder / f"A_{number}_{name}.png")
    found = scans.open("{case}_{slice}_{class}.png").read(scans.case())
    np.testing.assert_array_equal(found.probability, truth)


class Results:
    """A COCO set and a results file for it."""

    def __init__(self, tmp_path):
        maker = Maker(tmp_path / "coco")
        self.dataset = maker.open()
        self.cases, self.slices = index(self.dataset)
        self.folder = tmp_path

    def open(self, items, name="results_test.json", pattern="results_{folder}.json"):
        (self.folder / name).write_text(json.dumps(items))
        return open_source(
            self.folder, pattern, classes=("tumour",), labels={}, dataset=self.dataset,
            cases=self.cases,
        )  # fmt: skip

    def case(self, name="test/a.png"):
        return {each.case: each for each in list_cases(self.cases, self.slices)}[name]


def result(segmentation, score=None, image=7):
    scored = {} if score is None else {"score": score}
    return {"image_id": image, "category_id": 3, "segmentation": segmentation, **scored}


def test_instances_are_drawn_with_their_largest_score(tmp_path):
    results = Results(tmp_path)
    rle = {"size": list(SIZE), "counts": [0, SIZE[0], SIZE[0] * (SIZE[1] - 1)]}
    source = results.open([result(BOX, 0.3), result(ELL, 0.75), result(rle)])
    found = source.read(results.case()).probability[0, 0]
    assert found.shape == SIZE
    assert (found[:, 0] == 1).all()
    assert found[5, 8] == np.float32(0.3) and found[2, 2] == 0.75 and found[19, 29] == 0
    assert source.cases() == {"test/a.png", "test/b.png"}
    assert source.read(results.case("valid/a.png")).missing == 1
    assert source.read(results.case("test/b.png")).missing == 0


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([result(BOX, image=99)], "1 instances of 1 images that the data set does not have"),
        ([result(BOX, 97)], "score 97; expected 0 to 1"),
        ([{"image_id": 7}], "entry 0 has not all of"),
        ({"annotations": []}, "found a dict; expected COCO's results, a list"),
    ],
)
def test_a_spoilt_results_file_is_named(tmp_path, items, words):
    with pytest.raises(SourceError, match=words) as told:
        Results(tmp_path).open(items)
    assert "results_test.json" in str(told.value)


def test_ids_of_several_folders_ask_for_a_file_a_folder(tmp_path):
    with pytest.raises(SourceError, match=r"give a file a folder, with \{folder\}"):
        Results(tmp_path).open([], "results.json", "results.json")


def test_a_segmentation_that_cannot_be_drawn_is_named(tmp_path):
    results = Results(tmp_path)
    source = results.open([result([[1, 2, 3]])])
    with pytest.raises(CaseError, match=r"results_test\.json.*polygon"):
        source.read(results.case())


def stored(scans, names=STUDY, patients="A", size=(3, 4)):
    values = np.random.default_rng(1).uniform(size=(DEPTH * len(patients), len(names), *size))
    write_predictions(
        scans.folder / "predictions.h5",
        [values],
        patient=[name for name in patients for _ in range(DEPTH)],
        slice=list(range(DEPTH)) * len(patients),
        subset=["test"] * len(values),
        spacing=np.ones((len(values), 3)),
        attributes={"study": "s", "model": "m", "run": "r", "classes": names, "threshold": 0.5},
    )
    return values.astype(np.float16).astype(np.float32)


def test_our_own_predictions_are_brought_to_the_scan(scans):
    values = stored(scans, names=("oedema", "core"))
    found = scans.open("predictions.h5").read(scans.case())
    np.testing.assert_allclose(found.probability, to_size(values[:, ::-1], SHAPE[:2]), atol=1e-6)
    assert scans.open("predictions.h5").cases() == {"A"}
    assert scans.open("predictions.h5").read(scans.case("B")).missing == DEPTH


def test_our_own_predictions_of_others(scans):
    stored(scans, patients="AX")
    with pytest.raises(SourceError, match=r"slices of 1 patients .* \(X\)"):
        scans.open("predictions.h5").cases()
    stored(scans, names=("core", "other"))
    with pytest.raises(SourceError, match="expected oedema as well"):
        scans.open("predictions.h5")
