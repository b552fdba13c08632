"""`gliomake score`: what is found in folders, and what is said of those that will not do."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from own_files import labels, save
from PIL import Image

from gliomake.cli import main
from gliomake.files.json_file import write_json
from gliomake.files.tsv import write_tsv
from gliomake.score.command import print_summary
from gliomake.score.folders import (
    ScoreError,
    find_labels,
    find_predictions,
    find_truth,
    patient_hint,
    read_labels,
)
from gliomake.score.pages import model_names
from gliomake.study.paths import Paths


def volumes(folder, names=("A", "B"), form="{}.nii.gz", values=None):
    for name in names:
        save(labels() if values is None else values, folder / form.format(name, name))
    return folder


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("{}.nii.gz", "{case}.nii*"),
        ("{}.nii", "{case}.nii*"),
        ("{}/{}_seg.nii.gz", "{case}/{case}_seg.nii*"),
        ("{}/{}-seg.nii.gz", "{case}/{case}-seg.nii*"),
        ("{}/seg.nii.gz", "{case}/seg.nii*"),
    ],
)
def test_layouts_of_the_truth(tmp_path, form, pattern):
    truth = find_truth(volumes(tmp_path, form=form), None)
    assert (truth.pattern, sorted(truth.files), truth.reader) == (pattern, ["A", "B"], "nifti")


def test_nnunet_s_layout(tmp_path):
    volumes(tmp_path / "labelsTr")
    names = {"background": 0, "whole tumor": [1, 2, 3], "core": [3]}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": names}))
    truth = find_truth(tmp_path, None)
    assert truth.folder == tmp_path / "labelsTr"
    assert find_labels(truth) == (
        {"whole-tumor": [1, 2, 3], "core": [3]},
        f"by {tmp_path / 'dataset.json'}",
    )


def test_pictures_of_slices(tmp_path):
    for number in range(3):
        (tmp_path / "A").mkdir(exist_ok=True)
        Image.fromarray(labels()[:, :, number]).save(tmp_path / "A" / f"A_{number}_mask.tif")
    truth = find_truth(tmp_path, None)
    assert (truth.pattern, truth.reader) == ("{case}/{case}_{slice}_mask.tif", "images")


def test_labels_are_those_of_the_masks(tmp_path):
    truth = find_truth(volumes(tmp_path), None)
    found, where = find_labels(truth)
    assert found == {"label-1": [1], "label-2": [2], "label-3": [3]}
    assert where == "by the values in 2 of 2 masks"
    other = find_truth(volumes(tmp_path / "one", values=(labels() > 0) * np.uint8(255)), None)
    assert find_labels(other)[0] == {"tumour": [255]}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((6, 5, 4), np.uint8), "hold no label but 0"),
        (np.arange(120, dtype=np.int16).reshape(6, 5, 4), "Is it the folder of the images?"),
    ],
)
def test_a_truth_without_labels(tmp_path, values, words):
    with pytest.raises(ScoreError, match=words):
        find_labels(find_truth(volumes(tmp_path, values=values), None))


@pytest.mark.parametrize("text", ["NEC=1", "1=NEC,1=ED", "0=NEC", "1=", "a", "1:NEC", "1=2nd"])
def test_labels_of_another_form(text):
    with pytest.raises(ScoreError, match="--labels"):
        read_labels(text)


def test_predictions_named_otherwise_are_found(tmp_path):
    truth = find_truth(volumes(tmp_path / "truth"), None)
    volumes(tmp_path / "mine", form="{}/{}_pred.nii.gz")
    found = find_predictions(tmp_path / "mine", None, truth)
    assert found == (tmp_path / "mine", "{case}/{case}_pred.nii*")


def test_folders_without_a_common_case(tmp_path):
    truth = find_truth(volumes(tmp_path / "truth"), None)
    volumes(tmp_path / "mine", names=("X1", "X2"))
    with pytest.raises(ScoreError, match=r"named after a case of the truth \(A, B, \.\.\.\) .*X1"):
        find_predictions(tmp_path / "mine", None, truth)


@pytest.mark.parametrize("names", [("labelsTs", "labelsTs"), ("a/pred", "b/pred")])
def test_models_are_named_after_their_folders(names, tmp_path):
    places = [tmp_path / name for name in names]
    if len(set(names)) == 1:
        with pytest.raises(ScoreError, match="given twice"):
            model_names(places)
    else:
        assert model_names(places) == ["a-pred", "b-pred"]


@pytest.fixture
def folders(tmp_path):
    volumes(tmp_path / "truth")
    volumes(tmp_path / "mine")
    return tmp_path


def run(folders, *more, **places):
    truth, mine = (places.get(name, folders / name) for name in ("truth", "mine"))
    return main(
        ["score", "--truth", str(truth), "--predictions", str(mine), "--out",
         str(folders / "out"), "--dry-run", *more]
    )  # fmt: skip


def test_pages_are_written_and_the_command_is_printed(folders, capsys):
    assert run(folders, "--labels", "1=core,2=oedema,3=core", "--patient", "^(.)") == 0
    said = capsys.readouterr().out
    assert "truth: 2 cases" in said and "snakemake --snakefile" in said
    page = yaml.safe_load((folders / "out/pages/datasets/scores-truth.yaml").read_text())
    assert page["classes"] == {"core": {"labels": [1, 3]}, "oedema": {"labels": [2]}}
    assert page["patient"] == "^(.)" and page["channels"] == []
    study = yaml.safe_load((folders / "out/pages/studies/scores.yaml").read_text())
    assert study["models"] == {
        "mine": {"predictions": {"root": str(folders / "mine"), "pattern": "{case}.nii*"}}
    }


def test_predictions_of_other_values(folders, capsys):
    given = ("--labels", "1=core,2=oedema", "--prediction-labels")
    assert run(folders, *given, "2=core,1=oedema") == 0
    study = yaml.safe_load((folders / "out/pages/studies/scores.yaml").read_text())
    labels_of = study["models"]["mine"]["predictions"]["labels"]
    assert labels_of == {"core": [2], "oedema": [1]}
    capsys.readouterr()
    assert run(folders, *given, "2=core") == 1
    assert "expected those of the truth, core, oedema" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cases", "patients"),
    [
        (["a_001", "a_002", "b_001", "b_002"], 2),
        (["BraTS-1-000", "BraTS-1-001", "BraTS-2-000", "BraTS-2-001", "BraTS-2-002"], 2),
        (["case_001", "case_002", "case_003"], 0),
        (["BraTS-1-000", "BraTS-2-000", "BraTS-3-000"], 0),
        (["anna", "berta"], 0),
    ],
)
def test_cases_that_look_like_slices_of_patients(cases, patients):
    hint = patient_hint(cases)
    assert (f"are {patients}:" in hint) == bool(patients) == bool(hint)
    if patients:
        expression = hint.rpartition("--patient '")[2].rstrip("'")
        assert len({re.match(expression, case)[1] for case in cases}) == patients


@pytest.mark.parametrize("n", [3, 5])
def test_patients_without_a_dice_are_told(tmp_path, capsys, n):
    paths = Paths(results=tmp_path / "results").study("scores")
    listing = paths.run("mine", "all-f0-s0").brought
    listing.parent.mkdir(parents=True)
    cases = [f"case_{number}" for number in range(5)]
    rows = {"case": cases, "patient": cases, "slices": 1, "missing": 0, "files": "", "note": ""}
    write_tsv(pd.DataFrame(rows), listing)
    score = {"run": "all-f0-s0", "subset": "test", "class": "tumour", "metric": "dice"}
    score |= {"convention": "patient", "postprocess": False}
    write_json([score | {"value": 0.5, "n": n}], paths.metrics("mine"))
    assert print_summary(tmp_path, "scores", ["mine"]) == 0
    assert ("n: of 5 patients those with tumour" in capsys.readouterr().out) == (n < 5)


def test_images_beside_the_truth(folders):
    volumes(folders / "images", form="{}_0000.nii.gz")
    assert run(folders, "--images", str(folders / "images")) == 0
    page = yaml.safe_load((folders / "out/pages/datasets/scores-truth.yaml").read_text())
    assert (page["root"], page["files"], page["mask"]) == (
        str(folders), "images/{case}_0000.nii*", "truth/{case}.nii*",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"truth": Path("nowhere")}, "--truth nowhere: there is no such folder"),
        ({"mine": Path("nowhere")}, "--predictions nowhere: there is no such folder"),
    ],
)
def test_a_folder_that_is_not_there(folders, capsys, places, words):
    assert run(folders, **places) == 1
    assert words in capsys.readouterr().err
    assert not (folders / "out").exists()


def test_an_empty_truth_says_what_is_looked_for(folders, capsys):
    (folders / "empty").mkdir()
    assert run(folders, truth=folders / "empty") == 1
    assert "found no masks, it is empty; expected one NIfTI" in capsys.readouterr().err
