"""The example on data of one's own, built to its report as its README says."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from checkout import copy_checkout, snakemake
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.verify.check import VerificationError, verify

STUDY = "results/made-up-unet"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = copy_checkout(tmp_path_factory.mktemp("own"))
    example = folder / "examples" / "own-data"
    shutil.rmtree(example / "data", ignore_errors=True)
    script = [sys.executable, "examples/own-data/make_data.py"]  # as README prints it
    subprocess.run(script, check=True, capture_output=True, cwd=folder)
    options = ("--configfile", "examples/own-data/config.yaml", "--cores", "1", "all")
    both = 'overrides={"made-up-unet": {"evaluation": {"grid": "both"}}}'
    done = snakemake(*options, "--config", both, folder=folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def test_all_files_of_the_study_are_there(built):
    for name in (
        *(f"{STUDY}/figures/{figure}.svg" for figure in ("mask-channels", "curves", "predictions")),
        *(f"{STUDY}/{name}" for name in ("tables/metrics.csv", "claims.tsv")),
        *("reports/build/index.html", "reports/build/made-up-unet.html"),
    ):
        assert (built / name).stat().st_size > 0, name


def test_what_was_written_is_what_the_index_says(built):
    slices = read_tsv(built / "results/data/made-up/slices.tsv")
    assert slices.columns[5:].tolist() == ["necrosis", "tumour", "oedema"]
    assert slices["patient"].nunique() == 12 and len(slices) == 12 * 8
    assert (slices[["necrosis", "tumour", "oedema"]].sum() > 0).all()


def test_distances_are_in_the_millimetres_of_the_voxels(built):
    # 48 x 40 pixels of 0.9 mm became 32 x 32; between slices lie 5 mm.
    run = f"{STUDY}/intensity-threshold/patient-f0-s0"
    with h5py.File(built / run / "predictions.h5") as file:
        spacing = np.unique(file["spacing"][:], axis=0)
    np.testing.assert_allclose(spacing, [[48 * 0.9 / 32, 40 * 0.9 / 32, 5.0]], rtol=1e-6)


def test_the_threshold_is_on_the_channel_that_the_page_shows(built):
    path = built / STUDY / "intensity-threshold/patient-f0-s0/baseline.json"
    fitted = json.loads(path.read_text())
    assert fitted["channel"] == "t2"
    assert set(fitted["thresholds"]) == {"necrosis", "tumour", "oedema"}
    assert not (built / STUDY / "flair-threshold").exists()


def test_the_page_shows_the_classes_in_the_colours_of_their_page(built):
    html = (built / "reports/build/made-up-unet.html").read_text()
    viewer = json.loads(re.search(r'id="viewer-data">(.*?)</script>', html, re.S)[1])
    assert viewer["classes"] == ["necrosis", "tumour", "oedema"]
    assert viewer["colours"] == ["#D55E00", "#009E73", "#F0E442"]
    assert viewer["channel"] == "t2"
    assert "An audit of" not in html


@pytest.mark.parametrize("deep", [False, True])
def test_scores_on_both_grids_are_verified(built, deep):
    """Slices of 48 x 40 pixels became 32 x 32; deep, both are measured from the probabilities."""
    numbers, path = built / "reports/build/numbers.json", built / STUDY / "grids.tsv"
    kept, table = path.read_bytes(), read_tsv(path)
    assert (table["value_resized"] != table["value_native"]).any()
    verify(numbers, root=built, deep=deep)
    row = table.index[(table["model"] == "unet") & (table["value_native"] > 0)][0]
    table.loc[row, "value_native"] += 0.01
    write_tsv(table, path)
    try:
        with pytest.raises(VerificationError) as caught:
            verify(numbers, root=built, deep=deep)
    finally:
        path.write_bytes(kept)
    assert any("value_native" in str(each) for each in caught.value.differences)
