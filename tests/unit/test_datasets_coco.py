import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from coco_files import BOX, ELL, SIZE, Maker, annotation, pixels
from PIL import Image

from gliomake.datasets import CaseError
from gliomake.datasets.coco import ANNOTATIONS, CocoDataset
from gliomake.datasets.duplicates import MIN_CORRELATION, edge_vectors, near_pairs, thumbnail

REAL = Path(__file__).parents[2] / "../shared/data/coco"


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path / "set")


def expected_box():
    mask = np.zeros(SIZE, np.uint8)
    mask[2:8, 4:10] = 1
    return mask


# ---- listing and loading


def test_cases_and_their_numbers_run_over_the_folders_by_image_id(maker):
    dataset = maker.open()
    assert dataset.cases() == sorted(
        f"{f}/{n}.png" for f in ("train", "valid", "test") for n in "ab"
    )
    numbers = {case: int(dataset.load(case).slices[0]) for case in dataset.cases()}
    # In each folder b has the lower id.
    order = ["train/b", "train/a", "valid/b", "valid/a", "test/b", "test/a"]
    assert numbers == {f"{name}.png": number for number, name in enumerate(order)}
    assert {row["folder"] for row in dataset.metadata().values()} == {"train", "valid", "test"}
    assert dataset.check_root() == []


def test_an_image_and_its_mask(maker):
    volume = maker.open().load("train/a.png", ["grey"])
    np.testing.assert_array_equal(volume.image[0, 0], pixels(0))
    np.testing.assert_array_equal(volume.mask[0, 0], expected_box())
    assert (volume.image.dtype, volume.mask.dtype) == (np.uint8, np.uint8)
    assert (volume.patient, volume.spacing) == ("", None)


def test_an_image_without_annotation_has_an_empty_mask(maker):
    report = maker.open().inspect("train/b.png")
    assert not report.problems
    assert report.slices == [{"slice": 0, "height": 20, "width": 30, "tumour": 0}]


def test_a_report_survives_json(maker):
    for case in ("train/a.png", "train/b.png"):
        report = asdict(maker.open().inspect(case))
        assert json.loads(json.dumps(report)) == report


def test_annotations_of_an_image_are_united(maker):
    other = [[8, 6, 14, 6, 14, 12, 8, 12], [20, 1, 22, 1, 22, 3, 20, 3]]
    maker.content["train"]["annotations"].append(annotation(1, 7, other))
    expected = expected_box()
    expected[6:12, 8:14] = 1
    expected[1:3, 20:22] = 1
    np.testing.assert_array_equal(maker.open().load("train/a.png").mask[0, 0], expected)


def test_colour_becomes_luminance(maker):
    colour = np.zeros((*SIZE, 3), np.uint8)
    colour[:10] = (255, 0, 0)
    colour[10:] = (0, 255, 0)
    Image.fromarray(colour).save(maker.root / "train" / "a.png")
    grey = maker.open().load("train/a.png").image[0, 0]
    assert np.unique(grey[:10]).tolist() == [76]  # 0.299 * 255
    assert np.unique(grey[10:]).tolist() == [150]  # 0.587 * 255, rounded by Pillow


def test_the_outer_folder_will_do(maker):
    maker.open()
    assert len(CocoDataset(maker.root.parent).cases()) == 6


def test_unknown_channel(maker):
    with pytest.raises(ValueError, match="flair"):
        maker.open().load("train/a.png", ["flair"])


# ---- what is refused


def spoil_first(key, value):
    def spoil(maker):
        maker.content["train"]["images"][0][key] = value

    return spoil


def link_out(maker):
    Image.fromarray(pixels(0)).save(maker.root.parent / "outside.png")
    (maker.root / "train" / "a.png").unlink()
    (maker.root / "train" / "a.png").symlink_to(maker.root.parent / "outside.png")


def wrong_size(maker):
    Image.fromarray(pixels(0)[:-1]).save(maker.root / "train" / "a.png")


def cut_image(maker):
    path = maker.root / "train" / "a.png"
    path.write_bytes(path.read_bytes()[:60])


def no_image(maker):
    (maker.root / "train" / "a.png").unlink()


def unknown_category(maker):
    maker.content["train"]["annotations"][0]["category_id"] = 9


def empty_segmentation(maker):
    maker.content["train"]["annotations"][0]["segmentation"] = []


def doubled_id(maker):
    maker.content["train"]["images"][1]["id"] = 7


