"""What runs again after a change of the code: a table, and one real start to show that it holds.

A row edits a copy of the library as somebody would, and computes the digests of all jobs anew. A
training runs again where its own digest changed, or that of a job before it.
"""

import re
import shutil
from pathlib import Path

import pytest

from checkout import copy_checkout, installed, snakemake
from gliomake.digests import LIBRARY, Library, jobs
from gliomake.study.datasets import known_datasets
from gliomake.study.kinds import KINDS, OUTPUTS
from gliomake.study.targets import target_blocks
from upgrade_table import ROWS, STUDIES, TRAININGS, edit

DATASETS = known_datasets()
BEFORE = ("phantom", "index_group", "index", "shard", "split")
OF_A_DATASET = BEFORE[:-1]
OF_A_STUDY = (
    "split", "gate", "baseline", "counts", "calibration", "metrics", "comparisons", "claims",
    "leakage", "study_page",
)  # fmt: skip
OF_A_MODEL = ("train", "predict")


def digests(library: Library) -> dict[tuple[str, ...], str]:
    """The digest of each job, by its rule and what it is about."""
    found = {}
    for name, study in STUDIES.items():
        for rule in OF_A_DATASET:
            dataset = study.dataset
            found[rule, dataset] = jobs.job_code(rule, dataset=DATASETS[dataset], library=library)
        for rule in OF_A_STUDY:
            found[rule, name] = jobs.job_code(rule, study=study, library=library)
        for rule in OF_A_MODEL:
            for model in study.models:
                found[rule, name, model] = jobs.job_code(
                    rule, study=study, model=model, library=library
                )
        for output in ("figures", "tables"):
            for target in target_blocks(study, output):
                rule = output.removesuffix("s")
                found[rule, name, target] = jobs.job_code(
                    rule, study=study, target=target, library=library
                )
    found["report",] = jobs.job_code("report", library=library)
    found["encoder_weights", "vgg16"] = jobs.job_code(
        "encoder_weights", encoder="vgg16", library=library
    )
    return found


@pytest.fixture(scope="module")
def scripts(tmp_path_factory) -> Path:
    """A copy of scripts and library, which each row edits and puts back."""
    folder = tmp_path_factory.mktemp("upgrade") / "scripts"
    shutil.copytree(LIBRARY.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def before(scripts) -> dict[tuple[str, ...], str]:
    return digests(Library(scripts / "gliomake"))


@pytest.mark.parametrize("row", ROWS)
def test_a_change_reruns_what_it_concerns(scripts, before, row):
    edits, trainings, rules = ROWS[row]
    restore = []
    try:
        for each in edits:
            restore.append(each.apply(scripts))
        after = digests(Library(scripts / "gliomake"))
    finally:
        for back in reversed(restore):
            back()
    changed = {job for job, digest in after.items() if digest != before[job]}
    again = {job[1:] for job in changed if job[0] == "train"}
    for name, model in TRAININGS:
        upstream = {(rule, STUDIES[name].dataset) for rule in BEFORE} | {("split", name)}
        if changed & upstream:
            again.add((name, model))
    assert again == trainings
    assert {job[0] for job in changed} == rules


def test_a_kind_says_whether_it_builds_networks(scripts, before):
    """Those that do are made anew with a network: no kind may be forgotten."""
    back = edit("models/__init__.py", "    return build(in", "    return 1 and build(in").apply(
        scripts
    )
    try:
        after = digests(Library(scripts / "gliomake"))
    finally:
        back()
    changed = {job for job, digest in after.items() if digest != before[job]}
    for name, study in STUDIES.items():
        for output in OUTPUTS:
            for target, block in target_blocks(study, output).items():
                again = (output.removesuffix("s"), name, target) in changed
                assert again == KINDS[block["kind"]].networks, (name, target)


def test_a_real_start_reruns_a_training_for_its_loss_and_its_torch_alone(tmp_path, monkeypatch):
    """Files as of a finished build, and what `-n` would run after each change."""
    folder = copy_checkout(tmp_path / "checkout")
    run = "results/lgg-encoders/unet/patient-f0-s0"
    target = f"{run}/predictions.h5"

    def planned() -> dict[str, int]:
        done = snakemake("-n", "--cores", "1", target, folder=folder)
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        if "Nothing to be done" in output:
            return {}
        table = output.rsplit("Job stats:", 1)[1]
        return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.M)}

    first = snakemake("-n", "--cores", "1", target, folder=folder).stdout
    for line in re.findall(r"^ +output: (.*)", first, re.M):
        for name in line.split(", "):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix:
                path.touch()
            else:
                path.mkdir(exist_ok=True)
    assert snakemake("--touch", "--forceall", "--cores", "1", target, folder=folder).returncode == 0
    with monkeypatch.context() as changed:
        changed.setenv("PYTHONPATH", str(installed("torch", "99.0.1+cpu", tmp_path / "site")))
        assert planned() == {"train": 1, "predict": 1, "total": 2}
    scripts = folder / "workflow" / "scripts"
    for row in ("new loss", "progress bar", "comments and layout"):
        for each in ROWS[row][0]:
            each.apply(scripts)
    assert planned() == {}
    edit(
        "training/losses.py", "    beta: ClassVar[float] = 0.5", "    beta: ClassVar[float] = 0.6"
    ).apply(scripts)
    assert planned() == {"train": 1, "predict": 1, "total": 2}
