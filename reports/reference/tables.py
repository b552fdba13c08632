"""Make the small tables of this folder from a finished build on the whole LGG set.

.venv/bin/python reports/reference/tables.py leak results/lgg-encoders
.venv/bin/python reports/reference/tables.py ranking experiments/five-folds/results/lgg-encoders
"""

import sys
from pathlib import Path

import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.scoring.stages import RunTables, compare_study, score_model

HERE = Path(__file__).parent
NAME = "lgg-110-patients-five-folds"
BOOTSTRAP = {"resamples": 10_000, "seed": 0}


def leak(study: Path) -> dict[str, pd.DataFrame]:
    """Tabulate what the leak adds, the Dice of each training, and the spread over runs."""
    rows = []
    for folder in sorted(study.glob("unet/leak*")):
        counts = read_tsv(folder / "counts.tsv")
        counts = counts[counts["subset"] == "test"]
        split = read_tsv(study / "split" / f"{folder.name.rpartition('-')[0]}.tsv")
        dice = {
            row["convention"]: row["value"] for row in _dice({folder.name: RunTables(counts)}, 100)
        }
        rows.append(
            {
                "run": folder.name,
                "test_patients": counts["patient"].nunique(),
                "dice_patient": dice["patient"],
                "dice_pooled": dice["pooled"],
                "training_slices": int((split["subset"] == "train").sum()),
                "epochs": len(read_tsv(folder / "history.tsv")),
            }
        )
    effects = read_tsv(study / "leakage.tsv").drop(columns="postprocess")
    spread = read_tsv(study / "spread.tsv").drop(columns="postprocess")
    return {"leak": effects, "runs": pd.DataFrame(rows), "spread": spread}


def ranking(study: Path) -> dict[str, pd.DataFrame]:
    """Score each model over all folds, so that each patient is tested once, and compare pairs."""
    models = {}
    for folder in sorted(study.iterdir()):
        runs = sorted(folder.glob("patient-f*-s0"))
        if runs:
            # Folds share no test patient, so that their rows together are one test set.
            tables = [read_tsv(run / "counts.tsv") for run in runs]
            counts = pd.concat([table[table["subset"] == "test"] for table in tables])
            models[folder.name] = RunTables(counts)
    scores = [
        {"model": model, "folds": len(runs), "patients": tables.counts["patient"].nunique()} | row
        for model, tables in models.items()
        for row in _dice({"patient": tables}, **BOOTSTRAP)
    ]
    pairs = compare_study(models, run="patient", metrics=["dice"], bootstrap=BOOTSTRAP)
    pairs = pairs[pairs["convention"].isin(("patient", "pooled"))]
    return {"ranking": pd.DataFrame(scores), "pairs": pairs.drop(columns=["run", "postprocess"])}


def _dice(runs: dict[str, RunTables], resamples: int, seed: int = 0) -> list[dict]:
    bootstrap = {"resamples": resamples, "seed": seed}
    rows = score_model(runs, task="segmentation", metrics=["dice"], bootstrap=bootstrap)
    keys = ("convention", "value", "ci_low", "ci_high", "n")
    return [{key: row[key] for key in keys} for row in rows if not row["postprocess"]]


if __name__ == "__main__":
    for name, table in {"leak": leak, "ranking": ranking}[sys.argv[1]](Path(sys.argv[2])).items():
        table.round(4).to_csv(HERE / f"{NAME}-{name}.csv", index=False)
        print(f"{NAME}-{name}.csv: {len(table)} rows")
