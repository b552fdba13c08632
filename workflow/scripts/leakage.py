"""Measure what leakage adds to each score, and what fold, seed and model move."""

from adapter import logged
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.stages import measure_leaks, paired_runs
from gliomake.study.model import Study


def main(snakemake):
    runs = paired_runs(Study.of(snakemake.params.study))
    leaks = measure_leaks(
        dict(zip(runs, map(read_tsv, snakemake.input.counts), strict=True)),
        bootstrap=snakemake.params.bootstrap,
    )
    write_tsv(leaks.effects, snakemake.output.leakage)
    write_tsv(leaks.spread, snakemake.output.spread)


logged(main, snakemake)  # noqa: F821
