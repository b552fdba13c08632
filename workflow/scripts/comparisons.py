"""Compare a study's models pair by pair on the same patients."""

from adapter import logged
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.stages import compare_study


def main(snakemake):
    files, params = snakemake.input, snakemake.params
    table = compare_study(
        dict(zip(params.models, map(read_tsv, files.counts), strict=True)),
        dict(zip(params.models, map(read_tsv, files.distances), strict=True)),
        run=params.run,
        metrics=params.metrics,
        bootstrap=params.bootstrap,
    )
    write_tsv(table, snakemake.output.comparisons)


logged(main, snakemake)  # noqa: F821
