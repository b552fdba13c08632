"""A COCO set of one's own: classes by category, patients by file name."""

import pytest
from coco_files import BOX, ELL, Maker, annotation

from gliomake.datasets import CaseError, open_dataset

CLASSES = {"lesion": ["Tumor"], "rim": ["0"]}


@pytest.fixture
def maker(tmp_path):
    made = Maker(tmp_path / "set")
    for content in made.content.values():
        content["annotations"] = [annotation(0, 7, BOX, 0), annotation(1, 7, ELL, 1)]
    made.open(categories=["Tumor"])
    return made


def opened(maker, **more):
    options = {"channels": {"t1": "t1"}, "classes": CLASSES} | more
    return open_dataset("mine", maker.root, reader="coco", name="mine", **options)


def test_each_class_is_the_union_of_its_categories(maker):
    dataset = opened(maker)
    assert (dataset.name, dataset.channels, dataset.classes) == ("mine", ("t1",), ("lesion", "rim"))
    loaded = dataset.load("train/a.png", ["t1"])
    assert loaded.patient == "" and loaded.mask.shape[:2] == (1, 2)
    box, ell = loaded.mask[0]
    assert box[2:8, 4:10].all() and box.sum() == 36
    assert ell[0, 8] and not box[0, 8]
    [row] = dataset.inspect("train/a.png").slices
    assert (row["lesion"], row["rim"]) == (36, int(ell.sum()))


def test_a_class_without_categories_has_that_of_its_name(maker):
    loaded = opened(maker, classes={"tumor": []}).load("train/a.png")
    assert loaded.mask.sum() == 36


def test_a_category_that_is_not_there_names_the_page_s_classes(maker):
    with pytest.raises(CaseError, match=r"no category 'Tumour'.*correct datasets.mine.classes"):
        opened(maker, classes={"lesion": ["Tumour"]})


def test_patients_are_in_the_names_of_the_files(maker):
    dataset = opened(maker, patient="^([a-z])")
    assert {dataset.load(case).patient for case in dataset.cases()} == {"a", "b"}
    assert not dataset.needed_folders
    numbers = [int(dataset.load(case).slices[0]) for case in dataset.cases()]
    assert len(set(numbers)) == len(numbers)


def test_a_file_whose_name_says_no_patient_is_refused(maker):
    (problem,) = opened(maker, patient="^x(.)").inspect("train/a.png").problems
    assert "the expression `patient: ^x(.)` does not fit" in problem.message
