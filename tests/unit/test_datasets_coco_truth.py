"""COCO truth: what contradicts its own description, and which categories make the mask."""

import numpy as np
import pytest
from coco_files import BOX, ELL, SIZE, Maker, annotation, findings, pixels, problems
from PIL import Image

from gliomake.datasets import CaseError
from gliomake.datasets.coco_categories import kind_of


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path / "set")


# ---- a truth that contradicts its own description


def stated(number, image, segmentation, **description):
    return annotation(number, image, segmentation) | description


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"area": 36, "bbox": [4, 2, 6, 6]}, ""),
        ({"area": 40.5, "bbox": [3.5, 2.2, 7, 7]}, ""),
        ({"area": None, "bbox": None}, ""),
        ({"bbox": []}, ""),
        ({"area": 200}, "annotation 0: area 200, 36 pixels drawn"),
        ({"area": 2}, "annotation 0: area 2, 36 pixels drawn"),
        ({"area": "36"}, "annotation 0: an area that is no number"),
        ({"area": 10**400}, "annotation 0: an area that is no number"),
        ({"bbox": [2, 4, 6, 12]}, "annotation 0: bbox [2, 4, 6, 12], drawn [4, 2, 6, 6]"),
        ({"bbox": [4, 2]}, "annotation 0: a bbox that is not four numbers"),
        ({"bbox": [4, 2, float("nan"), 6]}, "annotation 0: a bbox that is not four numbers"),
    ],
)
def test_area_and_bbox_are_compared_with_what_is_drawn(maker, description, message):
    maker.content["train"]["annotations"] = [stated(0, 7, BOX, **description)]
    found = findings(maker.open()).get("annotation-contradictions")
    assert (found.message.split("draws: train/a.png ")[1] if found else "") == message
    assert (found.cases if found else ()) == (("train/a.png",) if message else ())


def test_a_bbox_beyond_the_image_is_clipped_as_its_outline_is(maker):
    beyond = [[20, 10, 40, 10, 40, 30, 20, 30]]
    maker.content["train"]["annotations"] = [stated(0, 7, beyond, bbox=[20, 10, 20, 20])]
    assert "annotation-contradictions" not in findings(maker.open())


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[0.1, 0.1, 0.5, 0.2, 0.5, 0.9]], "all lie between 0 and 1, as shares of the image"),
        ([[v * 10 for v in BOX[0]]], "far outside the image"),
        ([[31, 2, 40, 2, 40, 8, 31, 8]], "drawing not one pixel"),
        ([[4, 4, 20, 4, 12, 4, 4, 4]], "drawing not one pixel"),
        ({"size": list(SIZE), "counts": [600]}, "drawing not one pixel"),
    ],
)
def test_an_image_whose_annotations_draw_nothing_is_refused(maker, segmentation, message):
    maker.content["train"]["annotations"] = [annotation(0, 7, segmentation)]
    found = problems(maker.open())
    assert list(found) == ["train/a.png"]
    assert message in found["train/a.png"]
    assert "annotation 0" in found["train/a.png"]


def test_an_annotation_that_draws_nothing_beside_one_that_does_is_a_finding(maker):
    flat = annotation(1, 7, [[4, 4, 20, 4, 12, 4, 4, 4]])
    maker.content["train"]["annotations"].append(flat)
    found = findings(maker.open())["empty-annotations"]
    assert found.message.startswith("1 annotations draw no pixel")
    assert found.cases == ("train/a.png",)


def test_crowds_are_united_and_said(maker):
    maker.content["train"]["annotations"][0]["iscrowd"] = 1
    found = findings(maker.open())["crowds"]
    assert found.message.startswith("1 annotations are marked iscrowd")


def test_ids_that_occur_twice_are_said(maker):
    maker.content["train"]["annotations"].append(annotation(0, 6, BOX))
    found = findings(maker.open())["repeated-annotation-ids"]
    assert found.message.startswith("train: 1 ids of annotations occur more than once")


def test_turned_images_are_upright_and_said(maker):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(pixels(0)).save(maker.root / "train" / "a.png", exif=exif)
    dataset = maker.open()
    np.testing.assert_array_equal(dataset.load("train/a.png").image[0, 0], pixels(0)[::-1, ::-1])
    assert findings(dataset)["exif-orientation"].cases == ("train/a.png",)


def test_a_turned_image_of_the_stored_size_is_refused_with_its_orientation(maker):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels(0)).save(maker.root / "train" / "a.png", exif=exif)
    [message] = problems(maker.open()).values()
    assert "(30, 20), turned by its EXIF orientation 6, expected (20, 30)" in message


