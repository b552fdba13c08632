"""Compare a study's models pair by pair on the same patients."""

from adapter import logged
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.scoring.stages import RunTables, compare_study


def main(snakemake):
    files, params = snakemake.input, snakemake.params
    measured = zip(files.counts, files.distances, files.regions, files.patients, strict=True)
    tables = [RunTables(*map(read_tsv, paths)) for paths in measured]
    table = compare_study(
        dict(zip(params.models, tables, strict=True)),
        run=params.run,
        metrics=params.metrics,
        bootstrap=params.bootstrap,
    )
    write_tsv(table, snakemake.output.comparisons)


logged(main, snakemake)  # noqa: F821