def doubled_file(maker):
    maker.content["train"]["images"][1]["file_name"] = "a.png"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_first("file_name", "../valid/a.png"), "leads out of the data set"),
        (spoil_first("file_name", "/etc/hostname"), "leads out of the data set"),
        (spoil_first("file_name", "C:\\a.png"), "leads out of the data set"),
        (spoil_first("file_name", "..\\valid\\a.png"), "leads out of the data set"),
        (link_out, "leads out of the data set"),
        (no_image, "no such file"),
        (wrong_size, r"\(19, 30\), expected \(20, 30\)"),
        (cut_image, "damaged image"),
        (unknown_category, "annotation 0 of an unknown category 9, expected one of 0, 1"),
        (empty_segmentation, "annotation 0 with no segmentation"),
        (doubled_id, "image id 7 2 times"),
        (doubled_file, "two entries for this file"),
    ],
)
def test_a_spoilt_image_is_an_error_that_names_case_and_file(maker, spoil, message):
    spoil(maker)
    dataset = maker.open()
    bad = [case for case in dataset.cases() if dataset.inspect(case).problems]
    assert {case.split("/")[0] for case in bad} == {"train"}
    for case in bad:
        with pytest.raises(CaseError, match=message) as caught:
            dataset.load(case)
        assert caught.value.case == case
        assert dataset.inspect(case).problems == [caught.value.problem]
        assert not dataset.inspect(case).slices


def test_nothing_outside_the_data_set_is_read(maker, monkeypatch):
    spoil_first("file_name", "../../outside.png")(maker)
    Image.fromarray(pixels(0)).save(maker.root.parent / "outside.png")
    dataset = maker.open()
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("an image was opened"))
    (case,) = (case for case in dataset.cases() if "outside" in case)
    assert dataset.inspect(case).problems


def test_a_data_set_may_itself_be_a_link(maker):
    maker.open()
    link = maker.root.parent / "link"
    link.symlink_to(maker.root)
    dataset = CocoDataset(link)
    assert not any(dataset.inspect(case).problems for case in dataset.cases())


def test_folders_that_are_links_out_of_the_root_are_read_on_request(maker):
    expected = maker.open()
    links = maker.root.parent / "links"
    links.mkdir()
    for folder in ("train", "valid", "test"):
        (links / folder).symlink_to(maker.root / folder)
    with pytest.raises(CaseError, match=r"leads out of the data set.*links: anywhere"):
        CocoDataset(links)
    dataset = CocoDataset(links, links="anywhere")
    assert not any(dataset.inspect(case).problems for case in dataset.cases())
    for case in expected.cases():
        np.testing.assert_array_equal(dataset.load(case).image, expected.load(case).image)


def test_links_within_the_root_are_read(maker):
    maker.open()
    (maker.root / "train").rename(maker.root / "there")
    (maker.root / "train").symlink_to("there")
    (maker.root / "train" / "a.png").unlink()
    (maker.root / "train" / "a.png").symlink_to("b.png")
    dataset = CocoDataset(maker.root)
    assert not any(dataset.inspect(case).problems for case in dataset.cases())


@pytest.mark.parametrize("name", ["../valid/a.png", "/etc/hostname", "..\\valid\\a.png"])
def test_no_name_leads_out_of_a_folder_that_is_a_link(maker, name):
    spoil_first("file_name", name)(maker)
    maker.open()
    (maker.root / "train").rename(maker.root.parent / "elsewhere")
    (maker.root / "train").symlink_to(maker.root.parent / "elsewhere")
    dataset = CocoDataset(maker.root, links="anywhere")
    [problem] = [p for case in dataset.cases() for p in dataset.inspect(case).problems]
    assert "leads out of the data set" in problem.message


def test_problems_of_no_case(maker):
    maker.content["train"]["annotations"].append(annotation(5, 99, BOX))
    [problem] = maker.open().check_root()
    assert problem.case == ""
    assert "annotation 5 of an unknown image id 99" in problem.message


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"images": 3, "annotations": [], "categories": []}', b"\xff\xfe\x00"],
)
def test_a_json_that_cannot_be_understood(maker, text):
    maker.open()
    path = maker.root / "valid" / ANNOTATIONS
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CaseError, match=r"valid/_annotations.coco.json: found unreadable JSON"):
        CocoDataset(maker.root)


@pytest.mark.parametrize(
    ("key", "value"), [("id", "7"), ("height", 0), ("width", 2.5), ("file_name", "")]
)
def test_an_image_entry_that_cannot_be_understood(maker, key, value):
    spoil_first(key, value)(maker)
    with pytest.raises(CaseError, match="unreadable JSON"):
        maker.open()


def test_a_root_without_a_data_set(tmp_path):
    with pytest.raises(CaseError, match="no COCO data set"):
        CocoDataset(tmp_path)
    with pytest.raises(CaseError, match="no such folder"):
        CocoDataset(tmp_path / "nowhere")


# ---- findings


def findings(dataset):
    reports = [dataset.inspect(case) for case in dataset.cases()]
    assert not any(report.problems for report in reports)
    return {finding.kind: finding for finding in dataset.compare(reports)}


