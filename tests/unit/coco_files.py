"""A small COCO set, spoilt by editing what its JSON says."""

import json

import numpy as np
from PIL import Image

from gliomake.datasets.coco import ANNOTATIONS, CocoDataset

SIZE = (20, 30)  # height, width: they differ, so that a mix-up shows
BOX = [[4, 2, 10, 2, 10, 8, 4, 8]]
ELL = [[0, 0, 9, 0, 9, 4, 4, 4, 4, 9, 0, 9]]


def pixels(seed):
    """An image with edges to recognise it by."""
    coarse = np.random.default_rng(seed).integers(0, 255, (5, 6), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(SIZE[::-1], Image.Resampling.BICUBIC))


def annotation(number, image, segmentation, category=1):
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": segmentation,
        "iscrowd": 0,
    }


class Maker:
    """A small data set, spoilt by editing what its JSON says."""

    def __init__(self, root):
        self.root = root
        self.content = {}
        for number, folder in enumerate(("train", "valid", "test")):
            (root / folder).mkdir(parents=True)
            names = ["a.png", "b.png"]
            for index, name in enumerate(names):
                Image.fromarray(pixels(10 * number + index)).save(root / folder / name)
            self.content[folder] = {
                "images": [
                    {"id": 7 - i, "file_name": n, "height": SIZE[0], "width": SIZE[1]}
                    for i, n in enumerate(names)
                ],
                "annotations": [annotation(0, 7, BOX)],
                "categories": [{"id": 0, "name": "Tumor"}, {"id": 1, "name": "0"}],
            }

    def open(self, **options):
        for folder, content in self.content.items():
            (self.root / folder / ANNOTATIONS).write_text(json.dumps(content))
        return CocoDataset(self.root, **options)


def problems(dataset):
    """The first problem of each case that has one."""
    return {
        case: report.problems[0].message
        for case in dataset.cases()
        if (report := dataset.inspect(case)).problems
    }


def findings(dataset):
    """What the cases say together, by kind."""
    reports = [dataset.inspect(case) for case in dataset.cases()]
    return {finding.kind: finding for finding in dataset.compare(reports)}
