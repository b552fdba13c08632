"""The measurement of a leak, measured: on phantoms where there is one, and where there is none."""

from checkout import copy_checkout, snakemake
from gliomake.files.tsv import read_tsv

LEAKAGE = "results/lgg-encoders/leakage.tsv"


def leak(folder):
    """The pooled Dice that all other slices of the test patients add, with its interval."""
    table = read_tsv(folder / LEAKAGE)
    chosen = table[(table["metric"] == "dice") & (table["convention"] == "pooled")]
    return chosen[chosen["leak"] == 100].iloc[0]


def test_a_planted_leak_is_found(tmp_path):
    # Each patient has two lesions, one of them in the mask: which, only the patient's own texture
    # tells. Models are kept by their training loss, since validation patients tell nothing. Six
    # test patients: an interval over fewer says next to nothing.
    folder = copy_checkout(tmp_path)
    study = (
        "{split: {test: 0.5, val: 0.1}, leakage: {seeds: 1}, training: {epochs: 30, schedule: null,"
        " augment: null, learning_rate: 2e-3, best: {monitor: train_loss, mode: min}}}"
    )
    done = snakemake(
        "--cores",
        "2",
        LEAKAGE,
        "--config",
        "phantoms={lgg: {texture: 0.3, patients: 12, slices: 27}}",
        f"overrides={{lgg-encoders: {study}}}",
        folder=folder,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    row = leak(folder)
    assert row["ci_low"] > 0
    assert row["difference"] > 0.3


def test_without_a_texture_the_interval_holds_zero(demo):
    row = leak(demo)
    assert row["ci_low"] < 0 < row["ci_high"]
