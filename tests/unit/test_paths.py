"""The contract's files, spelled out once more; and the names of runs."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from adapter import WRITTEN
from gliomake.report.inputs import StudyInputs
from gliomake.study.faults import SCHEMAS
from gliomake.study.kinds import KINDS, MODEL_NEEDS, STUDY_NEEDS
from gliomake.study.load import load_study
from gliomake.study.paths import RUN_FILES, STUDY_FILES, Paths, model_and_run
from gliomake.study.products import Products
from gliomake.study.run import (
    RUNS,
    SPLITS,
    ConfigError,
    Run,
    is_leak,
    leak_percent,
    parse_run,
    split_name,
)
from gliomake.study.targets import Target, _input

ROOT = Path(__file__).parents[2]
PATHS = Paths()
STUDY, RUN = PATHS.study("s"), PATHS.run("s", "m", "patient-f0-s1")
# As users and outside checks know them.
CONTRACT = {
    "results/data/lgg/slices.tsv": PATHS.data("lgg").slices,
    "results/data/lgg/cases.tsv": PATHS.data("lgg").cases,
    "results/data/lgg/integrity.json": PATHS.data("lgg").integrity,
    "results/data/lgg/duplicates.tsv": PATHS.data("lgg").duplicates,
    "results/data/lgg/datasheet.md": PATHS.data("lgg").datasheet,
    "results/data/lgg/index/001.json": PATHS.data("lgg").group("001"),
    "results/data/lgg/index/001.refused.json": PATHS.data("lgg").refused("001"),
    "results/shards/lgg-01234567/000.h5": PATHS.shard("lgg-01234567", "000"),
    "results/s/split/patient-f0.tsv": STUDY.split("patient-f0"),
    "results/s/m/metrics.json": STUDY.metrics("m"),
    "results/s/m/patient-f0-s1/weights.safetensors": RUN.weights,
    "results/s/m/patient-f0-s1/history.tsv": RUN.history,
    "results/s/m/patient-f0-s1/train.json": RUN.train,
    "results/s/m/patient-f0-s1/model.json": RUN.model,
    "results/s/m/patient-f0-s1/baseline.json": RUN.baseline,
    "results/s/m/patient-f0-s1/brought.tsv": RUN.brought,
    "results/s/m/patient-f0-s1/predictions.h5": RUN.predictions,
    "results/s/m/patient-f0-s1/counts.tsv": RUN.counts,
    "results/s/m/patient-f0-s1/distances.tsv": RUN.distances,
    "results/s/m/patient-f0-s1/regions.tsv": RUN.regions,
    "results/s/m/patient-f0-s1/patients.tsv": RUN.patients,
    "results/s/m/patient-f0-s1/calibration.tsv": RUN.calibration,
    "results/s/claims.tsv": STUDY.claims,
    "results/s/reporting/claim2024.tsv": STUDY.checklist,
    "results/s/comparisons.tsv": STUDY.comparisons,
    "results/s/findings.json": STUDY.findings,
    "results/s/grids.tsv": STUDY.grids,
    "results/s/m/patient-f0-s1/native/counts.tsv": RUN.native.counts,
    "results/s/leakage.tsv": STUDY.leakage,
    "results/s/spread.tsv": STUDY.spread,
    "results/s/strata.tsv": STUDY.strata,
    "results/s/figures/masks.svg": STUDY.target("figures", "masks"),
    "results/s/figures/masks.png": STUDY.figure("masks", ".png"),
    "results/s/tables/split.csv": STUDY.target("tables", "split"),
    "reports/build/index.html": PATHS.report.index,
    "reports/build/numbers.json": PATHS.report.numbers,
    "reports/build/s.html": PATHS.report.page("s"),
    "reports/build/numbers/s.json": PATHS.report.study_numbers("s"),
    "reports/build/cards/s": PATHS.report.cards("s"),
    "resources/phantoms/lgg": PATHS.phantom("lgg"),
    "resources/weights/vgg16.safetensors": PATHS.encoder_weights("vgg16"),
}


@pytest.mark.parametrize("path", CONTRACT)
def test_the_contract_stays(path):
    assert CONTRACT[path].as_posix() == path


def test_private_files_are_cleared_wherever_the_workflow_writes():
    for path in CONTRACT:
        outside = path.startswith("resources/phantoms/")
        assert any(path.startswith(f"{folder}/") for folder in WRITTEN) != outside


def test_files_are_found_by_the_names_of_their_kinds():
    assert {RUN.file(kind) for kind in RUN_FILES} == {
        path for path in CONTRACT.values() if path.parent == RUN.folder
    }
    assert {STUDY.file(kind) for kind in STUDY_FILES} == {
        path for path in CONTRACT.values() if path.parent == STUDY.folder
    }
    for owner in (RUN, STUDY):
        with pytest.raises(ConfigError, match="has no file 'folder'; expected one of"):
            owner.file("folder")


def test_a_file_of_a_run_says_whose_it_is():
    assert model_and_run(RUN.counts) == ("m", "patient-f0-s1")


def test_run_names_round_trip():
    for name in ("patient-f0-s0", "leak100-f12-s3", "predefined-f0-s0", "slice-f1-s2"):
        assert str(Run.parse(name)) == str(parse_run(name)) == name
        assert split_name(name) == name.rsplit("-", 1)[0]
    assert str(parse_run("all-f0-s0")) == "all-f0-s0"
    assert split_name("all-f0-s0") == "all-f0"
    for wrong in ("patient-s0", "all-s0", "all"):
        with pytest.raises(ConfigError, match="expected <split>-f<fold>-s<seed>"):
            split_name(wrong)


def test_rules_and_schema_know_runs_by_the_same_pattern():
    assert rf"(?:{SPLITS})-f\d+-s\d+" == RUNS
    assert Run.PATTERN.replace("(?:", "(?:all|") == RUNS
    schema = yaml.safe_load((SCHEMAS / "study.schema.yaml").read_text())
    known = schema["$defs"]["runs"]["items"]["pattern"]
    assert sorted(re.split(r"[(|)]", known)) == sorted(
        re.split(r"[(|)]", f"^{RUNS}$".replace("?:", "").replace(r"\d", "[0-9]"))
    )


def test_leaks_are_told_from_other_splits():
    assert is_leak("leak0-f0-s0") and not is_leak("slice-f0-s0")
    assert [leak_percent(split) for split in ("leak0", "leak50", "slice")] == [0, 50, None]


@pytest.fixture(scope="module")
def products() -> Products:
    study = load_study(ROOT / "config" / "studies" / "lgg-encoders.yaml", "demo")
    return Products(study, ("000", "001"), "resources/phantoms/lgg")


def test_the_audit_reads_what_trainings_and_scores_give(products):
    listed = {
        path.as_posix()
        for files in products.audited().values()
        for path in (files if isinstance(files, list) else [files])
    }
    assert listed >= {
        "results/data/lgg/slices.tsv",
        "results/lgg-encoders/split/slice-f0.tsv",
        "results/lgg-encoders/unet/metrics.json",
        "results/lgg-encoders/unet/patient-f0-s0/history.tsv",
        "results/lgg-encoders/all-background/metrics.json",
    }
    assert "results/lgg-encoders/all-background/patient-f0-s0/train.json" not in listed


def test_a_study_is_asked_for_its_scores_its_targets_and_its_page(products):
    names = [path.relative_to(".").as_posix() for path in products.all()]
    assert names[0] == "results/lgg-encoders/unet/metrics.json"
    assert names[-3:] == [
        "results/lgg-encoders/claims.tsv",
        "results/data/lgg/datasheet.md",
        "reports/build/lgg-encoders.html",
    ]
    assert "results/lgg-encoders/leakage.tsv" in names
    assert sum("/figures/" in name for name in names) == len(products.study.figures)


@pytest.mark.parametrize("kind", KINDS)
def test_each_need_of_each_kind_is_a_file(products, kind):
    assert set(KINDS[kind].needs) <= MODEL_NEEDS | STUDY_NEEDS
    target = Target("t", kind, ("unet",), ("patient-f0-s0",))
    for need in target.needs:
        assert products.needed(target, need)


def test_an_unknown_need_is_named(products):
    target = Target("t", "masks", ("unet",), ("patient-f0-s0",))
    with pytest.raises(ConfigError, match=r"kind masks needs 'hystory', .* expected one of cases"):
        products.needed(target, "hystory")
    with pytest.raises(ConfigError, match="kind masks needs 'hystory'"):
        StudyInputs.target_files(SimpleNamespace(), target, "hystory")
    with pytest.raises(ConfigError, match="kind masks needs 'hystory'"):
        _input(target, "hystory", {"hystory": "history.tsv"})
    with pytest.raises(ConfigError, match="has no figure 'maskz'; it has"):
        products.target("figures", "maskz")