# ---- categories


def with_categories(maker, names, annotated):
    """Give each folder the categories, and train's first image annotations of some of them."""
    for folder, content in maker.content.items():
        content["categories"] = [
            {"id": number, "name": name, "supercategory": above}
            for number, (name, above) in enumerate(names)
        ]
        content["annotations"] = [
            annotation(number, 7, ELL if number else BOX, category)
            for number, category in enumerate(annotated)
            if folder == "train" or number == 0
        ]


@pytest.mark.parametrize(
    "other", ["background", "brain", "non-tumour", "No_Tumor", "normal", "Healthy", "skull"]
)
def test_a_second_category_that_is_no_tumour_is_left_out_and_said(maker, other):
    with_categories(maker, [("tumor", ""), (other, "")], [0, 1])
    dataset = maker.open()
    mask = dataset.load("train/a.png").mask[0, 0]
    assert mask.sum() == 36
    assert f"{other!r} (1)" in findings(dataset)["categories-left-out"].message


@pytest.mark.parametrize(
    ("names", "annotated"),
    [
        (["glioma", "meningioma"], [0, 1]),
        (["tumor", "object"], [0, 1]),
        (["0", "1"], [0, 1]),
        (["background", "object"], [0, 1]),
        (["brain"], [0]),
        (["no tumor"], [0]),
    ],
)
def test_categories_that_leave_it_open_are_refused_with_their_counts(maker, names, annotated):
    with_categories(maker, [(name, "") for name in names], annotated)
    with pytest.raises(CaseError, match=r"datasets\.coco\.categories") as caught:
        maker.open()
    assert caught.value.case == ""
    for number in annotated:
        assert f"'{names[number]}' ({1 if number else 3})" in caught.value.found


def test_the_asked_for_categories_make_the_mask(maker):
    with_categories(maker, [("glioma", ""), ("edema", "")], [0, 1])
    both = maker.open(categories=["Glioma", "edema"]).load("train/a.png").mask
    assert maker.open(categories=["glioma"]).load("train/a.png").mask.sum() == 36
    dataset = maker.open(categories=["edema"])
    assert dataset.load("train/a.png").mask.sum() == 56  # 9 x 4 and 4 x 5
    assert not dataset.load("valid/a.png").mask.any()
    assert both.sum() == 36 + 56 - 5 * 2
    assert "'glioma' (3)" in findings(dataset)["categories-left-out"].message


def test_an_unknown_category_is_refused_with_those_that_are_there(maker):
    with pytest.raises(CaseError, match=r"no category 'tumour'.*'0' \(3\), 'Tumor' \(0\).*Tumor"):
        maker.open(categories=["tumour"])


def test_a_folder_without_the_category_is_no_folder_without_tumour(maker):
    with_categories(maker, [("tumor", "")], [0])
    maker.content["test"]["categories"][0]["name"] = "object"
    with pytest.raises(CaseError, match="none of the categories tumor in test"):
        maker.open(categories=["tumor"])
    with pytest.raises(CaseError, match=r"'object' \(1\), 'tumor' \(2\)"):
        maker.open()


def test_numbers_below_one_tumour_are_united_and_said(maker):
    with_categories(maker, [("Tumor", "none"), ("0", "Tumor"), ("1", "Tumor")], [1, 2])
    dataset = maker.open()
    assert dataset.load("train/a.png").mask.sum() == 36 + 56 - 5 * 2
    assert "'0' (3), '1' (1)" in findings(dataset)["categories-united"].message
    with_categories(maker, [("Tumor", ""), ("head", "Tumor"), ("1", "Tumor")], [1, 2])
    with pytest.raises(CaseError, match="'head'"):
        maker.open()


def test_an_annotation_of_no_part_of_the_mask_is_not_drawn(maker):
    with_categories(maker, [("tumor", ""), ("background", "")], [0, 1])
    maker.content["train"]["annotations"][1]["segmentation"] = [[0, 0, 1e12, 0, 5, 5]]
    assert not problems(maker.open())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Brain-Tumor", "tumour"),
        ("enhancing tumour", "tumour"),
        ("low_grade_glioma", "tumour"),
        ("notumor", "other"),
        ("non-tumor", "other"),
        ("not a tumor", "other"),
        ("tumor free", "other"),
        ("healthy brain", "other"),
        ("abnormality", "open"),
        ("object", "open"),
        ("0", "open"),
    ],
)
def test_what_a_name_says(name, kind):
    assert kind_of(name) == kind
