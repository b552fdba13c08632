"""One model on four real patients, where the real data lie beside the project."""

import json
from pathlib import Path

import pytest

from checkout import ROOT, copy_checkout, snakemake

REAL = ROOT.parent / "shared" / "data" / "lgg" / "kaggle_3m"
PATIENTS = (
    "TCGA_CS_4942_19970222",
    "TCGA_DU_5851_19950428",
    "TCGA_FG_7634_20000128",
    "TCGA_HT_8018_19970411",
)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real LGG slices are not beside the project")
def test_one_model_builds_on_four_real_patients(tmp_path):
    folder = copy_checkout(tmp_path / "checkout")
    root = tmp_path / "kaggle_3m"
    root.mkdir()
    for name in (*PATIENTS, "data.csv"):
        (root / name).symlink_to(REAL / name)
    overrides = "{lgg-encoders: {training: {epochs: 2}, split: {test: 0.25, val: 0.25}}}"
    done = snakemake(
        "--cores",
        "2",
        "results/lgg-encoders/unet/metrics.json",
        "--config",
        f"datasets={{lgg: {{root: {root}, links: anywhere}}}}",
        f"overrides={overrides}",
        folder=folder,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    integrity = json.loads((folder / "results/data/lgg/integrity.json").read_text())
    assert integrity["data"] == "real"
    assert integrity["fingerprint"]["patients"] == 4
    assert list(integrity["fingerprint"]["missing_sequences"]) == ["TCGA_FG_7634_20000128"]
    rows = json.loads(Path(folder / "results/lgg-encoders/unet/metrics.json").read_text())
    assert any(row["metric"] == "dice" and row["convention"] == "pooled" for row in rows)
