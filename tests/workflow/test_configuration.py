"""Wrong configurations on the terminal, experiments, and the workflow started from elsewhere."""

from pathlib import Path

import pytest

from checkout import copy_checkout, snakemake

TARGET = "results/data/coco/integrity.json"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


def refused(folder: Path, *arguments: str) -> str:
    """What a start prints that must not go on."""
    done = snakemake("--cores", "1", "--dry-run", *arguments, folder=folder)
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).splitlines()
    assert len(lines) <= 8 and not any("Traceback" in line for line in lines)
    return "\n".join(lines)


def test_faults_fit_eight_lines_with_the_option_or_file_that_holds_them(checkout):
    more = checkout / "mine.yaml"
    more.write_text("bootstrap: { resamples: 5 }\ntraining: { percision: auto }\n")
    faults = refused(
        checkout,
        TARGET,
        *("--configfile", "mine.yaml", "--workflow-profile", "profiles/slrum"),
        *("--config", "scale=demo", "overrides={coco-unet: {models: {unett: {epochs: 2}}}}"),
    )
    for part in (
        "--workflow-profile: found 'profiles/slrum'",
        "mine.yaml bootstrap.resamples: found 5",
        "mine.yaml training.percision: unknown key; did you mean precision?",
        "--config overrides.coco-unet.models.unett: study coco-unet has no model 'unett'",
    ):
        assert part in faults


def test_unknown_targets_are_listed(checkout):
    wrong = ("results/coco-unet/unett/metrics.json", "results/x/y", "results/data/coco/cases.csv")
    faults = refused(checkout, "coco_unett", *wrong)
    for part in (
        "target coco_unett: there is no such target; did you mean coco_unet?",
        "study coco-unet has no model 'unett'; did you mean unet?",
        "target results/data/coco/cases.csv: no rule makes it",
        "there is no study 'x'",
    ):
        assert part in faults


def test_the_workflow_starts_from_elsewhere(checkout, tmp_path):
    small = ("--cores", "1", TARGET, "--config", "phantoms={coco: {patients: 3, size: 32}}")
    away, scratch = tmp_path / "away", tmp_path / "scratch"
    away.mkdir()
    done = snakemake("-s", str(checkout / "Snakefile"), *small, folder=away)
    assert done.returncode == 0, done.stderr
    assert (away / TARGET).is_file()
    done = snakemake("--directory", str(scratch), *small, folder=checkout)
    assert done.returncode == 0, done.stderr
    assert (scratch / TARGET).read_bytes() == (away / TARGET).read_bytes()
    assert not (checkout / "results").exists()
    done = snakemake("-s", "../Snakefile", "-n", *small, folder=checkout / "config")
    assert done.returncode == 0, done.stderr


def test_an_experiment_has_a_folder_of_its_own(checkout):
    small = "phantoms={coco: {patients: 3, size: 32}}"
    arguments = ("--cores", "1", TARGET, "--config", small, "experiment=small")
    done = snakemake(*arguments, folder=checkout)
    assert done.returncode == 0, done.stderr
    folder = checkout / "experiments" / "small"
    assert (folder / TARGET).is_file() and (folder / "logs" / "index" / "coco.log").is_file()
    assert {path.name for path in folder.iterdir()} == {
        *("results", "logs", "resources", ".snakemake"),
    }
    assert not (checkout / "results").exists() and not (checkout / "resources").exists()
    done = snakemake("-n", *arguments, folder=checkout)
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_claim_on_a_model_that_its_study_does_not_have_stops_before_any_job(checkout, tmp_path):
    folder = copy_checkout(tmp_path / "copy")
    table = folder / "config" / "claims.tsv"
    table.write_text(table.read_text().replace("\tcoco-unet\tunet\t", "\tcoco-unet\tvnet\t", 1))
    assert "claim coco-unet.001 is of model 'vnet'; coco-unet has unet" in refused(folder)
