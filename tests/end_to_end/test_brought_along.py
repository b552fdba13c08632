"""A model that is trained here beside predictions of elsewhere, in a study of one's own data."""

import json
import shutil
import subprocess
import sys

import nibabel
import numpy as np
import pytest
import yaml

from checkout import copy_checkout, snakemake
from gliomake.files.predictions import open_predictions
from gliomake.files.tsv import read_tsv
from gliomake.verify.check import verify

RUN = "patient-f0-s0"
STUDY = "results/made-up-unet"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Labels a voxel aside for all cases but one; and the trained model's own file once more."""
    folder = copy_checkout(tmp_path_factory.mktemp("brought"))
    example = folder / "examples" / "own-data"
    shutil.rmtree(example / "data", ignore_errors=True)
    script = [sys.executable, "examples/own-data/make_data.py"]
    subprocess.run(script, check=True, capture_output=True, cwd=folder)
    mine = folder / "mine"
    mine.mkdir()
    for number in range(1, 12):
        stored = nibabel.load(example / f"data/p{number:02}/p{number:02}_seg.nii.gz")
        moved = np.roll(np.asarray(stored.dataobj), 1, axis=0)
        nibabel.save(nibabel.Nifti1Image(moved, stored.affine), mine / f"p{number:02}.nii.gz")
    path = example / "studies" / "made-up-unet.yaml"
    page = yaml.safe_load(path.read_text())
    page["models"]["theirs"] = {"predictions": {"root": str(mine), "pattern": "{case}.nii.gz"}}
    page["models"]["again"] = {
        "predictions": {"root": str(folder / STUDY / "unet" / RUN), "pattern": "predictions.h5"}
    }
    page["evaluation"] = {"strata": ["size"]}
    page["regions"] = {"whole": ["necrosis", "tumour", "oedema"]}
    path.write_text(yaml.safe_dump(page, sort_keys=False))
    options = ("--configfile", "examples/own-data/config.yaml", "--cores", "2")
    (folder / STUDY / "unet" / RUN).mkdir(parents=True)
    done = snakemake(*options, f"{STUDY}/unet/{RUN}/predictions.h5", folder=folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    done = snakemake(*options, "all", folder=folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def scores(folder, model):
    rows = json.loads((folder / STUDY / model / "metrics.json").read_text())
    return {
        (row["subset"], row["class"], row["metric"], row["convention"]): row["value"]
        for row in rows
        if row["run"] == RUN
    }


def test_the_same_predictions_have_the_same_scores(built):
    trained, brought = scores(built, "unet"), scores(built, "again")
    assert trained == brought and len(trained) > 200


def test_all_are_scored_on_the_scans_own_grid(built):
    counts = read_tsv(built / STUDY / "unet" / RUN / "counts.tsv")
    assert set(counts[["tp", "fp", "fn", "tn"]].sum(axis=1)) == {48 * 40}
    with open_predictions(built / STUDY / "theirs" / RUN / "predictions.h5") as file:
        assert file["probability"].shape[2:] == (32, 32)  # for the viewer


def test_counts_of_label_maps_by_hand(built):
    counts = read_tsv(built / STUDY / "theirs" / RUN / "counts.tsv")
    sums = counts.groupby(["patient", "class"])[["tp", "fp", "fn"]].sum()
    data = built / "examples/own-data/data"
    for patient in counts["patient"].unique():
        truth = np.asarray(nibabel.load(data / patient / f"{patient}_seg.nii.gz").dataobj)
        mine = np.roll(truth, 1, axis=0) * (patient != "p12")
        for label, name in enumerate(("necrosis", "tumour", "oedema"), start=1):
            one, other = truth == label, mine == label
            expected = [(one & other).sum(), (other & ~one).sum(), (one & ~other).sum()]
            assert sums.loc[(patient, name)].tolist() == expected


def test_the_page_and_the_cards_say_what_they_are(built):
    text = (built / "reports/build/made-up-unet.html").read_text()
    assert "Predictions made elsewhere" in text and "Scores by subgroup" in text
    card = (built / "reports/build/cards/made-up-unet/theirs.md").read_text()
    assert "its predictions were brought along" in card
    assert "On what it was trained is not known here" in card


def test_it_verifies_from_the_files(built):
    found = verify(built / "reports/build/numbers.json", root=built, deep=True)
    assert found.numbers > 500


def test_nothing_of_a_training_is_asked_of_them(built):
    assert not (built / STUDY / "theirs" / RUN / "weights.safetensors").exists()
    assert not (built / STUDY / "theirs" / RUN / "model.json").exists()


def test_another_file_in_the_folder_is_noticed(built):
    (built / "mine" / "p99.nii.gz").write_bytes((built / "mine" / "p01.nii.gz").read_bytes())
    options = ("--configfile", "examples/own-data/config.yaml", "--cores", "1")
    done = snakemake(*options, f"{STUDY}/theirs/metrics.json", folder=built)
    (built / "mine" / "p99.nii.gz").unlink()
    assert done.returncode != 0
    assert "1 cases that the data set does not have: p99" in done.stdout + done.stderr


def test_a_study_with_them_cannot_be_scored_on_resized_slices(built):
    config = "overrides={made-up-unet: {evaluation: {grid: resized}}}"
    done = snakemake(
        "--configfile", "examples/own-data/config.yaml", "--cores", "1", "-n", "all",
        "--config", config, folder=built,
    )  # fmt: skip
    assert done.returncode != 0
    assert "so only native will do" in done.stdout + done.stderr


def test_a_folder_that_is_not_there_is_said_at_the_start(built):
    config = "overrides={made-up-unet: {models: {theirs: {predictions: {root: nowhere}}}}}"
    done = snakemake(
        "--configfile", "examples/own-data/config.yaml", "--cores", "1", "-n", "all",
        "--config", config, folder=built,
    )  # fmt: skip
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "models.theirs.predictions.root" in said and "there is no such folder" in said
