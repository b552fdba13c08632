"""Measure what a leak adds, and what fold, seed and model move."""

import pandas as pd

from adapter import logged
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.leakage import leak_effects, spread
from gliomake.study.paths import model_and_run


def main(snakemake):
    counts = {}
    for path in snakemake.input.counts:
        model, run = model_and_run(path)
        counts.setdefault(model, {})[run] = read_tsv(path)
    effects = [
        leak_effects(runs, model, **snakemake.params.bootstrap) for model, runs in counts.items()
    ]
    write_tsv(pd.concat(effects, ignore_index=True), snakemake.output.leakage)
    # The clean partners are a full grid of folds and seeds.
    grid = {(model, run): table for model, runs in counts.items() for run, table in runs.items()}
    write_tsv(spread(grid, split="leak0"), snakemake.output.spread)


logged(main, snakemake)  # noqa: F821