def test_boxes_are_found_and_counted(maker):
    maker.content["train"]["annotations"] = [annotation(0, 7, ELL)]
    found = findings(maker.open())["boxes"]
    assert "2 of 3 annotations (66.7%)" in found.message
    assert "masks are boxes, not outlines, and a Dice" in found.message
    assert found.cases == ("test/a.png", "valid/a.png")


def test_outlines_are_not_called_boxes(maker):
    for folder in ("train", "valid"):
        maker.content[folder]["annotations"] = [annotation(0, 7, ELL)]
    found = findings(maker.open())
    assert "boxes" not in found
    assert found["some-boxes"].message.startswith("1 of 3 annotations (33.3%)")
    maker.content["test"]["annotations"] = [annotation(0, 7, ELL)]
    assert not {"boxes", "some-boxes"} & set(findings(maker.open()))


def test_idle_categories_and_images_without_annotation(maker):
    found = findings(maker.open())
    assert "the categories 0: Tumor; in use: 1: 0" in found["unused-categories"].message
    assert found["no-annotation"].cases == ("test/b.png", "train/b.png", "valid/b.png")
    assert "3 of 6 images" in found["no-annotation"].message


def test_different_images_are_no_duplicates(maker):
    assert not [kind for kind in findings(maker.open()) if "duplicates" in kind]


def test_exact_copies_across_and_within_folders(maker):
    shutil.copy(maker.root / "train" / "a.png", maker.root / "test" / "b.png")
    shutil.copy(maker.root / "valid" / "a.png", maker.root / "valid" / "b.png")
    found = findings(maker.open())
    assert found["exact-duplicates-across-folders"].cases == ("test/b.png", "train/a.png")
    assert found["exact-duplicates"].cases == ("valid/a.png", "valid/b.png")
    assert "near-duplicates" not in found  # an exact copy is not counted twice


def test_a_copy_stored_anew_is_a_near_duplicate(maker):
    image = Image.fromarray(pixels(0)).resize((300, 200), Image.Resampling.BICUBIC)
    brighter = image.point(lambda value: min(255, int(value * 1.1) + 5))
    image.save(maker.root / "train" / "a.png")
    brighter.save(maker.root / "test" / "b.png", format="jpeg", quality=60)
    for folder, index in (("train", 0), ("test", 1)):
        maker.content[folder]["images"][index].update(height=200, width=300)
    found = findings(maker.open())
    assert found["near-duplicates-across-folders"].cases == ("test/b.png", "train/a.png")
    assert "a leak between subsets" in found["near-duplicates-across-folders"].message


def test_flat_images_are_near_to_nothing():
    flat = thumbnail(np.full(SIZE, 7, np.uint8))
    assert near_pairs([flat, flat, thumbnail(pixels(0))]) == []


def test_correlation_against_numpy():
    thumbnails = [thumbnail(pixels(seed)) for seed in range(3)]
    vectors = edge_vectors(thumbnails)
    raw = []
    for seed in range(3):
        small = np.asarray(
            Image.fromarray(pixels(seed)).resize((32, 32), Image.Resampling.BOX), float
        )
        edges = [small[:-1, 1:] - small[:-1, :-1], small[1:, :-1] - small[:-1, :-1]]
        raw.append(np.concatenate([part.ravel() for part in edges]))
    np.testing.assert_allclose(vectors @ vectors.T, np.corrcoef(raw), atol=1e-5)


# ---- the public set


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the public set is not there")
def test_the_public_set():
    dataset = CocoDataset(REAL)
    reports = [dataset.inspect(case) for case in dataset.cases()]
    folders = [row["folder"] for row in dataset.metadata().values()]
    assert [folders.count(folder) for folder in ("train", "valid", "test")] == [300, 86, 43]
    assert not any(report.problems for report in reports)
    assert sorted(report.slices[0]["slice"] for report in reports) == list(range(429))
    annotations = [report.facts["annotations"] for report in reports]
    assert [annotations.count(number) for number in (0, 1, 2)] == [1, 427, 1]
    found = {finding.kind: finding for finding in dataset.compare(reports)}
    assert "429 of 429 annotations (100.0%)" in found["boxes"].message
    assert "0: Tumor" in found["unused-categories"].message
    # Neighbouring slices of one head lie on both sides: their file numbers run on.
    thumbnails = [report.facts["thumbnail"] for report in reports]
    numbers = [int(report.case.split("/")[1].split("_")[0]) for report in reports]
    pairs = near_pairs(thumbnails)
    near = [abs(numbers[a] - numbers[b]) <= 12 for _, a, b in pairs]
    assert len(pairs) > 40
    assert min(r for r, _, _ in pairs) >= MIN_CORRELATION
    assert np.mean(near) > 0.9
    assert "near-duplicates-across-folders" in found
