"""Starts of the workflow: in odd places, and beside another start."""

import time
from pathlib import Path

import pytest

from checkout import copy_checkout, snakemake
from gliomake.start.lock import one_start


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("My Drive") / "o'brien's #1 [mri]" / "gliomake")


def test_a_folder_with_a_space_and_an_apostrophe_works(checkout):
    done = snakemake("--cores", "1", "results/data/coco/integrity.json", folder=checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "results/data/coco/integrity.json").stat().st_size > 0
    # What it says at the end of a start is said of every rule's script: verify finds nothing built.
    done = snakemake("--cores", "1", "verify", folder=checkout)
    assert done.returncode != 0
    assert "verify: there is no report yet" in done.stderr


def test_a_folder_with_braces_is_refused_at_once(tmp_path):
    folder = copy_checkout(tmp_path / "{mri}" / "gliomake")
    done = snakemake("--cores", "1", "results/data/coco/integrity.json", folder=folder)
    assert done.returncode != 0
    assert "rename the folder, or move the checkout" in done.stdout + done.stderr
    assert not (folder / "results").exists()


def test_what_runs_nothing_is_let_in_beside_a_start_at_work(checkout):
    with one_start(checkout / ".snakemake", command="snakemake all", unlock=""):
        started = time.time()
        refused = snakemake("--cores", "1", "verify", folder=checkout)
        assert refused.returncode != 0
        assert "Not started: another start is at work in" in refused.stderr
        assert time.time() - started < 60, "it waited"
        assert "Building DAG" not in refused.stderr
        dry = snakemake("--cores", "1", "--dry-run", "results/data/lgg/slices.tsv", folder=checkout)
        assert dry.returncode == 0, dry.stderr
        summary = snakemake("--summary", "results/data/coco/integrity.json", folder=checkout)
        assert "integrity.json" in summary.stdout
        unlocked = snakemake("--unlock", folder=checkout)
        assert "Unlocked" in unlocked.stderr


def test_jobs_run_the_code_of_their_checkout_whatever_is_installed(tmp_path, monkeypatch):
    folder = copy_checkout(tmp_path / "gliomake")
    other = tmp_path / "site" / "gliomake"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise ImportError('the library of another checkout')\n")
    monkeypatch.setenv("PYTHONPATH", str(other.parent))
    done = snakemake("--cores", "1", "resources/phantoms/coco", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
