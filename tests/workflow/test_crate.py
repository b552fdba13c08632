"""Snakemake's reporter `crate`, on a small finished build."""

import json

import pytest

from checkout import copy_checkout, snakemake

TARGET = "results/coco-unet/split/predefined-f0.tsv"
SMALL = ("--cores", "2", "--config", "phantoms={coco: {patients: 6, size: 32}}", "--")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = copy_checkout(tmp_path_factory.mktemp("checkout"))
    done = snakemake(*SMALL, TARGET, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_finished_build_is_described(built):
    done = snakemake("--reporter", "crate", *SMALL, TARGET, folder=built)
    assert done.returncode == 0, done.stdout + done.stderr
    crate = built / "reports" / "build" / "crate"
    content = json.loads((crate / "ro-crate-metadata.json").read_text())
    found = {entity["@id"]: entity for entity in content["@graph"]}
    ran = [e["name"].split()[0] for name, e in found.items() if name.startswith("#job-")]
    assert ran[0] == "phantom" and ran[-1] == "split" and set(ran[1:-1]) == {"index_group", "index"}
    split = next(e for e in found.values() if e.get("name", "").startswith("split ")
                 and e["@type"] == "CreateAction")  # fmt: skip
    assert split["result"] == {"@id": TARGET}
    assert {each["@id"] for each in split["object"]} == {
        "results/data/coco/cases.tsv", "results/data/coco/slices.tsv",
    }  # fmt: skip
    assert (crate / TARGET).read_bytes() == (built / TARGET).read_bytes()
    settings = json.loads((crate / "configuration.json").read_text())
    assert settings["phantoms"]["coco"]["patients"] == 6 and settings["scale"] == "demo"
    assert "Nothing to be done" in snakemake("-n", *SMALL, TARGET, folder=built).stdout


def test_a_crate_holds_what_builds_it_again(built, tmp_path):
    crate = tmp_path / "crate"
    where = ("--reporter", "crate", "--report-crate-folder", str(crate))
    done = snakemake(*where, *SMALL, TARGET, folder=built)
    assert done.returncode == 0, done.stdout + done.stderr
    again = tmp_path / "again"
    again.mkdir()
    start = ("--snakefile", str(crate / "code/Snakefile"), "--cores", "2")
    done = snakemake(*start, "--configfile", str(crate / "configuration.json"), "--", TARGET,
                     folder=again)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (again / TARGET).read_bytes() == (built / TARGET).read_bytes()


def test_what_was_not_built_is_no_crate(built):
    where = ("--report-crate-folder", "away", "--report-crate-largest", "1")
    done = snakemake("--reporter", "crate", *where, *SMALL, "report", folder=built)
    assert done.returncode != 0 and not (built / "away").exists()
