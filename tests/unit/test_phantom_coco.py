import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from gliomake.datasets.coco import CocoDataset
from gliomake.phantom.coco import DEPTH, write_coco
from gliomake.phantom.head import make_head

SIZE = 96


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    root = tmp_path_factory.mktemp("coco")
    write_coco(root, 6, seed=2, size=SIZE)
    return root


def contents(root):
    return {
        folder: json.loads((root / folder / "_annotations.coco.json").read_text())
        for folder in ("train", "valid", "test")
    }


def test_one_seed_gives_the_same_bytes_and_another_gives_others(phantom, tmp_path):
    def digests(root):
        files = (path for path in sorted(root.rglob("*")) if path.is_file())
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]

    write_coco(tmp_path / "same", 6, seed=2, size=SIZE)
    write_coco(tmp_path / "other", 6, seed=3, size=SIZE)
    assert digests(tmp_path / "same") == digests(phantom)
    assert not set(digests(tmp_path / "other")) & set(digests(phantom))


def test_the_reader_finds_nothing_wrong(phantom):
    dataset = CocoDataset(phantom)
    reports = [dataset.inspect(case) for case in dataset.cases()]
    assert not any(report.problems for report in reports)
    assert dataset.check_root() == []
    kinds = {finding.kind for finding in dataset.compare(reports)}
    assert {"unused-categories", "no-annotation"} <= kinds
    assert not kinds & {"boxes", "exact-duplicates", "near-duplicates-across-folders"}


def test_images_and_masks_are_those_of_the_heads(phantom):
    dataset = CocoDataset(phantom)
    heads = {patient: make_head(patient, 2, (DEPTH, SIZE, SIZE)) for patient in range(6)}
    for case in dataset.cases():
        patient, index = divmod(int(case.split("/")[1].split("_")[0]), DEPTH)
        volume = dataset.load(case)
        truth = heads[patient].tumour[index] > 0
        mask = volume.mask[0, 0] > 0
        assert truth.any() == mask.any()
        if truth.any():
            # pycocotools rounds an outline to fifths of a pixel.
            assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.98
        flair = heads[patient].flair[index]
        assert np.corrcoef(flair.ravel(), volume.image[0, 0].ravel())[0, 1] > 0.98


def test_every_kind_of_segmentation_is_there(phantom):
    kinds = set()
    for content in contents(phantom).values():
        for annotation in content["annotations"]:
            segmentation = annotation["segmentation"]
            if isinstance(segmentation, list):
                kinds.add("polygon")
                assert annotation["iscrowd"] == 0
            else:
                kinds.add(type(segmentation["counts"]).__name__)
                assert annotation["iscrowd"] == 1
    assert kinds == {"polygon", "str", "list"}


def test_layout_is_that_of_the_public_set(phantom):
    for folder, content in contents(phantom).items():
        assert {category["name"] for category in content["categories"]} == {"Tumor", "0", "1"}
        assert {annotation["category_id"] for annotation in content["annotations"]} <= {1, 2}
        annotated = {annotation["image_id"] for annotation in content["annotations"]}
        assert 0 < len(annotated) < len(content["images"])
        for image in content["images"]:
            with Image.open(phantom / folder / image["file_name"]) as file:
                assert (file.format, file.mode, file.size) == ("JPEG", "RGB", (SIZE, SIZE))


def test_no_head_is_in_two_folders(phantom):
    heads = [
        {int(image["file_name"].split("_")[0]) // DEPTH for image in content["images"]}
        for content in contents(phantom).values()
    ]
    assert set.union(*heads) == set(range(6))
    assert sum(map(len, heads)) == 6


def test_boxes_in_place_of_outlines_are_found(tmp_path):
    write_coco(tmp_path, 3, 0, size=64, outlines=False)
    dataset = CocoDataset(tmp_path)
    found = {f.kind: f for f in dataset.compare([dataset.inspect(c) for c in dataset.cases()])}
    assert "(100.0%) are axis-aligned rectangles" in found["boxes"].message


@pytest.mark.parametrize("images", [(3, 1, 2), (7, 4, 1)])
def test_numbers_of_images(tmp_path, images):
    write_coco(tmp_path, 4, 0, size=48, images=images)
    assert tuple(len(content["images"]) for content in contents(tmp_path).values()) == images


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="expected a head"):
        write_coco(tmp_path, 2)
    with pytest.raises(ValueError, match="expected a head"):
        write_coco(tmp_path, 5, images=(3, 2))
