"""Three patients with masks, and a folder for predictions of them."""

import numpy as np
import pandas as pd
from own_files import CLASSES, SHAPE, case, labels, save
from PIL import Image

from gliomake.brought import open_source
from gliomake.brought.cases import list_cases
from gliomake.datasets import open_dataset

DEPTH = SHAPE[2]
STUDY = ("core", "oedema")


def index(dataset):
    """The two tables of an index, as the workflow makes them."""
    reports = [dataset.inspect(name) for name in dataset.cases()]
    described = dataset.metadata()
    assert not [problem for report in reports for problem in report.problems]
    slices = pd.DataFrame(
        [{"patient": report.patient, **row} for report in reports for row in report.slices]
    )
    cases = pd.DataFrame(
        [
            {
                "case": report.case,
                "patient": report.patient,
                "first_slice": min(row["slice"] for row in report.slices),
                "slices": len(report.slices),
                **described[report.case],
            }
            for report in reports
        ]
    )
    return cases, slices


class Scans:
    """Three patients with masks, and a folder for predictions."""

    def __init__(self, tmp_path, code="LPS", **options):
        self.truth, self.folder = tmp_path / "truth", tmp_path / "predicted"
        for seed, name in enumerate("ABC"):
            case(self.truth, name, seed, code)
        self.code = code
        self.options = {"channels": {"t2": "t2", "adc": "adc"}, "classes": CLASSES, **options}
        self.dataset = open_dataset("own", self.truth, reader="nifti", **self.options)
        self.cases, self.slices = index(self.dataset)
        self.folder.mkdir()

    def write(self, name, array, code=None, **more):
        save(np.asarray(array), self.folder / name, code or self.code, **more)

    def open(self, pattern="{case}.nii.gz", classes=STUDY, labels=None):
        return open_source(
            self.folder, pattern, classes=classes, labels=labels or {}, dataset=self.dataset,
            cases=self.cases,
        )  # fmt: skip

    def case(self, name="A"):
        return {each.case: each for each in list_cases(self.cases, self.slices)}[name]

    def truth_of(self, name="A"):
        return self.dataset.load(name).mask


LABELS = labels()


def pictures(folder, name="A", values=LABELS, numbers=range(DEPTH), suffix=".png"):
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(values[:, :, number]).save(folder / name / f"{name}_{number}{suffix}")
