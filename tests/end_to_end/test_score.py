"""`gliomake score`, from folders to a report, as docs/score-predictions.md says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from checkout import copy_checkout
from gliomake.files.tsv import read_tsv
from gliomake.verify.check import verify

SHAPE = (30, 26, 6)
AFFINE = np.diag([-1.0, -1.0, 2.5, 1.0])


def draw(seed: int, shift: int = 0) -> np.ndarray:
    """Two nested parts, moved along x."""
    rng = np.random.default_rng(seed)
    x, y, z = np.indices(SHAPE)
    centre = rng.uniform(10, 16, 2)
    away = np.hypot(np.hypot(x - centre[0] - shift, y - centre[1]), 2 * (z - 3))
    return ((away < 7).astype(np.uint8) + (away < 4)).astype(np.uint8)


def save(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, AFFINE), path)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """nnU-Net's layout, one model that is right and one that lacks two cases."""
    folder = tmp_path_factory.mktemp("score")
    checkout = copy_checkout(folder / "checkout")
    data = folder / "Dataset001"
    for number in range(8):
        save(draw(number), data / f"labelsTr/case_{number}.nii.gz")
        save(draw(number), folder / f"right/case_{number}.nii.gz")
        if number not in (2, 5):
            save(draw(number, shift=2), folder / f"moved/case_{number}.nii.gz")
    names = {"labels": {"background": 0, "edema": 1, "core": 2}}
    (data / "dataset.json").write_text(json.dumps(names))

    def run(*more):
        return subprocess.run(
            [sys.executable, "-m", "gliomake", "score", "--truth", str(data), *more],
            cwd=folder, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(checkout / "workflow" / "scripts")},
        )  # fmt: skip

    done = run("--predictions", "right", "--predictions", "moved", "--out", "out")
    return folder, done, run


def test_what_is_missing_is_said_and_counts_as_empty(scored):
    folder, done, _ = scored
    assert done.returncode == 1, done.stdout + done.stderr
    assert "labels: 1=edema, 2=core" in done.stdout
    assert re.search(r"right +core +1\.000 +1\.000 to 1\.000 +n 8", done.stdout)
    assert "missing, and counted as empty: moved case_2, moved case_5" in done.stdout
    counts = read_tsv(folder / "out/results/scores/moved/all-f0-s0/counts.tsv")
    sums = counts.groupby(["patient", "class"])[["tp", "fp", "fn"]].sum()
    for number in range(8):
        truth, mine = draw(number), draw(number, shift=2) * (number not in (2, 5))
        for label, name in ((1, "edema"), (2, "core")):
            one, other = truth == label, mine == label
            expected = [(one & other).sum(), (other & ~one).sum(), (one & ~other).sum()]
            assert sums.loc[(f"case_{number}", name)].tolist() == expected


def test_the_report_shows_it_and_can_be_verified(scored):
    folder, done, _ = scored
    page = folder / "out/reports/build/scores.html"
    assert f"report: {Path('out') / 'reports/build/scores.html'}" in done.stdout
    text = page.read_text()
    assert "Predictions made elsewhere" in text and "case_5" in text
    assert "Not a result" not in text
    found = verify(folder / "out/reports/build/numbers.json", root=folder / "out", deep=True)
    assert found.numbers > 200


def test_all_scored_ends_with_0(scored):
    _, _, run = scored
    done = run("--predictions", "right", "--out", "whole", "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "missing" not in done.stdout


def test_another_grid_is_an_error_that_names_the_file(scored):
    folder, _, run = scored
    for number in range(8):
        save(draw(number)[:-1], folder / f"cut/case_{number}.nii.gz")
    done = run("--predictions", "cut", "--out", "other", "--cores", "1")
    assert done.returncode == 1
    assert "case_0.nii.gz" in done.stderr and "shape (29, 26, 6)" in done.stderr
    assert len(done.stderr.splitlines()) < 8
