"""A finished build as a crate: what is described, what is included, whether the profile is kept."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from gliomake.archive.crate import CrateError, metadata, write_crate
from gliomake.archive.record import Build, JobRun
from gliomake.files.provenance import file_sha256

SCHEMA = "http://schema.org/"
# What of the crate's context is not schema.org's; spelled here, for validation without a network.
TERMS = {
    "File": f"{SCHEMA}MediaObject",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
}


@pytest.fixture
def build(tmp_path) -> Build:
    folder = tmp_path / "build"
    for name, content in {
        "resources/phantoms/lgg/a.tif": "scan",
        "results/shards/lgg-1/000.h5": "slices",
        "results/one/unet/run/weights.safetensors": "weights" * 1000,
        "results/one/unet/run/train.json": "{}",
        "reports/build/cards/one/unet.md": "card",
        "reports/build/index.html": "page",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    jobs = (
        JobRun("report", 30, 40,
               ("results/one/unet/run/train.json", str(ROOT / "config/claims.tsv")),
               ("reports/build/index.html", "reports/build/cards/one")),
        JobRun("phantom", 1, 2, (), ("resources/phantoms/lgg",), {"dataset": "lgg"}),
        JobRun("shard", 3, 4, ("resources/phantoms/lgg",), ("results/shards/lgg-1/000.h5",)),
        JobRun("train", 5, 25.4, ("results/shards/lgg-1/000.h5", "/far/away/list.tsv"),
               ("results/one/unet/run/weights.safetensors", "results/one/unet/run/train.json"),
               {"study": "one", "model": "unet"}, "envs/train.yaml"),
    )  # fmt: skip
    config = {"scale": "demo", "studies": ["one"], "datasets": {"lgg": {"root": "phantom"}}}
    return Build(folder, ROOT, jobs, config, "9.27.0", largest=1000)


def entities(content: dict) -> dict[str, dict]:
    found = {entity["@id"]: entity for entity in content["@graph"]}
    assert len(found) == len(content["@graph"]), "each has one entity"
    return found


def ids(value) -> list[str]:
    return [each["@id"] for each in (value if isinstance(value, list) else [value])]


def test_a_job_has_its_files_its_script_and_its_times(build):
    found = entities(metadata(build))
    job = next(e for e in found.values() if e.get("name") == "train one/unet"
               and e["@type"] == "CreateAction")  # fmt: skip
    assert job["instrument"] == {"@id": "code/workflow/scripts/train.py"}
    assert ids(job["object"]) == ["#results/shards/lgg-1/000.h5", "#elsewhere/list.tsv"]
    assert ids(job["result"]) == [
        "#results/one/unet/run/weights.safetensors", "results/one/unet/run/train.json",
    ]  # fmt: skip
    assert job["startTime"] == "1970-01-01T00:00:05+00:00"
    assert job["endTime"] == "1970-01-01T00:00:25+00:00"
    assert "envs/train.yaml" in job["description"]


def test_all_that_is_referred_to_is_there(build):
    found = entities(metadata(build))

    def references(value) -> list[str]:
        if isinstance(value, dict):
            return [value["@id"]] if set(value) == {"@id"} else []
        return (
            [name for each in value for name in references(each)] if isinstance(value, list) else []
        )

    named = {name for e in found.values() for part in e.values() for name in references(part)}
    outside = {name for name in named - found.keys() if name.startswith("https://")}
    assert named - found.keys() == outside
    assert outside == {
        "https://w3id.org/ro/crate/1.1",
        "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE",
    }


def test_steps_stand_in_the_order_in_which_they_began(build):
    found = entities(metadata(build))
    steps = [found[name] for name in ids(found["code/workflow/Snakefile"]["step"])]
    assert [step["name"] for step in steps] == ["phantom", "shard", "train", "report"]
    assert [step["position"] for step in steps] == ["1", "2", "3", "4"]


def test_images_and_large_files_are_described_and_not_included(build, tmp_path):
    crate = tmp_path / "crate"
    assert write_crate(build, crate) == 8
    assert not (crate / "resources").exists() and not (crate / "results/shards").exists()
    assert not (crate / "results/one/unet/run/weights.safetensors").exists()
    assert (crate / "reports/build/cards/one/unet.md").read_text() == "card"
    found = entities(json.loads((crate / "ro-crate-metadata.json").read_text()))
    weights = found["#results/one/unet/run/weights.safetensors"]
    source = build.folder / "results/one/unet/run/weights.safetensors"
    assert weights["sha256"] == file_sha256(source) and weights["contentSize"] == "7000"
    assert "larger than 0.001 MB" in weights["description"]
    assert "terms of their own" in found["#resources/phantoms/lgg"]["description"]
    assert found["#elsewhere/list.tsv"]["description"].endswith("outside the build.")
    for name, entity in found.items():
        if "File" in entity["@type"]:
            assert (crate / name).is_file(), name
        if entity["@type"] == "Dataset":
            assert (crate / name).is_dir(), name
    assert (crate / "code/workflow/rules/train.smk").is_file()
    assert json.loads((crate / "configuration.json").read_text())["scale"] == "demo"


def test_a_second_crate_replaces_the_first_and_nothing_else(build, tmp_path):
    crate = tmp_path / "crate"
    write_crate(build, crate)
    (crate / "results/one/old.txt").write_text("old")
    write_crate(build, crate)
    assert not (crate / "results/one/old.txt").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".crate")] == []
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(CrateError, match="is no crate: name another folder"):
        write_crate(build, other)


def test_without_jobs_it_says_what_to_build(tmp_path):
    empty = Build(tmp_path, ROOT, (), {}, "9.27.0", 1)
    with pytest.raises(CrateError, match=r"snakemake --cores 2 all"):
        write_crate(empty, tmp_path / "crate")


def validator() -> str | None:
    beside = Path(sys.executable).with_name("rocrate-validator")
    return str(beside) if beside.is_file() else shutil.which("rocrate-validator")


@pytest.mark.skipif(
    validator() is None, reason="pipx install roc-validator: it needs an older rich"
)
def test_the_profile_is_kept(build, tmp_path):
    crate, told = tmp_path / "crate", tmp_path / "issues.json"
    write_crate(build, crate)
    file = crate / "ro-crate-metadata.json"
    content = json.loads(file.read_text())
    assert content["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    used = {key for entity in content["@graph"] for key in entity if not key.startswith("@")}
    kinds = (entity["@type"] for entity in content["@graph"])
    used.update(name for kind in kinds for name in ([kind] if isinstance(kind, str) else kind))
    content["@context"] = {name: TERMS.get(name, SCHEMA + name) for name in sorted(used)}
    file.write_text(json.dumps(content))
    command = [validator(), "-y", "validate", str(crate), "--profile-identifier",
               "provenance-run-crate", "--offline", "--output-format", "json",
               "--output-file", str(told)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    issues = json.loads(told.read_text())
    assert issues["passed"] and done.returncode == 0, issues["issues"]
