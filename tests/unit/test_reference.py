"""The numbers of the real runs: what is written of them is what their tables hold."""

from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "reports" / "reference"
NAME = "lgg-110-patients-five-folds"
PAGES = {
    page: " ".join((ROOT / page).read_text().split())
    for page in ("README.md", "docs/real-audit.md", "reports/reference/README.md")
}


def table(name):
    return pd.read_csv(TABLES / f"{NAME}-{name}.csv")


def leak(convention, metric="dice"):
    rows = table("leak")
    return rows[(rows["metric"] == metric) & (rows["convention"] == convention)].iloc[0]


def spelled(row, value, sign="+"):
    return f"{row[value]:{sign}.3f} ({row['ci_low']:.3f} to {row['ci_high']:.3f})"


@pytest.mark.parametrize("page", ["docs/real-audit.md", "reports/reference/README.md"])
@pytest.mark.parametrize("convention", ["patient", "pooled"])
def test_what_the_leak_adds(page, convention):
    assert spelled(leak(convention), "difference") in PAGES[page]


def test_the_first_screen_says_the_same():
    assert spelled(leak("patient"), "difference", "") in PAGES["README.md"]


def test_every_training_is_in_the_table_and_every_patient_is_tested_once():
    runs = table("runs")
    row = leak("patient")
    assert len(runs) == 2 * row["folds"] * row["seeds"]
    for _, one in runs.groupby(
        runs["run"].str.extract(r"(leak\d+)-f\d+(-s\d+)").agg("".join, axis=1)
    ):
        assert one["test_patients"].sum() == row["patients"] == 110
    pairs = runs["run"].str.partition("-")[2]
    assert (runs.groupby(pairs)["training_slices"].nunique() == 1).all()


def test_the_mean_of_the_trainings_is_the_difference():
    # By hand: folds are of equal size, so that the mean over runs is the mean over patients.
    runs = table("runs").assign(arm=lambda rows: rows["run"].str.partition("-")[0])
    means = runs.groupby("arm")["dice_patient"].mean()
    assert means["leak100"] - means["leak0"] == pytest.approx(
        leak("patient")["difference"], abs=2e-3
    )


def test_the_ranking_of_the_encoders():
    rows = table("ranking")
    rows = rows[rows["convention"] == "patient"].set_index("model")
    assert (rows["patients"] == 110).all()
    for model in ("unet", "unet-vgg16", "unet-resnet50", "unet-resnet50-frozen"):
        row = rows.loc[model]
        line = f"| `{model}` | {row['value']:.3f} | {row['ci_low']:.3f} to {row['ci_high']:.3f} |"
        assert line in PAGES["docs/real-audit.md"], line
    pairs = table("pairs")
    pairs = pairs[pairs["convention"] == "patient"].set_index(["model_a", "model_b"])
    for other in ("unet", "unet-vgg16", "unet-resnet50-frozen"):
        there = ("unet-resnet50", other) in pairs.index
        row = pairs.loc[("unet-resnet50", other) if there else (other, "unet-resnet50")]
        low, high = (row["ci_low"], row["ci_high"]) if there else (-row["ci_high"], -row["ci_low"])
        said = f"{abs(row['difference']):.3f} ({low:.3f} to {high:.3f})"
        assert said in PAGES["docs/real-audit.md"], said
