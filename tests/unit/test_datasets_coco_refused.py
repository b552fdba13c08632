"""COCO sets as they come: other names and encodings are read and said, what is doubtful is not."""

import errno
import json
import os
import unicodedata

import numpy as np
import pytest
from coco_files import BOX, ELL, SIZE, Maker, annotation, pixels
from PIL import Image

from gliomake.datasets import CaseError
from gliomake.datasets.coco import ANNOTATIONS, CocoDataset
from gliomake.datasets.coco_categories import kind_of
from gliomake.datasets.root import AccessError, Limits
from gliomake.prepare.index import BadDataError, merge_index, read_index_group, write_index_group


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path / "set")


def problems(dataset):
    return {
        case: report.problems[0].message
        for case in dataset.cases()
        if (report := dataset.inspect(case)).problems
    }


def findings(dataset):
    reports = [dataset.inspect(case) for case in dataset.cases()]
    return {finding.kind: finding for finding in dataset.compare(reports)}


def rename(maker, old, new):
    """Rename an image on disk and in its JSON."""
    (maker.root / "train" / old).rename(maker.root / "train" / new)
    for image in maker.content["train"]["images"]:
        if image["file_name"] == old:
            image["file_name"] = new


# ---- folders and files


@pytest.mark.parametrize("name", ["val", "Validation", "VALID", "Val"])
def test_a_validation_folder_of_another_name_is_read_and_said(maker, name):
    maker.open()
    (maker.root / "valid").rename(maker.root / name)
    dataset = CocoDataset(maker.root)
    assert [case for case in dataset.cases() if case.startswith("valid/")] == [
        "valid/a.png",
        "valid/b.png",
    ]
    assert not problems(dataset)
    assert dataset.metadata()["valid/a.png"]["folder"] == "valid"
    assert findings(dataset)["other-names"].message == f"{name} is read as valid"


def test_two_folders_for_one_are_refused(maker):
    maker.open()
    (maker.root / "val").mkdir()
    (maker.root / "val" / ANNOTATIONS).write_text("{}")
    with pytest.raises(CaseError, match="2 folders for valid: val, valid"):
        CocoDataset(maker.root)
    (maker.root / "val" / ANNOTATIONS).unlink()
    assert CocoDataset(maker.root).metadata()["valid/a.png"]["folder"] == "valid"


@pytest.mark.parametrize("folder", ["train", "valid", "test"])
def test_a_missing_folder_stops_and_is_named(maker, folder):
    maker.open()
    (maker.root / folder).rename(maker.root / "aside")
    with pytest.raises(CaseError, match=f"no folder for {folder} .*aside.*no setting passes"):
        CocoDataset(maker.root)


def test_the_only_json_is_read_whatever_its_name(maker):
    maker.open()
    (maker.root / "valid" / ANNOTATIONS).rename(maker.root / "valid" / "instances_val.json")
    dataset = CocoDataset(maker.root)
    assert not problems(dataset)
    assert "valid/instances_val.json is the only JSON" in findings(dataset)["other-names"].message
    (maker.root / "valid" / "info.json").write_text("{}")
    with pytest.raises(CaseError, match=r"several other JSON files: info.json, instances_val.json"):
        CocoDataset(maker.root)


def test_a_folder_without_json_is_refused(maker):
    maker.open()
    (maker.root / "valid" / ANNOTATIONS).unlink()
    with pytest.raises(CaseError, match="no such file, expected the annotations of valid"):
        CocoDataset(maker.root)


def test_images_in_a_folder_of_their_own_are_found(maker):
    maker.open()
    for folder in ("train", "test"):
        inner = maker.root / folder / "images"
        inner.mkdir()
        for name in ("a.png", "b.png"):
            (maker.root / folder / name).rename(inner / name)
    assert not problems(CocoDataset(maker.root))


def test_a_download_that_was_not_unpacked(tmp_path):
    (tmp_path / "archive.zip").touch()
    with pytest.raises(CaseError, match=r"no COCO data set .*archive.zip.*; unpack archive.zip"):
        CocoDataset(tmp_path)


# ---- names


def test_accents_may_be_spelt_otherwise_on_disk(maker):
    composed, split = "t\u00eate \u00f6.png", unicodedata.normalize("NFD", "t\u00eate \u00f6.png")
    assert composed != split
    expected = pixels(0)
    for disk, listed in ((split, composed), (composed, split)):
        (maker.root / "train" / "a.png").rename(maker.root / "train" / disk)
        maker.content["train"]["images"][0]["file_name"] = listed
        dataset = maker.open()
        np.testing.assert_array_equal(dataset.load(f"train/{listed}").image[0, 0], expected)
        (maker.root / "train" / disk).rename(maker.root / "train" / "a.png")


