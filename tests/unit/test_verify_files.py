"""What verification compares by its hash, and what it says where there is nothing to compare."""

import os

import pytest

from changed_study import replaced
from checkout import ROOT
from gliomake.files.provenance import listing_sha256
from gliomake.report import study_inputs
from gliomake.study.load import load_study
from gliomake.verify.check import MissingReportError, main, verify
from gliomake.verify.files import ReportFiles


def test_what_each_figure_of_a_study_was_drawn_from(tmp_path):
    loaded = load_study(ROOT / "config/studies/lgg-two-stage.yaml", "demo")
    figures = {
        "raw": {"kind": "planes"},
        "loss": {"kind": "curves", "models": ["resunet"], "panels": ["loss"]},
        "cells": {"kind": "confusion", "models": ["vgg19-unet"], "run": "patient-f0-s0"},
        "cases": {"kind": "masks", "models": ["resunet", "unet-gated"]},
        "net": {"kind": "architecture", "models": ["unet"]},
    }
    study = replaced(loaded, figures=figures)
    run = tmp_path / "lgg-two-stage/resunet/patient-f0-s0"
    run.mkdir(parents=True)
    for path in (run / "history.tsv", run / "predictions.h5"):
        path.touch()
    inputs = study_inputs(
        study, data="real", scale="demo", shards=["a.h5", "b.h5"], results=tmp_path, root=tmp_path
    )
    sources = {
        name: [str(path).removeprefix(f"{tmp_path}/") for path in paths]
        for name, paths in inputs.figure_sources.items()
    }
    resunet = "lgg-two-stage/resunet/patient-f0-s0"
    assert sources == {
        "raw": ["data/lgg/cases.tsv", "data/lgg/slices.tsv"],
        "loss": [f"{resunet}/history.tsv"],
        "cells": ["lgg-two-stage/vgg19-unet/patient-f0-s0/counts.tsv"],
        "cases": [
            *("a.h5", "b.h5", f"{resunet}/predictions.h5", f"{resunet}/counts.tsv"),
            "lgg-two-stage/unet-gated/patient-f0-s0/counts.tsv",
        ],
        "net": [],
    }
    assert inputs.raw_figures == ("raw",)
    assert inputs.listing() == listing_sha256.__wrapped__(str(tmp_path))


def raw_report(root, listing):
    figures = {"planes": {"files": [], "inputs": [], "raw": True}}
    study = {"root": "data", "listing": listing, "figures": figures}
    return {"files": {}, "studies": {"one": study, "two": study}}


@pytest.mark.parametrize("change", ["longer", "renamed", "added", "touched"])
def test_changed_raw_data_of_a_figure_is_found_without_reading_it(tmp_path, change):
    data = tmp_path / "data"
    (data / "P1").mkdir(parents=True)
    file = data / "P1" / "t1.nii"
    file.write_bytes(b"voxels")
    content = raw_report(tmp_path, listing_sha256.__wrapped__(str(data)))
    assert list(ReportFiles(content, tmp_path, deep=True).changed_listings()) == []
    if change == "longer":
        file.write_bytes(b"more voxels")
    elif change == "renamed":
        file.rename(data / "P1" / "t2.nii")
    elif change == "added":
        (data / "P1" / "t2.nii").touch()
    else:
        os.utime(file, (1, 1))
    (difference,) = ReportFiles(content, tmp_path, deep=False).changed_listings()
    assert difference.file == "data"
    assert "names, sizes and times of its files (figure one/planes" in difference.number


def test_raw_data_that_are_elsewhere_are_remarked_and_missed_with_deep(tmp_path):
    content = raw_report(tmp_path, "0" * 64)
    files = ReportFiles(content, tmp_path, deep=False)
    assert list(files.changed_listings()) == []
    assert files.remarks()[0].startswith("data is not there")
    (difference,) = ReportFiles(content, tmp_path, deep=True).changed_listings()
    assert difference.recomputed == "missing"


def test_before_a_report_it_says_what_to_build(tmp_path, capsys):
    with pytest.raises(MissingReportError, match="there is no report yet") as caught:
        verify(tmp_path / "reports/build/numbers.json")
    for command in ("snakemake --cores 2 all", "snakemake --cores 2 lgg_encoders"):
        assert command in str(caught.value)
    assert main([str(tmp_path / "numbers.json")]) == 1
    assert "there is no report yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"studies": {', '{"studies": {"a": {}}, "files": {}}', '{"studies": []}'],
)
def test_what_is_no_list_of_numbers_is_named_with_the_remedy(tmp_path, text):
    path = tmp_path / "numbers.json"
    path.write_text(text)
    with pytest.raises(MissingReportError, match="not the numbers of a report") as caught:
        verify(path)
    assert f"rm {path}; snakemake --cores 2 all" in str(caught.value)
