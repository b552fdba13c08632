"""COCO sets as they come: other names and encodings are read and said, what is doubtful is not."""

import errno
import json
import os
import unicodedata

import numpy as np
import pytest
from coco_files import BOX, SIZE, Maker, annotation, findings, pixels, problems
from PIL import Image

from gliomake.datasets import CaseError
from gliomake.datasets.coco import ANNOTATIONS, CocoDataset
from gliomake.datasets.root import AccessError, Limits
from gliomake.prepare.index import BadDataError, merge_index, read_index_group, write_index_group


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path / "set")


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
