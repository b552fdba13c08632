"""Score and compare models over all folds together, so that each patient is tested once.

.venv/bin/python reports/reference/ranking.py experiments/five-folds/results/lgg-encoders

Prints two tables as CSV: Dice of each model, and the difference of each pair.
"""

import sys
from pathlib import Path

import pandas as pd

from gliomake.files.tsv import read_tsv
from gliomake.scoring.stages import RunTables, compare_study, score_model

SPLIT, RULES = "patient", ("patient", "pooled")
BOOTSTRAP = {"resamples": 10_000, "seed": 0}


def main() -> None:
    """Print both tables."""
    models = {}
    for folder in sorted(Path(sys.argv[1]).iterdir()):
        runs = sorted(folder.glob(f"{SPLIT}-f*-s0/counts.tsv"))
        if runs:
            # Folds share no test patient, so that their rows together are one test set.
            tables = [read_tsv(run) for run in runs]
            counts = pd.concat([table[table["subset"] == "test"] for table in tables])
            models[folder.name] = RunTables(counts)
    runs_of = f"{SPLIT}, {len(runs)} folds"
    scores = [
        {"model": model, **row}
        for model, tables in models.items()
        for row in score_model(
            {runs_of: tables}, task="segmentation", metrics=["dice"], bootstrap=BOOTSTRAP
        )
    ]
    pairs = compare_study(models, run=runs_of, metrics=["dice"], bootstrap=BOOTSTRAP)
    for table in (pd.DataFrame(scores), pairs):
        chosen = table[table["convention"].isin(RULES) & ~table["postprocess"].astype(bool)]
        print(chosen.round(4).to_csv(index=False))


if __name__ == "__main__":
    main()