def test_slashes_of_either_kind_lead_into_folders(maker):
    (maker.root / "train" / "sub").mkdir()
    (maker.root / "train" / "a.png").rename(maker.root / "train" / "sub" / "a.png")
    for name in ("sub/a.png", "./sub/a.png", "sub\\a.png"):
        maker.content["train"]["images"][0]["file_name"] = name
        assert not problems(maker.open())


def test_names_that_differ_in_capitals_are_pointed_out(maker):
    (maker.root / "train" / "a.png").rename(maker.root / "train" / "A.PNG")
    [message] = problems(maker.open()).values()
    assert "no such file, but 'A.PNG', which differs in capitals" in message
    assert "rename the file" in message


@pytest.mark.parametrize("name", ["b.png", "./b.png", "b.png"])
def test_two_entries_for_one_file_are_refused(maker, name):
    maker.content["train"]["images"][0]["file_name"] = name
    assert "two entries for this file" in problems(maker.open())["train/b.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\0b.png", "control character"),
        ("a\rb.png", "control character"),
        ("a\nb.png", "control character"),
        ("a\tb.png", "control character"),
        ("\ud800.png", "half of a surrogate pair"),
        ("a" * 300, "300 characters, more than 200 (limits.name_length)"),
        ("a" * 100_000, "100000 characters"),
        ("/etc/passwd", "leads out of the data set"),
        ("../valid/a.png", "leads out of the data set"),
        ("sub\\..\\..\\a.png", "leads out of the data set"),
        ("\\\\server\\a.png", "leads out of the data set"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_name_that_is_no_file_name_costs_its_image_alone(maker, name, message):
    maker.content["train"]["images"][0]["file_name"] = name
    found = problems(maker.open())
    [case] = found
    assert message in found[case]
    assert case.isprintable()
    assert len(case) < 400


def test_a_formula_for_a_name_stays_within_its_folder(maker):
    name = "=cmd|' C calc'!A0.png"
    rename(maker, "a.png", name)
    dataset = maker.open()
    # Nothing but letters begins a case, whatever a spreadsheet makes of the rest.
    assert f"train/{name}" in dataset.cases()
    assert not problems(dataset)


def test_a_pipe_and_a_folder_for_an_image_are_refused(maker):
    for place, make in (("a.png", os.mkfifo), ("b.png", os.mkdir)):
        (maker.root / "train" / place).unlink()
        make(maker.root / "train" / place)
    found = problems(maker.open())
    assert "a device, pipe or socket" in found["train/a.png"]
    assert "found a folder" in found["train/b.png"]


def test_what_the_machine_could_not_read_is_no_refusal(maker, monkeypatch):
    dataset = maker.open()
    real = os.open

    def locked(path, *args, **kwargs):
        if str(path).endswith("a.png"):
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", locked)
    with pytest.raises(AccessError, match=r"train/a.png"):
        dataset.inspect("train/a.png")
    assert not dataset.inspect("train/b.png").problems


def test_a_folder_that_may_not_be_listed_is_no_missing_data_set(maker, monkeypatch):
    maker.open()
    real = os.listdir

    def denied(path="."):
        if str(path).endswith("valid"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", denied)
    with pytest.raises(AccessError, match=r"valid.*Permission denied.*chmod"):
        CocoDataset(maker.root)


def test_an_unreadable_folder_beside_the_set_is_passed_over(maker, monkeypatch):
    maker.open()
    (maker.root.parent / "aside").mkdir()
    real = os.listdir

    def denied(path="."):
        if str(path).endswith("aside"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", denied)
    assert len(CocoDataset(maker.root.parent).cases()) == 6


# ---- the JSON


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_json_in_any_unicode_is_read(maker, encoding):
    rename(maker, "a.png", "t\u00eate.png")
    maker.open()
    text = json.dumps(maker.content["train"], ensure_ascii=False)
    (maker.root / "train" / ANNOTATIONS).write_bytes(text.encode(encoding))
    dataset = CocoDataset(maker.root)
    assert "train/t\u00eate.png" in dataset.cases()
    assert not problems(dataset)


def changed(**changes):
    content = {"images": [], "annotations": [], "categories": []}
    return json.dumps(content | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ('{"images": []', "Expecting"),
        ("[" * 200_000, "nested too deeply"),
        ("3", "a int where an object"),
        ('{"images": [], "annotations": []}', "no key 'categories'"),
        ('{"images": [], "images": []}', "the key 'images' twice"),
        (changed(images={}), "'images' is {}, not a list"),
        (changed(images=[1, 2]), r"'images' is \[1, 2\], not a list of objects"),
        (changed(annotations=None), "'annotations' is None"),
        (changed(annotations=[[]]), "'annotations' is"),
        (changed(annotations=[{}]), "an annotation of image id None"),
        (changed(annotations=[{"image_id": True}]), "an annotation of image id True"),
        (changed(annotations=[{"image_id": float("nan")}]), "an annotation of image id nan"),
        (changed(images=[{"id": 10**30, "height": 1, "width": 1}]), "an image with"),
        (changed(images=[{"id": 1, "height": True, "width": 1}]), "an image with"),
        (changed(images=[{"id": 1, "height": 1, "width": -1}]), "an image with"),
        (changed(images=[{"id": 1, "height": 1, "width": 1}]), "image 1 with file name None"),
        (changed(categories=[{"id": 1}]), "a category with id, name"),
        (changed(categories=[{"id": [1], "name": "a"}]), "a category with id, name"),
        (changed(categories=[{"id": 1, "name": "a"}] * 2), "two categories of id 1"),
        ('{"images": [' + "9" * 5000 + "]}", "4300 digits"),
        ("t\u00eate".encode("latin-1"), "no text in UTF-8"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_json_that_is_not_coco_says_why(maker, text, message):
    maker.open()
    path = maker.root / "train" / ANNOTATIONS
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CaseError, match=message) as caught:
        CocoDataset(maker.root)
    assert caught.value.found.startswith("unreadable JSON")
    assert len(str(caught.value)) < 500


def test_annotations_that_cannot_be_drawn_are_listed_each(maker):
    bad = [[], None, 3, "polygon", BOX[0], [[1, 2, 3, 4]], {"size": [30, 20], "counts": [600]}]
    for number, segmentation in enumerate(bad):
        name = f"{number}.png"
        Image.fromarray(pixels(50 + number)).save(maker.root / "train" / name)
        image = {"id": 100 + number, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
        maker.content["train"]["images"].append(image)
        maker.content["train"]["annotations"].append(
            annotation(100 + number, 100 + number, segmentation)
        )
    del maker.content["train"]["annotations"][-1]["segmentation"]
    found = problems(maker.open())
    assert sorted(found) == [f"train/{number}.png" for number in range(len(bad))]
    for number in range(len(bad)):
        assert f"found annotation {100 + number} with" in found[f"train/{number}.png"]


@pytest.mark.parametrize("category", [[1], None, "1", True, 10**30, {}])
def test_a_category_of_another_type_costs_its_image_alone(maker, category):
    maker.content["train"]["annotations"][0]["category_id"] = category
    [message] = problems(maker.open()).values()
    assert "annotation 0 of an unknown category" in message


def test_outlines_of_one_image_are_bounded_together(maker):
    zigzag = [[0, 0, 29, 0, 0, 1, 29, 1, 0, 2, 29, 2]]
    maker.content["train"]["annotations"] = [annotation(n, 7, zigzag) for n in range(10)]
    # Each is 174 pixels long, and 20 pixels a point are allowed: 12 points, 240 pixels.
    [message] = problems(maker.open(limits=Limits(polygon_points=12))).values()
    assert "outlines of more than 240 pixels' length in one image" in message


def test_limits_are_those_of_the_data_set(maker):
    found = problems(maker.open(limits={"slice_pixels": 599}))
    assert len(found) == 6
    assert (
        "30 x 20 pixels, expected at most 599 pixels (limits.slice_pixels)" in found["train/a.png"]
    )
    with pytest.raises(ValueError, match="links: 'outside'"):
        maker.open(links="outside")


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


# ---- what is left


def index(dataset, folder, on_bad_case="skip"):
    write_index_group(dataset, dataset.cases(), folder / "group.json")
    merge_index(
        dataset,
        read_index_group(folder / "group.json"),
        data="real",
        on_bad_case=on_bad_case,
        slices_path=folder / "slices.tsv",
        cases_path=folder / "cases.tsv",
        integrity_path=folder / "integrity.json",
    )


def test_skip_does_not_go_on_without_a_folder(maker, tmp_path):
    for name in ("a.png", "b.png"):
        (maker.root / "valid" / name).unlink()
    with pytest.raises(BadDataError, match="valid: found no case of this folder"):
        index(maker.open(), tmp_path)
    assert not (tmp_path / "cases.tsv").exists()
    Image.fromarray(pixels(10)).save(maker.root / "valid" / "a.png")
    index(maker.open(), tmp_path)
    assert json.loads((tmp_path / "integrity.json").read_text())["cases"]["kept"] == 5


def test_a_folder_that_lists_no_image_stops(maker, tmp_path):
    maker.content["test"].update(images=[], annotations=[])
    with pytest.raises(BadDataError, match="test: found no case of this folder"):
        index(maker.open(), tmp_path)


def test_nothing_left_is_said_and_not_stumbled_over(maker, tmp_path):
    for path in maker.root.glob("*/*.png"):
        path.unlink()
    with pytest.raises(BadDataError, match="no case can be used"):
        index(maker.open(), tmp_path)
    failed = json.loads((tmp_path / "integrity.failed.json").read_text())
    assert len(failed["refused"]) == 6
